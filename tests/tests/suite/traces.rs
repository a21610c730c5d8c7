//! Traces: what is sent to a collector of OpenTelemetry, and that callers decide about their own.

use reqwest::Method;
use suishoupai_tests::{Caller, Collector, Engine, Process, Resident, TracedSpan, both, jpeg};

both!(
    a_request_is_a_trace_with_what_it_asked_of_database_and_store,
    callers_decide_about_their_own_traces,
    a_collector_that_is_away_holds_nobody_up,
);

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Uploads a photo as part of somebody's trace.
fn upload(who: &Resident, traceparent: &str) {
    let request = who.request(Method::POST, "photos").header("content-type", "image/jpeg");
    let request = request.header("traceparent", traceparent).header("x-request-id", "traced-upload");
    let photo = Caller::send(request.body(jpeg(41, 31))).expect(201);
    while who.get(&format!("photos/{}", photo["id"])).json()["state"] == "received" {
        std::thread::yield_now();
    }
}

fn a_request_is_a_trace_with_what_it_asked_of_database_and_store(engine: Engine) {
    let collector = Collector::start();
    let mut process = Process::with_demo(engine);
    process.set("telemetry.otlp_endpoint", &collector.endpoint());
    process.set("telemetry.service_name", "suishoupai-test");
    let who = Resident::sign_in(process.serve());
    upload(&who, &format!("00-{TRACE}-{PARENT}-01"));
    assert_eq!(process.terminate(), Some(0));

    let spans = collector.spans();
    let of_trace: Vec<&TracedSpan> = spans.iter().filter(|span| span.trace == TRACE).collect();
    let request = of_trace.iter().find(|span| span.parent == PARENT).unwrap();
    assert_eq!(request.name, "POST /api/v1/photos");
    assert!(request.is_server && request.service == "suishoupai-test", "{request:?}");
    let said = |name: &str| request.attributes.get(name).map_or("", String::as_str);
    assert_eq!(said("http.request.method"), "POST");
    assert_eq!(said("http.route"), "/api/v1/photos");
    assert_eq!(said("http.response.status_code"), "201");
    assert_eq!(said("request_id"), "traced-upload");
    for name in ["database read", "database write", "photo store"] {
        let inner = of_trace.iter().find(|span| span.name == name);
        let inner = inner.unwrap_or_else(|| panic!("no span {name}: {of_trace:?}"));
        assert_eq!(inner.parent, request.id, "{inner:?}");
    }
    let job = spans.iter().find(|span| span.name == "job").unwrap();
    assert_eq!(job.attributes["request_id"], "traced-upload");
    assert!(spans.iter().any(|span| span.trace == job.trace && span.name == "photo store"));
    let text = format!("{spans:?}");
    for secret in [&who.phone, who.token()] {
        assert!(!text.contains(secret), "{secret} is in the traces");
    }
}

fn callers_decide_about_their_own_traces(engine: Engine) {
    let collector = Collector::start();
    let mut process = Process::with_demo(engine);
    process.set("telemetry.otlp_endpoint", &collector.endpoint());
    process.set("telemetry.sample_share", "0");
    let who = Resident::sign_in(process.serve());
    upload(&who, &format!("00-{TRACE}-{PARENT}-01"));
    let unsampled = format!("00-{}-{PARENT}-00", TRACE.replace('0', "1"));
    Caller::send(who.request(Method::GET, "me").header("traceparent", unsampled));
    assert_eq!(process.terminate(), Some(0));
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.name == "POST /api/v1/photos"));
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:?}");
}

fn a_collector_that_is_away_holds_nobody_up(engine: Engine) {
    let mut process = Process::with_demo(engine);
    // Nobody listens there: port 9 discards, where it is served at all.
    process.set("telemetry.otlp_endpoint", "http://127.0.0.1:9");
    let who = Resident::sign_in(process.serve());
    who.report("路面积水");
    assert_eq!(process.terminate(), Some(0));
    let warned = process.log().iter().filter(|line| line.contains("do not reach the collector")).count();
    assert_eq!(warned, 1, "said once");
}
