//! Health, the contract, and its page.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use suishoupai_storage::db::{jobs, reference};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{json, ok};
use crate::fail::Fail;
use crate::openapi::Contract;
use crate::services::Services;

pub(super) fn register(config: &mut ServiceConfig<'_>) {
    config.service(healthz).service(readyz).service(contract).service(front);
}

/// Whether the process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the server can serve, and what is wrong if not.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// Whether it can serve.
    ready: bool,
    /// What is not ready, in words.
    problems: Vec<String>,
    /// Jobs that wait.
    jobs_waiting: i64,
    /// Jobs that were given up.
    jobs_dead: i64,
}

/// Is the process alive?
#[utoipa::path(tag = "system", operation_id = "health", responses((status = OK, body = Health)))]
#[get("/healthz")]
async fn healthz() -> HttpResponse {
    ok(&Health { status: "ok" })
}

/// Can it serve? Says what is not ready.
#[utoipa::path(tag = "system", operation_id = "readiness", responses(
    (status = OK, body = Readiness), (status = SERVICE_UNAVAILABLE, description = "Not ready", body = Readiness)))]
#[get("/readyz")]
async fn readyz(services: web::Data<Services>) -> HttpResponse {
    let probe = services
        .db
        .read(|conn| {
            reference::revision(conn)?;
            Ok::<_, Fail>(jobs::counts(conn)?)
        })
        .await;
    let mut problems = Vec::new();
    let (jobs_waiting, jobs_dead) = probe.unwrap_or_else(|_| {
        problems.push("the database does not answer".to_owned());
        (0, 0)
    });
    if services.registry().mesh.cells().is_empty() {
        problems.push("there is no grid mesh; import one with `suishoupai import grids`".to_owned());
    }
    let ready = problems.is_empty();
    let status = if ready {
        actix_web::http::StatusCode::OK
    } else {
        actix_web::http::StatusCode::SERVICE_UNAVAILABLE
    };
    json(status, &Readiness { ready, problems, jobs_waiting, jobs_dead })
}

/// This contract.
#[utoipa::path(tag = "system", operation_id = "contract",
    responses((status = OK, description = "OpenAPI 3.1", body = Object, content_type = "application/yaml")))]
#[get("/openapi.yaml")]
async fn contract(contract: web::Data<Contract>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/yaml").body(contract.yaml.clone())
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
