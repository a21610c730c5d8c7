//! How long one step of a ticket takes, its clocks and what follows from them included.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use suishoupai_core::clock::WorkCalendar;
use suishoupai_core::demo;
use suishoupai_core::flow::{
    Actor, Alarm, Catalogue, Channel, Command, DutyList, Opening, Outcome, PhotoRef, PolicyBook, Post, Role,
    Rules, Stage, Ticket, next_alarm, open, step,
};
use suishoupai_core::import::{read_calendar, read_categories};
use suishoupai_core::model::{Level, Unit, UnitTree, WeeklyHours};
use suishoupai_core::time::Moment;

const DISTRICT: i32 = 350_203;
const GRID: i64 = 4;
const DEPARTMENT: i64 = 5;

fn tree() -> UnitTree {
    let unit = |id, level, parent| Unit {
        id,
        district: DISTRICT,
        code: id.to_string().into(),
        name: format!("单位{id}").into(),
        level,
        parent,
        phone: None,
        center: None,
    };
    UnitTree::new([
        unit(1, Level::District, None),
        unit(2, Level::Street, Some(1)),
        unit(3, Level::Community, Some(2)),
        unit(GRID, Level::Grid, Some(3)),
        unit(DEPARTMENT, Level::Department, Some(1)),
    ])
}

fn person(account: i64, role: Role, unit: i64) -> Actor {
    Actor { account: Some(account), posts: vec![Post { role, unit }], stands_for: Vec::new() }
}

fn steps(c: &mut Criterion) {
    let days = read_calendar(demo::CALENDAR_CSV).into_iter().flatten().filter_map(|line| line.row.ok());
    let Ok(calendar) = WorkCalendar::new(WeeklyHours::default(), days) else { return };
    let rows = read_categories(demo::CATEGORIES_CSV).into_iter().flatten().filter_map(|line| line.row.ok());
    let catalogue: Catalogue = rows.map(|row| (row.code.clone(), row)).collect();
    let (tree, duties, policies) = (tree(), DutyList::default(), PolicyBook::default());
    let rules = Rules {
        tree: &tree,
        duties: &duties,
        catalogue: &catalogue,
        calendar: &calendar,
        policies: &policies,
        lease_seconds: 7200,
        not_fixed_days: 7,
    };
    // Monday 2026-02-09, so that five working days reach over the Spring Festival.
    let start = Moment::from_millis(1_770_600_600_000);
    let opening = Opening {
        id: 1,
        district: DISTRICT,
        grid: GRID,
        category: None,
        channel: Channel::Resident,
        reporter: 10,
        unit: None,
        facts: BTreeMap::new(),
        photos: Vec::new(),
        parent: None,
        suspicions: Vec::new(),
    };
    let photo = [PhotoRef::new(7, &[0xab; 32], Stage::After)];
    let (dispatcher, officer) =
        (person(20, Role::Dispatcher, 1), person(30, Role::DepartmentOfficer, DEPARTMENT));
    let file = Command::File { category: "P0205".to_owned(), note: None };
    let dispatch =
        Command::Dispatch { lead: DEPARTMENT, assist: Vec::new(), reason: "由其处置".to_owned() };
    let finish = Command::Finish { answer: "已清理".to_owned(), note: None, outcome: Outcome::default() };
    let after = |ticket: &Ticket, command: &Command, actor: &Actor, minutes: i64| {
        step(ticket, command, actor, &photo, start.plus_seconds(60 * minutes), rules).map(|done| done.ticket)
    };
    let Ok(opened) = open(opening, start, rules) else { return };
    let filed = after(&opened.ticket, &file, &dispatcher, 1);
    let Ok(dispatched) = filed.and_then(|ticket| after(&ticket, &dispatch, &dispatcher, 2)) else { return };
    let Ok(handling) = after(&dispatched, &Command::Accept, &officer, 3) else { return };
    let late = start.plus_seconds(4 * 3600);
    let alarm = next_alarm(&dispatched, late, policies.at(late).1, &calendar);
    let Some((_, alarm @ Alarm::Breach(_))) = alarm else { return };

    let mut bench = |name: &str, ticket: &Ticket, command: &Command, actor: &Actor, minutes: i64| {
        assert!(after(ticket, command, actor, minutes).is_ok(), "{name}: the step is refused");
        c.bench_function(name, |b| b.iter(|| after(black_box(ticket), black_box(command), actor, minutes)));
    };
    bench("step/accept", &dispatched, &Command::Accept, &officer, 3);
    bench("step/finish", &handling, &finish, &officer, 4);
    bench("step/breach", &dispatched, &Command::Alarm(alarm), &Actor::server(), 240);
}

criterion_group!(benches, steps);
criterion_main!(benches);
