//! What a run stands on, and what somebody knows who is about to act.

use suishoupai_core::clock::WorkCalendar;
use suishoupai_core::flow::{Command, OnSpot, Stage, Ticket};
use suishoupai_core::model::{Category, UnitId};
use suishoupai_core::time::Moment;

use super::Options;
use super::chance::Chance;
use super::people::Who;
use super::queue::Act;
use super::town::Town;
use crate::demo::DISTRICT;
use crate::registry::{DistrictData, Registry};

/// What does not change during a run.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) options: Options,
    pub(super) registry: Registry,
    pub(super) town: Town,
    pub(super) start: Moment,
    pub(super) end: Moment,
    /// The keys of the tickets, without gaps; those of the reports follow.
    pub(super) first_ticket: i64,
    /// How many tickets there are at the most.
    pub(super) total: i64,
}

impl Scene {
    pub(super) fn data(&self) -> Option<&DistrictData> {
        self.registry.districts.get(&DISTRICT)
    }
}

/// Who does what.
#[derive(Debug)]
pub(super) struct Move {
    /// None: the server itself.
    pub(super) who: Option<Who>,
    pub(super) command: Command,
    /// At which stage the photo was taken that comes along, where one does.
    pub(super) photo: Option<Stage>,
    /// Whether the phone sends its position, which is near the place.
    pub(super) located: bool,
}

impl Move {
    pub(super) fn new(who: Who, command: Command) -> Option<Self> {
        Some(Self { who: Some(who), command, photo: None, located: false })
    }

    pub(super) fn with_photo(self, stage: Stage) -> Option<Self> {
        Some(Self { photo: Some(stage), ..self })
    }
}

/// A ticket at an instant, with what is planned meanwhile.
pub(super) struct Look<'a> {
    pub(super) scene: &'a Scene,
    pub(super) ticket: &'a Ticket,
    pub(super) chance: &'a mut Chance,
    pub(super) now: Moment,
    pub(super) later: Vec<(Moment, Act)>,
}

impl<'a> Look<'a> {
    pub(super) fn registry(&self) -> &'a Registry {
        &self.scene.registry
    }

    pub(super) fn town(&self) -> &'a Town {
        &self.scene.town
    }

    /// The category with this code.
    pub(super) fn category(&self, code: &str) -> Option<&'a Category> {
        self.scene.data()?.catalogue.get(code)
    }

    fn calendar(&self) -> Option<&'a WorkCalendar> {
        self.scene.data().map(|data| &data.calendar)
    }

    /// Some minutes from now, round the clock.
    pub(super) fn minutes(&mut self, mean: f64) -> Moment {
        // Nothing happens at the very instant at which it was planned.
        self.now.plus_millis(1_000 + (self.chance.wait(mean) * 60_000.0) as i64)
    }

    /// Some minutes of office hours from now.
    pub(super) fn office(&mut self, mean: f64) -> Moment {
        let millis = 1_000 + (self.chance.wait(mean) * 60_000.0) as i64;
        self.calendar().map_or(self.now, |calendar| calendar.add_working_millis(self.now, millis))
    }

    /// Some minutes from now: of office hours, or, where it is urgent, fewer and round the clock.
    pub(super) fn soon(&mut self, mean: f64, urgent_mean: f64) -> Moment {
        if self.ticket.urgent { self.minutes(urgent_mean) } else { self.office(mean) }
    }

    /// `part` of the time that the lead's clock leaves, from now on.
    pub(super) fn share_of_limit(&self, part: f64) -> Moment {
        let (Some(calendar), Some(timer)) = (self.calendar(), self.ticket.timer()) else { return self.now };
        let left = timer.remaining(self.now, calendar).max(1_800_000);
        let millis = 1_000 + (left as f64 * part) as i64;
        if timer.is_working() {
            calendar.add_working_millis(self.now, millis)
        } else {
            self.now.plus_millis(millis)
        }
    }

    pub(super) fn plan(&mut self, at: Moment, act: Act) {
        self.later.push((at, act));
    }

    /// Somebody who acts for a unit.
    pub(super) fn somebody(&mut self, unit: UnitId) -> Option<Who> {
        self.town().somebody(unit, self.chance)
    }

    pub(super) fn one_of(&mut self, people: &[Who]) -> Option<Who> {
        self.chance.one(people).copied()
    }

    /// Where somebody stands: mostly near the place with a position, else elsewhere with a reason.
    pub(super) fn spot(&mut self) -> (OnSpot, bool) {
        if self.chance.hit(0.9) {
            return (OnSpot::default(), true);
        }
        (
            OnSpot {
                reason: Some("电话核实，照片由现场人员传来".to_owned()), ..OnSpot::default()
            },
            false,
        )
    }
}
