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
#[derive(Clone, Copy, Debug)]
enum Run<'t> {
    Han(&'t str),
    /// A word of another script.
    Other(&'t str),
}

/// Texts as they are compared, with a space for every character that is not sought and between two texts.
fn plain_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts {
        let sought = |c| if is_han(c) || c.is_ascii_alphanumeric() { c } else { ' ' };
        all.extend(text.chars().map(|c| sought(plain(c))));
        all.push(' ');
    }
    all
}

/// The runs of a plain text.
fn runs(plain: &str) -> impl Iterator<Item = Run<'_>> {
    plain.split(' ').filter(|piece| !piece.is_empty()).flat_map(|piece| {
        let mut rest = piece;
        std::iter::from_fn(move || {
            let is_of_han = is_han(rest.chars().next()?);
            let end = rest.find(|c| is_han(c) != is_of_han).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            rest = after;
            Some(if is_of_han { Run::Han(run) } else { Run::Other(run) })
        })
    })
}

/// The pairs of neighbouring characters of a run.
fn pairs(run: &str) -> impl Iterator<Item = &str> {
    let nexts = run.char_indices().skip(1);
    run.char_indices().zip(nexts).filter_map(|((from, _), (at, next))| run.get(from..at + next.len_utf8()))
}

/// What is kept of a word.
fn cut(word: &str) -> &str {
    // Such words are of one byte for each character.
    word.get(..LONGEST).unwrap_or(word)
}

/// What is kept of the texts of a report, each once, and then `marks`; all with a space between them.
pub fn words<'a>(texts: impl IntoIterator<Item = &'a str>, marks: &[impl AsRef<str>]) -> String {
    let plain = plain_text(texts);
    let mut all = Vec::with_capacity(plain.len() / 3);
    for run in runs(&plain) {
        match run {
            Run::Han(run) => all.extend(pairs(run)),
            Run::Other(word) => all.push(cut(word)),
        }
    }
    all.sort_unstable();
    all.dedup();
    all.truncate(MOST);
    all.extend(marks.iter().map(AsRef::as_ref));
    all.join(" ")
}

/// What somebody seeks; none where it is a single Chinese character, or has nothing to seek at all.
pub fn sought(text: &str) -> Option<Sought> {
    let plain = plain_text([text]);
    let (mut tokens, mut phrases) = (BTreeSet::new(), BTreeSet::new());
    for run in runs(&plain) {
        match run {
            Run::Han(run) => {
                tokens.extend(pairs(run).map(str::to_owned));
                match pairs(run).count() {
                    0 => return None,
                    1 => {}
                    _ => {
                        phrases.insert(run.to_owned());
                    }
                }
            }
            Run::Other(word) => {
                tokens.insert(cut(word).to_owned());
            }
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
        let kept = words(["路灯不亮，编号ＡＢ12。", "East Gate 3"], &["zzd1"]);
        assert_eq!(kept, "3 ab12 east gate 不亮 灯不 编号 路灯 zzd1");
        // What is of two texts is no pair, and what is there twice is kept once.
        assert_eq!(words(["路灯", "不亮", "路灯"], &[""; 0]), "不亮 路灯");
        assert_eq!(words(["", "！？ 。", "灯"], &[""; 0]), "");
        let (long, many) =
            ("a".repeat(41), (0..2_010).map(|n| format!("{n:05}")).collect::<Vec<_>>().join(" "));
        assert_eq!(words([long.as_str()], &[""; 0]), "a".repeat(40));
        let kept = words([many.as_str()], &["zzg7"]);
        assert_eq!(kept.split(' ').count(), 2_001);
        assert!(kept.ends_with(" 01999 zzg7"), "the last are left out, the marks are not");
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
            let kept = words([text.as_str()], &[""; 0]);
            let kept: Vec<&str> = kept.split(' ').collect();
            if let Some(found) = sought(&part).filter(|_| is_whole) {
                for token in found.tokens {
                    prop_assert!(kept.contains(&token.as_str()), "{} in {}", token, text);
                }
            }
        }
    }
}
