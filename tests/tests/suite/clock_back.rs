//! The clock of the server is set back by an hour: nobody is shut out, nothing happens twice, and no history goes
//! backwards.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Resident, S3Server, Server, both, jpeg};

use crate::common::{finished_by_grid1, handled_by, keyed_report, rendered, reported, until, verbs};

both!(
    histories_go_on_and_not_back,
    nobody_is_shut_out,
    what_has_rung_does_not_ring_again,
    leases_and_uploads_go_on,
    jobs_do_not_wait_for_the_clock_to_come_back
);

const HOUR: i64 = 3600;

/// The instants of a ticket's history.
fn instants(ticket: &Value) -> Vec<&str> {
    ticket["events"].as_array().unwrap().iter().map(|line| line["at"].as_str().unwrap()).collect()
}

fn histories_go_on_and_not_back(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (resident, report, ticket) = reported(&server, "路灯不亮");
    let grid1 = server.official("grid1");
    server.advance_seconds(60);
    grid1.command(ticket, "claim", json!({}));
    let last = server.now().to_string();
    server.advance_seconds(-HOUR);
    grid1.command(ticket, "file", json!({ "category": "P0201" }));
    resident.say(&report, "supplements", &json!({ "words": "在路口" })).expect(200);
    let seen = grid1.ticket(ticket);
    // A line written meanwhile is as old as the one before it.
    let expected = [&server.now().plus_seconds(HOUR - 60).to_string(), &last, &last, &last];
    assert_eq!(instants(&seen), expected, "{:?}", verbs(&seen));
    assert!(seen["due_at"].as_str().unwrap() > last.as_str(), "limits run from there");
    // Once the clock has come past it, time goes on.
    server.advance_seconds(2 * HOUR);
    let later = server.now().to_string();
    resident.say(&report, "supplements", &json!({ "words": "第二盏" })).expect(200);
    assert_eq!(instants(&grid1.ticket(ticket)).last(), Some(&later.as_str()));

    // What is new begins by the clock as it is, and the check of another's work goes its way.
    let (_, _, finished) = finished_by_grid1(&server);
    server.advance_seconds(-HOUR);
    let grid2 = server.official("grid2");
    assert_eq!(grid2.close(finished)["state"], "closed");
    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.tickets == 2, "{verified:?}");
}

fn nobody_is_shut_out(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let key = "clock-back-1";
    let first = keyed_report(&resident, key, &Resident::draft("井盖响")).unwrap().expect(201);
    server.advance_seconds(-HOUR);
    // The token is of an hour from now.
    resident.own(&first);
    let again = keyed_report(&resident, key, &Resident::draft("井盖响")).unwrap().expect(201);
    assert_eq!(first, again);
    assert_eq!(server.rows().reports, 1);
    // The last code was sent in an hour.
    server.nobody().post("auth/codes", &json!({ "phone": resident.phone })).expect(202);
    let next = server.nobody().post("auth/codes", &json!({ "phone": resident.phone }));
    next.problem(429, "too_many_requests");
    assert!(next.header("retry-after").parse::<i64>().unwrap() <= 60);
    server.official("grid1").get("tickets/pool").expect(200);
}

fn what_has_rung_does_not_ring_again(engine: Engine) {
    let server = Server::start_for_days(engine);
    let shizheng = server.official("shizheng");
    let (_, _, ticket) = handled_by(&server, &shizheng, "P0201");
    server.advance_to(&shizheng.ticket(ticket)["due_at"]);
    assert!(server.ring() >= 1);
    let rung = verbs(&shizheng.ticket(ticket)).len();
    server.advance_seconds(-HOUR);
    assert_eq!(server.ring(), 0);
    server.advance_seconds(HOUR);
    assert_eq!(server.ring(), 0);
    let seen = shizheng.ticket(ticket);
    assert_eq!(verbs(&seen).len(), rung);
    assert_eq!(verbs(&seen).iter().filter(|verb| **verb == "breach").count(), 1);
    assert!(server.verify().breaks.is_empty());
}

fn leases_and_uploads_go_on(engine: Engine) {
    let server = Server::start(engine);
    let (resident, _, ticket) = reported(&server, "有垃圾");
    let [grid1, grid2] = ["grid1", "grid2"].map(|login| server.official(login));
    let bytes = jpeg(64, 48);
    let upload = resident.try_announce("image/jpeg", &bytes).expect(201);
    grid1.command(ticket, "claim", json!({}));
    server.advance_seconds(-HOUR);
    assert_eq!(server.lapse_claims(), 0);
    grid2.try_command(ticket, "claim", json!({})).problem(409, "already_claimed");
    assert_eq!(resident.send_form(&upload, &bytes).status, 204);
    let photo = resident.complete(&upload).expect(201)["id"].as_i64().unwrap();
    assert_eq!(rendered(&server, &resident, photo)["state"], "ready");
    // The lease runs out by the clock by which it began.
    server.advance_seconds(HOUR + 1801);
    assert_eq!(server.lapse_claims(), 1);
    assert_eq!(grid2.command(ticket, "claim", json!({}))["state"], "claimed");
}

fn jobs_do_not_wait_for_the_clock_to_come_back(engine: Engine) {
    let mut bucket = S3Server::start();
    let server = Server::start_on_s3(engine, &bucket, |_| ());
    let resident = server.resident();
    let (bytes, later) = (jpeg(64, 48), jpeg(65, 48));
    let upload = resident.try_announce("image/jpeg", &bytes).expect(201);
    assert_eq!(resident.send_form(&upload, &bytes).status, 204);
    let photo = resident.complete(&upload).expect(201)["id"].as_i64().unwrap();
    bucket.stop();
    // Whether it was rendered before the bucket went away or not, a job of an hour from now is there.
    let waiting = format!(
        "INSERT INTO jobs (id, kind, subject, state, run_at, attempts, created_at) \
         SELECT -1, 'render_photo', -1, 'waiting', {at}, 3, {at}",
        at = server.now().millis()
    );
    server.execute(&waiting).unwrap();
    server.advance_seconds(-HOUR);
    bucket.start_again();
    // The server's own worker is woken by the next photo, and sees the clock.
    let other = resident.upload(&later);
    assert_eq!(rendered(&server, &resident, other)["state"], "ready");
    assert_eq!(rendered(&server, &resident, photo)["state"], "ready");
    until("the job of before is done", || {
        server.drain();
        server.nobody().get("/readyz").expect(200)["jobs_waiting"] == 0
    });
}
