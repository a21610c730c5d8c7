//! A run: from one instant to the next, each thing carried out by the same functions that serve the routes.

use std::collections::BTreeMap;

use suishoupai_core::flow::{Actor, Stage, Ticket, TicketId, Verb, allowed_actions};
use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::Conn;
use suishoupai_storage::db::tickets::Loaded;

use super::DAY;
use super::chance::Chance;
use super::desk::Desk;
use super::moves::choose;
use super::people::Who;
use super::plan::{Seen, follow};
use super::queue::{Act, Queue, Task};
use super::reporter::compose;
use super::scene::{Look, Move, Scene};
use crate::fail::Fail;
use crate::problem::Code;
use crate::service::alarms::ring_on;
use crate::service::pictures::Before;
use crate::service::reports::take_in;
use crate::service::tickets::{Order, Position, execute_on};

/// Tasks for which chances are drawn from one source.
const STRETCH: usize = 400;
/// Every so many commands the buttons that a phone would show are compared with what the rules let pass.
const COMPARED: u64 = 40;

/// What changes during a run.
#[derive(Debug, Default)]
pub(super) struct World {
    queue: Queue,
    stretch: u64,
    days: u32,
    /// For each ticket when its clocks call next, in milliseconds; 0 where they do not.
    alarms: Vec<i64>,
    /// What people tried in vain, by command and code of the problem.
    pub(super) refused: BTreeMap<(&'static str, &'static str), u64>,
    tried: u64,
    /// What the run itself found to be wrong.
    pub(super) faults: Vec<String>,
}

impl World {
    /// A whole run, in one transaction: it begins with nothing, so that it can be done again.
    pub(super) fn live(conn: &mut Conn, scene: &Scene) -> Result<Self, Fail> {
        let (mut world, mut desk) = (Self::default(), Desk::default());
        world.queue.push(scene.start, 0, Act::Day);
        while world.advance(conn, scene, &mut desk)? {}
        Ok(world)
    }

    /// Carries out the next tasks; false once nothing is left before the end.
    fn advance(&mut self, conn: &mut Conn, scene: &Scene, desk: &mut Desk) -> Result<bool, Fail> {
        self.stretch += 1;
        let mut run = Run { scene, chance: Chance::new(scene.options.seed, self.stretch), world: self, desk };
        for _ in 0..STRETCH {
            let Some(task) = run.world.queue.pop(scene.end) else { return Ok(false) };
            run.carry_out(conn, task)?;
        }
        Ok(true)
    }
}

/// One stretch.
struct Run<'a> {
    scene: &'a Scene,
    chance: Chance,
    world: &'a mut World,
    desk: &'a mut Desk,
}

impl Run<'_> {
    fn carry_out(&mut self, conn: &mut Conn, task: Task) -> Result<(), Fail> {
        match task.act {
            Act::Day => self.day(task.at),
            Act::Report => return self.report(conn, task.at),
            Act::Ring => return self.ring(conn, task),
            _ => return self.act(conn, task),
        }
        Ok(())
    }

    fn day(&mut self, start: Moment) {
        self.world.days += 1;
        for _ in 0..self.scene.options.tickets_per_day {
            let at = start.plus_millis(self.scene.town.time_of_day(&mut self.chance));
            self.world.queue.push(at, 0, Act::Report);
        }
        if self.world.days < self.scene.options.days {
            self.world.queue.push(start.plus_millis(DAY), 0, Act::Day);
        }
    }

    fn report(&mut self, conn: &mut Conn, now: Moment) -> Result<(), Fail> {
        let index = self.world.alarms.len() as i64;
        let Some(plain) = compose(self.scene, &mut self.chance, index, now)? else { return Ok(()) };
        let ticket = take_in(conn, &self.scene.registry, plain, now)?;
        self.world.alarms.push(0);
        self.follow(&ticket, Seen::default(), Some(Verb::Open), now);
        Ok(())
    }

    fn ring(&mut self, conn: &mut Conn, task: Task) -> Result<(), Fail> {
        if self.alarm(task.ticket).is_none_or(|alarm| *alarm != task.at.millis()) {
            // The ticket has moved on, and its clocks with it.
            return Ok(());
        }
        let mut loaded = self.desk.take(conn, task.ticket)?;
        let seen = Seen::of(&loaded.ticket);
        let lines = ring_on(conn, &self.scene.registry, &mut loaded, task.at)?;
        if lines == 0 {
            self.world
                .faults
                .push(format!("ticket {}: its row called for a clock that was not due", task.ticket));
        }
        self.follow(&loaded.ticket, seen, None, task.at);
        if lines > 0 {
            // Without a line the row alone has been brought in line.
            self.desk.put(loaded);
        }
        Ok(())
    }

    fn act(&mut self, conn: &mut Conn, task: Task) -> Result<(), Fail> {
        let mut loaded = self.desk.take(conn, task.ticket)?;
        let seen = Seen::of(&loaded.ticket);
        let mut look = Look {
            scene: self.scene,
            ticket: &loaded.ticket,
            chance: &mut self.chance,
            now: task.at,
            later: Vec::new(),
        };
        let chosen = choose(&mut look, task.act);
        for (at, act) in look.later {
            self.world.queue.push(at, task.ticket, act);
        }
        if let Some(chosen) = chosen {
            let verb = chosen.command.verb();
            if self.perform(conn, &mut loaded, chosen, task.at)? {
                self.follow(&loaded.ticket, seen, Some(verb), task.at);
            }
        }
        self.desk.put(loaded);
        Ok(())
    }

    /// Carries out a command; false where the rules refuse it, as they do when two want the same.
    fn perform(
        &mut self,
        conn: &mut Conn,
        loaded: &mut Loaded,
        chosen: Move,
        now: Moment,
    ) -> Result<bool, Fail> {
        let (actor, photo) = self.person(chosen.who)?;
        let verb = chosen.command.verb();
        let at = LonLat { lon: loaded.lon, lat: loaded.lat };
        let order = Order {
            ticket: loaded.ticket.id,
            version: Some(loaded.ticket.version),
            command: chosen.command,
            photos: chosen.photo.map(|_| photo).into_iter().collect(),
            stage: chosen.photo.unwrap_or(Stage::Before),
            position: chosen.located.then_some(Position { at, taken_at: now }),
            duty: None,
            before: Before::default(),
        };
        self.world.tried += 1;
        let compared = self.world.tried.is_multiple_of(COMPARED) && chosen.who.is_some();
        let offered = !compared || self.offers(&loaded.ticket, &actor, verb, now);
        match execute_on(conn, &self.scene.registry, loaded, &actor, &order, now) {
            Ok(()) => {
                if !offered {
                    let id = loaded.ticket.id;
                    self.world
                        .faults
                        .push(format!("ticket {id}: {} was not offered, but done", verb.as_str()));
                }
                Ok(true)
            }
            Err(Fail::Problem(problem)) => {
                let code = problem.code().as_str();
                *self.world.refused.entry((verb.as_str(), code)).or_default() += 1;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn person(&self, who: Option<Who>) -> Result<(Actor, i64), Fail> {
        let Some(who) = who else { return Ok((Actor::server(), 0)) };
        let person = self.scene.town.people.all.get(who).ok_or(Code::Internal)?;
        Ok((person.actor.clone(), person.photo))
    }

    fn offers(&self, ticket: &Ticket, actor: &Actor, verb: Verb, now: Moment) -> bool {
        let registry = &self.scene.registry;
        let Some(rules) = registry.rules(ticket.district) else { return false };
        allowed_actions(ticket, actor, rules.tree, rules.not_fixed_days, now).contains(&verb)
    }

    /// Plans what follows from a step, and when the ticket's clocks call next.
    fn follow(&mut self, ticket: &Ticket, seen: Seen, verb: Option<Verb>, now: Moment) {
        let mut look = Look { scene: self.scene, ticket, chance: &mut self.chance, now, later: Vec::new() };
        follow(&mut look, seen, verb);
        for (at, act) in look.later {
            self.world.queue.push(at, ticket.id, act);
        }
        let next = ticket.alarm_at.map_or(0, Moment::millis);
        let Some(alarm) = self.alarm(ticket.id) else { return };
        if *alarm != next {
            *alarm = next;
            if let Some(at) = ticket.alarm_at {
                self.world.queue.push(at, ticket.id, Act::Ring);
            }
        }
    }

    fn alarm(&mut self, ticket: TicketId) -> Option<&mut i64> {
        let index = usize::try_from(ticket - self.scene.first_ticket).ok()?;
        self.world.alarms.get_mut(index)
    }
}
