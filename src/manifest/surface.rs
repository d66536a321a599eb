//! All that a plan shows of a set of objects, in one call.

use std::collections::BTreeMap;

use serde_json::Value;

use super::common_labels::CommonLabels;
use super::display::DisplayForm;
use super::images::{self, Use};
use super::mask::{Concealed, Masker, ObjectMarks, conceal};
use super::object::ObjectId;
use super::{canonical, digest};

/// One object of a set, with what is known of its values.
#[derive(Debug, Clone)]
pub struct Desired {
    /// What the object is called.
    pub id: ObjectId,
    /// The full object.
    pub object: Value,
    /// Which of its values are secret, drawn or late.
    pub marks: ObjectMarks,
}

/// How much of each object a plan and the state hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Every field.
    #[default]
    Full,
    /// A short digest.
    Summary,
}

/// What a plan shows of a set of objects; nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Surface {
    /// Key → display form, or a short digest.
    pub manifests: BTreeMap<String, String>,
    /// `object path` → value, of what is known only after the apply.
    pub late: BTreeMap<String, String>,
    /// Labels and annotations stamped on the objects.
    pub common_labels: BTreeMap<String, String>,
    /// Image → where it runs.
    pub images: BTreeMap<String, Vec<Use>>,
    /// Digest of the full objects, without late values.
    pub digest: String,
}

/// Gives what a plan shows of a set of objects; the masker keeps the revisions of what it hides.
pub fn surface(objects: &[Desired], detail: Detail, masker: &mut Masker<'_>) -> Surface {
    let keys: Vec<String> = objects.iter().map(|desired| desired.id.key()).collect();
    let concealed: Vec<Concealed<'_>> = keys
        .iter()
        .zip(objects)
        .map(|(key, desired)| conceal(key, &desired.object, &desired.marks, masker))
        .collect();
    let named = || keys.iter().map(String::as_str).zip(concealed.iter().map(|concealed| &*concealed.object));
    let common = CommonLabels::of(named().map(|(_, object)| object));
    let manifests = named().map(|(key, object)| {
        let form = DisplayForm::of(object, &common);
        (key.to_owned(), if detail == Detail::Full { form.to_json() } else { form.summary() })
    });
    let late = keys.iter().zip(&concealed).flat_map(|(key, concealed)| {
        concealed.late.iter().map(move |(path, value)| (format!("{key} {path}"), shown_late(value)))
    });
    Surface {
        manifests: manifests.collect(),
        late: late.collect(),
        common_labels: common.shown(),
        images: images::of_objects(named()),
        digest: digest::of_objects(named()),
    }
}

fn shown_late(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical::to_string(value), str::to_owned)
}
