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
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_with_the_offset_of_china_and_read_with_any() {
        let at = Moment::from_millis(1_700_000_000_123);
        assert_eq!(at.to_string(), "2023-11-15T06:13:20.123+08:00");
        assert_eq!("2023-11-14T22:13:20.123Z".parse::<Moment>().unwrap(), at);
        assert_eq!(at.to_string().parse::<Moment>().unwrap(), at);
        assert!("2023-11-14T22:13:20".parse::<Moment>().is_err(), "an instant without offset is refused");
    }

    #[test]
    fn civil_time_is_that_of_china() {
        let at: Moment = "2026-02-16T16:30:00Z".parse().unwrap();
        assert_eq!(at.civil().to_string(), "2026-02-17T00:30:00");
        assert_eq!(Moment::from_civil(at.civil()), at);
    }
}
