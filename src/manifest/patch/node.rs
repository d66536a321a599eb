//! A tree whose parts can be shared, as those of Kustomize's library are: its merge changes elements of a list in place
//! and relies on the list to see it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use helm_engine::trace::Trace;
use helm_engine::value::Value as EngineValue;
use helm_engine::yaml;
use serde_json::Value;

/// A part of a tree.
pub(super) type NodeRef = Rc<RefCell<Node>>;

/// What a part is.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Nothing; one that is `kept` was in the object before and stays.
    Null { kept: bool },
    /// A text, number or truth.
    Scalar(Value),
    /// Fields by name.
    Map(BTreeMap<String, NodeRef>),
    /// Elements.
    List(Vec<NodeRef>),
}

/// The kinds that a merge tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Map,
    List,
}

impl Kind {
    /// Names the kind with its article.
    pub(super) fn shown(self) -> &'static str {
        match self {
            Kind::Scalar => "a plain value",
            Kind::Map => "a map",
            Kind::List => "a list",
        }
    }
}

/// Makes a tree of data.
pub(super) fn tree(value: &Value) -> NodeRef {
    let node = match value {
        Value::Null => Node::Null { kept: false },
        Value::Object(map) => {
            Node::Map(map.iter().map(|(name, value)| (name.clone(), tree(value))).collect())
        }
        Value::Array(list) => Node::List(list.iter().map(tree).collect()),
        scalar => Node::Scalar(scalar.clone()),
    };
    Rc::new(RefCell::new(node))
}

/// Makes data of a tree.
pub(super) fn data(node: &NodeRef) -> Value {
    match &*node.borrow() {
        Node::Null { .. } => Value::Null,
        Node::Scalar(value) => value.clone(),
        Node::Map(map) => Value::Object(map.iter().map(|(name, node)| (name.clone(), data(node))).collect()),
        Node::List(list) => list.iter().map(data).collect(),
    }
}

/// Says what a part is; nothing for one that is null or not there.
pub(super) fn kind(node: Option<&NodeRef>) -> Option<Kind> {
    match &*node?.borrow() {
        Node::Null { .. } => None,
        Node::Scalar(_) => Some(Kind::Scalar),
        Node::Map(_) => Some(Kind::Map),
        Node::List(_) => Some(Kind::List),
    }
}

/// Says whether a part is there and null.
pub(super) fn is_null(node: &NodeRef) -> bool {
    matches!(&*node.borrow(), Node::Null { .. })
}

/// Says whether a part is a map without fields.
pub(super) fn is_empty_map(node: &NodeRef) -> bool {
    matches!(&*node.borrow(), Node::Map(map) if map.is_empty())
}

/// Gives a field of a map.
pub(super) fn field(node: &NodeRef, name: &str) -> Option<NodeRef> {
    match &*node.borrow() {
        Node::Map(map) => map.get(name).cloned(),
        _ => None,
    }
}

/// Gives the elements of a list.
pub(super) fn elements(node: &NodeRef) -> Vec<NodeRef> {
    match &*node.borrow() {
        Node::List(list) => list.clone(),
        _ => Vec::new(),
    }
}

/// Gives a scalar as it is written; keys of elements are compared so.
pub(super) fn text(node: &NodeRef) -> String {
    match &*node.borrow() {
        Node::Scalar(Value::String(text)) => text.clone(),
        Node::Scalar(value) => value.to_string(),
        Node::Null { .. } => "null".to_owned(),
        _ => String::new(),
    }
}

/// Removes a field of a map.
pub(super) fn clear(map: &NodeRef, name: &str) {
    if let Node::Map(map) = &mut *map.borrow_mut() {
        map.remove(name);
    }
}

/// Sets a field of a map; null removes it, unless the object had it before.
///
/// What stands in quotes stays in quotes: a number for the text `"80"` becomes the text `"8080"`. Which texts the chart
/// wrote in quotes is not known any more, but those that would be something else without them surely were.
pub(super) fn set(map: &NodeRef, name: &str, value: Option<NodeRef>) {
    let Some(value) = value.filter(|value| !matches!(*value.borrow(), Node::Null { kept: false })) else {
        return clear(map, name);
    };
    let Node::Map(fields) = &mut *map.borrow_mut() else { return };
    let Some(there) = fields.get(name) else {
        fields.insert(name.to_owned(), value);
        return;
    };
    if Rc::ptr_eq(there, &value) {
        return;
    }
    let quoted = matches!(&*there.borrow(), Node::Scalar(Value::String(text)) if needs_quotes(text));
    let node = value.borrow().clone();
    *there.borrow_mut() = match node {
        Node::Scalar(scalar) if quoted && !scalar.is_string() => {
            Node::Scalar(Value::from(scalar.to_string()))
        }
        node => node,
    };
}

fn needs_quotes(text: &str) -> bool {
    let written = yaml::to_yaml(&EngineValue::from(text), Trace::Off);
    written.is_ok_and(|written| written.to_str_lossy().starts_with(['"', '\'', '|', '>']))
}
