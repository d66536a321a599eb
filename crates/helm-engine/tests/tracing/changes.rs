//! Changes of one value, and the paths at which two trees of values differ.

use std::collections::BTreeSet;
use std::sync::Arc;

use helm_engine::tree::{Node, NodeKind, NodeMap};

/// A change to make, as a layer above all others.
pub(crate) struct Change {
    /// For people: the path and what it becomes.
    pub(crate) name: String,
    /// The path.
    pub(crate) path: String,
    /// The layer.
    pub(crate) layer: Node,
}

/// A step from a container to what it holds.
#[derive(Clone)]
enum Step {
    Key(Arc<str>),
    Index(usize),
}

/// Returns every change of one value of a tree, several for each.
pub(crate) fn all(values: &Node) -> Vec<Change> {
    let mut found = Vec::new();
    visit(values, values, &mut Vec::new(), &mut found);
    found
}

/// Returns the change that puts a value at a dotted path at which there is none.
pub(crate) fn appearance(values: &Node, path: &str, node: Node) -> Change {
    let mut steps: Vec<Step> = Vec::new();
    let mut key = String::new();
    let mut rest = path.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => key.extend(rest.next()),
            '.' => steps.push(Step::Key(std::mem::take(&mut key).into())),
            letter => key.push(letter),
        }
    }
    steps.push(Step::Key(key.into()));
    change(values, &steps, node)
}

fn change(root: &Node, steps: &[Step], node: Node) -> Change {
    let path = shown(steps);
    Change { name: format!("{path} becomes {:?}", node.kind), path, layer: around(Some(root), steps, node) }
}

fn visit(root: &Node, node: &Node, steps: &mut Vec<Step>, found: &mut Vec<Change>) {
    if !steps.is_empty() {
        found.extend(others(node).into_iter().map(|other| change(root, steps, other)));
    }
    match &node.kind {
        NodeKind::Map(map) => {
            let mut inner = |key: &Arc<str>, node: Option<&Node>, found: &mut Vec<Change>| {
                steps.push(Step::Key(Arc::clone(key)));
                match node {
                    Some(node) => visit(root, node, steps, found),
                    None => found.push(change(root, steps, text("added"))),
                }
                steps.pop();
            };
            map.iter().for_each(|(key, node)| inner(key, Some(node), found));
            inner(&"added-key".into(), None, found);
        }
        NodeKind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                steps.push(Step::Index(index));
                visit(root, item, steps, found);
                steps.pop();
            }
        }
        _ => {}
    }
}

/// Returns what a value is changed to.
fn others(node: &Node) -> Vec<Node> {
    let null = Node::new(NodeKind::Null);
    match &node.kind {
        NodeKind::Null => vec![text("set"), Node::new(NodeKind::Bool(true))],
        NodeKind::Bool(truth) => vec![Node::new(NodeKind::Bool(!truth)), text("word"), null],
        NodeKind::Int(_) | NodeKind::Float(_) => {
            vec![Node::new(NodeKind::Float(7.0)), Node::new(NodeKind::Float(0.0)), text("word"), null]
        }
        NodeKind::String(_) => {
            let map = Node::map(NodeMap::from([("k".into(), text("v"))]));
            vec![text("changed"), text(""), Node::new(NodeKind::Float(5.0)), map, null]
        }
        NodeKind::List(items) => {
            let mut longer = (**items).clone();
            longer.push(items.first().cloned().unwrap_or_else(|| text("item")));
            let shorter = items.split_last().map_or_else(Vec::new, |(_, rest)| rest.to_vec());
            vec![Node::list(longer), Node::list(shorter), Node::list(Vec::new()), null]
        }
        NodeKind::Map(_) => vec![text("no map"), null],
    }
}

fn text(text: &str) -> Node {
    Node::new(NodeKind::String(text.into()))
}

/// Wraps a value in the maps and whole lists that stand around its place.
fn around(root: Option<&Node>, steps: &[Step], node: Node) -> Node {
    let Some((first, rest)) = steps.split_first() else { return node };
    match (first, root.map(|root| &root.kind)) {
        (Step::Key(key), kind) => {
            let (mut entries, inner) = match kind {
                Some(NodeKind::Map(map)) => (NodeMap::new(), map.get(key)),
                _ => (NodeMap::new(), None),
            };
            entries.insert(Arc::clone(key), around(inner, rest, node));
            Node::map(entries)
        }
        (Step::Index(index), Some(NodeKind::List(items))) => {
            let mut items = (**items).clone();
            // Inside a list nothing merges: the maps around the place must be whole.
            items[*index] = whole(&items[*index], rest, node);
            Node::list(items)
        }
        (Step::Index(_), _) => Node::list(vec![around(None, rest, node)]),
    }
}

fn whole(root: &Node, steps: &[Step], node: Node) -> Node {
    let mut changed = root.clone();
    match (steps.split_first(), &mut changed.kind) {
        (None, _) => return node,
        (Some((Step::Key(key), rest)), NodeKind::Map(map)) => {
            let inner = map
                .get(key)
                .map_or_else(|| around(None, rest, node.clone()), |inner| whole(inner, rest, node.clone()));
            Arc::make_mut(map).insert(Arc::clone(key), inner);
        }
        (Some((Step::Index(index), rest)), NodeKind::List(items)) => {
            let inner = whole(&items[*index], rest, node);
            Arc::make_mut(items)[*index] = inner;
        }
        _ => {}
    }
    changed
}

fn shown(steps: &[Step]) -> String {
    steps.iter().fold(String::new(), |path, step| match step {
        Step::Key(key) => key_path(&path, key),
        Step::Index(index) => format!("{path}[{index}]"),
    })
}

fn key_path(path: &str, key: &str) -> String {
    let key = key.replace('.', "\\.");
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// Returns every path at which a leaf, the keys of a map or the length of a list differ, or where only one has a value.
pub(crate) fn difference(before: &Node, after: &Node) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    differ(Some(before), Some(after), "", &mut found);
    found
}

fn differ(before: Option<&Node>, after: Option<&Node>, path: &str, found: &mut BTreeSet<String>) {
    let map = |node: Option<&Node>| node.and_then(Node::as_map).cloned().unwrap_or_default();
    let list = |node: Option<&Node>| match node.map(|node| &node.kind) {
        Some(NodeKind::List(items)) => (**items).clone(),
        _ => Vec::new(),
    };
    let (maps, lists) = ((map(before), map(after)), (list(before), list(after)));
    let same_kind = match (before.map(|node| &node.kind), after.map(|node| &node.kind)) {
        (Some(NodeKind::Map(_)), Some(NodeKind::Map(_))) => maps.0.keys().eq(maps.1.keys()),
        (Some(NodeKind::List(_)), Some(NodeKind::List(_))) => lists.0.len() == lists.1.len(),
        (before, after) => before == after,
    };
    if !same_kind {
        found.insert(path.to_owned());
    }
    for key in maps.0.keys().chain(maps.1.keys()).collect::<BTreeSet<_>>() {
        differ(maps.0.get(key), maps.1.get(key), &key_path(path, key), found);
    }
    for index in 0..lists.0.len().max(lists.1.len()) {
        differ(lists.0.get(index), lists.1.get(index), &format!("{path}[{index}]"), found);
    }
}
