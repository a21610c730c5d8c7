//! What the server tells Prometheus: it reads well, it moves with what is done, and it tells of nobody.

use reqwest::Method;
use serde_json::json;
use suishoupai_api::config::Config;
use suishoupai_tests::{Caller, Engine, Exposition, Resident, Server, both, caller};

both!(
    counts_move_by_what_was_done,
    nobody_is_a_label_and_addresses_make_no_series,
    jobs_are_told_apart_by_what_came_of_them,
    metrics_are_not_on_the_public_listener,
);

fn told(config: &mut Config) {
    config.metrics.listen = Some(([127, 0, 0, 1], 0).into());
    config.metrics.refresh_seconds = 0;
}

fn requests(now: &Exposition, method: &str, route: &str, status: &str) -> f64 {
    let labels = [("method", method), ("route", route), ("status", status)];
    now.sum("suishoupai_http_requests_total", &labels)
}

/// A report with a photo, which is rendered.
fn report_with_a_photo(server: &Server, who: &Resident) -> serde_json::Value {
    let mut draft = Resident::draft("路灯不亮");
    draft["photo_ids"] = json!([who.upload_any()]);
    let report = who.post("reports", &draft).expect(201);
    all_done(server, 1.0);
    report
}

/// Waits until so many jobs have been tried and none is left; the upload has woken those who do them.
fn all_done(server: &Server, tried: f64) {
    server.drain();
    let left = |now: &Exposition| now.sum("suishoupai_jobs", &[("state", "waiting")]);
    let done = |now: &Exposition| now.sum("suishoupai_job_seconds_count", &[]);
    loop {
        let now = server.metrics();
        if done(&now) >= tried && left(&now) == 0.0 {
            return;
        }
        std::thread::yield_now();
    }
}

fn counts_move_by_what_was_done(engine: Engine) {
    let server = Server::start_with(engine, told);
    let before = server.metrics();
    assert_eq!(before.sum("suishoupai_tickets", &[]), 0.0);
    assert_eq!(before.sum("suishoupai_db_connections", &[]), 4.0);
    assert_eq!(before.sum("suishoupai_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);

    let who = server.resident();
    let report = report_with_a_photo(&server, &who);
    assert_eq!(who.post_bytes("photos", "image/gif", b"GIF89a no picture").status, 415);
    server.official("grid1").command(report["ticket_id"].as_i64().unwrap(), "claim", json!({}));
    server.nobody().get("/nowhere/13900000000").problem(404, "not_found");

    let now = server.metrics();
    assert_eq!(requests(&now, "POST", "/api/v1/reports", "201"), 1.0);
    assert_eq!(requests(&now, "POST", "/api/v1/photos", "201"), 1.0);
    assert_eq!(requests(&now, "POST", "/api/v1/photos", "415"), 1.0);
    assert_eq!(requests(&now, "GET", "/api/v1/tickets/{id}", "200"), 1.0);
    assert_eq!(requests(&now, "GET", "unmatched", "404"), 1.0);
    let route = [("method", "POST"), ("route", "/api/v1/photos")];
    assert_eq!(now.sum("suishoupai_http_request_seconds_count", &route), 2.0);
    assert_eq!(now.sum("suishoupai_http_in_flight", &[]), 0.0);

    assert_eq!(now.sum("suishoupai_photos_total", &[]), 1.0);
    assert!(now.sum("suishoupai_photo_bytes_total", &[]) > 100.0);
    assert_eq!(now.sum("suishoupai_photos_refused_total", &[("code", "photo_type_unsupported")]), 1.0);
    assert_eq!(now.sum("suishoupai_photo_render_seconds_count", &[("outcome", "rendered")]), 1.0);
    // The original by its file, two renditions; and the original read for them.
    let put = [("operation", "put"), ("outcome", "ok")];
    assert_eq!(now.sum("suishoupai_store_request_seconds_count", &put), 3.0);
    let read = [("operation", "read"), ("outcome", "ok")];
    assert_eq!(now.sum("suishoupai_store_request_seconds_count", &read), 1.0);

    let claimed = [("district", "350203"), ("state", "claimed")];
    assert_eq!(now.sum("suishoupai_tickets", &claimed), 1.0);
    assert_eq!(now.sum("suishoupai_tickets", &[]), 1.0);
    assert_eq!(now.sum("suishoupai_jobs", &[]), 0.0);
    let at = now.sum("suishoupai_counted_timestamp_seconds", &[]);
    assert_eq!(at, server.now().millis() as f64 / 1000.0);

    let grown = |name: &str, labels: &[(&str, &str)]| now.sum(name, labels) - before.sum(name, labels);
    assert!(grown("suishoupai_db_work_seconds_count", &[("kind", "read")]) >= 3.0);
    assert!(grown("suishoupai_db_work_seconds_count", &[("kind", "write")]) >= 5.0);
    assert!(grown("suishoupai_db_wait_seconds_count", &[]) >= 3.0);
    let grouped = grown("suishoupai_db_group_writes_count", &[]);
    assert_eq!(grouped >= 5.0, engine == Engine::Sqlite, "{grouped} groups");
    assert_eq!(now.sum("suishoupai_db_connections_in_use", &[]), 0.0);
    assert_eq!(now.sum("suishoupai_db_waiting", &[]) + now.sum("suishoupai_db_queue", &[]), 0.0);
}

fn nobody_is_a_label_and_addresses_make_no_series(engine: Engine) {
    let server = Server::start_with(engine, told);
    let who = server.resident();
    let report = report_with_a_photo(&server, &who);
    let official = server.official("grid1");
    let read = |round: i64| {
        official.get(&format!("tickets/{}", 1_000_000 + round)).problem(404, "ticket_not_found");
        official.get(&format!("/no/{round}/where?phone={}", who.phone)).problem(404, "not_found");
        let odd = Method::from_bytes(format!("ODD{round}").as_bytes()).unwrap();
        assert_eq!(Caller::send(official.request(odd, "tickets/7")).status, 405);
        server.metrics()
    };
    read(0);
    let few = read(1).samples.len();
    let mut now = read(2);
    for round in 3..20 {
        now = read(round);
    }
    assert_eq!(now.samples.len(), few, "more addresses and methods made more series");
    let text = format!("{:?}", now.samples);
    let receipt = report["receipt_number"].as_str().unwrap();
    let code = report["query_code"].as_str().unwrap();
    for secret in [&who.phone, who.token(), official.token(), receipt, code, "网格员"] {
        assert!(!text.contains(secret), "{secret} is in the metrics");
    }
    let numbers = ["status", "district", "le"];
    for sample in &now.samples {
        for (label, value) in sample.labels.iter().filter(|(label, _)| !numbers.contains(&label.as_str())) {
            assert!(value.parse::<f64>().is_err(), "a number as {label}: {sample:?}");
            assert!(value.len() <= 100, "{sample:?}");
        }
    }
}

fn jobs_are_told_apart_by_what_came_of_them(engine: Engine) {
    let server = Server::start_with(engine, |config| {
        told(config);
        config.jobs.max_attempts = 2;
    });
    let who = server.resident();
    let of = |now: &Exposition, outcome: &str| {
        let labels = [("kind", "render_photo"), ("outcome", outcome)];
        now.sum("suishoupai_job_seconds_count", &labels)
    };
    let in_queue = |now: &Exposition, state: &str| {
        now.sum("suishoupai_jobs", &[("kind", "render_photo"), ("state", state)])
    };
    let photo = who.upload_any();
    all_done(&server, 1.0);
    assert_eq!(of(&server.metrics(), "done"), 1.0);
    // The original is lost, and its renditions are to be made again; nobody is woken for that.
    let key = server.stored().into_iter().find(|key| key.starts_with("original/")).unwrap().parse().unwrap();
    let store = server.services().store.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.delete(&key)).unwrap();
    let columns = "id, kind, subject, state, run_at, attempts, created_at";
    let again =
        format!("INSERT INTO jobs ({columns}) VALUES (9000000, 'render_photo', {photo}, 'waiting', 0, 0, 0)");
    server.execute(&again).unwrap();
    let now = server.metrics();
    assert_eq!((in_queue(&now, "waiting"), in_queue(&now, "dead")), (1.0, 0.0));
    server.drain();
    let now = server.metrics();
    assert_eq!((of(&now, "done"), of(&now, "failed"), of(&now, "dead")), (1.0, 1.0, 0.0));
    assert_eq!((in_queue(&now, "waiting"), in_queue(&now, "dead")), (1.0, 0.0));
    server.advance_seconds(60);
    server.drain();
    let now = server.metrics();
    assert_eq!((of(&now, "done"), of(&now, "failed"), of(&now, "dead")), (1.0, 1.0, 1.0));
    assert_eq!((in_queue(&now, "waiting"), in_queue(&now, "dead")), (0.0, 1.0));
    let absent = [("operation", "read"), ("outcome", "not_found")];
    assert_eq!(now.sum("suishoupai_store_request_seconds_count", &absent), 2.0);
}

fn metrics_are_not_on_the_public_listener(engine: Engine) {
    let server = Server::start_with(engine, told);
    server.nobody().get("/metrics").problem(404, "not_found");
    let metrics = caller(&server.metrics_base());
    assert_eq!(metrics.get("/healthz").status, 404);
    assert_eq!(metrics.get("/api/v1/tickets/pool").status, 404);
    assert_eq!(metrics.get("/metrics").status, 200);
    assert_eq!(
        Server::start(engine).services().config.metrics.listen,
        None,
        "nowhere unless it is asked for"
    );
}
