//! Bytes as a picture: looked at, and rendered where they are accepted. The limits are small, so that a run is quick.

#![no_main]

use libfuzzer_sys::fuzz_target;
use suishoupai_storage::picture::{Limits, inspect, render};

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { pixels: 1 << 16, side: 4096, scans: 20, ..Limits::default() };
    if let Ok(inspected) = inspect(bytes, &limits)
        && let Ok(made) = render(bytes, &inspected, &limits)
    {
        assert!(made.display_size.0.max(made.display_size.1) <= 2048);
    }
});
