//! Pages of other origins: which may call the API (Fetch, section 3.3), and how long an address may be.
//!
//! There are no cookies, so another origin can do nothing in somebody's name; a page that was given a token may use it
//! only where its origin is named in the settings.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use crate::lang::Text;
use crate::problem::{Code, Problem};
use crate::services::Services;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "accept-language, authorization, content-type, idempotency-key, if-match, if-none-match, range, traceparent, \
     tus-resumable, upload-checksum, upload-length, upload-metadata, upload-offset, x-request-id",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "content-language, content-range, etag, location, ratelimit, ratelimit-policy, retry-after, tus-extension, \
     tus-max-size, tus-resumable, tus-version, upload-expires, upload-length, upload-offset, x-request-id",
);
/// How long a browser may rely on the answer to a question beforehand, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Middleware: answers the questions that browsers ask beforehand, and says of each answer whether the page may read it.
///
/// # Errors
/// Only those of the services inside.
pub async fn cors(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let services = request.app_data::<web::Data<Services>>().cloned();
    let Some(http) = services.as_ref().map(|services| &services.config.http) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    if request.uri().path_and_query().map_or(0, |address| address.as_str().len()) > http.address_limit_bytes {
        let detail = Text::new("请求地址过长", "the address of the request is too long");
        return Err(Problem::new(Code::AddressTooLong).detail(detail).into());
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let named = origin.filter(|origin| http.origins().any(|known| origin.as_bytes() == known.as_bytes()));
    let asks_before = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let open = http.origins().next().is_some();
    if let Some(origin) = &named
        && asks_before
    {
        let mut answer = HttpResponse::build(StatusCode::NO_CONTENT).finish();
        allow(answer.headers_mut(), origin);
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        answer.headers_mut().insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        return Ok(request.into_response(answer).map_into_boxed_body());
    }
    let finish = move |headers: &mut HeaderMap| {
        if let Some(origin) = &named {
            allow(headers, origin);
        } else if open {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    };
    match next.call(request).await {
        Ok(mut answer) => {
            finish(answer.headers_mut());
            Ok(answer.map_into_boxed_body())
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut response| {
                finish(response.headers_mut());
                response
            });
            Err(error)
        }
    }
}

fn allow(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}
