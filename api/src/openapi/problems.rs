//! The refusals in the contract: one shared answer for each status, with an example of every code.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::Header;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Components;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use super::text_header;
use crate::lang::Lang;
use crate::problem::{Code, FieldBody, ProblemBody, all_codes};

/// Adds the shape of problems, and the answer for every status of the table.
pub(super) fn add_components(components: &mut Components) {
    components.schemas.insert(ProblemBody::name().into(), ProblemBody::schema());
    components.schemas.insert(FieldBody::name().into(), FieldBody::schema());
    let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for code in all_codes() {
        by_status.entry(code.status().as_u16()).or_default().push(*code);
    }
    for (status, codes) in by_status {
        components.responses.insert(name(status), RefOr::T(response(status, &codes)));
    }
}

/// Adds to an operation the statuses with which it can answer other than as planned.
pub(super) fn add_to(operation: &mut Operation, path: &str, writes: bool) {
    for status in statuses(operation, path, writes) {
        let reference = RefOr::Ref(Ref::new(format!("#/components/responses/{}", name(status))));
        operation.responses.responses.entry(status.to_string()).or_insert(reference);
    }
    if operation.responses.responses.contains_key("429") {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && status.starts_with('2')
            {
                response.headers.extend(rate_headers().map(|(name, header)| (name.into(), header.into())));
            }
        }
    }
}

/// What answers of operations say that are counted.
fn rate_headers() -> [(&'static str, Header); 2] {
    let field = |text: &str| text_header(&format!("{text} (draft-ietf-httpapi-ratelimit-headers)."));
    [
        (
            "ratelimit-policy",
            field("The limits that the request was counted against: `\"reports\";q=600;w=3600`"),
        ),
        (
            "ratelimit",
            field("What is left by them, and in how many seconds there is more: `\"reports\";r=599;t=1800`"),
        ),
    ]
}

fn name(status: u16) -> String {
    format!("Problem{status}")
}

fn statuses(operation: &Operation, path: &str, writes: bool) -> Vec<u16> {
    let mut statuses = vec![400, 406, 414, 500, 503];
    let proves = ["/auth/", "/me/password", "/me/second-factor"];
    if operation.security.is_some() || path.contains("/auth/") {
        statuses.extend([401, 403]);
    }
    let of_rows = [
        "{",
        "/categories",
        "/units",
        "/tickets",
        "/reports",
        "/work-orders",
        "/notices",
        "/summonses",
        "/shifts",
        "/absences",
        "/standard-texts",
        "/supervision-orders",
        "/exposures",
        "/restriction",
        "/map/",
    ];
    if of_rows.iter().any(|part| path.contains(part)) {
        statuses.push(404);
    }
    // A cursor of another order; a datum, box or period that is none.
    if path.ends_with("/tickets") || path.ends_with("/supervision-orders") || path.contains("/map/") {
        statuses.push(422);
    }
    if writes {
        statuses.extend([413, 415, 422]);
        if path.contains("{id}")
            || path.contains("/reports")
            || path.contains("/supervision-orders")
            || path.contains("/exposures")
        {
            statuses.push(409);
        }
        if path.contains("/tickets/") || path.contains("/supervision-orders/") || path.contains("/exposures/")
        {
            statuses.push(428);
        }
        if path.contains("/restriction") || path.contains("/officials") || path.contains("/second-factor") {
            statuses.push(409);
        }
        if proves.iter().any(|part| path.contains(part))
            || ["/follow", "/reports", "/reports/form"].iter().any(|end| path.ends_with(end))
        {
            statuses.push(429);
        }
    }
    // Streams.
    if path.ends_with("/events") {
        statuses.push(429);
    }
    if path.contains("/photos/{id}/") {
        statuses.push(416);
    }
    if path.contains("/uploads") {
        statuses.push(if path.contains("{id}") { 410 } else { 429 });
    }
    if path.starts_with("/api/v1/uploads") && operation.operation_id.as_deref() != Some("upload_capabilities")
    {
        // Those of the tus protocol, and those for which a whole upload is refused.
        statuses.extend([409, 410, 412, 413, 415, 422, 460]);
    }
    if path.contains("/locate") || path.contains("/pool") {
        statuses.push(422);
    }
    statuses
}

fn response(status: u16, codes: &[Code]) -> Response {
    let words: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let examples = codes.iter().map(|code| {
        let example = ExampleBuilder::new().summary(code.title(Lang::En)).value(Some(example(*code)));
        (code.as_str(), RefOr::T(example.build()))
    });
    let body = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemBody::name())))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(format!("`{}`", words.join("`, `")))
        .content("application/problem+json", body)
        .header("content-language", text_header("Language of the problem: `zh-CN` or `en`."));
    if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        for (name, header) in rate_headers() {
            response = response.header(name, header);
        }
    }
    for (of, name, header) in headers() {
        if of.as_u16() == status {
            response = response.header(name, header);
        }
    }
    response.build()
}

/// Headers that only some refusals carry.
fn headers() -> [(StatusCode, &'static str, Header); 4] {
    let seconds = text_header("Seconds after which it may be tried again.");
    [
        (StatusCode::UNAUTHORIZED, "www-authenticate", text_header("The challenge of RFC 6750, section 3.")),
        (StatusCode::TOO_MANY_REQUESTS, "retry-after", seconds.clone()),
        (StatusCode::SERVICE_UNAVAILABLE, "retry-after", seconds),
        (StatusCode::RANGE_NOT_SATISFIABLE, "content-range", text_header("The length, `bytes */N`.")),
    ]
}

fn example(code: Code) -> serde_json::Value {
    let mut body = json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(Lang::Zh),
        "status": code.status().as_u16(),
        "code": code.as_str(),
        "request_id": "5f2b7c1e9a3d4f60",
    });
    if code == Code::InvalidBody {
        body["errors"] = json!([{"pointer": "/place/lon", "code": "missing", "message": "必填"}]);
    }
    body
}
