//! Health, the contract, and its page.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::registrar::Registrar;
use super::{json, ok};
use crate::fail::Fail;
use crate::openapi::Contract;
use crate::service::readiness::{self, Part};
use crate::services::Services;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(healthz).service(readyz).service(jwks).service(contract).service(front);
}

/// Whether the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// The keys by which others verify access tokens (RFC 7517).
#[derive(Serialize, ToSchema)]
pub(crate) struct Jwks {
    /// The one that signs now first; then those of before and those to come.
    keys: Vec<JwkView>,
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
pub(crate) struct JwkView {
    /// Always `OKP`.
    kty: &'static str,
    /// Always `Ed25519`.
    crv: &'static str,
    /// Always `EdDSA`.
    alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(rename = "use")]
    purpose: &'static str,
    /// Its name in the head of a token: its digest by RFC 7638.
    kid: String,
    /// The key.
    x: String,
}

/// The public keys of access tokens.
#[utoipa::path(tag = "system", operation_id = "jwks", responses((status = OK, body = Jwks)))]
#[get("/.well-known/jwks.json")]
async fn jwks(services: web::Data<Services>) -> HttpResponse {
    let view = |(kid, x): (String, String)| JwkView {
        kty: "OKP",
        crv: "Ed25519",
        alg: "EdDSA",
        purpose: "sig",
        kid,
        x,
    };
    let keys = services.tokens.published().map(view).collect();
    let mut answer = ok(&Jwks { keys });
    let kept = header::HeaderValue::from_static("public, max-age=300");
    answer.headers_mut().insert(header::CACHE_CONTROL, kept);
    answer
}

/// Whether the server can serve, and what is wrong if not.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether it can serve: every part that is needed is ready.
    ready: bool,
    /// What is not ready, in words.
    problems: Vec<&'static str>,
    /// Every part by itself.
    parts: Vec<PartView>,
    /// Jobs that wait.
    jobs_waiting: i64,
    /// Jobs that were given up.
    jobs_dead: i64,
}

/// A part of the server.
#[derive(Serialize, ToSchema)]
pub(crate) struct PartView {
    /// `process`, `database`, `schema`, `photo_store` or `mesh`; more may be added.
    #[schema(example = "database")]
    part: &'static str,
    /// Whether it is ready.
    ready: bool,
    /// Whether the server is not ready without it.
    needed: bool,
    /// Why it is not ready.
    problem: Option<&'static str>,
}

/// Is the process alive?
#[utoipa::path(tag = "system", operation_id = "health", responses((status = OK, body = Health)))]
#[get("/healthz")]
async fn healthz() -> HttpResponse {
    ok(&Health { status: "ok" })
}

/// Can it serve? Says which part is not ready, and why. A server that is about to stop is not.
#[utoipa::path(tag = "system", operation_id = "readiness", responses(
    (status = OK, body = Readiness), (status = SERVICE_UNAVAILABLE, description = "Not ready", body = Readiness)))]
#[get("/readyz")]
async fn readyz(services: web::Data<Services>) -> HttpResponse {
    let found = readiness::look(&services).await;
    let view = |(part, problem): &(Part, Option<&'static str>)| PartView {
        part: part.as_str(),
        ready: problem.is_none(),
        needed: part.is_needed(),
        problem: *problem,
    };
    let ready = found.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = Readiness {
        ready,
        problems: found.parts.iter().filter_map(|(_, problem)| *problem).collect(),
        parts: found.parts.iter().map(view).collect(),
        jobs_waiting: found.jobs.0,
        jobs_dead: found.jobs.1,
    };
    json(status, &body)
}

/// This contract.
#[utoipa::path(tag = "system", operation_id = "contract",
    responses((status = OK, description = "OpenAPI 3.1", body = Object, content_type = "application/yaml")))]
#[get("/openapi.yaml")]
async fn contract() -> Result<HttpResponse, Fail> {
    Ok(HttpResponse::Ok().content_type("application/yaml").body(Contract::ready().await?.yaml.as_str()))
}

/// The contract for the page that shows it. It is the same as `/openapi.yaml`, so it is no operation of its own.
pub(crate) async fn openapi_json() -> Result<HttpResponse, Fail> {
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(Contract::ready().await?.json.clone()))
}

/// A first page with the way on.
#[utoipa::path(tag = "system", operation_id = "front",
    responses((status = OK, description = "A page", body = String, content_type = "text/html; charset=utf-8")))]
#[get("/")]
async fn front() -> HttpResponse {
    const PAGE: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>随手拍 suishoupai</title>\
        <h1>随手拍 suishoupai</h1><p>接口说明 API: <a href=\"/docs/\">/docs/</a></p>\
        <p>接口约定 contract: <a href=\"/openapi.yaml\">/openapi.yaml</a></p>\
        <p>运行状态 readiness: <a href=\"/readyz\">/readyz</a></p></html>";
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(PAGE)
}
