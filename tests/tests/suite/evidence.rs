//! 证据包: written by the program, verified by tools that know nothing of it.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Official, Process, Resident, both, jpeg};

both!(
    a_package_is_verified_by_tools_of_others,
    a_changed_byte_is_found_by_them,
    contacts_are_sealed_unless_a_reason_is_written_down,
    a_changed_original_is_found_and_said
);

/// An installation with a closed loop of two photos, one masked, and contacts; stopped. The ticket and its number.
fn installation(engine: Engine) -> (Process, i64, String) {
    let mut process = Process::with_demo(engine);
    let base = process.serve().to_owned();
    let resident = Resident::sign_in(&base);
    let photo = resident.upload(&jpeg(400, 300));
    let mut draft = Resident::draft("路口堆放建筑垃圾\n\"第二行\"");
    draft["photo_ids"] = json!([photo]);
    draft["contact_name"] = json!("欧阳小明");
    let ticket = resident.post("reports", &draft).expect(201)["ticket_id"].as_i64().unwrap();
    let grid1 = Official::sign_in(&base, "grid1");
    grid1.claim_and_file(ticket, "E0501");
    grid1.finish(ticket, "已清理。");
    let area = json!({ "areas": [{ "left": 0, "top": 0, "width": 0.5, "height": 0.5 }], "reason": "人脸" });
    grid1.post(&format!("photos/{photo}/mask"), &area).expect(200);
    let number = grid1.ticket(ticket)["number"].as_str().unwrap().to_owned();
    assert_eq!(process.terminate(), Some(0));
    (process, ticket, number)
}

/// Runs a tool in a folder: whether it was content, and what it said.
fn tool(folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is needed for this test: {error}"));
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.success(), text)
}

/// What VERIFY.txt tells to do: the signatures, the sums, the chain. The first that is not content.
fn verified(folder: &Path) -> Result<(), String> {
    let signed = |name: &'static str, signature: &'static str| {
        [
            "pkeyutl",
            "-verify",
            "-rawin",
            "-pubin",
            "-inkey",
            "public-key.pem",
            "-sigfile",
            signature,
            "-in",
            name,
        ]
    };
    let steps: [(&str, &[&str]); 4] = [
        ("openssl", &signed("SHA256SUMS", "SHA256SUMS.sig")),
        ("openssl", &signed("manifest.json", "manifest.json.sig")),
        ("sha256sum", &["--quiet", "-c", "SHA256SUMS"]),
        ("python3", &["verify_history.py"]),
    ];
    for (program, arguments) in steps {
        let (content, said) = tool(folder, program, arguments);
        if !content {
            return Err(format!("{program} {}: {said}", arguments[0]));
        }
    }
    Ok(())
}

/// Exports into a folder of its own and unpacks it there with Python's zipfile.
fn exported(process: &Process, ticket: &str, options: &[&str]) -> (tempfile::TempDir, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("package.zip");
    let path = file.to_str().unwrap();
    let (code, text) = process.run(&[&["evidence", "export", ticket, "--out", path], options].concat());
    assert_eq!(code, Some(0), "{text}");
    let unpack = "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall('.')";
    let (content, said) = tool(folder.path(), "python3", &["-c", unpack, path]);
    assert!(content, "{said}");
    let manifest = std::fs::read(folder.path().join("manifest.json")).unwrap();
    (folder, serde_json::from_slice(&manifest).unwrap(), text)
}

fn a_package_is_verified_by_tools_of_others(engine: Engine) {
    let (process, ticket, number) = installation(engine);
    let (folder, manifest, text) = exported(&process, &number, &[]);
    verified(folder.path()).unwrap();
    assert!(text.contains(&number) && text.contains("written: "), "{text}");
    assert_eq!((&manifest["ticket"], &manifest["number"]), (&json!(ticket), &json!(number)));
    assert_eq!((&manifest["contacts"], &manifest["problems"]), (&json!("sealed"), &json!([])));
    let lines = std::fs::read_to_string(folder.path().join("history.jsonl")).unwrap();
    assert_eq!(json!(lines.lines().count()), manifest["chain"]["lines"]);
    let names: Vec<&str> =
        manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("photos/")).count(), 2, "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("masks/")), "{names:?}");
    for member in ["text", "fingerprint"] {
        let reports = std::fs::read_to_string(folder.path().join("reports.json")).unwrap();
        assert!(reports.contains(member) && !reports.contains("欧阳"), "{reports}");
    }
    // The key is the one that the office publishes, in every form.
    let (code, told) = process.run(&["evidence", "key"]);
    let pem = std::fs::read_to_string(folder.path().join("public-key.pem")).unwrap();
    assert_eq!(code, Some(0));
    assert!(told.contains(&pem) && told.contains("ssh-ed25519 "), "{told}");
    assert!(told.contains(manifest["key"]["id"].as_str().unwrap()), "{told}");
    let id = "openssl pkey -pubin -in public-key.pem -outform DER | sha256sum";
    assert!(tool(folder.path(), "sh", &["-c", id]).1.starts_with(manifest["key"]["id"].as_str().unwrap()));
    let (_, unpacked) = tool(folder.path(), "unzip", &["-l", "package.zip"]);
    assert!(unpacked.contains("VERIFY.txt"), "{unpacked}");

    // By key of the ticket it is the same; what is there is never overwritten; what is not there is said.
    let (_, again, _) = exported(&process, &ticket.to_string(), &[]);
    assert_eq!((&again["chain"], &again["key"]), (&manifest["chain"], &manifest["key"]));
    let there = folder.path().join("package.zip");
    let (code, text) = process.run(&["evidence", "export", &number, "--out", there.to_str().unwrap()]);
    assert!(code == Some(1) && text.contains("is there already"), "{text}");
    let (code, text) = process.run(&["evidence", "export", "350203-1"]);
    assert!(code == Some(1) && text.contains("there is no ticket 350203-1"), "{text}");
    // Another process with the key as a setting signs with the same key.
    let seed = std::fs::read_to_string(process.folder().join("keys/evidence.key")).unwrap();
    let other = tempfile::tempdir().unwrap();
    let mut command = suishoupai_tests::command(other.path(), &process.url());
    let output = command.env("SUISHOUPAI_AUTH__EVIDENCE_KEY", seed.trim()).args(["evidence", "key"]).output();
    assert_eq!(String::from_utf8_lossy(&output.unwrap().stdout), told);
}

fn a_changed_byte_is_found_by_them(engine: Engine) {
    let (process, _, number) = installation(engine);
    let (folder, manifest, _) = exported(&process, &number, &[]);
    verified(folder.path()).unwrap();
    let files = manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap());
    for name in files.chain(["manifest.json", "SHA256SUMS", "SHA256SUMS.sig", "manifest.json.sig"]) {
        let path = folder.path().join(name);
        let right = std::fs::read(&path).unwrap();
        let mut wrong = right.clone();
        let middle = wrong.len() / 2;
        wrong[middle] ^= 1;
        std::fs::write(&path, &wrong).unwrap();
        assert!(verified(folder.path()).is_err(), "{name}");
        std::fs::write(&path, &right).unwrap();
    }
    verified(folder.path()).unwrap();
    // Somebody who makes sums and signatures anew with a key of his own is caught by the key, and who alters a line and its
    // sums by the chain.
    let history = folder.path().join("history.jsonl");
    let altered = std::fs::read_to_string(&history).unwrap().replacen("claim", "close", 1);
    std::fs::write(&history, altered).unwrap();
    let (content, said) = tool(folder.path(), "python3", &["verify_history.py"]);
    assert!(!content && said.contains("does not agree with its hash"), "{said}");
}

fn contacts_are_sealed_unless_a_reason_is_written_down(engine: Engine) {
    let (process, _, number) = installation(engine);
    let (code, text) = process.run(&["evidence", "export", &number, "--with-contacts"]);
    assert!(code == Some(1) && text.contains("--reason"), "{text}");
    let (sealed, before, _) = exported(&process, &number, &[]);
    let reports = std::fs::read_to_string(sealed.path().join("reports.json")).unwrap();
    assert!(reports.contains("contact_sealed") && !reports.contains("1390592"), "{reports}");

    let (clear, manifest, _) =
        exported(&process, &number, &["--with-contacts", "--reason", "法院调取 (2026)1号"]);
    verified(clear.path()).unwrap();
    let reports = std::fs::read_to_string(clear.path().join("reports.json")).unwrap();
    assert!(reports.contains("欧阳小明") && reports.contains("1390592"), "{reports}");
    assert_eq!(
        (&manifest["contacts"], &manifest["contacts_because"]),
        (&json!("clear"), &json!("法院调取 (2026)1号"))
    );
    // It stands in the history of the ticket, and so in the package itself.
    let lines = manifest["chain"]["lines"].as_i64().unwrap();
    assert_eq!(lines, before["chain"]["lines"].as_i64().unwrap() + 1);
    let history = std::fs::read_to_string(clear.path().join("history.jsonl")).unwrap();
    let last: Value = serde_json::from_str(history.lines().last().unwrap()).unwrap();
    assert_eq!((&last["verb"], &last["public"]), (&json!("reveal"), &json!(false)));
    assert_eq!(last["note"], "法院调取 (2026)1号");
    let (code, text) = process.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
}

fn a_changed_original_is_found_and_said(engine: Engine) {
    let (process, _, number) = installation(engine);
    let (code, text) = process.run(&["verify", "--photos"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("2 originals of photos") && text.contains("every original is as it was sent"),
        "{text}"
    );
    let keys = process.originals();
    process.spoil(&keys[0]);
    process.lose(&keys[1]);
    let (code, text) = process.run(&["verify"]);
    assert_eq!(code, Some(0), "the chains alone do not read the store: {text}");
    let (code, text) = process.run(&["verify", "--photos"]);
    assert_eq!(code, Some(3), "{text}");
    let broken = |key: &str, what: &str| format!("broken: photo {key} of ticket {number}: {what}");
    assert!(text.contains(&broken(&keys[0], "not as it was sent")), "{text}");
    assert!(text.contains(&broken(&keys[1], "missing")) && text.contains("broken originals: 2"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.zip");
    let (code, text) = process.run(&["evidence", "export", &number, "--out", file.to_str().unwrap()]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("not as it was sent") && text.contains("missing in the store"), "{text}");
}
