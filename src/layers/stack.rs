//! All layers of a release in order, and what they give together.
//!
//! Helm's rules: among values files maps merge deeply, lists and scalars are replaced, and null is a value like any
//! other (`pkg/cli/values`). Below them the chart's defaults fill in what is missing, and a null then removes the
//! default (`pkg/chartutil/coalesce.go`). Subcharts are the engine's part; here only the root chart's defaults count.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use helm_engine::Mode;
use helm_engine::tree::{Node, NodeKind, NodeMap};

use super::layer::{Layer, type_name};
use crate::notation::FieldPath;

/// The layers of a release, lowest first, above the chart's defaults.
#[derive(Debug, Clone, Default)]
pub struct Stack {
    /// The chart's own defaults.
    pub chart: Option<Layer>,
    /// The layers above it; the last one wins.
    pub layers: Vec<Layer>,
}

/// A key that is a map in one layer and something else in another, so that one would silently swallow the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key's path.
    pub path: String,
    /// What the higher layer writes, and where: `a text at prod.yaml:7:1`.
    pub above: String,
    /// What the lower layer writes, and where.
    pub below: String,
    /// Whether the lower one is the chart's default; Helm only warns about these.
    pub with_chart: bool,
}

impl fmt::Display for Conflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}` is {}, but {}", self.path, self.above, self.below)
    }
}

impl Stack {
    /// Gives what the layers above the chart amount to: the values that a render is called with.
    pub fn merged(&self) -> Node {
        let empty = Node::map(NodeMap::new());
        self.layers.iter().fold(empty, |below, layer| overlay(&below, &layer.values))
    }

    /// Lists the values that are not known yet, each by the path that a render calls it.
    pub fn unknown(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for layer in &self.layers {
            collect_paths(&layer.values, String::new(), &|node| node.mark.unknown, &mut found);
        }
        found
    }

    /// Lists the values of layers that are pinned, each by the path that a render calls it.
    pub fn pinned(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for layer in self.layers.iter().filter(|layer| layer.pin.is_some()) {
            collect_paths(&layer.values, String::new(), &|_| true, &mut found);
        }
        found
    }

    /// Gives the values that the root chart's templates see, subcharts aside.
    pub fn effective(&self, mode: Mode) -> Node {
        let merged = self.merged();
        match &self.chart {
            Some(chart) => coalesce_top(&merged, &chart.values, mode),
            None => merged,
        }
    }

    /// Finds the keys that are a map in one layer and a scalar or a list in another; each layer is compared with all
    /// below it.
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut conflicts = Vec::new();
        let mut below: Vec<(&Layer, bool)> = self.chart.iter().map(|chart| (chart, true)).collect();
        for above in &self.layers {
            for (lower, with_chart) in &below {
                let pair = Pair { above, below: lower, with_chart: *with_chart };
                pair.compare(&above.values, &lower.values, &mut FieldPath::root(), &mut conflicts);
            }
            below.push((above, false));
        }
        conflicts
    }
}

fn collect_paths(node: &Node, path: String, wanted: &dyn Fn(&Node) -> bool, found: &mut BTreeSet<String>) {
    match &node.kind {
        NodeKind::Map(map) => map.iter().for_each(|(key, value)| {
            let key = key.replace('.', "\\.");
            let path = if path.is_empty() { key } else { format!("{path}.{key}") };
            collect_paths(value, path, wanted, found);
        }),
        NodeKind::List(items) => items.iter().enumerate().for_each(|(index, item)| {
            collect_paths(item, format!("{path}[{index}]"), wanted, found);
        }),
        _ => {}
    }
    if wanted(node) {
        found.insert(path);
    }
}

/// Puts one layer's values over another's.
pub fn overlay(below: &Node, above: &Node) -> Node {
    let (Some(lower), Some(upper)) = (below.as_map(), above.as_map()) else { return above.clone() };
    let mut merged = lower.clone();
    for (key, value) in upper {
        let value = match lower.get(key) {
            Some(under) => overlay(under, value),
            None => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    with_entries(above, merged)
}

/// Fills in a chart's defaults; at the top, and only there, a null also removes a default that is null itself.
fn coalesce_top(values: &Node, defaults: &Node, mode: Mode) -> Node {
    let mut filled = coalesce(values, defaults, mode);
    let is_null =
        |node: &Node, key: &str| node.as_map().and_then(|map| map.get(key)).is_some_and(Node::is_null);
    if let Some(entries) = filled.as_map_mut() {
        entries.retain(|key, _| !(is_null(values, key) && is_null(defaults, key)));
    }
    filled
}

/// Fills in a chart's defaults below the given values; a null removes the default.
fn coalesce(values: &Node, defaults: &Node, mode: Mode) -> Node {
    let (Some(given), Some(fallback)) = (values.as_map(), defaults.as_map()) else { return values.clone() };
    let mut merged = given.clone();
    for (key, default) in fallback {
        match given.get(key) {
            None => fill(&mut merged, key, default, mode),
            Some(value) if value.is_null() && !default.is_null() => drop(merged.remove(key)),
            Some(value) => drop(merged.insert(key.clone(), coalesce(value, default, mode))),
        }
    }
    with_entries(values, merged)
}

/// Takes over a default; Helm 4 drops nulls among defaults, Helm 3 keeps them.
fn fill(merged: &mut NodeMap, key: &Arc<str>, default: &Node, mode: Mode) {
    match mode {
        Mode::Helm4 if default.is_null() => {}
        Mode::Helm4 => drop(merged.insert(key.clone(), without_nulls(default))),
        Mode::Helm3 => drop(merged.insert(key.clone(), default.clone())),
    }
}

fn without_nulls(node: &Node) -> Node {
    let Some(map) = node.as_map() else { return node.clone() };
    let kept = map.iter().filter(|(_, value)| !value.is_null());
    with_entries(node, kept.map(|(key, value)| (key.clone(), without_nulls(value))).collect())
}

fn with_entries(like: &Node, entries: NodeMap) -> Node {
    Node { kind: NodeKind::Map(Arc::new(entries)), ..like.clone() }
}

struct Pair<'a> {
    above: &'a Layer,
    below: &'a Layer,
    with_chart: bool,
}

impl Pair<'_> {
    fn compare(&self, above: &Node, below: &Node, path: &mut FieldPath, conflicts: &mut Vec<Conflict>) {
        if let (Some(upper), Some(lower)) = (above.as_map(), below.as_map()) {
            for (key, value) in upper {
                let Some(under) = lower.get(key) else { continue };
                let length = path.len();
                path.push_field(key);
                self.compare(value, under, path, conflicts);
                path.truncate(length);
            }
        } else if above.as_map().is_some() != below.as_map().is_some() && !above.is_null() && !below.is_null()
        {
            conflicts.push(Conflict {
                path: path.as_str().to_owned(),
                above: written(self.above, above),
                below: written(self.below, below),
                with_chart: self.with_chart,
            });
        }
    }
}

fn written(layer: &Layer, node: &Node) -> String {
    format!("{} at {}", type_name(node), layer.origin(node))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::notation::json_of;

    /// Makes a stack of texts; the files are called like the layers.
    pub(crate) fn stack(chart: &str, layers: &[(&str, &str)]) -> Stack {
        let layer = |(name, text): (&str, &str)| {
            let values = helm_engine::yaml::read_map(text.as_bytes(), 0).expect("the layer is YAML");
            Layer::new(name, Some(&format!("{name}.yaml")), values).expect("the layer is a map")
        };
        Stack { chart: Some(layer(("chart", chart))), layers: layers.iter().copied().map(layer).collect() }
    }

    fn check(chart: &str, layers: &[&str], helm4: &str, helm3: &str) {
        let layers: Vec<(&str, &str)> = layers.iter().map(|text| ("layer", *text)).collect();
        let stack = stack(chart, &layers);
        assert_eq!(json_of(&stack.effective(Mode::Helm4)).to_string(), helm4);
        assert_eq!(json_of(&stack.effective(Mode::Helm3)).to_string(), helm3);
    }

    fn same(chart: &str, layers: &[&str], expected: &str) {
        check(chart, layers, expected, expected);
    }

    #[test]
    fn maps_merge_and_lists_are_replaced() {
        same("a: {b: 1, c: [1, 2]}\n", &["a: {c: [3]}\n", "a: {d: x}\n"], r#"{"a":{"b":1,"c":[3],"d":"x"}}"#);
    }

    #[test]
    fn null_removes_a_default_and_stays_where_there_is_none() {
        same("a: 1\nb: 2\n", &["a: null\nzz: {w: null}\n"], r#"{"b":2,"zz":{"w":null}}"#);
        same("a: {x: 1}\n", &["a: {x: null}\n"], r#"{"a":{}}"#);
        same("a: {x: 1}\n", &["a: null\n", "a: {w: 2}\n"], r#"{"a":{"w":2,"x":1}}"#);
    }

    #[test]
    fn nulls_among_defaults_are_kept_by_helm_3_only() {
        same("a: null\nb: {c: null}\n", &["a: null\nb: {c: null}\n"], r#"{"b":{"c":null}}"#);
        check("a: null\nb: {c: null}\n", &[], r#"{"b":{}}"#, r#"{"a":null,"b":{"c":null}}"#);
    }

    #[test]
    fn a_scalar_over_a_map_and_the_reverse_are_reported_with_both_places() {
        let stack = stack(
            "image: {tag: a}\n",
            &[("global", "image:\n  tag: b\nports: [1]\n"), ("prod", "image: web:1\nports: {http: 1}\n")],
        );
        let conflicts: Vec<String> =
            stack.conflicts().iter().map(|conflict| format!("{conflict} {}", conflict.with_chart)).collect();
        assert_eq!(
            conflicts,
            [
                "`image` is a text at prod.yaml:1:1, but a map at chart.yaml:1:1 true",
                "`image` is a text at prod.yaml:1:1, but a map at global.yaml:1:1 false",
                "`ports` is a map at prod.yaml:2:1, but a list at global.yaml:3:1 false",
            ]
        );
    }
}
