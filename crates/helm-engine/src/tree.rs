//! Values as written by people: what a values file, `--set` or a chart's defaults hold, before any template sees it.
//!
//! A [`Node`] is plain, owned, `Send` data with the position of every value and key. It is not what templates compute
//! with; that is [`crate::value::Value`], which a render makes from the coalesced nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A place in a source: which source, and the line and column in it, both counted from one. Zero means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The caller's number for the source (a layer's index, a file of the chart).
    pub source: u32,
    /// The line, from one.
    pub line: u32,
    /// The column in bytes, from one.
    pub column: u32,
}

/// What the caller says about a value beside its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InputMark {
    /// The content is secret: whatever depends on it is marked.
    pub sensitive: bool,
    /// The content may be known later than the rest: what is made of it is marked, not what is there because of it.
    pub late: bool,
    /// The content is not known yet; the node holds a placeholder, and what templates decide by it is told.
    pub unknown: bool,
    /// The content is not known yet, but it is surely not empty.
    pub certain: bool,
}

impl InputMark {
    /// Nothing special.
    pub const PLAIN: InputMark = InputMark { sensitive: false, late: false, unknown: false, certain: false };
    /// The content is secret.
    pub const SENSITIVE: InputMark = InputMark { sensitive: true, ..InputMark::PLAIN };
    /// The content may be known later than the rest.
    pub const LATE: InputMark = InputMark { late: true, ..InputMark::PLAIN };
    /// The content is not known yet.
    pub const UNKNOWN: InputMark = InputMark { unknown: true, ..InputMark::PLAIN };

    /// Returns all that either says; that a content is not empty is said of itself only, not of what is in it.
    #[must_use]
    pub fn with(self, above: InputMark) -> InputMark {
        InputMark {
            sensitive: self.sensitive || above.sensitive,
            late: self.late || above.late,
            unknown: self.unknown || above.unknown,
            certain: self.certain && (self.unknown || !above.unknown),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The content.
    pub kind: NodeKind,
    /// Where the value stands.
    pub position: Position,
    /// Where its key stands; the value's own position for list items and the root.
    pub key_position: Position,
    /// What the caller says about it.
    pub mark: InputMark,
}

/// A map of nodes, in byte order of its keys as Go sorts them.
pub type NodeMap = BTreeMap<Arc<str>, Node>;

/// The content of a [`Node`]. Numbers read from YAML or JSON are floats, as in Helm; integers come from `--set`.
#[derive(Clone, Debug, Default)]
pub enum NodeKind {
    /// `null`.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// Go's `int64`, written by `--set`.
    Int(i64),
    /// Go's `float64`.
    Float(f64),
    /// Text.
    String(Arc<str>),
    /// A list. Shared, so that a copy of a tree costs nothing; change it through [`Arc::make_mut`].
    List(Arc<Vec<Node>>),
    /// A map. Shared, so that a copy of a tree costs nothing; change it through [`Node::as_map_mut`].
    Map(Arc<NodeMap>),
}

impl Node {
    /// Makes a node without a position.
    pub fn new(kind: NodeKind) -> Self {
        Node { kind, ..Node::default() }
    }

    /// Returns the entries if this is a map.
    pub fn as_map(&self) -> Option<&NodeMap> {
        match &self.kind {
            NodeKind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the entries for change if this is a map, copying them first if another tree shares them.
    pub fn as_map_mut(&mut self) -> Option<&mut NodeMap> {
        match &mut self.kind {
            NodeKind::Map(map) => Some(Arc::make_mut(map)),
            _ => None,
        }
    }

    /// Makes a map without a position.
    pub fn map(entries: NodeMap) -> Self {
        Node::new(NodeKind::Map(Arc::new(entries)))
    }

    /// Makes a list without a position.
    pub fn list(items: Vec<Node>) -> Self {
        Node::new(NodeKind::List(Arc::new(items)))
    }

    /// Says whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }
}

/// Compares content only; positions and marks do not count.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl PartialEq for NodeKind {
    fn eq(&self, other: &Self) -> bool {
        use NodeKind::*;
        match (self, other) {
            (Null, Null) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (Float(a), Float(b)) => a == b,
            (String(a), String(b)) => a == b,
            (List(a), List(b)) => a == b,
            (Map(a), Map(b)) => a == b,
            _ => false,
        }
    }
}
