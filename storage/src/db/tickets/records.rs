//! The rows of tickets and of their work orders.

use diesel::prelude::*;

use crate::db::schema::{events, evidence, notices, tickets, work_orders};

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = tickets, treat_none_as_default_value = false)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) district: i32,
    pub(super) number: String,
    pub(super) state: String,
    pub(super) version: i64,
    pub(super) grid_id: i64,
    pub(super) community_id: i64,
    pub(super) street_id: i64,
    pub(super) category: Option<String>,
    pub(super) urgent: bool,
    pub(super) responsible_id: i64,
    pub(super) holder_account: Option<i64>,
    pub(super) holder_unit: Option<i64>,
    pub(super) holder_until: Option<i64>,
    pub(super) handler_account: Option<i64>,
    pub(super) handler_unit: Option<i64>,
    pub(super) returns: i32,
    pub(super) reworks: i32,
    pub(super) reopens: i32,
    pub(super) rated_round: Option<i32>,
    pub(super) title: String,
    pub(super) lon: f64,
    pub(super) lat: f64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
    pub(super) filed_at: Option<i64>,
    pub(super) due_at: Option<i64>,
    pub(super) closed_at: Option<i64>,
    pub(super) last_hash: Vec<u8>,
    pub(super) sensitive: bool,
    pub(super) parent_id: Option<i64>,
    pub(super) stage_due_at: Option<i64>,
    pub(super) soon_at: Option<i64>,
    pub(super) alarm_at: Option<i64>,
    pub(super) course: String,
    pub(super) merged_into_id: Option<i64>,
    pub(super) held: bool,
}

/// What a step changes in the ticket's row, besides what the groups below hold: columns of no index.
#[derive(AsChangeset)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub(super) struct Change {
    pub(super) version: i64,
    pub(super) category: Option<String>,
    pub(super) urgent: bool,
    pub(super) handler_account: Option<i64>,
    pub(super) handler_unit: Option<i64>,
    pub(super) returns: i32,
    pub(super) reworks: i32,
    pub(super) reopens: i32,
    pub(super) rated_round: Option<i32>,
    pub(super) updated_at: i64,
    pub(super) filed_at: Option<i64>,
    pub(super) due_at: Option<i64>,
    pub(super) closed_at: Option<i64>,
    pub(super) last_hash: Vec<u8>,
    pub(super) sensitive: bool,
}

/// A claim, which has an index by its end.
#[derive(AsChangeset, PartialEq)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub(super) struct Claim {
    pub(super) holder_account: Option<i64>,
    pub(super) holder_unit: Option<i64>,
    pub(super) holder_until: Option<i64>,
}

/// The instants of the present phase, by which the urgent lists are sorted.
#[derive(AsChangeset, PartialEq)]
#[diesel(table_name = tickets, treat_none_as_null = true)]
pub(super) struct Instants {
    pub(super) stage_due_at: Option<i64>,
    pub(super) soon_at: Option<i64>,
}

/// A line of a history.
#[derive(Insertable, Debug)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(super) struct EventRecord {
    pub(super) ticket_id: i64,
    pub(super) seq: i64,
    pub(super) district: i32,
    pub(super) at: i64,
    pub(super) verb: &'static str,
    pub(super) public: bool,
    pub(super) content: String,
    pub(super) hash: Vec<u8>,
}

/// A line of a history once more, for those who follow changes.
pub(super) struct ChangeRecord {
    pub(super) turn: i64,
    pub(super) district: i32,
    pub(super) ticket_id: i64,
    pub(super) seq: i64,
    pub(super) at: i64,
}

/// A photo that a line of a history names.
#[derive(Insertable, Debug)]
#[diesel(table_name = evidence, treat_none_as_default_value = false)]
pub(super) struct EvidenceRecord {
    pub(super) ticket_id: i64,
    pub(super) photo_id: i64,
    pub(super) stage: &'static str,
    pub(super) district: i32,
    pub(super) event_seq: i64,
    pub(super) created_at: i64,
    /// Never none, by which what servers of earlier versions write is told apart.
    pub(super) compared_at: i64,
}

/// That a piece of evidence waits to be compared.
pub(super) struct WaitingRecord {
    pub(super) ticket_id: i64,
    pub(super) photo_id: i64,
    pub(super) stage: &'static str,
}

/// That a unit is told of a line.
#[derive(Insertable, Debug)]
#[diesel(table_name = notices, treat_none_as_default_value = false)]
pub(super) struct NoticeRecord {
    pub(super) district: i32,
    pub(super) unit_id: i64,
    pub(super) ticket_id: i64,
    pub(super) event_seq: i64,
    pub(super) verb: &'static str,
    pub(super) at: i64,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = work_orders, treat_none_as_default_value = false)]
pub(super) struct OrderRecord {
    pub(super) ticket_id: i64,
    pub(super) seq: i32,
    pub(super) district: i32,
    pub(super) unit_id: i64,
    pub(super) kind: String,
    pub(super) state: String,
    pub(super) created_at: i64,
    pub(super) due_at: i64,
    pub(super) accepted_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) result: Option<String>,
    pub(super) timer: Option<String>,
    pub(super) handed_by: Option<i64>,
}

/// What a step may change in the row of a work order, besides its unit and what the index of deadlines holds.
#[derive(AsChangeset)]
#[diesel(table_name = work_orders, treat_none_as_null = true)]
pub(super) struct OrderChange {
    pub(super) kind: String,
    pub(super) accepted_at: Option<i64>,
    pub(super) ended_at: Option<i64>,
    pub(super) result: Option<String>,
    pub(super) timer: Option<String>,
    pub(super) handed_by: Option<i64>,
}
