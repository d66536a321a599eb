//! Who decided each key, and whom that shadowed.

use std::collections::BTreeMap;

use helm_engine::tree::{InputMark, Node, NodeKind};
use serde_json::Value;

use super::layer::{Layer, Origin};
use super::stack::Stack;
use crate::notation::{FieldPath, head, json_of, looks_typed, unique_keys};

const LONGEST_SHOWN_TEXT_BYTES: usize = 100;
const LONGEST_SHOWN_LIST_BYTES: usize = 72;

/// A value as one layer writes it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The layer.
    pub layer: &'a Layer,
    /// The value, as that layer has it.
    pub value: &'a Node,
}

impl<'a> Written<'a> {
    /// Says where the value was written.
    pub fn origin(&self) -> Origin<'a> {
        self.layer.origin(self.value)
    }
}

/// What decides one key: a leaf of the values, a list, or an empty map.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    /// The key's path: `controller.image.tag`.
    pub path: String,
    /// The value that counts.
    pub winner: Written<'a>,
    /// The values it shadows, the nearest first, the chart's default last.
    pub shadowed: Vec<Written<'a>>,
    /// Whether the chart's own default decides.
    pub by_chart: bool,
}

impl Decision<'_> {
    /// Says whether the winner repeats what would be the value without it.
    pub fn is_redundant(&self) -> bool {
        self.shadowed.first().is_some_and(|next| next.value == self.winner.value)
    }

    /// Says whether the value must not be shown.
    pub fn is_sensitive(&self) -> bool {
        self.winner.layer.sensitive || any(self.winner.value, |mark| mark.sensitive)
    }

    /// Says whether it is not known yet which keys or items the value has.
    pub fn has_unknown_shape(&self) -> bool {
        let value = self.winner.value;
        self.is_unknown() && matches!(value.kind, NodeKind::List(_) | NodeKind::Map(_))
    }

    /// Says whether the value is not known yet.
    pub fn is_unknown(&self) -> bool {
        any(self.winner.value, |mark| mark.unknown)
    }
}

/// Lists who decides each key of a stack, by path; keys that only the chart decides are part of it.
pub fn decisions(stack: &Stack) -> Vec<Decision<'_>> {
    let mut walk = Walk { chart: stack.chart.as_ref(), path: FieldPath::root(), decisions: Vec::new() };
    let layers = stack.chart.iter().chain(&stack.layers);
    walk.map(&layers.map(|layer| Written { layer, value: &layer.values }).collect::<Vec<_>>());
    walk.decisions.sort_by(|one, other| one.path.cmp(&other.path));
    walk.decisions
}

/// Lists who decides a key and everything below it; all keys where the path is empty.
pub fn explain<'a>(stack: &'a Stack, path: &str) -> Vec<Decision<'a>> {
    let is_below = |other: &str| {
        path.is_empty()
            || other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    decisions(stack).into_iter().filter(|decision| is_below(&decision.path)).collect()
}

/// Gives what a plan shows as `values`: `VALUE (LAYER)` for every key that a layer above the chart decides, none where
/// the value is not known yet. `is_secret` tells by path which values are secret beside those marked so; `hide` is asked
/// for what stands in the place of a secret, by layer, path and content. Truth values are never taken for secrets.
pub fn shown(
    stack: &Stack,
    is_secret: impl Fn(&str) -> bool,
    mut hide: impl FnMut(&Layer, &str, &[u8]) -> String,
) -> BTreeMap<String, Option<String>> {
    let mut lines = BTreeMap::new();
    for decision in decisions(stack).into_iter().filter(|decision| !decision.by_chart) {
        let written = decision.winner.layer;
        let layer = &written.name;
        if decision.is_unknown() {
            lines.insert(decision.path, None);
            continue;
        }
        let value = json_of(decision.winner.value);
        let is_switch = matches!(value, Value::Bool(_) | Value::Null);
        if decision.is_sensitive() || !is_switch && is_secret(&decision.path) {
            let hidden = hide(written, &decision.path, value.to_string().as_bytes());
            lines.insert(decision.path, Some(format!("{hidden} ({layer})")));
            continue;
        }
        show(&value, &mut FieldPath::below(&decision.path), &mut |path, text| {
            lines.insert(path.to_owned(), Some(format!("{text} ({layer})")));
        });
    }
    lines
}

/// Shows a value as a plan's `values` do; a list as one line where it is short, else by its digest.
pub fn shown_value(node: &Node) -> String {
    let value = json_of(node);
    match &value {
        Value::Array(list) if !list.is_empty() => one_line(list).unwrap_or_else(|| head(&value.to_string())),
        Value::Object(map) if !map.is_empty() => head(&value.to_string()),
        scalar => scalar_text(scalar),
    }
}

struct Walk<'a> {
    chart: Option<&'a Layer>,
    path: FieldPath,
    decisions: Vec<Decision<'a>>,
}

impl<'a> Walk<'a> {
    /// Visits the keys of maps that merge, lowest layer first.
    fn map(&mut self, maps: &[Written<'a>]) {
        let mut keys: BTreeMap<&'a str, Vec<Written<'a>>> = BTreeMap::new();
        for map in maps {
            for (key, value) in map.value.as_map().into_iter().flatten() {
                keys.entry(key).or_default().push(Written { layer: map.layer, value });
            }
        }
        for (key, written) in keys {
            let length = self.path.len();
            self.path.push_field(key);
            self.key(&written);
            self.path.truncate(length);
        }
    }

    /// Decides one key, given by all layers that write it, lowest first.
    fn key(&mut self, written: &[Written<'a>]) {
        let merging = self.merging(written);
        if merging.iter().any(|map| map.value.as_map().is_some_and(|map| !map.is_empty())) {
            return self.map(&merging);
        }
        let Some((winner, lower)) = written.split_last() else { return };
        self.decisions.push(Decision {
            path: self.path.as_str().to_owned(),
            winner: *winner,
            shadowed: lower.iter().rev().copied().collect(),
            by_chart: self.is_chart(winner),
        });
    }

    /// Gives the maps that merge: those above the highest layer that writes something else, and the chart's default.
    fn merging(&self, written: &[Written<'a>]) -> Vec<Written<'a>> {
        let is_map = |written: &&Written<'a>| written.value.as_map().is_some();
        let mut merging: Vec<Written<'a>> = written.iter().rev().take_while(is_map).copied().collect();
        merging.reverse();
        let cut_off = !merging.is_empty() && merging.len() < written.len();
        if let Some(default) =
            written.first().filter(|first| cut_off && self.is_chart(first) && is_map(first))
        {
            merging.insert(0, *default);
        }
        merging
    }

    fn is_chart(&self, written: &Written<'a>) -> bool {
        self.chart.is_some_and(|chart| std::ptr::eq(chart, written.layer))
    }
}

/// Shows a value as one line, or a list that is too long for one as a line for each of its leaves.
fn show(value: &Value, path: &mut FieldPath, line: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Array(list) if !list.is_empty() => match one_line(list) {
            Some(text) => line(path.as_str(), text),
            None => show_items(list, path, line),
        },
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| show_field(key, value, path, line));
        }
        scalar => line(path.as_str(), scalar_text(scalar)),
    }
}

fn show_field(key: &str, value: &Value, path: &mut FieldPath, line: &mut dyn FnMut(&str, String)) {
    let length = path.len();
    path.push_field(key);
    show(value, path, line);
    path.truncate(length);
}

fn show_items(list: &[Value], path: &mut FieldPath, line: &mut dyn FnMut(&str, String)) {
    let names = unique_keys(list, "name");
    for (index, item) in list.iter().enumerate() {
        let length = path.len();
        match (&names, item) {
            (Some(names), Value::Object(map)) => {
                path.push_key(&names[index]);
                let rest = map.iter().filter(|(key, _)| *key != "name" || map.len() == 1);
                rest.for_each(|(key, value)| show_field(key, value, path, line));
            }
            _ => {
                path.push_index(index);
                show(item, path, line);
            }
        }
        path.truncate(length);
    }
}

fn one_line(list: &[Value]) -> Option<String> {
    let texts: Vec<String> = list.iter().map(one_line_item).collect::<Option<_>>()?;
    let text = format!("[{}]", texts.join(", "));
    (text.len() <= LONGEST_SHOWN_LIST_BYTES).then_some(text)
}

fn one_line_item(item: &Value) -> Option<String> {
    let text = match item {
        Value::Array(_) | Value::Object(_) => item.to_string(),
        Value::String(text) if text.contains([',', '[', ']', '\n']) => item.to_string(),
        scalar => scalar_text(scalar),
    };
    Some(text).filter(|text| text.len() <= LONGEST_SHOWN_LIST_BYTES)
}

/// Shows a scalar, or an empty map or list; a text that could be taken for something else keeps its quotes.
fn scalar_text(scalar: &Value) -> String {
    match scalar {
        Value::String(text) if looks_typed(text) => scalar.to_string(),
        Value::String(text) if text.len() > LONGEST_SHOWN_TEXT_BYTES || text.contains('\n') => head(text),
        Value::String(text) if text.starts_with(['[', '{', '(', '"']) => scalar.to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn any(node: &Node, wanted: fn(InputMark) -> bool) -> bool {
    let below = |node: &Node| match &node.kind {
        NodeKind::List(list) => list.iter().any(|item| any(item, wanted)),
        NodeKind::Map(map) => map.values().any(|value| any(value, wanted)),
        _ => false,
    };
    wanted(node.mark) || below(node)
}

#[cfg(test)]
mod tests {
    use helm_engine::Mode;
    use serde_json::Map;

    use super::*;
    use crate::layers::stack::tests::stack;

    fn check(chart: &str, layers: &[(&str, &str)], expected: &[&str]) {
        let stack = stack(chart, layers);
        let mut hide =
            |_: &Layer, path: &str, content: &[u8]| format!("(sensitive {path} {} bytes)", content.len());
        let lines: Vec<String> = shown(&stack, |_| false, &mut hide)
            .into_iter()
            .map(|(path, value)| format!("{path} = {}", value.unwrap_or("unknown".to_owned())))
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_plan_shows_what_the_layers_above_the_chart_decide() {
        check(
            "replicas: 1\nimage: {tag: a, repo: r}\n",
            &[("global", "replicas: 1\nimage: {tag: b}\n"), ("environment", "replicas: 2\nextra: {}\n")],
            &["extra = {} (environment)", "image.tag = b (global)", "replicas = 2 (environment)"],
        );
        check("a: 1\n", &[("global", "")], &[]);
    }

    #[test]
    fn values_that_look_alike_are_told_apart() {
        check(
            "",
            &[(
                "g",
                "a: '2'\nb: 2\nc: 'true'\nd: null\ne: ''\nf: '[x]'\ng: [x, 'a, b', '1']\nh: []\ni.j: x\n",
            )],
            &[
                "[i.j] = x (g)",
                "a = \"2\" (g)",
                "b = 2 (g)",
                "c = \"true\" (g)",
                "d = null (g)",
                "e = \"\" (g)",
                "f = \"[x]\" (g)",
                "g = [x, \"a, b\", \"1\"] (g)",
                "h = [] (g)",
            ],
        );
    }

    #[test]
    fn long_lists_go_by_name_or_index_and_long_texts_end_in_a_digest() {
        let long = "x".repeat(40);
        check(
            "",
            &[(
                "g",
                &format!(
                    "env: [{{name: A, value: {long}}}, {{name: B, value: {long}}}]\nl: [{long}, {long}]\n"
                ),
            )],
            &[
                &format!("env[A].value = {long} (g)"),
                &format!("env[B].value = {long} (g)"),
                &format!("l[0] = {long} (g)"),
                &format!("l[1] = {long} (g)"),
            ],
        );
        check("", &[("g", "t: |\n  one\n  two\n")], &["t = one… (8 bytes, sha256:c3f9c8c2) (g)"]);
    }

    #[test]
    fn sensitive_layers_are_never_shown() {
        let mut stack = stack("", &[("g", "a: 1\n"), ("secrets", "b: {c: hush}\n")]);
        stack.layers[1].sensitive = true;
        let lines = shown(&stack, |_| false, |_, _, _| "(sensitive, revision 1)".to_owned());
        assert_eq!(lines["b.c"].as_deref(), Some("(sensitive, revision 1) (secrets)"));
        assert_eq!(lines["a"].as_deref(), Some("1 (g)"));
    }

    fn explains(chart: &str, layers: &[(&str, &str)], path: &str, expected: &[&str]) {
        let stack = stack(chart, layers);
        let written =
            |written: &Written<'_>| format!("{} at {}", shown_value(written.value), written.origin());
        let lines: Vec<String> = explain(&stack, path)
            .iter()
            .map(|decision| {
                let all: Vec<String> =
                    [&decision.winner].into_iter().chain(&decision.shadowed).map(written).collect();
                let redundant = if decision.is_redundant() { " (redundant)" } else { "" };
                format!("{}: {}{redundant}", decision.path, all.join(" over "))
            })
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn the_winner_and_what_it_shadows_are_named_with_file_and_line() {
        let layers = [("global", "# c\nimage:\n  tag: b\n"), ("prod", "image:\n  tag: b\n")];
        explains(
            "image:\n  tag: a\n  repo: r\n",
            &layers,
            "image",
            &[
                "image.repo: r at chart.yaml:3:3",
                "image.tag: b at prod.yaml:2:3 over b at global.yaml:3:3 over a at chart.yaml:2:3 (redundant)",
            ],
        );
        explains("", &layers, "imag", &[]);
    }

    #[test]
    fn a_map_above_something_else_starts_anew_but_keeps_the_charts_defaults() {
        explains(
            "a: {z: 3}\n",
            &[("one", "a: {x: 1}\n"), ("two", "a: null\n"), ("three", "a: {w: 2}\n")],
            "a",
            &["a.w: 2 at three.yaml:1:5", "a.z: 3 at chart.yaml:1:5"],
        );
        explains(
            "a: {z: 3}\n",
            &[("one", "a: null\n")],
            "",
            &["a: null at one.yaml:1:1 over {\"z\":3}… (7 bytes, sha256:59068e37) at chart.yaml:1:1"],
        );
    }

    /// Draws a map of maps and scalars as flow YAML, a JSON text.
    fn draw(state: &mut u64, depth: usize) -> Value {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        match (*state >> 33) % 7 {
            0..=3 if depth > 0 => {
                let keys = ["a", "b", "c"].into_iter().filter(|_| {
                    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (*state >> 40).is_multiple_of(2)
                });
                let keys: Vec<&str> = keys.collect();
                Value::Object(keys.into_iter().map(|key| (key.to_owned(), draw(state, depth - 1))).collect())
            }
            0 | 1 => Value::Null,
            2 => Value::from(vec![1]),
            3 => Value::Object(Map::new()),
            number => Value::from(number),
        }
    }

    #[test]
    fn every_decision_is_what_the_merged_values_hold() {
        let mut state = 42;
        for _ in 0..500 {
            let texts: Vec<String> =
                (0..4).map(|_| format!("{{\"top\": {}}}", draw(&mut state, 3))).collect();
            let stack = stack(&texts[0], &[("one", &texts[1]), ("two", &texts[2]), ("three", &texts[3])]);
            let (effective, merged) = (json_of(&stack.effective(Mode::Helm3)), json_of(&stack.merged()));
            for decision in decisions(&stack) {
                let pointer = format!("/{}", decision.path.replace('.', "/"));
                let value = json_of(decision.winner.value);
                let holds =
                    if decision.by_chart { effective.pointer(&pointer) } else { merged.pointer(&pointer) };
                assert_eq!(holds, Some(&value), "{} of {texts:?}", decision.path);
            }
        }
    }
}
