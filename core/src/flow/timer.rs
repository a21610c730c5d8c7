//! One running clock: from when, for how long, stopped or not, and how often its end was passed.

use serde::{Deserialize, Serialize};

use super::order_words::Pressure;
use crate::clock::WorkCalendar;
use crate::model::Limit;
use crate::time::Moment;

/// A piece of the time that a clock grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Span {
    /// A limit, or an extension by one.
    Limit(Limit),
    /// How long the clock was stopped, milliseconds in its measure. It is the end that moves: what was left
    /// would name the closing of a day where the end was the opening of the next.
    Stopped(i64),
    /// A length that was given outright, milliseconds in the clock's measure.
    Known(i64),
}

/// A clock that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stop {
    at: Moment,
    /// Milliseconds in the clock's measure; negative where it was late already.
    left: i64,
}

/// The clock of a phase or of a work order.
///
/// It measures in open time where its limit is counted so (工作时, 工作日), else round the clock. What is kept is
/// what the deadline follows from, so that a changed calendar can move it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// From when the spans run.
    from: Moment,
    spans: Vec<Span>,
    working: bool,
    /// All time granted, milliseconds in the clock's measure.
    total: i64,
    due: Moment,
    soon: Moment,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    stopped: Option<Stop>,
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    warned: bool,
    #[serde(skip_serializing_if = "is_zero", default)]
    breaches: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Timer {
    /// A clock of `limit` that starts at `now`; it is due soon once `soon_percent` of the time has passed.
    pub fn start(now: Moment, limit: Limit, soon_percent: u8, calendar: &WorkCalendar) -> Self {
        let mut timer = Self {
            from: now,
            spans: vec![Span::Limit(limit)],
            working: limit.unit.is_working(),
            total: 0,
            due: now,
            soon: now,
            stopped: None,
            warned: false,
            breaches: 0,
        };
        timer.count(calendar);
        timer.set_soon(soon_percent, calendar);
        timer
    }

    /// A clock for work of which only the beginning and the end are known; it measures round the clock.
    pub fn until(from: Moment, due: Moment) -> Self {
        let total = due.millis() - from.millis();
        Self {
            from,
            spans: vec![Span::Known(total)],
            working: false,
            total,
            due,
            soon: due,
            stopped: None,
            warned: false,
            breaches: 0,
        }
    }

    /// When it ends; meaningless while it is stopped.
    pub const fn due(&self) -> Moment {
        self.due
    }

    /// From when it is due soon.
    pub const fn soon(&self) -> Moment {
        self.soon
    }

    /// Whether it is stopped.
    pub const fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// When it ends, where it runs.
    pub fn running_due(&self) -> Option<Moment> {
        (!self.is_stopped()).then_some(self.due)
    }

    /// How often its end was noted as passed.
    pub const fn breaches(&self) -> u32 {
        self.breaches
    }

    /// Whether the remaining time is counted in open time.
    pub const fn is_working(&self) -> bool {
        self.working
    }

    /// The time left at `now`, milliseconds in the clock's measure; negative once it is late.
    pub fn remaining(&self, now: Moment, calendar: &WorkCalendar) -> i64 {
        match self.stopped {
            Some(stop) => stop.left,
            None => self.measure(now, self.due, calendar),
        }
    }

    /// Whether time presses at `now`; a stopped clock presses only if it was late already.
    pub fn pressure(&self, now: Moment) -> Pressure {
        match self.stopped {
            Some(stop) if stop.left > 0 => Pressure::Normal,
            Some(_) => Pressure::Overdue,
            None if self.due <= now => Pressure::Overdue,
            None if self.soon <= now => Pressure::DueSoon,
            None => Pressure::Normal,
        }
    }

    /// Stops it; nothing happens where it is stopped already.
    pub fn stop(&mut self, now: Moment, calendar: &WorkCalendar) {
        if self.stopped.is_none() {
            self.stopped = Some(Stop { at: now, left: self.measure(now, self.due, calendar) });
        }
    }

    /// Lets it run again with what was left; nothing happens where it runs.
    pub fn resume(&mut self, now: Moment, soon_percent: u8, calendar: &WorkCalendar) {
        let Some(stop) = self.stopped.take() else { return };
        let rested = self.measure(stop.at, now, calendar);
        // Rests between two extensions are one, so that a clock does not grow with each.
        match self.spans.last_mut() {
            _ if rested <= 0 => {}
            Some(Span::Stopped(millis)) => *millis = millis.saturating_add(rested),
            _ => self.spans.push(Span::Stopped(rested)),
        }
        // Also where it rested for no time: the calendar may have changed meanwhile.
        self.count(calendar);
        self.set_soon(soon_percent, calendar);
    }

    /// Grants more time. A clock that is in time again warns anew, and a new end can be passed anew.
    pub fn extend(&mut self, now: Moment, limit: Limit, soon_percent: u8, calendar: &WorkCalendar) {
        self.spans.push(Span::Limit(limit));
        self.count(calendar);
        self.set_soon(soon_percent, calendar);
        self.renew(now);
    }

    /// Forgets what was told of an end that has moved into the future.
    pub(super) fn renew(&mut self, now: Moment) {
        if self.due > now {
            self.breaches = 0;
            self.warned &= self.soon <= now;
        }
    }

    /// Computes the end anew after a change of the calendar; says whether it moved.
    pub fn recount(&mut self, soon_percent: u8, calendar: &WorkCalendar) -> bool {
        if self.is_stopped() {
            return false;
        }
        let (due, soon) = (self.due, self.soon);
        self.count(calendar);
        self.set_soon(soon_percent, calendar);
        (due, soon) != (self.due, self.soon)
    }

    /// When it next has to be looked at: when it is due soon, when it is due, and after that each `again`.
    pub fn next(&self, again: Limit, calendar: &WorkCalendar) -> Option<Moment> {
        if self.is_stopped() {
            return None;
        }
        if !self.warned && self.breaches == 0 {
            return Some(self.soon.min(self.due));
        }
        let mut at = self.due;
        for _ in 0..self.breaches {
            at = calendar.deadline(at, again);
        }
        Some(at)
    }

    /// Whether it was warned that it is due soon.
    pub const fn is_warned(&self) -> bool {
        self.warned
    }

    /// Notes that the warning was given.
    pub(super) const fn warned(&mut self) {
        self.warned = true;
    }

    /// Notes that its end was passed (once more).
    pub(super) const fn breached(&mut self) {
        self.warned = true;
        self.breaches += 1;
    }

    /// Sets the end and all that was granted, both by the calendar as it is now: a working day is as long as its hours.
    fn count(&mut self, calendar: &WorkCalendar) {
        (self.due, self.total) = self.spans.iter().fold((self.from, 0), |(at, total), span| match span {
            Span::Limit(limit) => {
                let end = calendar.deadline(at, *limit);
                (end, total + self.measure(at, end, calendar))
            }
            Span::Known(millis) => (self.shift(at, *millis, calendar), total + millis),
            Span::Stopped(millis) => (self.shift(at, *millis, calendar), total),
        });
    }

    fn set_soon(&mut self, percent: u8, calendar: &WorkCalendar) {
        let rest = self.total / 100 * i64::from(100 - percent.min(100));
        self.soon = self.shift(self.due, -rest, calendar).min(self.due);
    }

    fn measure(&self, a: Moment, b: Moment, calendar: &WorkCalendar) -> i64 {
        if self.working { calendar.working_millis_between(a, b) } else { b.millis() - a.millis() }
    }

    fn shift(&self, at: Moment, millis: i64, calendar: &WorkCalendar) -> Moment {
        if self.working { calendar.add_working_millis(at, millis) } else { at.plus_millis(millis) }
    }
}
