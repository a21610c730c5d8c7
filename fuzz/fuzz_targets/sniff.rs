//! Bytes as a file of any type: recognised, walked, and either described or refused with a code.

#![no_main]

use libfuzzer_sys::fuzz_target;
use suishoupai_storage::picture::{Limits, inspect};

fuzz_target!(|bytes: &[u8]| {
    match inspect(bytes, &Limits::default()) {
        Ok(seen) => assert!(u64::from(seen.width) * u64::from(seen.height) <= 64_000_000),
        Err(refused) => assert!(refused.code().starts_with("photo_")),
    }
});
