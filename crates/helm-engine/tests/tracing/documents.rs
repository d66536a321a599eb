//! Rendered documents as leaves with the reasons told for them.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::Rendered;
use helm_engine::render::{FieldReasons, Reason};
use helm_engine::yaml::{Field, FieldKind};

/// A document's leaves by path.
#[derive(Default)]
pub(crate) struct Document {
    /// The template it came from.
    pub(crate) template: String,
    /// What each leaf holds.
    pub(crate) leaves: BTreeMap<Vec<String>, String>,
    /// What was told of each path.
    pub(crate) reasons: BTreeMap<Vec<String>, BTreeSet<Reason>>,
}

/// Returns a render's documents by an id that holds what tells them apart.
pub(crate) fn of(rendered: &Rendered) -> BTreeMap<String, Document> {
    let none = Vec::new();
    let manifests = rendered.manifests.iter().zip(reasons(&rendered.trace.manifests, &none));
    let hooks = rendered.hooks.iter().map(|hook| &hook.manifest).zip(reasons(&rendered.trace.hooks, &none));
    let mut found = BTreeMap::new();
    for (manifest, reasons) in manifests.chain(hooks) {
        let Some(field) = &manifest.fields else { continue };
        let text = |keys: &[&str]| {
            let value = keys.iter().try_fold(field, |field, key| field.get(key));
            value.and_then(Field::as_go_string).unwrap_or_default()
        };
        let id = format!(
            "{} {} {} {}",
            manifest.path,
            text(&["kind"]),
            text(&["metadata", "namespace"]),
            text(&["metadata", "name"])
        );
        let mut document = Document { template: manifest.path.clone(), ..Document::default() };
        leaves(field, &mut Vec::new(), &mut document.leaves);
        for told in reasons {
            let path = told.path.iter().map(|key| key.to_string()).collect();
            document.reasons.insert(path, told.reasons.clone());
        }
        let twin = (0..).map(|at| format!("{id} {at}")).find(|id| !found.contains_key(id));
        found.insert(twin.expect("a free number"), document);
    }
    found
}

fn reasons<'a>(
    told: &'a [Vec<FieldReasons>],
    none: &'a Vec<FieldReasons>,
) -> impl Iterator<Item = &'a Vec<FieldReasons>> {
    told.iter().chain(std::iter::repeat(none))
}

fn leaves(field: &Field, path: &mut Vec<String>, found: &mut BTreeMap<Vec<String>, String>) {
    let mut inner = |key: String, field: &Field| {
        path.push(key);
        leaves(field, path, found);
        path.pop();
    };
    match &field.kind {
        FieldKind::Map(map) if !map.is_empty() => {
            map.iter().for_each(|(key, field)| inner(key.clone(), field));
        }
        FieldKind::List(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(index, field)| inner(index.to_string(), field));
        }
        kind => {
            found.insert(path.clone(), format!("{kind:?}"));
        }
    }
}

impl Document {
    /// Returns the paths of leaves that are in one of both only, or differ.
    pub(crate) fn difference(&self, other: &Document) -> BTreeSet<Vec<String>> {
        let all = self.leaves.keys().chain(other.leaves.keys());
        all.filter(|path| self.leaves.get(*path) != other.leaves.get(*path)).cloned().collect()
    }

    /// Returns what was told of a path, of something that holds it, or of what it holds.
    pub(crate) fn told<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = &'a Reason> {
        let is_near = |known: &[String]| known.starts_with(path) || path.starts_with(known);
        self.reasons.iter().filter(move |(known, _)| is_near(known)).flat_map(|(_, reasons)| reasons)
    }
}
