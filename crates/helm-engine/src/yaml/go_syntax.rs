//! Values as Go's `%#v` prints them, for the messages that show a bad key.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::compose::{Document, Index, Kind, NONE};
use super::construct::{Content, scalar_content};
use crate::number;
use crate::template::unicode::quote;

/// How deep a value is shown.
const MAX_DEPTH: usize = 200;

/// Formats a node; a nil at the top is `<nil>`, and inside others `interface {}(nil)`.
pub(super) fn format(document: &Document<'_>, index: Index, plus: bool) -> String {
    match scalar_content(document, index) {
        Ok(Content::Null) if matches!(document.node(index).kind, Kind::Scalar { .. }) => "<nil>".to_owned(),
        _ => {
            let mut out = String::new();
            write_node(&mut out, document, index, if plus { 1 } else { 0 });
            out
        }
    }
}

/// Formats a scalar.
pub(super) fn format_scalar(content: &Content<'_>) -> String {
    match content {
        Content::Null => "interface {}(nil)".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Int(value) => value.to_string(),
        Content::Uint(value) => format!("{value:#x}"),
        Content::Float(value) => number::format_g(*value),
        Content::Text(text) => quote(text.as_bytes()),
    }
}

fn write_node(out: &mut String, document: &Document<'_>, index: Index, depth: usize) {
    let node = document.node(index);
    let (index, node) = match node.kind {
        Kind::Alias(target) => (target, document.node(target)),
        _ => (index, node),
    };
    if depth > MAX_DEPTH {
        out.push_str("...");
        return;
    }
    match node.kind {
        Kind::Sequence => {
            out.push_str("[]interface {}{");
            let mut next = node.first;
            while next != NONE {
                write_node(out, document, next, depth + 1);
                next = document.node(next).next;
                out.push_str(if next == NONE { "" } else { ", " });
            }
            out.push('}');
        }
        Kind::Mapping => write_map(out, document, node.first, depth),
        _ => out
            .push_str(&scalar_content(document, index).map_or_else(|_| String::new(), |c| format_scalar(&c))),
    }
}

fn write_map(out: &mut String, document: &Document<'_>, first: Index, depth: usize) {
    let mut entries = BTreeMap::new();
    let mut key = first;
    while key != NONE {
        let value = document.node(key).next;
        let (mut shown_key, mut shown_value) = (String::new(), String::new());
        write_node(&mut shown_key, document, key, depth + 1);
        write_node(&mut shown_value, document, value, depth + 1);
        entries.insert((document.node(key).text.clone(), shown_key), shown_value);
        key = document.node(value).next;
    }
    out.push_str("map[interface {}]interface {}{");
    for (at, ((_, key), value)) in entries.iter().enumerate() {
        let _ = write!(out, "{}{key}:{value}", if at == 0 { "" } else { ", " });
    }
    out.push('}');
}
