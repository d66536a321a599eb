//! Fields of a rendered document and the bytes each of them came from, so that the marks of the text can be told of
//! the field.

use std::collections::BTreeMap;
use std::ops::Range;

use super::compose::RawNode;
use super::construct::{Builder, Content};

/// A value with the bytes it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The content, numbers with the type they are written in.
    pub kind: FieldKind,
    /// The bytes of the value; those of the anchored value if it is an alias. A scalar's quotes belong to it.
    pub span: Range<usize>,
    /// The bytes of its key; empty for list items and the root.
    pub key_span: Range<usize>,
    /// The line of the value, from one.
    pub line: u32,
}

/// The content of a [`Field`].
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number written as an integer.
    Int(i64),
    /// A number written as an integer that fits only `uint64`.
    Uint(u64),
    /// A number written with a fraction or exponent.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    List(Vec<Field>),
    /// A map; of several entries with the same key, the last.
    Map(BTreeMap<String, Field>),
}

impl Field {
    /// Returns the value under a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Field> {
        match &self.kind {
            FieldKind::Map(map) => map.get(key),
            _ => None,
        }
    }

    /// Returns the text that `sigs.k8s.io/yaml` puts into a Go field of type `string`: scalars are written out, null
    /// leaves it empty; none for lists and maps.
    pub fn as_go_string(&self) -> Option<String> {
        match &self.kind {
            FieldKind::Null => Some(String::new()),
            FieldKind::Bool(value) => Some(value.to_string()),
            FieldKind::Int(value) => Some(value.to_string()),
            FieldKind::Uint(value) => Some(value.to_string()),
            FieldKind::Float(value) => Some(crate::number::format_g_32(*value)),
            FieldKind::String(text) => Some(text.clone()),
            FieldKind::List(_) | FieldKind::Map(_) => None,
        }
    }

    /// Returns the name of the JSON type, as Go's messages call it: `object`, `array`, `string`, `number`, `bool`.
    pub fn json_type(&self) -> &'static str {
        match &self.kind {
            FieldKind::Null => "null",
            FieldKind::Bool(_) => "bool",
            FieldKind::Int(_) | FieldKind::Uint(_) | FieldKind::Float(_) => "number",
            FieldKind::String(_) => "string",
            FieldKind::List(_) => "array",
            FieldKind::Map(_) => "object",
        }
    }
}

/// Builds [`Field`]s.
pub(super) struct FieldBuilder;

fn span(node: &RawNode<'_>) -> Range<usize> {
    node.start as usize..node.end as usize
}

fn field(node: &RawNode<'_>, kind: FieldKind) -> Field {
    Field { kind, span: span(node), key_span: 0..0, line: node.line + 1 }
}

impl Builder for FieldBuilder {
    type Out = Field;
    type Entries = BTreeMap<String, Field>;

    fn scalar(&mut self, node: &RawNode<'_>, content: Content<'_>) -> Field {
        let kind = match content {
            Content::Null => FieldKind::Null,
            Content::Bool(value) => FieldKind::Bool(value),
            Content::Int(value) => FieldKind::Int(value),
            Content::Uint(value) => FieldKind::Uint(value),
            Content::Float(value) => FieldKind::Float(value),
            Content::Text(text) => FieldKind::String(text.into_owned()),
        };
        field(node, kind)
    }

    fn list(&mut self, node: &RawNode<'_>, items: Vec<Field>) -> Field {
        field(node, FieldKind::List(items))
    }

    fn insert(&mut self, entries: &mut Self::Entries, key_node: &RawNode<'_>, key: &str, mut value: Field) {
        value.key_span = span(key_node);
        entries.insert(key.to_owned(), value);
    }

    fn map(&mut self, node: &RawNode<'_>, entries: Self::Entries) -> Field {
        field(node, FieldKind::Map(entries))
    }
}
