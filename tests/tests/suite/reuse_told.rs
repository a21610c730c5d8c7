//! That evidence was seen before is said where people look: at the photo, in the line of the history, and in what is hashed.

use serde_json::{Value, json};
use suishoupai_core::flow::PhotoFlag;
use suishoupai_storage::db::hashes;
use suishoupai_tests::{Engine, Resident, Scenery, Server, both};

use crate::common::{rendered, whole};
use crate::masks::{left_half, made};
use crate::reuse::{seen_before, sent, take_in};

both!(
    what_was_sent_before_stands_in_the_history,
    what_is_found_later_is_shown_with_the_line,
    the_result_of_another_ticket_is_no_result,
    the_hash_of_a_masked_photo_is_that_of_what_was_sent,
    hashes_go_with_their_photos
);

/// The doubts about reuse of a photo as (flag, bits, whether found later): in the evidence, and in its line.
type Told = Vec<(String, i64, bool)>;

fn told(ticket: &Value, photo: i64, stage: &str) -> (Told, Told) {
    let reuse = |flags: &Value| -> Told {
        let all = flags.as_array().cloned().unwrap_or_default();
        let all = all.iter().filter(|one| ["reused", "repeated"].contains(&one["flag"].as_str().unwrap()));
        all.map(|one| {
            (one["flag"].as_str().unwrap().to_owned(), whole(&one["value"]), one.get("found_at").is_some())
        })
        .collect()
    };
    let evidence = ticket["evidence"].as_array().unwrap();
    let one = evidence.iter().find(|one| one["id"] == photo && one["stage"] == stage).unwrap();
    let line = ticket["events"].as_array().unwrap().iter().find(|line| line["seq"] == one["event"]).unwrap();
    let doubted = line["doubted"].as_array().cloned().unwrap_or_default();
    let in_line = doubted.iter().find(|doubted| doubted["photo"] == photo);
    (reuse(&one["flags"]), in_line.map(|doubted| reuse(&doubted["flags"])).unwrap_or_default())
}

/// What the hashed lines of a ticket hold of reuse.
pub(crate) fn hashed(server: &Server, ticket: i64) -> Vec<(PhotoFlag, i64)> {
    let lines = server.read(move |conn| suishoupai_storage::db::history::of_ticket(conn, ticket));
    let doubts = lines.iter().flat_map(|(line, _)| &line.photos).flat_map(|photo| &photo.doubts);
    let reuse = doubts.filter(|doubt| matches!(doubt.flag, PhotoFlag::Reused | PhotoFlag::Repeated));
    reuse.map(|doubt| (doubt.flag, doubt.value.unwrap())).collect()
}

fn what_was_sent_before_stands_in_the_history(engine: Engine) {
    let server = Server::start(engine);
    let original = Scenery::of(1).jpeg(640, 480, 90);
    let (_, photo, one) = sent(&server, &original);
    assert!(hashed(&server, one).is_empty());
    server.advance_seconds(60);
    let dispatcher = server.official("dispatcher");

    // The same bytes are known at once, whether they were sent before the report or come along with it.
    let other = server.resident();
    let same = other.upload(&original);
    let draft = json!({ "photo_ids": [same] });
    let mut report = Resident::draft("井盖坏了");
    report["photo_ids"] = draft["photo_ids"].clone();
    let receipt = other.post("reports", &report).expect(201);
    let two = whole(&receipt["ticket_id"]);
    let wanted = vec![("reused".to_owned(), 0, false)];
    assert_eq!(told(&dispatcher.ticket(two), same, "before"), (wanted.clone(), wanted.clone()));
    assert_eq!(hashed(&server, two), [(PhotoFlag::Reused, 0)]);
    assert!(!other.own(&receipt).to_string().contains("reused"), "it is said to officials only");
    let (three, along) = take_in(&server, &server.resident(), &original, false);
    assert_eq!(told(&dispatcher.ticket(three), along, "before").1, wanted);

    // A near one is known where it has been rendered.
    server.know_pictures();
    let (_, near, four) = sent(&server, &Scenery::of(1).darker(0.9).jpeg(480, 360, 60));
    let kept = hashed(&server, four);
    assert!(matches!(kept[..], [(PhotoFlag::Reused, 0..=10)]), "{kept:?}");
    let (flags, line) = told(&dispatcher.ticket(four), near, "before");
    assert_eq!((flags.len(), flags[0].2), (1, false));
    assert_eq!(flags, line);

    // Comparing says nothing of it twice.
    server.compare();
    assert_eq!(told(&dispatcher.ticket(four), near, "before"), (flags, line));
    assert_eq!(told(&dispatcher.ticket(two), same, "before"), (wanted.clone(), wanted));
    assert_eq!(told(&dispatcher.ticket(one), photo, "before"), (vec![], vec![]));
    assert!(server.verify().breaks.is_empty());
}

fn what_is_found_later_is_shown_with_the_line(engine: Engine) {
    let server = Server::start(engine);
    sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    server.advance_seconds(60);
    let who = server.resident();
    let (ticket, near) = take_in(&server, &who, &Scenery::of(1).jpeg(480, 360, 60), false);
    let dispatcher = server.official("dispatcher");
    assert_eq!(told(&dispatcher.ticket(ticket), near, "before"), (vec![], vec![]));
    let version = dispatcher.ticket(ticket)["version"].clone();
    rendered(&server, &who, near);
    server.compare();
    let view = dispatcher.ticket(ticket);
    let (flags, line) = told(&view, near, "before");
    assert!(matches!(&flags[..], [(word, 0..=10, true)] if word == "reused"), "{view}");
    assert_eq!(flags, line);
    assert_eq!(view["version"], version, "nobody's command is stale because something was found");
    assert!(hashed(&server, ticket).is_empty() && server.verify().breaks.is_empty());
}

fn the_result_of_another_ticket_is_no_result(engine: Engine) {
    let server = Server::start(engine);
    let picture = |number: u64, quality: u8| Scenery::of(number).jpeg(480, 360, quality);
    let shizheng = server.official("shizheng");
    let open = |number: u64| {
        let (_, photo, ticket) = sent(&server, &picture(number, 90));
        server.official("grid1").claim_and_file(ticket, "P0201");
        shizheng.command(ticket, "accept", json!({}));
        server.advance_seconds(60);
        (ticket, photo)
    };
    let (one, _) = open(1);
    let (two, _) = open(2);
    let hand_in = |ticket: i64, photos: &[i64]| {
        shizheng.command(ticket, "finish", json!({ "answer": "已修补。", "photo_ids": photos }))
    };
    let done = shizheng.upload(&picture(3, 90));
    rendered(&server, &shizheng, done);
    let first = hand_in(one, &[done]);
    assert_eq!(told(&first, done, "after"), (vec![], vec![]));
    server.advance_seconds(60);
    server.know_pictures();
    // For the other one: the same photo, a copy of it, the photo of the report itself, and a copy of that.
    let copy = shizheng.upload(&picture(3, 55));
    let before = shizheng.upload(&picture(2, 90));
    let darker = shizheng.upload(&Scenery::of(2).darker(0.85).jpeg(400, 300, 80));
    for photo in [copy, before, darker] {
        rendered(&server, &shizheng, photo);
    }
    let second = hand_in(two, &[done, copy, before, darker]);
    assert_eq!(second["state"], "checking", "nothing is refused");
    for (photo, word) in [(done, "reused"), (copy, "reused"), (before, "repeated"), (darker, "repeated")] {
        let (flags, line) = told(&second, photo, "after");
        assert!(matches!(&flags[..], [(flag, 0..=10, false)] if flag == word), "{word}: {flags:?}");
        assert_eq!(flags, line);
    }
    let kept: Vec<PhotoFlag> = hashed(&server, two).into_iter().map(|(flag, _)| flag).collect();
    assert_eq!(kept, [PhotoFlag::Reused, PhotoFlag::Reused, PhotoFlag::Repeated, PhotoFlag::Repeated]);
    assert!(server.verify().breaks.is_empty());
}

fn the_hash_of_a_masked_photo_is_that_of_what_was_sent(engine: Engine) {
    let server = Server::start(engine);
    let (_, photo, _) = sent(&server, &Scenery::of(4).jpeg(640, 480, 90));
    let (_, other, _) = sent(&server, &Scenery::of(4).jpeg(600, 450, 85));
    let of = move |server: &Server| server.read(move |conn| hashes::of(conn, &[photo, other]));
    let known = of(&server);
    let grid1 = server.official("grid1");
    grid1.post(&format!("photos/{photo}/mask"), &left_half()).expect(200);
    made(&server, &grid1, photo);
    assert_eq!(of(&server), known);
    // Looked at again, as after an upgrade.
    server.execute("DELETE FROM photo_hashes").unwrap();
    server.look_at_old_photos();
    let again = of(&server);
    let differ = |one: &i64| (again[one] ^ known[one]).count_ones();
    assert!(differ(&photo) <= 2 && differ(&other) <= 2, "{known:?} {again:?}");
}

fn hashes_go_with_their_photos(engine: Engine) {
    let server = Server::start(engine);
    let bytes = Scenery::of(5).jpeg(640, 480, 90);
    let (_, photo, ticket) = sent(&server, &bytes);
    server.advance_seconds(60);
    let (_, again, later) = sent(&server, &bytes);
    server.compare();
    let dispatcher = server.official("dispatcher");
    assert_eq!(seen_before(&dispatcher.ticket(later)), [("reused", again, "before")]);
    server.execute(&format!("DELETE FROM evidence WHERE photo_id = {photo}")).unwrap();
    server.execute(&format!("DELETE FROM photos WHERE id = {photo}")).unwrap();
    let left = server.read(move |conn| hashes::of(conn, &[photo, again]));
    assert_eq!(left.into_keys().collect::<Vec<_>>(), [again]);
    assert!(seen_before(&dispatcher.ticket(later)).is_empty(), "nor is it named any more");
    // The index may still hold it; nobody is shown it.
    let found = dispatcher.get(&format!("tickets/{later}/similar")).expect(200);
    let items = found["items"].as_array().unwrap();
    assert!(
        items.iter().all(|one| one["ticket"]["id"] == ticket && one.get("thumbnail_url").is_none()),
        "{found}"
    );
}
