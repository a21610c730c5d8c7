//! What was answered is there after the worst: the program itself is killed, started again, and stopped.

use std::time::{Duration, Instant};

use suishoupai_tests::{Engine, Process, Resident, both, caller};

both!(what_was_answered_survives_a_kill, a_stop_is_clean, an_empty_folder_becomes_a_demonstration);

fn what_was_answered_survives_a_kill(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let resident = Resident::sign_in(process.serve());
    let photo = resident.upload_any();
    let mut draft = Resident::draft("断电前的上报");
    draft["photo_ids"] = serde_json::json!([photo]);
    let report = resident.post("reports", &draft).expect(201);
    process.kill();

    let started = Instant::now();
    let base = process.serve().to_owned();
    assert!(started.elapsed() < Duration::from_secs(20), "started again in {:?}", started.elapsed());
    let again = caller(&base).with_token(resident.token());
    let seen = again.get(&format!("reports/{}", report["id"])).expect(200);
    assert_eq!(seen["receipt_number"], report["receipt_number"]);
    assert_eq!(seen["photos"][0]["id"], photo);
    assert_eq!(process.terminate(), Some(0));
    let (code, text) = process.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("1 ticket, 1 line of history") && text.contains("every chain is intact"), "{text}");
}

fn a_stop_is_clean(engine: Engine) {
    let mut process = Process::with_demo(engine);
    let base = process.serve().to_owned();
    assert_eq!(caller(&base).get("/readyz").expect(200)["ready"], true);
    let probe = |process: &Process, more: &[&str]| {
        process.run(&[&["probe", "--address", base.strip_prefix("http://").unwrap()], more].concat())
    };
    let (code, text) = probe(&process, &[]);
    assert!(code == Some(0) && text.contains("\"ready\":true"), "{text}");
    assert_eq!(probe(&process, &["--alive"]).0, Some(0));
    assert_eq!(process.terminate(), Some(0));
    let (code, text) = probe(&process, &[]);
    assert!(code == Some(1) && text.contains("does not answer"), "{text}");
    let second = process.serve().to_owned();
    caller(&second).get("/healthz").expect(200);
    assert_eq!(process.terminate(), Some(0));
}

fn an_empty_folder_becomes_a_demonstration(engine: Engine) {
    let mut process = Process::empty(engine);
    let base = process.serve().to_owned();
    let ready = caller(&base).get("/readyz").expect(200);
    assert_eq!(ready["ready"], true, "{ready}");
    suishoupai_tests::Official::sign_in(&base, "grid1").get("tickets/pool").expect(200);
    assert_eq!(process.terminate(), Some(0));
}
