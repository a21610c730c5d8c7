//! The headers of the tus protocol: reading them never panics, and what is read keeps its bounds.
#![no_main]

#[path = "../../api/src/http/tus.rs"]
#[expect(dead_code, reason = "the server uses the rest of it")]
mod tus;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(number) = tus::number(text) {
        assert!(number < 10_u64.pow(18));
    }
    if let Ok(read) = tus::metadata(text) {
        assert!(text.len() <= 4096 && read.filename.is_none_or(|name| name.len() <= 3 * text.len()));
    }
    let _ = tus::checksum(text);
});
