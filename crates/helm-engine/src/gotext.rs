//! How Go words things in the messages that charts' errors carry: `%q`, type names, `%t` of what is no boolean.
//!
//! Only what the loading and merging of charts needs; the verbs that templates can reach are in [`crate::template`].

use crate::tree::{Node, NodeKind};

/// Returns Go's `%q` of a text.
pub(crate) fn quote(text: &str) -> String {
    crate::template::unicode::quote(text.as_bytes())
}

/// Returns Go's name of the type that a value of this kind has in an `interface {}`.
pub(crate) fn type_name(kind: &NodeKind) -> &'static str {
    match kind {
        NodeKind::Null => "nil",
        NodeKind::Bool(_) => "bool",
        NodeKind::Int(_) => "int64",
        NodeKind::Float(_) => "float64",
        NodeKind::String(_) => "string",
        NodeKind::List(_) => "[]interface {}",
        NodeKind::Map(_) => "map[string]interface {}",
    }
}

/// Returns what `%v` prints.
pub(crate) fn print(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "<nil>".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Int(value) => value.to_string(),
        NodeKind::Float(value) => float(*value),
        NodeKind::String(text) => text.to_string(),
        NodeKind::List(items) => format!("[{}]", join(items.iter().map(print))),
        NodeKind::Map(map) => {
            format!("map[{}]", join(map.iter().map(|(key, value)| format!("{key}:{}", print(value)))))
        }
    }
}

/// Returns what `%t` prints, which is an error note for everything but booleans.
pub(crate) fn print_truth(node: &Node) -> String {
    match &node.kind {
        NodeKind::Null => "%!t(<nil>)".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::List(items) => format!("[{}]", join(items.iter().map(print_truth))),
        NodeKind::Map(map) => {
            format!(
                "map[{}]",
                join(map.iter().map(|(key, value)| format!("%!t(string={key}):{}", print_truth(value))))
            )
        }
        kind => format!("%!t({}={})", type_name(kind), print(node)),
    }
}

/// Returns the shortest `%v` of a float.
pub(crate) fn float(value: f64) -> String {
    crate::template::format_float(value)
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}
