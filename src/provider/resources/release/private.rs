//! What a release keeps beside its state: Terraform stores it, never shows it, and hands it back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tf_provider::schema::Diagnostics;

use super::super::super::cluster_delivery::{Keeper, Kept};
use super::super::objects::description::Keep;
use super::super::objects::predecessor::Predecessor;
use super::desired::Desired;
use crate::delivery::FileIds;
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
    pub(super) delivered: FileIds,
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
    /// Who had the objects before, until everything is taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) predecessor: Option<Predecessor>,
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
}

impl Keep for Private {
    fn delivered(&mut self) -> &mut FileIds {
        &mut self.delivered
    }

    fn predecessor(&mut self) -> &mut Option<Predecessor> {
        &mut self.predecessor
    }

    fn draw(&mut self) -> Result<(), Diagnostics> {
        if self.seed.is_none() {
            self.seed = Some(Seed::draw()?);
        }
        Ok(())
    }
}

impl Keeper for Private {
    fn kept(&mut self) -> &mut Kept {
        &mut self.in_cluster
    }

    fn mask_key(&self) -> Option<[u8; 32]> {
        self.seed.as_ref().map(|seed| seed.mask_key)
    }

    fn revisions(&mut self) -> &mut Revisions {
        &mut self.revisions
    }

    fn marks(&self, key: &str) -> ObjectMarks {
        self.known_marks(key)
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
