//! All that a plan shows of a set of objects, in one call.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::common_labels::CommonLabels;
use super::display::DisplayForm;
use super::images::{self, Use};
use super::mask::{Concealed, Mark, Masker, ObjectMarks, conceal, holds_private_key};
use super::object::ObjectId;
use super::{canonical, digest};

/// One object of a set, with what is known of its values.
#[derive(Debug, Clone, PartialEq)]
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
    /// `object path` → value, of what may be known later than the rest; none where it is not known yet.
    pub late: BTreeMap<String, Option<String>>,
    /// Labels and annotations stamped on the objects.
    pub common_labels: BTreeMap<String, String>,
    /// Image → where it runs.
    pub images: BTreeMap<String, Vec<Use>>,
    /// Digest of the full objects, late values included; what is not known yet counts as absent.
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
        part.concealed
            .late
            .iter()
            .map(|(path, value)| (format!("{} {path}", part.key), value.as_ref().map(shown_late)))
    });
    Surface {
        manifests: manifests.collect(),
        late: late.collect(),
        common_labels: common.shown(),
        images: images::of_objects(parts.iter().map(|part| (part.key.as_str(), &*part.with_late))),
        digest: digest::of_set(parts.iter().map(|part| (part.key.as_str(), part.digest.as_str()))),
        object_digests: parts.iter().map(|part| (part.key.clone(), part.digest.clone())).collect(),
    }
}

struct Part<'a> {
    key: String,
    concealed: Concealed<'a>,
    /// The object without what is hidden, late values still in it.
    with_late: Cow<'a, Value>,
    digest: String,
}

fn part<'a>(desired: &'a Desired, masker: &mut Masker<'_>) -> Part<'a> {
    let key = desired.id.key();
    let (mut canonical, mut private_key) = (String::new(), false);
    canonical::write_seeing(&desired.object, &mut canonical, |text| private_key |= holds_private_key(text));
    let concealed = conceal(&key, &desired.object, &desired.marks, private_key, masker);
    let with_late = with_late(desired, &concealed);
    let digest = match &with_late {
        Cow::Borrowed(_) => digest::of_canonical(&canonical),
        Cow::Owned(object) => digest::of_object(object),
    };
    Part { key, concealed, with_late, digest }
}

/// Puts the late values back that are known and not hidden.
fn with_late<'a>(desired: &'a Desired, concealed: &Concealed<'a>) -> Cow<'a, Value> {
    let mut object = concealed.object.clone();
    if !concealed.late.is_empty() {
        let late = desired.marks.at.iter().filter(|(_, mark)| **mark == Mark::Late);
        for (pointer, _) in late {
            put_back(object.to_mut(), pointer, &desired.object);
        }
    }
    object
}

fn put_back(object: &mut Value, pointer: &str, desired: &Value) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let last = last.replace("~1", "/").replace("~0", "~");
    let Some(value) = desired.pointer(pointer) else { return };
    match object.pointer_mut(parent) {
        Some(Value::Object(map)) => drop(map.insert(last, value.clone())),
        Some(Value::Array(list)) => {
            if let Some(element) = last.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                element.clone_from(value);
            }
        }
        _ => {}
    }
}

fn shown_late(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical::to_string(value), str::to_owned)
}
