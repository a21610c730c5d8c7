//! The district's IT staff: imports, and the history's verification.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use suishoupai_core::geo::Datum;
use suishoupai_core::model::District;
use utoipa::IntoParams;

use super::ok;
use super::registrar::Registrar;
use crate::auth::{Admin, Auth};
use crate::extract::{Path, Query};
use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::service::imports::{self, Kind, Outcome};
use crate::services::Services;

pub(super) fn register(routes: &mut Registrar<'_>) {
    routes.service(import);
}

/// Largest import file, bytes.
const MAX_IMPORT: usize = 64 << 20;

/// How to import.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// Report only, change nothing.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    dry_run: bool,
    /// The datum of a grid file.
    datum: Option<Datum>,
}

/// Imports a file of the district: units, categories, duties and calendar as CSV, grids as GeoJSON.
///
/// The report says of each line what is new, changed, the same, or wrong and why. With a wrong line nothing is
/// changed and the answer is 422 with the same report in it.
#[utoipa::path(tag = "administration", operation_id = "import", security(("token" = [])),
    params(("kind" = Kind, Path), ImportQuery),
    request_body(content((String = "text/csv"), (String = "application/geo+json"))),
    responses((status = OK, body = Outcome)))]
#[post("/admin/imports/{kind}")]
async fn import(
    services: web::Data<Services>,
    caller: Auth<Admin>,
    kind: Path<Kind>,
    query: Query<ImportQuery>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let district: District = caller.account.district;
    let too_large = Problem::new(Code::BodyTooLarge);
    let bytes = body.to_bytes_limited(MAX_IMPORT).await.map_err(|_| too_large)?;
    let bytes = bytes.map_err(|_| Problem::new(Code::BadRequest))?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
        Problem::new(Code::InvalidBody).detail(Text::new("文件应为 UTF-8 编码", "the file must be UTF-8"))
    })?;
    let request = imports::Request::by_administrator(
        kind.0,
        district,
        query.0.datum,
        text,
        query.0.dry_run,
        caller.account.id,
    );
    let outcome = imports::run(&services.db, request, services.now()).await?;
    if outcome.counts.wrong > 0 && !outcome.dry_run {
        let report = serde_json::to_value(&outcome).map_err(|error| Problem::internal(&error))?;
        return Err(Problem::new(Code::ImportWrongLines).with("report", report));
    }
    services.refresh_registry().await?;
    Ok(ok(&outcome))
}
