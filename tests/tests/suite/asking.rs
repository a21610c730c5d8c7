//! Requests made from the contract: as complete as it wants, with nothing that it does not need.

use reqwest::Method;
use reqwest::blocking::multipart::Form;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use suishoupai_api::access::Route;
use suishoupai_tests::{Caller, Reply, jpeg};

/// The contract of the code.
pub(crate) fn contract() -> Value {
    serde_json::to_value(suishoupai_api::openapi::described()).unwrap()
}

/// A body of the shape that the contract asks for, with nothing that it does not need.
pub(crate) fn body_of(contract: &Value, schema: &Value, name: &str) -> Value {
    if let Some(target) = schema["$ref"].as_str() {
        return body_of(contract, contract.pointer(target.trim_start_matches('#')).unwrap(), name);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(first) = schema[choice].as_array().and_then(|all| all.last()) {
            return body_of(contract, first, name);
        }
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let mut whole = serde_json::Map::new();
        for part in parts {
            whole.extend(body_of(contract, part, name).as_object().cloned().unwrap_or_default());
        }
        return Value::Object(whole);
    }
    if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
        return word.clone();
    }
    if schema.get("example").is_some() && schema["type"] != "object" {
        return schema["example"].clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("object");
    match kind {
        "object" => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let names = required.iter().map(|name| name.as_str().unwrap());
            let member = |name: &str| (name.to_owned(), body_of(contract, &schema["properties"][name], name));
            Value::Object(names.map(member).collect())
        }
        "array" => {
            let count = schema["minItems"].as_u64().unwrap_or(0);
            (0..count).map(|_| body_of(contract, &schema["items"], name)).collect()
        }
        "integer" => match name {
            // One that is not there: nothing is changed by these questions.
            "version" => json!(999_999),
            _ => json!(schema["minimum"].as_i64().unwrap_or(1)),
        },
        "number" => json!(schema["minimum"].as_f64().unwrap_or(1.0)),
        "boolean" => json!(false),
        _ => match schema["format"].as_str() {
            Some("date-time") => json!("2026-03-06T09:30:00+08:00"),
            Some("date") => json!("2026-03-06"),
            _ => json!("x".repeat(usize::try_from(schema["minLength"].as_u64().unwrap_or(1)).unwrap())),
        },
    }
}

/// Whether a body may have a member.
pub(crate) fn has_member(contract: &Value, schema: &Value, member: &str) -> bool {
    let schema = match schema["$ref"].as_str() {
        Some(target) => contract.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    let parts = schema["allOf"].as_array().into_iter().flatten();
    schema["properties"].get(member).is_some() || parts.clone().any(|part| has_member(contract, part, member))
}

/// Asks a route, as completely as its contract wants; a row by its key where it names one, and with members of the body
/// that are known better than the contract does.
pub(crate) fn ask(
    contract: &Value,
    route: &Route,
    caller: &Caller,
    key: Option<i64>,
    known: &[(&str, Value)],
) -> Reply {
    let operation = &contract["paths"][route.path][route.method];
    let mut path = route.path.to_owned();
    if let Some(key) = key {
        path = path.replace("{id}", &key.to_string());
    }
    path = path.replace("{kind}", "units").replace("{date}", "2031-05-06");
    let mut query = Vec::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] == "query" && parameter["required"] == true {
            let name = parameter["name"].as_str().unwrap();
            let value = body_of(contract, &parameter["schema"], name);
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            query.push(format!("{name}={text}"));
        }
    }
    let method = Method::from_bytes(route.method.to_uppercase().as_bytes()).unwrap();
    if !query.is_empty() {
        path = format!("{path}?{}", query.join("&"));
    }
    let mut request = caller.request(method, &path);
    if path.starts_with("/api/v1/uploads") {
        request = request
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5")
            .header("upload-offset", "0");
    }
    let content = &operation["requestBody"]["content"];
    if content["application/json"].is_object() {
        let schema = &content["application/json"]["schema"];
        let mut body = body_of(contract, schema, "");
        // It may stand in a header instead, so the contract does not want it; without any, no row is looked for.
        if has_member(contract, schema, "version") {
            body["version"] = json!(999_999);
        }
        for (name, value) in known {
            if body.get(name).is_some() {
                body[name] = value.clone();
            }
        }
        request = request.json(&body);
    } else if content["multipart/form-data"].is_object() {
        let fields = body_of(contract, &content["multipart/form-data"]["schema"], "");
        let mut form = Form::new();
        for (name, value) in fields.as_object().unwrap() {
            form = form.text(name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        request = request.multipart(form);
    } else if route.method == "patch" {
        request = request.header(CONTENT_TYPE, "application/offset+octet-stream").body("12");
    } else if content.is_object() && route.path == "/api/v1/photos" {
        request = request.header(CONTENT_TYPE, "image/jpeg").body(jpeg(40, 30));
    } else if content["text/csv"].is_object() {
        request = request.header(CONTENT_TYPE, "text/csv").body("x");
    }
    Caller::send(request)
}
