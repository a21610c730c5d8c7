//! What may be the same, before it is sent and while it is verified; and following it instead of reporting it again.

use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::commands::PhotoIds;
use super::places::coordinate;
use super::registrar::Registrar;
use super::reports::PlaceBody;
use super::{Id, Limit, PageQuery, ok};
use crate::auth::{Anyone, Auth, Official, Reporter, ResidentOnly};
use crate::extract::{Json, Path, Query};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::similar::Sketch;
use crate::service::{followers, read};
use crate::services::Services;
use crate::view::{FollowedPage, FollowedView, SimilarReports, SimilarTickets};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(similar_reports)
        .service(similar_tickets)
        .service(follow)
        .service(unfollow)
        .service(follows)
        .service(followed);
}

/// A report that has not been sent yet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SketchBody {
    /// Where.
    place: PlaceBody,
    /// Code of a category, if one was chosen.
    category: Option<Words<8>>,
    /// The words so far.
    text: Option<Words<2000>>,
    /// Keys of photos uploaded before.
    #[serde(default)]
    photo_ids: PhotoIds,
    /// Answers at the most; without it 5.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 20)]
    limit: Option<Few>,
}

/// From 1 to 20.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct Few(usize);

impl TryFrom<i64> for Few {
    type Error = &'static str;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        usize::try_from(number)
            .ok()
            .filter(|number| (1..=20).contains(number))
            .map(Self)
            .ok_or("must be from 1 to 20")
    }
}

impl Few {
    fn or_default(few: Option<Self>) -> usize {
        few.map_or(5, |few| few.0)
    }
}

fn check_photos(services: &Services, ids: &[i64]) -> Result<(), Problem> {
    let most = services.config.reports.max_photos as usize;
    if ids.len() <= most {
        return Ok(());
    }
    let message = Text::new(format!("最多 {most} 张照片"), format!("at most {most} photos"));
    Err(Problem::new(Code::RefusedByRule).field("/photo_ids", "too_many", message))
}

/// What others have reported and may be the same, before it is reported again.
///
/// To be asked when the place is known, and again when photos or a category are: by place, time, category, pictures
/// and words. Only what everybody may know of is answered: nothing of sensitive kinds, no reporter, places to about
/// ten metres.
#[utoipa::path(tag = "reports", operation_id = "similar_reports", security(("token" = [])),
    responses((status = OK, body = SimilarReports)))]
#[post("/reports/similar")]
async fn similar_reports(
    services: web::Data<Services>,
    caller: Auth<Reporter>,
    body: Json<SketchBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let SketchBody { place, category, text, photo_ids, limit } = body.into_inner();
    check_photos(&services, &photo_ids.0)?;
    let sketch = Sketch {
        place: coordinate(place.lon, place.lat, place.datum.as_deref(), "/place/")?,
        category: category.map(Words::into_string),
        text: text.map(Words::into_string),
        photo_ids: photo_ids.0,
        limit: Few::or_default(limit),
    };
    Ok(ok(&read::similar_reports(&services, &caller.account, sketch, lang).await?))
}

/// How many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FewQuery {
    /// Answers at the most.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 20, default = 5)]
    limit: Option<Few>,
}

/// What may be the same as a ticket, for whoever verifies it: with picture, distance, state, score and reasons.
/// `POST /tickets/{id}/merge` with the `id` of one of them as `into` lets that one go on for both.
#[utoipa::path(tag = "tickets", operation_id = "similar_tickets", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1), FewQuery), responses((status = OK, body = SimilarTickets)))]
#[get("/tickets/{id}/similar")]
async fn similar_tickets(
    services: web::Data<Services>,
    caller: Auth<Official>,
    id: Path<Id>,
    query: Query<FewQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let limit = Few::or_default(query.0.limit);
    Ok(ok(&read::similar_tickets(&services, &caller.account, id.0.0, limit, lang).await?))
}

/// 附议: follows a ticket that somebody else reported. Doing it again changes nothing.
///
/// A follower sees the public progress (`GET /follows/{id}`) and counts among the people whom it concerns. Nothing is
/// added to the history of the ticket. Whoever has reported it needs not follow it.
#[utoipa::path(tag = "reports", operation_id = "follow_ticket", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = FollowedView)))]
#[post("/tickets/{id}/follow")]
async fn follow(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    followers::follow(&services, &caller.account, id.0.0).await?;
    Ok(ok(&read::followed(&services, &caller.account, id.0.0, lang).await?))
}

/// Ends the following of a ticket; also where it had not begun.
#[utoipa::path(tag = "reports", operation_id = "unfollow_ticket", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = NO_CONTENT, description = "No longer followed")))]
#[post("/tickets/{id}/unfollow")]
async fn unfollow(
    services: web::Data<Services>,
    caller: Auth<ResidentOnly>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    followers::unfollow(&services, &caller.account, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What the caller follows, the last one first.
#[utoipa::path(tag = "reports", operation_id = "follows", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = FollowedPage)))]
#[get("/follows")]
async fn follows(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    query: Query<PageQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let before = query.0.cursor.map(|cursor| cursor.0);
    let limit = Limit::or_default(query.0.limit);
    Ok(ok(&read::follows(&services, &caller.account, before, limit, lang).await?))
}

/// The public progress of a ticket that the caller follows or has reported, by the key of the ticket.
#[utoipa::path(tag = "reports", operation_id = "followed_ticket", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = FollowedView)))]
#[get("/follows/{id}")]
async fn followed(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&read::followed(&services, &caller.account, id.0.0, lang).await?))
}
