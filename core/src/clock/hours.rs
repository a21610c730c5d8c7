//! The open spans of one day.

/// A day in milliseconds.
pub(super) const DAY: i64 = 86_400_000;

/// The most open spans of one day.
pub const MAX_SPANS: usize = 12;

#[derive(Clone, Copy, Debug)]
struct Span {
    start: i64,
    end: i64,
    /// Open milliseconds of the day before this span.
    before: i64,
}

/// The open spans of a day in milliseconds since midnight, with their sums; without spans the day is closed.
#[derive(Clone, Debug, Default)]
pub(super) struct DayPlan {
    spans: Vec<Span>,
}

impl DayPlan {
    /// The plan of spans in seconds; none where one is empty, out of order or past 24:00, or there are too many.
    pub(super) fn new(hours: &[(u32, u32)]) -> Option<Self> {
        let mut plan = Self::default();
        if hours.len() > MAX_SPANS {
            return None;
        }
        for &(start, end) in hours {
            let (start, end) = (i64::from(start) * 1000, i64::from(end) * 1000);
            if start < plan.closing() || start >= end || end > DAY {
                return None;
            }
            let before = plan.total();
            plan.spans.push(Span { start, end, before });
        }
        Some(plan)
    }

    pub(super) fn is_working(&self) -> bool {
        !self.spans.is_empty()
    }

    /// The open milliseconds of the day.
    pub(super) fn total(&self) -> i64 {
        self.spans.last().map_or(0, |span| span.before + span.end - span.start)
    }

    /// The first opening; 0 where the day is closed.
    pub(super) fn opening(&self) -> i64 {
        self.spans.first().map_or(0, |span| span.start)
    }

    /// The last closing; 0 where the day is closed.
    pub(super) fn closing(&self) -> i64 {
        self.spans.last().map_or(0, |span| span.end)
    }

    /// The open milliseconds before a time of day.
    pub(super) fn open_before(&self, time: i64) -> i64 {
        let begun = self.spans.iter().rev().find(|span| span.start <= time);
        begun.map_or(0, |span| span.before + time.min(span.end) - span.start)
    }

    /// The time itself where it is open, closing instants included, else the next opening of this day.
    pub(super) fn open_at_or_after(&self, time: i64) -> Option<i64> {
        self.spans.iter().find(|span| time <= span.end).map(|span| time.max(span.start))
    }

    /// The earliest time of day before which `used` milliseconds are open; `used` is above zero.
    pub(super) fn earliest(&self, used: i64) -> i64 {
        let span = self.spans.iter().rev().find(|span| span.before < used);
        span.map_or(self.opening(), |span| span.start + used - span.before)
    }

    /// The latest open time of day before which `used` milliseconds are open; `used` is below the total.
    pub(super) fn latest(&self, used: i64) -> i64 {
        let span = self.spans.iter().rev().find(|span| span.before <= used);
        span.map_or(self.opening(), |span| span.start + used - span.before)
    }
}
