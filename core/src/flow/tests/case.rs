//! A ticket whose life is played step by step.

use super::fixture::{
    D01, GRID, UNRULED, World, close, dispatch, dispatcher, file, finish, inspector, officer, opening, photo,
    start, worker,
};
use super::laws;
use crate::flow::{
    Actor, Alarm, Command, Event, Opening, PhotoRef, Refusal, Stage, Ticket, lapse_first, next_alarm, open,
    step,
};
use crate::model::UnitId;
use crate::time::Moment;

/// A ticket in play. Every accepted step is checked against the laws; time moves by a minute with each.
#[derive(Clone)]
pub(super) struct Case<'w> {
    pub world: &'w World,
    pub ticket: Ticket,
    pub events: Vec<Event>,
    pub now: Moment,
}

impl<'w> Case<'w> {
    /// A resident's report in grid 111.
    pub(super) fn open(world: &'w World) -> Self {
        Self::open_with(world, opening(GRID))
    }

    pub(super) fn open_with(world: &'w World, opening: Opening) -> Self {
        let first = open(opening, start(), world.rules()).unwrap();
        Self { world, ticket: first.ticket, events: vec![first.event], now: start() }
    }

    /// Claimed by the worker of grid 111 and filed under a category.
    pub(super) fn filed(world: &'w World, category: &str) -> Self {
        let mut case = Self::open(world);
        case.by(&worker(), &Command::Claim);
        case.by(&worker(), &file(category));
        case
    }

    /// Dispatched by the centre to these units, not signed for yet.
    pub(super) fn dispatched(world: &'w World, lead: UnitId, assist: &[UnitId]) -> Self {
        let mut case = Self::filed(world, UNRULED);
        case.by(&dispatcher(), &dispatch(lead, assist));
        case
    }

    /// Finished by an officer of D01, waiting for the check.
    pub(super) fn checking(world: &'w World) -> Self {
        let mut case = Self::dispatched(world, D01, &[]);
        case.by(&officer(D01), &Command::Accept);
        case.by_with_photo(&officer(D01), &finish());
        case
    }

    pub(super) fn closed(world: &'w World) -> Self {
        let mut case = Self::checking(world);
        case.by_with_photo(&inspector(), &close());
        case
    }

    /// Signed for and being handled by D01.
    pub(super) fn handling(world: &'w World) -> Self {
        let mut case = Self::dispatched(world, D01, &[]);
        case.by(&officer(D01), &Command::Accept);
        case
    }

    /// What the server does next, at the instant at which it is due (or now, if that has passed).
    #[track_caller]
    pub(super) fn alarm(&mut self) -> (Alarm, Event) {
        let due = self.ticket.alarm_at.expect("something is due");
        self.now = self.now.max(due.plus_seconds(-60));
        let (now, rules) = (self.now.plus_seconds(60), self.world.rules());
        let policy = rules.policy(&self.ticket, now);
        let (_, alarm) = next_alarm(&self.ticket, now, policy, rules.calendar).unwrap();
        (alarm, self.by(&Actor::server(), &Command::Alarm(alarm)))
    }

    /// Nothing happens for so long.
    pub(super) const fn later(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    pub(super) fn attempt(
        &mut self,
        actor: &Actor,
        command: &Command,
        photos: &[PhotoRef],
    ) -> Result<&Event, Refusal> {
        let now = self.now.plus_seconds(60);
        assert_eq!(lapse_first(&self.ticket, command.verb(), actor, now), Ok(false), "no lapse is due here");
        let done = step(&self.ticket, command, actor, photos, now, self.world.rules())?;
        laws::hold_after_step(&self.ticket, &done, self.world);
        self.now = now;
        self.ticket = done.ticket;
        self.events.push(done.event);
        Ok(&self.events[self.events.len() - 1])
    }

    #[track_caller]
    pub(super) fn by(&mut self, actor: &Actor, command: &Command) -> Event {
        self.attempt(actor, command, &[]).unwrap_or_else(|why| panic!("{command:?}: {why:?}")).clone()
    }

    #[track_caller]
    pub(super) fn by_with_photo(&mut self, actor: &Actor, command: &Command) -> Event {
        let photos = [photo(Stage::After), photo(Stage::Check)].concat();
        self.attempt(actor, command, &photos).unwrap_or_else(|why| panic!("{command:?}: {why:?}")).clone()
    }

    /// The command is refused, for this reason.
    #[track_caller]
    pub(super) fn refused(&self, actor: &Actor, command: &Command) -> Refusal {
        self.clone().attempt(actor, command, &[]).cloned().expect_err("the command should have been refused")
    }

    /// The command is refused for this reason, though photos came with it.
    #[track_caller]
    pub(super) fn refused_with_photo(&self, actor: &Actor, command: &Command) -> Refusal {
        let photos = [photo(Stage::After), photo(Stage::Check)].concat();
        let tried = self.clone().attempt(actor, command, &photos).cloned();
        tried.expect_err("the command should have been refused")
    }

    /// The open orders as (unit, is lead).
    pub(super) fn open_orders(&self) -> Vec<(UnitId, bool)> {
        let open = self.ticket.orders.iter().filter(|order| order.state.is_open());
        open.map(|order| (order.unit, order.kind == crate::flow::OrderKind::Lead)).collect()
    }
}
