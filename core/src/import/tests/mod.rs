//! Every rule has a line that breaks it; what is written reads back the same; nothing panics.

mod files;
mod laws;
mod rules;

use std::collections::HashSet;

use super::*;
use crate::demo;

/// The codes of the demo units and of the demo categories.
fn known() -> (HashSet<String>, Vec<String>) {
    let units = read_units(demo::UNITS_CSV).unwrap().into_iter().map(|line| line.key).collect();
    let categories =
        read_categories(demo::CATEGORIES_CSV).unwrap().into_iter().map(|line| line.key).collect();
    (units, categories)
}

fn rows<T>(lines: Vec<Line<T>>) -> Vec<T> {
    lines.into_iter().map(|line| line.row.unwrap_or_else(|messages| panic!("{messages:?}"))).collect()
}

/// The codes of the messages of each line.
fn codes<T>(report: &ImportReport<T>) -> Vec<Vec<&'static str>> {
    report.lines.iter().map(|line| line.messages.iter().map(|message| message.code).collect()).collect()
}
