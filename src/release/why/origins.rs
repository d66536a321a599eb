//! Where the values that templates saw were written, and what was written there in vain.

use helm_engine::chart::Chart;
use helm_engine::request::{SET_SOURCES, SetFlag};
use helm_engine::tree::{Node, NodeKind, Position};
use serde::Serialize;

use super::super::secrets::{SecretValues, in_plan_notation, steps_of};
use crate::layers::layer::Origin;
use crate::layers::provenance::{Decision, Written, decisions, shown_value};
use crate::layers::secrets::holds_secrets;
use crate::layers::stack::Stack;
use crate::notation::FieldPath;

/// What stands in the place of a value that is not shown.
pub const SENSITIVE: &str = "(sensitive)";

/// What values of a release were made from.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The values that the templates saw, each with the position of what decided it.
    pub values: &'a Node,
    /// The layers; positions of source N are in the Nth.
    pub stack: &'a Stack,
    /// The chart, which knows the files of its own positions.
    pub chart: &'a Chart,
    /// The chart's path, as a person would write it.
    pub chart_path: &'a str,
    /// The `--set` flags above all layers.
    pub sets: &'a [SetFlag],
    /// The values that reach a Secret; none where the chart does not render, so that nobody knows. Then a value whose key
    /// sounds like a secret is taken for one.
    pub secrets: Option<&'a SecretValues>,
}

/// Everything that is known of where a release's values come from.
pub struct Origins<'a> {
    pub(super) given: Given<'a>,
    decisions: Vec<Decision<'a>>,
}

/// One value, where it was written, and what that shadows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ValueOrigin {
    /// The path, as a plan writes it.
    pub path: String,
    /// The value; none where nobody sets it.
    pub value: Option<String>,
    /// The layer's name; `chart` for defaults, `--set` for flags; empty where nobody sets it.
    pub layer: String,
    /// The file with line and column, or the flag.
    pub place: String,
    /// What it shadows, the nearest first.
    pub shadowed: Vec<Shadowed>,
}

/// A value that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shadowed {
    /// The value.
    pub value: String,
    /// Its layer.
    pub layer: String,
    /// Where it was written.
    pub place: String,
}

impl<'a> Origins<'a> {
    /// Prepares for questions.
    pub fn new(given: Given<'a>) -> Self {
        Origins { given, decisions: decisions(given.stack) }
    }

    /// Gives who decided each key.
    pub fn decisions(&self) -> &[Decision<'a>] {
        &self.decisions
    }

    /// Says where the value at a path of the engine's notation was written.
    pub fn of(&self, engine_path: &str) -> ValueOrigin {
        let path = in_plan_notation(engine_path);
        match lookup(self.given.values, engine_path) {
            Some(node) => self.of_node(path, node),
            None => ValueOrigin { path, ..ValueOrigin::default() },
        }
    }

    fn of_node(&self, path: String, node: &Node) -> ValueOrigin {
        let decision = self.decision(&path, node);
        let secret = self.is_secret(&path, node);
        let (layer, place) = self.place(&path, node);
        let shown = |written: &Written<'_>| Shadowed {
            value: if secret || written.layer.sensitive || holds_secrets(written.value) {
                SENSITIVE.to_owned()
            } else {
                shown_value(written.value)
            },
            layer: written.layer.name.clone(),
            place: written.origin().to_string(),
        };
        let lost_to_flag = decision.filter(|_| self.flag(node).is_some()).map(|decision| &decision.winner);
        let below = decision.map(|decision| decision.shadowed.as_slice()).unwrap_or_default();
        let mut shadowed: Vec<Shadowed> = lost_to_flag.into_iter().chain(below).map(shown).collect();
        shadowed.extend(self.of_subchart(&path, node).map(|(value, place)| Shadowed {
            value: if secret { SENSITIVE.to_owned() } else { shown_value(value) },
            layer: "chart".to_owned(),
            place,
        }));
        ValueOrigin {
            value: Some(if secret { SENSITIVE.to_owned() } else { shown_value(node) }),
            shadowed,
            path: decision
                .filter(|_| lost_to_flag.is_none())
                .map_or(path, |decision| written_as(decision, node)),
            layer,
            place,
        }
    }

    /// Finds what a subchart's own values say of a value that another file decides, and where.
    fn of_subchart(&self, path: &str, node: &Node) -> Option<(&'a Node, String)> {
        let (_, value) = self.given.chart.subchart_values().into_iter().find_map(|(keys, values)| {
            let mut prefix = FieldPath::root();
            keys.iter().for_each(|key| prefix.push_field(key));
            let rest = path.strip_prefix(prefix.as_str())?.strip_prefix('.')?;
            let own = values.iter().find(|(key, _)| is_within(rest, key))?;
            let below = rest.strip_prefix(&**own.0).unwrap_or_default();
            Some((prefix, lookup_plan(own.1, below.strip_prefix('.').unwrap_or(below))?))
        })?;
        let is_other = position_of(value) != position_of(node);
        is_other.then(|| (value, self.place(path, value).1))
    }

    /// Finds the decision that a value is, or is part of: by its position, since a subchart sees it under another path.
    fn decision(&self, path: &str, node: &Node) -> Option<&Decision<'a>> {
        let is_here = |decision: &&Decision<'a>| {
            position_of(decision.winner.value) == position_of(node) && position_of(node).line > 0
        };
        let at_path = || self.decisions.iter().find(|decision| is_within(path, &decision.path));
        self.decisions.iter().find(is_here).or_else(at_path)
    }

    /// Finds the node at a path of the engine's notation.
    pub fn node(&self, engine_path: &str) -> Option<&'a Node> {
        lookup(self.given.values, engine_path)
    }

    /// Says where a node of the values that templates saw was written; `path` is its place there, as a plan writes it.
    pub fn of_value(&self, path: &str, node: &Node) -> ValueOrigin {
        self.of_node(path.to_owned(), node)
    }

    /// Says who decided a key of which nothing is left, such as one with a null.
    pub fn of_decision(&self, decision: &Decision<'_>) -> ValueOrigin {
        self.of_node(decision.path.clone(), decision.winner.value)
    }

    /// Names the `--set` flag that decides the value at a path of the plan's notation, if one does.
    pub fn flag_at(&self, path: &str) -> Option<String> {
        let node = lookup_plan(self.given.values, path)?;
        self.flag(node).map(|flag| format!("{} {}", flag.kind.flag(), self.given_by_flag(path, node)))
    }

    /// Tells whether the value at a path of the engine's notation is part of a sensitive layer.
    pub fn is_in_sensitive_layer(&self, engine_path: &str) -> bool {
        let Some(node) = self.node(engine_path) else { return false };
        let layer = self.given.stack.layers.get(position_of(node).source as usize);
        node.mark.sensitive || layer.is_some_and(|layer| layer.sensitive)
    }

    /// Tells whether a value must not be shown: it reaches a Secret, or is part of a sensitive layer.
    pub fn is_secret(&self, path: &str, node: &Node) -> bool {
        let is_switch = matches!(node.kind, NodeKind::Bool(_) | NodeKind::Null);
        let layer = self.given.stack.layers.get(position_of(node).source as usize);
        holds_secrets(node)
            || layer.is_some_and(|layer| layer.sensitive)
            || !is_switch && self.given.secrets.map_or_else(|| sounds_secret(path), |all| all.contains(path))
    }

    fn flag(&self, node: &Node) -> Option<&SetFlag> {
        let index = position_of(node).source.checked_sub(SET_SOURCES)?;
        self.given.sets.get(index as usize)
    }

    /// Writes what a flag gives; not the flag itself, which may give secrets beside it.
    fn given_by_flag(&self, path: &str, node: &Node) -> String {
        let value = if self.is_secret(path, node) { SENSITIVE.to_owned() } else { shown_value(node) };
        format!("{path}={value}")
    }

    /// Names the layer and the place of a node by its position; `path` is its place among the values.
    fn place(&self, path: &str, node: &Node) -> (String, String) {
        let position = position_of(node);
        if let Some(file) = self.given.chart.source_name(position) {
            let file = format!("{}/{file}", self.given.chart_path);
            return ("chart".to_owned(), Origin { layer: "chart", file: Some(&file), position }.to_string());
        }
        if let Some(set) = self.flag(node) {
            return (set.kind.flag().to_owned(), self.given_by_flag(path, node));
        }
        match self.given.stack.layers.get(position.source as usize).filter(|_| position.line > 0) {
            Some(layer) => (layer.name.clone(), layer.origin(node).to_string()),
            None => ("chart".to_owned(), self.given.chart_path.to_owned()),
        }
    }
}

/// Parts of keys that usually hold secrets.
const SECRET_WORDS: &[&str] =
    &["password", "passwd", "secret", "token", "credential", "apikey", "privatekey"];

fn sounds_secret(path: &str) -> bool {
    let letters: String = path.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let letters = letters.to_lowercase();
    SECRET_WORDS.iter().any(|word| letters.contains(word))
}

/// Gives the path under which a layer writes a value: the decision's, and that of an item within a list.
fn written_as(decision: &Decision<'_>, node: &Node) -> String {
    let mut path = FieldPath::below(&decision.path);
    find(decision.winner.value, node, &mut path);
    path.as_str().to_owned()
}

fn find(root: &Node, wanted: &Node, path: &mut FieldPath) -> bool {
    if position_of(root) == position_of(wanted) && root == wanted {
        return true;
    }
    let length = path.len();
    let mut inside = |node: &Node, enter: &dyn Fn(&mut FieldPath)| {
        enter(path);
        let found = find(node, wanted, path);
        if !found {
            path.truncate(length);
        }
        found
    };
    match &root.kind {
        NodeKind::List(items) => {
            items.iter().enumerate().any(|(index, item)| inside(item, &|path| path.push_index(index)))
        }
        NodeKind::Map(map) => map.iter().any(|(key, value)| inside(value, &|path| path.push_field(key))),
        _ => false,
    }
}

/// Gives the path of a key in the map at a path of the plan's notation.
pub fn child(path: &str, key: &str) -> String {
    let mut path = FieldPath::below(path);
    path.push_field(key);
    path.as_str().to_owned()
}

/// Tells whether a path is another one or below it.
pub fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Gives the place of a node: of its key where it has one.
pub fn position_of(node: &Node) -> Position {
    if node.key_position.line > 0 { node.key_position } else { node.position }
}

/// Lists the leaves at a path of the plan's notation and below it; a list is one leaf unless something in it is asked for.
pub fn leaves_at<'a>(values: &'a Node, asked: &str) -> Vec<(String, &'a Node)> {
    let mut found = Vec::new();
    visit(values, asked, &mut FieldPath::root(), &mut |path, node| found.push((path.to_owned(), node)));
    found
}

fn visit<'a>(node: &'a Node, asked: &str, path: &mut FieldPath, seen: &mut dyn FnMut(&str, &'a Node)) {
    let is_asked = asked.is_empty() || is_within(path.as_str(), asked);
    if !is_asked && !path.is_empty() && !is_within(asked, path.as_str()) {
        return;
    }
    let length = path.len();
    match &node.kind {
        NodeKind::Map(map) if !map.is_empty() => {
            for (key, value) in map.iter() {
                path.push_field(key);
                visit(value, asked, path, seen);
                path.truncate(length);
            }
        }
        NodeKind::List(items) if !is_asked => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                visit(item, asked, path, seen);
                path.truncate(length);
            }
        }
        _ if is_asked => seen(path.as_str(), node),
        _ => {}
    }
}

/// Finds the node at a path of the engine's notation.
pub(super) fn lookup<'a>(values: &'a Node, engine_path: &str) -> Option<&'a Node> {
    steps_of(engine_path).into_iter().try_fold(values, |node, step| match (&node.kind, step) {
        (NodeKind::Map(map), step) => map.get(step.name.as_str()),
        (NodeKind::List(items), step) => items.get(step.index?),
        _ => None,
    })
}

/// Finds the node at a path of the plan's notation, by writing the path of each node on the way.
fn lookup_plan<'a>(values: &'a Node, path: &str) -> Option<&'a Node> {
    let (mut node, mut here) = (values, FieldPath::root());
    while here.as_str() != path {
        let length = here.len();
        let mut inside: Vec<(FieldPath, &Node)> = Vec::new();
        match &node.kind {
            NodeKind::Map(map) => inside.extend(map.iter().map(|(key, value)| {
                let mut next = here.clone();
                next.push_field(key);
                (next, value)
            })),
            NodeKind::List(items) => inside.extend(items.iter().enumerate().map(|(index, item)| {
                let mut next = here.clone();
                next.push_index(index);
                (next, item)
            })),
            _ => {}
        }
        let next =
            inside.into_iter().find(|(next, _)| is_within(path, next.as_str()) && next.len() > length)?;
        (here, node) = next;
    }
    Some(node)
}
