//! Where in the objects the values show that a layer marks: as secret, as late, as not known yet.
//!
//! The engine tells places in documents; here they become JSON pointers into objects, and what names an object is left
//! alone: its key says that already.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{InputPlace, InputPlaces, Reason, Rendered as Output};
use helm_engine::tree::{InputMark, Node, NodeKind};
use serde_json::Value;

use super::render::read_documents;
use super::{Release, ReleaseError, hooks};
use crate::layers::stack::Stack;
use crate::manifest::mask::{Mark, ObjectMarks, Reason as Hidden};
use crate::manifest::object::{self, ObjectId, Scopes};

/// The pointers to what names an object.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

/// What the layers of a release mark at all.
pub(super) fn marks_of(stack: &Stack) -> InputMark {
    stack.layers.iter().fold(InputMark::PLAIN, |all, layer| {
        let all = if layer.sensitive { all.with(InputMark::SENSITIVE) } else { all };
        all.with(marks_in(&layer.values))
    })
}

fn marks_in(node: &Node) -> InputMark {
    let below = match &node.kind {
        NodeKind::Map(map) => map.values().map(marks_in).fold(InputMark::PLAIN, InputMark::with),
        NodeKind::List(items) => items.iter().map(marks_in).fold(InputMark::PLAIN, InputMark::with),
        _ => InputMark::PLAIN,
    };
    node.mark.with(below)
}

/// What of one object depends on marked values, by JSON pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObjectInputs {
    /// Secret values, with the paths of the values.
    pub(super) sensitive: BTreeMap<String, BTreeSet<String>>,
    /// What is made of late values.
    pub(super) late: BTreeSet<String>,
    /// What is made of values that are not known yet.
    pub(super) unknown: BTreeSet<String>,
    /// Whether a value that is not known yet names the object.
    pub(super) unknown_identity: bool,
    /// Whether one says how often something is in it.
    pub(super) repeated: bool,
}

/// Tells what of each object depends on marked values, by the object's key.
///
/// # Errors
/// When a document cannot be read.
pub(super) fn of_objects(
    release: &Release<'_>,
    output: &Output,
    scopes: &Scopes,
) -> Result<BTreeMap<String, ObjectInputs>, ReleaseError> {
    let none = InputPlaces::default();
    let of_manifests = output.manifests.iter().zip(&output.trace.manifest_inputs);
    let hooks = output.hooks.iter().zip(&output.trace.hook_inputs);
    let of_hooks = hooks
        .filter(|(hook, _)| hooks::is_taken(release, hook))
        .map(|(hook, places)| (&hook.manifest, places));
    let mut found = BTreeMap::new();
    for (manifest, places) in of_manifests.chain(of_hooks).filter(|(_, places)| **places != none) {
        let Some(document) = read_documents(release, &manifest.text)?.into_iter().next() else { continue };
        for (object, places) in items(document, places) {
            if let Ok(id) = ObjectId::read(&object, release.namespace, scopes) {
                found.insert(id.key(), ObjectInputs::of(&object, &places));
            }
        }
    }
    Ok(found)
}

/// Takes a list of objects apart, with the places of each.
fn items(mut document: Value, places: &InputPlaces) -> Vec<(Value, InputPlaces)> {
    let is_list = document["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    let items = match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        taken => {
            if let Some(taken) = taken {
                document["items"] = taken;
            }
            return vec![(document, places.clone())];
        }
    };
    let within = |all: &[InputPlace], index: usize| -> Vec<InputPlace> {
        let own = ["items".to_owned(), index.to_string()];
        let below = all.iter().filter(|place| place.path.iter().zip(&own).all(|(a, b)| **a == **b));
        below
            .map(|place| InputPlace { path: place.path.iter().skip(2).cloned().collect(), ..place.clone() })
            .collect()
    };
    let parts = items.into_iter().enumerate().map(|(index, item)| {
        let inner = InputPlaces {
            sensitive: within(&places.sensitive, index),
            late: within(&places.late, index),
            unknown: within(&places.unknown, index),
            repeated: places.repeated,
        };
        (item, inner)
    });
    parts.collect()
}

impl ObjectInputs {
    fn of(object: &Value, places: &InputPlaces) -> Self {
        let mut found = ObjectInputs { repeated: places.repeated, ..ObjectInputs::default() };
        for place in &places.sensitive {
            for pointer in spread(&pointer(&place.path), object) {
                found.sensitive.entry(pointer).or_default().extend(paths(&place.reasons));
            }
        }
        found.late = places.late.iter().flat_map(|place| spread(&pointer(&place.path), object)).collect();
        for place in &places.unknown {
            let pointer = pointer(&place.path);
            found.unknown_identity |= pointer.is_empty() || IDENTITY.contains(&pointer.as_str());
            found.unknown.extend(spread(&pointer, object));
        }
        found
    }

    /// Returns how the values are shown. `is_pinned` tells of the path of a secret value whether a number that the user
    /// counts up decides its revision.
    pub(super) fn to_marks(&self, object: &Value, is_pinned: impl Fn(&str) -> bool) -> ObjectMarks {
        let mut marks = ObjectMarks::default();
        for pointer in self.late.iter().filter(|pointer| !is_content_of_secret(object, pointer)) {
            let mark = if self.is_unknown(pointer) { Mark::Unknown } else { Mark::Late };
            marks.at.insert(pointer.clone(), mark);
        }
        for (pointer, paths) in &self.sensitive {
            let pinned = !paths.is_empty() && paths.iter().all(|path| is_pinned(path));
            let mark = if pinned { Mark::Pinned } else { Mark::Hidden(Hidden::Sensitive) };
            marks.at.retain(|other, _| !is_within(other, pointer));
            marks.at.insert(pointer.clone(), mark);
        }
        marks
    }

    /// Tells whether what is at a pointer, or in it, is made of a value that is not known yet.
    pub(super) fn is_unknown(&self, pointer: &str) -> bool {
        self.unknown.iter().any(|unknown| is_within(unknown, pointer) || is_within(pointer, unknown))
    }
}

/// Tells whether a pointer leads to where another does, or into it.
pub(super) fn is_within(pointer: &str, other: &str) -> bool {
    pointer.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Tells whether a pointer leads into what a Secret holds, which is never shown whatever else is said of it.
pub(super) fn is_content_of_secret(object: &Value, pointer: &str) -> bool {
    object::is_secret(object) && ["/data", "/stringData"].iter().any(|field| is_within(pointer, field))
}

/// Replaces a pointer to an object as a whole, or to its metadata, by those to what is in it and does not name it.
fn spread(pointer: &str, object: &Value) -> Vec<String> {
    if IDENTITY.contains(&pointer) {
        return Vec::new();
    }
    if !matches!(pointer, "" | "/metadata") {
        return vec![pointer.to_owned()];
    }
    let inner = object.pointer(pointer).and_then(Value::as_object);
    let inner = inner.into_iter().flatten().map(|(key, _)| format!("{pointer}/{}", escape(key)));
    inner.flat_map(|pointer| spread(&pointer, object)).collect()
}

fn pointer(path: &[std::sync::Arc<str>]) -> String {
    path.iter().map(|step| format!("/{}", escape(step))).collect()
}

fn escape(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn paths(reasons: &BTreeSet<Reason>) -> impl Iterator<Item = String> {
    reasons.iter().filter_map(|reason| match reason {
        Reason::Sensitive(path) => Some(path.to_string()),
        _ => None,
    })
}
