use std::sync::{Arc, OnceLock};

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

/// Everything that the histories say, so that two runs can be compared to the letter.
async fn histories(db: &Db) -> Vec<String> {
    db.read(|conn| {
        let mut lines = Vec::new();
        for key in suishoupai_storage::db::tickets::keys_after(conn, 0, 1_000)? {
            let history = suishoupai_storage::db::history::of_ticket(conn, key)?;
            lines.extend(history.into_iter().map(|(_, hash)| hash));
        }
        Ok::<_, DbError>(lines)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn a_run_leaves_nothing_out_of_order_and_its_seed_decides_everything() {
    let (first, place) = simulated(SMALL).await;
    assert_eq!(first.faults, Vec::<String>::new());
    assert_eq!(first.tally.tickets, 180);
    let (again, same) = simulated(SMALL).await;
    assert_eq!(first.tally.to_string(), again.tally.to_string());
    assert_eq!(histories(&place.db).await, histories(&same.db).await);
    let (other, _) = simulated(Options { seed: 8, ..SMALL }).await;
    assert_eq!(other.faults, Vec::<String>::new());
    assert_ne!(first.tally.to_string(), other.tally.to_string());
}
