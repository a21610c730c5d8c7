//! 查看联系方式: who reported, in clear, for a reason that is written into the audit trail before anything is shown.

use serde::Serialize;
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::{TicketId, may_see};
use suishoupai_storage::db::accounts::{self, Account};
use suishoupai_storage::db::audit::Entry;
use suishoupai_storage::db::reports::{self, Report};
use suishoupai_storage::db::tickets;
use utoipa::ToSchema;

use crate::audit;
use crate::auth::actor;
use crate::fail::Fail;
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

/// Who sent a report, in clear.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Revealed {
    /// 流水号
    pub receipt_number: String,
    /// The name to be reached under, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_name: Option<String>,
    /// The telephone number, if the reporter has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "13800000013")]
    pub phone: Option<String>,
}

/// Shows who sent one of the reports of a ticket.
///
/// # Errors
/// 404 for a ticket that the caller may not see or a report that is not of it; 422 for an anonymous report, and when the
/// ticket ended so long ago that its reporter is closed off; 503 where the trail cannot be written.
pub async fn reveal(
    services: &Services,
    caller: &Account,
    ticket: TicketId,
    receipt: String,
    reason: String,
) -> Result<Revealed, Fail> {
    let (registry, acting, now) = (services.registry(), actor(caller), services.now());
    let terms = services.config.privacy.terms();
    let found = services.db.read(move |conn| {
        let loaded = tickets::find(conn, ticket)?.ok_or(Code::TicketNotFound)?.ticket;
        let sensitive_roles = registry.sensitive_roles(loaded.district, now);
        if !may_see(&loaded, &acting, &registry.tree, sensitive_roles) {
            return Err(Fail::from(Code::TicketNotFound));
        }
        let mut of = loaded.course.merged.clone();
        of.push(loaded.parent.unwrap_or(loaded.id));
        let report = reports::find_by_receipt(conn, &receipt)?.filter(|report| of.contains(&report.ticket));
        let report = report.ok_or(Code::ReportNotFound)?;
        if report.anonymous {
            return Err(anonymous().into());
        }
        if terms.is_closed_off(loaded.state, loaded.updated_at, now) {
            return Err(closed_off().into());
        }
        let account = accounts::find(conn, report.account)?;
        Ok((report, account.and_then(|account| account.phone_sealed)))
    });
    let (report, phone) = found.await?;
    let line = audit::with(audit::by(caller, AuditKind::Reveal, now), "ticket", ticket);
    let subject = Some(format!("report:{}", report.id));
    audit::note(services, Entry { subject, why: Some(reason), ..line }).await?;
    opened(services, report, phone.as_deref())
}

fn opened(services: &Services, report: Report, phone: Option<&[u8]>) -> Result<Revealed, Fail> {
    let open = |column: &str, sealed: Option<&[u8]>| {
        let opened = sealed.map(|sealed| services.sealer.open(column, sealed));
        opened.transpose().map_err(|error| Fail::internal(&error))
    };
    Ok(Revealed {
        contact_name: open("contact", report.contact_sealed.as_deref())?,
        phone: open("phone", phone)?,
        receipt_number: report.receipt,
    })
}

fn anonymous() -> Problem {
    let message =
        Text::new("匿名上报，不提供上报人信息", "an anonymous report; its reporter is shown to nobody");
    Problem::new(Code::RefusedByRule).field("/receipt_number", "anonymous", message)
}

fn closed_off() -> Problem {
    let message = Text::new(
        "案卷办结已久，上报人信息已封存",
        "the ticket ended so long ago that its reporter is shown to nobody any more",
    );
    Problem::new(Code::RefusedByRule).field("/receipt_number", "closed_off", message)
}
