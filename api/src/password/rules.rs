//! Which passwords an official may choose: long enough, and none of those that everybody tries first.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::lang::Text;
use crate::problem::{Code, Problem};

/// Shortest password that may be chosen, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest password that sign-in takes, in characters.
pub const MAX_CHARS: usize = 256;
/// A repeated part that is so short makes no password longer.
const SHORTEST_PART: usize = 4;

/// Passwords of at least [`MIN_CHARS`] characters that were found most often in leaks, in small letters, one a line.
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("common.txt").lines().collect());

/// Why a password may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short or too long.
    #[error("a password has {MIN_CHARS} to {MAX_CHARS} characters")]
    Length,
    /// Sign-in cuts blanks off, as keyboards of phones add them.
    #[error("a password must not begin or end with a blank")]
    Blank,
    /// Among the first that are tried.
    #[error("this password is one of those that are tried first")]
    Common,
    /// The sign-in name, or little more.
    #[error("the password must not be made of the sign-in name")]
    Name,
    /// The same few characters again and again, or one after the other.
    #[error("the password must not be the same few characters again and again, or a row such as 12345678")]
    Row,
}

impl Weak {
    /// The stable word of the mistake.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Blank => "blank",
            Self::Common => "common",
            Self::Name => "contains_name",
            Self::Row => "row",
        }
    }

    fn zh(self) -> String {
        match self {
            Self::Length => format!("密码应为 {MIN_CHARS} 至 {MAX_CHARS} 个字符"),
            Self::Blank => "密码首尾不得为空格".to_owned(),
            Self::Common => "此密码过于常见，最先被人尝试".to_owned(),
            Self::Name => "密码不得由用户名构成".to_owned(),
            Self::Row => "密码不得是重复或连续的字符".to_owned(),
        }
    }

    /// The problem, at the member of the body that has the password.
    pub fn at(self, pointer: &str) -> Problem {
        let text = Text::new(self.zh(), self.to_string());
        Problem::new(Code::PasswordRefused).detail(text.clone()).field(pointer, self.as_str(), text)
    }
}

/// Whether the official with this sign-in name may choose the password.
///
/// # Errors
/// The first rule against it.
pub fn check(password: &str, login: &str) -> Result<(), Weak> {
    if password.trim() != password || password.contains('\0') {
        return Err(Weak::Blank);
    }
    if !(MIN_CHARS..=MAX_CHARS).contains(&password.chars().count()) {
        return Err(Weak::Length);
    }
    let small = password.to_lowercase();
    if is_row(&small) {
        return Err(Weak::Row);
    }
    if COMMON.contains(small.as_str()) {
        return Err(Weak::Common);
    }
    let rest = small.replace(&login.to_lowercase(), "");
    if rest.len() < small.len() && rest.chars().count() < MIN_CHARS / 2 {
        return Err(Weak::Name);
    }
    Ok(())
}

/// Whether a text is a short part again and again, or characters one after the other.
fn is_row(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let repeats = |length: usize| chars.iter().zip(chars.iter().skip(length)).all(|(one, next)| one == next);
    let rises = |by: i64| {
        let pairs = chars.iter().zip(chars.iter().skip(1));
        pairs.fold(true, |so, (one, next)| {
            so && i64::from(u32::from(*next)) - i64::from(u32::from(*one)) == by
        })
    };
    (1..SHORTEST_PART).any(repeats) || rises(1) || rises(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_may_not_be_chosen() {
        let rows = [
            ("short", Err(Weak::Length)),
            (" padded-word ", Err(Weak::Blank)),
            ("Password1", Err(Weak::Common)),
            ("P@ssw0rd", Err(Weak::Common)),
            ("1qaz2wsx", Err(Weak::Common)),
            ("woaini1314", Err(Weak::Common)),
            ("Huawei@123", Err(Weak::Common)),
            ("aaaaaaaaaaaa", Err(Weak::Row)),
            ("ababababab", Err(Weak::Row)),
            ("abcabcabcabc", Err(Weak::Row)),
            ("12345678", Err(Weak::Row)),
            ("23456789:", Err(Weak::Row)),
            ("hgfedcba", Err(Weak::Row)),
            ("zhangwei2024", Ok(())),
            ("zhang.san", Err(Weak::Name)),
            ("Zhang.San123", Err(Weak::Name)),
            ("zhang.san walks the dog", Ok(())),
            ("correct horse", Ok(())),
            ("demo-Siming-2026", Ok(())),
            ("四个字不够", Err(Weak::Length)),
            ("网格里的第八只橘猫", Ok(())),
        ];
        for (password, expected) in rows {
            assert_eq!(check(password, "zhang.san"), expected, "{password}");
        }
        assert_eq!(check(&"x-y".repeat(100), "a"), Err(Weak::Length));
    }

    #[test]
    fn the_list_has_what_it_says() {
        assert!(COMMON.len() >= 1000, "{}", COMMON.len());
        for word in COMMON.iter() {
            assert!(word.chars().count() >= MIN_CHARS && word.to_lowercase() == **word, "{word:?}");
        }
    }
}
