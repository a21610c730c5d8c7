//! Headers that keep browsers from doing more with an answer than they should.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use crate::services::Services;

/// Nothing in an answer of the API is to be run, shown in a frame or loaded from elsewhere.
const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// The page of the contract loads its own scripts and styles; it writes styles into its elements.
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                           img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// Middleware: adds the headers that an answer does not have yet.
///
/// # Errors
/// Only those of the services inside.
pub async fn security_headers<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let docs = is_docs(request.path());
    let services = request.app_data::<Data<Services>>();
    let secure = services.is_some_and(|services| {
        services.config.http.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    });
    match next.call(request).await {
        Ok(mut answer) => {
            add(answer.headers_mut(), docs, secure);
            Ok(answer)
        }
        Err(mut error) => {
            error.add_response_mapper(move |mut response| {
                add(response.headers_mut(), docs, secure);
                response
            });
            Err(error)
        }
    }
}

/// Whether the address belongs to the page of the contract.
fn is_docs(path: &str) -> bool {
    path == "/docs" || path.starts_with("/docs/")
}

fn add(headers: &mut HeaderMap, docs: bool, secure: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // For browsers that do not know the policy below.
    default(header::X_FRAME_OPTIONS, "DENY");
    if secure {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    default(header::REFERRER_POLICY, "no-referrer");
    default(header::CONTENT_SECURITY_POLICY, if docs { DOCS_POLICY } else { API_POLICY });
    if !docs {
        // Answers depend on who asks; what may be kept says so itself.
        default(header::CACHE_CONTROL, "no-store");
    }
}

#[cfg(test)]
mod tests {
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    use super::*;

    #[actix_web::test]
    async fn every_answer_has_them_and_the_docs_may_run_their_own_scripts() {
        let keep =
            || async { HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "max-age=60")).finish() };
        let app = init_service(
            App::new()
                .wrap(from_fn(security_headers))
                .route("/kept", web::get().to(keep))
                .route("/docs/", web::get().to(HttpResponse::Ok)),
        )
        .await;
        let rows = [
            ("/kept", API_POLICY, Some("max-age=60")),
            ("/absent", API_POLICY, Some("no-store")),
            ("/docs/", DOCS_POLICY, None),
            ("/docsy", API_POLICY, Some("no-store")),
        ];
        for (path, policy, cache) in rows {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            let get = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
            assert_eq!(get(header::CONTENT_SECURITY_POLICY), Some(policy), "{path}");
            assert_eq!(get(header::X_CONTENT_TYPE_OPTIONS), Some("nosniff"), "{path}");
            assert_eq!(get(header::REFERRER_POLICY), Some("no-referrer"), "{path}");
            assert_eq!(get(header::CACHE_CONTROL), cache, "{path}");
        }
    }
}
