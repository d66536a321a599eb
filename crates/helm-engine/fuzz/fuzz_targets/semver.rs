//! Versions and constraints: the input is a constraint, a line feed, a version.
#![no_main]

use helm_engine::semver::{Constraints, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (constraint, version) = text.split_once('\n').unwrap_or((text, text));
    let _ = Version::parse_strict(version);
    if let Ok(version) = Version::parse(version) {
        assert!(version.compare(&version).is_eq());
        if let Ok(constraints) = Constraints::parse(constraint) {
            assert_eq!(constraints.check(&version), constraints.violations(&version).is_empty());
        }
    }
});
