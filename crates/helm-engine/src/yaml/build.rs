//! What the reader builds: nodes with positions, and engine values with marks.

use std::rc::Rc;
use std::sync::Arc;

use super::compose::RawNode;
use super::construct::{Builder, Content};
use crate::trace::Marks;
use crate::tree::{Node, NodeKind, NodeMap, Position};
use crate::value::{Entries, Segment, Value};

/// Builds [`Node`]s.
pub(super) struct NodeBuilder {
    /// The number of the source.
    pub(super) source: u32,
    /// How many lines of the source come before the text.
    pub(super) lines_before: u32,
}

impl NodeBuilder {
    fn position(&self, node: &RawNode<'_>) -> Position {
        Position { source: self.source, line: self.lines_before + node.line + 1, column: node.column + 1 }
    }

    fn node(&self, raw: &RawNode<'_>, kind: NodeKind) -> Node {
        let position = self.position(raw);
        Node { kind, position, key_position: position, ..Node::default() }
    }
}

impl Builder for NodeBuilder {
    type Out = Node;
    type Entries = NodeMap;

    fn scalar(&mut self, node: &RawNode<'_>, content: Content<'_>) -> Node {
        let kind = match content {
            Content::Null => NodeKind::Null,
            Content::Bool(value) => NodeKind::Bool(value),
            Content::Int(value) => NodeKind::Float(value as f64),
            Content::Uint(value) => NodeKind::Float(value as f64),
            Content::Float(value) => NodeKind::Float(value),
            Content::Text(text) => NodeKind::String(Arc::from(&*text)),
        };
        self.node(node, kind)
    }

    fn list(&mut self, node: &RawNode<'_>, items: Vec<Node>) -> Node {
        self.node(node, NodeKind::List(Arc::new(items)))
    }

    fn insert(&mut self, entries: &mut NodeMap, key_node: &RawNode<'_>, key: &str, mut value: Node) {
        value.key_position = self.position(key_node);
        entries.insert(Arc::from(key), value);
    }

    fn map(&mut self, node: &RawNode<'_>, entries: NodeMap) -> Node {
        self.node(node, NodeKind::Map(Arc::new(entries)))
    }
}

/// Builds [`Value`]s whose marks come from the segments of the text they were read from.
pub(super) struct ValueBuilder<'s> {
    /// The segments of the text; empty if it has none.
    pub(super) segments: &'s [Segment],
}

impl ValueBuilder<'_> {
    fn marks(&self, node: &RawNode<'_>) -> Marks {
        if self.segments.is_empty() {
            return Marks::NONE;
        }
        marks_between(self.segments, node.start as usize, node.end as usize)
    }
}

/// Returns the marks of all segments that overlap a range of bytes.
pub fn marks_between(segments: &[Segment], start: usize, end: usize) -> Marks {
    let from = segments.partition_point(|segment| segment.end <= start);
    let mut begins = start;
    let mut marks = Marks::NONE;
    for segment in &segments[from..] {
        if begins >= end && begins > start {
            break;
        }
        marks = marks.union(segment.marks);
        begins = segment.end;
    }
    marks
}

impl Builder for ValueBuilder<'_> {
    type Out = Value;
    type Entries = Entries;

    fn scalar(&mut self, node: &RawNode<'_>, content: Content<'_>) -> Value {
        let value = match content {
            Content::Null => Value::NIL,
            Content::Bool(value) => Value::bool(value),
            Content::Int(value) => Value::float(value as f64),
            Content::Uint(value) => Value::float(value as f64),
            Content::Float(value) => Value::float(value),
            Content::Text(text) => Value::from(&*text),
        };
        value.marked(self.marks(node))
    }

    fn list(&mut self, _node: &RawNode<'_>, items: Vec<Value>) -> Value {
        Value::list(items)
    }

    fn insert(&mut self, entries: &mut Entries, key_node: &RawNode<'_>, key: &str, value: Value) {
        entries.insert(Rc::from(key.as_bytes()), value.marked(self.marks(key_node)));
    }

    fn map(&mut self, _node: &RawNode<'_>, entries: Entries) -> Value {
        Value::map(entries)
    }
}
