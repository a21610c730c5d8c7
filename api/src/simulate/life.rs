//! One ticket's life by the rules, without a database: the same people mean and do the same as in a simulation.

use std::collections::HashMap;

use suishoupai_core::flow::{
    Actor, Command, PhotoRef, Post, Role, Stage, Step, Ticket, TicketId, Verb, lapse_first, may_see,
    next_alarm, step, told,
};
use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::photos::Named;
use suishoupai_storage::db::reports::Rating;
use suishoupai_storage::db::tickets;

use super::chance::Chance;
use super::moves::choose;
use super::people::PICTURE;
use super::plan::{Seen, follow};
use super::queue::{Act, Queue, Task};
use super::scene::{Look, Move, Scene};
use crate::fail::Fail;
use crate::problem::Code;
use crate::service::digest;
use crate::service::pictures::Before;
use crate::service::reports::{New, Plain, open_plain};
use crate::service::tickets::{Order, Position, on_the_spot};

/// Lines that the clocks may write at one instant.
const AT_ONCE: usize = 16;

/// A life on its way.
pub(super) struct Life<'a> {
    scene: &'a Scene,
    chance: Chance,
    queue: Queue,
    /// What has happened up to now.
    told: tickets::Life,
}

impl<'a> Life<'a> {
    /// Begins with a report; `chance` decides what becomes of it.
    pub(super) fn begin(scene: &'a Scene, chance: Chance, plain: Plain, now: Moment) -> Result<Self, Fail> {
        let New { step, place, told, report } =
            open_plain(&scene.registry, plain.clone(), &photos(&plain), now)?;
        let Step { ticket, event } = step;
        let told = tickets::Life { ticket, place, report, lines: vec![(event, told)], ratings: Vec::new() };
        let mut life = Self { scene, chance, queue: Queue::default(), told };
        life.set_clock(None);
        life.follow(Seen::default(), Some(Verb::Open), now);
        Ok(life)
    }

    /// The ticket as it stands.
    pub(super) fn ticket(&self) -> &Ticket {
        &self.told.ticket
    }

    /// Goes on up to, but not including, an instant.
    pub(super) fn go_on(&mut self, until: Moment) -> Result<(), Fail> {
        while let Some(task) = self.queue.pop(until) {
            self.carry_out(task)?;
        }
        Ok(())
    }

    /// What has happened.
    pub(super) fn end(self) -> tickets::Life {
        self.told
    }

    fn carry_out(&mut self, task: Task) -> Result<(), Fail> {
        let seen = Seen::of(&self.told.ticket);
        if task.act == Act::Ring {
            if self.told.ticket.alarm_at == Some(task.at) {
                self.ring(task.at)?;
                self.follow(seen, None, task.at);
            }
            return Ok(());
        }
        let mut look = self.look(task.at);
        let chosen = choose(&mut look, task.act);
        let later = look.later;
        self.plan(later);
        if let Some(chosen) = chosen {
            let verb = chosen.command.verb();
            if self.perform(chosen, task.at)? {
                self.follow(seen, Some(verb), task.at);
            }
        }
        Ok(())
    }

    /// What the clocks call for.
    fn ring(&mut self, now: Moment) -> Result<(), Fail> {
        let rules = self.scene.registry.rules(self.told.ticket.district).ok_or(Code::Internal)?;
        for _ in 0..AT_ONCE {
            let ticket = &self.told.ticket;
            let next = next_alarm(ticket, now, rules.policy(ticket, now), rules.calendar);
            let Some((_, alarm)) = next.filter(|(at, _)| *at <= now) else { break };
            if !self.step(&Command::Alarm(alarm), &Actor::server(), &[], now)? {
                return Err(Code::Internal.into());
            }
        }
        Ok(())
    }

    /// Carries out a command; false where the rules refuse it, as they do when two want the same.
    fn perform(&mut self, chosen: Move, now: Moment) -> Result<bool, Fail> {
        let (actor, photo) = self.person(chosen.who)?;
        let registry = &self.scene.registry;
        let ticket = &self.told.ticket;
        let verb = chosen.command.verb();
        let seen = may_see(ticket, &actor, &registry.tree, registry.sensitive_roles(ticket.district, now));
        let held = ticket.holder.filter(|_| !ticket.lease_is_over(now));
        if !seen || verb == Verb::Claim && held.is_some_and(|holder| actor.acts_as(holder.account)) {
            return Ok(false);
        }
        let Ok(lapse) = lapse_first(ticket, verb, &actor, now) else { return Ok(false) };
        if lapse {
            self.step(&Command::Lapse, &Actor::server(), &[], now)?;
        }
        let at = LonLat { lon: self.told.place.lon, lat: self.told.place.lat };
        let order = Order {
            ticket: self.told.ticket.id,
            version: None,
            command: chosen.command,
            photos: Vec::new(),
            stage: chosen.photo.unwrap_or(Stage::Before),
            position: chosen.located.then_some(Position { at, taken_at: now }),
            duty: None,
            before: Before::default(),
        };
        let proof =
            chosen.photo.map(|stage| PhotoRef { doubts: Vec::new(), id: photo, sha256: sha256(), stage });
        let round = self.told.ticket.reopens;
        let command = on_the_spot(&order, at, now);
        let done = self.step(&command, &actor, proof.as_slice(), now)?;
        if let (true, Command::Rate { solved, stars, words }, Some(account)) = (done, command, actor.account)
        {
            let stars = i32::from(stars);
            let rating = Rating { round, solved, stars, words, created_at: now.millis() };
            self.told.ratings.push((account, rating));
        }
        Ok(done)
    }

    /// Takes one step by the rules; false where they refuse it.
    fn step(
        &mut self,
        command: &Command,
        actor: &Actor,
        photos: &[PhotoRef],
        now: Moment,
    ) -> Result<bool, Fail> {
        let registry = &self.scene.registry;
        let before = &self.told.ticket;
        let rules = registry.rules(before.district).ok_or(Code::Internal)?;
        let Ok(Step { ticket, event }) = step(before, command, actor, photos, now, rules) else {
            return Ok(false);
        };
        let units = told(Some(before), &ticket, &event, &registry.tree);
        let alarm = before.alarm_at;
        self.told.lines.push((event, units));
        self.told.ticket = ticket;
        self.set_clock(alarm);
        Ok(true)
    }

    /// Whether another ticket can still come under this one.
    pub(super) fn absorbs(&self, other: TicketId) -> bool {
        let ticket = &self.told.ticket;
        !ticket.sensitive && !ticket.state.is_final() && !ticket.course.merged.contains(&other)
    }

    /// Carries out what somebody orders; false where the rules refuse it.
    pub(super) fn order(&mut self, who: Option<usize>, command: Command, now: Moment) -> Result<bool, Fail> {
        self.perform(Move { who, command, photo: None, located: false }, now)
    }

    /// Another ticket has come under this one, in the name of whoever did it: its reporter follows this one now.
    pub(super) fn absorb(&mut self, other: &Ticket, who: Option<usize>, now: Moment) -> Result<(), Fail> {
        let (actor, _) = self.person(who)?;
        let on_behalf = Actor { posts: vec![Post { role: Role::System, unit: 0 }], ..actor };
        if !self.step(&Command::Absorb { ticket: other.id }, &on_behalf, &[], now)? {
            return Err(Code::Internal.into());
        }
        self.told.ticket.reporters.extend(&other.reporters);
        Ok(())
    }

    fn set_clock(&mut self, before: Option<Moment>) {
        let ticket = &self.told.ticket;
        if let Some(at) = ticket.alarm_at.filter(|at| before != Some(*at)) {
            self.queue.push(at, ticket.id, Act::Ring);
        }
    }

    fn follow(&mut self, seen: Seen, verb: Option<Verb>, now: Moment) {
        let mut look = self.look(now);
        follow(&mut look, seen, verb);
        let later = look.later;
        self.plan(later);
    }

    fn look(&mut self, now: Moment) -> Look<'_> {
        let Self { scene, chance, told, .. } = self;
        Look { scene, ticket: &told.ticket, chance, now, later: Vec::new() }
    }

    fn plan(&mut self, later: Vec<(Moment, Act)>) {
        for (at, act) in later {
            self.queue.push(at, self.told.ticket.id, act);
        }
    }

    fn person(&self, who: Option<usize>) -> Result<(Actor, i64), Fail> {
        let Some(who) = who else { return Ok((Actor::server(), 0)) };
        let person = self.scene.town.people.all.get(who).ok_or(Code::Internal)?;
        Ok((person.actor.clone(), person.photo))
    }
}

/// The photos that a report names: they are its sender's.
fn photos(plain: &Plain) -> HashMap<i64, Named> {
    let account = plain.account.id;
    let own =
        |id: &i64| (*id, Named { gps: None, taken_at: None, id: *id, account, sha256: digest(PICTURE) });
    plain.draft.photo_ids.iter().map(own).collect()
}

/// The photo that everybody of the simulation has.
fn sha256() -> String {
    hex::encode(digest(PICTURE))
}
