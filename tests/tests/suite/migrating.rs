//! The schema: brought up to date once, by a start or by a command, and refused where it is newer than the program.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use suishoupai_tests::{Engine, Process, both};

both!(
    starts_at_the_same_time_on_nothing_migrate_once,
    migrating_can_be_left_to_the_operator,
    a_newer_schema_is_refused_by_every_command,
);

fn starts_at_the_same_time_on_nothing_migrate_once(engine: Engine) {
    let process = Process::empty(engine);
    let servers: Vec<_> = (0..3)
        .map(|_| {
            let mut command = process.command();
            command.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    let mut greetings = Vec::new();
    for mut server in servers {
        let mut greeting = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        greeting.read_line(&mut line).unwrap();
        greetings.push(line);
        server.kill().unwrap();
        server.wait().unwrap();
    }
    assert!(greetings.iter().all(|line| line.contains("listening on")), "{greetings:?}");
    let (code, text) = process.run(&["migrate"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("up to date already"), "{text}");
}

fn migrating_can_be_left_to_the_operator(engine: Engine) {
    let process = Process::empty(engine);
    let run = |words: &[&str]| {
        let mut command = process.command();
        let output = command.env("SUISHOUPAI_DATA__MIGRATE_AT_START", "false").args(words).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (code, text) = run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("older than this program") && text.contains("run `suishoupai migrate`"), "{text}");
    let (code, text) = run(&["migrate"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("applied "), "{text}");
    let (code, text) = run(&["migrate"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("the schema was up to date already; it is now 20"), "{text}");
    let (code, text) = run(&["verify"]);
    assert_eq!(code, Some(0), "{text}");
}

fn a_newer_schema_is_refused_by_every_command(engine: Engine) {
    let process = Process::with_demo(engine);
    process.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')");
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().join("b").to_str().unwrap().to_owned();
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["verify"], &["backup", &place]] {
        let (code, text) = process.run(words);
        assert_eq!(code, Some(1), "{words:?}: {text}");
        assert!(
            text.contains("newer than this program: it has migration 29990101000000"),
            "{words:?}: {text}"
        );
    }
}
