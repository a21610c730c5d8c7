//! Words of reports compared, shown to others, and dated.

use std::collections::HashSet;

use crate::time::Moment;

/// A run of digits of this length may be somebody's number.
const NUMBER: usize = 7;

/// How alike two texts are, from 0 to 1: twice the pairs of neighbouring characters that they share, of all they
/// have (Dice). Only letters count, and not their case.
pub fn alike(one: &str, other: &str) -> f64 {
    let pairs = |text: &str| -> HashSet<(char, char)> {
        let letters: Vec<char> =
            text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
        letters.windows(2).map(|pair| (pair[0], pair[1])).collect()
    };
    let (one, other) = (pairs(one), pairs(other));
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * one.intersection(&other).count() as f64 / all as f64 }
}

/// The title of a ticket for people who have nothing to do with it: without telephone and other long numbers.
pub fn public_title(title: &str) -> String {
    let mut shown = String::with_capacity(title.len());
    let mut run = String::new();
    for c in title.chars() {
        let between = matches!(c, '-' | ' ' | '－') && !run.is_empty();
        if c.is_numeric() || between {
            run.push(c);
            continue;
        }
        flush(&mut run, &mut shown);
        shown.push(c);
    }
    flush(&mut run, &mut shown);
    shown
}

fn flush(run: &mut String, shown: &mut String) {
    if run.chars().filter(|c| c.is_numeric()).count() >= NUMBER {
        shown.push_str("***");
    } else {
        shown.push_str(run);
    }
    run.clear();
}

/// How long ago something was, by the calendar: 今天 today, 昨天 yesterday, 3 天前 3 days ago.
pub fn ago(at: Moment, now: Moment) -> (String, String) {
    let days = (now.date() - at.date()).get_days().max(0);
    match days {
        0 => ("今天".to_owned(), "today".to_owned()),
        1 => ("昨天".to_owned(), "yesterday".to_owned()),
        days => (format!("{days} 天前"), format!("{days} days ago")),
    }
}
