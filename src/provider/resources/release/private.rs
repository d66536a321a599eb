//! What a release keeps beside its state: Terraform stores it, never shows it, and hands it back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::super::cluster_delivery::Kept;
use super::desired::Desired;
use crate::manifest::mask::{Mark, ObjectMarks, Reason, Revisions};
use crate::manifest::surface::Desired as DesiredObject;

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
    /// Object → JSON pointers of the values that depend on secret values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sensitive: BTreeMap<String, Vec<String>>,
    /// Object → JSON pointers of those whose revision the user counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) pinned: BTreeMap<String, Vec<String>>,
    /// Object → JSON pointers of the values that stand in `late`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) late: BTreeMap<String, Vec<String>>,
    /// Object → path as a plan writes it → value that was at the target when the release was imported, kept in the place
    /// of what the chart would draw now. A patch may move a value, its path stays.
    #[serde(default)]
    pub(super) adopted: BTreeMap<String, BTreeMap<String, Value>>,
    /// What is known of the objects in a cluster.
    #[serde(default)]
    pub(super) in_cluster: Kept,
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

    /// Keeps which values of the objects are not shown as they are.
    pub(super) fn remember_marks(&mut self, desired: &Desired) {
        let places = |wanted: fn(&Mark) -> bool| -> BTreeMap<String, Vec<String>> {
            let of = |one: &DesiredObject| -> Vec<String> {
                one.marks.at.iter().filter(|(_, mark)| wanted(mark)).map(|(place, _)| place.clone()).collect()
            };
            let shipped = desired.delivered.iter().flatten();
            let all = desired.objects.iter().chain(shipped).map(|one| (one.id.key(), of(one)));
            all.filter(|(_, places)| !places.is_empty()).collect()
        };
        self.generated = places(|mark| *mark == Mark::Hidden(Reason::Generated));
        self.sensitive = places(|mark| *mark == Mark::Hidden(Reason::Sensitive));
        self.pinned = places(|mark| *mark == Mark::Pinned);
        self.late = places(|mark| matches!(mark, Mark::Late | Mark::Unknown));
    }

    /// Returns how the values of an object were shown when it was delivered.
    pub(super) fn known_marks(&self, key: &str) -> ObjectMarks {
        let mut marks = ObjectMarks::default();
        let kinds = [
            (&self.late, Mark::Late),
            (&self.pinned, Mark::Pinned),
            (&self.sensitive, Mark::Hidden(Reason::Sensitive)),
            (&self.generated, Mark::Hidden(Reason::Generated)),
        ];
        for (places, mark) in kinds {
            marks.at.extend(places.get(key).into_iter().flatten().map(|place| (place.clone(), mark)));
        }
        marks
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
