//! Whole numbers however they are written: to JSON Schema `2.0` and `1e3` are integers, to serde they are not.

use std::borrow::Cow;
use std::ops::Range;

/// Least magnitude that a whole number of 64 bits cannot have.
const TOO_LARGE: f64 = 9_223_372_036_854_775_808.0;

/// The JSON with every whole number written in digits alone; everything else stays as it is, wrong JSON too.
pub(super) fn plain_integers(json: &[u8]) -> Cow<'_, [u8]> {
    let mut plain = Vec::new();
    let mut copied = 0;
    for number in numbers(json) {
        let Some(digits) = whole(&json[number.clone()]) else { continue };
        plain.extend_from_slice(&json[copied..number.start]);
        plain.extend_from_slice(digits.as_bytes());
        copied = number.end;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    plain.extend_from_slice(&json[copied..]);
    Cow::Owned(plain)
}

/// Where numbers stand, outside of strings.
fn numbers(json: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    let mut in_string = false;
    std::iter::from_fn(move || {
        while let Some(&byte) = json.get(at) {
            match byte {
                b'\\' if in_string => at += 1,
                b'"' => in_string = !in_string,
                b'-' | b'0'..=b'9' if !in_string => {
                    let rest = &json[at..];
                    let len = rest.iter().position(|byte| !is_of_number(*byte)).unwrap_or(rest.len());
                    at += len;
                    return Some(at - len..at);
                }
                _ => {}
            }
            at += 1;
        }
        None
    })
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The digits of a whole number that is written with a fraction or an exponent.
fn whole(number: &[u8]) -> Option<String> {
    if number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        return None;
    }
    // What the standard library takes and JSON does not must stay wrong: `1.`, `.5`, `-.5`, `01.0`.
    let exact = serde_json::from_slice::<f64>(number).ok()?;
    let fits = exact.fract() == 0.0 && exact.abs() < TOO_LARGE;
    #[expect(clippy::cast_possible_truncation, reason = "the bounds are checked above")]
    fits.then(|| (exact as i64).to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(json: &str) -> String {
        String::from_utf8(plain_integers(json.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn whole_numbers_lose_their_fraction_and_nothing_else_changes() {
        let rows = [
            (r#"{"a": 2.0, "b":[1e3,-5.00 ]}"#, r#"{"a": 2, "b":[1000,-5 ]}"#),
            (r#"{"2.0": "3.0 \" 4.0"}"#, r#"{"2.0": "3.0 \" 4.0"}"#),
            ("-0.0", "0"),
            ("1.5", "1.5"),
            ("1e300", "1e300"),
            ("9223372036854775808.0", "9223372036854775808.0"),
            ("[01.0, 1., -.0, 2.0", "[01.0, 1., -.0, 2"),
        ];
        for (json, expected) in rows {
            assert_eq!(plain(json), expected, "{json}");
        }
    }

    proptest! {
        #[test]
        fn the_value_is_the_same(values in proptest::collection::vec(any::<(i32, f64, String)>(), 0..4)) {
            let values: Vec<_> = values.into_iter().map(|(a, b, c)| (f64::from(a), b, c)).collect();
            let json = serde_json::to_string(&values).unwrap();
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            let again: serde_json::Value = serde_json::from_str(&plain(&json)).unwrap();
            let numbers = |value: &serde_json::Value| -> Vec<Option<f64>> {
                value.as_array().unwrap().iter().flat_map(|row| [row[0].as_f64(), row[1].as_f64()]).collect()
            };
            prop_assert_eq!(numbers(&read), numbers(&again));
            for (row, line) in read.as_array().unwrap().iter().zip(again.as_array().unwrap()) {
                prop_assert_eq!(&row[2], &line[2]);
            }
        }

        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>) {
            plain_integers(&bytes);
        }
    }
}
