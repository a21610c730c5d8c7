use std::sync::Arc;

use suishoupai_core::flow::{RequestKind, RequestState, Verb};
use suishoupai_storage::db::{Db, DbError, Target, migrate, reference};

use super::*;

const SMALL: Options = Options { days: 3, tickets_per_day: 60, seed: 7 };

struct Place {
    db: Db,
    _folder: tempfile::TempDir,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::Sqlite(folder.path().join("s.db").to_str().unwrap().to_owned());
    migrate(&target).unwrap();
    Place { db: Db::open(&target, 2, 16).unwrap(), _folder: folder }
}

async fn simulated(options: Options) -> (Outcome, Place) {
    let place = place();
    let outcome = run(&place.db, options).await.unwrap();
    (outcome, place)
}

/// How many lines every history has, and its last hash, in which all of them are, so that two runs can be compared
/// to the letter.
async fn histories(db: &Db) -> Vec<(i64, [u8; 32])> {
    db.read(|conn| {
        let all = suishoupai_storage::db::tickets::some_after(conn, 0, 10_000)?;
        Ok::<_, DbError>(all.into_iter().map(|loaded| (loaded.ticket.version, loaded.last_hash)).collect())
    })
    .await
    .unwrap()
}

/// Damages a database bit by bit: the audit has to see each.
async fn audit_sees_damage(place: &Place) {
    use diesel::connection::SimpleConnection as _;

    let reference = place.db.read(reference::load).await.unwrap();
    let registry = Arc::new(Registry::build(reference, &Config::default()).unwrap());
    let end = START.plus_seconds(3 * 86_400);
    let damage = [
        ("UPDATE tickets SET responsible_id = (SELECT max(id) FROM units)", "another responsible unit"),
        (
            "UPDATE tickets SET alarm_at = NULL WHERE id = (SELECT min(id) FROM tickets WHERE alarm_at > 0)",
            "its clocks call at",
        ),
        (
            "UPDATE tickets SET stage_due_at = stage_due_at + 1
             WHERE id = (SELECT min(id) FROM tickets WHERE stage_due_at > 0)",
            "not those of its clock",
        ),
        ("UPDATE call_backs SET result = 'partly' WHERE result = 'satisfied'", "the rows of call_backs"),
        ("UPDATE tickets SET returns = returns + 1", "number of returns"),
        ("UPDATE work_orders SET state = 'pending'", "is open exactly while there is work"),
        (
            "DROP TRIGGER events_no_update;
             UPDATE events SET content = replace(content, 'open', 'rate') WHERE seq = 1",
            "the hash does not agree",
        ),
    ];
    for (sql, expected) in damage {
        place.db.write(move |conn| conn.batch_execute(sql).map_err(DbError::from)).await.unwrap();
        let faults = audit(&place.db, &registry, end).await.unwrap();
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{expected}: {faults:?}");
    }
}

#[tokio::test]
async fn a_run_is_in_order_its_seed_decides_everything_and_damage_is_seen() {
    let (first, place) = simulated(SMALL).await;
    assert_eq!(first.faults, Vec::<String>::new());
    assert_eq!(first.tally.tickets, 180);
    let (again, same) = simulated(SMALL).await;
    assert_eq!(first.tally.to_string(), again.tally.to_string());
    assert_eq!(histories(&place.db).await, histories(&same.db).await);
    audit_sees_damage(&same).await;
    let (other, _) = simulated(Options { seed: 8, ..SMALL }).await;
    assert_eq!(other.faults, Vec::<String>::new());
    assert_ne!(first.tally.to_string(), other.tally.to_string());
}

#[tokio::test]
async fn a_longer_run_brings_every_kind_of_event() {
    let (outcome, place) = simulated(Options { days: 12, tickets_per_day: 130, seed: 3 }).await;
    assert_eq!(outcome.faults, Vec::<String>::new());
    let tally = &outcome.tally;
    // What only ever happens by a setting or by hand: a lane that is split, a calendar that is changed, a kind of
    // event that must be attended, which the demonstration's catalogue does not have, what is found to be the same or
    // suspected to be spam.
    let merging = [Verb::Merge, Verb::Absorb, Verb::Unmerge, Verb::Detach, Verb::Urge];
    let absent =
        [[Verb::Split, Verb::Recount, Verb::Reveal, Verb::Arrive, Verb::Pass].as_slice(), &merging].concat();
    let missing: Vec<&str> = Verb::ALL
        .iter()
        .filter(|verb| !absent.contains(verb) && tally.times(**verb) == 0)
        .map(|verb| verb.as_str())
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "{tally}");
    for kind in RequestKind::ALL {
        let granted = tally.requests.get(&(*kind, RequestState::Granted)).copied().unwrap_or(0);
        assert!(granted > 0, "{kind:?}\n{tally}");
    }
    assert!(tally.again > 0 && tally.reopenings > 0 && tally.assists.1 > 0, "{tally}");
    assert!(tally.breaches.contains_key("district") && tally.breaches.contains_key("community"), "{tally}");
    // What the rules refuse are races and late-comers, never something that nobody should have tried.
    let odd: Vec<_> = outcome
        .refused
        .iter()
        .filter(|(_, code, _)| !["already_claimed", "not_allowed_in_state"].contains(code))
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
    let lines: i64 = histories(&place.db).await.iter().map(|(lines, _)| lines).sum();
    assert_eq!(outcome.lines(), lines as u64, "every line was counted");
}

#[tokio::test]
async fn a_database_in_use_is_left_alone() {
    let place = place();
    demo::load(&place.db, &Passwords::default(), START).await.unwrap();
    let Err(Fail::Problem(problem)) = run(&place.db, SMALL).await else { panic!("it was used") };
    assert_eq!(problem.code(), Code::NotAllowedInState);
}
