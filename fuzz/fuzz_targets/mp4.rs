//! Videos: the walk over their boxes never panics, and the public copy of whatever is accepted is accepted and says nothing.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use suishoupai_storage::video::{VideoLimits, inspect, write_public};

fuzz_target!(|bytes: &[u8]| {
    let limits = VideoLimits::default();
    let Ok(Ok(video)) = inspect(Cursor::new(bytes), &limits) else { return };
    assert!(video.millis > 0 && video.millis <= limits.millis && video.width > 0 && video.height > 0);
    let mut copy = Vec::new();
    write_public(&video, bytes, &mut copy).unwrap();
    assert_eq!(copy.len(), bytes.len());
    let again = inspect(Cursor::new(&copy), &limits).unwrap().unwrap();
    assert!(again.gps.is_none() && again.taken_at.is_none() && again.camera.is_none());
});
