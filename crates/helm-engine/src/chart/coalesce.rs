//! One tree of values out of a chart's defaults, its subcharts' defaults and what the user gave.
//!
//! Follows Helm's `coalesce.go` step by step, because its exceptions are visible: the user's null deletes a default,
//! globals flow down, and a nested table of globals is shared by parent and child, so that a child's defaults for it
//! reach the parent and the siblings that come later. *Coalescing* drops nulls on the way, *merging* keeps them.

use std::sync::Arc;

use super::scoped::Scoped;
use crate::Mode;
use crate::gotext::{print, print_truth};
use crate::tree::{Node, NodeKind, NodeMap};

/// How nulls are treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nulls {
    /// They delete.
    Drop,
    /// They stay.
    Keep,
}

/// What coalescing carries along.
pub(super) struct Coalesce<'w> {
    pub(super) mode: Mode,
    pub(super) warnings: &'w mut Vec<String>,
}

const GLOBAL: &str = "global";

impl Coalesce<'_> {
    /// Builds the values of a chart and everything below it over what the user gave.
    pub(super) fn chart(&mut self, chart: &Scoped, user: NodeMap, nulls: Nulls) -> Result<NodeMap, String> {
        let mut values = user;
        self.chart_into(chart, &mut values, "", nulls)?;
        Ok(values)
    }

    fn chart_into(
        &mut self,
        chart: &Scoped,
        values: &mut NodeMap,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<(), String> {
        self.defaults(chart, values, prefix, nulls);
        self.subcharts(chart, values, prefix, nulls)
    }

    fn subcharts(
        &mut self,
        chart: &Scoped,
        values: &mut NodeMap,
        prefix: &str,
        nulls: Nulls,
    ) -> Result<(), String> {
        let prefix = joined(prefix, &chart.name);
        for subchart in &chart.dependencies {
            let name = subchart.name.as_str();
            let mut child = match values.get_mut(name) {
                None => Node::map(NodeMap::new()),
                Some(node @ Node { kind: NodeKind::Map(_), .. }) => std::mem::take(node),
                Some(other) => return Err(format!("type mismatch on {name}: {}", print_truth(other))),
            };
            if let Some(child) = child.as_map_mut() {
                let shared = self.globals(child, values, &prefix);
                let result = self.chart_into(subchart, child, &prefix, nulls);
                return_shared(values, child, &shared);
                result?;
            }
            values.insert(name.into(), child);
        }
        Ok(())
    }

    /// Merges the parent's globals into a child's; returns the nested tables that both now share.
    fn globals(&mut self, child: &mut NodeMap, parent: &NodeMap, prefix: &str) -> Vec<(Arc<str>, Arc<str>)> {
        let mut globals = match child.get(GLOBAL) {
            None => Node::map(NodeMap::new()),
            Some(node) if node.as_map().is_some() => node.clone(),
            Some(_) => {
                self.warn(format!("warning: skipping globals because destination {GLOBAL} is not a table."));
                return Vec::new();
            }
        };
        let from = match parent.get(GLOBAL) {
            None => None,
            Some(node) if node.as_map().is_some() => node.as_map(),
            Some(_) => {
                self.warn(format!("warning: skipping globals because source {GLOBAL} is not a table."));
                return Vec::new();
            }
        };
        let mut shared = Vec::new();
        if let Some(into) = globals.as_map_mut() {
            for (key, value) in from.into_iter().flatten() {
                self.global(into, key, value, prefix, &mut shared);
            }
        }
        child.insert(GLOBAL.into(), globals);
        shared
    }

    fn global(
        &mut self,
        into: &mut NodeMap,
        key: &Arc<str>,
        value: &Node,
        prefix: &str,
        shared: &mut Vec<(Arc<str>, Arc<str>)>,
    ) {
        let Some(table) = value.as_map() else {
            if into.get(key).is_some_and(|own| own.as_map().is_some()) {
                self.warn(format!("key {key} is table. Skipping"));
            } else {
                into.insert(Arc::clone(key), value.clone());
            }
            return;
        };
        let mut merged = value.clone();
        match into.get(key).map(|own| &own.kind) {
            None => {}
            Some(NodeKind::Map(own)) => {
                if let Some(merged) = merged.as_map_mut() {
                    self.tables(merged, own, &joined(prefix, key), Nulls::Keep);
                }
            }
            Some(_) => {
                let key = crate::gotext::quote(key);
                return self.warn(format!("Conflict: cannot merge map onto non-map for {key}. Skipping."));
            }
        }
        let nested = table.iter().filter(|(_, value)| value.as_map().is_some());
        shared.extend(nested.map(|(inner, _)| (Arc::clone(key), Arc::clone(inner))));
        into.insert(Arc::clone(key), merged);
    }

    /// Puts a chart's own values under what is there already.
    fn defaults(&mut self, chart: &Scoped, values: &mut NodeMap, prefix: &str, nulls: Nulls) {
        let prefix = joined(prefix, &chart.name);
        let mode = self.mode;
        let cleans = |nulls: Nulls| mode == Mode::Helm4 && nulls == Nulls::Drop;
        for (key, default) in chart.values.iter() {
            let Some(value) = values.get_mut(key) else {
                if !cleans(nulls) {
                    values.insert(Arc::clone(key), default.clone());
                } else if !default.is_null() {
                    values.insert(Arc::clone(key), without_nulls(default));
                }
                continue;
            };
            if value.is_null() && nulls == Nulls::Drop {
                values.remove(key);
                continue;
            }
            let Some(own) = value.as_map_mut() else { continue };
            let Some(table) = default.as_map() else {
                if !default.is_null() {
                    self.warn(format!("warning: skipped value for {prefix}.{key}: Not a table."));
                }
                continue;
            };
            // A subchart's table is coalesced again when the subchart's turn comes: nulls must live until then.
            let is_subchart = chart.dependencies.iter().any(|subchart| subchart.name == **key);
            let nulls = if is_subchart { Nulls::Keep } else { nulls };
            let path = joined(&prefix, key);
            if cleans(nulls) {
                let cleaned = without_nulls(default);
                self.tables(own, cleaned.as_map().unwrap_or(table), &path, nulls);
            } else {
                self.tables(own, table, &path, nulls);
            }
        }
    }

    /// Merges `from` under `into`.
    pub(super) fn tables(&mut self, into: &mut NodeMap, from: &NodeMap, prefix: &str, nulls: Nulls) {
        for (key, value) in from {
            let Some(own) = into.get_mut(key) else {
                into.insert(Arc::clone(key), value.clone());
                continue;
            };
            if own.is_null() {
                if nulls == Nulls::Drop && !value.is_null() {
                    into.remove(key);
                }
                continue;
            }
            let path = joined(prefix, key);
            match (own.as_map_mut(), value.as_map()) {
                (Some(own), Some(table)) => self.tables(own, table, &path, nulls),
                (None, Some(_)) => self.warn(format!(
                    "warning: cannot overwrite table with non table for {path} ({})",
                    print(value)
                )),
                (Some(_), None) if !value.is_null() => self.warn(format!(
                    "warning: destination for {path} is a table. Ignoring non-table value ({})",
                    print(value)
                )),
                _ => {}
            }
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }
}

/// Gives nested tables of globals that a child may have changed back to its parent.
fn return_shared(parent: &mut NodeMap, child: &NodeMap, shared: &[(Arc<str>, Arc<str>)]) {
    let Some(from) = child.get(GLOBAL).and_then(Node::as_map) else { return };
    let Some(into) = parent.get_mut(GLOBAL).and_then(Node::as_map_mut) else { return };
    for (outer, inner) in shared {
        let changed = from.get(outer).and_then(Node::as_map).and_then(|map| map.get(inner));
        let (Some(changed), Some(slot)) = (changed, into.get_mut(outer).and_then(Node::as_map_mut)) else {
            continue;
        };
        if changed.as_map().is_some() {
            slot.insert(Arc::clone(inner), changed.clone());
        }
    }
}

/// Returns a tree without the nulls of its maps; lists stay as they are.
fn without_nulls(node: &Node) -> Node {
    let Some(map) = node.as_map() else { return node.clone() };
    if !has_nulls(map) {
        return node.clone();
    }
    let kept = map.iter().filter(|(_, value)| !value.is_null());
    let map = kept.map(|(key, value)| (Arc::clone(key), without_nulls(value))).collect();
    Node { kind: NodeKind::Map(Arc::new(map)), ..node.clone() }
}

fn has_nulls(map: &NodeMap) -> bool {
    map.values().any(|value| value.is_null() || value.as_map().is_some_and(has_nulls))
}

fn joined(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}
