//! A district that has outgrown SQLite moves to PostgreSQL.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Process, Resident, caller};

/// An installation with tickets at several stages, with photos; its reports as residents see them, with their tokens.
fn grown() -> (Process, Vec<(String, Value)>) {
    let mut process = Process::with_demo(Engine::Sqlite);
    let base = process.serve().to_owned();
    let (grid1, inspector) = (Official::sign_in(&base, "grid1"), Official::sign_in(&base, "inspector"));
    let mut reports = Vec::new();
    for stage in 0..6 {
        let resident = Resident::sign_in(&base);
        let mut draft = Resident::draft("单车占道");
        draft["photo_ids"] = json!([resident.upload_any()]);
        let report = resident.post("reports", &draft).expect(201);
        let ticket = report["ticket_id"].as_i64().unwrap();
        if stage > 1 {
            grid1.claim_and_file(ticket, "E0501");
        }
        if stage > 2 {
            grid1.finish(ticket, "已摆放整齐。");
        }
        if stage > 3 {
            inspector.close(ticket);
        }
        let seen = resident.get(&format!("reports/{}", report["id"])).expect(200);
        reports.push((resident.token().to_owned(), seen));
    }
    (process, reports)
}

fn arguments(from: &Process, to: &Process) -> [String; 5] {
    ["migrate-engine".to_owned(), "--from".to_owned(), from.url(), "--to".to_owned(), to.url()]
}

fn moved(from: &Process, to: &Process, more: &[&str]) -> (Option<i32>, String) {
    let words = arguments(from, to);
    let words: Vec<&str> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    from.run(&words)
}

/// What a resident sees of a report, without the links, which are signed anew each time.
fn face(report: &Value) -> Value {
    let of = |member: &str| {
        assert!(!report[member].is_null(), "{member}: {report}");
        report[member].clone()
    };
    let keys: Vec<_> = report["photos"].as_array().unwrap().iter().map(|photo| photo["id"].clone()).collect();
    json!([of("id"), of("receipt_number"), of("text"), of("state"), of("created_at"), of("place"), keys])
}

#[test]
fn a_grown_district_goes_on_where_it_was() {
    let (mut source, reports) = grown();
    let mut target = Process::empty(Engine::Postgres);
    let (code, text) = moved(&source, &target, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is in use; stop the server"), "{text}");
    assert_eq!(source.terminate(), Some(0));
    let (_, before) = source.run(&["verify"]);

    let mut command = source.command();
    let bucket = target.lend_bucket(&mut command);
    let words = arguments(&source, &target);
    let output = command.args(words).args(["--photos-to", &format!("s3://{bucket}")]).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("tickets: 6 rows\n") && text.contains("the same on both sides"), "{text}");
    assert!(text.contains(&before) && before.contains("every chain is intact"), "{before} {text}");
    let (code, after) = target.run(&["verify"]);
    assert_eq!((code, after), (Some(0), before));
    let (code, text) = moved(&source, &target, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the target is not empty"), "{text}");

    let keys = target.folder().join("keys");
    std::fs::create_dir(&keys).unwrap();
    for key in ["data.key", "token.key"] {
        std::fs::copy(source.folder().join("keys").join(key), keys.join(key)).unwrap();
    }
    let base = target.serve().to_owned();
    for (token, report) in &reports {
        let again = caller(&base).with_token(token).get(&format!("reports/{}", report["id"])).expect(200);
        assert_eq!(face(&again), face(report));
    }
    let report = Resident::sign_in(&base).report("搬迁之后");
    Official::sign_in(&base, "grid1").claim_and_file(report["ticket_id"].as_i64().unwrap(), "E0501");
    assert_eq!(target.terminate(), Some(0));
    let (code, text) = target.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("7 tickets"), "{text}");
}

#[test]
fn a_move_that_is_killed_goes_on_and_nobody_serves_before_it_is_complete() {
    let (mut source, _) = grown();
    assert_eq!(source.terminate(), Some(0));
    let target = Process::empty(Engine::Postgres);
    assert_eq!(target.run(&["migrate"]).0, Some(0));
    // Whoever holds this lock stops the move after the tickets and before their histories.
    let mut holder = PgConnection::establish(&target.url()).unwrap();
    holder.batch_execute("BEGIN; LOCK TABLE events IN SHARE MODE").unwrap();
    let mut moving = source.command();
    let mut moving = moving.args(arguments(&source, &target)).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(moving.stdout.take().unwrap()).lines();
    let reached = lines.map_while(Result::ok).find(|line| line.starts_with("tickets: "));
    assert_eq!(reached.as_deref(), Some("tickets: 6 rows"));
    moving.kill().unwrap();
    moving.wait().unwrap();
    holder.batch_execute("ROLLBACK").unwrap();

    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["verify"]] {
        let (code, text) = target.run(words);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("run the same `suishoupai migrate-engine` again"), "{text}");
    }
    let (code, text) = moved(&source, &target, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("tickets: 6 rows, 6 of them before"), "{text}");
    assert_eq!(target.run(&["verify"]), source.run(&["verify"]));
}

#[test]
fn a_move_is_not_complete_without_its_photos() {
    let (mut source, _) = grown();
    assert_eq!(source.terminate(), Some(0));
    let target = Process::empty(Engine::Postgres);
    let (code, text) = moved(&source, &target, &["--photos-to", "gopher://bucket"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("photos cannot be kept in gopher://bucket") && !text.contains("rows"), "{text}");

    // A photo that is not what was sent is not carried on; the same command goes on once it is mended.
    let photo = a_photo(&source.folder().join("photos/original"));
    let good = std::fs::read(&photo).unwrap();
    std::fs::write(&photo, [&good[..], b"x"].concat()).unwrap();
    let photos = target.folder().join("photos");
    let to = ["--photos-to", photos.to_str().unwrap()];
    let (code, text) = moved(&source, &target, &to);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(photo.file_name().unwrap().to_str().unwrap()), "{text}");
    assert_eq!(target.run(&["verify"]).0, Some(1), "nobody uses it yet");
    std::fs::write(&photo, &good).unwrap();
    let (code, text) = moved(&source, &target, &to);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("tickets: 6 rows, 6 of them before") && text.contains("copied now"), "{text}");
    let copy =
        photos.join("original").join(photo.strip_prefix(source.folder().join("photos/original")).unwrap());
    assert_eq!(std::fs::read(copy).unwrap(), good);
}

/// Some file below a folder.
fn a_photo(folder: &Path) -> PathBuf {
    let first = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    if first.is_dir() { a_photo(&first) } else { first }
}

#[test]
fn a_broken_chain_is_moved_as_it_is_and_told() {
    let (mut source, _) = grown();
    assert_eq!(source.terminate(), Some(0));
    source.execute("UPDATE tickets SET state = 'voided' WHERE id = (SELECT min(id) FROM tickets)");
    let target = Process::empty(Engine::Postgres);
    let (code, text) = moved(&source, &target, &[]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("broken chains: 1") && text.contains("complete: "), "{text}");
    assert_eq!(target.run(&["verify"]), source.run(&["verify"]));
}
