//! The text format of Prometheus, read strictly: what it does not allow is a failed test.

use std::collections::{BTreeMap, BTreeSet};

/// A value with its name and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its name, with the ending of its kind.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// Everything that a server told.
#[derive(Clone, Debug)]
pub struct Exposition {
    /// The values, in the order of the text.
    pub samples: Vec<Sample>,
    /// The names that were described, with the kind of each.
    pub kinds: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads a text.
    ///
    /// # Panics
    /// Where it is not as the format says: a sample that was not described, a name or label that is none, a series twice.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let (mut samples, mut kinds, mut series) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
            } else if !line.starts_with("# HELP ") {
                let sample = sample(line);
                let endings = ["", "_bucket", "_sum", "_count"];
                let described = endings
                    .iter()
                    .filter_map(|ending| sample.name.strip_suffix(ending))
                    .any(|name| kinds.contains_key(name));
                assert!(described, "not described: {line}");
                assert!(series.insert((sample.name.clone(), sample.labels.clone())), "twice: {line}");
                samples.push(sample);
            }
        }
        Self { samples, kinds }
    }

    /// The sum of the values of this name whose labels are these, among others.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |sample: &&Sample| {
            let has =
                |(label, value): &(&str, &str)| sample.labels.get(*label).is_some_and(|found| found == value);
            sample.name == name && labels.iter().all(has)
        };
        self.samples.iter().filter(fits).map(|sample| sample.value).sum()
    }
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !text.is_empty() && text.bytes().all(allowed) && !text.starts_with(|first: char| first.is_ascii_digit())
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
    let (name, mut rest) = series.split_once('{').unwrap_or((series, "}"));
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    while rest != "}" {
        let (label, after) = rest.trim_start_matches(',').split_once("=\"").unwrap();
        let (value, after) = quoted(after);
        assert!(is_name(label), "{line}");
        assert!(labels.insert(label.to_owned(), value).is_none(), "a label twice: {line}");
        rest = after;
    }
    let value = if value == "+Inf" { f64::INFINITY } else { value.parse().unwrap() };
    Sample { name: name.to_owned(), labels, value }
}

/// The text up to the closing quote, and what comes after it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    loop {
        match chars.next().unwrap() {
            (at, '"') => return (value, &text[at + 1..]),
            (_, '\\') => match chars.next().unwrap().1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            (_, other) => value.push(other),
        }
    }
}
