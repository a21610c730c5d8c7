//! A form with files: `multipart/form-data`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;

use actix_multipart::form::{Limits, MultipartCollect, State};
use actix_multipart::{Multipart, MultipartError};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest};
use futures_util::TryStreamExt as _;

use crate::lang::Text;
use crate::problem::{Code, Problem};

/// The fields of a form, read into a struct.
///
/// Refused: another content type (415), more bytes than [`FormLimit`] (413), a field that is missing, unknown,
/// repeated or wrong (400). The library's own extractor is not used, because its debug build panics at a field
/// without a name, which any client can send.
#[derive(Clone, Copy, Debug)]
pub struct Form<T>(pub T);

/// The longest form, in bytes; set it with `App::app_data`. Without it, 1 MiB.
#[derive(Clone, Copy, Debug)]
pub struct FormLimit(pub usize);

/// Bytes that the fields other than files may take together, which are in memory.
const WORDS: usize = 1 << 20;

impl Default for FormLimit {
    fn default() -> Self {
        Self(1 << 20)
    }
}

impl<T: MultipartCollect + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = request.app_data::<FormLimit>().copied().unwrap_or_default();
        let request = request.clone();
        let payload = payload.take();
        Box::pin(
            async move { collect(&request, payload, limit).await.map(Self).map_err(|error| problem(&error)) },
        )
    }
}

async fn collect<T: MultipartCollect>(
    request: &HttpRequest,
    payload: Payload,
    FormLimit(limit): FormLimit,
) -> Result<T, MultipartError> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("multipart/form-data") {
        return Err(MultipartError::ContentTypeIncompatible);
    }
    let mut parts = Multipart::new(request.headers(), payload);
    // Files go to the disk; words are few.
    let mut limits = Limits::new(limit, limit.min(WORDS));
    let mut state = State::default();
    // A limit holds for all parts of one name together.
    let mut left: HashMap<String, Option<usize>> = HashMap::new();
    while let Some(part) = parts.try_next().await? {
        let name = part.name().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(MultipartError::UnknownField(name));
        }
        let of_name = left.entry(name).or_insert_with_key(|name| T::limit(name));
        limits.field_limit_remaining.clone_from(of_name);
        T::handle_field(request, part, &mut limits, &mut state).await?;
        *of_name = limits.field_limit_remaining;
    }
    T::from_state(state)
}

fn problem(error: &MultipartError) -> Problem {
    use MultipartError as E;
    let field = |name: &str, code: &'static str, zh: &str, en: &str| {
        let message = Text::new(zh.to_owned(), en.to_owned());
        Problem::new(Code::InvalidBody).field(format!("/{name}"), code, message)
    };
    match error {
        E::MissingField(name) if name == "datum" => Problem::new(Code::UnknownDatum),
        E::MissingField(name) => field(name, "missing", "缺少此字段", "is missing"),
        E::DuplicateField(name) => field(name, "repeated", "重复出现", "is given more than once"),
        E::UnknownField(name) => field(name, "unknown", "没有这个字段", "is not known"),
        // What a reader of files has found.
        E::Field { source, .. } if source.as_error::<Problem>().is_some() => {
            source.as_error::<Problem>().cloned().unwrap_or_else(|| Problem::new(Code::InvalidBody))
        }
        E::Field { name, source } if !source.to_string().to_lowercase().contains("limit") => {
            field(name, "wrong_value", "内容有误", "has a wrong value")
        }
        E::ContentTypeMissing | E::ContentTypeParse | E::ContentTypeIncompatible => {
            Problem::new(Code::UnsupportedMediaType)
        }
        E::Payload(PayloadError::Overflow) | E::Field { .. } => Problem::new(Code::BodyTooLarge),
        _ => Problem::new(Code::InvalidBody).detail(Text::new("表单格式有误", "the form is not well formed")),
    }
}

#[cfg(test)]
mod tests {
    use actix_multipart::form::MultipartForm;
    use actix_multipart::form::text::Text as FormText;
    use actix_web::http::header::CONTENT_TYPE;
    use actix_web::test::TestRequest;

    use super::*;

    #[derive(Debug, MultipartForm)]
    #[multipart(deny_unknown_fields, duplicate_field = "deny")]
    struct Wish {
        words: FormText<String>,
        count: FormText<u8>,
    }

    type Parts<'a> = &'a [(&'a str, &'a str)];

    async fn read(content_type: &str, parts: Parts<'_>) -> Result<Wish, Problem> {
        let mut body = String::new();
        for (name, value) in parts {
            body.push_str(&format!(
                "--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        body.push_str("--b--\r\n");
        let request = TestRequest::post()
            .app_data(FormLimit(64))
            .insert_header((CONTENT_TYPE, content_type))
            .set_payload(body);
        let (request, mut payload) = request.to_http_parts();
        Form::<Wish>::from_request(&request, &mut payload).await.map(|form| form.0)
    }

    #[actix_web::test]
    async fn a_right_form_is_read_and_a_wrong_one_is_named() {
        let form = "multipart/form-data; boundary=b";
        let wish = read(form, &[("words", "路灯"), ("count", "3")]).await.unwrap();
        assert_eq!((wish.words.0.as_str(), wish.count.0), ("路灯", 3));
        let long = "x".repeat(65);
        let rows: [(&str, Parts<'_>, Code, &str); 7] = [
            (form, &[("words", "a")], Code::InvalidBody, "/count"),
            (form, &[("words", "a"), ("count", "x")], Code::InvalidBody, "/count"),
            (form, &[("words", "a"), ("words", "b")], Code::InvalidBody, "/words"),
            (form, &[("other", "a")], Code::InvalidBody, "/other"),
            (form, &[("", "a")], Code::InvalidBody, "/"),
            (form, &[("words", &long)], Code::BodyTooLarge, ""),
            ("application/json", &[], Code::UnsupportedMediaType, ""),
        ];
        for (content_type, parts, code, pointer) in rows {
            let problem = read(content_type, parts).await.unwrap_err();
            let named = problem.field_problems().first().map_or("", |field| field.pointer.as_str());
            assert_eq!((problem.code(), named), (code, pointer), "{parts:?}");
        }
    }
}
