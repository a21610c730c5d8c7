//! What was refused as false, and until when reports of an account are therefore looked at first.

use std::collections::HashMap;

use diesel::prelude::*;
use suishoupai_core::flow::{AccountId, TicketId};
use suishoupai_core::time::Moment;

use super::conn::Conn;
use super::error::DbError;
use super::schema::{accounts, false_reports};
use super::unnest::{insert_rows, together};

/// From how many false reports within how many days on an account is distrusted; 0 never.
#[derive(Clone, Copy, Debug)]
pub struct Distrust {
    /// How many.
    pub reports: u32,
    /// Within how many days.
    pub days: u32,
}

struct False {
    account_id: i64,
    ticket_id: i64,
    at: i64,
}

/// Notes that a ticket was refused as false, and distrusts those of its reporters of whom too many were within the term, for as
/// long as that is so.
///
/// # Errors
/// The database's.
pub fn note_false(
    conn: &mut Conn,
    ticket: TicketId,
    reporters: &[AccountId],
    distrust: Distrust,
    now: Moment,
) -> Result<(), DbError> {
    let mut accounts = reporters.to_vec();
    accounts.sort_unstable();
    accounts.dedup();
    let rows =
        accounts.iter().map(|account| False { account_id: *account, ticket_id: ticket, at: now.millis() });
    let records: Vec<False> = rows.collect();
    together(conn, |rows| {
        insert_rows!(
            rows,
            false_reports,
            &records,
            False { account_id, ticket_id, at },
            " ON CONFLICT DO NOTHING"
        );
        Ok(())
    })?;
    let Some(enough) = (distrust.reports as usize).checked_sub(1) else { return Ok(()) };
    let term = i64::from(distrust.days) * 86_400;
    let found: Vec<(i64, i64)> = false_reports::table
        .filter(false_reports::account_id.eq_any(accounts))
        .filter(false_reports::at.gt(now.plus_seconds(-term).millis()))
        .select((false_reports::account_id, false_reports::at))
        .order(false_reports::at.desc())
        .load(conn)?;
    let mut by_account: HashMap<AccountId, Vec<i64>> = HashMap::new();
    for (account, at) in found {
        by_account.entry(account).or_default().push(at);
    }
    for (account, instants) in by_account {
        let Some(oldest) = instants.get(enough) else { continue };
        let until = Moment::from_millis(*oldest).plus_seconds(term).millis();
        diesel::update(accounts::table.find(account))
            .set(accounts::distrusted_until.eq(until))
            .execute(conn)?;
    }
    Ok(())
}
