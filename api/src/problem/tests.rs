//! The table is sound, and every error reaches the client as a problem in its language.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::{App, HttpResponse, error, web};
use serde_json::{Value, json};

use super::*;

#[test]
fn codes_are_unique_snake_case_and_titled_in_both_languages() {
    let mut seen = HashSet::new();
    for code in all_codes() {
        let text = code.as_str();
        assert!(seen.insert(text), "{text} twice");
        assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{text}");
        assert!(code.status().is_client_error() || code.status().is_server_error(), "{text}");
        assert!(!code.title(Lang::Zh).is_empty() && !code.title(Lang::Zh).is_ascii(), "{text}");
        assert!(!code.title(Lang::En).is_empty() && code.title(Lang::En).is_ascii(), "{text}");
    }
}

#[test]
fn the_general_code_of_a_status_has_that_status() {
    for status in (400..600).filter_map(|number| StatusCode::from_u16(number).ok()) {
        if let Some(code) = Code::of_status(status) {
            assert_eq!(code.status(), status);
        }
    }
}

async fn ask(path: &str, lang: &str) -> (StatusCode, actix_web::http::header::HeaderMap, Value) {
    let app = init_service(
        App::new()
            .wrap(from_fn(localise))
            .route("/stale", web::get().to(stale))
            .route("/foreign", web::get().to(|| async { Err::<&str, _>(error::ErrorBadRequest("odd")) }))
            .route(
                "/broken",
                web::get().to(|| async { Err::<&str, _>(error::ErrorInternalServerError("pw=1")) }),
            )
            .route("/teapot", web::get().to(|| async { HttpResponse::ImATeapot().finish() }))
            .route(
                "/own",
                web::get().to(|| async { HttpResponse::ServiceUnavailable().json(json!({"db": false})) }),
            )
            .route(
                "/cookies",
                web::get().to(|| async {
                    let mut response = HttpResponse::from_error(Problem::new(Code::Forbidden));
                    for (name, value) in [("set-cookie", "a=1"), ("set-cookie", "b=2"), ("vary", "Origin")] {
                        response.headers_mut().append(name.parse().unwrap(), value.parse().unwrap());
                    }
                    response
                }),
            )
            .service(
                web::scope("/inner")
                    .wrap(from_fn(|_, _: actix_web::middleware::Next<actix_web::body::BoxBody>| async {
                        Err::<actix_web::dev::ServiceResponse, _>(Problem::new(Code::Forbidden).into())
                    }))
                    .route("", web::get().to(HttpResponse::Ok)),
            ),
    )
    .await;
    let request = TestRequest::get().uri(path).insert_header(("Accept-Language", lang)).to_request();
    // An error of a middleware reaches the library as an error, and becomes an answer only there.
    let response = match actix_web::dev::Service::call(&app, request).await {
        Ok(answer) => answer.into_parts().1,
        Err(error) => error.error_response(),
    };
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = actix_web::body::to_bytes(response.into_body()).await.unwrap();
    (status, headers, serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn stale() -> Result<HttpResponse, Problem> {
    Err(Problem::new(Code::StaleVersion)
        .detail(Text::new("现为第 3 版", "now at version 3"))
        .field("/version", "stale", Text::new("请用 3", "use 3"))
        .with("version", 3)
        .with("status", "never")
        .retry_after(7))
}

#[actix_web::test]
async fn a_problem_is_written_in_the_language_of_the_caller() {
    let (status, headers, body) = ask("/stale", "en").await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(headers.get("content-type").unwrap(), "application/problem+json");
    assert_eq!(headers.get("content-language").unwrap(), "en");
    assert_eq!(headers.get("retry-after").unwrap(), "7");
    let expected = json!({
        "type": "/problems/stale_version",
        "title": "Changed by somebody else in the meantime",
        "status": 409,
        "detail": "now at version 3",
        "code": "stale_version",
        "errors": [{"pointer": "/version", "code": "stale", "message": "use 3"}],
        "version": 3,
    });
    assert_eq!(body, expected);

    let (_, headers, body) = ask("/stale", "zh").await;
    assert_eq!(headers.get("content-language").unwrap(), "zh-CN");
    assert_eq!(body["detail"], "现为第 3 版");
    assert_eq!(body["errors"][0]["message"], "请用 3");
}

#[actix_web::test]
async fn errors_of_the_library_become_problems_and_hide_what_is_internal() {
    let (status, _, body) = ask("/foreign", "en").await;
    assert_eq!(
        (status.as_u16(), &body["code"], &body["detail"]),
        (400, &json!("bad_request"), &json!("odd"))
    );
    let (status, _, body) = ask("/broken", "en").await;
    assert_eq!((status.as_u16(), &body["code"]), (500, &json!("internal")));
    assert!(!body.to_string().contains("pw=1"), "{body}");
    let (status, _, body) = ask("/absent", "en").await;
    assert_eq!((status.as_u16(), &body["code"]), (404, &json!("not_found")));
}

#[actix_web::test]
async fn an_error_of_a_middleware_is_rephrased_too() {
    let (status, headers, body) = ask("/inner", "en").await;
    assert_eq!((status.as_u16(), &body["title"]), (403, &json!("Not permitted")));
    assert_eq!(headers.get("content-language").unwrap(), "en");
}

#[actix_web::test]
async fn headers_that_others_put_on_a_problem_stay() {
    let (_, headers, _) = ask("/cookies", "en").await;
    let all = |name: &str| headers.get_all(name).map(|value| value.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(all("vary"), ["Accept-Language", "Origin"]);
    assert_eq!(all("content-type"), ["application/problem+json"]);
}

#[actix_web::test]
async fn an_answer_that_a_handler_phrased_itself_is_left_alone() {
    let (status, _, body) = ask("/own", "en").await;
    assert_eq!((status.as_u16(), body), (503, json!({"db": false})));
    let (status, headers, _) = ask("/teapot", "en").await;
    assert_eq!(status.as_u16(), 418);
    assert!(!headers.contains_key("content-type"));
}

#[actix_web::test]
async fn every_401_carries_a_challenge() {
    for code in all_codes().iter().filter(|code| code.status() == StatusCode::UNAUTHORIZED) {
        let response = actix_web::ResponseError::error_response(&Problem::new(*code));
        assert!(response.headers().contains_key("www-authenticate"), "{}", code.as_str());
    }
}

#[actix_web::test]
async fn an_unknown_failure_has_a_constant_body() {
    let app = init_service(App::new().route(
        "/",
        web::get().to(|| async {
            let error = std::io::Error::other("disk /dev/sda1 is full");
            Err::<&str, _>(Problem::internal(&error))
        }),
    ))
    .await;
    let body: Value = read_body_json(call_service(&app, TestRequest::get().to_request()).await).await;
    let expected =
        json!({"type": "/problems/internal", "title": "服务器内部错误", "status": 500, "code": "internal"});
    assert_eq!(body, expected);
}
