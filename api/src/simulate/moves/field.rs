//! Grid workers in the pool and on the spot, and what the reporter adds or takes back.

use suishoupai_core::flow::{Command, Outcome, Quantity, RefuseReason, Stage, State};
use suishoupai_core::model::{CategoryKind, Level};
use suishoupai_core::time::Moment;

use crate::simulate::people::Who;
use crate::simulate::scene::{Look, Move};

/// A worker of the grid; for what only named roles may see, somebody of the street.
fn worker(look: &mut Look<'_>, colleague: bool) -> Option<Who> {
    let ticket = look.ticket;
    if ticket.sensitive {
        let street = look.registry().above(ticket.grid, Level::Street)?.id;
        return look.somebody(street);
    }
    Some(look.town().people.workers.get(&ticket.grid)?[usize::from(colleague)])
}

pub(super) fn claim(look: &mut Look<'_>, colleague: bool) -> Option<Move> {
    if !matches!(look.ticket.state, State::Received | State::Claimed) {
        return None;
    }
    Move::new(worker(look, colleague)?, Command::Claim)
}

pub(super) fn lapse(look: &mut Look<'_>) -> Option<Move> {
    let over = look.ticket.lease_is_over(look.now);
    over.then_some(Move { who: None, command: Command::Lapse, photo: None, located: false })
}

pub(super) fn arrive(look: &mut Look<'_>) -> Option<Move> {
    look.ticket.course.arrival.as_ref()?;
    let who = worker(look, false)?;
    let (spot, located) = look.spot();
    Some(Move { located, ..Move::new(who, Command::Arrive { spot, words: None })? })
}

/// Who claimed it has seen it.
pub(super) fn decide(look: &mut Look<'_>, until: Moment) -> Option<Move> {
    let ticket = look.ticket;
    let holder = ticket.holder.filter(|holder| holder.until == until && ticket.state == State::Claimed)?;
    if ticket.course.waiting.is_some() || ticket.lease_is_over(look.now) {
        return None;
    }
    let who = look.town().people.find(holder.account)?;
    let category = match &ticket.category {
        // Residents name the wrong category now and then.
        Some(code) if look.chance.hit(0.93) => code.clone(),
        _ => look.town().category(look.chance),
    };
    let part = look.chance.part();
    let command = match part {
        _ if part < 0.03 => Command::Release { reason: Some("转去处理紧急事项".to_owned()) },
        _ if part < 0.08 => refuse(look),
        _ if part < 0.14 => Command::Verify { category: Some(category), note: None },
        _ if part < 0.16 && ticket.course.by_resident => {
            Command::AskReporter { words: "请补充具体位置或照片".to_owned() }
        }
        _ if look.chance.hit(solvable(look, &category)) => {
            return Move::new(who, solve(look, category))?.with_photo(Stage::After);
        }
        _ => Command::File { category, note: None },
    };
    Move::new(who, command)
}

/// How probably a problem is one that the worker can do away with.
fn solvable(look: &Look<'_>, code: &str) -> f64 {
    let Some(category) = look.category(code).filter(|category| !category.sensitive) else { return 0.0 };
    match (category.kind, category.major_code.as_str()) {
        (CategoryKind::Event, "01" | "02" | "05") => 0.55,
        (CategoryKind::Event, _) => 0.15,
        (CategoryKind::Component, _) => 0.1,
    }
}

fn solve(look: &mut Look<'_>, category: String) -> Command {
    let answer = look.category(&category).map_or_else(String::new, |found| found.closing_condition.clone());
    let thousandths = 500 * (1 + look.chance.below(12) as i64);
    let quantities = if look.chance.hit(0.2) {
        vec![Quantity { kind: "清理面积".to_owned(), thousandths, unit: "平方米".to_owned() }]
    } else {
        Vec::new()
    };
    let outcome = Outcome { quantities, ..Outcome::default() };
    Command::Solve { category, answer, note: None, outcome }
}

/// Not to be filed, for one reason or another.
pub(super) fn refuse(look: &mut Look<'_>) -> Command {
    let reason = look.chance.one(RefuseReason::ALL).copied().unwrap_or(RefuseReason::Other);
    Command::Refuse { reason, words: format!("经核实，{}，感谢您的反映。", reason.zh()) }
}

pub(super) fn supplement(look: &mut Look<'_>) -> Option<Move> {
    look.ticket.course.waiting?;
    let reporter = look.town().people.find(*look.ticket.reporters.first()?)?;
    Move::new(reporter, Command::Supplement { words: "在公交站旁边，照片里能看到".to_owned() })
}

pub(super) fn withdraw(look: &mut Look<'_>) -> Option<Move> {
    let early = matches!(
        look.ticket.state,
        State::Received | State::Claimed | State::Verified | State::Filed | State::Dispatched
    );
    let reporter = look.town().people.find(*look.ticket.reporters.first()?)?;
    Move::new(reporter, Command::Withdraw { words: None }).filter(|_| early)
}
