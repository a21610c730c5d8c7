//! What an EXIF block claims (CIPA DC-008), read tolerantly and believed only within what is possible.

use std::panic::catch_unwind;

use exif::{DateTime, Exif, Field, In, Tag, Value};
use suishoupai_core::geo::LonLat;
use suishoupai_core::time::Moment;

/// Longest camera name that is kept, in characters.
const MAX_CAMERA: usize = 64;

/// The claims; [`Default`] is what a picture without EXIF claims.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claims {
    pub(super) orientation: u8,
    pub(super) taken_at: Option<Moment>,
    pub(super) taken_at_has_offset: bool,
    pub(super) gps: Option<LonLat>,
    pub(super) camera: Option<String>,
}

impl Default for Claims {
    fn default() -> Self {
        Self { orientation: 1, taken_at: None, taken_at_has_offset: false, gps: None, camera: None }
    }
}

/// Reads the TIFF structure `tiff`. Whatever cannot be read or believed is left out: a photo is never refused
/// for its metadata, not even where they make the parser panic.
pub(super) fn read(tiff: &[u8]) -> Claims {
    catch_unwind(|| parse(tiff).map(|exif| claims(&exif))).ok().flatten().unwrap_or_default()
}

/// The default mode of the parser gives nothing at all for files of some writers ("Unexpected next IFD").
fn parse(tiff: &[u8]) -> Option<Exif> {
    let mut reader = exif::Reader::new();
    reader.continue_on_error(true);
    reader.read_raw(tiff.to_vec()).or_else(|e| e.distill_partial_result(|_| ())).ok()
}

fn claims(exif: &Exif) -> Claims {
    let (taken_at, taken_at_has_offset) = taken_at(exif).unzip();
    Claims {
        orientation: orientation(exif),
        taken_at,
        taken_at_has_offset: taken_at_has_offset.unwrap_or(false),
        gps: gps(exif),
        camera: camera(exif),
    }
}

fn orientation(exif: &Exif) -> u8 {
    exif.get_field(Tag::Orientation, In::PRIMARY)
        .and_then(|field| field.value.get_uint(0))
        .and_then(|value| u8::try_from(value).ok())
        .filter(|value| (1..=8).contains(value))
        .unwrap_or(1)
}

/// The first of original and digitised that is a possible time, and whether an offset stood beside it.
/// `DateTime` is not asked: it is when the file was last edited.
fn taken_at(exif: &Exif) -> Option<(Moment, bool)> {
    let original = (Tag::DateTimeOriginal, Tag::OffsetTimeOriginal, Tag::SubSecTimeOriginal);
    let digitized = (Tag::DateTimeDigitized, Tag::OffsetTimeDigitized, Tag::SubSecTimeDigitized);
    [original, digitized].into_iter().find_map(|(time, offset, fraction)| {
        let mut at = DateTime::from_ascii(ascii(exif, time)?).ok()?;
        if let Some(text) = ascii(exif, fraction) {
            // Digits after an invalid one are not worth losing the second for.
            at.nanosecond = None;
            at.parse_subsec(text).ok();
        }
        if let Some(text) = ascii(exif, offset) {
            at.parse_offset(text).ok();
        }
        moment(&at)
    })
}

/// Offsets in use reach from -12:00 to +14:00; another one is a fault and counts as absent.
fn moment(at: &DateTime) -> Option<(Moment, bool)> {
    let offset = at.offset.filter(|minutes| (-12 * 60..=14 * 60).contains(minutes));
    let minutes = offset.unwrap_or(8 * 60);
    let text = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}{}{:02}:{:02}",
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.nanosecond.unwrap_or(0) / 1_000_000,
        if minutes < 0 { '-' } else { '+' },
        minutes.abs() / 60,
        minutes.abs() % 60,
    );
    text.parse().ok().map(|moment| (moment, offset.is_some()))
}

/// Zero denominators give infinities, and 0,0 is what cameras write while they know nothing.
fn gps(exif: &Exif) -> Option<LonLat> {
    let lat = degrees(exif, Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S', 90.0)?;
    let lon = degrees(exif, Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W', 180.0)?;
    (lat != 0.0 || lon != 0.0).then_some(LonLat { lon, lat })
}

fn degrees(exif: &Exif, tag: Tag, reference: Tag, negative: u8, limit: f64) -> Option<f64> {
    let field: &Field = exif.get_field(tag, In::PRIMARY)?;
    let Value::Rational(parts) = &field.value else { return None };
    // Degrees alone, or degrees and minutes, are how some writers shorten it.
    let scales = [1.0, 60.0, 3600.0];
    if parts.is_empty() || parts.len() > scales.len() {
        return None;
    }
    let size: f64 = parts.iter().zip(scales).map(|(part, scale)| part.to_f64() / scale).sum();
    let sign = match ascii(exif, reference).and_then(<[u8]>::first) {
        Some(letter) if letter.to_ascii_uppercase() == negative => -1.0,
        _ => 1.0,
    };
    (size.is_finite() && size <= limit).then_some(sign * size)
}

fn camera(exif: &Exif) -> Option<String> {
    let make = printable(ascii(exif, Tag::Make).unwrap_or_default());
    let model = printable(ascii(exif, Tag::Model).unwrap_or_default());
    // Many models repeat the maker: "Canon" and "Canon EOS 40D".
    let full = if model.starts_with(&make) { model } else { format!("{make} {model}") };
    let name: String = full.trim().chars().take(MAX_CAMERA).collect();
    (!name.is_empty()).then_some(name)
}

fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars()
        .filter(|c| !c.is_control() && *c != char::REPLACEMENT_CHARACTER)
        .collect::<String>()
        .trim()
        .into()
}

/// The first string of an ASCII field.
fn ascii(exif: &Exif, tag: Tag) -> Option<&[u8]> {
    match &exif.get_field(tag, In::PRIMARY)?.value {
        Value::Ascii(strings) => strings.first().map(Vec::as_slice),
        _ => None,
    }
}
