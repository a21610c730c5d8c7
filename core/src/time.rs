//! Instants, cut to milliseconds so that both database engines give back what was stored.

use std::fmt;
use std::str::FromStr;

use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// China has one legal time, UTC+8, without daylight saving since 1992.
pub const CHINA: Offset = Offset::constant(8);

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
///
/// Written as RFC 3339 with the offset of China (`2026-11-22T09:30:00.000+08:00`); read with any offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This instant moved by `millis`; saturates at the ends of the range.
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This instant moved by whole seconds; saturates at the ends of the range.
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_millis(seconds.saturating_mul(1000))
    }

    /// The instant as a civil date and time in China.
    pub fn civil(self) -> jiff::civil::DateTime {
        self.timestamp().to_zoned(TimeZone::fixed(CHINA)).datetime()
    }

    /// The civil date in China.
    pub fn date(self) -> jiff::civil::Date {
        self.civil().date()
    }

    /// The instant of a civil date and time in China; saturates at the ends of the range.
    pub fn from_civil(at: jiff::civil::DateTime) -> Self {
        CHINA.to_timestamp(at).map_or(Self(0), |t| Self(t.as_millisecond()))
    }

    fn timestamp(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

impl Moment {
    /// The text of RFC 3339, in China's offset; none where the year has other than four digits.
    pub fn text(self) -> Option<[u8; 29]> {
        let mut text = FORM;
        self.fill(&mut text).map(|()| text)
    }

    /// Writes itself into [`FORM`]; not where the year has other than four digits. A page of a list has some two hundred
    /// instants, so this is worth another way than [`fmt::Display`], whose text it is.
    fn fill(self, text: &mut [u8; 29]) -> Option<()> {
        let at = CHINA.to_datetime(self.timestamp());
        let year = u32::try_from(at.year()).ok().filter(|year| *year <= 9999)?;
        digits(&mut text[0..4], year);
        let millisecond = at.subsec_nanosecond() / 1_000_000;
        for (place, number) in [
            (5..7, i32::from(at.month())),
            (8..10, i32::from(at.day())),
            (11..13, i32::from(at.hour())),
            (14..16, i32::from(at.minute())),
            (17..19, i32::from(at.second())),
            (20..23, millisecond),
        ] {
            digits(&mut text[place], number.unsigned_abs());
        }
        Some(())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.timestamp().display_with_offset(CHINA))
    }
}

/// The text is not an RFC 3339 instant with an offset.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 instant with an offset, such as 2026-11-22T09:30:00+08:00")]
pub struct BadMoment;

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Self, BadMoment> {
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond())).map_err(|_| BadMoment)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        match text.as_ref().and_then(|text| std::str::from_utf8(text).ok()) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
    }
}

/// How an instant is written, with a digit for each digit.
const FORM: [u8; 29] = *b"0000-00-00T00:00:00.000+08:00";

/// Writes a number into digits, the last one last; the rest of it is left out.
fn digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn written_with_the_offset_of_china_and_read_with_any() {
        let at = Moment::from_millis(1_700_000_000_123);
        assert_eq!(at.to_string(), "2023-11-15T06:13:20.123+08:00");
        assert_eq!("2023-11-14T22:13:20.123Z".parse::<Moment>().unwrap(), at);
        assert_eq!(at.to_string().parse::<Moment>().unwrap(), at);
        assert!("2023-11-14T22:13:20".parse::<Moment>().is_err(), "an instant without offset is refused");
    }

    proptest! {
        /// As JSON it is the same text, from the year 1 on and before, and at the ends of the range.
        #[test]
        fn the_quick_way_writes_the_same(
            millis in prop_oneof![any::<i64>(), -70_000_000_000_000..260_000_000_000_000_i64, 0..4_102_444_800_000_i64],
        ) {
            let at = Moment::from_millis(millis);
            prop_assert_eq!(serde_json::to_string(&at).unwrap(), format!("\"{at}\""));
        }
    }

    #[test]
    fn civil_time_is_that_of_china() {
        let at: Moment = "2026-02-16T16:30:00Z".parse().unwrap();
        assert_eq!(at.civil().to_string(), "2026-02-17T00:30:00");
        assert_eq!(Moment::from_civil(at.civil()), at);
    }
}
