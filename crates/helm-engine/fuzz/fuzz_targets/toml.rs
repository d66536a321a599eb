//! The TOML reader; what it accepted is written and read again to the same text.
#![no_main]

use helm_engine::toml::{from_toml, to_toml};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = from_toml(bytes) else { return };
    let Ok(written) = to_toml(&value) else { return };
    if let Ok(again) = from_toml(&written) {
        assert_eq!(to_toml(&again).ok().as_deref(), Some(&written[..]));
    }
});
