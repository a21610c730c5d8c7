//! Gives every request an id that the client, the answer and the log share.

use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpResponse, web};
use suishoupai_storage::origin::{self, Origin};
use tracing::{Instrument as _, Span};

use super::client;
use crate::services::Services;
use crate::telemetry;

/// The header in which a client may give, and always gets, the id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request that is being answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

/// Whose request it is, once that is known; for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerId(pub i64);

impl RequestId {
    /// The id as written in headers and logs: 8 to 64 letters, digits and hyphens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The client's own id if it is safe to repeat, else a new one.
    fn given_or_new(given: Option<&HeaderValue>) -> Self {
        let given = given.and_then(|value| value.to_str().ok()).filter(|text| acceptable(text));
        Self(given.map_or_else(|| hex::encode(rand::random::<[u8; 16]>()).into(), Into::into))
    }

    fn put_on(&self, response: &mut HttpResponse) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
    }
}

fn acceptable(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Middleware, the outermost one: gives the request its [`RequestId`], puts it on the answer, counts it, and logs one
/// line.
///
/// The line has the pattern of the route, never the address itself or its query: those carry personal data. Of the
/// caller it has the account's key and nothing else.
///
/// # Errors
/// Only those of the services inside.
pub async fn request_id(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::given_or_new(request.headers().get(REQUEST_ID));
    request.extensions_mut().insert(id.clone());
    let services = request.app_data::<web::Data<Services>>().cloned();
    let _in_flight = services.as_ref().map(|services| services.metrics.begin());
    let seen = Seen {
        log: tracing::info_span!("request", request_id = id.as_str()),
        trace: telemetry::request_span(&request, id.as_str()),
        method: request.method().clone(),
        services,
        begun: Instant::now(),
    };
    let trusts_proxy =
        seen.services.as_ref().is_some_and(|services| services.config.http.trust_forwarded_for);
    let address = client::address(request.headers(), request.peer_addr(), trusts_proxy);
    let origin = Origin { request: Some(Arc::clone(&id.0)), address };
    let answer = origin::of(origin, next.call(request));
    let answer = answer.instrument(seen.log.clone()).instrument(seen.trace.clone()).await;
    match answer {
        Ok(answer) => {
            let (request, response) = answer.map_into_boxed_body().into_parts();
            let mut response = response;
            id.put_on(&mut response);
            let account = request.extensions().get::<CallerId>().map(|caller| caller.0);
            seen.answered(request.match_pattern().as_deref(), response.status().as_u16(), account);
            Ok(ServiceResponse::new(request, response))
        }
        Err(mut error) => {
            seen.answered(None, error.as_response_error().status_code().as_u16(), None);
            error.add_response_mapper(move |mut response| {
                id.put_on(&mut response);
                response
            });
            Err(error)
        }
    }
}

/// A request while it is being answered.
struct Seen {
    log: Span,
    trace: Span,
    method: Method,
    services: Option<web::Data<Services>>,
    begun: Instant,
}

impl Seen {
    fn answered(&self, route: Option<&str>, status: u16, account: Option<i64>) {
        let took = self.begun.elapsed();
        if let Some(services) = &self.services {
            services.metrics.answered(&self.method, route, status, took);
        }
        let method = self.method.as_str();
        telemetry::record_answer(&self.trace, method, route, status);
        let duration_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
        let route = route.unwrap_or("-");
        self.log.in_scope(|| tracing::info!(method, route, status, duration_ms, account, "answered"));
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpRequest, web};

    use super::*;
    use crate::problem::{Code, Problem, localise};

    async fn id_for(given: Option<&str>, path: &str) -> (String, String) {
        let app = init_service(
            App::new()
                .wrap(from_fn(localise))
                .wrap(from_fn(request_id))
                .route(
                    "/",
                    web::get().to(|request: HttpRequest| async move {
                        request.extensions().get::<RequestId>().unwrap().as_str().to_owned()
                    }),
                )
                .route("/bad", web::get().to(|| async { Err::<&str, _>(Problem::new(Code::BadRequest)) })),
        )
        .await;
        let mut request = TestRequest::get().uri(path);
        if let Some(given) = given {
            request = request.insert_header((REQUEST_ID, given));
        }
        let response = call_service(&app, request.to_request()).await;
        let header = response.headers().get(REQUEST_ID).unwrap().to_str().unwrap().to_owned();
        let body = actix_web::test::read_body(response).await;
        (header, String::from_utf8(body.to_vec()).unwrap())
    }

    #[actix_web::test]
    async fn a_safe_id_is_kept_and_seen_by_the_handler() {
        let (header, body) = id_for(Some("phone-0001"), "/").await;
        assert_eq!((header.as_str(), body.as_str()), ("phone-0001", "phone-0001"));
    }

    #[actix_web::test]
    async fn an_absent_or_unsafe_id_is_replaced() {
        let long = "a".repeat(65);
        for given in
            [None, Some("short"), Some("with space"), Some("under_score"), Some("漢字漢字漢字"), Some(&long)]
        {
            let (header, body) = id_for(given, "/").await;
            assert_eq!(header, body);
            assert_eq!(header.len(), 32, "{given:?}");
            assert!(acceptable(&header));
        }
        assert_ne!(id_for(None, "/").await.0, id_for(None, "/").await.0);
    }

    #[actix_web::test]
    async fn a_problem_carries_the_id_in_its_body_too() {
        for path in ["/bad", "/absent"] {
            let (header, body) = id_for(Some("phone-0002"), path).await;
            assert_eq!(header, "phone-0002");
            assert!(body.contains("\"request_id\":\"phone-0002\""), "{body}");
        }
    }
}
