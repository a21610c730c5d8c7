//! Personal data: numbers masked in texts, places rounded, and when what is known of persons is closed off and removed.

use crate::flow::{Course, Event, Role, State};
use crate::time::Moment;

/// 138\*\*\*\*0013: the ends of a number; of a short one nothing.
pub fn masked_number(number: &str) -> String {
    let length = number.len();
    match (number.get(..3), number.get(length.saturating_sub(4)..)) {
        (Some(head), Some(tail)) if length >= 8 => format!("{head}****{tail}"),
        _ => "****".to_owned(),
    }
}

/// The text with telephone and ID numbers masked: mobile numbers, landlines with their area code, and resident ID
/// numbers 身份证号, also where blanks or hyphens stand between their digits, as people type them. Digits of any script are
/// taken for what they are.
pub fn mask_numbers(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        if digit(chars[at]).is_none() {
            masked.push(chars[at]);
            at += 1;
            continue;
        }
        let end = run_end(&chars, at);
        let run = &chars[at..end];
        let digits: String = run.iter().filter_map(|c| digit(*c).or_else(|| check_letter(*c))).collect();
        if is_personal(&digits) {
            masked.push_str(&masked_number(&digits));
        } else {
            masked.extend(run);
        }
        at = end;
    }
    masked
}

/// The digit that a character is, in half or full width.
fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_u32('0' as u32 + (c as u32 - '０' as u32)),
        _ => None,
    }
}

/// The check character of an ID number.
fn check_letter(c: char) -> Option<char> {
    matches!(c, 'x' | 'X' | 'ｘ' | 'Ｘ').then_some('X')
}

/// Where a run of digits ends, with single blanks and hyphens between them, and the check character of an ID number.
fn run_end(chars: &[char], from: usize) -> usize {
    let mut end = from;
    let mut count = 0;
    while let Some(c) = chars.get(end) {
        let is_joint = matches!(c, ' ' | '-' | '－' | '\u{a0}')
            && end > from
            && chars.get(end + 1).is_some_and(|next| digit(*next).is_some());
        match digit(*c) {
            Some(_) => count += 1,
            None if is_joint => {}
            None if count == 17 && check_letter(*c).is_some() => return end + 1,
            None => break,
        }
        end += 1;
    }
    end
}

fn is_personal(digits: &str) -> bool {
    // A country's code before a mobile number.
    let national = match digits.len() {
        13 => digits.strip_prefix("86").unwrap_or(digits),
        15 => digits.strip_prefix("0086").unwrap_or(digits),
        _ => digits,
    };
    let bytes = national.as_bytes();
    let is_mobile = bytes.len() == 11 && bytes[0] == b'1' && (b'3'..=b'9').contains(&bytes[1]);
    let is_landline = (10..=12).contains(&bytes.len()) && bytes[0] == b'0' && bytes[1] != b'0';
    // 18 digits since 1999, 15 before.
    let is_id = bytes.len() == 18 || (bytes.len() == 15 && bytes[0] != b'0');
    is_mobile || is_landline || is_id
}

/// Degrees cut to so many decimals: three are about 100 m.
pub fn rounded(degrees: f64, decimals: u32) -> f64 {
    let scale = 10_f64.powi(i32::try_from(decimals.min(9)).unwrap_or(9));
    (degrees * scale).round() / scale
}

/// How long what is known of reporters is shown, and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Days after the end of a ticket from which on nobody is shown its reporter any more.
    pub close_off_days: u32,
    /// Days after the end of a ticket from which on the personal data of its reports are removed.
    pub anonymise_days: u32,
}

const DAY: i64 = 86_400;

impl Terms {
    /// Whether nobody is shown any more who reported, of a ticket in this state that last changed then.
    pub fn is_closed_off(self, state: State, changed: Moment, now: Moment) -> bool {
        state.is_final() && changed.plus_seconds(i64::from(self.close_off_days) * DAY) <= now
    }

    /// The instant before which a ticket must have ended for its reports to be anonymised at `now`.
    pub fn anonymise_before(self, now: Moment) -> Moment {
        now.plus_seconds(-i64::from(self.anonymise_days) * DAY)
    }
}

/// What stands in place of words that were removed.
pub const REMOVED: &str = "（个人信息已删除）";

/// The line of a history without what it says of persons: the words of residents are removed, and numbers are masked in
/// those of officials. `None` where nothing has to be changed.
pub fn anonymised_event(event: &Event) -> Option<Event> {
    let is_resident = event.role == Role::Resident;
    let cleared = |text: &String| if is_resident { REMOVED.to_owned() } else { mask_numbers(text) };
    let mut clean = event.clone();
    clean.words = event.words.as_ref().map(cleared);
    clean.note = event.note.as_ref().map(cleared);
    (clean != *event).then_some(clean)
}

/// The course of a ticket with the numbers of persons masked in what officials wrote.
pub fn anonymised_course(course: &Course) -> Course {
    let mut clean = course.clone();
    for request in &mut clean.requests {
        request.reason = mask_numbers(&request.reason);
        request.decision = request.decision.as_deref().map(mask_numbers);
    }
    for whistle in &mut clean.whistles {
        whistle.words = mask_numbers(&whistle.words);
        whistle.place = mask_numbers(&whistle.place);
        whistle.outcome = whistle.outcome.as_deref().map(mask_numbers);
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_of_persons_are_masked_and_others_are_left() {
        for (text, masked) in [
            ("请打13800000013联系", "请打138****0013联系"),
            ("电话 138 0000 0013。", "电话 138****0013。"),
            ("+86 138-0000-0013", "+861****0013"),
            ("１３８００００００１３", "138****0013"),
            ("座机0592-2345678", "座机059****5678"),
            ("身份证35020319900101123X", "身份证350****123X"),
            ("身份证350203199001011234，", "身份证350****1234，"),
            ("老身份证350203900101123", "老身份证350****1123"),
            ("灯杆编号20261127", "灯杆编号20261127"),
            ("12345热线", "12345热线"),
            ("高度 3.5 米，2026-11-27 10:00", "高度 3.5 米，2026-11-27 10:00"),
            ("", ""),
        ] {
            assert_eq!(mask_numbers(text), masked, "{text}");
        }
    }

    #[test]
    fn a_number_keeps_its_ends_only() {
        assert_eq!(masked_number("13800000013"), "138****0013");
        assert_eq!(masked_number("1234567"), "****");
        assert_eq!(masked_number(""), "****");
    }

    #[test]
    fn the_words_of_residents_go_and_numbers_in_those_of_officials() {
        let line = |role: &str, words: &str| -> Event {
            let text = format!(
                r#"{{"ticket":1,"seq":2,"at":3,"verb":"supplement","from":"received","to":"received","actor":4,
                "role":"{role}","unit":null,"responsible":5,"public":true,"words":"{words}"}}"#
            );
            Event::parse(&text).unwrap()
        };
        let clean = anonymised_event(&line("resident", "我叫王某，13800000013")).unwrap();
        assert_eq!(clean.words.as_deref(), Some(REMOVED));
        let clean = anonymised_event(&line("dispatcher", "已电话13800000013核实")).unwrap();
        assert_eq!(clean.words.as_deref(), Some("已电话138****0013核实"));
        assert_eq!(anonymised_event(&line("dispatcher", "已核实")), None);
    }

    #[test]
    fn terms_count_from_the_end_of_a_ticket() {
        let terms = Terms { close_off_days: 180, anonymise_days: 1095 };
        let ended = Moment::from_millis(1_000_000_000_000);
        let later = |days: i64| ended.plus_seconds(days * DAY);
        assert!(!terms.is_closed_off(State::Closed, ended, later(179)));
        assert!(terms.is_closed_off(State::Closed, ended, later(180)));
        assert!(!terms.is_closed_off(State::Handling, ended, later(9999)), "work goes on");
        assert_eq!(terms.anonymise_before(later(1095)), ended);
    }

    proptest! {
        #[test]
        fn no_mobile_number_is_left_wherever_it_stands(before in "[^0-9０-９ -]{0,8}", rest in "[3-9][0-9]{9}", after in "[^0-9０-９ xX-]{0,8}") {
            let number = format!("1{rest}");
            let masked = mask_numbers(&format!("{before}{number}{after}"));
            prop_assert!(!masked.contains(&number), "{}", masked);
            prop_assert!(masked.starts_with(&before) && masked.ends_with(&after));
        }

        #[test]
        fn a_text_without_digits_stays(text in "[^0-9０-９]{0,40}") {
            prop_assert_eq!(mask_numbers(&text), text);
        }

        #[test]
        fn a_rounded_place_is_within_half_a_step(degrees in -180.0..180.0_f64) {
            prop_assert!((rounded(degrees, 3) - degrees).abs() <= 0.000_501);
        }
    }
}
