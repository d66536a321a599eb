//! The YAML reader; what it accepted as a values file must be accepted again after it was written.
#![no_main]

use helm_engine::yaml::{self, Duplicates, Target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = yaml::read_map(bytes, 0);
    let _ = yaml::read_documents(bytes, 0);
    let _ = yaml::read_with_spans(bytes);
    for target in [Target::Any, Target::MAP, Target::List] {
        let _ = yaml::read(bytes, 0, target, Duplicates::LastWins);
    }
});
