//! The contract: made from the routes, completed with what holds for all of them.

mod problems;

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use bytes::Bytes;
use serde_json::{Map, Value};
use suishoupai_core::audit::AuditKind;
use suishoupai_core::flow::exposure::{ExposureState, ExposureVerb};
use suishoupai_core::flow::masking::MaskVerb;
use suishoupai_core::flow::supervision::{SupervisionState, SupervisionVerb};
use suishoupai_core::flow::{
    Channel, OrderKind, OrderState, Phase, PhotoFlag, Pressure, RefuseReason, RequestKind, RequestState,
    ReturnReason, Role, Satisfaction, Solved, Stage, State, Suspicion, Verb,
};
use suishoupai_core::likeness::SeenBefore;
use suishoupai_core::restriction::Decision;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, Components, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    Content, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Required, Schema, Tag,
};

use crate::fail::Fail;
use crate::lang::Lang;
use crate::problem::all_codes;
use crate::routes::registrar::Registrar;

/// Examples of bodies by the name of their schema, as the server of the demonstration answered them.
const EXAMPLES: &str = include_str!("openapi/examples.json");

/// The contract, ready to be served.
pub struct Contract {
    /// As YAML, as it stands in `openapi.yaml`.
    pub yaml: String,
    /// As JSON.
    pub json: Bytes,
}

impl Contract {
    /// The contract, made from the routes when it is first asked for: that takes some tens of milliseconds, and as many
    /// MiB for so long. It is the same for every server of a process.
    pub fn shared() -> &'static Self {
        static SHARED: LazyLock<Contract> = LazyLock::new(|| {
            let api = described();
            let yaml = api.to_yaml().unwrap_or_default();
            let json = serde_json::to_vec(&api).unwrap_or_default().into();
            Contract { yaml, json }
        });
        &SHARED
    }

    /// As [`Contract::shared`], made off the async threads.
    ///
    /// # Errors
    /// When the server is being stopped.
    pub async fn ready() -> Result<&'static Self, Fail> {
        tokio::task::spawn_blocking(Self::shared).await.map_err(|error| Fail::internal(&error))
    }
}

/// The contract as an object, made anew.
pub fn described() -> OpenApi {
    let mut api = OpenApiBuilder::new().build();
    crate::routes::register(&mut Registrar::describing(&mut api));
    complete(&mut api);
    api
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
    problems::add_components(components);
    macro_rules! describe {
        ($($of:ident),+) => {$({
            let words: Vec<_> = $of::ALL.iter().map(|word| (word.as_str(), word.zh(), word.en())).collect();
            describe_words(components, stringify!($of), &words);
        })+};
    }
    describe!(State, OrderState, OrderKind, Verb, Role, RefuseReason, ReturnReason, Channel, Stage, Phase);
    describe!(
        SeenBefore,
        PhotoFlag,
        Suspicion,
        Pressure,
        RequestKind,
        RequestState,
        Satisfaction,
        Solved,
        SupervisionState,
        SupervisionVerb
    );
    describe!(MaskVerb, ExposureState, ExposureVerb, AuditKind, Decision);
    // The forms' own derive knows no attribute for it.
    for name in ["MultipartReport", "SentFile"] {
        if let Some(RefOr::T(Schema::Object(form))) = components.schemas.get_mut(name) {
            form.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme("token", SecurityScheme::Http(scheme));
    let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for (path, item) in &mut api.paths.paths {
        let operations = [
            (&mut item.get, false),
            (&mut item.options, false),
            (&mut item.post, true),
            (&mut item.put, true),
            (&mut item.patch, true),
            (&mut item.delete, true),
        ];
        for (operation, writes) in operations {
            if let Some(operation) = operation {
                forbid_null(operation);
                body_may_be_absent(operation);
                complete_answers(operation, &examples);
                problems::add_to(operation, path, writes);
            }
        }
    }
}

/// Says what a success carries: a description, which OpenAPI requires, and an example of its body.
fn complete_answers(operation: &mut Operation, examples: &Map<String, Value>) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if response.description.is_empty() {
            let status = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
            response.description = status.unwrap_or("An answer").to_owned();
        }
        response.headers.insert("x-request-id".into(), text_header("The request, as in the log.").into());
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content {
                add_example(content, examples);
            }
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                add_example(content, examples);
            }
        }
    }
}

fn add_example(content: &mut Content, examples: &Map<String, Value>) {
    let Some(RefOr::Ref(schema)) = &content.schema else { return };
    let name = schema.ref_location.rsplit('/').next().unwrap_or_default();
    if let Some(example) = examples.get(name) {
        content.example = Some(example.clone());
    }
}

/// A parameter is given or not, but it is never `null`.
fn forbid_null(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
            && let SchemaType::Array(types) = &mut schema.schema_type
        {
            types.retain(|kind| *kind != Type::Null);
            if let [only] = types.as_slice() {
                schema.schema_type = SchemaType::Type(only.clone());
            }
        }
    }
}

/// The first bytes of an upload may come with its creation, or later. That bytes may be absent cannot be said by their type:
/// `null` is not what is sent then.
fn body_may_be_absent(operation: &mut Operation) {
    if operation.operation_id.as_deref() == Some("create_upload")
        && let Some(RefOr::T(body)) = &mut operation.request_body
    {
        body.required = Some(Required::False);
    }
}

/// Adds to the description of an enum what its words mean, in both languages.
fn describe_words(components: &mut Components, name: &str, words: &[(&str, &str, &str)]) {
    let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(name) else { return };
    let mut text = schema.description.take().unwrap_or_default();
    text.push_str("\n\n| word | 中文 | English |\n| --- | --- | --- |\n");
    for (word, zh, en) in words {
        text.push_str(&format!("| `{word}` | {zh} | {en} |\n"));
    }
    schema.description = Some(text);
}

fn text_header(description: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(description))
        .build()
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
        tag("map", "地图: numbers by squares, and tiles of vectors"),
        tag("supervision", "督办单: what the centre demands of a unit, and what the unit replies"),
        tag("exposures", "曝光台: masked pictures that a second person has approved for everybody"),
        tag("administration", "管理"),
        tag("system", "系统"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_stands_at_a_body_and_every_answer_says_what_it_is() {
        let yaml = &Contract::shared().yaml;
        let examples: Map<String, Value> = serde_json::from_str(EXAMPLES).unwrap();
        let lines: Vec<&str> = yaml.lines().map(str::trim).collect();
        for name in examples.keys() {
            let reference = format!("$ref: '#/components/schemas/{name}'");
            assert!(
                lines.windows(2).any(|two| two[0] == reference && two[1].starts_with("example:")),
                "{name}"
            );
        }
        for answer in yaml.split("\n        '").skip(1) {
            let next = answer.lines().nth(1).unwrap().trim_start();
            assert!(next.starts_with("description:") || next.starts_with("$ref:"), "{answer:.80}");
        }
    }

    #[test]
    fn every_reference_has_its_target() {
        let api = serde_json::to_value(described()).unwrap();
        let mut waiting = vec![&api];
        let mut count = 0;
        while let Some(value) = waiting.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                assert!(api.pointer(target.trim_start_matches('#')).is_some(), "{target}");
                count += 1;
            }
            match value {
                Value::Object(members) => waiting.extend(members.values()),
                Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn every_state_and_code_is_named_in_both_languages() {
        let yaml = &Contract::shared().yaml;
        for state in State::ALL {
            let row = format!("| `{}` | {} | {} |", state.as_str(), state.zh(), state.en());
            assert!(yaml.matches(&row).count() >= 2, "{row}");
        }
        for code in all_codes() {
            assert!(yaml.contains(code.title(Lang::Zh)) && yaml.contains(code.title(Lang::En)), "{code:?}");
        }
    }
}
