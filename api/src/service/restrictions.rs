//! 限制上报: who sends false reports again and again is kept from sending more for a term. An administrator orders it by a
//! report, and is not told whose it is; the reporter may appeal once; the duty chief or the head of the centre decides.

use serde_json::Value;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::may_see;
use suishoupai_core::restriction::{Decision, Refusal, Restricted};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::audit::{self as trail, Entry};
use suishoupai_storage::db::restrictions::{self as rows, Restriction};
use suishoupai_storage::db::{Conn, reports, tickets};

use crate::audit;
use crate::auth::actor;
use crate::callers;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

const DAY: i64 = 86_400;
/// Where a reporter appeals.
pub const APPEAL: &str = "/api/v1/me/restriction/appeal";

/// A restriction with the names of the officials in it.
pub type Named = (Restriction, Vec<(i64, String)>);

/// Refuses a report of somebody who is restricted.
///
/// # Errors
/// 403 with until when, why, and how to appeal.
pub async fn admit(services: &Services, account: &Account) -> Result<(), Problem> {
    match of(services, account).await? {
        None => Ok(()),
        Some(restriction) => Err(refused(&restriction, services.now())),
    }
}

/// The restriction under which an account is, if it is.
///
/// # Errors
/// The database's.
pub async fn of(services: &Services, account: &Account) -> Result<Option<Restriction>, Fail> {
    let (id, now) = (account.id, services.now());
    // What is read with every request tells that there is none.
    if account.restricted_until.is_none_or(|until| until <= now) {
        return Ok(None);
    }
    let found = services.db.read(move |conn| rows::last_of(conn, id).map_err(Fail::from)).await?;
    Ok(found.filter(|restriction| restriction.standing.holds(now)))
}

fn refused(restriction: &Restriction, now: Moment) -> Problem {
    let Restricted { until, .. } = restriction.standing;
    let may_appeal = restriction.standing.appeal(now).is_ok();
    let reason = &restriction.reason;
    let how = if may_appeal { ("您可以申诉一次。", " You may appeal once.") } else { ("", "") };
    Problem::new(Code::ReportingRestricted)
        .detail(Text::new(
            format!("限制至 {until}，原因：{reason}。{}紧急危险请直接拨打 12345 或 110。", how.0),
            format!("Until {until}: {reason}.{} Call 12345 or 110 where there is danger.", how.1),
        ))
        .with("until", until.to_string())
        .with("reason", reason.as_str())
        .with("may_appeal", may_appeal)
        .with("appeal_at", if may_appeal { Value::from(APPEAL) } else { Value::Null })
}

fn problem(refusal: Refusal) -> Problem {
    let said = refusal.said();
    let code = if refusal == Refusal::OwnOrder { Code::Forbidden } else { Code::NotAllowedInState };
    Problem::new(code).detail(Text::new(said.zh, said.en)).with("rule", refusal.code())
}

/// The line of the trail about a restriction.
fn line(by: &Account, id: i64, action: &str, why: &str, now: Moment) -> Entry {
    let line = audit::with(audit::by(by, AuditKind::Restriction, now), "action", action);
    Entry { subject: Some(format!("restriction:{id}")), why: Some(why.to_owned()), ..line }
}

/// Restricts the reporter of a report for so many days.
///
/// # Errors
/// 404 for a report of a ticket that the caller may not see; 409 for a reporter who is restricted already; 422 for one who is
/// an official or another system.
pub async fn restrict(
    services: &Services,
    by: &Account,
    receipt: String,
    (reason, days): (String, u32),
) -> Result<Named, Fail> {
    let (registry, now) = (services.registry(), services.now());
    let [id] = services.db.ids::<1>().await?;
    let admin = by.clone();
    let written = services.db.write(move |conn| {
        let found = reports::find_by_receipt(conn, &receipt)?.ok_or(Code::ReportNotFound)?;
        let ticket = tickets::find(conn, found.ticket)?.ok_or(Code::ReportNotFound)?.ticket;
        let roles = registry.sensitive_roles(ticket.district, now);
        // What is held for a look is often why somebody is restricted.
        let known = ticket.course.held.is_some() || may_see(&ticket, &actor(&admin), &registry.tree, roles);
        if ticket.district != admin.district || !known {
            return Err(Fail::from(Code::ReportNotFound));
        }
        let acts_for_a_system = rows::lock(conn, found.account)?;
        let reporter = accounts::find(conn, found.account)?.ok_or(Code::ReportNotFound)?;
        if reporter.is_official || acts_for_a_system {
            return Err(not_a_resident().into());
        }
        if rows::last_of(conn, reporter.id)?.is_some_and(|last| last.standing.holds(now)) {
            return Err(already().into());
        }
        let standing = Restricted {
            by: admin.id,
            until: now.plus_seconds(i64::from(days) * DAY),
            appealed: false,
            decision: None,
        };
        let new = Restriction {
            id,
            district: admin.district,
            account: reporter.id,
            ticket: found.ticket,
            reason: reason.clone(),
            created_at: now,
            appeal: None,
            appealed_at: None,
            decision_words: None,
            decided_by: None,
            decided_at: None,
            standing,
        };
        rows::insert(conn, &new)?;
        let line = audit::with(line(&admin, id, "restricted", &reason, now), "ticket", found.ticket);
        trail::append(conn, &[audit::with(line, "days", days)])?;
        Ok(new)
    });
    let new = written.await?;
    callers::changed(services).await;
    Ok((new, vec![(by.id, by.display_name.clone())]))
}

fn not_a_resident() -> Problem {
    let text = Text::new("只能限制居民的上报", "only residents can be restricted");
    Problem::new(Code::RefusedByRule).field("/receipt_number", "not_a_resident", text)
}

fn already() -> Problem {
    let text = Text::new("该上报人已在限制期内。", "The reporter is restricted already.");
    Problem::new(Code::NotAllowedInState).detail(text).with("rule", "restricted_already")
}

/// A page of the district's restrictions, the newest first.
///
/// # Errors
/// The database's.
pub async fn page(
    services: &Services,
    caller: &Account,
    before: Option<i64>,
    limit: i64,
) -> Result<(Vec<Restriction>, Vec<(i64, String)>), Fail> {
    let district = caller.district;
    services
        .db
        .read(move |conn| {
            let found = rows::page(conn, district, before, limit)?;
            let names = names(conn, &found)?;
            Ok::<_, Fail>((found, names))
        })
        .await
}

fn names(conn: &mut Conn, of: &[Restriction]) -> Result<Vec<(i64, String)>, Fail> {
    let mut ids: Vec<i64> =
        of.iter().flat_map(|one| [Some(one.standing.by), one.decided_by]).flatten().collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(accounts::names(conn, &ids)?.into_iter().map(|(id, name, _)| (id, name)).collect())
}

/// Appeals against the restriction under which the caller is.
///
/// # Errors
/// 404 where there is none; 409 for a second appeal, or after a decision.
pub async fn appeal(services: &Services, caller: &Account, words: String) -> Result<Restriction, Fail> {
    let (caller, now) = (caller.clone(), services.now());
    let written = services.db.write(move |conn| {
        rows::lock(conn, caller.id)?;
        let found = rows::last_of(conn, caller.id)?.filter(|last| last.standing.holds(now));
        let found = found.ok_or_else(|| Fail::from(Code::RestrictionNotFound))?;
        found.standing.appeal(now).map_err(problem)?;
        rows::appeal(conn, found.id, &words, now)?;
        // Of the district that decides, which need not be that of the account.
        let line = Entry { district: found.district, ..line(&caller, found.id, "appealed", &words, now) };
        trail::append(conn, &[line])?;
        rows::find(conn, found.id)?.ok_or_else(|| Code::RestrictionNotFound.into())
    });
    written.await
}

/// Decides about a restriction of the district.
///
/// # Errors
/// 404 for one of another district; 403 for whoever ordered it; 409 where it is over or decided, or is to be kept without an
/// appeal.
pub async fn decide(
    services: &Services,
    caller: &Account,
    id: i64,
    (decision, words): (Decision, String),
) -> Result<Named, Fail> {
    let (caller, now) = (caller.clone(), services.now());
    let written = services.db.write(move |conn| {
        let of_district = |found: &Restriction| found.district == caller.district;
        let found = rows::find(conn, id)?.filter(of_district).ok_or(Code::RestrictionNotFound)?;
        rows::lock(conn, found.account)?;
        let found = rows::find(conn, id)?.ok_or(Code::RestrictionNotFound)?;
        found.standing.decide(decision, &actor(&caller), now).map_err(problem)?;
        rows::decide(conn, &found, (decision, &words), caller.id, now)?;
        trail::append(conn, &[line(&caller, id, decision.as_str(), &words, now)])?;
        let after = rows::find(conn, id)?.ok_or(Code::RestrictionNotFound)?;
        let names = names(conn, std::slice::from_ref(&after))?;
        Ok::<_, Fail>((after, names))
    });
    let decided = written.await?;
    callers::changed(services).await;
    Ok(decided)
}
