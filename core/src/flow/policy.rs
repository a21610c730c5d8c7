//! 办理规则: the limits of the phases and the thresholds of the loop, as data with a date from which they hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state::{Phase, Role};
use crate::model::{Limit, LimitUnit};
use crate::time::Moment;

/// The key of a version of the rules; 0 is the built-in one.
pub type PolicyId = i64;

/// The limits of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhaseLimit {
    /// For tickets that are not urgent.
    pub normal: Limit,
    /// For urgent ones.
    pub urgent: Limit,
}

impl PhaseLimit {
    const fn new(normal: Limit, urgent: Limit) -> Self {
        Self { normal, urgent }
    }
}

/// The rules of a district. A ticket keeps the version under which it was filed.
///
/// The defaults are the usual ones of 数字城管: filing and dispatch within one working hour, signing within one,
/// a first extension of the standard length, arbitration after the second return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The limit of each phase; the handling limit itself is the category's.
    pub phases: BTreeMap<Phase, PhaseLimit>,
    /// After which share of its time a clock is due soon, percent.
    #[schema(minimum = 1, maximum = 99)]
    pub soon_percent: u8,
    /// How long after a breach the next level is told, if it goes on.
    pub breach_again: Limit,
    /// After how many returns the district decides.
    #[schema(minimum = 1, maximum = 20)]
    pub returns_to_arbitration: u32,
    /// After how many failed checks the next level is told.
    #[schema(minimum = 1, maximum = 20)]
    pub reworks_to_breach: u32,
    /// Within which distance of the place a check counts as made on the spot, metres.
    #[schema(minimum = 1, maximum = 100_000)]
    pub check_distance_m: u32,
    /// How old the position of a check may be, seconds.
    #[schema(minimum = 1, maximum = 86_400)]
    pub check_position_age_s: u32,
    /// Whether a check needs a photo.
    pub check_photo: bool,
    /// How far from the place a photo may have been taken before that is noted, metres.
    #[schema(minimum = 1, maximum = 100_000)]
    pub photo_distance_m: u32,
    /// How long before it is sent a photo may have been taken before that is noted, seconds.
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub photo_age_s: u32,
    /// How far the clock of a camera or phone may run ahead before that is noted, seconds.
    #[schema(minimum = 0, maximum = 86_400)]
    pub photo_ahead_s: u32,
    /// How long a ticket waits for its reporter at most.
    pub waiting: Limit,
    /// How long a suspension or deferral may last at most, natural days.
    #[schema(minimum = 1, maximum = 3650)]
    pub suspension_days: u32,
    /// Whether residents are called back.
    pub call_back: bool,
    /// After how many calls that reached nobody the call-back is over.
    #[schema(minimum = 1, maximum = 10)]
    pub call_back_tries: u32,
    /// Who sees tickets of sensitive kinds, besides their reporter and the units that hold an order.
    pub sensitive_roles: Vec<Role>,
}

impl Default for Policy {
    fn default() -> Self {
        use LimitUnit::{UrgentHours, UrgentMinutes, WorkingDays, WorkingHours};
        let hour = Limit::new(1, WorkingHours);
        let minutes = |amount| Limit::new(amount, UrgentMinutes);
        let phase = |normal, urgent| PhaseLimit::new(normal, urgent);
        Self {
            phases: BTreeMap::from([
                (Phase::Accept, phase(Limit::new(2, WorkingHours), minutes(30))),
                (Phase::Verify, phase(Limit::new(2, WorkingHours), Limit::new(1, UrgentHours))),
                (Phase::File, phase(hour, minutes(15))),
                (Phase::Dispatch, phase(hour, minutes(15))),
                (Phase::Arbitrate, phase(Limit::new(1, WorkingDays), Limit::new(2, UrgentHours))),
                (Phase::Sign, phase(hour, minutes(30))),
                (Phase::Check, phase(Limit::new(4, WorkingHours), Limit::new(2, UrgentHours))),
                (Phase::CallBack, phase(Limit::new(2, WorkingDays), Limit::new(1, WorkingDays))),
                (Phase::Arrive, phase(minutes(60), minutes(30))),
            ]),
            soon_percent: 75,
            breach_again: Limit::new(1, WorkingDays),
            returns_to_arbitration: 2,
            reworks_to_breach: 3,
            check_distance_m: 200,
            check_position_age_s: 900,
            check_photo: true,
            photo_distance_m: 300,
            photo_age_s: 86_400,
            photo_ahead_s: 300,
            waiting: Limit::new(3, WorkingDays),
            suspension_days: 365,
            call_back: true,
            call_back_tries: 3,
            sensitive_roles: vec![
                Role::StreetOfficer,
                Role::Dispatcher,
                Role::DutyChief,
                Role::CentreHead,
                Role::Inspector,
            ],
        }
    }
}

impl Policy {
    /// The limit of a phase; none where the district sets none.
    pub fn limit(&self, phase: Phase, urgent: bool) -> Option<Limit> {
        self.phases.get(&phase).map(|limits| if urgent { limits.urgent } else { limits.normal })
    }

    /// What is wrong with the rules, as (field, what to mend); empty when they can be used.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let mut within = |field: &str, value: u32, low: u32, high: u32| {
            if !(low..=high).contains(&value) {
                faults.push((field.to_owned(), format!("{low}..{high}")));
            }
        };
        within("soon_percent", self.soon_percent.into(), 1, 99);
        within("returns_to_arbitration", self.returns_to_arbitration, 1, 20);
        within("reworks_to_breach", self.reworks_to_breach, 1, 20);
        within("check_distance_m", self.check_distance_m, 1, 100_000);
        within("check_position_age_s", self.check_position_age_s, 1, 86_400);
        within("photo_distance_m", self.photo_distance_m, 1, 100_000);
        within("photo_age_s", self.photo_age_s, 1, 31_536_000);
        within("photo_ahead_s", self.photo_ahead_s, 0, 86_400);
        within("suspension_days", self.suspension_days, 1, 3650);
        within("call_back_tries", self.call_back_tries, 1, 10);
        within("breach_again/amount", self.breach_again.amount, 1, 10_000);
        within("waiting/amount", self.waiting.amount, 1, 10_000);
        for (phase, limits) in &self.phases {
            for (name, limit) in [("normal", limits.normal), ("urgent", limits.urgent)] {
                within(&format!("phases/{}/{name}/amount", phase.as_str()), limit.amount, 1, 10_000);
            }
        }
        faults
    }
}

/// All versions of a district's rules.
#[derive(Clone, Debug, Default)]
pub struct PolicyBook {
    /// By the instant from which they hold.
    versions: Vec<(Moment, PolicyId, Policy)>,
    built_in: Policy,
}

impl PolicyBook {
    /// The book of these versions (from when, key, rules), in any order.
    pub fn new(mut versions: Vec<(Moment, PolicyId, Policy)>) -> Self {
        versions.sort_by_key(|(from, id, _)| (*from, *id));
        Self { versions, built_in: Policy::default() }
    }

    /// The rules that hold at an instant, with their key.
    pub fn at(&self, now: Moment) -> (PolicyId, &Policy) {
        let holding = self.versions.iter().rev().find(|(from, _, _)| *from <= now);
        holding.map_or((0, &self.built_in), |(_, id, policy)| (*id, policy))
    }

    /// The rules with this key; those built in where there are none.
    pub fn get(&self, id: PolicyId) -> &Policy {
        let found = self.versions.iter().find(|(_, known, _)| *known == id);
        found.map_or(&self.built_in, |(_, _, policy)| policy)
    }

    /// All versions, the oldest first.
    pub fn versions(&self) -> &[(Moment, PolicyId, Policy)] {
        &self.versions
    }
}
