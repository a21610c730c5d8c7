//! 限制上报: a reporter whose reports are not taken for a while, the one appeal against it, and who decides about that.

use serde::{Deserialize, Serialize};

use crate::flow::{AccountId, Actor, Said};
use crate::time::Moment;

/// Longest term, days.
pub const MOST_DAYS: u32 = 365;

crate::flow::words! {
    /// What was decided about a restriction.
    Decision {
        /// It is over.
        Lifted = "lifted", "解除限制", "lifted";
        /// It goes on to its end.
        Kept = "kept", "维持限制", "kept";
    }
}

/// How it stands with a restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restricted {
    /// Who ordered it.
    pub by: AccountId,
    /// Until when.
    pub until: Moment,
    /// Whether its reporter has appealed.
    pub appealed: bool,
    /// What was decided.
    pub decision: Option<Decision>,
}

/// Why something is not done about a restriction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has ended.
    Over,
    /// Its reporter has appealed before.
    Appealed,
    /// It was decided before.
    Decided,
    /// Nobody has appealed, so there is nothing to be kept up against.
    NoAppeal,
    /// Whoever ordered it, or stands in for who did, does not decide about it.
    OwnOrder,
}

impl Refusal {
    /// A stable word for clients.
    pub const fn code(self) -> &'static str {
        match self {
            Refusal::Over => "restriction_over",
            Refusal::Appealed => "appealed_before",
            Refusal::Decided => "decided_before",
            Refusal::NoAppeal => "no_appeal",
            Refusal::OwnOrder => "own_order",
        }
    }

    /// The refusal in words.
    pub fn said(self) -> Said {
        match self {
            Refusal::Over => Said::new("该限制已结束。", "The restriction is over."),
            Refusal::Appealed => Said::new("您已申诉过一次，请等待处理。", "You have appealed; please wait."),
            Refusal::Decided => Said::new("该限制已有处理决定。", "The restriction has been decided about."),
            Refusal::NoAppeal => Said::new(
                "尚无申诉，无需维持；可直接解除。",
                "There is no appeal; it can be lifted, not kept.",
            ),
            Refusal::OwnOrder => Said::new(
                "作出限制的人不能处理对它的申诉，请由他人处理。",
                "Whoever ordered it does not decide about it; somebody else has to.",
            ),
        }
    }
}

impl Restricted {
    /// Whether no report is taken now.
    pub fn holds(&self, now: Moment) -> bool {
        self.until > now && self.decision != Some(Decision::Lifted)
    }

    /// Whether its reporter may appeal now.
    ///
    /// # Errors
    /// Why not.
    pub fn appeal(&self, now: Moment) -> Result<(), Refusal> {
        self.open(now)?;
        if self.appealed { Err(Refusal::Appealed) } else { Ok(()) }
    }

    /// Whether somebody may decide so about it now. What was ordered in error can be lifted without an appeal.
    ///
    /// # Errors
    /// Why not.
    pub fn decide(&self, decision: Decision, by: &Actor, now: Moment) -> Result<(), Refusal> {
        if by.acts_as(self.by) {
            return Err(Refusal::OwnOrder);
        }
        self.open(now)?;
        if decision == Decision::Kept && !self.appealed { Err(Refusal::NoAppeal) } else { Ok(()) }
    }

    fn open(&self, now: Moment) -> Result<(), Refusal> {
        if self.decision.is_some() {
            return Err(Refusal::Decided);
        }
        if self.until <= now { Err(Refusal::Over) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_appeal_is_decided_once_by_somebody_else_before_the_end() {
        let at = Moment::from_millis;
        let actor = |account, stands_for| Actor { account: Some(account), posts: Vec::new(), stands_for };
        let (chief, admin, substitute) = (actor(2, vec![]), actor(1, vec![]), actor(3, vec![1]));
        let fresh = Restricted { by: 1, until: at(100), appealed: false, decision: None };
        let appealed = Restricted { appealed: true, ..fresh };
        let kept = Restricted { decision: Some(Decision::Kept), ..appealed };
        let lifted = Restricted { decision: Some(Decision::Lifted), ..fresh };
        for (restricted, holds, appeal, keep, lift) in [
            (fresh, true, Ok(()), Err(Refusal::NoAppeal), Ok(())),
            (appealed, true, Err(Refusal::Appealed), Ok(()), Ok(())),
            (kept, true, Err(Refusal::Decided), Err(Refusal::Decided), Err(Refusal::Decided)),
            (lifted, false, Err(Refusal::Decided), Err(Refusal::Decided), Err(Refusal::Decided)),
        ] {
            let what = format!("{restricted:?}");
            assert_eq!(restricted.holds(at(99)), holds, "{what}");
            assert!(!restricted.holds(at(100)), "{what}");
            assert_eq!(restricted.appeal(at(99)), appeal, "{what}");
            assert_eq!(restricted.decide(Decision::Kept, &chief, at(99)), keep, "{what}");
            assert_eq!(restricted.decide(Decision::Lifted, &chief, at(99)), lift, "{what}");
            for own in [&admin, &substitute] {
                assert_eq!(
                    restricted.decide(Decision::Lifted, own, at(99)),
                    Err(Refusal::OwnOrder),
                    "{what}"
                );
            }
        }
        assert_eq!(fresh.appeal(at(100)), Err(Refusal::Over));
        assert_eq!(appealed.decide(Decision::Lifted, &chief, at(100)), Err(Refusal::Over));
    }
}
