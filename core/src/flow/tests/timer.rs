//! One clock: laws over all calendars and units, and written-out vectors across holidays.

use std::sync::LazyLock;

use proptest::prelude::*;

use crate::clock::WorkCalendar;
use crate::demo;
use crate::flow::{Pressure, Timer};
use crate::import::read_calendar;
use crate::model::{Limit, LimitUnit, WeeklyHours};
use crate::time::Moment;

const SOON: u8 = 75;
const DAY: i64 = 86_400_000;

/// The office with the holidays of 2018 to 2026, and one of nights and half days.
static CALENDARS: LazyLock<[WorkCalendar; 2]> = LazyLock::new(|| {
    let days = || read_calendar(demo::CALENDAR_CSV).unwrap().into_iter().map(|line| line.row.unwrap());
    let odd = [
        vec![(0, 86_400)],
        vec![],
        vec![(0, 60), (60, 7200)],
        vec![],
        vec![(80_000, 86_400)],
        vec![],
        vec![],
    ];
    let odd = WeeklyHours { days: odd };
    [WorkCalendar::new(WeeklyHours::default(), days()).unwrap(), WorkCalendar::new(odd, days()).unwrap()]
});

fn at(civil: &str) -> Moment {
    Moment::from_civil(civil.replace(' ', "T").parse().unwrap())
}

fn civil(moment: Moment) -> String {
    let text = moment.to_string().replace('T', " ").replace("+08:00", "");
    text.strip_suffix(":00.000").unwrap_or(&text).to_owned()
}

/// 2023 to 2027, on the half hour as likely as anywhere.
fn moment() -> impl Strategy<Value = Moment> {
    let halves = (929_088..1_016_832_i64).prop_map(|half| half * 1_800_000);
    prop_oneof![halves, 1_672_358_400_000..1_830_297_600_000_i64].prop_map(Moment::from_millis)
}

fn limit() -> impl Strategy<Value = Limit> {
    (1..60_u32, prop::sample::select(&LimitUnit::ALL)).prop_map(|(amount, unit)| Limit { amount, unit })
}

/// The time from `a` to `b` in the measure of the clock.
fn measure(timer: &Timer, calendar: &WorkCalendar, a: Moment, b: Moment) -> i64 {
    if timer.is_working() { calendar.working_millis_between(a, b) } else { b.millis() - a.millis() }
}

proptest! {
    #![proptest_config(super::random::fixed(256))]

    #[test]
    fn what_remains_and_what_has_passed_are_all_that_was_granted(
        which in 0..2_usize, start in moment(), limit in limit(), first in 0..40 * DAY, second in 0..40 * DAY,
    ) {
        let calendar = &CALENDARS[which];
        let timer = Timer::start(start, limit, SOON, calendar);
        let (halfway, end) = (start.plus_millis(first), start.plus_millis(first + second));
        let left = |now| timer.remaining(now, calendar);
        prop_assert_eq!(left(start) - left(halfway), measure(&timer, calendar, start, halfway));
        prop_assert_eq!(left(halfway) - left(end), measure(&timer, calendar, halfway, end));
        prop_assert!(left(start) >= left(halfway) && left(halfway) >= left(end), "it never grows");
        prop_assert_eq!(left(timer.due()), 0);
        prop_assert_eq!(timer.due(), calendar.deadline(start, limit));
        prop_assert!(start <= timer.soon() && timer.soon() <= timer.due());
    }

    #[test]
    fn it_is_monotone_in_start_and_length(
        which in 0..2_usize, start in moment(), later in 0..10 * DAY, limit in limit(),
    ) {
        let calendar = &CALENDARS[which];
        let due = |from, amount| Timer::start(from, Limit { amount, ..limit }, SOON, calendar).due();
        prop_assert!(due(start, limit.amount) <= due(start.plus_millis(later), limit.amount));
        prop_assert!(due(start, limit.amount) < due(start, limit.amount + 1));
    }

    #[test]
    fn a_deadline_in_working_time_is_open_and_pressure_follows_it(
        which in 0..2_usize, start in moment(), limit in limit(), ahead in 0..20 * DAY, rest in 0..20 * DAY,
    ) {
        let calendar = &CALENDARS[which];
        let mut timer = Timer::start(start, limit, SOON, calendar);
        timer.stop(start.plus_millis(ahead), calendar);
        timer.resume(start.plus_millis(ahead + rest), SOON, calendar);
        if limit.unit.is_working() {
            prop_assert!(calendar.is_open(timer.due()), "{} is closed", timer.due());
        }
        prop_assert_eq!(timer.pressure(timer.due()), Pressure::Overdue);
        prop_assert_ne!(timer.pressure(timer.due().plus_millis(-1)), Pressure::Overdue);
        prop_assert_ne!(timer.pressure(timer.soon()), Pressure::Normal);
        prop_assert_eq!(timer.pressure(timer.soon().plus_millis(-1)), Pressure::Normal);
    }

    #[test]
    fn stopped_for_a_while_it_ends_later_by_exactly_that_time(
        which in 0..2_usize, start in moment(), limit in limit(),
        rests in prop::collection::vec((0..10 * DAY, 0..10 * DAY), 1..5),
    ) {
        let calendar = &CALENDARS[which];
        let mut timer = Timer::start(start, limit, SOON, calendar);
        let mut now = start;
        for (runs, rests) in rests {
            now = now.plus_millis(runs);
            let (due, left) = (timer.due(), timer.remaining(now, calendar));
            timer.stop(now, calendar);
            let back = now.plus_millis(rests);
            prop_assert_eq!(timer.remaining(back, calendar), left, "nothing passes while it is stopped");
            prop_assert_eq!(timer.running_due(), None);
            timer.resume(back, SOON, calendar);
            let moved = measure(&timer, calendar, due, timer.due());
            prop_assert_eq!(moved, measure(&timer, calendar, now, back));
            prop_assert_eq!(timer.remaining(back, calendar), left);
            now = back;
        }
        let mut again = timer.clone();
        prop_assert!(!again.recount(SOON, calendar), "with the same calendar nothing moves");
        prop_assert_eq!(again, timer);
    }

    #[test]
    fn stopped_and_resumed_at_once_it_is_as_before(
        which in 0..2_usize, start in moment(), limit in limit(), more in limit(), ahead in 0..30 * DAY,
    ) {
        let calendar = &CALENDARS[which];
        let now = start.plus_millis(ahead);
        let mut timer = Timer::start(start, limit, SOON, calendar);
        timer.extend(start, more, SOON, calendar);
        let before = timer.clone();
        timer.stop(now, calendar);
        timer.stop(now.plus_millis(5), calendar);
        timer.resume(now, SOON, calendar);
        timer.resume(now.plus_millis(7), SOON, calendar);
        prop_assert_eq!(timer, before);
    }

    #[test]
    fn counted_anew_it_is_as_if_it_had_started_under_the_new_calendar(
        start in moment(), limit in limit(), more in limit(),
    ) {
        let [old, new] = &*CALENDARS;
        let both = |calendar: &WorkCalendar| {
            let mut timer = Timer::start(start, limit, SOON, calendar);
            timer.extend(start, more, SOON, calendar);
            timer
        };
        let mut moved = both(old);
        moved.recount(SOON, new);
        prop_assert_eq!(moved, both(new), "its end, and from when it is due soon");
    }

    #[test]
    fn a_new_calendar_moves_the_end_once_and_back(
        start in moment(), limit in limit(), ahead in 0..10 * DAY, rest in 0..10 * DAY,
    ) {
        let [old, new] = &*CALENDARS;
        let mut timer = Timer::start(start, limit, SOON, old);
        timer.stop(start.plus_millis(ahead), old);
        let mut stopped = timer.clone();
        prop_assert!(!stopped.recount(SOON, new), "what is stopped has no end to move");
        timer.resume(start.plus_millis(ahead + rest), SOON, old);
        let mut moved = timer.clone();
        moved.recount(SOON, new);
        prop_assert!(!moved.recount(SOON, new));
        moved.recount(SOON, old);
        prop_assert_eq!(&moved, &timer);
        let text = serde_json::to_string(&timer).unwrap();
        prop_assert_eq!(serde_json::from_str::<Timer>(&text).unwrap(), timer);
    }
}

/// What is done with a clock, at which civil time.
enum Do {
    Stop(&'static str),
    Resume(&'static str),
    Extend(&'static str, u32, LimitUnit),
}

#[test]
fn ends_across_holidays_with_stops_and_extensions() {
    use Do::{Extend, Resume, Stop};
    use LimitUnit::{Days, UrgentHours, WorkingDays, WorkingHours};
    let table: &[(&str, u32, LimitUnit, &[Do], &str)] = &[
        // Spring Festival 2024: off 10-17 February, worked on the Sundays 4 and 18.
        ("2024-02-09 16:00", 2, WorkingDays, &[], "2024-02-19 16:00"),
        ("2024-02-09 16:00", 4, WorkingHours, &[], "2024-02-18 10:00"),
        // Spring Festival 2025: off 28 January to 4 February, worked on Sunday 26 January and Saturday 8 February.
        ("2025-01-24 17:00", 1, WorkingDays, &[], "2025-01-26 17:00"),
        ("2025-01-27 10:00", 4, WorkingDays, &[], "2025-02-08 10:00"),
        // Stopped from the last afternoon before the festival to the first morning after it: two open hours pass in which the clock rests.
        (
            "2026-02-13 10:00",
            13,
            WorkingHours,
            &[Stop("2026-02-14 17:00"), Resume("2026-02-24 09:00")],
            "2026-02-24 10:00",
        ),
        (
            "2026-02-13 16:00",
            8,
            WorkingHours,
            &[Stop("2026-02-14 09:00"), Resume("2026-02-24 09:00")],
            "2026-02-24 16:30",
        ),
        // A make-up Saturday counts as a day of rest of the clock too.
        (
            "2026-02-27 09:00",
            2,
            WorkingDays,
            &[Stop("2026-02-28 08:00"), Resume("2026-02-28 12:00")],
            "2026-03-02 15:30",
        ),
        // Due on the eve of National Day at closing, then extended by one working day and by one hour.
        ("2026-09-30 15:00", 3, WorkingHours, &[], "2026-09-30 18:00"),
        (
            "2026-09-29 17:30",
            1,
            WorkingDays,
            &[Extend("2026-09-30 10:00", 1, WorkingDays)],
            "2026-10-08 17:30",
        ),
        (
            "2025-09-30 15:00",
            3,
            WorkingHours,
            &[Extend("2025-09-30 16:00", 1, WorkingHours)],
            "2025-10-09 09:00",
        ),
        (
            "2024-09-29 16:00",
            1,
            WorkingDays,
            &[
                Stop("2024-09-30 10:00"),
                Resume("2024-10-08 10:00"),
                Extend("2024-10-08 10:30", 4, WorkingDays),
            ],
            "2024-10-12 16:00",
        ),
        // Round the clock no holiday counts.
        (
            "2026-09-30 23:00",
            2,
            UrgentHours,
            &[Extend("2026-10-01 00:30", 1, UrgentHours)],
            "2026-10-01 02:00",
        ),
        (
            "2025-12-31 12:00",
            3,
            Days,
            &[Stop("2026-01-01 00:00"), Resume("2026-01-02 06:30")],
            "2026-01-04 18:30",
        ),
        // Across the end of a year, where New Year's Day 2025 is off.
        ("2024-12-31 16:00", 4, WorkingHours, &[], "2025-01-02 10:00"),
        // Closed time between stop and resume moves nothing, and keeps the end at an opening.
        (
            "2026-03-14 10:00",
            1,
            WorkingDays,
            &[Stop("2026-03-16 18:00"), Resume("2026-03-17 03:00")],
            "2026-03-17 08:00",
        ),
    ];
    let calendar = &CALENDARS[0];
    for (start, amount, unit, steps, due) in table {
        let mut timer = Timer::start(at(start), Limit::new(*amount, *unit), SOON, calendar);
        for step in *steps {
            match step {
                Stop(now) => timer.stop(at(now), calendar),
                Resume(now) => timer.resume(at(now), SOON, calendar),
                Extend(now, amount, unit) => {
                    timer.extend(at(now), Limit::new(*amount, *unit), SOON, calendar);
                }
            }
        }
        assert_eq!(civil(timer.due()), *due, "{amount} {unit:?} from {start}");
    }
}

#[test]
fn what_remains_is_exact_to_the_millisecond_across_a_year() {
    let calendar = &CALENDARS[0];
    let timer = Timer::start(at("2024-12-31 09:00"), Limit::new(248, LimitUnit::WorkingDays), SOON, calendar);
    assert_eq!(civil(timer.due()), "2025-12-31 09:00");
    let left = |civil| timer.remaining(at(civil), calendar);
    assert_eq!(left("2025-12-31 08:59:59.999"), 1);
    assert_eq!(left("2025-12-30 17:59:59.250"), 3_600_000 + 750);
    assert_eq!(left("2025-12-31 09:00:00.001"), -1);
    assert_eq!(left("2024-12-31 09:00"), 248 * 27_000_000);
}

#[test]
fn an_end_that_is_in_time_again_is_warned_of_and_broken_anew() {
    let calendar = &CALENDARS[0];
    let hour = Limit::new(1, LimitUnit::UrgentHours);
    let start = at("2026-03-09 10:00");
    let mut timer = Timer::start(start, hour, SOON, calendar);
    assert_eq!(timer.next(hour, calendar), Some(at("2026-03-09 10:45")));
    timer.breached();
    timer.breached();
    assert_eq!((timer.breaches(), timer.next(hour, calendar)), (2, Some(at("2026-03-09 13:00"))));
    timer.extend(at("2026-03-09 12:00"), hour, SOON, calendar);
    assert_eq!(timer.breaches(), 2, "it is late still");
    timer.extend(at("2026-03-09 12:00"), Limit::new(3, LimitUnit::UrgentHours), SOON, calendar);
    assert_eq!((timer.breaches(), timer.is_warned()), (0, false));
    assert_eq!(timer.next(hour, calendar), Some(timer.soon()));
}
