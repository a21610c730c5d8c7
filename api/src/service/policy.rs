//! The rules of a district as an administrator changes them: a new version with the instant from which it holds.
//! What is filed before keeps its version.

use serde::Serialize;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{AccountId, Policy, State};
use suishoupai_core::model::{District, Level};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::audit::{self as audit_rows, Entry};
use suishoupai_storage::db::reference::{PolicyRow, save_policy};
use suishoupai_storage::db::{Conn, counts, reference};
use utoipa::ToSchema;

use crate::audit;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// What a new version would change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyPreview {
    /// Open tickets that are not filed yet and come under the new version when they are.
    pub to_be_filed: i64,
    /// Open tickets that were filed before and keep their version.
    pub keeping: i64,
}

/// Writes a version that holds from `valid_from`, or, with `dry_run`, only says what it would change.
///
/// # Errors
/// 422 for rules with a fault, or an instant in the past; the database's.
pub async fn change(
    services: &Services,
    district: District,
    by: AccountId,
    valid_from: Option<Moment>,
    policy: Policy,
    dry_run: bool,
) -> Result<PolicyPreview, Fail> {
    let now = services.now();
    let valid_from = valid_from.unwrap_or(now);
    if valid_from < now {
        let message = Text::new("生效时间不能早于现在", "the rules cannot hold from the past on");
        return Err(Problem::new(Code::RefusedByRule).field("/valid_from", "past", message).into());
    }
    let faults = policy.faults();
    if !faults.is_empty() {
        let problem =
            faults.into_iter().fold(Problem::new(Code::RefusedByRule), |problem, (field, range)| {
                let message = Text::new(format!("应在 {range} 之间"), format!("must be within {range}"));
                problem.field(format!("/policy/{field}"), "out_of_range", message)
            });
        return Err(problem.into());
    }
    let (to_be_filed, keeping) = services.db.read(move |conn| filed_or_not(conn, district)).await?;
    let preview = PolicyPreview { to_be_filed, keeping };
    if dry_run {
        return Ok(preview);
    }
    let [id] = services.db.ids::<1>().await?;
    let row = PolicyRow { id, district, valid_from, policy };
    let line = audit::by_id(by, district, AuditKind::RuleChange, now);
    let line = audit::with(Entry { subject: Some(format!("policy:{id}")), ..line }, "valid_from", valid_from);
    services
        .db
        .write(move |conn| {
            // A version that tickets were filed under is never replaced: its instant lies in the past.
            save_policy(conn, &row, Some(by), now)?;
            audit_rows::append(conn, std::slice::from_ref(&line))?;
            Ok::<_, Fail>(())
        })
        .await?;
    services.refresh_registry().await?;
    Ok(preview)
}

/// All versions of a district's rules, the oldest first.
///
/// # Errors
/// The database's.
pub async fn versions(services: &Services, district: District) -> Result<Vec<PolicyRow>, Fail> {
    let rows = services.db.read(|conn| reference::load_policies(conn).map_err(Fail::from)).await?;
    Ok(rows.into_iter().filter(|row| row.district == district).collect())
}

/// How many open tickets of a district are not filed yet, and how many are.
fn filed_or_not(conn: &mut Conn, district: District) -> Result<(i64, i64), Fail> {
    let all = counts::in_territory(conn, district, Level::District, 0, true)?;
    let is_unfiled = |state| matches!(state, State::Received | State::Claimed | State::Verified);
    let sum = |unfiled: bool| {
        let open = all.iter().filter(|(state, _)| !state.is_final() && is_unfiled(*state) == unfiled);
        open.map(|(_, count)| count).sum::<i64>()
    };
    Ok((sum(true), sum(false)))
}
