//! Coalesced values to what templates compute with.
//!
//! In a traced render every leaf is marked with its path, and every map and list knows its own.

use std::rc::Rc;

use crate::trace::{Mark, Marks};
use crate::tree::{InputMark, Node, NodeKind, NodeMap};
use crate::value::{Data, Entries, IntType, List, Map, MapType, Value};

/// Whether the values made are marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    Off,
    On,
}

/// Makes the root map of a chart's values.
pub(super) fn root(values: &NodeMap, marking: Marking) -> Map {
    match marking {
        Marking::Off => Map::typed(MapType::Values, entries(values)),
        Marking::On => marked_map(values, MapType::Values, "", InputMark::PLAIN),
    }
}

fn entries(map: &NodeMap) -> Entries {
    map.iter().map(|(key, node)| (Rc::from(key.as_bytes()), plain(node))).collect()
}

fn plain(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Map(map) => Value::map(entries(map)),
        NodeKind::List(items) => Value::list(items.iter().map(plain).collect()),
        kind => scalar(kind).into(),
    }
}

fn scalar(kind: &NodeKind) -> Data {
    match kind {
        NodeKind::Bool(value) => Data::Bool(*value),
        NodeKind::Int(value) => Data::Int(IntType::Int64, *value),
        NodeKind::Float(value) => Data::Float(*value),
        NodeKind::String(text) => Value::from(&**text).data,
        _ => Data::Nil,
    }
}

fn marked_map(map: &NodeMap, kind: MapType, path: &str, above: InputMark) -> Map {
    let entries = map.iter().map(|(key, node)| {
        let path = crate::trace::key_path(path, key.as_bytes());
        (Rc::from(key.as_bytes()), marked(node, &path, above))
    });
    Map::at_path(kind, entries.collect(), path.into())
}

fn marked(node: &Node, path: &str, above: InputMark) -> Value {
    let input = node.mark.with(above);
    let given = input_marks(input, &node.kind, path);
    let value: Value = match &node.kind {
        NodeKind::Map(map) => Data::Map(marked_map(map, MapType::Any, path, input)).into(),
        NodeKind::List(items) => {
            let items = items
                .iter()
                .enumerate()
                .map(|(index, item)| marked(item, &format!("{path}[{index}]"), input));
            Data::List(List::at_path(items.collect(), path.into())).into()
        }
        kind => Value::from(scalar(kind)).marked(Marks::one(Mark::Value(path.into()))),
    };
    value.marked(given)
}

/// Returns the marks that the caller gave a value. The keys of a late map and the length of a late list are not late.
fn input_marks(input: InputMark, kind: &NodeKind, path: &str) -> Marks {
    let is_container = matches!(kind, NodeKind::Map(_) | NodeKind::List(_));
    let one = |wanted: bool, mark: fn(Rc<str>) -> Mark| match wanted {
        true => Marks::one(mark(path.into())),
        false => Marks::NONE,
    };
    if let NodeKind::String(text) = &kind
        && input.unknown
        && input.certain
    {
        crate::trace::note_certain(text);
    }
    one(input.sensitive, Mark::Sensitive)
        .union(one(input.late && !is_container, Mark::Late))
        .union(one(input.unknown, Mark::Unknown))
}

/// Makes a subchart's nested tables of globals the same maps as its parent's, as coalescing leaves them in Helm: a
/// table directly under `global` is the subchart's own, a table below that is shared.
pub(super) fn share_globals(parent: &Map, child: &Map) {
    let (Some(from), Some(into)) = (table(parent, "global"), table(child, "global")) else { return };
    for (key, outer) in from.entries().iter() {
        let (Some(outer), Some(own)) = (outer.as_map(), table(&into, key)) else { continue };
        for (inner, value) in outer.entries().iter() {
            if value.as_map().is_some() && table(&own, inner).is_some() {
                own.set(inner, value.clone());
            }
        }
    }
}

pub(super) fn table(map: &Map, key: impl AsRef<[u8]>) -> Option<Map> {
    map.get(key)?.as_map().cloned()
}
