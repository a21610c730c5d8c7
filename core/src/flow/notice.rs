//! 提醒: which units are told of a step.

use super::event::Event;
use super::order_words::Urging;
use super::ticket::Ticket;
use super::verb::Verb;
use crate::model::{Level, UnitId, UnitTree};

/// The units that are to be told of a step, each once: those to which work came, whose time presses, who are
/// summoned, who have to decide or asked for a decision. `before` is none for the opening.
pub fn told(before: Option<&Ticket>, after: &Ticket, event: &Event, tree: &UnitTree) -> Vec<UnitId> {
    let mut units = Vec::new();
    let fact = |name: &str| event.facts.get(name).and_then(|text| text.parse::<UnitId>().ok());
    let centre = tree.root(after.district).map(|unit| unit.id);
    let desk = after.desk(tree);
    if before.is_none_or(|before| before.desk(tree) != desk) && !after.state.is_final() {
        units.push(desk);
    }
    // Orders given by this step; those that were given before have been told.
    let known = before.map_or(0, |before| before.orders.len());
    units.extend(
        after.orders.iter().skip(known).filter(|order| order.state.is_open()).map(|order| order.unit),
    );
    let must_attend = |ticket: &Ticket| ticket.course.arrival.is_some();
    if must_attend(after) && !before.is_some_and(must_attend) {
        // 必报: what is dangerous is known at once to the street and to the district, also where only somebody on
        // the spot sees that it is.
        units.extend(tree.at_level(after.grid, Level::Street).map(|unit| unit.id));
        units.extend(centre);
    }
    match event.verb {
        Verb::Warn | Verb::Breach => {
            units.push(desk);
            units.extend(fact("raised_to"));
        }
        Verb::Rework => {
            units.push(desk);
            units.extend(fact("raised_to"));
        }
        Verb::Urge => {
            units.push(desk);
            units.extend(after.orders.iter().filter(|order| order.state.is_open()).map(|order| order.unit));
            units.extend(told_of_urging(event, desk, tree));
        }
        Verb::AssistLate => {
            units.extend(fact("late_unit"));
            units.push(after.responsible);
        }
        Verb::Whistle => {
            let whistle = after.course.open_whistle();
            units.extend(whistle.into_iter().flat_map(|whistle| &whistle.units).map(|unit| unit.unit));
        }
        Verb::AskExtension | Verb::AskSuspension | Verb::AskDeferral | Verb::AskVoid | Verb::Endorse => {
            units.extend(centre);
        }
        Verb::Grant | Verb::Deny => units.extend(after.course.requests.last().map(|request| request.unit)),
        Verb::Supplement
        | Verb::NotFixed
        | Verb::Withdraw
        | Verb::Review
        | Verb::Resume
        | Verb::ReleaseAssist => {
            units.push(after.responsible);
        }
        _ => {}
    }
    units.sort_unstable();
    units.dedup();
    units
}

/// The units above the one that is urged that are told of it: none of a reminder, the next one of a notice, all of
/// what is published.
fn told_of_urging(event: &Event, desk: UnitId, tree: &UnitTree) -> Vec<UnitId> {
    let many = match event.facts.get("urging").and_then(|word| Urging::parse(word)) {
        Some(Urging::Notice) => 1,
        Some(Urging::Published) => usize::MAX,
        _ => 0,
    };
    let above = |unit: &UnitId| tree.get(*unit).and_then(|unit| unit.parent);
    std::iter::successors(above(&desk), above).take(many).collect()
}
