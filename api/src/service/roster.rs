//! 值班与替班 as administrators keep them, and officials read them.

use suishoupai_core::audit::AuditKind;
use suishoupai_core::model::{District, UnitId};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::Account;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::roster::{self, Absence, Shift};
use suishoupai_storage::db::{Conn, accounts};

use super::once::once;
use super::reports::Repeat;
use crate::audit;
use crate::callers;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Leaves and shifts of one answer at the most.
pub const MOST: i64 = 500;

/// A leave to be written down, by sign-in names.
#[derive(Clone, Debug)]
pub struct NewAbsence {
    /// Who is away.
    pub login: String,
    /// Who acts meanwhile.
    pub substitute: String,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
    /// Why.
    pub reason: String,
}

fn span_is_good(from: Moment, to: Moment, now: Moment) -> Result<(), Problem> {
    if from < to && to > now {
        return Ok(());
    }
    let message = Text::new("结束时间须晚于开始时间和现在", "must lie after the beginning and after now");
    Err(Problem::new(Code::RefusedByRule).field("/to", "wrong_value", message))
}

fn unknown_login(field: &str) -> Problem {
    let message = Text::new("本区没有这个登录名", "the district has no official with this sign-in name");
    Problem::new(Code::AccountNotFound).field(format!("/{field}"), "unknown_account", message)
}

/// Writes a leave down; from its beginning the substitute acts for the account.
///
/// # Errors
/// 404 for unknown names, 422 for a bad span, oneself as substitute, or two leaves at once.
pub async fn add_absence(
    services: &Services,
    by: &Account,
    new: NewAbsence,
    repeat: Option<Repeat>,
) -> Result<Absence, Fail> {
    let now = services.now();
    let (district, trail) = (by.district, audit::by(by, AuditKind::RoleChange, now));
    let by = by.id;
    span_is_good(new.from, new.to, now)?;
    let [id] = services.db.ids::<1>().await?;
    let absence = services
        .db
        .write(move |conn| {
            once(conn, by, repeat.as_ref(), now, |conn| {
                let absence = absence_of(conn, id, district, &new)?;
                roster::insert_absence(conn, &absence, by, now)?;
                let line = Entry { subject: Some(format!("absence:{id}")), ..trail.clone() };
                let line = audit::with(line, "account", absence.account);
                let line = audit::with(line, "substitute", absence.substitute);
                audit_rows::append(conn, &[Entry { why: Some(absence.reason.clone()), ..line }])?;
                Ok(absence)
            })
        })
        .await?;
    callers::changed(services).await;
    Ok(absence)
}

/// The leave as it is kept, if it may be.
fn absence_of(conn: &mut Conn, id: i64, district: District, new: &NewAbsence) -> Result<Absence, Fail> {
    let mut find = |login: &str, field: &str| -> Result<i64, Fail> {
        let account = accounts::find_by_login(conn, login)?;
        let own = account.filter(|account| account.district == district && account.is_active);
        Ok(own.ok_or_else(|| unknown_login(field))?.id)
    };
    let account = find(&new.login, "login")?;
    let substitute = find(&new.substitute, "substitute")?;
    if account == substitute {
        let message = Text::new("不能由本人替班", "nobody stands in for oneself");
        return Err(Problem::new(Code::RefusedByRule).field("/substitute", "same", message).into());
    }
    if roster::is_away(conn, account, new.from, new.to)? {
        let message = Text::new("与已有的请假重叠", "overlaps another leave");
        return Err(Problem::new(Code::RefusedByRule).field("/from", "overlap", message).into());
    }
    let reason = new.reason.clone();
    Ok(Absence { id, district, account, substitute, from: new.from, to: new.to, reason })
}

/// Ends a leave now.
///
/// # Errors
/// 404 where there is none to end.
pub async fn end_absence(services: &Services, by: &Account, id: i64) -> Result<(), Fail> {
    let now = services.now();
    let (district, line) = (by.district, audit::by(by, AuditKind::RoleChange, now));
    let line = audit::with(Entry { subject: Some(format!("absence:{id}")), ..line }, "ended", true);
    let ended = services
        .db
        .write(move |conn| {
            let ended = roster::end_absence(conn, district, id, now)?;
            audit_rows::append(conn, if ended { std::slice::from_ref(&line) } else { &[] })?;
            Ok::<_, Fail>(ended)
        })
        .await?;
    callers::changed(services).await;
    if ended { Ok(()) } else { Err(Code::NotFound.into()) }
}

/// A shift to be written down.
#[derive(Clone, Debug)]
pub struct NewShift {
    /// Where.
    pub unit: UnitId,
    /// Sign-in name of who is on duty.
    pub login: String,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub to: Moment,
}

/// Puts somebody on duty in a unit.
///
/// # Errors
/// 404 for an unknown unit or name, 422 for a bad span.
pub async fn add_shift(
    services: &Services,
    district: District,
    by: i64,
    new: NewShift,
    repeat: Option<Repeat>,
) -> Result<Shift, Fail> {
    let now = services.now();
    let NewShift { unit, login, from, to } = new;
    span_is_good(from, to, now)?;
    let registry = services.registry();
    registry.tree.get(unit).filter(|found| found.district == district).ok_or(Code::UnitNotFound)?;
    let [id] = services.db.ids::<1>().await?;
    services
        .db
        .write(move |conn| {
            once(conn, by, repeat.as_ref(), now, |conn| {
                let account = accounts::find_by_login(conn, &login)?;
                let own = account.filter(|account| account.district == district && account.is_active);
                let account = own.ok_or_else(|| unknown_login("login"))?.id;
                let shift = Shift { id, district, unit, account, from, to };
                roster::insert_shift(conn, &shift)?;
                Ok(shift)
            })
        })
        .await
}

/// Takes a shift off.
///
/// # Errors
/// 404 where there is none.
pub async fn delete_shift(services: &Services, district: District, id: i64) -> Result<(), Fail> {
    let gone =
        services.db.write(move |conn| roster::delete_shift(conn, district, id).map_err(Fail::from)).await?;
    if gone { Ok(()) } else { Err(Code::NotFound.into()) }
}
