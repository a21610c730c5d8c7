//! One row for each kind of wrong body: what the client is told about it.

use actix_web::App;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::web;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::problem::localise;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    text: String,
    place: Place,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    more: Value,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    lng: f64,
    floor: Option<u8>,
    #[serde(default)]
    datum: Datum,
    seen: Option<suishoupai_core::time::Moment>,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Datum {
    #[default]
    Wgs84,
    Gcj02,
}

async fn send(content_type: Option<&str>, header: Option<(&str, &str)>, body: &[u8]) -> (u16, Value) {
    let app = init_service(App::new().app_data(JsonLimit(400)).wrap(from_fn(localise)).route(
        "/",
        web::post().to(|Json(body): Json<Body>| async { actix_web::HttpResponse::Ok().json(body) }),
    ))
    .await;
    let mut request = TestRequest::post().insert_header(("Accept-Language", "en")).set_payload(body.to_vec());
    if let Some(content_type) = content_type {
        request = request.insert_header(("Content-Type", content_type));
    }
    if let Some(header) = header {
        request = request.insert_header(header);
    }
    let response = call_service(&app, request.to_request()).await;
    (response.status().as_u16(), read_body_json(response).await)
}

#[actix_web::test]
async fn a_right_body_is_read() {
    let body = br#"{"text":"\\u0000 is not NUL","place":{"lng":1}}"#;
    for content_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let (status, answer) = send(Some(content_type), None, body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["text"], "\\u0000 is not NUL");
    }
    assert_eq!(send(Some("application/json"), Some(("Content-Encoding", "identity")), body).await.0, 200);
}

#[actix_web::test]
async fn a_wrong_field_is_named_by_its_pointer() {
    let rows = [
        (r#"{"place":{"lng":1}}"#, "/text", "missing", "is required"),
        (r#"{"text":"a","place":{}}"#, "/place/lng", "missing", "is required"),
        (r#"{"text":5,"place":{"lng":1}}"#, "/text", "wrong_type", "is integer `5`, must be a string"),
        (
            r#"{"text":"a","place":{"lng":"x"}}"#,
            "/place/lng",
            "wrong_type",
            "is string \"x\", must be a number",
        ),
        (r#"{"text":"a","place":[]}"#, "/place", "wrong_length", "must be"),
        (r#"{"text":"a","place":7}"#, "/place", "wrong_type", "must be an object"),
        (r#"{"text":"a","place":{"lng":1},"tags":["b",null]}"#, "/tags/1", "wrong_type", "must be a string"),
        (r#"{"text":"a","place":{"lng":1,"floor":300}}"#, "/place/floor", "wrong_value", "not negative"),
        (r#"{"text":"a","place":{"lng":1,"lat":2}}"#, "/place/lat", "unknown", "known are lng, floor, datum"),
        (r#"{"text":"a","place":{"lng":1},"a/b~c":2}"#, "/a~1b~0c", "unknown", "known are text"),
        (r#"{"text":"a","text":"b","place":{"lng":1}}"#, "/text", "repeated", "more than once"),
        (
            r#"{"text":"a","place":{"lng":1,"datum":"x"}}"#,
            "/place/datum",
            "unknown_value",
            "known are wgs84, gcj02",
        ),
        (r#"{"text":"a","place":{"lng":1,"seen":"x"}}"#, "/place/seen", "wrong_value", "RFC 3339"),
        (r#"{"text":"\u0000","place":{"lng":1}}"#, "/text", "nul_character", "U+0000"),
        (r#"{"text":"a","place":{"lng":1},"tags":["b","c\u0000"]}"#, "/tags/1", "nul_character", "U+0000"),
        (
            r#"{"text":"a","place":{"lng":1},"more":{"k":{"a\u0000":1}}}"#,
            "/more/k",
            "nul_character",
            "U+0000",
        ),
        ("[]", "", "wrong_type", "must be an object"),
        (" [null, null]", "", "wrong_type", "must be an object"),
        ("null", "", "wrong_type", "must be an object"),
    ];
    for (body, pointer, code, message) in rows {
        let (status, answer) = send(Some("application/json"), None, body.as_bytes()).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid_body")), "{body}: {answer}");
        assert_eq!(answer["errors"].as_array().map(Vec::len), Some(1), "{body}: {answer}");
        let error = &answer["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!(pointer), &json!(code)), "{body}: {answer}");
        assert!(error["message"].as_str().unwrap().contains(message), "{body}: {answer}");
    }
}

#[actix_web::test]
async fn what_is_not_json_is_told_with_its_place() {
    let deep = format!(r#"{{"more":{}{}}}"#, "[".repeat(150), "]".repeat(150));
    let rows: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"{", "line 1 column 1"),
        (b"{\"text\":\n,}", "line 2 column 1"),
        (b"{\"text\":\"a\",\"place\":{\"lng\":1}} x", "trailing characters"),
        (b"{\"text\":\"\xff\"}", "line 1"),
        (b"{\"text\":\"\\ud800\"}", "line 1"),
        (deep.as_bytes(), "recursion limit"),
    ];
    for (body, message) in rows {
        let (status, answer) = send(Some("application/json"), None, body).await;
        assert_eq!((status, &answer["code"]), (400, &json!("invalid_body")), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains(message), "{answer}");
    }
}

#[actix_web::test]
async fn another_content_type_is_refused() {
    let body = br#"{"text":"a","place":{"lng":1}}"#;
    for content_type in [None, Some("text/plain"), Some("application/json5"), Some("")] {
        let (status, answer) = send(content_type, None, body).await;
        assert_eq!((status, &answer["code"]), (415, &json!("unsupported_media_type")), "{content_type:?}");
    }
    assert_eq!(send(Some("application/json"), Some(("Content-Encoding", "gzip")), body).await.0, 415);
}

#[actix_web::test]
async fn a_long_body_is_refused_by_its_length_or_once_it_is_too_long() {
    let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(400));
    let (status, answer) = send(Some("application/json"), None, long.as_bytes()).await;
    assert_eq!((status, &answer["limit_bytes"]), (413, &json!(400)));
    // Nothing is read: the declared length is enough.
    let (status, _) = send(Some("application/json"), Some(("Content-Length", "401")), b"{}").await;
    assert_eq!(status, 413);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_what_is_written_is_read_again(
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        text in "[^\0]{0,20}",
        ten_millionths in -1_800_000_000..1_800_000_000i64,
    ) {
        let _ = parse::<Body>(&noise);
        // As many digits as a phone gives; serde_json reads longer ones to within the last bit.
        let lng = ten_millionths as f64 / 1e7;
        let place = Place { lng, floor: None, datum: Datum::Gcj02, seen: None };
        let body = Body { text, place, tags: vec![], more: Value::Null };
        prop_assert_eq!(parse::<Body>(&serde_json::to_vec(&body).unwrap()), Ok(body));
    }
}
