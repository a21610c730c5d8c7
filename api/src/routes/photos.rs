//! Photos: uploaded one by one as they are chosen, read by signed link or by permission.

use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, post, web};
use futures_util::StreamExt;
use serde::Deserialize;
use suishoupai_storage::db::photos::Photo;
use suishoupai_storage::store::Spooled;
use utoipa::IntoParams;

use super::object::Object;
use super::registrar::Registrar;
use super::{Id, json, ok};
use crate::auth::{Anyone, Auth};
use crate::extract::{Path, Query};
use crate::fail::Fail;
use crate::lang::{Lang, Text};
use crate::problem::{Code, Problem};
use crate::service::photos::{self, Bound, Rendition};
use crate::services::Services;
use crate::view::{PhotoView, Scene};
use crate::words::Words;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes
        .service(upload)
        .service(one)
        .service(original)
        .service(display)
        .service(thumbnail)
        .service(playback);
}

pub(super) fn view(services: &Services, photo: &Photo, lang: Lang) -> PhotoView {
    let registry = services.registry();
    let scene = Scene {
        lang,
        registry: &registry,
        links: &services.links,
        now: services.now(),
        names: std::collections::HashMap::new(),
    };
    PhotoView::of(&scene, photo)
}

/// Reads a body up to the bound for photos into a file.
async fn body(
    services: &Services,
    request: &HttpRequest,
    mut payload: web::Payload,
) -> Result<Spooled, Problem> {
    let declared = request.headers().get(actix_web::http::header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u64>().ok());
    let check = |bound: Bound| match declared {
        Some(length) if length > bound.bytes => Err(bound.exceeded()),
        _ => Ok(bound),
    };
    check(Bound::of_any(services))?;
    let broken = |_| Problem::new(Code::BadRequest);
    let first = payload.next().await.transpose().map_err(broken)?.unwrap_or_default();
    let bound = check(Bound::of_head(services, &first))?;
    let mut incoming = services.store.spool().begin(bound.bytes);
    let mut chunk = Some(first);
    while let Some(bytes) = chunk {
        let pushed = incoming.push(&bytes).await.map_err(Fail::from)?;
        incoming = pushed.map_err(|_| bound.exceeded())?;
        chunk = payload.next().await.transpose().map_err(broken)?;
    }
    Ok(incoming.finish().await.map_err(Fail::from)?)
}

/// Bytes as they are, for the contract.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Binary(Vec<u8>);

/// Uploads one photo or video: its bytes are the body.
///
/// JPEG, PNG or WebP, MP4 or QuickTime, told by the bytes and not by the name. A video has at most 60 seconds and 50 MiB unless
/// the server is set otherwise, in H.264, HEVC or AV1. The same bytes sent again are the same photo (200).
/// Renditions are made afterwards; `GET /photos/{id}` tells when they are ready.
#[utoipa::path(tag = "photos", operation_id = "upload_photo", security(("token" = [])),
    request_body(content((Binary = "image/jpeg"), (Binary = "image/png"), (Binary = "image/webp"),
        (Binary = "video/mp4"), (Binary = "video/quicktime"), (Binary = "application/octet-stream"))),
    responses((status = CREATED, body = PhotoView), (status = OK, description = "Uploaded before", body = PhotoView)))]
#[post("/photos")]
async fn upload(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    request: HttpRequest,
    payload: web::Payload,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let bytes = body(&services, &request, payload).await?;
    let (photo, is_new) = photos::upload(&services, caller.account, bytes).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(json(status, &view(&services, &photo, lang)))
}

/// What is known of a photo that the caller uploaded.
#[utoipa::path(tag = "photos", operation_id = "photo", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)), responses((status = OK, body = PhotoView)))]
#[get("/photos/{id}")]
async fn one(
    services: web::Data<Services>,
    caller: Auth<Anyone>,
    id: Path<Id>,
    lang: Lang,
) -> Result<HttpResponse, Problem> {
    let photo = photos::with_metadata(&services, caller.account, id.0.0).await?;
    Ok(ok(&view(&services, &photo, lang)))
}

/// The original, for its uploader and for officials of the ticket; as an attachment.
#[utoipa::path(tag = "photos", operation_id = "photo_original", security(("token" = [])),
    params(("id" = i64, Path, minimum = 1)),
    responses((status = OK, description = "The bytes as uploaded", content((Binary = "image/jpeg"),
        (Binary = "image/png"), (Binary = "image/webp"), (Binary = "video/mp4"), (Binary = "video/quicktime"))),
        (status = PARTIAL_CONTENT, description = "The range that was asked for", content((Binary = "image/jpeg"),
        (Binary = "image/png"), (Binary = "image/webp"), (Binary = "video/mp4"), (Binary = "video/quicktime"))),
        (status = TEMPORARY_REDIRECT, description = "Where the bucket itself gives it, by a signed address"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/photos/{id}/original")]
async fn original(
    services: web::Data<Services>,
    request: HttpRequest,
    caller: Auth<Anyone>,
    id: Path<Id>,
) -> Result<HttpResponse, Problem> {
    let photo = photos::with_metadata(&services, caller.account, id.0.0).await?;
    let object = Object {
        key: photos::key_of(&photo, Rendition::Original)?,
        media_type: photo.media_type.clone(),
        etag: etag(&photo, Rendition::Original),
        cache: "private, no-store".to_owned(),
        disposition: Some(format!("attachment; filename=\"{}.{}\"", photo.id, photo.extension)),
    };
    object.answer(&services, &request).await
}

/// A signed link's parameters; without them a token is needed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkQuery {
    /// When the link expires, seconds since the epoch.
    expires: Option<i64>,
    /// The signature of the link.
    #[param(value_type = Option<Words<64>>)]
    signature: Option<Words<64>>,
}

/// The display rendition: upright, longest side 2048, without metadata.
#[utoipa::path(tag = "photos", operation_id = "photo_display", security(("token" = []), ()),
    params(("id" = i64, Path, minimum = 1), LinkQuery),
    responses((status = OK, description = "JPEG", body = Binary, content_type = "image/jpeg"),
        (status = PARTIAL_CONTENT, description = "The range that was asked for", body = Binary, content_type = "image/jpeg"),
        (status = TEMPORARY_REDIRECT, description = "Where the bucket itself gives it, by a signed address"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/photos/{id}/display")]
async fn display(
    services: web::Data<Services>,
    request: HttpRequest,
    id: Path<Id>,
    query: Query<LinkQuery>,
) -> Result<HttpResponse, Problem> {
    rendition(&services, &request, id.0.0, &query.0, Rendition::Display).await
}

/// The thumbnail: upright, longest side 320, without metadata.
#[utoipa::path(tag = "photos", operation_id = "photo_thumbnail", security(("token" = []), ()),
    params(("id" = i64, Path, minimum = 1), LinkQuery),
    responses((status = OK, description = "JPEG", body = Binary, content_type = "image/jpeg"),
        (status = PARTIAL_CONTENT, description = "The range that was asked for", body = Binary, content_type = "image/jpeg"),
        (status = TEMPORARY_REDIRECT, description = "Where the bucket itself gives it, by a signed address"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/photos/{id}/thumbnail")]
async fn thumbnail(
    services: web::Data<Services>,
    request: HttpRequest,
    id: Path<Id>,
    query: Query<LinkQuery>,
) -> Result<HttpResponse, Problem> {
    rendition(&services, &request, id.0.0, &query.0, Rendition::Thumbnail).await
}

/// The public copy of a video: the same pictures and sound, without time, place and whatever else the device wrote into it.
#[utoipa::path(tag = "photos", operation_id = "photo_playback", security(("token" = []), ()),
    params(("id" = i64, Path, minimum = 1), LinkQuery),
    responses((status = OK, description = "MP4 or QuickTime", content((Binary = "video/mp4"),
        (Binary = "video/quicktime"))),
        (status = PARTIAL_CONTENT, description = "The range that was asked for", content((Binary = "video/mp4"),
        (Binary = "video/quicktime"))),
        (status = TEMPORARY_REDIRECT, description = "Where the bucket itself gives it, by a signed address"),
        (status = NOT_MODIFIED, description = "Unchanged since the given ETag")))]
#[get("/photos/{id}/playback")]
async fn playback(
    services: web::Data<Services>,
    request: HttpRequest,
    id: Path<Id>,
    query: Query<LinkQuery>,
) -> Result<HttpResponse, Problem> {
    rendition(&services, &request, id.0.0, &query.0, Rendition::Playback).await
}

async fn rendition(
    services: &Services,
    request: &HttpRequest,
    id: i64,
    link: &LinkQuery,
    which: Rendition,
) -> Result<HttpResponse, Problem> {
    let (photo, cache) = match (link.expires, &link.signature) {
        (Some(expires), Some(signature)) => {
            let now = services.now();
            let photo = photos::by_key(services, id).await?;
            let version = photo.as_ref().map_or(0, |photo| photo.mask_version);
            if !services.links.verify(id, (which.as_str(), version), expires, signature.as_str(), now) {
                return Err(Problem::new(Code::TokenExpired).detail(Text::new(
                    "链接无效或已过期，请重新获取。",
                    "The link is not valid or has expired; fetch a new one.",
                )));
            }
            // Whoever has the link may see it, so anybody may keep it for as long as the link is good.
            let seconds = (expires - now.millis() / 1000).max(0);
            let photo = photo.ok_or_else(|| Problem::new(Code::PhotoNotFound))?;
            (photo, format!("public, max-age={seconds}, immutable"))
        }
        _ => {
            let caller = Auth::<Anyone>::extract(request).await?;
            let photo = photos::visible(services, caller.account, id).await?;
            // The address stays when the photo is masked, so it is asked again; unchanged, it costs a 304.
            (photo, "private, no-cache".to_owned())
        }
    };
    let object = Object {
        key: photos::key_of(&photo, which)?,
        media_type: if which == Rendition::Playback {
            photo.media_type.clone()
        } else {
            "image/jpeg".to_owned()
        },
        etag: etag(&photo, which),
        cache,
        disposition: None,
    };
    object.answer(services, request).await
}

/// The tag of a rendition; the bytes follow from the original, the mask and the kind.
fn etag(photo: &Photo, which: Rendition) -> String {
    let digest = match which {
        Rendition::Original => &photo.sha256,
        _ => photo.rendition_digest(),
    };
    format!("\"{}-{}\"", hex::encode(&digest[..8]), which.as_str())
}
