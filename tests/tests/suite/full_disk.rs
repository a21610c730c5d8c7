//! The disk of the embedded default is full: writes are refused and say why, reading goes on, nothing that was answered
//! is lost, and it works again as soon as there is space.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use suishoupai_tests::{Engine, Instance, Official, Process, Reply, Resident, jpeg};

use crate::common::{keyed_report, trouble};

/// More reports than fit into what SQLite has taken of the disk already.
const MANY: usize = 2000;

#[test]
fn a_full_disk_stops_writes_alone() {
    let process = Process::empty(Engine::Sqlite);
    let disk = Disk::find();
    let server = disk.start(&process);
    let base = server.base().to_owned();
    let resident = Resident::sign_in(&base);
    let grid1 = Official::sign_in(&base, "grid1");
    let mut answered = Vec::new();
    let first = send(&resident, 0);
    answered.push(first.expect(201));

    disk.fill(&server, &process);
    let photo = resident.post_bytes("photos", "image/jpeg", &jpeg(1200, 900));
    is_told(&photo, "storage_full");
    let is_told_of = matches!(disk, Disk::Mounted).then_some("the photo store is full");
    assert_eq!(trouble(&base, "photo_store"), is_told_of.unwrap_or_default());
    // The log of SQLite has pages that it may write again, so some reports may still fit.
    let mut number = 1;
    let refused = loop {
        let reply = send(&resident, number);
        if reply.status != 201 {
            break reply;
        }
        answered.push(reply.expect(201));
        number += 1;
        assert!(number < MANY, "it is never full");
    };
    is_told(&refused, disk.code());
    let claim = grid1.post(&format!("tickets/{}/claim", answered[0]["ticket_id"]), &json!({}));
    is_told(&claim, disk.code());
    for report in [&answered[0], answered.last().unwrap()] {
        assert_eq!(resident.own(report)["receipt_number"], report["receipt_number"]);
    }
    grid1.get("tickets/pool").expect(200);
    let ready = suishoupai_tests::caller(&base).get("/readyz");
    assert_eq!(ready.status, 200, "reading goes on: {}", ready.text());

    disk.make_space(&server, &process);
    let receipt = send(&resident, number).expect(201);
    assert_eq!(&send(&resident, number).expect(201), &receipt);
    answered.push(receipt);
    grid1.post(&format!("tickets/{}/claim", answered[0]["ticket_id"]), &json!({})).expect(200);
    resident.upload(&jpeg(1200, 900));
    for report in &answered {
        assert_eq!(resident.own(report)["receipt_number"], report["receipt_number"]);
    }
    is_in_order(&disk, &server, &process, answered.len());
}

fn send(resident: &Resident, number: usize) -> Reply {
    let draft = Resident::draft(&format!("第 {number} 件：{}", "满".repeat(1500)));
    keyed_report(resident, &format!("full-disk-{number}"), &draft).unwrap()
}

fn is_told(reply: &Reply, code: &str) -> Value {
    assert!(!reply.header("retry-after").is_empty(), "{}", reply.text());
    reply.problem(503, code)
}

/// Verifies a copy of the database, taken while the program stands still.
fn is_in_order(disk: &Disk, server: &Instance, process: &Process, reports: usize) {
    let copy = Process::empty(Engine::Sqlite);
    server.signal("STOP");
    for name in ["suishoupai.db", "suishoupai.db-wal"] {
        std::fs::copy(disk.folder(server, process).join(name), copy.folder().join(name)).unwrap();
    }
    server.signal("CONT");
    let (code, text) = copy.run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains(&format!("{reports} tickets, ")) && text.contains("every chain is intact"),
        "{text}"
    );
}

/// What bounds the data folder.
enum Disk {
    /// A file system of this size, which only the program sees.
    Mounted,
    /// The size of files, where nothing may be mounted.
    FileSize,
}

impl Disk {
    fn find() -> Self {
        let tried = in_own_mounts().args(["sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]).output();
        if tried.is_ok_and(|output| output.status.success()) { Disk::Mounted } else { Disk::FileSize }
    }

    /// The code that a change is refused with. SQLite tells a write that fails for its size from a full disk.
    fn code(&self) -> &'static str {
        match self {
            Disk::Mounted => "storage_full",
            Disk::FileSize => "unavailable",
        }
    }

    fn start(&self, process: &Process) -> Instance {
        let serving = process.serving();
        let Disk::Mounted = self else { return Instance::start(serving) };
        let mut command = in_own_mounts();
        let script = "mount -t tmpfs -o size=48m,mode=700 none \"$0\" && exec \"$@\"";
        command
            .args(["sh", "-c", script])
            .arg(process.folder())
            .arg(serving.get_program())
            .args(serving.get_args());
        for (name, value) in serving.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Instance::start(command)
    }

    /// Where the data folder of the program is to be found from here.
    fn folder(&self, server: &Instance, process: &Process) -> PathBuf {
        match self {
            Disk::Mounted => {
                let root = PathBuf::from(format!("/proc/{}/root", server.pid()));
                root.join(process.folder().strip_prefix("/").unwrap())
            }
            Disk::FileSize => process.folder().to_owned(),
        }
    }

    fn fill(&self, server: &Instance, process: &Process) {
        match self {
            Disk::Mounted => fill(&self.folder(server, process).join("ballast")),
            Disk::FileSize => limit(server, "4096"),
        }
    }

    fn make_space(&self, server: &Instance, process: &Process) {
        match self {
            Disk::Mounted => std::fs::remove_file(self.folder(server, process).join("ballast")).unwrap(),
            Disk::FileSize => limit(server, "unlimited"),
        }
    }
}

fn in_own_mounts() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user"]);
    command
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for portion in [1 << 16, 1 << 12, 1] {
        let bytes = vec![0; portion];
        loop {
            match file.write(&bytes) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Bounds the size of files that the running program may write.
fn limit(server: &Instance, bytes: &str) {
    let mut command = Command::new("prlimit");
    let status =
        command.arg(format!("--fsize={bytes}:unlimited")).args(["--pid", &server.pid().to_string()]).status();
    assert!(status.unwrap().success());
}
