//! Uploads that may be interrupted, by the protocol tus 1.0.0 (<https://tus.io/protocols/resumable-upload>).

use std::future::Future;
use std::time::{Duration, SystemTime};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HttpDate, LOCATION, TRANSFER_ENCODING,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, options, patch, post, web};
use serde::Serialize;
use suishoupai_core::time::Moment;
use suishoupai_storage::db::resumable::{Resumable, UploadState};
use utoipa::ToSchema;

use super::Id;
use super::photos::Binary;
use super::registrar::Registrar;
use crate::auth::{Anyone, Auth};
use crate::extract::Path;
use crate::fail::Fail;
use crate::http::tus::{self, Checksum, Metadata, Wrong};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::resumable::{self as service, Sending, Wanted};
use crate::services::Services;
use crate::view::Instant;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(capabilities).service(create).service(look).service(append).service(terminate);
}

/// The version of the protocol that a request is written in.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) enum TusVersion {
    /// The only one.
    #[schema(rename = "1.0.0")]
    V1,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResumableState {
    /// Bytes are awaited.
    Receiving,
    /// All bytes are kept; they are being looked at.
    Verifying,
    /// It is a photo.
    Done,
}

/// An upload that may be interrupted.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ResumableView {
    /// The key.
    id: i64,
    /// How far it is.
    state: ResumableState,
    /// Bytes that are kept.
    offset: i64,
    /// Bytes that it will have.
    length: i64,
    /// The key of the photo that it has become.
    #[serde(skip_serializing_if = "Option::is_none")]
    photo_id: Option<i64>,
    /// Until when bytes are taken; once it is done, until when that is remembered.
    #[schema(value_type = Instant)]
    expires_at: Moment,
}

impl ResumableView {
    fn of(upload: &Resumable) -> Self {
        let state = match upload.state {
            UploadState::Receiving => ResumableState::Receiving,
            UploadState::Done => ResumableState::Done,
            // Those that are refused or ended are not shown.
            UploadState::Verifying | UploadState::Refused | UploadState::Terminated => {
                ResumableState::Verifying
            }
        };
        Self {
            id: upload.id,
            state,
            offset: upload.received,
            length: upload.length,
            photo_id: upload.photo,
            expires_at: upload.expires_at,
        }
    }
}

/// What the server can do, by the tus protocol; no token is needed.
#[utoipa::path(tag = "photos", operation_id = "upload_capabilities", security(()),
    responses((status = NO_CONTENT, description = "Versions, extensions and bounds", headers(
        ("tus-version" = String, description = "Versions of the protocol: `1.0.0`."),
        ("tus-extension" = String, description = "What is served beyond its core."),
        ("tus-max-size" = i64, description = "The longest upload, bytes."),
        ("tus-checksum-algorithm" = String, description = "Algorithms for `Upload-Checksum`.")))))]
#[options("/uploads")]
async fn capabilities(services: web::Data<Services>) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header(("tus-version", tus::VERSION))
        .insert_header(("tus-extension", tus::EXTENSIONS))
        .insert_header(("tus-max-size", service::max_size(&services)))
        .insert_header(("tus-checksum-algorithm", tus::ALGORITHMS))
        .finish()
}

/// Creates an upload that may be interrupted and gone on with (tus 1.0.0).
///
/// `Upload-Metadata` may give `filename`, `filetype` and `sha256` (hexadecimal, and then Base64 like every value). With a
/// `sha256`, bytes that this account has sent before are not sent again: `Upload-Offset` equals the length at once, and
/// `Photo-Id` is there; and an unfinished upload of the same bytes goes on. The first bytes may come along as the body.
#[utoipa::path(tag = "photos", operation_id = "create_upload", security(("token" = [])),
    params(("Tus-Resumable" = inline(TusVersion), Header, description = "The version of the protocol."),
        ("Upload-Length" = i64, Header, description = "How many bytes will be sent.", minimum = 1,
            maximum = 1_073_741_824, example = 2_418_223),
        ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a key and a value in Base64.",
            max_length = 4096, example = "filename a25vY2suanBn,filetype aW1hZ2UvanBlZw=="),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1`, a blank, and the digest of the \
            body in Base64.", example = "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")),
    request_body(content = Binary, content_type = "application/offset+octet-stream"),
    responses((status = CREATED, description = "To be continued at `Location`", headers(
        ("location" = String, description = "The address of the upload."),
        ("upload-offset" = i64, description = "How many bytes the server has."),
        ("upload-expires" = String, description = "Until when bytes are taken."),
        ("photo-id" = i64, description = "The key of the photo, if it is one already.")))))]
#[post("/uploads")]
async fn create(
    services: web::Data<Services>,
    request: HttpRequest,
    caller: Auth<Anyone>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    let wanted = Wanted { length: length(headers)?, metadata: metadata(headers)? };
    let checksum = checksum(headers)?;
    let has_body =
        declared(headers).is_some_and(|length| length > 0) || headers.contains_key(TRANSFER_ENCODING);
    if has_body {
        check_type(headers)?;
    }
    let mut upload = service::create(&services, &caller.account, wanted).await?;
    // Of an upload that was there before, the body may not be what comes next.
    if has_body && upload.received == 0 {
        let sending = Sending { offset: 0, declared: declared(headers), checksum };
        let (services, account) = (services.clone(), caller.account);
        upload = carried(async move { service::begin(&services, &account, &upload, sending, payload).await })
            .await?;
    }
    let base = services.config.http.public_url.as_deref().unwrap_or_default();
    let mut answer = HttpResponse::Created();
    answer.insert_header((LOCATION, format!("{base}/api/v1/uploads/{}", upload.id)));
    tell(&mut answer, &upload);
    Ok(answer.finish())
}

/// How far an own upload is. HEAD, with `Tus-Resumable`, answers the same headers.
///
/// One that was whole and was refused answers the problem for which it was.
#[utoipa::path(tag = "photos", operation_id = "upload_state", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, body = ResumableView, headers(
        ("upload-offset" = i64, description = "How many bytes the server has."),
        ("upload-length" = i64, description = "How many bytes it will have."),
        ("upload-metadata" = String, description = "The metadata as they were given."),
        ("upload-expires" = String, description = "Until when bytes are taken."),
        ("photo-id" = i64, description = "The key of the photo, once it is one.")))))]
#[get("/uploads/{id}")]
async fn look(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    let upload = service::state(&services, &caller.account, id.0.0).await?;
    let mut answer = HttpResponse::build(StatusCode::OK);
    tell(&mut answer, &upload);
    answer.insert_header(("upload-length", upload.length));
    if let Some(metadata) = upload.metadata.as_ref().filter(|metadata| !metadata.is_empty()) {
        answer.insert_header(("upload-metadata", metadata.as_str()));
    }
    Ok(answer.json(ResumableView::of(&upload)))
}

/// Goes on with an own upload (tus 1.0.0).
///
/// What came before a connection broke is kept, unless `Upload-Checksum` was given. With the last byte the upload is looked
/// at as every photo is: the answer has `Photo-Id`, or is the problem for which it is refused. Without both, the upload is
/// `verifying`; ask again later.
#[utoipa::path(tag = "photos", operation_id = "continue_upload", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1),
        ("Tus-Resumable" = inline(TusVersion), Header, description = "The version of the protocol."),
        ("Upload-Offset" = i64, Header, description = "Where the bytes begin: how many the server has.", minimum = 0,
            maximum = 1_073_741_824, example = 0),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha256` or `sha1`, a blank, and the digest of the \
            body in Base64.", example = "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")),
    request_body(content = Binary, content_type = "application/offset+octet-stream"),
    responses((status = NO_CONTENT, description = "The bytes are kept, durably", headers(
        ("upload-offset" = i64, description = "How many bytes the server has now."),
        ("upload-expires" = String, description = "Until when bytes are taken."),
        ("photo-id" = i64, description = "The key of the photo, once it is one.")))))]
#[patch("/uploads/{id}")]
async fn append(
    services: web::Data<Services>,
    request: HttpRequest,
    caller: Auth<Anyone>,
    id: Path<Id>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let headers = request.headers();
    check_type(headers)?;
    let offset = required(headers, "Upload-Offset", tus::number)?;
    let sending = Sending { offset, declared: declared(headers), checksum: checksum(headers)? };
    let (services, account, id) = (services.clone(), caller.account, id.0.0);
    let appended = async move { service::append(&services, &account, id, sending, payload).await };
    let upload = carried(appended).await?;
    let mut answer = HttpResponse::NoContent();
    tell(&mut answer, &upload);
    Ok(answer.finish())
}

/// Ends an own upload (tus 1.0.0): what came is forgotten. A photo that it has become stays.
#[utoipa::path(tag = "photos", operation_id = "end_upload", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1),
        ("Tus-Resumable" = inline(TusVersion), Header, description = "The version of the protocol.")),
    responses((status = NO_CONTENT, description = "Ended")))]
#[delete("/uploads/{id}")]
async fn terminate(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    service::terminate(&services, &caller.account, id.0.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Carries work through even where the connection of its request breaks: the server gives such a request up, and with it would
/// go what has come of the body.
async fn carried<T: 'static>(work: impl Future<Output = Result<T, Fail>> + 'static) -> Result<T, Problem> {
    Ok(actix_web::rt::spawn(work).await.map_err(|error| Fail::internal(&error))??)
}

/// Writes how far an upload is into the head of an answer.
fn tell(answer: &mut HttpResponseBuilder, upload: &Resumable) {
    answer.insert_header(("upload-offset", upload.received));
    if let Some(photo) = upload.photo {
        answer.insert_header(("photo-id", photo));
    }
    if upload.state == UploadState::Receiving {
        let since = Duration::from_millis(upload.expires_at.millis().unsigned_abs());
        let date = HttpDate::from(SystemTime::UNIX_EPOCH + since);
        answer.insert_header(("upload-expires", date.to_string()));
    }
}

/// A header as text.
fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let wrong = Wrong { zh: "应为 ASCII 文本", en: "must be ASCII text" };
    value.to_str().map(Some).map_err(|_| bad_header(name, wrong))
}

fn bad_header(name: &'static str, wrong: Wrong) -> Problem {
    Problem::new(Code::InvalidHeader).field(name, "wrong_value", Text::new(wrong.zh, wrong.en))
}

/// A header that must be there.
fn required<T>(
    headers: &HeaderMap,
    name: &'static str,
    read: impl FnOnce(&str) -> Result<T, Wrong>,
) -> Result<T, Problem> {
    let missing = || bad_header(name, Wrong { zh: "缺少此请求头", en: "is missing" });
    read(text(headers, name)?.ok_or_else(missing)?).map_err(|wrong| bad_header(name, wrong))
}

fn length(headers: &HeaderMap) -> Result<u64, Problem> {
    if headers.contains_key("upload-defer-length") {
        let wrong =
            Wrong { zh: "不支持，请给出 Upload-Length", en: "is not supported; give Upload-Length" };
        return Err(bad_header("Upload-Defer-Length", wrong));
    }
    required(headers, "Upload-Length", tus::number)
}

fn metadata(headers: &HeaderMap) -> Result<Option<(String, Metadata)>, Problem> {
    let Some(text) = text(headers, "Upload-Metadata")? else { return Ok(None) };
    let read = tus::metadata(text).map_err(|wrong| bad_header("Upload-Metadata", wrong))?;
    Ok(Some((text.to_owned(), read)))
}

fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, Problem> {
    let read = |text: &str| tus::checksum(text).map_err(|wrong| bad_header("Upload-Checksum", wrong));
    text(headers, "Upload-Checksum")?.map(read).transpose()
}

/// How long the body says that it is.
fn declared(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.trim().eq_ignore_ascii_case(tus::MEDIA_TYPE) {
        return Ok(());
    }
    let name = tus::MEDIA_TYPE;
    let text = Text::new(format!("Content-Type 应为 {name}。"), format!("Content-Type must be {name}."));
    Err(Problem::new(Code::UnsupportedMediaType).detail(text))
}
