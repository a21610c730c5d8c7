//! Uploads straight to the photo store: announced, sent by a signed form, completed.

use std::collections::BTreeMap;

use actix_multipart::form::MultipartForm;
use actix_multipart::form::text::Text as FormText;
use actix_web::http::StatusCode;
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use suishoupai_core::time::Moment;
use utoipa::{IntoParams, ToSchema};

use super::photos::view;
use super::registrar::Registrar;
use super::{Id, json};
use crate::auth::{Anyone, Auth};
use crate::extract::{Form, Json, Path, Query, Upload};
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::uploads::{self, Announced};
use crate::services::Services;
use crate::view::{Instant, PhotoView};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(announce).service(complete).service(content);
}

/// The types of photos and videos that can be announced.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) enum MediaType {
    /// JPEG
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG
    #[serde(rename = "image/png")]
    Png,
    /// WebP
    #[serde(rename = "image/webp")]
    Webp,
    /// MP4
    #[serde(rename = "video/mp4")]
    Mp4,
    /// QuickTime
    #[serde(rename = "video/quicktime")]
    Quicktime,
}

impl MediaType {
    const fn as_str(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::Webp => "image/webp",
            MediaType::Mp4 => "video/mp4",
            MediaType::Quicktime => "video/quicktime",
        }
    }
}

/// The largest photo that any settings allow, bytes.
const MOST_BYTES: u64 = 1_073_741_824;

/// What will be sent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadBody {
    /// The type of the photo.
    media_type: MediaType,
    /// Its length, bytes.
    #[schema(minimum = 1, maximum = 1_073_741_824, example = 2_418_223)]
    bytes: u64,
    /// SHA-256 of its bytes, lower-case hex.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$",
        example = "f6c0bc758758451f46b5a3e10862f6fb4f1b5abc11e086cc292cb0a5b38ef1a0")]
    sha256: Words<64>,
}

/// How and until when to send it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct UploadView {
    /// The key, to complete it by.
    id: i64,
    /// Always `POST`, of a `multipart/form-data` form.
    #[schema(example = "POST")]
    method: &'static str,
    /// Where to; relative to this server if it begins with `/`. No token is sent along.
    url: String,
    /// The fields of the form, all of them, before the file.
    fields: BTreeMap<String, String>,
    /// The name of the field for the file, which is the last one.
    #[schema(example = "file")]
    file_field: &'static str,
    /// Until when it may be sent and completed.
    #[schema(value_type = Instant)]
    expires_at: Moment,
}

/// Announces a photo that will be sent straight to the photo store.
///
/// The answer is a form that is good for one photo of this type and at most this length, for some minutes: its
/// `fields`, then the file. It is a photo once `POST /photos/uploads/{id}/complete` has verified what came.
#[utoipa::path(tag = "photos", operation_id = "announce_upload", security(("token" = [])),
    responses((status = CREATED, body = UploadView)))]
#[post("/photos/uploads")]
async fn announce(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    body: Json<UploadBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.into_inner();
    let field = |pointer: &str, zh, en| {
        Problem::new(Code::InvalidBody).field(pointer, "wrong_value", Text::new(zh, en))
    };
    let mut sha256 = [0; 32];
    let digest = body.sha256.as_str();
    let is_lower = !digest.bytes().any(|byte| byte.is_ascii_uppercase());
    if !is_lower || hex::decode_to_slice(digest, &mut sha256).is_err() {
        return Err(field("/sha256", "应为 64 位小写十六进制", "must be 64 lower-case hexadecimal digits"));
    }
    if !(1..=MOST_BYTES).contains(&body.bytes) {
        return Err(field("/bytes", "应为 1 至 1073741824", "must be from 1 to 1073741824"));
    }
    let announced = Announced { media_type: body.media_type.as_str(), bytes: body.bytes, sha256 };
    let upload = uploads::announce(&services, caller.account, announced).await?;
    let view = UploadView {
        id: upload.id,
        method: "POST",
        url: upload.form.url,
        fields: upload.form.fields,
        file_field: "file",
        expires_at: upload.expires_at,
    };
    Ok(json(StatusCode::CREATED, &view))
}

/// Makes a photo of what was sent, once its length, SHA-256 and true type are those that were announced.
///
/// Completed again, it answers the same photo (200).
#[utoipa::path(tag = "photos", operation_id = "complete_upload", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)),
    responses((status = CREATED, body = PhotoView), (status = OK, description = "Known before", body = PhotoView)))]
#[post("/photos/uploads/{id}/complete")]
async fn complete(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let (photo, is_new) = uploads::complete(&services, caller.account, id.0.0).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &view(&services, &photo, lang)))
}

/// The signature of an address for sending.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContentQuery {
    /// When the address expires, seconds since the epoch.
    expires: i64,
    /// Its signature.
    #[param(value_type = Words<64>)]
    signature: Words<64>,
}

/// What is sent to this server itself.
#[derive(MultipartForm, ToSchema)]
#[multipart(deny_unknown_fields, duplicate_field = "deny")]
pub(crate) struct SentFile {
    /// The announced type.
    #[multipart(rename = "Content-Type")]
    #[schema(value_type = String, rename = "Content-Type")]
    media_type: FormText<String>,
    /// The photo.
    #[schema(value_type = String, format = Binary)]
    file: Upload,
}

/// Takes the bytes of an announced upload, where the photo store is a folder of this server. The address comes
/// with `POST /photos/uploads`.
#[utoipa::path(tag = "photos", operation_id = "send_upload", security(()),
    params(("id" = i64, Path, minimum = 1), ContentQuery),
    request_body(content = SentFile, content_type = "multipart/form-data"),
    responses((status = NO_CONTENT, description = "Kept until it is completed")))]
#[post("/photos/uploads/{id}/content")]
async fn content(
    services: web::Data<Services>,
    request: HttpRequest,
    id: Path<Id>,
    query: Query<ContentQuery>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    // Before anything is read: nobody fills the disk without a signature.
    let query = query.into_inner();
    let upload = uploads::signed(&services, id.0.0, query.expires, query.signature.as_str()).await?;
    let form = Form::<SentFile>::from_request(&request, &mut payload.into_inner()).await?.0;
    uploads::receive(&services, &upload, &form.media_type.0, &form.file.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
