//! Bytes as the EXIF block of a picture that is otherwise as small as can be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use suishoupai_storage::picture::{Limits, inspect};

/// Signature and header of a PNG of one grey pixel.
const START: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
/// Image data and end. Nothing here decodes them.
const END: &[u8] = b"\0\0\0\x0aIDAT\x78\x9c\x63\x60\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xae\x42\x60\x82";

fuzz_target!(|block: &[u8]| {
    let Ok(length) = u32::try_from(block.len()) else { return };
    let picture = [START, &length.to_be_bytes(), b"eXIf", block, &[0; 4], END].concat();
    let Ok(seen) = inspect(&picture, &Limits::default()) else { panic!("a picture is refused for its EXIF") };
    assert!((1..=8).contains(&seen.orientation));
    assert!(seen.gps.is_none_or(|at| at.lat.abs() <= 90.0 && at.lon.abs() <= 180.0));
    assert!(seen.camera.is_none_or(|name| !name.is_empty() && name.chars().count() <= 64));
});
