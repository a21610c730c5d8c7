use super::*;

fn assert_due(unit: LimitUnit, table: &[(&str, u32, &str)]) {
    let calendar = office();
    for &(from, amount, due) in table {
        assert_eq!(
            civil(calendar.deadline(at(from), Limit { amount, unit })),
            due,
            "{amount} {unit:?} from {from}"
        );
    }
}

#[test]
fn working_days() {
    assert_due(
        LimitUnit::WorkingDays,
        &[
            // The table of the module; 2026-03-09 is a Monday.
            ("2026-03-09 10:00", 1, "2026-03-10 10:00"),
            ("2026-03-09 07:00", 1, "2026-03-10 08:00"),
            ("2026-03-09 13:00", 1, "2026-03-10 14:30"),
            ("2026-03-09 18:00", 1, "2026-03-10 18:00"),
            ("2026-03-09 20:00", 1, "2026-03-11 08:00"),
            ("2026-03-14 10:00", 1, "2026-03-17 08:00"),
            ("2026-03-13 12:00", 5, "2026-03-20 12:00"),
            // Spring Festival 2026: off 15-23 February, worked on the Saturdays 14 and 28.
            ("2026-02-13 17:00", 1, "2026-02-14 17:00"),
            ("2026-02-13 17:00", 2, "2026-02-24 17:00"),
            ("2026-02-17 09:00", 1, "2026-02-25 08:00"),
            ("2026-02-27 09:00", 1, "2026-02-28 09:00"),
            ("2026-02-27 09:00", 2, "2026-03-02 09:00"),
            // National Day 2024: 29 September is a worked Sunday, 1-7 October off, 12 October a worked Saturday.
            ("2024-09-29 16:00", 1, "2024-09-30 16:00"),
            ("2024-09-29 16:00", 2, "2024-10-08 16:00"),
            ("2024-10-11 08:00", 1, "2024-10-12 08:00"),
            // National Day 2026: 10 October is a worked Saturday.
            ("2026-09-29 17:30", 1, "2026-09-30 17:30"),
            ("2026-09-30 10:00", 3, "2026-10-10 10:00"),
            // Labour Day 2025: 27 April is a worked Sunday.
            ("2025-04-25 11:00", 1, "2025-04-27 11:00"),
            ("2025-04-30 18:30", 1, "2025-05-07 08:00"),
            // A whole year has 248 working days in 2025: 261 days from Monday to Friday, 18 of them off, 5 made up.
            ("2024-12-31 09:00", 248, "2025-12-31 09:00"),
        ],
    );
}

#[test]
fn working_hours() {
    assert_due(
        LimitUnit::WorkingHours,
        &[
            ("2026-03-09 08:00", 4, "2026-03-09 12:00"),
            ("2026-03-09 09:00", 4, "2026-03-09 15:30"),
            ("2026-03-09 12:00", 1, "2026-03-09 15:30"),
            ("2026-03-09 12:30", 1, "2026-03-09 15:30"),
            ("2026-03-13 17:00", 1, "2026-03-13 18:00"),
            ("2026-03-13 17:00", 2, "2026-03-16 09:00"),
            ("2026-03-14 03:00", 2, "2026-03-16 10:00"),
            // One hour of the worked Saturday before the Spring Festival, three after it.
            ("2026-02-14 17:00", 4, "2026-02-24 11:00"),
            ("2026-02-15 17:00", 4, "2026-02-24 12:00"),
            // The eve of National Day: at closing it is still due that day.
            ("2026-09-30 15:00", 3, "2026-09-30 18:00"),
            ("2024-09-30 17:30", 1, "2024-10-08 08:30"),
            ("2025-09-30 17:30", 1, "2025-10-09 08:30"),
            ("2024-02-09 16:00", 8, "2024-02-18 16:30"),
        ],
    );
}

#[test]
fn round_the_clock() {
    assert_due(
        LimitUnit::UrgentHours,
        &[("2026-02-16 23:00", 2, "2026-02-17 01:00"), ("2026-12-31 20:30", 4, "2027-01-01 00:30")],
    );
    assert_due(LimitUnit::Days, &[("2026-02-16 23:00", 7, "2026-02-23 23:00")]);
}

#[test]
fn working_time_between() {
    let calendar = office();
    let table = [
        ("2026-03-09 08:00", "2026-03-09 18:00", 27_000),
        ("2026-03-09 00:00", "2026-03-16 00:00", 5 * 27_000),
        ("2026-03-09 12:00", "2026-03-09 14:30", 0),
        ("2026-02-14 17:00", "2026-02-24 09:00", 2 * 3600),
        ("2026-02-24 09:00", "2026-02-14 17:00", -2 * 3600),
        ("2024-10-01 00:00", "2024-10-08 00:00", 0),
        ("2025-01-01 00:00", "2026-01-01 00:00", 248 * 27_000),
    ];
    for (from, to, seconds) in table {
        assert_eq!(calendar.working_seconds_between(at(from), at(to)), seconds, "{from} to {to}");
    }
    let (from, to) = (at("2026-03-09 11:59:59.250"), at("2026-03-09 14:30:00.500"));
    assert_eq!(calendar.working_millis_between(from, to), 1250);
    assert_eq!(calendar.working_seconds_between(from, to), 1);
    assert_eq!(calendar.working_seconds_between(to, from), -1);
}

#[test]
fn open_includes_both_ends() {
    let calendar = office();
    let table = [
        ("2026-03-09 07:59:59.999", false),
        ("2026-03-09 08:00", true),
        ("2026-03-09 12:00", true),
        ("2026-03-09 12:00:00.001", false),
        ("2026-03-09 14:30", true),
        ("2026-03-09 18:00", true),
        ("2026-03-14 10:00", false),
        ("2026-02-14 10:00", true),
        ("2026-02-17 10:00", false),
        ("2024-09-29 10:00", true),
    ];
    for (instant, open) in table {
        assert_eq!(calendar.is_open(at(instant)), open, "{instant}");
    }
}

#[test]
fn seconds_forwards_end_at_closings_and_backwards_at_openings() {
    let calendar = office();
    let table = [
        ("2026-03-09 13:00", 0, "2026-03-09 14:30"),
        ("2026-03-09 12:00", 0, "2026-03-09 12:00"),
        ("2026-03-09 11:00", 3600, "2026-03-09 12:00"),
        ("2026-03-09 15:30", -3600, "2026-03-09 14:30"),
        ("2026-03-09 12:00", -4 * 3600, "2026-03-09 08:00"),
        ("2026-03-09 08:00", -1, "2026-03-06 17:59:59.000"),
    ];
    for (from, seconds, to) in table {
        assert_eq!(civil(calendar.add_working_seconds(at(from), seconds)), to, "{seconds} from {from}");
    }
}

#[test]
fn the_plain_week_goes_on_outside_of_the_table() {
    assert_due(
        LimitUnit::WorkingDays,
        &[
            // 2099-12-31 is a Thursday, 1997-07-04 a Friday; no holidays are known there.
            ("2099-12-31 10:00", 1, "2100-01-01 10:00"),
            ("2099-12-31 10:00", 2, "2100-01-04 10:00"),
            ("1997-07-04 10:00", 1, "1997-07-07 10:00"),
            // Across both edges of the table.
            ("2018-01-01 10:00", 261, "2019-01-02 10:00"),
            ("2035-12-31 10:00", 5, "2036-01-07 10:00"),
        ],
    );
    assert_due(LimitUnit::WorkingHours, &[("2099-12-31 17:00", 2, "2100-01-01 09:00")]);
}

#[test]
fn listed_days_of_later_years_count() {
    let day = |date, is_off_day| CalendarDay { date, name: "节".to_owned(), is_off_day };
    let days = [day(Date::constant(2050, 1, 3), true), day(Date::constant(2050, 1, 8), false)];
    let calendar = WorkCalendar::new(WeeklyHours::default(), days).unwrap();
    assert!(!calendar.is_open(at("2050-01-03 10:00")), "a Monday off");
    assert!(calendar.is_open(at("2050-01-08 10:00")), "a Saturday worked");
    let week = calendar.working_seconds_between(at("2050-01-03 00:00"), at("2050-01-10 00:00"));
    assert_eq!(week, 5 * 27_000);
}

#[test]
fn closing_at_midnight_belongs_to_the_day_that_ends() {
    let mut hours = WeeklyHours { days: Default::default() };
    hours.days[4] = vec![(43_200, 86_400)];
    let calendar = WorkCalendar::new(hours, []).unwrap();
    // Fridays from noon to midnight; 2026-03-13 is a Friday.
    let midnight = at("2026-03-14 00:00");
    assert!(calendar.is_open(midnight) && !calendar.is_open(midnight.plus_millis(1)));
    assert_eq!(calendar.add_working_seconds(at("2026-03-13 12:00"), 43_200), midnight);
    assert_eq!(calendar.add_working_seconds(midnight, 0), midnight);
    let limit = Limit { amount: 1, unit: LimitUnit::WorkingDays };
    assert_eq!(civil(calendar.deadline(midnight, limit)), "2026-03-21 00:00");
}

#[test]
fn a_shorter_day_ends_at_its_closing() {
    let mut hours = WeeklyHours::default();
    hours.days[1] = vec![(8 * 3600, 12 * 3600)];
    let calendar = WorkCalendar::new(hours, []).unwrap();
    let limit = Limit { amount: 1, unit: LimitUnit::WorkingDays };
    assert_eq!(civil(calendar.deadline(at("2026-03-09 16:00"), limit)), "2026-03-10 12:00");
}

#[test]
fn calendars_that_are_refused() {
    let week = |monday: Vec<(u32, u32)>| {
        let mut hours = WeeklyHours { days: Default::default() };
        hours.days[0] = monday;
        WorkCalendar::new(hours, []).map(|_| ())
    };
    assert_eq!(week(vec![]), Err(CalendarError::NeverOpen));
    assert_eq!(week(vec![(0, 86_400)]), Ok(()));
    assert_eq!(week(vec![(0, 3600), (3600, 7200)]), Ok(()), "spans may touch");
    for wrong in [
        vec![(3600, 3600)],
        vec![(7200, 3600)],
        vec![(0, 86_401)],
        vec![(3600, 7200), (0, 1800)],
        vec![(0, 7200), (3600, 9000)],
        (0..13).map(|hour| (hour * 3600, hour * 3600 + 60)).collect(),
        vec![(u32::MAX - 1, u32::MAX)],
    ] {
        assert_eq!(week(wrong.clone()), Err(CalendarError::BadHours(0)), "{wrong:?}");
    }
    for date in [Date::MIN, Date::MAX, Date::constant(1999, 12, 31), Date::constant(2101, 1, 1)] {
        let day = CalendarDay { date, name: "节".to_owned(), is_off_day: true };
        let error = WorkCalendar::new(WeeklyHours::default(), [day]).map(|_| ()).unwrap_err();
        assert_eq!(error, CalendarError::DayOutOfRange(date));
    }
}

#[test]
fn instants_at_the_ends_of_time_saturate() {
    let calendar = office();
    for millis in [i64::MIN, -LAST_MILLIS, LAST_MILLIS, i64::MAX] {
        let from = Moment::from_millis(millis);
        for seconds in [i64::MIN, -1, 0, 1, i64::MAX] {
            let to = calendar.add_working_seconds(from, seconds);
            assert!(to.millis().abs() <= LAST_MILLIS, "{seconds} from {millis}");
        }
        for unit in LimitUnit::ALL {
            let due = calendar.deadline(from, Limit { amount: u32::MAX, unit });
            assert!(due >= bounded(from) && due.millis().abs() <= LAST_MILLIS, "{unit:?} from {millis}");
        }
        assert_eq!(calendar.working_millis_between(from, from), 0);
    }
}
