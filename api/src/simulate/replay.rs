//! A history replayed: it leads, step by step along the table, to the ticket as it stands.

use std::collections::BTreeSet;

use suishoupai_core::flow::{
    AccountId, Event, OPENINGS, OrderKind, OrderState, RequestKind, State, Ticket, Verb, allows,
};
use suishoupai_core::model::UnitId;

use crate::registry::Registry;

/// What is known of a ticket from its history alone.
#[derive(Default)]
struct Course<'a> {
    state: Option<State>,
    at: i64,
    returns: i32,
    reworks: i32,
    reopens: i32,
    breaches: u32,
    raised_to: Option<UnitId>,
    handled_by: Option<AccountId>,
    asked_by: Option<AccountId>,
    /// Clock, number and end of every breach.
    broken: BTreeSet<[Option<&'a String>; 4]>,
    wrong: Vec<String>,
}

/// What does not agree.
pub(super) fn replay(ticket: &Ticket, history: &[Event], registry: &Registry) -> Vec<String> {
    let mut course = Course::default();
    for (event, seq) in history.iter().zip(1..) {
        if event.seq != seq {
            course.wrong.push(format!("line {seq} is missing"));
        }
        course.step(ticket, event, registry);
    }
    course.compare(ticket, history);
    course.wrong
}

impl<'a> Course<'a> {
    fn step(&mut self, ticket: &Ticket, event: &'a Event, registry: &Registry) {
        let allowed = match (self.state, event.from) {
            (None, None) => event.verb == Verb::Open && OPENINGS.iter().any(|(_, to)| *to == event.to),
            (Some(state), Some(from)) => state == from && allows(from, event.verb, event.to),
            _ => false,
        };
        self.must(allowed, event, "the table knows no such step");
        self.must(event.at >= self.at, event, "it is earlier than the line before");
        self.must(registry.tree.get(event.responsible).is_some(), event, "nobody is responsible");
        match event.verb {
            Verb::Return => self.returns += i32::from(by_lead(ticket, event)),
            Verb::Rework => {
                self.reworks += 1;
                self.second_person(event, self.handled_by);
                if event.facts.contains_key("raised_to") {
                    self.raise(ticket, event, event.responsible, registry);
                }
            }
            Verb::Close => self.second_person(event, self.handled_by),
            Verb::NotFixed => self.reopens += 1,
            Verb::CallBack if event.to == State::Handling => self.reopens += 1,
            Verb::Finish if event.to == State::Checking => self.handled_by = event.actor,
            Verb::AskVoid | Verb::AskExtension | Verb::AskSuspension | Verb::AskDeferral => {
                self.asked_by = event.actor;
            }
            Verb::Grant | Verb::Deny | Verb::Endorse => self.second_person(event, self.asked_by),
            Verb::Breach => self.breach(ticket, event, registry),
            _ => {}
        }
        self.state = Some(event.to);
        self.at = event.at;
    }

    fn must(&mut self, holds: bool, event: &Event, what: &str) {
        if !holds {
            self.wrong.push(format!("line {} ({}): {what}", event.seq, event.verb.as_str()));
        }
    }

    fn second_person(&mut self, event: &Event, first: Option<AccountId>) {
        self.must(event.actor != first, event, "it was decided by the one whose work or wish it is");
    }

    /// A breach is noted once for each end of a clock and number, and told one level further up.
    fn breach(&mut self, ticket: &Ticket, event: &'a Event, registry: &Registry) {
        let fact = |name: &str| event.facts.get(name);
        let key = ["phase", "order", "breach", "due_at"].map(fact);
        let new = self.broken.insert(key);
        self.must(new, event, "the same breach was noted before");
        let late = fact("late_unit").and_then(|unit| unit.parse().ok());
        self.must(late.is_some(), event, "it does not say who is late");
        self.raise(ticket, event, late.unwrap_or(event.responsible), registry);
    }

    fn raise(&mut self, ticket: &Ticket, event: &Event, late: UnitId, registry: &Registry) {
        let tree = &registry.tree;
        let told = self.raised_to.filter(|told| tree.is_within(late, *told)).unwrap_or(late);
        let root = tree.root(ticket.district).map(|root| root.id);
        let above = tree.get(told).and_then(|unit| unit.parent).or(root);
        let raised = event.facts.get("raised_to").and_then(|unit| unit.parse().ok());
        self.must(raised == above, event, "it was not told to the unit one above");
        self.breaches += 1;
        self.raised_to = raised;
    }

    /// The end of the history against the ticket.
    fn compare(&mut self, ticket: &Ticket, history: &[Event]) {
        let mut same = |holds: bool, what: &str| {
            if !holds {
                self.wrong.push(format!("the history leads to another {what}"));
            }
        };
        let last = history.last();
        same(self.state == Some(ticket.state), "state");
        same(ticket.version == history.len() as i64, "version");
        same(last.is_some_and(|event| event.responsible == ticket.responsible), "responsible unit");
        same(last.is_some_and(|event| event.at == ticket.updated_at.millis()), "instant");
        same(self.returns == ticket.returns, "number of returns");
        same(self.reworks == ticket.reworks, "number of reworks");
        same(self.reopens == ticket.reopens, "number of reopenings");
        same(self.breaches == ticket.course.breaches, "number of breaches");
        same(self.raised_to == ticket.course.raised_to, "unit up to which breaches were told");
        let voided = ticket.course.requests.iter().any(|request| {
            request.kind == RequestKind::Void && request.decided_by.is_some() && ticket.state == State::Voided
        });
        same((ticket.state == State::Voided) == voided, "way of voiding");
    }
}

/// Whether it was the lead that gave its order back: then that order ended at the same instant. What an assistant
/// gives back leaves the ticket where it is and is not counted.
fn by_lead(ticket: &Ticket, event: &Event) -> bool {
    ticket.orders.iter().any(|order| {
        order.kind == OrderKind::Lead
            && order.state == OrderState::Returned
            && order.ended_at.is_some_and(|at| at.millis() == event.at)
    })
}
