//! What all requests of the tus protocol have in common: the version, and methods that a network does not let through.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError as _};

use super::tus::VERSION;
use crate::lang::Text;
use crate::problem::{Code, Problem};

/// Where uploads by the protocol are.
const UPLOADS: &str = "/api/v1/uploads";
const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const OVERRIDE: HeaderName = HeaderName::from_static("x-http-method-override");

/// Middleware, outside of the one that answers HEAD by GET: takes the method that `X-HTTP-Method-Override` names, refuses
/// another version of the protocol, and tells the version with every answer. Other addresses are left alone.
///
/// # Errors
/// Only those of the services inside.
pub async fn tus_version(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(rest) = request.path().strip_prefix(UPLOADS).map(str::to_owned) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let one = rest.strip_prefix('/').map(|id| !id.is_empty() && !id.contains('/'));
    let is_head = overridden(&mut request) == Method::HEAD;
    let needs_version = match *request.method() {
        Method::POST => rest.is_empty(),
        Method::PATCH | Method::DELETE => one == Some(true),
        _ => is_head && one == Some(true),
    };
    let given = request.headers().get(&TUS_RESUMABLE);
    if needs_version && given != Some(&HeaderValue::from_static(VERSION)) {
        let mut answer = unsupported().error_response();
        tell(answer.headers_mut());
        answer.headers_mut().insert(TUS_VERSION, HeaderValue::from_static(VERSION));
        return Ok(request.into_response(answer));
    }
    match next.call(request).await {
        Ok(answer) => {
            let mut answer = answer.map_into_boxed_body();
            tell(answer.headers_mut());
            Ok(answer)
        }
        Err(mut error) => {
            error.add_response_mapper(|mut response| {
                tell(response.headers_mut());
                response
            });
            Err(error)
        }
    }
}

/// The method that is meant. A HEAD that came as another method is answered as GET: its answer has a body on the wire.
fn overridden(request: &mut ServiceRequest) -> Method {
    let named = request.headers().get(&OVERRIDE).and_then(|name| Method::from_bytes(name.as_bytes()).ok());
    if let Some(method) = named.as_ref() {
        let wire = if *method == Method::HEAD { Method::GET } else { method.clone() };
        request.head_mut().method = wire;
    }
    named.unwrap_or_else(|| request.method().clone())
}

fn tell(headers: &mut HeaderMap) {
    headers.insert(TUS_RESUMABLE, HeaderValue::from_static(VERSION));
}

fn unsupported() -> Problem {
    let message = Text::new("应为 1.0.0", "must be 1.0.0");
    Problem::new(Code::TusVersionUnsupported).field("Tus-Resumable", "wrong_value", message)
}
