//! What the district centre alone does: disputes decided, tickets split, reporters called back.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::{Call, Command, Satisfaction, Solved, Stage};
use suishoupai_core::model::{CategoryPattern, Duty, DutyMode};
use utoipa::ToSchema;

use super::parts::Assists;
use super::{Id, With, expected_version, order, versioned};
use crate::auth::{Auth, Caller, Centre, Chief, Filer};
use crate::extract::{Json, Path};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::registry::Registry;
use crate::routes::registrar::Registrar;
use crate::service::pictures::Before;
use crate::service::read;
use crate::service::split::{MOST_PARTS, Part, split_off};
use crate::service::tickets::Order;
use crate::services::Services;
use crate::view::TicketView;
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(arbitrate).service(call_back).service(split).service(pass);
}

/// The body of `pass`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PassBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What was found, for the inside.
    words: Option<Words<1000>>,
}

/// 审核通过: a report that was held as suspected spam goes to the pool of its grid. One that is spam is refused by `refuse`.
#[utoipa::path(tag = "commands", operation_id = "pass_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/pass")]
async fn pass(
    services: web::Data<Services>,
    caller: Auth<Centre>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<PassBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let PassBody { version, words } = body.into_inner();
    let command = Command::Pass { words: words.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// A duty that is written down with a decision, so that the next such case needs none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDuty {
    /// Which categories: a code (`E0102`), a major class (`E01*`), a kind (`E*`) or all (`*`).
    #[schema(value_type = String, pattern = r"^(\*|[PE]\*|[PE][0-9]{2}\*|[PE][0-9]{4})$", example = "E0102")]
    categories: Pattern,
    /// Code of the district, street, community or grid within which it holds; without it the whole district.
    territory: Option<Words<20>>,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(pub CategoryPattern);

impl TryFrom<String> for Pattern {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        CategoryPattern::parse(&text).map(Self).ok_or("must be a code such as E0102, or E01*, E* or *")
    }
}

/// The body of `arbitrate`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArbitrateBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Key of the leading unit 主办, which cannot give it back.
    #[schema(minimum = 1)]
    lead: i64,
    /// The assisting units 协办.
    #[serde(default)]
    assist: Assists,
    /// Why.
    reason: Words<1000>,
    /// A duty of the same units to be written down in the same step.
    duty: Option<NewDuty>,
}

/// 裁决: the district decides a dispute. The decision binds, and can become a duty in the same step.
#[utoipa::path(tag = "commands", operation_id = "arbitrate_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/arbitrate")]
async fn arbitrate(
    services: web::Data<Services>,
    caller: Auth<Chief>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<ArbitrateBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let ArbitrateBody { version, lead, assist, reason, duty } = body.into_inner();
    let assist = assist.read();
    let units: Vec<i64> = assist.iter().map(|assist| assist.unit).collect();
    let duty = duty
        .map(|duty| new_duty(&services.registry(), caller.account.district, duty, lead, &units))
        .transpose()?;
    let command = Command::Arbitrate { lead, assist, reason: reason.into_string() };
    let with = With { duty, ..With::default() };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The duty by codes, as the duty list keeps it.
fn new_duty(
    registry: &Registry,
    district: i32,
    new: NewDuty,
    lead: i64,
    assist: &[i64],
) -> Result<Duty, Problem> {
    let code = |unit: i64| {
        let found = registry.tree.get(unit).filter(|unit| unit.district == district);
        found.map(|unit| unit.code.to_string()).ok_or_else(|| Problem::new(Code::UnitNotFound))
    };
    let territory = new.territory.map(Words::into_string);
    if let Some(territory) = &territory
        && registry.tree.by_code(district, territory).is_none()
    {
        let message = Text::new("本区没有这个代码的单位", "the district has no unit with this code");
        return Err(Problem::new(Code::UnitNotFound).field("/duty/territory", "unknown_unit", message));
    }
    Ok(Duty {
        categories: new.categories.0,
        territory,
        mode: DutyMode::Unit,
        lead: Some(code(lead)?),
        assist: assist.iter().map(|unit| code(*unit)).collect::<Result<_, _>>()?,
    })
}

/// The body of `call-back`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallBackBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What the reporter said; without it nobody was reached.
    said: Option<SaidBody>,
    /// In words, for the inside.
    words: Option<Words<1000>>,
}

/// What a reporter said when called back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaidBody {
    /// Whether the problem is gone.
    solved: Solved,
    /// Satisfied with the result.
    result: Satisfaction,
    /// Satisfied with the way to it.
    process: Satisfaction,
    /// Whether the ticket goes back to its handler.
    #[serde(default)]
    reopen: bool,
}

/// 回访: the reporter is called back after the closing.
#[utoipa::path(tag = "commands", operation_id = "call_back_reporter", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/call-back")]
async fn call_back(
    services: web::Data<Services>,
    caller: Auth<Caller>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<CallBackBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let CallBackBody { version, said, words } = body.into_inner();
    let call = said.map_or(Call::NotReached, |said| Call::Reached {
        solved: said.solved,
        result: said.result,
        process: said.process,
        reopen: said.reopen,
    });
    let command = Command::CallBack { call, words: words.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// One problem that is split off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartBody {
    /// Code of its category, where it is known.
    category: Option<Words<8>>,
    /// What it is.
    words: Words<200>,
}

/// What is split off: 1 to 5 problems.
#[derive(Deserialize, ToSchema)]
#[serde(try_from = "Vec<PartBody>")]
#[schema(value_type = Vec<PartBody>, min_items = 1, max_items = 5)]
struct Parts(Vec<PartBody>);

impl TryFrom<Vec<PartBody>> for Parts {
    type Error = String;

    fn try_from(parts: Vec<PartBody>) -> Result<Self, Self::Error> {
        if (1..=MOST_PARTS).contains(&parts.len()) {
            Ok(Self(parts))
        } else {
            Err(format!("must have 1 to {MOST_PARTS} parts"))
        }
    }
}

/// The body of `split`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SplitBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What is split off; the rest stays with the ticket.
    parts: Parts,
    /// Why.
    reason: Words<500>,
}

/// 拆分: several problems in one report become tickets of their own, with the same report and photos.
#[utoipa::path(tag = "commands", operation_id = "split_ticket", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/split")]
async fn split(
    services: web::Data<Services>,
    caller: Auth<Filer>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SplitBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SplitBody { version, parts, reason } = body.into_inner();
    let command = Command::Split { children: Vec::new(), reason: reason.into_string() };
    let version = versioned(expected_version(&request, version)?, &command)?;
    let part = |part: PartBody| Part {
        category: part.category.map(Words::into_string),
        words: part.words.into_string(),
    };
    let parts = parts.0.into_iter().map(part).collect();
    let ticket = id.0.0;
    let order = Order {
        ticket,
        version,
        command,
        photos: Vec::new(),
        stage: Stage::Before,
        position: None,
        duty: None,
        before: Before::default(),
    };
    split_off(&services, caller.actor(), order, parts).await?;
    Ok(super::ok(&read::ticket(&services, &caller.account, ticket, lang).await?))
}
