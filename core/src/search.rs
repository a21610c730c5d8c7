//! Words for the search in reports. Chinese is written without spaces, so what is kept of a text are its pairs of
//! neighbouring characters, and of other scripts whole words; a sought word is found by all of its pairs.

use std::collections::BTreeSet;

/// Pairs and words of a text, or of what is sought, at the most.
const MOST: usize = 2_000;
/// Longer words of other scripts are cut.
const LONGEST: usize = 40;

/// What is sought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// All of these must be there.
    pub tokens: Vec<String>,
    /// These must be there as they are: their pairs may stand apart.
    pub phrases: Vec<String>,
}

/// Whether a character is written without spaces between words.
fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The character as it is compared: of ordinary width, in lower case.
fn plain(c: char) -> char {
    let narrow = match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        _ => c,
    };
    narrow.to_lowercase().next().unwrap_or(narrow)
}

/// A run of characters of one kind.
enum Run {
    Han(Vec<char>),
    Other(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    for c in text.chars().map(plain) {
        if is_han(c) {
            match runs.last_mut() {
                Some(Run::Han(run)) => run.push(c),
                _ => runs.push(Run::Han(vec![c])),
            }
        } else if c.is_ascii_alphanumeric() {
            match runs.last_mut() {
                Some(Run::Other(run)) => run.push(c),
                _ => runs.push(Run::Other(c.to_string())),
            }
        } else {
            // What ends a run begins none.
            runs.push(Run::Other(String::new()));
        }
    }
    runs
}

fn pairs(run: &[char]) -> impl Iterator<Item = String> {
    run.windows(2).map(|pair| pair.iter().collect())
}

/// What is kept of the texts of a report, each once.
pub fn tokens<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all = BTreeSet::new();
    for run in texts.into_iter().flat_map(runs) {
        match run {
            Run::Han(run) => all.extend(pairs(&run)),
            Run::Other(word) if !word.is_empty() => {
                all.insert(word.chars().take(LONGEST).collect());
            }
            Run::Other(_) => {}
        }
    }
    all.into_iter().take(MOST).collect()
}

/// What somebody seeks; none where it is a single Chinese character, or has nothing to seek at all.
pub fn sought(text: &str) -> Option<Sought> {
    let (mut tokens, mut phrases) = (BTreeSet::new(), BTreeSet::new());
    for run in runs(text) {
        match run {
            Run::Han(run) if run.len() < 2 => return None,
            Run::Han(run) => {
                tokens.extend(pairs(&run));
                if run.len() > 2 {
                    phrases.insert(run.iter().collect::<String>());
                }
            }
            Run::Other(word) if !word.is_empty() => {
                tokens.insert(word.chars().take(LONGEST).collect());
            }
            Run::Other(_) => {}
        }
    }
    let found = Sought { tokens: tokens.into_iter().collect(), phrases: phrases.into_iter().collect() };
    (!found.tokens.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn chinese_is_kept_in_pairs_and_the_rest_in_words() {
        let kept = tokens(["路灯不亮，编号ＡＢ12。", "East Gate 3"]);
        assert_eq!(kept, ["3", "ab12", "east", "gate", "不亮", "灯不", "编号", "路灯"]);
        assert!(tokens(["", "！？ 。", "灯"]).is_empty());
    }

    #[test]
    fn what_is_sought_needs_two_characters() {
        let found = sought(" 路灯不亮  ab12 ").unwrap();
        assert_eq!(found.tokens, ["ab12", "不亮", "灯不", "路灯"]);
        assert_eq!(found.phrases, ["路灯不亮"]);
        assert_eq!(sought("垃圾").unwrap().phrases, Vec::<String>::new());
        for nothing in ["", " ", "灯", "路灯 亮", "、。"] {
            assert_eq!(sought(nothing), None, "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found_by_its_tokens(text in "[路灯不亮垃圾乱倒a-z0-9 ，]{2,40}", from in 0_usize..20, len in 2_usize..8) {
            let chars: Vec<char> = text.chars().collect();
            let part: String = chars.iter().skip(from).take(len).filter(|c| is_han(**c)).collect();
            let is_whole = text.contains(&part);
            let kept = tokens([text.as_str()]);
            if let Some(found) = sought(&part).filter(|_| is_whole) {
                for token in found.tokens {
                    prop_assert!(kept.contains(&token), "{} in {}", token, text);
                }
            }
        }
    }
}
