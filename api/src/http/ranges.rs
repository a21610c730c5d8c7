//! The header `Range` (RFC 9110, section 14): one range of bytes; everything else is answered whole, as it may be.

use std::ops::Range;

use actix_web::http::header::{HeaderMap, IF_RANGE, RANGE};

/// What part of a body is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// A part that lies beyond the end.
    Beyond,
}

/// What a request wants of a body of `length` bytes with this tag. A range of another version of the body is none.
pub fn wanted(headers: &HeaderMap, length: u64, etag: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(IF_RANGE).is_some_and(|seen| seen != etag) {
        return Wanted::Whole;
    }
    text(RANGE).and_then(|range| parse(range, length)).unwrap_or(Wanted::Whole)
}

/// `None` for what this server does not understand, and so must not heed.
fn parse(range: &str, length: u64) -> Option<Wanted> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More than fits is beyond every end.
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let part = match (first, last) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(length)
        }
    };
    Some(if part.start < part.end { Wanted::Part(part) } else { Wanted::Beyond })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn of(range: &str, length: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, length, "\"a\"")
    }

    #[test]
    fn one_range_is_heeded_and_what_is_not_understood_is_not() {
        let rows = [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-5", Wanted::Part(2..6)),
            ("bytes=2-99", Wanted::Part(2..10)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=9-99999999999999999999999", Wanted::Part(9..10)),
            ("bytes=10-", Wanted::Beyond),
            ("bytes=10-12", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=5-2", Wanted::Whole),
            ("bytes=0-1,4-5", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("lines=1-2", Wanted::Whole),
        ];
        for (range, wanted) in rows {
            assert_eq!(of(range, 10), wanted, "{range}");
        }
        assert_eq!(of("bytes=0-", 0), Wanted::Beyond);
    }

    #[test]
    fn a_range_of_another_version_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"a\""));
        assert_eq!(wanted(&headers, 10, "\"a\""), Wanted::Part(0..2));
        assert_eq!(wanted(&headers, 10, "\"b\""), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), 10, "\"a\""), Wanted::Whole);
    }
}
