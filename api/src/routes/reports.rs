//! Reports: sent, followed, read by whoever sent them.

use actix_multipart::form::MultipartForm;
use actix_multipart::form::text::Text as FormText;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::commands::parts::PositionBody;
use super::places::coordinate;
use super::registrar::Registrar;
use super::{Id, Limit, PageQuery, json, ok};
use crate::auth::{Anyone, Auth, Reporter};
use crate::extract::{Form, Json, Path, Query, Upload};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::photos::Prepared;
use crate::service::reports::{Draft, Repeat, Sender};
use crate::service::{digest, photos, read, reports, restrictions};
use crate::services::Services;
use crate::view::{MyReports, ReportCreated, ReportView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(send).service(send_form).service(follow).service(mine).service(one);
}

/// A place as a phone knows it.
#[derive(Clone, Debug, Deserialize, serde::Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlaceBody {
    /// Longitude, degrees.
    #[schema(minimum = -180, maximum = 180, example = 118.0855)]
    pub(super) lon: f64,
    /// Latitude, degrees.
    #[schema(minimum = -90, maximum = 90, example = 24.4453)]
    pub(super) lat: f64,
    /// Datum of the two: `wgs84` for GPS and browsers, `gcj02` for 高德 and 腾讯, `bd09` for 百度; `cgcs2000` counts as
    /// `wgs84`.
    #[schema(value_type = DatumWord, required = true)]
    pub(super) datum: Option<String>,
}

/// The words for datums that are accepted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum DatumWord {
    /// GPS, browsers.
    Wgs84,
    /// 高德, 腾讯.
    Gcj02,
    /// 百度.
    Bd09,
    /// 天地图; counts as `wgs84`.
    Cgcs2000,
}

/// A report.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportBody {
    /// What is wrong, in a sentence.
    text: Words<2000>,
    /// Where.
    place: PlaceBody,
    /// Where the phone is now, if that is known: compared with the place, and not kept.
    position: Option<PositionBody>,
    /// Address in words.
    address: Option<Words<200>>,
    /// Landmark in words.
    landmark: Option<Words<200>>,
    /// Code of a category, if the reporter chose one.
    category: Option<Words<8>>,
    /// Keys of photos uploaded before.
    #[serde(default)]
    #[schema(max_items = 50)]
    photo_ids: Vec<i64>,
    /// Whether the handlers must not know who reports.
    #[serde(default)]
    anonymous: bool,
    /// A name to be reached under; sealed, and shown to handlers masked.
    contact_name: Option<Words<40>>,
    /// The version of the notice on personal data that the reporter agreed to; see `GET /privacy`.
    consent_version: Option<Words<32>>,
}

impl ReportBody {
    fn draft(self) -> Result<Draft, Problem> {
        let place = coordinate(self.place.lon, self.place.lat, self.place.datum.as_deref(), "/place/")?;
        let mut photo_ids = self.photo_ids;
        let mut seen = std::collections::BTreeSet::new();
        photo_ids.retain(|id| seen.insert(*id));
        if photo_ids.len() > 50 {
            return Err(Problem::new(Code::InvalidBody).field(
                "/photo_ids",
                "too_many",
                Text::new("照片过多", "too many photos"),
            ));
        }
        Ok(Draft {
            text: self.text.into_string(),
            place,
            position: PositionBody::read(self.position)?,
            address: self.address.map(Words::into_string),
            landmark: self.landmark.map(Words::into_string),
            category: self.category.map(Words::into_string),
            photo_ids,
            anonymous: self.anonymous,
            contact: self.contact_name.map(Words::into_string),
            consent_version: self.consent_version.map(Words::into_string),
        })
    }
}

/// The retry key of a request: 8 to 128 visible ASCII characters.
pub(super) fn repeat(request: &HttpRequest, digest: [u8; 32]) -> Result<Option<Repeat>, Problem> {
    let Some(header) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = header.to_str().unwrap_or_default();
    if (8..=128).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Some(Repeat { key: key.to_owned(), request: digest }));
    }
    let message = Text::new("应为 8 到 128 个可见 ASCII 字符", "must be 8 to 128 visible ASCII characters");
    Err(Problem::new(Code::InvalidHeader).field("Idempotency-Key", "wrong_value", message))
}

/// Refuses a reporter who is restricted, and counts a report of a person; other systems, which have keys instead of
/// sessions, send for many.
async fn bounded(services: &Services, caller: &Auth<Reporter>) -> Result<(), Problem> {
    restrictions::admit(services, &caller.account).await?;
    match caller.session {
        Some(_) => Ok(reports::pace::count(services, caller.account.id)?),
        None => Ok(()),
    }
}

fn sender(caller: Auth<Reporter>) -> Sender {
    Sender { is_person: caller.session.is_some(), account: caller.account }
}

/// Sends a report.
///
/// Photos are uploaded before, each as it is chosen (`POST /photos`), and named here. With an `Idempotency-Key` a
/// retry over a bad network gets the first answer again. A grid worker's report from one of the own grids is an own
/// find: its ticket is at once in the finder's hands.
#[utoipa::path(tag = "reports", operation_id = "send_report", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each report",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    responses((status = CREATED, body = ReportCreated)))]
#[post("/reports")]
async fn send(
    services: web::Data<Services>,
    caller: Auth<Reporter>,
    request: HttpRequest,
    body: Json<ReportBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    bounded(&services, &caller).await?;
    let draft = body.into_inner().draft()?;
    let repeat = repeat(&request, draft.digest())?;
    let receipt = reports::create(&services, sender(caller), draft, Vec::new(), repeat).await?;
    Ok(json(StatusCode::CREATED, &read::created(&services, &receipt, lang)))
}

/// A report as a form, with its photos in the same request.
#[derive(MultipartForm, ToSchema)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
pub(crate) struct MultipartReport {
    /// What is wrong, in a sentence.
    #[schema(value_type = Words<2000>)]
    text: FormText<String>,
    /// Longitude, degrees.
    #[schema(value_type = f64, minimum = -180, maximum = 180)]
    lon: FormText<f64>,
    /// Latitude, degrees.
    #[schema(value_type = f64, minimum = -90, maximum = 90)]
    lat: FormText<f64>,
    /// Datum of the two.
    #[schema(value_type = DatumWord, required = true)]
    datum: Option<FormText<String>>,
    /// Address in words.
    #[schema(value_type = Words<200>, required = false)]
    address: Option<FormText<String>>,
    /// Landmark in words.
    #[schema(value_type = Words<200>, required = false)]
    landmark: Option<FormText<String>>,
    /// Code of a category.
    #[schema(value_type = Words<8>, required = false)]
    category: Option<FormText<String>>,
    /// Whether the handlers must not know who reports.
    #[schema(value_type = bool, required = false)]
    anonymous: Option<FormText<bool>>,
    /// A name to be reached under.
    #[schema(value_type = Words<40>, required = false)]
    contact_name: Option<FormText<String>>,
    /// The version of the notice on personal data that the reporter agreed to.
    #[schema(value_type = Words<32>, required = false)]
    consent_version: Option<FormText<String>>,
    /// The photos.
    #[multipart(limit = "200 MiB")]
    #[schema(value_type = Vec<String>, format = Binary, required = false)]
    photos: Vec<Upload>,
}

fn words<const MAX: usize>(name: &str, text: &str) -> Result<String, Problem> {
    Words::<MAX>::parse(text).map(Words::into_string).map_err(|error| {
        Problem::new(Code::InvalidBody).field(
            format!("/{name}"),
            "wrong_length",
            Text::new(format!("长度应为 1 到 {MAX} 个字符"), error),
        )
    })
}

fn optional<const MAX: usize>(name: &str, text: Option<FormText<String>>) -> Result<Option<String>, Problem> {
    text.map(|text| words::<MAX>(name, &text.0)).transpose()
}

/// Sends a report with its photos in one request, for simple clients.
#[utoipa::path(tag = "reports", operation_id = "send_report_form", security(("token" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "8 to 128 visible ASCII characters, new for each report",
        min_length = 8, max_length = 128, pattern = "^[!-~]+$")),
    request_body(content = MultipartReport, content_type = "multipart/form-data"),
    responses((status = CREATED, body = ReportCreated)))]
#[post("/reports/form")]
async fn send_form(
    services: web::Data<Services>,
    caller: Auth<Reporter>,
    request: HttpRequest,
    form: Form<MultipartReport>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    bounded(&services, &caller).await?;
    let form = form.0;
    let draft = Draft {
        text: words::<2000>("text", &form.text.0)?,
        place: coordinate(form.lon.0, form.lat.0, form.datum.as_ref().map(|datum| datum.0.as_str()), "/")?,
        position: None,
        address: optional::<200>("address", form.address)?,
        landmark: optional::<200>("landmark", form.landmark)?,
        category: optional::<8>("category", form.category)?,
        photo_ids: Vec::new(),
        anonymous: form.anonymous.is_some_and(|flag| flag.0),
        contact: optional::<40>("contact_name", form.contact_name)?,
        consent_version: optional::<32>("consent_version", form.consent_version)?,
    };
    let mut fresh = Vec::with_capacity(form.photos.len());
    for file in form.photos {
        fresh.push(photos::prepare(&services, file.0).await?);
    }
    let photos: Vec<_> = fresh.iter().map(Prepared::sha256).collect();
    let repeat = repeat(&request, digest(format!("{draft:?}{photos:?}").as_bytes()))?;
    let receipt = reports::create(&services, sender(caller), draft, fresh, repeat).await?;
    Ok(json(StatusCode::CREATED, &read::created(&services, &receipt, lang)))
}

/// Receipt number and query code, as told with the answer to the report.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowBody {
    /// 流水号
    receipt_number: Words<40>,
    /// 查询码
    query_code: Words<16>,
}

/// Follows a report without an account.
#[utoipa::path(tag = "reports", operation_id = "follow_report", responses((status = OK, body = ReportView)))]
#[post("/reports/follow")]
async fn follow(
    services: web::Data<Services>,
    body: Json<FollowBody>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let report = reports::follow(&services, body.receipt_number.as_str(), body.query_code.as_str()).await?;
    Ok(ok(&read::report_view(&services, report, None, lang).await?))
}

/// The caller's own reports, newest first.
#[utoipa::path(tag = "reports", operation_id = "my_reports", security(("token" = [])), params(PageQuery),
    responses((status = OK, body = MyReports)))]
#[get("/reports")]
async fn mine(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    query: Query<PageQuery>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let before = query.0.cursor.map(|cursor| cursor.0);
    let limit = Limit::or_default(query.0.limit);
    Ok(ok(&read::my_reports(&services, &caller.account, before, limit, lang).await?))
}

/// One of the caller's own reports, with its course.
#[utoipa::path(tag = "reports", operation_id = "report", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = ReportView)))]
#[get("/reports/{id}")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&read::own_report(&services, &caller.account, id.0.0, lang).await?))
}
