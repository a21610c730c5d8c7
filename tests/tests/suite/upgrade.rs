//! An installation of the first schema, with work under way, goes on after the upgrade.

use serde_json::json;
use suishoupai_tests::{Engine, Server, both};

use crate::common::{clock, reported, stands, verbs};
use crate::privacy::{DAY, closed, retain, reveal};

both!(
    work_under_way_goes_on_after_the_upgrade,
    what_was_sealed_before_is_read_and_anonymised_after_the_upgrade
);

fn work_under_way_goes_on_after_the_upgrade(engine: Engine) {
    let server = Server::start_for_days(engine);
    let [grid1, shizheng] = ["grid1", "shizheng"].map(|login| server.official(login));
    let (_, _, waiting) = reported(&server, "路灯不亮");
    let (_, _, given) = reported(&server, "路面坑洞");
    grid1.claim_and_file(given, "P0201");
    let (_, _, worked) = reported(&server, "路面又一处坑洞");
    grid1.claim_and_file(worked, "P0201");
    shizheng.command(worked, "accept", json!({}));
    let due = shizheng.ticket(given)["due_at"].clone();

    // Under the old rules the unit was responsible as soon as it was given the order.
    let unit = server.unit("D03");
    let old = format!("UPDATE tickets SET responsible_id = {unit} WHERE id = {given}");
    let server = server.from_first_schema(&old);
    let [grid1, shizheng, grid2] = ["grid1", "shizheng", "grid2"].map(|login| server.official(login));
    let seen = shizheng.ticket(given);
    assert_eq!(stands(&seen), ("dispatched", "D03", "D03"));
    assert_eq!(seen["due_at"], due);
    assert_eq!(server.ring(), 0, "nothing is due yet");
    assert_eq!(grid1.command(waiting, "claim", json!({}))["state"], "claimed");

    // The order that nobody has touched is looked at when it is due, and only then.
    server.advance_to(&due);
    assert!(server.ring() >= 2);
    for ticket in [given, worked] {
        let seen = shizheng.ticket(ticket);
        assert_eq!(verbs(&seen).last(), Some(&"breach"), "{:?}", verbs(&seen));
        assert_eq!(seen["overdue"], true);
    }
    let signed = shizheng.command(given, "accept", json!({}));
    assert_eq!(
        (stands(&signed), &clock(&signed, "handle")["pressure"]),
        (("handling", "D03", "D03"), &json!("overdue"))
    );
    for ticket in [given, worked] {
        assert_eq!(shizheng.finish(ticket, "已修补。")["state"], "checking");
        assert_eq!(grid2.close(ticket)["state"], "closed");
    }
    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.tickets == 3, "{verified:?}");
}

fn what_was_sealed_before_is_read_and_anonymised_after_the_upgrade(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (resident, report, ticket) = closed(&server);
    let server = server.from_first_schema("UPDATE tickets SET title = title");
    let shown = reveal(&server.official("grid1"), ticket, &report).expect(200);
    assert_eq!((&shown["contact_name"], &shown["phone"]), (&json!("张三丰"), &json!(resident.phone)));
    server.advance_seconds(1100 * DAY);
    assert_eq!(retain(&server)["report"]["tickets_anonymised"], 1);
    let verified = server.verify();
    assert!(verified.breaks.is_empty() && verified.audit.breaks.is_empty(), "{verified:?}");
}
