//! The same thing reported twice goes on as one ticket; whoever is slow is urged.

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Server, both};

use crate::common::{handled_by, reported, unit_of_lead, whole};

both!(
    a_merged_report_follows_the_other_ticket,
    a_merging_is_undone,
    what_cannot_be_merged_is_refused,
    reporters_of_the_same_do_not_see_each_other,
    the_centre_urges_in_three_steps,
    a_resident_urges_once_a_day
);

fn actions(view: &Value) -> Vec<&str> {
    view["allowed_actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect()
}

fn verbs(ticket: &Value) -> Vec<&str> {
    ticket["events"].as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect()
}

fn a_merged_report_follows_the_other_ticket(engine: Engine) {
    let server = Server::start(engine);
    let shizheng = server.official("shizheng");
    let (first, first_report, main) = handled_by(&server, &shizheng, "P0201");
    server.advance_seconds(60);
    let (second, report, same) = reported(&server, "路面有个坑");
    server.advance_seconds(60);
    let dispatcher = server.official("dispatcher");
    assert!(actions(&dispatcher.ticket(same)).contains(&"merge"));
    let merged = dispatcher.command(same, "merge", json!({ "into": main, "reason": "同一处坑洞" }));
    assert_eq!((merged["state"].as_str(), whole(&merged["course"]["merged_into"])), (Some("merged"), main));
    let other = shizheng.ticket(main);
    assert_eq!(other["course"]["merged"], json!([same]));
    assert_eq!(other["reports"].as_array().unwrap().len(), 2, "the handler reads what all of them said");
    assert_eq!(verbs(&other).last(), Some(&"absorb"));
    assert_eq!(unit_of_lead(&other), unit_of_lead(&shizheng.ticket(main)), "the work goes on");

    let own = second.own(&report);
    assert_eq!((own["state"].as_str(), own["merged"].as_bool()), (Some("handling"), Some(true)));
    assert!(!actions(&own).contains(&"withdraw"), "one of several cannot take it back");
    let timeline: Vec<&str> =
        own["timeline"].as_array().unwrap().iter().filter_map(|event| event["action"].as_str()).collect();
    assert_eq!(timeline[timeline.len() - 2..], ["merge", "absorb"], "{timeline:?}");
    assert!(timeline.contains(&"open") && timeline.contains(&"accept"), "the own way, and that of the other");
    let lines = second.get("reports").expect(200);
    assert_eq!(lines["items"][0]["state"], "handling", "the list follows as well");
    second.say(&report, "withdraw", &json!({})).problem(409, "not_allowed_in_state");
    first.say(&first_report, "withdraw", &json!({})).problem(409, "not_allowed_in_state");

    shizheng.finish(main, "已修补。");
    server.official("inspector").close(main);
    for (who, report) in [(&first, &first_report), (&second, &report)] {
        let own = who.own(report);
        assert_eq!((own["state"].as_str(), own["answer"].as_str()), (Some("closed"), Some("已修补。")));
    }
    let again = second.say(&report, "not-fixed", &json!({ "words": "还有一块没补" })).expect(200);
    assert_eq!(again["state"], "handling");
    assert_eq!(first.own(&first_report)["state"], "handling", "it is one ticket for both");
    assert!(server.verify().breaks.is_empty());
}

fn a_merging_is_undone(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, main) = reported(&server, "井盖响");
    let (second, report, other) = reported(&server, "井盖响");
    let dispatcher = server.official("dispatcher");
    dispatcher.command(other, "merge", json!({ "into": main, "reason": "同一井盖" }));
    let back = dispatcher.command(other, "unmerge", json!({ "reason": "是马路对面的井盖" }));
    assert_eq!(back["state"], "received");
    assert_eq!(back["course"].get("merged_into"), None);
    assert_eq!(verbs(&back), ["open", "merge", "unmerge"]);
    let main = dispatcher.ticket(main);
    assert_eq!((main["course"]["merged"].clone(), verbs(&main).last()), (json!([]), Some(&"detach")));
    assert_eq!(second.own(&report)["merged"], false);
    server.official("grid1").command(other, "claim", json!({}));
    assert!(server.verify().breaks.is_empty());
}

fn what_cannot_be_merged_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, first) = reported(&server, "井盖响");
    let (resident, report, second) = reported(&server, "井盖响");
    let (_, _, third) = reported(&server, "井盖响");
    let dispatcher = server.official("dispatcher");
    let merge = |ticket: i64, into: i64| {
        dispatcher.try_command(ticket, "merge", json!({ "into": into, "reason": "同一井盖" }))
    };
    merge(first, first).problem(422, "refused_by_rule");
    merge(first, 999_999_999).problem(404, "ticket_not_found");
    merge(second, first).expect(200);
    merge(second, third).problem(409, "not_allowed_in_state");
    merge(third, second).problem(409, "not_allowed_in_state");
    merge(first, third).problem(409, "not_allowed_in_state");
    assert_eq!(
        dispatcher.ticket(third)["state"],
        "received",
        "a refusal on one side leaves both as they were"
    );
    resident.say(&report, "withdraw", &json!({})).problem(409, "not_allowed_in_state");
    let other = server.official("shizheng");
    let body = json!({ "version": 1, "into": first, "reason": "同一井盖" });
    other.post(&format!("tickets/{third}/merge"), &body).problem(403, "forbidden");
    assert!(server.verify().breaks.is_empty());
}

fn reporters_of_the_same_do_not_see_each_other(engine: Engine) {
    let server = Server::start(engine);
    let [first, second] = [server.resident(), server.resident()];
    let with_photo = |who: &suishoupai_tests::Resident, text: &str| {
        let mut draft = suishoupai_tests::Resident::draft(text);
        draft["photo_ids"] = json!([who.upload_any()]);
        who.post("reports", &draft).expect(201)
    };
    let reports = [with_photo(&first, "井盖响"), with_photo(&second, "这个井盖坏了")];
    let [main, same] = [0, 1].map(|index: usize| whole(&reports[index]["ticket_id"]));
    let dispatcher = server.official("dispatcher");
    dispatcher.command(same, "merge", json!({ "into": main, "reason": "同一井盖" }));
    first.say(&reports[0], "supplements", &json!({ "words": "我家在一号楼" })).expect(200);
    second.say(&reports[1], "supplements", &json!({ "words": "我家在二号楼" })).expect(200);
    for (who, report, own, others) in
        [(&first, &reports[0], "一号楼", "二号楼"), (&second, &reports[1], "二号楼", "一号楼")]
    {
        let view = who.own(report);
        let text = view.to_string();
        assert!(text.contains(own) && !text.contains(others), "{text}");
        assert_eq!(view["photos"].as_array().unwrap().len(), 1, "the own photo and no other");
    }
    let all = dispatcher.ticket(main).to_string();
    assert!(all.contains("一号楼") && all.contains("二号楼"), "the centre reads both");
}

fn the_centre_urges_in_three_steps(engine: Engine) {
    let server = Server::start(engine);
    let (resident, report, ticket) = reported(&server, "井盖响");
    let grid1 = server.official("grid1");
    let before = grid1.get("notices").expect(200)["items"].as_array().unwrap().len();
    let dispatcher = server.official("dispatcher");
    for urges in 1..=3 {
        let view = dispatcher.command(ticket, "urge", json!({ "words": "请尽快" }));
        assert_eq!(whole(&view["course"]["urges"]), urges);
    }
    let after = grid1.get("notices").expect(200)["items"].as_array().unwrap().len();
    assert_eq!(after, before + 3, "the grid is told each time");
    let text = resident.own(&report).to_string();
    assert!(text.contains("urge") && !text.contains("请尽快"), "what the centre says stays inside");
    grid1.try_command(ticket, "urge", json!({})).problem(403, "forbidden");
    // serde would take a list for the fields in their order.
    dispatcher.post(&format!("tickets/{ticket}/urge"), &json!([null, null])).problem(400, "invalid_body");
}

fn a_resident_urges_once_a_day(engine: Engine) {
    let server = Server::start_for_days(engine);
    let (resident, report, ticket) = reported(&server, "井盖响");
    let urge = || resident.say(&report, "urge", &json!({ "words": "小孩差点摔倒" }));
    assert!(actions(&urge().expect(200)).iter().all(|action| *action != "urge"));
    urge().problem(409, "not_allowed_in_state");
    server.advance_seconds(86_400);
    urge().expect(200);
    assert_eq!(whole(&server.official("dispatcher").ticket(ticket)["course"]["urges"]), 0);
    server.resident().say(&report, "urge", &json!({})).problem(404, "report_not_found");
}
