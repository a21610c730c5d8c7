//! The contract: made from the routes, completed with what holds for all of them.

use actix_web::App;
use utoipa::ToSchema;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, Ref, ResponseBuilder, Tag};
use utoipa_actix_web::AppExt;

use suishoupai_core::flow::State;

use crate::lang::Lang;
use crate::problem::{Code, FieldBody, ProblemBody, all_codes};

/// The contract, ready to be served.
#[derive(Clone)]
pub struct Contract {
    /// As YAML.
    pub yaml: String,
    /// As an object.
    pub api: OpenApi,
}

impl Contract {
    /// Makes it from the routes.
    pub fn new() -> Self {
        let (_, mut api) = App::new().into_utoipa_app().configure(crate::routes::register).split_for_parts();
        complete(&mut api);
        let yaml = api.to_yaml().unwrap_or_default();
        Self { yaml, api }
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self::new()
    }
}

/// The contract as YAML, as it stands in `openapi.yaml`.
pub fn yaml() -> String {
    Contract::new().yaml
}

fn complete(api: &mut OpenApi) {
    api.info = InfoBuilder::new()
        .title("suishoupai 随手拍")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description()))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    api.servers = None;
    api.tags = Some(tags());
    let components = api.components.get_or_insert_default();
    components.schemas.insert(ProblemBody::name().into(), <ProblemBody as utoipa::PartialSchema>::schema());
    components.schemas.insert(FieldBody::name().into(), <FieldBody as utoipa::PartialSchema>::schema());
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    for (path, item) in &mut api.paths.paths {
        for (operation, writes) in [(&mut item.get, false), (&mut item.post, true)] {
            if let Some(operation) = operation {
                add_problems(operation, path, writes);
            }
        }
    }
}

/// Every status with which an operation can answer other than as planned.
fn statuses(operation: &Operation, path: &str, writes: bool) -> Vec<u16> {
    let mut statuses = vec![400, 406, 500, 503];
    if operation.security.is_some() || path.contains("/auth/") {
        statuses.extend([401, 403]);
    }
    if path.contains('{')
        || path.ends_with("/follow")
        || path.contains("/categories")
        || path.contains("/units")
        || path.contains("/tickets")
        || path.contains("/reports")
        || path.contains("/work-orders")
    {
        statuses.push(404);
    }
    if writes {
        statuses.extend([413, 415, 422]);
        if path.contains("{id}") || path.ends_with("/reports") {
            statuses.push(409);
        }
        if path.contains("/tickets/") {
            statuses.push(428);
        }
        if path.contains("/auth/") || path.ends_with("/follow") {
            statuses.push(429);
        }
    }
    if path.contains("/locate") || path.contains("/pool") {
        statuses.push(422);
    }
    statuses
}

fn add_problems(operation: &mut Operation, path: &str, writes: bool) {
    for status in statuses(operation, path, writes) {
        let key = status.to_string();
        if operation.responses.responses.contains_key(&key) {
            continue;
        }
        let codes: Vec<&str> = all_codes()
            .iter()
            .filter(|code| code.status().as_u16() == status)
            .map(|code| code.as_str())
            .collect();
        let body = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ProblemBody::name())))
            .example(Some(example(status)))
            .build();
        let response = ResponseBuilder::new()
            .description(format!("`{}`", codes.join("`, `")))
            .content("application/problem+json", body)
            .build();
        operation.responses.responses.insert(key, response.into());
    }
}

fn example(status: u16) -> serde_json::Value {
    let code =
        all_codes().iter().find(|code| code.status().as_u16() == status).copied().unwrap_or(Code::Internal);
    serde_json::json!({
        "type": format!("/problems/{}", code.as_str()),
        "title": code.title(Lang::Zh),
        "status": status,
        "code": code.as_str(),
        "request_id": "5f2b7c1e9a3d4f60",
    })
}

fn description() -> String {
    let mut text = String::from(
        "Grid-based citizen reporting through five levels: district 区, department 部门, street 街道, community \
         社区, grid 网格.\n\nTimes are RFC 3339 with offset. A coordinate always says its datum. Errors are RFC 9457 \
         problems with a stable `code`. `Accept-Language` chooses zh-CN (default) or en for names and messages. \
         Every answer carries `x-request-id`.\n\n## States of a ticket\n\n| state | 中文 | English |\n| --- | --- | --- |\n",
    );
    for state in State::ALL {
        text.push_str(&format!("| `{}` | {} | {} |\n", state.as_str(), state.zh(), state.en()));
    }
    text.push_str("\n## Problems\n\n| code | status | 中文 | English |\n| --- | --- | --- | --- |\n");
    for code in all_codes() {
        text.push_str(&format!(
            "| `{}` | {} | {} | {} |\n",
            code.as_str(),
            code.status().as_u16(),
            code.title(Lang::Zh),
            code.title(Lang::En)
        ));
    }
    text
}

fn tags() -> Vec<Tag> {
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    vec![
        tag("sign-in", "登录"),
        tag("places", "定位、单位、事项分类"),
        tag("photos", "照片"),
        tag("reports", "上报: what residents do"),
        tag("tickets", "案卷: what officials read"),
        tag(
            "commands",
            "案卷操作: what officials do; `allowed_actions` of a ticket says which are open to the caller",
        ),
        tag("administration", "管理"),
        tag("system", "系统"),
    ]
}
