//! 审计: the trail as auditors search it.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::audit::AuditKind;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::audit::{Filter, Kept};
use utoipa::{IntoParams, ToSchema};

use super::registrar::Registrar;
use super::{Cursor, Id, Limit, ok};
use crate::audit;
use crate::auth::{Auth, TrailReader};
use crate::extract::Query;
use crate::lang::Lang;
use crate::problem::Problem;
use crate::service::trail;
use crate::services::Services;
use crate::view::Instant;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(search);
}

/// Which lines of the trail.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only of this kind.
    kind: Option<AuditKind>,
    /// Only by the account with this key.
    #[param(value_type = Option<i64>, minimum = 1)]
    account: Option<Id>,
    /// Only on this, such as `ticket:1042`.
    #[param(value_type = Option<Words<64>>)]
    subject: Option<Words<64>>,
    /// Only sign-ins, also failed ones, in which this name of an official was given.
    #[param(value_type = Option<Words<64>>)]
    login: Option<Words<64>>,
    /// Not before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Moment>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,17}$", example = "1042")]
    cursor: Option<Cursor>,
    /// Lines on a page.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<Limit>,
}

/// One line of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditLineView {
    /// Counts from 1 within the installation, without gaps.
    seq: i64,
    /// When.
    #[schema(value_type = Instant)]
    at: Moment,
    /// What was done.
    kind: AuditKind,
    /// What was done, in the caller's language.
    #[schema(example = "登录")]
    kind_name: String,
    /// Key of the account; absent for the operator at the command line, the server, and unknown callers.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<i64>,
    /// An official's name, or a resident's masked number.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_name: Option<String>,
    /// On what; whoever was named in a sign-in is a keyed digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ticket:1042")]
    subject: Option<String>,
    /// From which address; absent where that has been let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Why, as it was given; absent where that has been let go.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Facts by name.
    facts: BTreeMap<String, String>,
    /// The request, as in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The link of the hash chain.
    hash: String,
}

/// A page of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The lines, the newest first.
    items: Vec<AuditLineView>,
    /// Pass it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// 审计日志: who did what that has to be answered for, the newest first. For auditors only.
#[utoipa::path(tag = "administration", operation_id = "audit_trail", security(("token" = [])), params(AuditQuery),
    responses((status = OK, body = AuditPage)))]
#[get("/audit")]
async fn search(
    services: web::Data<Services>,
    caller: Auth<TrailReader>,
    query: Query<AuditQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let login = query.login.map(|login| audit::named(&services, "login", login.as_str()));
    let subject = query.subject.map(Words::into_string);
    if login.is_some() && subject.is_some() && login != subject {
        // No line is on two things.
        return Ok(ok(&AuditPage { items: Vec::new(), next_cursor: None }));
    }
    let limit = Limit::or_default(query.limit);
    let filter = Filter {
        kind: query.kind,
        account: query.account.map(|id| id.0),
        subject: subject.or(login),
        from: query.from,
        to: query.to,
        before: query.cursor.map(|cursor| cursor.0),
        limit,
    };
    let lines = trail::page(&services, &caller.account, filter).await?;
    let full = i64::try_from(lines.len()).is_ok_and(|count| count == limit);
    let next_cursor = lines.last().filter(|_| full).map(|(kept, _)| kept.line.seq.to_string());
    let items = lines.into_iter().map(|(kept, name)| view(kept, name, lang)).collect();
    Ok(ok(&AuditPage { items, next_cursor }))
}

fn view(kept: Kept, account_name: Option<String>, lang: Lang) -> AuditLineView {
    let Kept { line, private, hash } = kept;
    let private = private.unwrap_or_default();
    AuditLineView {
        seq: line.seq,
        at: Moment::from_millis(line.at),
        kind: line.kind,
        kind_name: match lang {
            Lang::Zh => line.kind.zh().to_owned(),
            Lang::En => line.kind.en().to_owned(),
        },
        account_id: line.account,
        account_name,
        subject: line.subject,
        from: private.from,
        reason: private.why,
        facts: line.facts,
        request_id: line.request_id,
        hash: hex::encode(hash),
    }
}
