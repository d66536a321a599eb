//! All that a plan shows of a set of objects, in one call.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::common_labels::CommonLabels;
use super::display::DisplayForm;
use super::images::{self, Use};
use super::mask::{Concealed, Masker, ObjectMarks, conceal, holds_private_key};
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
    /// Key → digest of the full object, for a [change set](super::change_set); too much for a state.
    pub object_digests: BTreeMap<String, String>,
}

/// Gives what a plan shows of a set of objects; the masker keeps the revisions of what it hides.
pub fn surface(objects: &[Desired], detail: Detail, masker: &mut Masker<'_>) -> Surface {
    let parts: Vec<Part<'_>> = objects.iter().map(|desired| part(desired, masker)).collect();
    let named = || parts.iter().map(|part| (part.key.as_str(), &*part.concealed.object));
    let common = CommonLabels::of(named().map(|(_, object)| object));
    let manifests = named().map(|(key, object)| {
        let form = DisplayForm::of(object, &common);
        (key.to_owned(), if detail == Detail::Full { form.to_json() } else { form.summary() })
    });
    let late = parts.iter().flat_map(|part| {
        part.concealed.late.iter().map(|(path, value)| (format!("{} {path}", part.key), shown_late(value)))
    });
    Surface {
        manifests: manifests.collect(),
        late: late.collect(),
        common_labels: common.shown(),
        images: images::of_objects(named()),
        digest: digest::of_set(parts.iter().map(|part| (part.key.as_str(), part.digest.as_str()))),
        object_digests: parts.iter().map(|part| (part.key.clone(), part.digest.clone())).collect(),
    }
}

struct Part<'a> {
    key: String,
    concealed: Concealed<'a>,
    digest: String,
}

fn part<'a>(desired: &'a Desired, masker: &mut Masker<'_>) -> Part<'a> {
    let key = desired.id.key();
    let (mut canonical, mut private_key) = (String::new(), false);
    canonical::write_seeing(&desired.object, &mut canonical, |text| private_key |= holds_private_key(text));
    let concealed = conceal(&key, &desired.object, &desired.marks, private_key, masker);
    let digest = match &concealed.object {
        Cow::Borrowed(_) => digest::of_canonical(&canonical),
        Cow::Owned(object) => digest::of_object(object),
    };
    Part { key, concealed, digest }
}

fn shown_late(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical::to_string(value), str::to_owned)
}
