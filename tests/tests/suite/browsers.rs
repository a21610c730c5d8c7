//! Pages of other origins, long addresses, slow clients, and what headers tell.

use std::io::{Read, Write};
use std::net::TcpStream;

use reqwest::Method;
use suishoupai_tests::{Caller, Engine, Server, both};

both!(
    only_origins_that_are_named_may_read_answers,
    answers_do_not_say_by_what_they_are_given,
    a_long_address_is_refused,
    a_body_that_does_not_come_is_not_waited_for,
);

const PAGE: &str = "https://paizhao.example.cn";

fn only_origins_that_are_named_may_read_answers(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        config.http.cors_origins = Some(format!("{PAGE}, http://127.0.0.1:5173"));
    });
    let nobody = server.nobody();
    let from = |method: Method, origin: &str, path: &str| {
        let request = nobody.request(method, path).header("origin", origin);
        Caller::send(request.header("access-control-request-method", "POST"))
    };
    for origin in [PAGE, "http://127.0.0.1:5173"] {
        let before = from(Method::OPTIONS, origin, "reports");
        assert_eq!((before.status, before.header("access-control-allow-origin")), (204, origin));
        assert!(before.header("access-control-allow-headers").contains("authorization, content-type"));
        assert!(before.header("access-control-allow-methods").contains("DELETE"));
        assert_eq!(before.header("access-control-allow-credentials"), "");
        // Refusals are read too.
        for (path, status) in [("categories", 200), ("me", 401), ("nowhere", 404)] {
            let answer = from(Method::GET, origin, path);
            assert_eq!(
                (answer.status, answer.header("access-control-allow-origin")),
                (status, origin),
                "{path}"
            );
            let varies = answer.headers.get_all("vary").iter().any(|value| value == "origin");
            assert!(varies, "{path}: {:?}", answer.headers);
            assert!(answer.header("access-control-expose-headers").contains("x-request-id"));
        }
    }
    for origin in [
        "https://evil.example",
        "https://paizhao.example.cn.evil.example",
        "null",
        "http://paizhao.example.cn",
    ] {
        for method in [Method::OPTIONS, Method::GET] {
            let answer = from(method, origin, "categories");
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        }
    }
    let plain = Server::start(engine);
    let request = plain.nobody().request(Method::GET, "categories").header("origin", PAGE);
    assert_eq!(Caller::send(request).header("access-control-allow-origin"), "");
}

fn answers_do_not_say_by_what_they_are_given(engine: Engine) {
    let server = Server::start(engine);
    for path in ["categories", "me", "nowhere", "/healthz", "/docs/"] {
        let answer = server.nobody().get(path);
        for name in ["server", "x-powered-by", "via"] {
            assert_eq!(answer.header(name), "", "{path}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(answer.header("strict-transport-security").is_empty(), "only where it is reached by TLS");
    }
    let secure = Server::start_with(engine, |config| {
        config.http.public_url = Some(PAGE.to_owned());
    });
    let header = secure.nobody().get("/healthz");
    assert_eq!(header.header("strict-transport-security"), "max-age=31536000");
}

fn a_long_address_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let long = |length: usize| format!("categories?x={}", "a".repeat(length));
    server.nobody().get(&long(9000)).problem(414, "address_too_long");
    assert_eq!(server.nobody().get(&long(8000)).status, 400);
    let request = server.nobody().request(Method::GET, "categories").header("x-long", "a".repeat(200_000));
    // The head is more than the library reads; it answers or hangs up.
    match Caller::try_send(request) {
        Ok(reply) => assert!(matches!(reply.status, 400 | 431), "{}", reply.status),
        Err(words) => assert!(!words.is_empty()),
    }
}

fn a_body_that_does_not_come_is_not_waited_for(engine: Engine) {
    let server = Server::start_with(engine, |config| config.http.body_timeout_seconds = 1);
    let mut stream = TcpStream::connect(server.base().strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /api/v1/auth/codes HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 25\r\n\r\n";
    stream.write_all(format!("{head}{{\"phone\": ").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("invalid_body"), "{answer}");
}
