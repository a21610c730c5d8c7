//! What several topics share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use suishoupai_tests::{Caller, Official, Reply, Resident, Server, caller};

/// Code of the district's centre.
pub(crate) const CENTRE: &str = "350203000000";
/// Code of the street of the demonstration's point.
pub(crate) const STREET: &str = "350203001000";
/// Code of the community of the demonstration's point.
pub(crate) const COMMUNITY: &str = "350203001001";

/// Waits until something is so.
///
/// # Panics
/// Where it takes too long.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Ends the work of others when it is dropped, also where the test fails meanwhile.
pub(crate) struct Ends<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Sends a report under a key; the answer, if there is one.
pub(crate) fn keyed_report(who: &Caller, key: &str, draft: &Value) -> Result<Reply, String> {
    Caller::try_send(who.request(Method::POST, "reports").header("idempotency-key", key).json(draft))
}

/// What `/readyz` says of a part that is not ready; empty for one that is.
pub(crate) fn trouble(base: &str, part: &str) -> String {
    let body = caller(base).get("/readyz").json();
    let parts = body["parts"].as_array().unwrap_or_else(|| panic!("{body}"));
    let found = parts.iter().find(|one| one["part"] == part).unwrap_or_else(|| panic!("no {part}: {body}"));
    found["problem"].as_str().unwrap_or_default().to_owned()
}

/// A resident, the report, and the key of its ticket.
pub(crate) fn reported(server: &Server, text: &str) -> (Resident, Value, i64) {
    let resident = server.resident();
    let report = resident.report(text);
    let ticket = report["ticket_id"].as_i64().unwrap();
    (resident, report, ticket)
}

/// A ticket of a category that its department's officer has signed for, with who reported it.
pub(crate) fn handled_by(server: &Server, officer: &Official, category: &str) -> (Resident, Value, i64) {
    let (resident, report, ticket) = reported(server, "路面坑洞");
    server.official("grid1").claim_and_file(ticket, category);
    assert_eq!(officer.command(ticket, "accept", json!({}))["state"], "handling");
    (resident, report, ticket)
}

/// A ticket that `grid1` has handled and that waits for its check.
pub(crate) fn finished_by_grid1(server: &Server) -> (Resident, Value, i64) {
    let (resident, report, ticket) = reported(server, "单车占道");
    let grid1 = server.official("grid1");
    assert_eq!(grid1.claim_and_file(ticket, "E0501")["state"], "handling");
    assert_eq!(grid1.finish(ticket, "已摆放整齐。")["state"], "checking");
    (resident, report, ticket)
}

/// A whole number of an answer.
pub(crate) fn whole(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no whole number: {value}"))
}

/// Code of the unit that the open order of the lead is for; empty without one.
pub(crate) fn unit_of_lead(ticket: &Value) -> &str {
    let open = |order: &&Value| matches!(order["state"].as_str(), Some("pending" | "accepted"));
    let orders = ticket["orders"].as_array().unwrap().iter().filter(open);
    let lead = orders.filter(|order| order["kind"] == "lead").map(|order| &order["unit"]["code"]).next();
    lead.and_then(Value::as_str).unwrap_or_default()
}

/// The state, the code of the responsible unit, and the code of the unit on whose desk a ticket lies.
pub(crate) fn stands(ticket: &Value) -> (&str, &str, &str) {
    (
        ticket["state"].as_str().unwrap(),
        ticket["responsible"]["code"].as_str().unwrap(),
        ticket["course"]["desk"]["code"].as_str().unwrap(),
    )
}

/// The commands of a ticket's history, in order.
pub(crate) fn verbs(ticket: &Value) -> Vec<&str> {
    ticket["events"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap()).collect()
}

/// The facts of the last line of a ticket's history.
pub(crate) fn last_facts(ticket: &Value) -> &Value {
    &ticket["events"].as_array().unwrap().last().unwrap()["facts"]
}

/// The clock of a phase.
pub(crate) fn clock<'a>(ticket: &'a Value, phase: &str) -> &'a Value {
    let clocks = ticket["course"]["clocks"].as_array().unwrap();
    let found = clocks.iter().find(|clock| clock["phase"] == phase);
    found.unwrap_or_else(|| panic!("no clock of {phase}: {clocks:?}"))
}

/// Whether an official is offered a command.
pub(crate) fn offered(official: &Official, ticket: i64, verb: &str) -> bool {
    official.ticket(ticket)["allowed_actions"].as_array().unwrap().contains(&json!(verb))
}

/// The word of the rule by which a command is refused.
pub(crate) fn refused(official: &Official, ticket: i64, verb: &str, body: Value) -> String {
    let reply = official.try_command(ticket, verb, body);
    assert!(matches!(reply.status, 403 | 409 | 422), "{verb}: {}", reply.text());
    reply.json()["rule"].as_str().unwrap_or_else(|| panic!("{verb}: {}", reply.text())).to_owned()
}

/// What is known of a photo once its renditions are made.
pub(crate) fn rendered(server: &Server, owner: &Caller, photo: i64) -> Value {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        server.drain();
        let known = owner.get(&format!("photos/{photo}")).expect(200);
        if known["state"] != "received" {
            return known;
        }
        // The server's own worker has taken the job; it needs a moment.
        assert!(Instant::now() < deadline, "not rendered: {known}");
        std::thread::yield_now();
    }
}

/// Asks until it is so.
pub(crate) fn eventually(what: &str, patience: Duration, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to this: {what}");
        std::thread::yield_now();
    }
}
