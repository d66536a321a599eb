//! What a line of a layer reaches: the keys that it writes, and the fields that a change of them changes.
//!
//! Sound for the line as it is: a change of the line's values that leaves the key in place changes no object that is not
//! named here. What depends on a value today is named by field; an object whose template merely read the value, in a
//! condition that is closed, say, may change and is named as a whole.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{Reason, Rendered};
use helm_engine::tree::{Node, NodeKind};

use super::super::secrets::in_plan_notation;
use super::objects::{Explained, ExplainedField};
use super::origins::{Origins, is_within, position_of};
use crate::layers::layer::Layer;
use crate::notation::FieldPath;

/// A key that a line writes.
#[derive(Clone, Debug)]
pub struct Key<'a> {
    /// Its path, as a plan writes it.
    pub path: String,
    /// Its value: no map with keys.
    pub value: &'a Node,
}

/// What a line reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The objects with the fields that depend on it now, by key.
    pub objects: BTreeMap<String, Reached>,
    /// The templates that read it, with the chart's full path before each: where new objects may come from.
    pub readers: Vec<String>,
    /// Whether it switches a subchart on or off, so that all objects may come, go or change.
    pub switches_subcharts: bool,
}

/// What a line reaches of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The fields that depend on it now; empty if its template only reads the value.
    pub fields: Vec<String>,
    /// The template.
    pub template: String,
}

impl Reach {
    /// Tells whether nothing is reached.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.readers.is_empty() && !self.switches_subcharts
    }
}

/// Lists the keys that a line of a layer's file writes, or, where the line only opens a map, the keys in that map. Items of
/// a list are keys of their own. Empty where the line writes nothing.
pub fn keys_at(layer: &Layer, line: u32) -> Vec<Key<'_>> {
    let mut keys = Vec::new();
    collect(&layer.values, line, false, &mut FieldPath::root(), &mut keys);
    keys
}

/// Lists the lines of a layer's file that write something, each with the path of what it writes.
pub fn lines(layer: &Layer) -> BTreeMap<u32, String> {
    let mut keys = Vec::new();
    collect(&layer.values, 0, true, &mut FieldPath::root(), &mut keys);
    keys.into_iter().rev().map(|key| (position_of(key.value).line, key.path)).collect()
}

fn collect<'a>(node: &'a Node, line: u32, inside: bool, path: &mut FieldPath, keys: &mut Vec<Key<'a>>) {
    let is_root = path.is_empty();
    let inside = inside || !is_root && is_on(node, line);
    match &node.kind {
        NodeKind::Map(map) if !map.is_empty() => {
            for (key, value) in map.iter() {
                let length = path.len();
                path.push_field(key);
                collect(value, line, inside, path, keys);
                path.truncate(length);
            }
        }
        NodeKind::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let length = path.len();
                path.push_index(index);
                collect(item, line, inside, path, keys);
                path.truncate(length);
            }
        }
        _ if inside => keys.push(Key { path: path.as_str().to_owned(), value: node }),
        _ => {}
    }
}

/// Tells whether a line is one of a key with its value: of a text all of its lines, of a map or list that of its key. An
/// item of a list has no line beside those of what is in it.
fn is_on(node: &Node, line: u32) -> bool {
    let start = position_of(node).line;
    match &node.kind {
        NodeKind::Map(map) if !map.is_empty() => line == start && node.key_position != node.position,
        NodeKind::List(items) if !items.is_empty() => line == start && node.key_position != node.position,
        NodeKind::String(text) => {
            let breaks = text.trim_end_matches('\n').matches('\n').count() + usize::from(text.contains('\n'));
            (start..=node.position.line.max(start) + u32::try_from(breaks).unwrap_or_default())
                .contains(&line)
        }
        _ => (start..=node.position.line.max(start)).contains(&line),
    }
}

/// Finds what the keys of a layer reach; `source` is the number that the layer's positions carry.
pub fn reach(
    output: &Rendered,
    objects: &[Explained],
    origins: &Origins<'_>,
    source: u32,
    keys: &[Key<'_>],
) -> Reach {
    let paths = effective_paths(origins, source, keys);
    let is_told = |reason: &Reason| paths.holds(reason);
    let switches_subcharts = output.trace.subcharts.iter().any(is_told);
    let templates = output.trace.templates.iter();
    let readers: BTreeSet<&str> = templates
        .filter(|template| template.reads.iter().any(|reason| paths.may_hold(reason)))
        .map(|template| template.template.as_str())
        .collect();
    let mut found = Reach { switches_subcharts, ..Reach::default() };
    for object in objects {
        let depends = |field: &&ExplainedField| field.data.iter().chain(&field.control).any(is_told);
        let fields: Vec<String> =
            object.fields.iter().filter(depends).map(|field| field.path.clone()).collect();
        if !fields.is_empty() || switches_subcharts || readers.contains(object.template.as_str()) {
            found.objects.insert(object.id.key(), Reached { fields, template: object.template.clone() });
        }
    }
    found.readers = readers.into_iter().map(str::to_owned).collect();
    found
}

/// Where templates see what keys write, in the notation of a plan.
#[derive(Debug, Default)]
struct Paths {
    /// The values: none for a key that a higher layer shadows, several for what subcharts see under a path of their own.
    values: BTreeSet<String>,
    /// The maps that they are keys of.
    around: BTreeSet<String>,
}

impl Paths {
    /// Tells whether a reason is one of the values, or in one of them.
    fn holds(&self, reason: &Reason) -> bool {
        match reason {
            Reason::Value(path)
            | Reason::Shape(path)
            | Reason::Sensitive(path)
            | Reason::Late(path)
            | Reason::Unknown(path)
            | Reason::Undecided(path) => {
                let path = in_plan_notation(path);
                self.values.iter().any(|value| is_within(&path, value))
            }
            Reason::Generated(_) | Reason::Fact(_) | Reason::File(_) => false,
        }
    }

    /// Tells the same also of what sees whether the keys are there at all, which a null changes.
    fn may_hold(&self, reason: &Reason) -> bool {
        let is_around = |path: &str| self.around.contains(&in_plan_notation(path));
        self.holds(reason) || matches!(reason, Reason::Shape(path) if is_around(path))
    }
}

fn effective_paths(origins: &Origins<'_>, source: u32, keys: &[Key<'_>]) -> Paths {
    let positions: BTreeSet<_> = keys.iter().map(|key| position_of(key.value)).collect();
    let is_ours = |node: &Node| {
        let position = position_of(node);
        position.source == source && position.line > 0 && positions.contains(&position)
    };
    let (mut paths, mut seen) = (Paths::default(), BTreeSet::new());
    visit(origins.given.values, &mut FieldPath::root(), "", &mut |path, around, node| {
        seen.insert(path.to_owned());
        if is_ours(node) {
            paths.values.insert(path.to_owned());
            paths.around.insert(around.to_owned());
        }
    });
    // A null removes what it decides, so nothing of it is left to be found by its position.
    for decision in origins.decisions().iter().filter(|one| !one.by_chart && is_ours(one.winner.value)) {
        if !seen.contains(&decision.path) {
            let around = decision.path.rfind(['.', '[']).map_or("", |at| &decision.path[..at]);
            paths.around.insert(around.to_owned());
            paths.values.insert(decision.path.clone());
        }
    }
    paths
}

fn visit(node: &Node, path: &mut FieldPath, around: &str, seen: &mut dyn FnMut(&str, &str, &Node)) {
    seen(path.as_str(), around, node);
    let here = path.as_str().to_owned();
    let length = path.len();
    match &node.kind {
        NodeKind::Map(map) => {
            for (key, value) in map.iter() {
                path.push_field(key);
                visit(value, path, &here, seen);
                path.truncate(length);
            }
        }
        NodeKind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                visit(item, path, &here, seen);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# c\nimage:\n  tag: v1\n  pull: Always\nnote: |\n  one\n\n  two\nargs:\n  - a\n  - b: 1\n    c: 2\nlast: {x: 1, z: 2}\n";

    fn check(line: u32, expected: &[&str]) {
        let layer = Layer::read("l", Some("l.yaml"), TEXT.as_bytes(), 0).expect("it is a layer");
        let keys = keys_at(&layer, line);
        assert_eq!(keys.iter().map(|key| key.path.as_str()).collect::<Vec<_>>(), expected, "line {line}");
    }

    #[test]
    fn a_line_writes_the_keys_that_begin_there_and_all_in_them() {
        check(1, &[]);
        check(2, &["image.pull", "image.tag"]);
        check(3, &["image.tag"]);
        check(5, &["note"]);
        check(8, &["note"]);
        check(9, &["args[0]", "args[1].b", "args[1].c"]);
        check(10, &["args[0]"]);
        check(11, &["args[1].b"]);
        check(12, &["args[1].c"]);
        check(13, &["last.x", "last.z"]);
        check(14, &[]);
    }

    #[test]
    fn lines_that_write_something_are_known() {
        let layer = Layer::read("l", Some("l.yaml"), TEXT.as_bytes(), 0).expect("it is a layer");
        assert_eq!(lines(&layer).keys().copied().collect::<Vec<_>>(), [3, 4, 5, 10, 11, 12, 13]);
    }
}
