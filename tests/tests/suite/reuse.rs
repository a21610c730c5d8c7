//! Evidence that was seen before is said to have been, and never refused.

use reqwest::Method;
use reqwest::blocking::multipart::{Form, Part};
use serde_json::{Value, json};
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::uses::{self, Uses};
use suishoupai_storage::db::{DbError, hashes};
use suishoupai_tests::{Caller, Engine, Official, Resident, Scenery, Server, both, wait_for};

use crate::common::{rendered, reported, whole};

both!(
    a_picture_sent_before_is_said_to_be_so,
    a_picture_that_is_used_very_often_is_looked_at_a_few_times,
    the_order_of_rendering_and_sending_does_not_matter,
    a_result_that_looks_as_before_is_said_to,
    only_who_may_see_the_other_ticket_is_told_which,
    tickets_with_used_pictures_are_listed,
    what_was_split_off_keeps_its_photos,
    photos_from_before_are_looked_at_after_the_upgrade,
    a_server_that_stops_leaves_the_rest_for_the_next_one,
);

pub(crate) fn seen_before(ticket: &Value) -> Vec<(&str, i64, &str)> {
    let all = ticket["seen_before"].as_array().unwrap();
    all.iter()
        .map(|one| {
            (one["kind"].as_str().unwrap(), whole(&one["photo"]), one["other_stage"].as_str().unwrap())
        })
        .collect()
}

fn report_with(who: &Resident, photo: i64) -> i64 {
    let mut draft = Resident::draft("井盖坏了");
    draft["photo_ids"] = json!([photo]);
    whole(&who.post("reports", &draft).expect(201)["ticket_id"])
}

pub(crate) fn sent(server: &Server, bytes: &[u8]) -> (Resident, i64, i64) {
    let who = server.resident();
    let photo = who.upload(bytes);
    rendered(server, &who, photo);
    let ticket = report_with(&who, photo);
    (who, photo, ticket)
}

fn a_picture_sent_before_is_said_to_be_so(engine: Engine) {
    let server = Server::start(engine);
    let original = Scenery::of(1).jpeg(640, 480, 90);
    let (first, photo, one) = sent(&server, &original);
    server.advance_seconds(60);
    let (_, near, two) = sent(&server, &Scenery::of(1).darker(0.9).jpeg(480, 360, 75));
    server.advance_seconds(60);
    let (_, same, three) = sent(&server, &original);
    server.advance_seconds(60);
    let (_, _, other) = sent(&server, &Scenery::of(2).jpeg(640, 480, 90));
    server.advance_seconds(60);
    // The same photo once more by the same person.
    let four = report_with(&first, photo);
    server.compare();
    let dispatcher = server.official("dispatcher");
    let view = |ticket| dispatcher.ticket(ticket);
    assert!(seen_before(&view(one)).is_empty(), "the first one is not to blame");
    assert!(seen_before(&view(other)).is_empty());
    assert_eq!(seen_before(&view(two)), [("reused", near, "before")]);
    assert_eq!(seen_before(&view(three)), [("reused", same, "before")]);
    assert_eq!(seen_before(&view(four)), [("reused", photo, "before")]);
    let told = &view(three)["seen_before"][0];
    assert_eq!((whole(&told["other_ticket"]["id"]), whole(&told["other_photo"])), (one, photo));
    assert_eq!(told["other_ticket"]["number"], view(one)["number"]);
    assert_eq!((whole(&told["differing_bits"]), told["kind_name"].as_str()), (0, Some("照片曾用于其他案卷")));
    assert_eq!(server.nobody().get(told["other_thumbnail_url"].as_str().unwrap()).status, 200);
    // It was taken nevertheless, and is compared once.
    server.official("grid1").command(three, "claim", json!({}));
    assert_eq!(server.compare(), 0);
    assert!(server.verify().breaks.is_empty());
}

/// While servers are exchanged for those of a newer version, some of before still write; on PostgreSQL alone, since SQLite has
/// one server.
#[test]
fn evidence_that_a_server_of_before_wrote_is_compared_too() {
    let server = Server::start(Engine::Postgres);
    let bytes = Scenery::of(1).jpeg(320, 240, 90);
    let (_, _, first) = sent(&server, &bytes);
    server.advance_seconds(60);
    let (_, photo, second) = sent(&server, &bytes);
    server.execute("DELETE FROM evidence_waiting; UPDATE evidence SET compared_at = NULL").unwrap();
    assert_eq!((server.compare(), server.compare()), (2, 0));
    let dispatcher = server.official("dispatcher");
    assert!(seen_before(&dispatcher.ticket(first)).is_empty());
    assert_eq!(seen_before(&dispatcher.ticket(second)), [("reused", photo, "before")]);
}

#[test]
fn evidence_is_compared_by_one_server_at_a_time() {
    let first = Server::start(Engine::Postgres);
    let second = first.twin();
    sent(&first, &Scenery::of(1).jpeg(320, 240, 90));
    let compared = wait_for(first.services().db.write(move |conn| {
        assert!(turn::take(conn, Turn::Compares)?);
        Ok::<_, DbError>(second.compare())
    }));
    assert_eq!(compared.unwrap(), 0, "the other one has the turn");
    assert_eq!((first.compare(), first.compare()), (1, 0), "what was left waits");
}

fn a_picture_that_is_used_very_often_is_looked_at_a_few_times(engine: Engine) {
    let server = Server::start(engine);
    let (who, photo, first) = sent(&server, &Scenery::of(1).jpeg(320, 240, 90));
    let (_, other, alone) = sent(&server, &Scenery::of(2).jpeg(320, 240, 90));
    let mut tickets = vec![first];
    for _ in 0..11 {
        server.advance_seconds(60);
        tickets.push(report_with(&who, photo));
    }
    let uses = |photos: Vec<i64>, which: Uses| -> Vec<i64> {
        let uses = server.read(move |conn| uses::uses_of(conn, photos, which));
        uses.into_iter().map(|(_, _, used)| used.ticket).collect()
    };
    assert_eq!(uses(vec![photo], Uses::First), tickets[..8]);
    assert_eq!(uses(vec![photo], Uses::Last), tickets[4..]);
    // Each photo counts by itself, so that none hides another.
    assert!(uses(vec![photo, other], Uses::Last).contains(&alone));
    assert_eq!(uses(vec![photo, other], Uses::First).len(), 9);
    server.compare();
    let last = server.official("dispatcher").ticket(tickets[11]);
    assert_eq!(seen_before(&last), [("reused", photo, "before")]);
}

/// Neither in which order two reports and their renderings happen, nor which server compares.
fn the_order_of_rendering_and_sending_does_not_matter(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    let picture = |number: u64, quality: u8| Scenery::of(number).jpeg(320, 240, quality);
    let (one, two) = (server.resident(), server.resident());
    let dispatcher = server.official("dispatcher");
    let mut number = 10;
    // Which of the two photos is rendered before it is sent.
    for (first, second) in [(true, true), (true, false), (false, true), (false, false)] {
        number += 1;
        let (earlier, a) = take_in(&server, &one, &picture(number, 90), first);
        server.advance_seconds(60);
        let (later, b) = take_in(&server, &two, &picture(number, 70), second);
        twin.compare();
        rendered(&server, &two, b);
        server.compare();
        rendered(&server, &one, a);
        twin.compare();
        let case = format!("{first} {second}");
        assert!(seen_before(&dispatcher.ticket(earlier)).is_empty(), "{case}");
        assert_eq!(seen_before(&dispatcher.ticket(later)), [("reused", b, "before")], "{case}");
    }
}

/// Reports with a photo that is rendered before, or one that comes along and cannot be: the ticket and the photo.
pub(crate) fn take_in(server: &Server, who: &Resident, photo: &[u8], rendered_first: bool) -> (i64, i64) {
    if rendered_first {
        let key = who.upload(photo);
        rendered(server, who, key);
        return (report_with(who, key), key);
    }
    let place = server.standing(0.0);
    let mut form = Form::new().text("text", "井盖坏了").text("datum", "wgs84");
    for name in ["lon", "lat"] {
        form = form.text(name, place[name].to_string());
    }
    let form = form.part("photos", Part::bytes(photo.to_vec()).file_name("a.jpg"));
    let sent = Caller::send(who.request(Method::POST, "reports/form").multipart(form)).expect(201);
    let view = who.own(&sent);
    (whole(&sent["ticket_id"]), whole(&view["photos"][0]["id"]))
}

fn a_result_that_looks_as_before_is_said_to(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    let shizheng = server.official("shizheng");
    server.official("grid1").claim_and_file(ticket, "P0201");
    shizheng.command(ticket, "accept", json!({}));
    server.advance_seconds(60);
    let fake = shizheng.upload(&Scenery::of(1).jpeg(400, 300, 80));
    let good = shizheng.upload(&Scenery::of(5).jpeg(400, 300, 80));
    let finished =
        shizheng.command(ticket, "finish", json!({ "answer": "已修补。", "photo_ids": [fake, good] }));
    assert_eq!(finished["state"], "checking", "nothing is refused");
    rendered(&server, &shizheng, fake);
    rendered(&server, &shizheng, good);
    server.compare();
    let seen = server.official("inspector").ticket(ticket);
    assert_eq!(seen_before(&seen), [("repeated", fake, "before")]);
    assert_eq!(seen["seen_before"][0]["stage"], "after");
    // The checker hands in the handler's photo as an own one.
    let inspector = server.official("inspector");
    let borrowed = inspector.upload(&Scenery::of(5).jpeg(380, 285, 70));
    let body = json!({ "photo_ids": [borrowed], "off_spot_reason": "视频核查" });
    inspector.command(ticket, "close", body);
    rendered(&server, &inspector, borrowed);
    server.compare();
    let seen = seen_before_of(&inspector, ticket);
    assert!(seen.contains(&("repeated".to_owned(), borrowed)), "{seen:?}");
}

fn seen_before_of(who: &Official, ticket: i64) -> Vec<(String, i64)> {
    let view = who.ticket(ticket);
    seen_before(&view).into_iter().map(|(kind, photo, _)| (kind.to_owned(), photo)).collect()
}

fn only_who_may_see_the_other_ticket_is_told_which(engine: Engine) {
    let server = Server::start(engine);
    let bytes = Scenery::of(1).jpeg(640, 480, 90);
    let (_, _, one) = sent(&server, &bytes);
    server.advance_seconds(60);
    let (_, _, two) = sent(&server, &bytes);
    server.compare();
    let grid1 = server.official("grid1");
    grid1.claim_and_file(two, "P0201");
    let shizheng = server.official("shizheng");
    shizheng.get(&format!("tickets/{one}")).problem(404, "ticket_not_found");
    let told = &shizheng.ticket(two)["seen_before"][0];
    assert_eq!(told["kind"], "reused");
    for hidden in ["other_ticket", "other_photo", "other_thumbnail_url"] {
        assert_eq!(told.get(hidden), None, "{told}");
    }
    assert_eq!(whole(&grid1.ticket(two)["seen_before"][0]["other_ticket"]["id"]), one);
}

fn tickets_with_used_pictures_are_listed(engine: Engine) {
    let server = Server::start(engine);
    let bytes = Scenery::of(1).jpeg(640, 480, 90);
    let mut tickets = Vec::new();
    for _ in 0..3 {
        tickets.push(sent(&server, &bytes).2);
        server.advance_seconds(60);
    }
    reported(&server, "路灯不亮");
    server.compare();
    let dispatcher = server.official("dispatcher");
    let list = |query: &str| -> Vec<i64> {
        let page = dispatcher.get(&format!("tickets?{query}")).expect(200);
        page["items"].as_array().unwrap().iter().map(|line| whole(&line["id"])).collect()
    };
    assert_eq!(list("seen_before=reused"), [tickets[2], tickets[1]]);
    assert_eq!(list("seen_before=reused&limit=1"), [tickets[2]]);
    assert_eq!(list(&format!("seen_before=reused&limit=1&cursor={}", tickets[2])), [tickets[1]]);
    assert!(list("seen_before=repeated").is_empty());
    assert!(list("seen_before=reused&state=closed").is_empty());
    dispatcher.get("tickets?seen_before=stolen").problem(400, "invalid_query");
}

fn what_was_split_off_keeps_its_photos(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, ticket) = sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    let grid1 = server.official("grid1");
    grid1.command(ticket, "claim", json!({}));
    let parts = json!([{ "words": "另有一处积水" }]);
    let split = grid1.command(ticket, "split", json!({ "parts": parts, "reason": "两件事" }));
    let child = whole(&split["course"]["children"][0]);
    server.compare();
    for one in [ticket, child] {
        assert!(seen_before(&grid1.ticket(one)).is_empty(), "{one}");
    }
    assert_eq!(grid1.get(&format!("tickets/{ticket}/similar")).expect(200)["items"], json!([]));
}

fn photos_from_before_are_looked_at_after_the_upgrade(engine: Engine) {
    let server = Server::start(engine);
    let (_, _, one) = sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    server.advance_seconds(60);
    let (_, near, two) = sent(&server, &Scenery::of(1).jpeg(480, 360, 75));
    server.advance_seconds(60);
    let (_, plain, _) = sent(&server, &Scenery::of(1).darker(0.0).jpeg(200, 100, 80));
    server.compare();
    let server = server.from_first_schema("SELECT 1");
    let dispatcher = server.official("dispatcher");
    // The server's own worker may have taken the job; it needs a moment.
    while !server.read(|conn| hashes::missing(conn, 0, 10)).is_empty() {
        server.drain();
        std::thread::yield_now();
    }
    server.compare();
    assert_eq!(seen_before(&dispatcher.ticket(two)), [("reused", near, "before")]);
    assert!(seen_before(&dispatcher.ticket(one)).is_empty());
    let hashed = server.read(move |conn| hashes::of(conn, &[near, plain]));
    assert!(hashed.contains_key(&near) && !hashed.contains_key(&plain), "{hashed:?}");
}

/// After a storm much of it waits, and whoever stops the server does not.
fn a_server_that_stops_leaves_the_rest_for_the_next_one(engine: Engine) {
    let server = Server::start(engine);
    let who = server.resident();
    let mut all = 0;
    for nth in 0..6 {
        let photos: Vec<i64> = (0..8).map(|_| who.upload_any()).collect();
        let mut draft = Resident::draft(&format!("路面坑洞 {nth}"));
        draft["photo_ids"] = json!(photos);
        who.post("reports", &draft).expect(201);
        all += photos.len();
    }
    server.drain();
    server.services().leaving.begin();
    let (first, rest) = (server.compare(), server.compare());
    assert!(0 < rest && rest < first, "{first} and {rest}");
    assert_eq!((first + rest, server.compare()), (all, 0));
}
