//! Sums over days that can be read in both directions.

/// The sum of something over all days before a day, and the day at which a sum is reached.
///
/// A table of prefix sums covers the days that may depart from the week; outside of it the plain week repeats.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    first: i64,
    /// `sums[i]` is the sum over the days from `first` up to, not including, `first + i`.
    sums: Vec<i64>,
    /// The amounts of Monday to Sunday outside of the table; at least one is above zero.
    week: [i64; 7],
}

/// The weekday of a day numbered from 1970-01-01, a Thursday; Monday is 0.
pub(super) fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()
}

impl Ladder {
    /// The ladder over days from `first` with these amounts, and `week` before and after.
    pub(super) fn new(first: i64, amounts: impl Iterator<Item = i64>, week: [i64; 7]) -> Self {
        let mut sums = vec![0];
        let mut sum = 0;
        sums.extend(amounts.map(|amount| {
            sum += amount;
            sum
        }));
        Self { first, sums, week }
    }

    /// The sum over the days before `day`, counted from the first day of the table; negative before it.
    pub(super) fn before(&self, day: i64) -> i64 {
        let index = usize::try_from(day - self.first);
        if let Some(sum) = index.ok().and_then(|index| self.sums.get(index)) {
            return *sum;
        }
        let (edge, sum) = if day < self.first { (self.first, 0) } else { self.end() };
        let days = day - edge;
        let partial: i64 = self.week_from(edge).take(weekday_steps(days)).sum();
        sum + days.div_euclid(7) * self.week_total() + partial
    }

    /// The day on which the sum passes `sum`: `before(day) <= sum < before(day + 1)`.
    pub(super) fn rung(&self, sum: i64) -> i64 {
        let (end, total) = self.end();
        let (edge, beyond) = if sum < 0 {
            (self.first, sum)
        } else if sum >= total {
            (end, sum - total)
        } else {
            let above = self.sums.partition_point(|before| *before <= sum);
            return self.first + as_days(above) - 1;
        };
        let mut rest = beyond.rem_euclid(self.week_total());
        let full_days = self.week_from(edge).take_while(|amount| {
            let full = rest >= *amount;
            rest -= if full { *amount } else { 0 };
            full
        });
        edge + beyond.div_euclid(self.week_total()) * 7 + as_days(full_days.count())
    }

    /// The first day after the table, and the sum of the whole table.
    fn end(&self) -> (i64, i64) {
        (self.first + as_days(self.sums.len()) - 1, self.sums.last().copied().unwrap_or_default())
    }

    fn week_total(&self) -> i64 {
        self.week.iter().sum()
    }

    /// The amounts of one plain week, beginning with the weekday of `day`.
    fn week_from(&self, day: i64) -> impl Iterator<Item = i64> {
        self.week.into_iter().cycle().skip(weekday(day)).take(7)
    }
}

fn weekday_steps(days: i64) -> usize {
    usize::try_from(days.rem_euclid(7)).unwrap_or_default()
}

fn as_days(count: usize) -> i64 {
    i64::try_from(count).unwrap_or_default()
}
