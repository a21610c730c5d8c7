//! A JSON body.

mod whole;

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use actix_web::{FromRequest, HttpRequest};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::explain::{Style, explain, join};
use super::{NUL, nul_text};
use crate::lang::Text;
use crate::problem::{Code, FieldProblem, Problem};

/// The body of a request, read from JSON.
///
/// Refused: another content type (415), a compressed body (415), a body longer than [`JsonLimit`] (413), anything
/// that is not one JSON value of the right shape (400). `T` should say `deny_unknown_fields`.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

/// The longest JSON body, in bytes; set it with `App::app_data`. Without it, 1 MiB.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimit(pub usize);

impl Default for JsonLimit {
    fn default() -> Self {
        Self(1 << 20)
    }
}

impl<T> Json<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Json<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<JsonLimit>().copied().unwrap_or_default();
        let declared = check_headers(request.headers(), limit);
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(payload, declared?, limit).await?;
            parse(&bytes).map(Self)
        })
    }
}

/// Refuses by the headers alone what need not be read; gives the declared length, or 0.
fn check_headers(headers: &HeaderMap, limit: JsonLimit) -> Result<usize, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text(CONTENT_TYPE).and_then(|value| value.split(';').next()).unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        let detail = Text::new("Content-Type 应为 application/json", "Content-Type must be application/json");
        return Err(Problem::new(Code::UnsupportedMediaType).detail(detail));
    }
    if headers.contains_key(CONTENT_ENCODING) && text(CONTENT_ENCODING) != Some("identity") {
        let detail = Text::new("请求正文不得压缩", "the body must not be compressed");
        return Err(Problem::new(Code::UnsupportedMediaType).detail(detail));
    }
    // A length that does not parse never reaches this place: the HTTP library refuses it.
    let declared = text(CONTENT_LENGTH).and_then(|value| value.parse().ok()).unwrap_or(0);
    if declared > limit.0 { Err(too_large(limit)) } else { Ok(declared) }
}

async fn read(mut payload: Payload, declared: usize, limit: JsonLimit) -> Result<BytesMut, Problem> {
    // Room for the declared length, but no more than a client may claim without sending anything.
    let mut bytes = BytesMut::with_capacity(declared.min(1 << 16));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| {
            let detail = Text::new("请求正文没有收全", format!("the body did not arrive whole: {error}"));
            Problem::new(Code::InvalidBody).detail(detail)
        })?;
        if bytes.len() + chunk.len() > limit.0 {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large(JsonLimit(limit): JsonLimit) -> Problem {
    let detail = Text::new(
        format!("请求正文不得超过 {limit} 字节"),
        format!("the body may have {limit} bytes at most"),
    );
    Problem::new(Code::BodyTooLarge).detail(detail).with("limit_bytes", limit)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let invalid = Problem::new(Code::InvalidBody);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(
            invalid.detail(Text::new("请求正文是空的，应为 JSON", "the body is empty; it must be JSON"))
        );
    }
    // serde reads a list as the fields of a structure in their order, which no client means.
    if bytes.trim_ascii_start().starts_with(b"[") {
        let message = Text::new("应为 JSON 对象", "must be an object");
        return Err(invalid.field("", "wrong_type", message));
    }
    if let Some(field) = find_nul(bytes) {
        return Err(invalid.fields([field]));
    }
    let bytes = whole::plain_integers(bytes);
    // The way to each member is only kept by a second reading, of a body that turned out to be wrong.
    serde_json::from_slice(&bytes).or_else(|_| with_path(&bytes))
}

/// Reads what is wrong, to say where.
fn with_path<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let cause = error.inner();
        match cause.classify() {
            Category::Data => Problem::new(Code::InvalidBody).fields([explain(
                error.path(),
                &without_place(cause),
                Style::Pointer,
            )]),
            _ => malformed(cause),
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = Text::new(format!("不是正确的 JSON：{error}"), format!("not well-formed JSON: {error}"));
    Problem::new(Code::InvalidBody).detail(detail)
}

/// The sentence without ` at line 1 column 17`: the pointer says where.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
}

/// The first string or name in the JSON that has U+0000 in it.
///
/// In JSON that character can only be written as an escape, so nearly every body is cleared by one look for it.
fn find_nul(bytes: &[u8]) -> Option<FieldProblem> {
    if !bytes.windows(6).any(|six| six == b"\\u0000") {
        return None;
    }
    let value = serde_json::from_slice(bytes).ok()?;
    let mut names = Vec::new();
    nul_in(&value, &mut names).then(|| FieldProblem {
        pointer: join(&names, Style::Pointer),
        code: "nul_character",
        message: nul_text(),
    })
}

/// Whether the value has U+0000; leaves the way to it in `names`. As deep as serde_json reads: 128 levels.
fn nul_in(value: &serde_json::Value, names: &mut Vec<String>) -> bool {
    let mut step = |name: String, inner: &serde_json::Value| {
        names.push(name);
        let found = nul_in(inner, names);
        if !found {
            names.pop();
        }
        found
    };
    match value {
        serde_json::Value::String(text) => text.contains(NUL),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().any(|(at, item)| step(at.to_string(), item))
        }
        serde_json::Value::Object(members) => {
            members.iter().any(|(name, inner)| name.contains(NUL) || step(name.clone(), inner))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
