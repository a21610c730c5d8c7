//! The words of the flow, as the database, the API and people read them.

use std::collections::BTreeSet;

use super::fixture::start;
use crate::flow::{
    Channel, OrderKind, OrderState, Refusal, RefuseReason, ReturnReason, Role, Stage, State, Verb,
};

/// Every value: its word is unique, is read back, is the one in JSON, and is explained in both languages.
macro_rules! check_words {
    ($($name:ident),+) => {$({
        let mut seen = BTreeSet::new();
        for value in $name::ALL {
            let word = value.as_str();
            assert!(seen.insert(word), "{word} is used twice");
            assert_eq!($name::parse(word), Some(*value));
            assert_eq!(serde_json::to_string(value).unwrap(), format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<$name>(&format!("\"{word}\"")).unwrap(), *value);
            assert!(value.zh().chars().any(|c| c as u32 > 0x2fff), "{word} has no Chinese name");
            assert!(!value.en().is_empty() && value.en().is_ascii(), "{word} has no English name");
        }
        assert_eq!($name::parse("no such word"), None);
        assert_eq!($name::parse(""), None);
    })+};
}

#[test]
fn every_word_is_read_back_and_named_in_both_languages() {
    check_words!(State, Role, Verb, OrderState, OrderKind, ReturnReason, RefuseReason, Channel, Stage);
}

#[test]
fn every_refusal_has_a_code_of_its_own_and_says_why_in_both_languages() {
    let refusals = [
        Refusal::WrongState { state: State::Closed, verb: Verb::Claim },
        Refusal::NotYours { verb: Verb::Close },
        Refusal::OwnWork,
        Refusal::UrgedToday,
        Refusal::OthersReported,
        Refusal::MergedWithItself,
        Refusal::HasMerged,
        Refusal::HeldBy { account: 3, until: start() },
        Refusal::LeaseOver,
        Refusal::NeedsPhoto,
        Refusal::UnknownCategory("E9999".to_owned()),
        Refusal::UnknownUnit(4040),
        Refusal::CannotHandle(1),
        Refusal::NotBelow(20),
        Refusal::NamedTwice(20),
        Refusal::NotAssisting(20),
        Refusal::NobodyAbove,
        Refusal::AssistsOpen(2),
        Refusal::WindowOver { days: 7 },
        Refusal::AlreadyRated,
    ];
    let codes: BTreeSet<_> = refusals.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), refusals.len(), "codes are distinct");
    for refusal in refusals {
        let said = refusal.said();
        assert!(said.zh.chars().any(|c| c as u32 > 0x2fff), "{refusal:?}: {}", said.zh);
        assert!(said.en.is_ascii() && said.en.len() > 10, "{refusal:?}: {}", said.en);
    }
    assert!(Refusal::UnknownCategory("E9999".to_owned()).said().en.contains("E9999"), "the culprit is named");
    assert!(Refusal::NamedTwice(20).said().zh.contains("20"));
}
