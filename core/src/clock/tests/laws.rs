use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::model::DayHours;

/// Calendars of every shape: the office, round the clock, half an hour a week, nights, irregular days.
static CALENDARS: LazyLock<Vec<(WeeklyHours, WorkCalendar)>> = LazyLock::new(|| {
    let week = |days: [DayHours; 7]| WeeklyHours { days };
    let all_day = || vec![(0, 86_400)];
    let weeks = [
        WeeklyHours::default(),
        week([all_day(), all_day(), all_day(), all_day(), all_day(), all_day(), all_day()]),
        week([vec![], vec![], vec![(36_000, 37_800)], vec![], vec![], vec![], vec![]]),
        week([
            all_day(),
            vec![],
            all_day(),
            vec![(0, 60), (60, 7200)],
            vec![(80_000, 86_400)],
            vec![],
            vec![(5, 9)],
        ]),
    ];
    let calendar = |hours: WeeklyHours| (hours.clone(), WorkCalendar::new(hours, holidays()).unwrap());
    weeks.into_iter().map(calendar).collect()
});

/// Whether a listed day is off.
static HOLIDAYS: LazyLock<HashMap<Date, bool>> =
    LazyLock::new(|| holidays().into_iter().map(|day| (day.date, day.is_off_day)).collect());

/// 2015 to 2045: the table and both sides of it, with instants on the hour as likely as any.
fn moment() -> impl Strategy<Value = Moment> {
    let hours = (394_464..657_450_i64).prop_map(|hour| hour * 3_600_000);
    let halves = (788_928..1_314_900_i64).prop_map(|half| half * 1_800_000);
    prop_oneof![hours, halves, 1_420_070_400_000..2_366_841_600_000_i64].prop_map(Moment::from_millis)
}

/// The open milliseconds from `a` to `b`, by going through every day and span.
fn slow_between(hours: &WeeklyHours, a: Moment, b: Moment) -> i64 {
    let mut sum = 0;
    let mut date = a.date();
    while date <= b.date() {
        let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).unwrap();
        let spans = match HOLIDAYS.get(&date) {
            Some(true) => &[][..],
            Some(_) => &hours.days[0],
            None => &hours.days[weekday],
        };
        let midnight = Moment::from_civil(date.at(0, 0, 0, 0));
        for &(start, end) in spans {
            let from = midnight.plus_seconds(start.into()).max(a);
            let to = midnight.plus_seconds(end.into()).min(b);
            sum += (to.millis() - from.millis()).max(0);
        }
        date = date.tomorrow().unwrap();
    }
    sum
}

proptest! {
    #[test]
    fn between_agrees_with_going_through_the_days(
        which in 0..4_usize, a in moment(), length in 0..40 * DAY,
    ) {
        let (hours, calendar) = &CALENDARS[which];
        let b = a.plus_millis(length);
        prop_assert_eq!(calendar.working_millis_between(a, b), slow_between(hours, a, b));
    }

    #[test]
    fn between_is_additive_and_signed(which in 0..4_usize, a in moment(), b in moment(), c in moment()) {
        let between = |from, to| CALENDARS[which].1.working_millis_between(from, to);
        prop_assert_eq!(between(a, b) + between(b, c), between(a, c));
        prop_assert_eq!(between(a, b), -between(b, a));
        prop_assert!((between(a, b) >= 0) || b < a);
        prop_assert!(between(a, b).abs() <= (b.millis() - a.millis()).abs());
    }

    #[test]
    fn adding_is_the_inverse_of_between_and_ends_in_open_time(
        which in 0..4_usize, from in moment(), seconds in -3_000_000..3_000_000_i64,
    ) {
        let calendar = &CALENDARS[which].1;
        let to = calendar.add_working_seconds(from, seconds);
        prop_assert_eq!(calendar.working_seconds_between(from, to), seconds);
        prop_assert_eq!(calendar.working_millis_between(from, to), seconds * 1000);
        prop_assert!(calendar.is_open(to), "{} is closed", to);
        let forwards = to >= from;
        prop_assert_eq!(forwards, seconds >= 0);
    }

    #[test]
    fn adding_in_two_steps_is_adding_once(
        which in 0..4_usize, from in moment(), first in 0..1_000_000_i64, second in 0..1_000_000_i64,
    ) {
        let calendar = &CALENDARS[which].1;
        let halfway = calendar.add_working_seconds(from, first);
        let twice = calendar.add_working_seconds(halfway, second);
        prop_assert_eq!(twice, calendar.add_working_seconds(from, first + second));
    }

    #[test]
    fn deadlines_are_monotone_in_start_and_amount(
        which in 0..4_usize, a in moment(), ahead in 0..10 * DAY, amount in 1..400_u32,
        unit in prop::sample::select(&LimitUnit::ALL),
    ) {
        let calendar = &CALENDARS[which].1;
        let due = |from, amount| calendar.deadline(from, Limit { amount, unit });
        prop_assert!(due(a, amount) <= due(a.plus_millis(ahead), amount));
        prop_assert!(due(a, amount) < due(a, amount + 1));
        prop_assert!(due(a, amount) > a);
    }

    #[test]
    fn deadlines_in_working_time_are_open(
        which in 0..4_usize, from in moment(), amount in 1..400_u32,
        unit in prop::sample::select(&[LimitUnit::WorkingHours, LimitUnit::WorkingDays]),
    ) {
        let calendar = &CALENDARS[which].1;
        let due = calendar.deadline(from, Limit { amount, unit });
        prop_assert!(calendar.is_open(due), "{} is closed", due);
    }

    #[test]
    fn working_days_pass_one_by_one(which in 0..4_usize, from in moment(), amount in 1..60_u32) {
        let (hours, calendar) = &CALENDARS[which];
        let start = calendar.add_working_seconds(from, 0);
        let due = calendar.deadline(from, Limit { amount, unit: LimitUnit::WorkingDays });
        // A closing at midnight is an instant of the next date but belongs to the day before. What starts at a closing is
        // due at one, also where the next day opens at the same instant.
        let owner = |at: Moment, closes: bool| {
            let midnight = at.civil().time() == jiff::civil::Time::midnight();
            let before = at.plus_millis(-1);
            let opens = is_working(hours, at.date()) && slow_between(hours, at, at.plus_millis(1)) > 0;
            if midnight && (closes || !opens) { before.date() } else { at.date() }
        };
        let (mut day, mut counted) = (owner(start, false), 0);
        let last = owner(due, day < start.date());
        while day < last {
            day = day.tomorrow().unwrap();
            counted += u32::from(is_working(hours, day));
        }
        prop_assert_eq!(counted, amount, "{} to {}", start, due);
    }
}

/// From a closing at midnight, Friday's, to one that is the next opening too, Wednesday's.
#[test]
fn a_closing_at_midnight_is_due_at_a_closing() {
    let calendar = &CALENDARS[3].1;
    let at = |text: &str| text.parse::<Moment>().unwrap();
    let due = calendar
        .deadline(at("2035-10-06T00:00:00+08:00"), Limit { amount: 18, unit: LimitUnit::WorkingDays });
    assert_eq!(due, at("2035-11-01T00:00:00+08:00"));
}

fn is_working(hours: &WeeklyHours, date: Date) -> bool {
    let midnight = Moment::from_civil(date.at(0, 0, 0, 0));
    slow_between(hours, midnight, midnight.plus_millis(DAY - 1)) > 0
}
