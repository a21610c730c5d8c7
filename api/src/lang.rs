//! The two languages of answers, and which of them the caller prefers.

use std::borrow::Cow;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT_LANGUAGE, HeaderMap};
use actix_web::{FromRequest, HttpRequest};

/// A language that answers can be written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Lang {
    /// Simplified Chinese, the default.
    #[default]
    Zh,
    /// English.
    En,
}

/// Ranges that are looked at; a longer header is not written by a person's browser.
const MAX_RANGES: usize = 32;

impl Lang {
    /// The tag for `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The preferred language by `Accept-Language` (RFC 9110, section 12.5.4); Chinese when it says nothing usable.
    pub fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT_LANGUAGE).filter_map(|value| value.to_str().ok());
        Self::preferred(values.flat_map(|value| value.split(',')))
    }

    fn preferred<'a>(ranges: impl Iterator<Item = &'a str>) -> Self {
        let mut best = (Self::default(), 0.0_f32);
        for range in ranges.take(MAX_RANGES) {
            let (tag, weight) =
                range.split_once(';').map_or((range, 1.0), |(tag, rest)| (tag, quality(rest)));
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            let lang = match primary.as_str() {
                "zh" | "*" => Self::Zh,
                "en" => Self::En,
                _ => continue,
            };
            // Of equal weights the first wins, as people write their own language first.
            if weight > best.1 {
                best = (lang, weight);
            }
        }
        best.0
    }
}

/// The weight in `q=0.8`; 0 when it is not a number from 0 to 1, so that the range does not count.
fn quality(parameter: &str) -> f32 {
    let value =
        parameter.trim().strip_prefix(['q', 'Q']).and_then(|rest| rest.trim_start().strip_prefix('='));
    let weight = value.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0);
    if (0.0..=1.0).contains(&weight) { weight } else { 0.0 }
}

impl FromRequest for Lang {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request.headers())))
    }
}

/// A sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// The sentence in both languages.
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }

    /// The sentence in one language.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_language_with_the_greatest_weight_wins() {
        let rows = [
            ("", Lang::Zh),
            ("en", Lang::En),
            ("en-GB,en;q=0.9", Lang::En),
            ("zh-TW, en;q=0.9", Lang::Zh),
            ("zh;q=0.3, en;q=0.8", Lang::En),
            ("en;q=0.5, zh;q=0.5", Lang::En),
            ("fr, de", Lang::Zh),
            ("fr, en;q=0.1", Lang::En),
            ("en;q=0", Lang::Zh),
            ("en;q=nan", Lang::Zh),
            ("en;q=7", Lang::Zh),
            ("en; Q = 0.4, *;q=0.2", Lang::En),
            (";;,,;q=", Lang::Zh),
        ];
        for (header, lang) in rows {
            let request = TestRequest::default().insert_header((ACCEPT_LANGUAGE, header)).to_http_request();
            assert_eq!(Lang::of(request.headers()), lang, "{header}");
        }
        assert_eq!(Lang::of(&HeaderMap::new()), Lang::Zh);
    }

    #[test]
    fn a_sentence_is_given_in_the_language_asked_for() {
        let text = Text::new("你好", format!("hello {}", 1));
        assert_eq!((text.get(Lang::Zh), text.get(Lang::En)), ("你好", "hello 1"));
    }
}
