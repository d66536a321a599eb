//! The values of all layers as one map, with what is known of each.

use std::collections::BTreeMap;

use helm_engine::tree::{InputMark, Node, NodeKind};
use serde_json::Value;

use crate::layers::stack::{Stack, overlay};
use crate::manifest::mask::{Mark, ObjectMarks, Reason};
use crate::notation::FieldPath;
use crate::release::objects;

/// Values, and what is known of them by JSON pointer.
#[derive(Debug)]
pub(super) struct Values {
    /// The map.
    pub(super) map: Value,
    /// Whether values of sensitive layers are in it.
    pub(super) holds_sensitive: bool,
    marks: BTreeMap<String, Mark>,
}

impl Values {
    /// Puts the layers together as Helm does with values files; those of sensitive layers are left out where they are
    /// `kept_apart`. `is_secret` tells of a path whether its value ends in a Secret.
    pub(super) fn of(layers: &Stack, kept_apart: bool, is_secret: impl Fn(&str) -> bool) -> Self {
        let pinned = layers.pinned();
        let mut merged = Node::map(Default::default());
        for layer in &layers.layers {
            let inherited = if layer.sensitive { InputMark::SENSITIVE } else { InputMark::PLAIN };
            merged = overlay(&merged, &marked(&layer.values, inherited));
        }
        if kept_apart {
            merged = without_sensitive(&merged).unwrap_or_else(|| Node::map(Default::default()));
        }
        let mut values =
            Values { map: objects::to_json(&merged), holds_sensitive: false, marks: BTreeMap::new() };
        let mut place = Place::default();
        values.collect(&merged, &mut place, &|path, engine_path| {
            (is_secret(path), pinned.contains(engine_path))
        });
        values
    }

    /// Gives the marks of an object that has the values at a pointer.
    pub(super) fn marks_at(&self, prefix: &str) -> ObjectMarks {
        ObjectMarks { at: self.marks.iter().map(|(at, mark)| (format!("{prefix}{at}"), *mark)).collect() }
    }

    fn collect(&mut self, node: &Node, place: &mut Place, known: &impl Fn(&str, &str) -> (bool, bool)) {
        match &node.kind {
            NodeKind::Map(map) if !map.is_empty() => {
                for (key, value) in map.iter() {
                    place.below_key(key, |place| self.collect(value, place, known));
                }
            }
            NodeKind::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    place.below_index(index, |place| self.collect(item, place, known));
                }
            }
            _ => {
                let (secret, pinned) = known(place.path.as_str(), &place.engine);
                self.holds_sensitive |= node.mark.sensitive;
                let mark = match node.mark {
                    mark if mark.unknown => Mark::Unknown,
                    mark if mark.sensitive && pinned => Mark::Pinned,
                    mark if mark.sensitive || secret => Mark::Hidden(Reason::Sensitive),
                    _ => return,
                };
                self.marks.insert(place.pointer.clone(), mark);
            }
        }
    }
}

/// A place among values in the three notations that it has.
#[derive(Default)]
struct Place {
    pointer: String,
    path: FieldPath,
    engine: String,
}

impl Place {
    fn below_key(&mut self, key: &str, visit: impl FnOnce(&mut Self)) {
        let lengths = (self.pointer.len(), self.path.len(), self.engine.len());
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        self.path.push_field(key);
        if !self.engine.is_empty() {
            self.engine.push('.');
        }
        self.engine.push_str(&key.replace('.', "\\."));
        visit(self);
        self.truncate(lengths);
    }

    fn below_index(&mut self, index: usize, visit: impl FnOnce(&mut Self)) {
        let lengths = (self.pointer.len(), self.path.len(), self.engine.len());
        self.pointer.push_str(&format!("/{index}"));
        self.path.push_index(index);
        self.engine.push_str(&format!("[{index}]"));
        visit(self);
        self.truncate(lengths);
    }

    fn truncate(&mut self, (pointer, path, engine): (usize, usize, usize)) {
        self.pointer.truncate(pointer);
        self.path.truncate(path);
        self.engine.truncate(engine);
    }
}

/// Writes what is known of a whole tree to each of its leaves, so that trees can be put over each other.
fn marked(node: &Node, inherited: InputMark) -> Node {
    let mark = node.mark.with(inherited);
    let kind = match &node.kind {
        NodeKind::Map(map) => NodeKind::Map(
            map.iter()
                .map(|(key, value)| (key.clone(), marked(value, mark)))
                .collect::<helm_engine::tree::NodeMap>()
                .into(),
        ),
        NodeKind::List(items) => {
            NodeKind::List(items.iter().map(|item| marked(item, mark)).collect::<Vec<_>>().into())
        }
        other => other.clone(),
    };
    Node { kind, mark, ..node.clone() }
}

/// Leaves out what is sensitive, lists that hold any of it as a whole.
fn without_sensitive(node: &Node) -> Option<Node> {
    match &node.kind {
        NodeKind::Map(map) if !map.is_empty() => {
            let kept: helm_engine::tree::NodeMap = map
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), without_sensitive(value)?)))
                .collect();
            (!kept.is_empty()).then(|| Node { kind: NodeKind::Map(kept.into()), ..node.clone() })
        }
        NodeKind::List(items) if items.iter().any(|item| item.mark.sensitive) => None,
        _ => (!node.mark.sensitive).then(|| node.clone()),
    }
}
