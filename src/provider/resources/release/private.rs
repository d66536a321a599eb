//! What a release keeps beside its state: Terraform stores it, never shows it, and hands it back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifest::mask::Revisions;

/// The private state of one release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Private {
    /// Draws everything that the chart asks from chance; made at create, so that every later render draws the same.
    pub(super) seed: Option<Seed>,
    /// Which revision of every hidden value the state shows.
    #[serde(default)]
    pub(super) revisions: Revisions,
    /// Path in the repository → blob id of what was delivered.
    #[serde(default)]
    pub(super) delivered: BTreeMap<String, String>,
    /// Object → JSON pointers of the values that the chart drew from chance.
    #[serde(default)]
    pub(super) generated: BTreeMap<String, Vec<String>>,
    /// Object → JSON pointer → value that was at the target when the release was imported, kept in the place of what
    /// the chart would draw now.
    #[serde(default)]
    pub(super) adopted: BTreeMap<String, BTreeMap<String, Value>>,
}

/// A release's secret source of chance and time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seed {
    /// Feeds the random functions.
    pub(super) random: [u8; 32],
    /// Answers `now`, in nanoseconds since the Unix epoch.
    pub(super) now_unix_nanoseconds: i64,
    /// The key of the digests that decide whether a hidden value changed.
    pub(super) mask_key: [u8; 32],
}

impl std::fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seed(hidden)")
    }
}

impl Private {
    /// Reads the bytes that Terraform kept; empty ones are of a resource that does not exist yet. Bytes that cannot be
    /// read count as none: hidden values then start at their first revision again.
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Returns the bytes for Terraform to keep.
    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went_and_never_prints_its_seed() {
        let seed = Seed { random: [7; 32], now_unix_nanoseconds: 1 << 60, mask_key: [9; 32] };
        let private = Private { seed: Some(seed), ..Private::default() };
        assert_eq!(Private::read(&private.write()), private);
        assert!(!format!("{private:?}").contains('7'));
        assert_eq!(Private::read(b""), Private::default());
        assert_eq!(Private::read(b"{broken"), Private::default());
    }
}
