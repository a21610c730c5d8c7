//! Restrictions of reporters, in answers. Nobody is told by them who the reporter is.

use serde::Serialize;
use suishoupai_core::restriction::Decision;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::restrictions::Restriction;
use utoipa::ToSchema;

use super::Instant;
use crate::service::restrictions::APPEAL;

/// The restriction under which the caller is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OwnRestriction {
    /// Why.
    pub reason: String,
    /// Since when.
    #[schema(value_type = Instant)]
    pub since: Moment,
    /// Until when no report is taken.
    #[schema(value_type = Instant)]
    pub until: Moment,
    /// Where to appeal; absent where that has been done, or it has been decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal_at: Option<&'static str>,
    /// The words of the appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
    /// When there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub appealed_at: Option<Moment>,
    /// What was decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The words of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_words: Option<String>,
}

impl OwnRestriction {
    /// The view of a restriction for whom it is about.
    pub fn of(restriction: Restriction, now: Moment) -> Self {
        let may_appeal = restriction.standing.appeal(now).is_ok();
        Self {
            reason: restriction.reason,
            since: restriction.created_at,
            until: restriction.standing.until,
            appeal_at: may_appeal.then_some(APPEAL),
            appeal: restriction.appeal,
            appealed_at: restriction.appealed_at,
            decision: restriction.standing.decision,
            decision_words: restriction.decision_words,
        }
    }
}

/// A restriction of a reporter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RestrictionView {
    /// The key.
    pub id: i64,
    /// The ticket by whose report it was ordered.
    pub ticket: i64,
    /// Why.
    pub reason: String,
    /// Who ordered it.
    pub restricted_by: String,
    /// When.
    #[schema(value_type = Instant)]
    pub created_at: Moment,
    /// Until when.
    #[schema(value_type = Instant)]
    pub until: Moment,
    /// Whether it holds now.
    pub holds: bool,
    /// The words of the appeal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
    /// When there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub appealed_at: Option<Moment>,
    /// What was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The words of the decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_words: Option<String>,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Instant>)]
    pub decided_at: Option<Moment>,
}

impl RestrictionView {
    /// The view of a restriction for officials, with their names.
    pub fn of(restriction: Restriction, names: &[(i64, String)], now: Moment) -> Self {
        let name = |id: i64| {
            let found = names.iter().find(|(known, _)| *known == id);
            found.map(|(_, name)| name.clone()).unwrap_or_default()
        };
        let standing = restriction.standing;
        Self {
            id: restriction.id,
            ticket: restriction.ticket,
            reason: restriction.reason,
            restricted_by: name(standing.by),
            created_at: restriction.created_at,
            until: standing.until,
            holds: standing.holds(now),
            appeal: restriction.appeal,
            appealed_at: restriction.appealed_at,
            decision: standing.decision,
            decision_words: restriction.decision_words,
            decided_by: restriction.decided_by.map(name),
            decided_at: restriction.decided_at,
        }
    }
}

/// A page of restrictions.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RestrictionPage {
    /// The newest first.
    pub items: Vec<RestrictionView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
