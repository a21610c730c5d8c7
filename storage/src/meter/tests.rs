//! What is counted, and that it is counted down again.

use prometheus_client::encoding::prometheus_text::encode;

use super::*;

fn text(register: impl FnOnce(&mut Registry)) -> String {
    let mut registry = Registry::default();
    register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

#[test]
fn what_is_held_is_counted_until_it_is_let_go() {
    let meter = DbMeter::default();
    let now = |line: &str| {
        let text = text(|to| meter.register(to));
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    };
    meter.sized(7);
    let (waits, queued) = (meter.waits(), meter.queued());
    now("db_connections 7");
    now("db_waiting 1");
    now("db_queue 1");
    drop((waits, queued));
    let uses = meter.uses(Duration::from_millis(20));
    now("db_waiting 0");
    now("db_queue 0");
    now("db_connections_in_use 1");
    now("db_wait_seconds_bucket{le=\"0.01\"} 0");
    now("db_wait_seconds_bucket{le=\"0.025\"} 1");
    drop(uses);
    now("db_connections_in_use 0");
    meter.retried();
    meter.grouped(3);
    assert_eq!(meter.timed(Work::Write, || 5), 5);
    now("db_retries_total 1");
    now("db_group_writes_sum 3.0");
    now("db_work_seconds_count{kind=\"write\"} 1");
}

#[tokio::test]
async fn requests_to_the_store_are_told_apart_by_their_outcome() {
    let meter = StoreMeter::default();
    let rows = [
        (Ok(()), "ok"),
        (Err(StoreError::NotFound { key: "original/ab".to_owned() }), "not_found"),
        (Err(StoreError::NoSpace), "full"),
        (Err(StoreError::Unavailable { action: "read", problem: "gone".to_owned() }), "unavailable"),
        (
            Err(StoreError::Io { action: "read", source: std::io::ErrorKind::PermissionDenied.into() }),
            "failed",
        ),
    ];
    for (outcome, word) in rows {
        drop(meter.watch("read", async { outcome }).await);
        let text = text(|to| meter.register(to));
        let line = format!("store_request_seconds_count{{operation=\"read\",outcome=\"{word}\"}} 1");
        assert!(text.contains(&line), "{line}: {text}");
        assert!(!text.contains("original/"), "no key is a label: {text}");
    }
}
