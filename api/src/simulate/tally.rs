//! The indicators of a district over all its tickets.

use std::collections::BTreeMap;
use std::fmt;

use suishoupai_core::flow::{
    Event, OrderKind, OrderState, RequestKind, RequestState, Satisfaction, State, Ticket, Verb,
};
use suishoupai_core::model::{Level, UnitId};
use suishoupai_core::time::Moment;

use crate::registry::Registry;

/// Counts of what happened, and of where things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tickets.
    pub tickets: u64,
    /// Of them, workers' own finds.
    pub own_finds: u64,
    /// Tickets by the state in which they are.
    pub states: BTreeMap<State, u64>,
    /// Lines of history by command.
    pub lines: BTreeMap<Verb, u64>,
    /// Filed at least once.
    pub filed: u64,
    /// Orders to lead that were carried out.
    pub handled: u64,
    /// Of them, in time.
    pub in_time: u64,
    /// Requests by kind and by how they stand.
    pub requests: BTreeMap<(RequestKind, RequestState), u64>,
    /// How often a closed ticket was opened again.
    pub reopenings: u64,
    /// Breaches by the level of the unit that was told.
    pub breaches: BTreeMap<&'static str, u64>,
    /// Breaches by phase.
    pub breached: BTreeMap<String, u64>,
    /// Breaches of one clock that were told again, one level further up.
    pub again: u64,
    /// Call-backs that reached somebody, by the opinion of the result.
    pub opinions: BTreeMap<Satisfaction, u64>,
    /// Calls in vain.
    pub not_reached: u64,
    /// Ratings, and the sum of their stars.
    pub stars: (u64, u64),
    /// Assisting orders, and how many of them were late.
    pub assists: (u64, u64),
}

impl Tally {
    pub(super) fn add(&mut self, ticket: &Ticket, history: &[Event], registry: &Registry, now: Moment) {
        self.tickets += 1;
        self.own_finds += u64::from(!ticket.course.by_resident);
        *self.states.entry(ticket.state).or_default() += 1;
        self.filed += u64::from(history.iter().any(|event| event.verb == Verb::File));
        self.reopenings += u64::try_from(ticket.reopens).unwrap_or(0);
        for order in &ticket.orders {
            let late = u64::from(order.is_late(now));
            match order.kind {
                OrderKind::Lead if order.state == OrderState::Done => {
                    self.handled += 1;
                    self.in_time += 1 - late;
                }
                OrderKind::Lead => {}
                OrderKind::Assist => {
                    self.assists.0 += 1;
                    self.assists.1 += late;
                }
            }
        }
        for request in &ticket.course.requests {
            *self.requests.entry((request.kind, request.state)).or_default() += 1;
        }
        for call in &ticket.course.call_backs {
            *self.opinions.entry(call.result).or_default() += 1;
        }
        for event in history {
            self.line(event, registry);
        }
    }

    fn line(&mut self, event: &Event, registry: &Registry) {
        *self.lines.entry(event.verb).or_default() += 1;
        let fact = |name: &str| event.facts.get(name);
        match event.verb {
            Verb::Breach => {
                let raised = fact("raised_to").and_then(|unit| unit.parse::<UnitId>().ok());
                let level = raised
                    .and_then(|unit| registry.tree.get(unit))
                    .map_or("nobody", |unit| unit.level.as_str());
                *self.breaches.entry(level).or_default() += 1;
                *self.breached.entry(fact("phase").cloned().unwrap_or_default()).or_default() += 1;
                self.again += u64::from(fact("breach").is_some_and(|number| number != "1"));
            }
            Verb::CallBack => {
                self.not_reached += u64::from(fact("reached").is_some_and(|word| word == "false"))
            }
            Verb::Rate => {
                let stars = fact("stars").and_then(|stars| stars.parse().ok()).unwrap_or(0);
                self.stars = (self.stars.0 + 1, self.stars.1 + stars);
            }
            _ => {}
        }
    }

    /// How often something was done.
    pub fn times(&self, verb: Verb) -> u64 {
        self.lines.get(&verb).copied().unwrap_or(0)
    }

    fn asked(&self, kind: RequestKind) -> String {
        let of = |state| self.requests.get(&(kind, state)).copied().unwrap_or(0);
        let total: u64 = RequestState::ALL.iter().map(|state| of(*state)).sum();
        format!(
            "{total} (granted {}, denied {}, lapsed {})",
            of(RequestState::Granted),
            of(RequestState::Denied),
            of(RequestState::Lapsed)
        )
    }

    fn opened(&self) -> impl Iterator<Item = (State, u64)> {
        State::ALL
            .iter()
            .filter(|state| !state.is_final())
            .map(|state| (*state, self.states.get(state).copied().unwrap_or(0)))
    }
}

/// A share as a percentage with one decimal.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: String| writeln!(f, "{name:<36}{value}");
        let of = |state| self.states.get(&state).copied().unwrap_or(0);
        let opinions: u64 = self.opinions.values().sum();
        let opinion = |what| self.opinions.get(&what).copied().unwrap_or(0);
        row("tickets", format!("{} (own finds {})", self.tickets, self.own_finds))?;
        row("filed", self.filed.to_string())?;
        row("solved on the spot", self.times(Verb::Solve).to_string())?;
        row("closed", of(State::Closed).to_string())?;
        row("refused", of(State::Refused).to_string())?;
        row("withdrawn", of(State::Withdrawn).to_string())?;
        row("voided", of(State::Voided).to_string())?;
        row("open at the end", self.opened().map(|(_, count)| count).sum::<u64>().to_string())?;
        for (state, count) in self.opened().filter(|(_, count)| *count > 0) {
            row(&format!("  {}", state.as_str()), count.to_string())?;
        }
        row("handled", self.handled.to_string())?;
        row("  in time", percent(self.in_time, self.handled))?;
        row("assisting orders", format!("{} (late {})", self.assists.0, self.assists.1))?;
        row("returns", self.times(Verb::Return).to_string())?;
        row("arbitrations", self.times(Verb::Arbitrate).to_string())?;
        for kind in RequestKind::ALL {
            row(&format!("{} asked for", kind.en()), self.asked(*kind))?;
        }
        row("whistles", self.times(Verb::Whistle).to_string())?;
        row("reworks", self.times(Verb::Rework).to_string())?;
        row("reopenings", self.reopenings.to_string())?;
        row("warnings", self.times(Verb::Warn).to_string())?;
        row("breaches", self.times(Verb::Breach).to_string())?;
        for level in [Level::Grid, Level::Community, Level::Street, Level::Department, Level::District] {
            let told = self.breaches.get(level.as_str()).copied().unwrap_or(0);
            if told > 0 {
                row(&format!("  told to a {}", level.as_str()), told.to_string())?;
            }
        }
        for (phase, count) in &self.breached {
            row(&format!("  of {phase}"), count.to_string())?;
        }
        row("  told again, further up", self.again.to_string())?;
        row("call-backs", format!("{opinions} (calls in vain {})", self.not_reached))?;
        row("  satisfied", percent(opinion(Satisfaction::Satisfied), opinions))?;
        row("  partly satisfied", percent(opinion(Satisfaction::Partly), opinions))?;
        row("  dissatisfied", percent(opinion(Satisfaction::Dissatisfied), opinions))?;
        let (rated, stars) = self.stars;
        row("ratings", rated.to_string())?;
        let mean = if rated == 0 { "-".to_owned() } else { format!("{:.2}", stars as f64 / rated as f64) };
        row("  stars on the average", mean)
    }
}
