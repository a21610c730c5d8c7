//! Writes problems: the body, the headers, the language, and errors that the HTTP library phrased.

use std::collections::HashSet;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Code, Problem};
use crate::http::request_id::RequestId;
use crate::lang::{Lang, Text};

/// The media type of every problem (RFC 9457, section 3).
pub(super) const MEDIA_TYPE: &str = "application/problem+json";
/// Longest text of a foreign error that is repeated to the client, in characters.
const MAX_FOREIGN_CHARS: usize = 200;

/// A problem as it is written, by RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProblemBody {
    /// A relative reference that stands for the kind of problem: `/problems/` and the code.
    #[schema(example = "/problems/invalid_body")]
    pub r#type: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    #[schema(example = 400)]
    pub status: u16,
    /// What is wrong in this very case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The kind of problem, stable.
    #[schema(example = "invalid_body")]
    pub code: String,
    /// The request, as in the header `x-request-id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Each wrong part of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldBody>,
    /// More members of this kind of problem.
    #[serde(flatten)]
    #[schema(ignore)]
    pub extra: Map<String, Value>,
}

/// One wrong part of the input.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct FieldBody {
    /// A JSON pointer into the body, or the name of a parameter or header.
    #[schema(example = "/place/lng")]
    pub pointer: String,
    /// What kind of mistake, stable.
    #[schema(example = "wrong_type")]
    pub code: String,
    /// What to mend.
    pub message: String,
}

impl Problem {
    fn body(&self, lang: Lang, request_id: Option<&str>) -> ProblemBody {
        let errors = self.0.fields.iter().map(|field| FieldBody {
            pointer: field.pointer.clone(),
            code: field.code.to_owned(),
            message: field.message.get(lang).to_owned(),
        });
        ProblemBody {
            r#type: format!("/problems/{}", self.0.code.as_str()),
            title: self.0.code.title(lang).to_owned(),
            status: self.0.code.status().as_u16(),
            detail: self.0.detail.as_ref().map(|detail| detail.get(lang).to_owned()),
            code: self.0.code.as_str().to_owned(),
            request_id: request_id.map(str::to_owned),
            errors: errors.collect(),
            extra: self.0.extra.clone(),
        }
    }

    /// The whole answer.
    fn respond(&self, lang: Lang, request_id: Option<&str>) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.code.status());
        response
            .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
            .insert_header((header::CONTENT_LANGUAGE, lang.tag()))
            .insert_header((header::VARY, "Accept-Language"));
        if let Some(seconds) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(challenge) = self.www_authenticate() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(length) = self.0.length {
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{length}")));
        }
        if let Some(methods) = &self.0.allow {
            response.insert_header((header::ALLOW, methods.as_str()));
        }
        // The body is strings, numbers and JSON values, which always can be written.
        response.body(serde_json::to_vec(&self.body(lang, request_id)).unwrap_or_default())
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    /// The answer in the default language, with the problem attached for [`localise`], which knows the caller.
    fn error_response(&self) -> HttpResponse {
        let mut response = self.respond(Lang::default(), None);
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::from_error(self)
    }
}

/// Middleware: writes every problem in the caller's language with the request's id, and makes problems of the errors
/// that the HTTP library phrases. It goes inside of the one that gives the request its id.
///
/// # Errors
/// Only those of the services inside, rephrased.
pub async fn localise(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let lang = Lang::of(request.headers());
    let id = request.extensions().get::<RequestId>().cloned();
    match next.call(request).await {
        Ok(answer) => {
            let answer = answer.map_into_boxed_body();
            let (request, response) = answer.into_parts();
            let id = id.as_ref().map(RequestId::as_str);
            Ok(ServiceResponse::new(request, rephrase(response, lang, id)))
        }
        // A middleware inside gave up with an error. The request is gone with it, so the answer is rephrased later,
        // when the error is turned into one.
        Err(mut error) => {
            error.add_response_mapper(move |response| {
                rephrase(response, lang, id.as_ref().map(RequestId::as_str))
            });
            Err(error)
        }
    }
}

/// The answer itself, or the problem that it stands for in the right words.
fn rephrase(response: HttpResponse, lang: Lang, request_id: Option<&str>) -> HttpResponse {
    let attached = response.extensions().get::<Problem>().cloned();
    let Some(problem) = attached.or_else(|| foreign(&response)) else { return response };
    let mut better = problem.respond(lang, request_id);
    // Headers that others put on the answer stay, except those that describe the body that is replaced.
    let own: HashSet<HeaderName> = better.headers().keys().cloned().collect();
    for (name, value) in response.headers() {
        let about_body = [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ETAG].contains(name);
        let varies_more = name == header::VARY && value != "Accept-Language";
        if varies_more || !(about_body || own.contains(name)) {
            better.headers_mut().append(name.clone(), value.clone());
        }
    }
    better
}

/// The problem behind an answer that this server's own code did not phrase.
fn foreign(response: &HttpResponse) -> Option<Problem> {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE) == Some(&HeaderValue::from_static(MEDIA_TYPE));
    let silent = !response.headers().contains_key(header::CONTENT_TYPE);
    if is_problem || !(response.error().is_some() || silent) {
        return None;
    }
    let problem = Problem::new(Code::of_status(status)?);
    let Some(error) = response.error() else { return Some(problem) };
    if status.is_server_error() {
        tracing::error!(error = %error, "a request failed");
        return Some(problem);
    }
    let text: String = error.to_string().chars().take(MAX_FOREIGN_CHARS).collect();
    Some(problem.detail(Text::new(text.clone(), text)))
}
