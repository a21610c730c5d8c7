//! Labels stay words of the program whatever is counted.

use super::*;

fn metrics() -> Metrics {
    Metrics::new(&DbMeter::default(), &StoreMeter::default())
}

#[test]
fn invented_methods_and_addresses_do_not_become_labels() {
    let metrics = metrics();
    for number in 0..100 {
        let method = Method::from_bytes(format!("BREW{number}").as_bytes()).unwrap();
        metrics.answered(&method, None, 404, Duration::from_millis(1));
    }
    let text = metrics.text().unwrap();
    let line = "suishoupai_http_requests_total{method=\"other\",route=\"unmatched\",status=\"404\"} 100";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("BREW"), "{text}");
}

#[test]
fn what_a_job_is_about_is_not_told() {
    let metrics = metrics();
    metrics.job("recount:350203", JobOutcome::Done, Instant::now());
    metrics.job("recount:350206", JobOutcome::Done, Instant::now());
    let text = metrics.text().unwrap();
    let line = "suishoupai_job_seconds_count{kind=\"recount\",outcome=\"done\"} 2";
    assert!(text.contains(line), "{text}");
    assert!(!text.contains("350203"), "{text}");
}

#[test]
fn requests_are_in_flight_until_they_are_answered_or_given_up() {
    let metrics = metrics();
    let line = |count: i64| format!("\nsuishoupai_http_in_flight {count}\n");
    let held = [metrics.begin(), metrics.begin()];
    assert!(metrics.text().unwrap().contains(&line(2)));
    drop(held);
    assert!(metrics.text().unwrap().contains(&line(0)));
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_is_told_by_the_names_that_every_program_has() {
    let text = metrics().text().unwrap();
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_open_fds") >= 3.0);
    assert!(value("process_start_time_seconds") > 1.7e9);
    assert!(text.contains(&format!("suishoupai_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))));
}
