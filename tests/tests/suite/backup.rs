//! Backups: taken while the server works, held to their digests, and put back into an empty installation.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex};

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Process, Resident, both, caller, jpeg};

both!(
    a_backup_under_load_holds_all_that_was_answered_before_it,
    what_was_altered_or_left_out_is_refused_and_nothing_is_written,
    a_backup_needs_a_place_of_its_own_and_says_what_it_lacks,
    an_older_backup_is_brought_up_to_date,
    a_backup_in_a_bucket_is_like_one_in_a_folder,
    what_was_altered_in_a_bucket_is_refused_and_nothing_is_written,
);

/// An installation with a report and its photo, stopped.
fn with_a_photo(engine: Engine) -> Process {
    let mut process = Process::with_demo(engine);
    let resident = Resident::sign_in(process.serve());
    let mut draft = Resident::draft("备份之前");
    draft["photo_ids"] = json!([resident.upload_any()]);
    resident.post("reports", &draft).expect(201);
    assert_eq!(process.terminate(), Some(0));
    process
}

/// Takes a backup into a new folder below the data folder's neighbour.
fn backed_up(process: &Process, folder: &Path, options: &[&str]) -> String {
    let place = folder.to_str().unwrap();
    let (code, text) = process.run(&[&["backup", place], options].concat());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("complete: {place}")), "{text}");
    text
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap()
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn a_backup_under_load_holds_all_that_was_answered_before_it(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let base = process.serve().to_owned();
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().join("first");
    let answered: Mutex<Vec<(Resident, i64)>> = Mutex::default();
    let (stop, begun) = (AtomicBool::new(false), Barrier::new(4));
    let before = std::thread::scope(|scope| {
        for writer in 0..3 {
            let (base, answered, stop, begun) = (&base, &answered, &stop, &begun);
            scope.spawn(move || {
                let resident = Resident::sign_in(base);
                for round in 0.. {
                    let mut draft = Resident::draft("备份之中");
                    draft["photo_ids"] = json!([resident.upload(&jpeg(64 + writer, 64 + round))]);
                    let report = resident.post("reports", &draft).expect(201);
                    answered.lock().unwrap().push((resident.clone(), report["id"].as_i64().unwrap()));
                    if round == 1 {
                        begun.wait();
                    }
                    if round > 1 && stop.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
        begun.wait();
        let before = answered.lock().unwrap().len();
        backed_up(&process, &place, &["--with-keys"]);
        stop.store(true, Ordering::Relaxed);
        before
    });
    assert!(before >= 6 && answered.lock().unwrap().len() > before, "reports came in before and meanwhile");
    process.kill();

    let mut restored = Process::empty(engine);
    let (code, text) = restored.run(&["restore", place.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("every chain is intact") && !text.contains("data.key"), "{text}");
    let (code, text) = restored.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
    let base = restored.serve().to_owned();
    for (resident, report) in &answered.lock().unwrap()[..before] {
        let again = caller(&base).with_token(resident.token());
        let seen = again.get(&format!("reports/{report}")).expect(200);
        assert_eq!(seen["photos"].as_array().unwrap().len(), 1, "{seen}");
    }
    Resident::sign_in(&base).report("恢复之后");
    assert_eq!(restored.terminate(), Some(0));
    let said = manifest(&place);
    assert_eq!((&said["photos"]["missing"], &said["keys"]), (&json!(0), &json!(true)));
    // What came in after the restoring is one report without a photo.
    assert_eq!(json!(restored.originals().len()), said["contents"]["tables"]["photos"]);
}

/// Changes the last byte of a file.
fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn what_was_altered_or_left_out_is_refused_and_nothing_is_written(engine: Engine) {
    let process = with_a_photo(engine);
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().join("a/b");
    let text = backed_up(&process, &place, &["--with-keys"]);
    assert!(text.contains("whoever has this backup can read telephone numbers"), "{text}");
    let restored = Process::empty(engine);
    let refused = |hint: &str| {
        let (code, text) = restored.run(&["restore", place.to_str().unwrap()]);
        assert_eq!(code, Some(1), "{hint}: {text}");
        assert!(text.contains(hint), "{hint}: {text}");
        assert_eq!(files(restored.folder()), [] as [PathBuf; 0], "{hint}");
    };
    let all = files(&place);
    assert!(all.iter().any(|path| path.starts_with(place.join("photos/original"))), "{all:?}");
    assert!(all.iter().any(|path| path.ends_with("keys/data.key")), "{all:?}");
    for path in all.iter().filter(|path| !path.ends_with("manifest.json")) {
        let good = std::fs::read(path).unwrap();
        spoil(path);
        refused("not as it was written");
        std::fs::remove_file(path).unwrap();
        refused(if path.starts_with(place.join("photos")) { "missing or not as" } else { "cannot read" });
        std::fs::write(path, good).unwrap();
    }
    let good = std::fs::read(place.join("manifest.json")).unwrap();
    let mut said = manifest(&place);
    said["contents"]["migrations"].as_array_mut().unwrap().push(json!("29990101000000"));
    std::fs::write(place.join("manifest.json"), said.to_string()).unwrap();
    refused("newer than this program");
    std::fs::write(place.join("manifest.json"), "{\"format\": 2}").unwrap();
    refused("it is of format 2");
    std::fs::remove_file(place.join("manifest.json")).unwrap();
    refused("no backup, or one that was not finished");
    std::fs::write(place.join("manifest.json"), good).unwrap();

    let (code, text) = restored.run(&["restore", place.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = restored.run(&["restore", place.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is not empty"), "{text}");
}

fn a_backup_needs_a_place_of_its_own_and_says_what_it_lacks(engine: Engine) {
    let process = with_a_photo(engine);
    let backups = tempfile::tempdir().unwrap();
    let taken = backups.path().join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("letter.txt"), "mine").unwrap();
    for (place, hint) in [
        (taken.to_str().unwrap(), "is not empty"),
        ("s3://bucket", "names no part of a bucket"),
        ("s3://bucket/../other", "names no part of a bucket"),
        ("ftp://host/backup", "ftp:// is no place"),
    ] {
        let (code, text) = process.run(&["backup", place]);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(hint), "{text}");
    }
    assert_eq!(files(&taken).len(), 1);
    let (code, text) = Process::empty(engine).run(&["backup", backups.path().join("none").to_str().unwrap()]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("there is no"), "{text}");

    // Without keys and photos: whoever restores it puts them back first.
    let bare = backups.path().join("bare");
    let text = backed_up(&process, &bare, &["--photos", "referenced"]);
    assert!(text.contains("Without data.key nobody can read"), "{text}");
    let names: Vec<_> = files(&bare).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(names.len(), 3, "database, manifest and list: {names:?}");
    assert!(std::fs::read_to_string(bare.join("photos.tsv")).unwrap().starts_with("original/"));
    let restored = Process::empty(engine);
    let (code, text) = restored.run(&["restore", bare.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("there is no keys/data.key"), "{text}");

    // A photo that is lost is told, and the rest is saved.
    let photo = process.originals().remove(0);
    process.spoil(&photo);
    let (code, text) = process.run(&["backup", backups.path().join("spoilt").to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    process.lose(&photo);
    let lacking = backups.path().join("lacking");
    let (code, text) = process.run(&["backup", lacking.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains(&photo), "{text}");
    let (code, text) = Process::empty(engine).run(&["restore", lacking.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
}

fn an_older_backup_is_brought_up_to_date(engine: Engine) {
    let process = Process::with_demo(engine);
    process.to_first_schema();
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().join("old");
    backed_up(&process, &place, &[]);
    assert_eq!(
        manifest(&place)["contents"]["migrations"],
        json!(["20261122000000"]),
        "it is not migrated by this"
    );
    let mut restored = Process::empty(engine);
    let (code, text) = restored.run(&["restore", place.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("the schema was older; migrations applied: "), "{text}");
    restored.serve();
    assert_eq!(restored.terminate(), Some(0));
}

/// An installation with a photo, a bucket for backups, and a folder for files on their way.
fn beside_a_bucket(engine: Engine) -> (Process, String, tempfile::TempDir) {
    let mut process = with_a_photo(engine);
    let bucket = process.bucket_at_hand();
    (process, bucket, tempfile::tempdir().unwrap())
}

fn a_backup_in_a_bucket_is_like_one_in_a_folder(engine: Engine) {
    let (mut process, bucket, scratch) = beside_a_bucket(engine);
    let way = scratch.path().to_str().unwrap();
    let place = format!("s3://{bucket}/backups/first");
    // While it is being served: the photos of the server may be in the same bucket.
    let resident = Resident::sign_in(process.serve());
    let report = resident.report("备份到桶里");
    let (code, text) = process.run(&["backup", &place, "--with-keys", "--scratch", way]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&format!("complete: {place}")), "{text}");
    assert_eq!(files(scratch.path()), [] as [PathBuf; 0], "nothing is left on the way");
    process.kill();

    let (code, text) = process.run(&["backup", &place, "--scratch", way]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("is not empty"), "{text}");

    let mut restored = Process::empty(engine);
    restored.borrow_bucket(&process);
    let (code, text) = restored.run(&["restore", &place, "--scratch", way]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("every chain is intact") && !text.contains("data.key"), "{text}");
    assert_eq!(files(scratch.path()), [] as [PathBuf; 0], "nothing is left on the way");
    assert_eq!(restored.originals(), process.originals());
    let base = restored.serve().to_owned();
    // By the token and the keys of before.
    let seen =
        caller(&base).with_token(resident.token()).get(&format!("reports/{}", report["id"])).expect(200);
    assert_eq!(seen["receipt_number"], report["receipt_number"]);
    assert_eq!(restored.terminate(), Some(0));
}

fn what_was_altered_in_a_bucket_is_refused_and_nothing_is_written(engine: Engine) {
    let (process, bucket, scratch) = beside_a_bucket(engine);
    let way = scratch.path().to_str().unwrap();
    let place = format!("s3://{bucket}/backups/altered");
    let (code, text) = process.run(&["backup", &place, "--scratch", way]);
    assert_eq!(code, Some(0), "{text}");
    let names = process.names_in_bucket("backups/altered/");
    let database = if engine == Engine::Sqlite { "database.sqlite" } else { "database.dump" };
    for name in [database, "photos.tsv", "manifest.json"] {
        assert!(names.contains(&format!("backups/altered/{name}")), "{name}: {names:?}");
    }
    let mut restored = Process::empty(engine);
    restored.borrow_bucket(&process);
    let refused = |hints: &[&str]| {
        let (code, text) = restored.run(&["restore", &place, "--scratch", way]);
        assert_eq!(code, Some(1), "{text}");
        assert!(hints.iter().any(|hint| text.contains(hint)), "{hints:?}: {text}");
        assert_eq!(files(restored.folder()), [] as [PathBuf; 0]);
        assert_eq!(files(scratch.path()), [] as [PathBuf; 0]);
    };
    for name in names.iter().filter(|name| !name.ends_with("manifest.json")) {
        let good = process.alter_in_bucket(name, |bytes| *bytes.last_mut().unwrap() ^= 1);
        refused(&["not as it was written"]);
        process.alter_in_bucket(name, |bytes| bytes.clone_from(&good));
    }
    process.remove_from_bucket("backups/altered/manifest.json");
    refused(&["no backup, or one that was not finished"]);
}
