//! Pictures to which no other is near are known before they are handed in.

use std::time::{Duration, Instant};

use serde_json::json;
use suishoupai_storage::db::turn::{self, Turn};
use suishoupai_storage::db::{DbError, hashes};
use suishoupai_tests::{Caller, Engine, Resident, Scenery, Server, both, wait_for};

use crate::common::{rendered, whole};
use crate::reuse::{seen_before, sent};
use crate::reuse_told::hashed;

both!(
    whoever_comes_last_is_found_with_those_before,
    a_picture_alone_is_not_sought,
    a_picture_alone_is_sought_by_itself,
    the_same_bytes_are_found_where_the_index_has_forgotten_them,
    pictures_from_before_are_sought,
    a_server_looks_by_itself,
);

/// The photos of which others like them are sought when they are handed in.
fn sought(server: &Server, photos: &[i64]) -> Vec<i64> {
    let all = photos.to_vec();
    let named = server.read(move |conn| hashes::named(conn, &all));
    assert_eq!(named.len(), photos.len());
    let sought = named.into_iter().filter(|one| one.hash.is_some() && !one.is_alone);
    let mut sought: Vec<i64> = sought.map(|one| one.photo.id).collect();
    sought.sort_unstable();
    sought
}

fn uploaded(server: &Server, bytes: &[u8]) -> (Resident, i64) {
    let who = server.resident();
    let photo = who.upload(bytes);
    rendered(server, &who, photo);
    (who, photo)
}

fn handed_in(who: &Caller, photo: i64) -> i64 {
    let mut draft = Resident::draft("井盖坏了");
    draft["photo_ids"] = json!([photo]);
    whole(&who.post("reports", &draft).expect(201)["ticket_id"])
}

/// Hands in a picture as if it and those like it were known to be alone: were they sought, they would be found.
fn only_comparing_finds(server: &Server, who: &Caller, photo: i64) {
    server.execute("UPDATE photo_hashes SET has_near = FALSE").unwrap();
    let ticket = handed_in(who, photo);
    assert!(hashed(server, ticket).is_empty());
    server.compare();
    let seen = server.official("dispatcher").ticket(ticket);
    assert_eq!(seen_before(&seen), [("reused", photo, "before")]);
}

fn whoever_comes_last_is_found_with_those_before(engine: Engine) {
    let server = Server::start(engine);
    let (_, one) = uploaded(&server, &Scenery::of(1).jpeg(640, 480, 90));
    let (_, other) = uploaded(&server, &Scenery::of(2).jpeg(640, 480, 90));
    let (_, dark) = uploaded(&server, &Scenery::of(1).darker(0.0).jpeg(200, 100, 80));
    assert_eq!(sought(&server, &[one, other, dark]), [one, other], "nobody has looked yet");
    assert_eq!((server.look_around(), server.look_around()), (2, 0), "what has no hash is near to nothing");
    assert!(sought(&server, &[one, other, dark]).is_empty());

    let (late, near) = uploaded(&server, &Scenery::of(1).darker(0.9).jpeg(480, 360, 75));
    let (_, third) = uploaded(&server, &Scenery::of(1).jpeg(480, 360, 60));
    assert_eq!(sought(&server, &[one, other, near, third]), [near, third]);
    assert_eq!(server.look_around(), 2);
    assert_eq!(sought(&server, &[one, other, near, third]), [one, near, third]);

    // It stays so, whatever another server finds that knows of less.
    let both = vec![one, near];
    let write = server.services().db.write(move |conn| hashes::looked_at(conn, &[], &both));
    wait_for(write).map_err(|error: DbError| error.to_string()).unwrap();
    assert_eq!(sought(&server, &[one, near]), [one, near]);
    assert_eq!(server.look_around(), 0);

    // What has come first is doubted where what has come last was handed in before it.
    handed_in(&late, near);
    server.advance_seconds(60);
    let mine = server.resident();
    let again = mine.upload(&Scenery::of(1).jpeg(500, 375, 80));
    rendered(&server, &mine, again);
    assert_eq!(server.look_around(), 1);
    let ticket = handed_in(&mine, again);
    assert_eq!(hashed(&server, ticket).len(), 1, "known when it was handed in");
}

#[test]
fn one_server_at_a_time_writes_down_what_is_near() {
    let first = Server::start(Engine::Postgres);
    let second = first.twin();
    let (_, photo) = uploaded(&first, &Scenery::of(1).jpeg(320, 240, 90));
    let looked = wait_for(first.services().db.write(move |conn| {
        assert!(turn::take(conn, Turn::Looks)?);
        Ok::<_, DbError>(second.look_around())
    }));
    assert_eq!(looked.unwrap(), 0, "the other one has the turn");
    assert_eq!(sought(&first, &[photo]), [photo]);
    assert_eq!((first.look_around(), first.look_around()), (1, 0), "what was left waits");
    assert!(sought(&first, &[photo]).is_empty());
}

fn a_picture_alone_is_not_sought(engine: Engine) {
    let server = Server::start(engine);
    sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    server.advance_seconds(60);
    let (who, near) = uploaded(&server, &Scenery::of(1).jpeg(480, 360, 75));
    assert_eq!(server.look_around(), 2);
    only_comparing_finds(&server, &who, near);
}

fn a_picture_alone_is_sought_by_itself(engine: Engine) {
    let server = Server::start(engine);
    let original = Scenery::of(1).jpeg(640, 480, 90);
    let (who, photo, _) = sent(&server, &original);
    assert_eq!(server.look_around(), 1);
    assert!(sought(&server, &[photo]).is_empty());
    server.advance_seconds(60);
    // The same photo once more.
    assert_eq!(hashed(&server, handed_in(&who, photo)).len(), 1);

    // The same bytes, before and after anybody has looked.
    for looked in [0, 2] {
        server.advance_seconds(60);
        let (other, copy) = uploaded(&server, &original);
        if looked > 0 {
            assert_eq!(server.look_around(), looked);
        }
        assert_eq!(hashed(&server, handed_in(&other, copy)).len(), 1, "{looked}");
    }

    server.advance_seconds(60);
    let (other, copy) = uploaded(&server, &original);
    assert_eq!(server.look_around(), 1);
    only_comparing_finds(&server, &other, copy);
}

fn the_same_bytes_are_found_where_the_index_has_forgotten_them(engine: Engine) {
    let server = Server::start(engine);
    let original = Scenery::of(1).jpeg(640, 480, 90);
    let (_, first, _) = sent(&server, &original);
    // The index never hears of it.
    server.execute(&format!("DELETE FROM photo_hashes WHERE photo_id = {first}")).unwrap();
    server.advance_seconds(60);
    let (other, copy) = uploaded(&server, &original);
    assert_eq!(server.look_around(), 1);
    assert_eq!(sought(&server, &[copy]), [copy]);
    assert_eq!(hashed(&server, handed_in(&other, copy)).len(), 1);
}

fn pictures_from_before_are_sought(engine: Engine) {
    let server = Server::start(engine);
    let (_, one, _) = sent(&server, &Scenery::of(1).jpeg(640, 480, 90));
    server.advance_seconds(60);
    let (who, near) = uploaded(&server, &Scenery::of(1).jpeg(480, 360, 75));
    let (_, alone) = uploaded(&server, &Scenery::of(2).jpeg(640, 480, 90));
    server.look_around();
    assert_eq!(sought(&server, &[one, near, alone]), [one, near]);
    let token = who.token().to_owned();
    let server = server.from_schema_before("2026-11-29-000000_near_known", "SELECT 1");
    server.know_pictures();
    // Nobody goes through all of them again.
    assert_eq!(server.look_around(), 0);
    assert_eq!(sought(&server, &[one, near, alone]), [one, near, alone]);
    let ticket = handed_in(&server.nobody().with_token(&token), near);
    assert_eq!(hashed(&server, ticket).len(), 1);
    // What comes now is looked at.
    let (_, fresh) = uploaded(&server, &Scenery::of(3).jpeg(640, 480, 90));
    assert_eq!(server.look_around(), 1);
    assert_eq!(sought(&server, &[fresh]), Vec::<i64>::new());
}

fn a_server_looks_by_itself(engine: Engine) {
    let server = Server::start_with(engine, |config| config.jobs.poll_milliseconds = 50);
    let (_, photo) = uploaded(&server, &Scenery::of(1).jpeg(640, 480, 90));
    let deadline = Instant::now() + Duration::from_secs(60);
    while !sought(&server, &[photo]).is_empty() {
        assert!(Instant::now() < deadline, "nobody looks");
        std::thread::yield_now();
    }
}
