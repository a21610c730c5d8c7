//! 吹哨: departments summoned to a place and time.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::flow::Command;
use suishoupai_core::time::Moment;
use utoipa::ToSchema;

use super::parts::{Assists, PositionBody, spot};
use super::{Id, UnitIds, With, order};
use crate::auth::{Auth, Handler, Whistler};
use crate::extract::{Json, Path};
use crate::lang::Lang;
use crate::problem::Problem;
use crate::routes::registrar::Registrar;
use crate::services::Services;
use crate::view::{Instant, TicketView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(whistle).service(answer).service(sign_in).service(end_whistle);
}

/// The body of `whistle`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhistleBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Keys of the summoned units.
    units: UnitIds,
    /// Where to meet.
    place: Words<200>,
    /// When to meet.
    #[schema(value_type = Instant)]
    meet_at: Moment,
    /// Why.
    words: Words<1000>,
}

/// 吹哨: a street or community summons units to a place and time.
#[utoipa::path(tag = "commands", operation_id = "whistle", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/whistle")]
async fn whistle(
    services: web::Data<Services>,
    caller: Auth<Whistler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<WhistleBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let WhistleBody { version, units, place, meet_at, words } = body.into_inner();
    let command =
        Command::Whistle { units: units.0, place: place.into_string(), meet_at, words: words.into_string() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `answer`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnswerBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Who comes, or what else is to be said.
    words: Option<Words<500>>,
}

/// 应哨: the summoned unit says that it comes.
#[utoipa::path(tag = "commands", operation_id = "answer_whistle", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/answer")]
async fn answer(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<AnswerBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let AnswerBody { version, words } = body.into_inner();
    let command = Command::Answer { words: words.map(Words::into_string) };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}

/// The body of `sign-in`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// Where the caller stands.
    position: Option<PositionBody>,
    /// Why it is done from elsewhere; needed where the position is missing, old or far from the place.
    off_spot_reason: Option<Words<500>>,
}

/// 报到: somebody of the summoned unit is there.
#[utoipa::path(tag = "commands", operation_id = "sign_in_at_whistle", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/sign-in")]
async fn sign_in(
    services: web::Data<Services>,
    caller: Auth<Handler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<SignInBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SignInBody { version, position, off_spot_reason } = body.into_inner();
    let command = Command::SignIn { spot: spot(off_spot_reason) };
    let with = With { position: PositionBody::read(position)?, ..With::default() };
    order(&services, caller, &request, id.0.0, (version, command, with), lang).await
}

/// The body of `end-whistle`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndWhistleBody {
    /// The version of the ticket that the client has seen; may be given as `If-Match` instead.
    #[schema(minimum = 1)]
    version: Option<i64>,
    /// What came of it.
    words: Words<1000>,
    /// Key of the unit that leads from now on; without it the lead stays.
    #[schema(minimum = 1)]
    lead: Option<i64>,
    /// The units that assist.
    #[serde(default)]
    assist: Assists,
}

/// 吹哨办结: the meeting is over; who did not sign in is noted as absent, and what came of it becomes work orders.
#[utoipa::path(tag = "commands", operation_id = "end_whistle", security(("token" = [])), params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = TicketView)))]
#[post("/tickets/{id}/end-whistle")]
async fn end_whistle(
    services: web::Data<Services>,
    caller: Auth<Whistler>,
    request: HttpRequest,
    id: Path<Id>,
    body: Json<EndWhistleBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let EndWhistleBody { version, words, lead, assist } = body.into_inner();
    let command = Command::EndWhistle { words: words.into_string(), lead, assist: assist.read() };
    order(&services, caller, &request, id.0.0, (version, command, With::default()), lang).await
}
