//! The promises of the database layer, on both engines.

pub(super) mod engine;
mod news;
mod schema;
mod similar;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::prelude::*;
use engine::{Engine, both};

use super::schema::{login_codes, throttles};
use super::{Conn, Db, DbError, Target};

fn put(conn: &mut Conn, key: &str, hits: i32) -> Result<(), DbError> {
    diesel::insert_into(throttles::table)
        .values((throttles::key.eq(key), throttles::window_start.eq(0), throttles::hits.eq(hits)))
        .execute(conn)?;
    Ok(())
}

fn rows(conn: &mut Conn) -> Result<i64, DbError> {
    Ok(throttles::table.count().get_result(conn)?)
}

#[test]
fn only_known_schemes_are_databases() {
    for url in ["sqlite:///tmp/x.db", "sqlite:x.db", "postgres://u@h/d", "postgresql://h/d"] {
        assert!(Target::parse(url).is_ok(), "{url}");
    }
    for url in ["", "sqlite://", "postgress://h/d", "mysql://h/d", "x.db", "/var/lib/x.db"] {
        assert!(Target::parse(url).is_err(), "{url}: a typo must not create an empty database");
    }
    let secret = Target::parse("postgres://user:secret@host/db").unwrap();
    assert!(!format!("{secret:?}").contains("secret"));
}

both!(a_failed_change_is_undone_alone, |engine: Engine| async move {
    let db = engine.db();
    let waiting: Vec<_> = (0..60)
        .map(|i| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(move |conn| {
                    put(conn, &format!("key {i}"), i)?;
                    // Every third one fails after it has written; every seventh in the database itself.
                    if i % 3 == 0 {
                        return Err(DbError::Corrupt("refused".to_owned()));
                    }
                    if i % 7 == 0 {
                        put(conn, &format!("key {i}"), i)?;
                    }
                    Ok(())
                })
                .await
            })
        })
        .collect();
    for (i, task) in waiting.into_iter().enumerate() {
        let outcome = task.await.unwrap();
        assert_eq!(outcome.is_ok(), i % 3 != 0 && i % 7 != 0, "{i}: {outcome:?}");
    }
    let expected = (0..60).filter(|i| i % 3 != 0 && i % 7 != 0).count() as i64;
    assert_eq!(db.read(rows).await.unwrap(), expected);
});

both!(a_panic_undoes_its_change_and_the_next_one_goes_on, |engine: Engine| async move {
    let db = engine.db();
    let outcome: Result<(), DbError> = db
        .write(|conn| {
            put(conn, "lost", 1)?;
            panic!("a defect");
        })
        .await;
    assert!(outcome.is_err());
    db.write(|conn| put(conn, "kept", 1)).await.unwrap();
    assert_eq!(db.read(rows).await.unwrap(), 1);
});

both!(a_change_holds_nothing_any_more_when_it_is_answered, |engine: Engine| async move {
    let db = engine.db();
    for fails in [false, true] {
        let held = Arc::new(());
        let own = Arc::clone(&held);
        let change = move |conn: &mut Conn| {
            let _own = &own;
            put(conn, "key", 1)?;
            if fails { Err(DbError::Corrupt("refused".to_owned())) } else { Ok(()) }
        };
        assert_eq!(db.write(change).await.is_err(), fails);
        assert!(Arc::into_inner(held).is_some());
    }
});

both!(no_update_is_lost, |engine: Engine| async move {
    let db = engine.db();
    db.write(|conn| put(conn, "sum", 0)).await.unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move {
                db.write(|conn| {
                    // Read, think, write: what silently loses updates without a lock.
                    let target = throttles::table.find("sum").select(throttles::hits);
                    let seen: i32 = match conn {
                        Conn::Sqlite(conn) => target.first(conn)?,
                        Conn::Pg(conn) => target.for_update().first(conn)?,
                    };
                    diesel::update(throttles::table.find("sum"))
                        .set(throttles::hits.eq(seen + 1))
                        .execute(conn)?;
                    Ok::<_, DbError>(())
                })
                .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let sum = db
        .read(|conn| {
            let target = throttles::table.find("sum").select(throttles::hits);
            Ok::<i32, DbError>(target.first(conn)?)
        })
        .await
        .unwrap();
    assert_eq!(sum, 200);
});

both!(keys_are_unique_across_processes, |engine: Engine| async move {
    // Two handles on one database stand for two processes.
    let handles = [engine.db(), engine.db()];
    let mut tasks = Vec::new();
    for i in 0..40 {
        let db = handles[i % 2].clone();
        tasks.push(tokio::spawn(async move { db.reserve(100).await.map(|range| range.collect::<Vec<_>>()) }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap().unwrap());
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((count, all.len()), (4000, 4000));
    assert!(all[0] > 0);
});

both!(a_conflict_is_done_again_on_postgres_and_cannot_happen_on_sqlite, |engine: Engine| async move {
    let db = engine.db();
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let outcome: Result<(), DbError> = db
        .write(
            move |_| {
                if seen.fetch_add(1, Ordering::Relaxed) == 0 { Err(DbError::Conflict) } else { Ok(()) }
            },
        )
        .await;
    match engine {
        Engine::Sqlite(_) => assert!(matches!(outcome, Err(DbError::Conflict))),
        Engine::Postgres(_) => {
            outcome.unwrap();
            assert_eq!(tries.load(Ordering::Relaxed), 2);
        }
    }
});

both!(bytes_and_large_numbers_come_back_as_stored, |engine: Engine| async move {
    let db = engine.db();
    let key: Vec<u8> = (0..=255).collect();
    let stored = key.clone();
    db.write(move |conn| {
        diesel::insert_into(login_codes::table)
            .values((
                login_codes::phone_index.eq(&stored),
                login_codes::code_hash.eq(&stored),
                login_codes::expires_at.eq(i64::MAX),
                login_codes::tries.eq(i32::MAX),
                login_codes::sent_at.eq(i64::MIN),
            ))
            .execute(conn)?;
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
    let found = db
        .read({
            let key = key.clone();
            move |conn| crate::db::login::code_for_update(conn, &key)
        })
        .await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.code_hash, found.expires_at, found.sent_at), (key, i64::MAX, i64::MIN));
});

both!(migrating_twice_or_at_once_is_migrating_once, |engine: Engine| async move {
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let target = engine.target();
            std::thread::spawn(move || crate::db::migrate(&target).map(|applied| applied.0))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap().unwrap(), 0, "the engine was migrated when it was made");
    }
});

#[test]
fn first_starts_at_once_migrate_once() {
    for engine in [Engine::empty_sqlite(), Engine::empty_postgres()] {
        let older = crate::db::check(&engine.target()).unwrap_err().to_string();
        assert!(older.contains("run `suishoupai migrate`"), "{older}");
        let threads: Vec<_> = (0..6)
            .map(|_| {
                let target = engine.target();
                std::thread::spawn(move || crate::db::migrate(&target).unwrap().0)
            })
            .collect();
        let mut applied: Vec<usize> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        applied.sort_unstable();
        assert!(applied[5] > 1 && applied[..5] == [0; 5], "{applied:?}");
        crate::db::check(&engine.target()).unwrap();
    }
}

both!(a_newer_schema_is_refused, |engine: Engine| async move {
    use diesel::connection::SimpleConnection;
    engine
        .db()
        .write(|conn| {
            Ok::<_, DbError>(conn.batch_execute(
                "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')",
            )?)
        })
        .await
        .unwrap();
    for refused in [crate::db::migrate(&engine.target()).map(|_| ()), crate::db::check(&engine.target())] {
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("is newer than this program: it has migration 29990101000000"), "{refused}");
    }
});

#[test]
fn a_handle_is_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Db>();
}
