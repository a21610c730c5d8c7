//! The parameters of a query.

use std::collections::BTreeSet;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;

use super::explain::{Style, explain};
use super::{NUL, nul_text};
use crate::lang::Text;
use crate::problem::{Code, FieldProblem, Problem};

/// The query of a request, read into a struct.
///
/// Refused (400): a parameter that is repeated, not UTF-8, of the wrong type or missing; an unknown one if `T` says
/// `deny_unknown_fields`, as it should.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T> Query<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = || form_urlencoded::parse(query.as_bytes());
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (name, value) in pairs() {
        let mistake = if name.contains(NUL) || value.contains(NUL) {
            Some(("nul_character", nul_text()))
        } else if name.contains(char::REPLACEMENT_CHARACTER) || value.contains(char::REPLACEMENT_CHARACTER) {
            // The decoder puts this character where the bytes were no text.
            Some(("not_utf8", Text::new("不是 UTF-8 文本", "must be UTF-8")))
        } else if !seen.insert(name.clone()) {
            Some(("repeated", Text::new("重复出现", "is given more than once")))
        } else {
            None
        };
        if let Some((code, message)) = mistake {
            wrong.push(FieldProblem { pointer: name.into_owned(), code, message });
            break;
        }
    }
    let invalid = Problem::new(Code::InvalidQuery);
    if !wrong.is_empty() {
        return Err(invalid.fields(wrong));
    }
    serde_path_to_error::deserialize(serde_urlencoded::Deserializer::new(pairs()))
        .map_err(|error| invalid.fields([explain(error.path(), &error.inner().to_string(), Style::Name)]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Page {
        limit: u16,
        after: Option<String>,
        near: Option<f64>,
        open: Option<bool>,
    }

    #[test]
    fn a_right_query_is_read() {
        let expected = Page { limit: 5, after: Some("a b&".into()), near: Some(-1.5), open: Some(true) };
        assert_eq!(parse::<Page>("limit=5&after=a+b%26&near=-1.5&open=true"), Ok(expected));
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let rows = [
            ("", "limit", "missing", "is required"),
            ("limit=x", "limit", "wrong_type", "must be a whole number"),
            ("limit=", "limit", "wrong_type", "must be a whole number"),
            ("limit=-1", "limit", "wrong_type", "must be a whole number"),
            ("limit=70000", "limit", "wrong_type", "is too large"),
            ("limit=1&near=x", "near", "wrong_type", "must be a number"),
            ("limit=1&open=yes", "open", "wrong_type", "must be true or false"),
            ("limit=1&limit=1", "limit", "repeated", "more than once"),
            ("limit=1&size=2", "size", "unknown", "known are limit, after"),
            ("limit=1&after=%00", "after", "nul_character", "U+0000"),
            ("limit=1&after=%ff", "after", "not_utf8", "must be UTF-8"),
        ];
        for (query, pointer, code, message) in rows {
            let problem = parse::<Page>(query).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidQuery);
            let [field] = problem.field_problems() else { panic!("{query}: {problem:?}") };
            assert_eq!((field.pointer.as_str(), field.code), (pointer, code), "{query}: {field:?}");
            assert!(field.message.en.contains(message), "{query}: {field:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_and_text_survives_the_query(limit: u16, after in "[^\0\u{FFFD}]{0,12}") {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("limit", &limit.to_string())
                .append_pair("after", &after)
                .finish();
            prop_assert_eq!(parse::<Page>(&query), Ok(Page { limit, after: Some(after), near: None, open: None }));
        }
    }
}
