use std::path::Path;

use clap::CommandFactory as _;
use diesel::connection::SimpleConnection as _;
use suishoupai_core::demo::UNITS_CSV;
use suishoupai_core::flow::{Channel, Opening, Role, open};
use suishoupai_core::time::Moment;
use suishoupai_storage::db::accounts::find_by_login;
use suishoupai_storage::db::history::Verified;
use suishoupai_storage::db::supervision::{OrderBreak, VerifiedOrders};
use suishoupai_storage::db::{history, reference, tickets};

use super::*;
use crate::demo;
use crate::password::Passwords;
use crate::registry::Registry;

const NOW: Moment = Moment::from_millis(1_770_000_000_000);

/// Carries out a command line on a data folder.
fn command(data: &Path, words: &[&str]) -> Result<Done, Stop> {
    let folder = data.to_str().unwrap();
    let words = ["suishoupai", "--data", folder].into_iter().chain(words.iter().copied());
    carry_out(Arguments::try_parse_from(words).unwrap())
}

fn settings(data: &Path) -> Config {
    Config::load(&LoadOptions { data_dir: Some(data.to_owned()), ..LoadOptions::default() }).unwrap()
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_arguments_are_consistent_and_every_command_is_explained() {
    Arguments::command().debug_assert();
    for command in Arguments::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
    }
}

#[test]
fn wrong_arguments_are_told_before_anything_is_done() {
    let rows: [(&[&str], &str); 6] = [
        (&["import", "trees", "-"], "units, grids"),
        (&["import", "units", "-", "--district", "35"], "100000..=999999"),
        (&["import", "grids", "-", "--datum", "beijing54"], "wgs84, gcj02, bd09"),
        (
            &["user", "add", "--login", "A b", "--name", "a", "--role", "observer", "--unit", "1"],
            "small letters",
        ),
        (
            &["user", "add", "--login", "ab", "--name", "a", "--role", "resident", "--unit", "1"],
            "grid_worker",
        ),
        (&["user", "add", "--login", "ab", "--name", " ", "--role", "observer", "--unit", "1"], "blank"),
    ];
    for (words, hint) in rows {
        let all = std::iter::once("suishoupai").chain(words.iter().copied());
        let error = Arguments::try_parse_from(all).unwrap_err().to_string();
        assert!(error.contains(hint), "{words:?}: {error}");
    }
}

#[test]
fn an_import_works_on_an_empty_folder_and_its_exit_code_tells_how_it_went() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let good = file(dir.path(), "units.csv", UNITS_CSV);
    let wrong = file(dir.path(), "wrong.csv", &UNITS_CSV.replacen("350203001004,", "35,", 1));
    let broken = dir.path().join("gbk.csv");
    std::fs::write(&broken, b"code,name\n1,\xcb\xbc\xc3\xf7\n").unwrap();

    let tried = command(&data, &["import", "units", &good, "--dry-run", "--lang", "en"]).unwrap();
    assert!(tried.text.ends_with("141 new, 0 changed, 0 same, 0 wrong\ndry run: nothing was written\n"));
    assert!(!data.exists(), "a dry run makes no database");
    let refused = command(&data, &["import", "units", &wrong]).unwrap();
    assert_eq!(refused.code, 2);
    assert!(
        refused.text.contains("35 错误：") && refused.text.contains("未写入任何内容"),
        "{}",
        refused.text
    );
    let done = command(&data, &["import", "units", &good]).unwrap();
    assert_eq!(done.code, 0);
    assert!(done.text.ends_with("新增 141，变更 0，相同 0，错误 0\n已写入\n"), "{}", done.text);
    let again = command(&data, &["import", "units", &good, "--dry-run", "--lang", "en"]).unwrap();
    assert!(again.text.contains("0 new, 0 changed, 141 same, 0 wrong\n"), "{}", again.text);

    let error = command(&data, &["import", "units", broken.to_str().unwrap()]).unwrap_err().to_string();
    assert!(error.contains("line 2 is not UTF-8"), "{error}");
    let error = command(&data, &["import", "units", "/nonexistent"]).unwrap_err().to_string();
    assert!(error.contains("cannot read /nonexistent"), "{error}");
    let error = command(&data, &["import", "grids", &good]).unwrap_err().to_string();
    assert!(error.contains("--datum"), "{error}");
    let error = command(&data, &["import", "calendar", &good]).unwrap_err().to_string();
    assert!(error.contains("the header"), "{error}");
}

#[test]
fn a_report_counts_what_it_does_not_list() {
    let outcome = crate::service::imports::Outcome {
        kind: crate::service::imports::Kind::Grids,
        district: Some(350_203),
        dry_run: false,
        applied: true,
        counts: suishoupai_core::import::Counts { same: 7, ..Default::default() },
        lines: Vec::new(),
        lines_left_out: 7,
        missing: vec!["35020300100101".to_owned()],
        missing_left_out: 2,
    };
    let done = import::report(&outcome, true);
    assert_eq!(
        done.text,
        "… and 7 further lines\n3 grids are not in the file and lose their area: 35020300100101 …\n\
         0 new, 0 changed, 7 same, 0 wrong\napplied\n"
    );
}

#[test]
fn commands_for_a_database_do_not_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("mistyped");
    for words in [&["verify"][..], &["user", "password", "--login", "a"]] {
        let error = command(&data, words).unwrap_err().to_string();
        assert!(error.contains("there is no database"), "{error}");
    }
    assert!(!data.exists());
}

fn add_of(words: &[&str]) -> user::Add {
    let all = ["suishoupai", "user", "add"].into_iter().chain(words.iter().copied());
    match Arguments::try_parse_from(all).unwrap().command {
        Command::User(user::User::Add(add)) => add,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_official_is_added_once_and_only_to_a_unit_that_fits_the_role() {
    let dir = tempfile::tempdir().unwrap();
    let db = app::open_db(&settings(dir.path())).unwrap();
    demo::load(&db, &Passwords::default(), NOW).await.unwrap();
    let add = |words: &[&str]| user::add(&db, add_of(words), "a good password".to_owned());
    let worker = ["--login", "lin", "--name", "林一", "--role", "community_officer"];
    let both = [&worker[..], &["--unit", "350203001001", "--unit", "350203001004"]].concat();
    add(&both).await.unwrap();
    let lin = db.read(|conn| find_by_login(conn, "lin")).await.unwrap().unwrap();
    assert_eq!(
        (lin.posts.len(), lin.posts[0].role, lin.display_name.as_str()),
        (2, Role::CommunityOfficer, "林一")
    );
    let hash = lin.password_hash;
    assert!(Passwords::default().verify("a good password".to_owned(), hash).await.unwrap());

    let rows: [(&[&str], &str); 4] = [
        (&["--unit", "350203001001"], "lin is taken"),
        (&["--unit", "D01"], "is a department"),
        (&["--unit", "D99"], "there is no unit D99"),
        (&["--unit", "D01", "--district", "110000"], "there is no district 110000"),
    ];
    for (unit, hint) in rows {
        let error = add(&[&worker[..], unit].concat()).await.unwrap_err().to_string();
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn a_password_is_changed_and_the_one_that_was_made_is_shown_once() {
    let dir = tempfile::tempdir().unwrap();
    let units = file(dir.path(), "units.csv", UNITS_CSV);
    command(dir.path(), &["import", "units", &units]).unwrap();
    let add =
        ["user", "add", "--login", "zhou", "--name", "周", "--role", "observer", "--unit", "350203000000"];
    let first = command(dir.path(), &add).unwrap().text;
    let second = command(dir.path(), &["user", "password", "--login", "zhou"]).unwrap().text;
    let password =
        |text: &str| text.lines().find_map(|line| line.strip_prefix("password: ").map(str::to_owned));
    assert_eq!(password(&first).unwrap().len(), 16);
    assert_ne!(password(&first), password(&second));
    let error = command(dir.path(), &["user", "password", "--login", "nobody"]).unwrap_err().to_string();
    assert_eq!(error, "there is no nobody");
}

#[test]
fn a_password_from_standard_input_is_one_line_that_sign_in_takes() {
    assert_eq!(user::read_password(&b"correct horse\r\nmore"[..], "zhou").unwrap(), "correct horse");
    for bad in [
        &b""[..],
        b"short\n",
        b"password1\n",
        b"zhou-zhou\n",
        b" padded with blanks \n",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        &[b'a'; 300],
    ] {
        assert!(user::read_password(bad, "zhou").is_err(), "{bad:?}");
    }
}

/// Opens `count` tickets in the demonstration's grid.
async fn open_tickets(db: &Db, count: i64) {
    let reference = db.read(reference::load).await.unwrap();
    let registry = Registry::build(reference, &Config::default()).unwrap();
    let grid = registry.mesh.locate(demo::POINT, 0.0).cell().unwrap().unit;
    let grid1 = db.read(|conn| find_by_login(conn, "grid1")).await.unwrap().unwrap();
    let steps: Vec<_> = (1..=count)
        .map(|id| {
            let opening = Opening {
                id,
                district: demo::DISTRICT,
                grid,
                category: None,
                channel: Channel::Resident,
                reporter: grid1.id,
                unit: None,
                facts: Default::default(),
                photos: Vec::new(),
                parent: None,
                suspicions: Vec::new(),
            };
            open(opening, NOW, registry.rules(demo::DISTRICT).unwrap()).unwrap()
        })
        .collect();
    db.write(move |conn| {
        for step in &steps {
            let place = tickets::Place {
                number: format!("N{}", step.ticket.id),
                title: "井盖".to_owned(),
                community: grid,
                street: grid,
                lon: demo::POINT.lon,
                lat: demo::POINT.lat,
            };
            tickets::insert(conn, &[tickets::Opened { step, place, told: Vec::new() }])?;
        }
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn verification_walks_every_page_and_names_the_line_that_was_altered() {
    let dir = tempfile::tempdir().unwrap();
    let db = app::open_db(&settings(dir.path())).unwrap();
    demo::load(&db, &Passwords::default(), NOW).await.unwrap();
    open_tickets(&db, 501).await;
    let intact = verify::report(&history::verify(&db).await.unwrap());
    assert_eq!(intact, Done::of("501 tickets, 501 lines of history\nevery chain is intact\n"));

    db.write(|conn| {
        let forgery = "DROP TRIGGER events_no_update; \
                       UPDATE events SET content = replace(content, '\"public\":true', '\"public\":false') \
                       WHERE ticket_id = 501";
        conn.batch_execute(forgery).map_err(DbError::from)
    })
    .await
    .unwrap();
    let broken = verify::report(&history::verify(&db).await.unwrap());
    assert_eq!(broken.code, 3);
    assert!(broken.text.contains("broken: ticket N501 (key 501), line 1: the hash"), "{}", broken.text);
    assert!(broken.text.ends_with("broken chains: 1\n"), "{}", broken.text);
}

#[test]
fn broken_chains_of_supervision_orders_are_counted_with_those_of_tickets() {
    let what = "the hash does not agree".to_owned();
    let broken = OrderBreak { number: "DB-1".to_owned(), order: 9, seq: 2, what };
    let mut seen = Verified { tickets: 1, events: 3, ..Verified::default() };
    seen.supervision = VerifiedOrders { orders: 2, events: 1, breaks: Vec::new() };
    let counts = "1 ticket, 3 lines of history\n2 supervision orders, 1 line of history\n";
    assert_eq!(verify::report(&seen), Done::of(format!("{counts}every chain is intact\n")));
    seen.supervision.breaks.push(broken);
    let found = "broken: supervision order DB-1 (key 9), line 2: the hash does not agree\nbroken chains: 1\n";
    assert_eq!(verify::report(&seen), Done { text: format!("{counts}{found}"), code: 3 });
}

#[tokio::test]
async fn the_greeting_shows_accounts_of_the_demonstration_only() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings(dir.path());
    let address = "0.0.0.0:8081".parse().unwrap();
    let plain = serve::greeting(&settings, address, &[]);
    assert!(plain.contains("http://127.0.0.1:8081") && !plain.contains("password"), "{plain}");
    let db = app::open_db(&settings).unwrap();
    let accounts = demo::load(&db, &Passwords::default(), NOW).await.unwrap();
    let shown = serve::greeting(&settings, address, &accounts);
    for account in &accounts {
        let line = shown.lines().find(|line| line.trim_start().starts_with(account.login)).unwrap();
        assert!(line.contains(demo::PASSWORD) && line.contains(account.role.as_str()), "{line}");
    }
    assert!(shown.contains("curl") && shown.contains("Ctrl-C"), "{shown}");
}
