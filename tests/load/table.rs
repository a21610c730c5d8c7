//! What is printed: a line for each measurement, and the ratio of the server to its limit over all rounds.

use crate::drive::Figures;

pub(crate) fn head() {
    println!("{:<34} {:>9} {:>9} {:>9} {:>7} {:>9}", "", "per s", "p50 ms", "p99 ms", "errors", "cpu us/1");
}

pub(crate) fn line(name: &str, figures: &Figures) {
    let per_request = figures.cpu.map(|cpu| cpu * 1e6 / figures.done.max(1) as f64);
    println!(
        "{name:<34} {:>9.0} {:>9.2} {:>9.2} {:>7} {:>9}",
        figures.per_second(),
        figures.quantile_ms(0.5),
        figures.quantile_ms(0.99),
        figures.errors,
        per_request.map_or_else(|| "-".to_owned(), |micros| format!("{micros:.0}")),
    );
    if let Some(error) = &figures.first_error {
        println!("  first error: {error}");
    }
}

/// The least and the greatest of some figures, as words.
pub(crate) fn range(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{least:.2} to {most:.2}")
}

/// The rate of the server divided by that of its limit, over all rounds.
pub(crate) fn ratio(rounds: &[(Figures, Figures)]) {
    let ratios: Vec<f64> =
        rounds.iter().map(|(server, limit)| server.per_second() / limit.per_second().max(1e-9)).collect();
    let tails: Vec<f64> = rounds
        .iter()
        .map(|(server, _)| server.quantile_ms(0.99) / server.quantile_ms(0.5).max(1e-9))
        .collect();
    println!("server / limit: {}; p99 / p50 of the server: {}", range(&ratios), range(&tails));
}
