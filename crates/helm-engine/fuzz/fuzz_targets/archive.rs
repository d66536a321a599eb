//! Packaged charts: any bytes are a chart or a refusal; nothing leaves the archive's own folder.
#![no_main]

use helm_engine::{Chart, Mode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for mode in [Mode::Helm3, Mode::Helm4] {
        let _ = Chart::load_archive(bytes, mode);
    }
});
