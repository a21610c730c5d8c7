//! Time, place and camera as a video claims them, believed only within what is possible.

use std::io::{Read, Seek};

use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;

use super::boxes::{Count, Found, within};
use super::error::VideoError;
use super::window::Window;

/// Longest value that is read, in bytes; most keys of one list.
const MAX_VALUE: u64 = 256;
const MAX_KEYS: usize = 64;
/// Longest camera name that is kept, in characters.
const MAX_CAMERA: usize = 64;
/// Seconds from 1904, when time begins for these files, to 1970.
const FROM_1904: i64 = 2_082_844_800;

/// What a video claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) taken_at: Option<Moment>,
    pub(super) gps: Option<LonLat>,
    make: String,
    model: String,
}

impl Claims {
    /// Maker and model.
    pub(super) fn camera(&self) -> Option<String> {
        // Many models repeat the maker.
        let repeats = self.model.starts_with(&self.make);
        let full = if repeats { self.model.clone() } else { format!("{} {}", self.make, self.model) };
        let name: String = full.trim().chars().take(MAX_CAMERA).collect();
        (!name.is_empty()).then_some(name)
    }

    /// The time in the head of the movie, UTC; zero where a device knew none.
    pub(super) fn created(&mut self, seconds: u64) {
        let since_1970 = i64::try_from(seconds).ok().map(|seconds| seconds - FROM_1904);
        // Cameras that have lost their clock begin in 1970 or 1980.
        let believed = since_1970.filter(|seconds| (946_684_800..4_102_444_800).contains(seconds));
        self.taken_at = self.taken_at.or(believed.map(|seconds| Moment::from_millis(seconds * 1000)));
    }

    /// Reads a `udta` or `meta` box of the movie. What cannot be read claims nothing: a video is not refused for it.
    pub(super) fn read<R: Read + Seek>(&mut self, window: &mut Window<R>, found: &Found, count: &mut Count) {
        let read = if found.kind == *b"udta" {
            self.user_data(window, found, count)
        } else {
            self.keyed(window, found, count)
        };
        drop(read);
    }

    fn user_data<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        for one in within(window, found.body.clone(), count)? {
            match &one.kind {
                b"\xa9xyz" => {
                    // Length and language, 16 bits each, come before the text.
                    let text = text(window, &one, 4)?;
                    self.gps = self.gps.or_else(|| iso6709(&text));
                }
                b"\xa9mak" => self.make = printable(&text(window, &one, 4)?),
                b"\xa9mod" => self.model = printable(&text(window, &one, 4)?),
                b"loci" => self.gps = self.gps.or(loci(window, &one)?),
                b"meta" => self.keyed(window, &one, count)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// The list of keys and the list of values by the number of their key, as QuickTime has them.
    fn keyed<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &Found,
        count: &mut Count,
    ) -> Result<(), VideoError> {
        // An ISO box has version and flags before its children, one of QuickTime has not.
        let is_plain = window.array::<4>(found.field(4, 4)?)? == *b"hdlr";
        let start = if is_plain { found.body.start } else { found.body.start + 4 };
        let children = within(window, start..found.body.end, count)?;
        let named = |kind: &[u8; 4]| children.iter().find(|one| one.kind == *kind);
        let (Some(keys), Some(values)) = (named(b"keys"), named(b"ilst")) else { return Ok(()) };
        let names = within(window, keys.field(8, 0)?..keys.body.end, count)?;
        for value in within(window, values.body.clone(), count)?.iter().take(MAX_KEYS) {
            let number = u32::from_be_bytes(value.kind) as usize;
            let Some(name) = number.checked_sub(1).and_then(|place| names.get(place)) else { continue };
            let key = text(window, name, 0)?;
            let data = within(window, value.body.clone(), count)?;
            let Some(data) = data.iter().find(|one| one.kind == *b"data") else { continue };
            self.take(&key, &text(window, data, 8)?);
        }
        Ok(())
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            "com.apple.quicktime.location.ISO6709" => self.gps = iso6709(value).or(self.gps),
            "com.apple.quicktime.creationdate" => self.taken_at = instant(value).or(self.taken_at),
            "com.apple.quicktime.make" | "com.android.manufacturer" => self.make = printable(value),
            "com.apple.quicktime.model" | "com.android.model" => self.model = printable(value),
            _ => {}
        }
    }
}

/// The text in a body from `from` on.
fn text<R: Read + Seek>(window: &mut Window<R>, found: &Found, from: u64) -> Result<String, VideoError> {
    let length = found.length().saturating_sub(from).min(MAX_VALUE);
    let bytes = window.bytes(found.field(from, length)?, length as usize)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn printable(text: &str) -> String {
    let is_shown = |c: &char| !c.is_control() && *c != char::REPLACEMENT_CHARACTER;
    text.chars().filter(is_shown).collect::<String>().trim().into()
}

/// The place of 3GPP (TS 26.244): a name, a role, and longitude and latitude as fixed numbers.
fn loci<R: Read + Seek>(window: &mut Window<R>, found: &Found) -> Result<Option<LonLat>, VideoError> {
    let length = found.length().saturating_sub(6).min(MAX_VALUE);
    let bytes = window.bytes(found.field(6, length)?, length as usize)?;
    let name = bytes.iter().position(|byte| *byte == 0);
    let fixed = |from: usize| {
        let four: [u8; 4] = bytes.get(from..from + 4)?.try_into().ok()?;
        Some(f64::from(i32::from_be_bytes(four)) / 65_536.0)
    };
    let place = name.and_then(|end| Some((fixed(end + 2)?, fixed(end + 6)?)));
    Ok(place.and_then(|(lon, lat)| possible(lon, lat)))
}

/// A place that is on Earth and is not what devices write while they know nothing.
fn possible(lon: f64, lat: f64) -> Option<LonLat> {
    let is_there = lon.abs() <= 180.0 && lat.abs() <= 90.0 && (lon != 0.0 || lat != 0.0);
    is_there.then_some(LonLat { lon, lat })
}

/// A place by ISO 6709, annex H: `+24.4479+118.0799+012.3/`, in degrees, degrees and minutes, or with seconds as well.
pub(super) fn iso6709(text: &str) -> Option<LonLat> {
    let (lat, rest) = angle(text.trim_start_matches(['\0', ' ']), 2)?;
    let (lon, _) = angle(rest, 3)?;
    possible(lon, lat)
}

/// A signed angle whose degrees have so many digits, and what follows it.
fn angle(text: &str, degrees: usize) -> Option<(f64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1.0,
        b'-' => -1.0,
        _ => return None,
    };
    let rest = text.get(1..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (number, after) = rest.split_at_checked(end)?;
    let whole = number.find('.').unwrap_or(number.len());
    let minutes = match whole.checked_sub(degrees)? {
        0 => return Some((sign * number.parse::<f64>().ok()?, after)),
        2 => number.get(degrees..)?.parse::<f64>().ok()?,
        4 => {
            let seconds: f64 = number.get(degrees + 2..)?.parse().ok()?;
            number.get(degrees..degrees + 2)?.parse::<f64>().ok()? + seconds / 60.0
        }
        _ => return None,
    };
    let degrees: f64 = number.get(..degrees)?.parse().ok()?;
    Some((sign * (degrees + minutes / 60.0), after))
}

/// An instant as Apple writes it: RFC 3339, the offset without its colon.
pub(super) fn instant(text: &str) -> Option<Moment> {
    let text = text.trim_end_matches(['\0', ' ']);
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let (time, minutes) = text.split_at_checked(text.len().checked_sub(2)?)?;
    format!("{time}:{minutes}").parse().ok()
}
