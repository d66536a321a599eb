//! Which subcharts take part, under which name, and which of their values move up into the parent.
//!
//! Follows Helm's `dependencies.go`: all dependencies of Chart.yaml start enabled, tags are asked first, conditions
//! beat tags, aliases copy the chart, and imported values lie below the parent's own.

use std::sync::Arc;

use super::coalesce::{Coalesce, Nulls};
use super::metadata::{Dependency, import_entry};
use super::scoped::Scoped;
use super::versions::is_in_range;
use crate::Mode;
use crate::tree::{Node, NodeKind, NodeMap};

/// Checks that every dependency of Chart.yaml is among the loaded subcharts, by name.
pub(crate) fn check_present(chart: &Scoped, mode: Mode) -> Result<(), String> {
    let loaded = |name: &str| chart.dependencies.iter().any(|dependency| dependency.name == name);
    let missing: Vec<&str> =
        chart.requirements.iter().map(|wanted| wanted.name.as_str()).filter(|name| !loaded(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = format!("found in Chart.yaml, but missing in charts/ directory: {}", missing.join(", "));
    Err(match mode {
        Mode::Helm3 => format!(
            "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` \
             to fetch missing dependencies: {missing}"
        ),
        Mode::Helm4 => format!(
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' \
             to fetch missing dependencies: {missing}"
        ),
    })
}

/// Switches subcharts on and off, applies aliases, and imports values.
pub(crate) fn process(
    chart: &mut Scoped,
    user: &NodeMap,
    mode: Mode,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    // Helm prints the warnings of every pass; they repeat those of the final one.
    let mut passing = Vec::new();
    let mut processing = Processing { mode, warnings, passing: &mut passing };
    processing.enable(chart, user, "")?;
    processing.import(chart)
}

struct Processing<'w> {
    mode: Mode,
    warnings: &'w mut Vec<String>,
    passing: &'w mut Vec<String>,
}

impl Processing<'_> {
    fn coalesce(&mut self, chart: &Scoped, user: NodeMap, nulls: Nulls) -> Result<NodeMap, String> {
        Coalesce { mode: self.mode, warnings: self.passing }.chart(chart, user, nulls)
    }

    fn enable(&mut self, chart: &mut Scoped, user: &NodeMap, path: &str) -> Result<(), String> {
        if chart.unit.metadata.dependencies.is_empty() {
            return Ok(());
        }
        apply_aliases(chart);
        let values = self.coalesce(chart, user.clone(), Nulls::Drop)?;
        for requirement in &mut chart.requirements {
            requirement.enabled = true;
            self.apply_tags(requirement, &values);
            self.apply_condition(requirement, &values, path);
        }
        let disabled: Vec<String> =
            chart.requirements.iter().filter(|r| !r.enabled).map(|r| r.name.clone()).collect();
        chart.dependencies.retain(|dependency| !disabled.contains(&dependency.name));
        chart.requirements.retain(|requirement| !disabled.contains(&requirement.name));
        for dependency in &mut chart.dependencies {
            let path = format!("{path}{}.", dependency.name);
            self.enable(dependency, &values, &path)?;
        }
        Ok(())
    }

    fn apply_tags(&mut self, requirement: &mut Dependency, values: &NodeMap) {
        let Some(tags) = values.get("tags").and_then(Node::as_map) else { return };
        let (mut any_true, mut any_false) = (false, false);
        for tag in &requirement.tags {
            match tags.get(tag.as_str()).map(|node| &node.kind) {
                Some(NodeKind::Bool(true)) => any_true = true,
                Some(NodeKind::Bool(false)) => any_false = true,
                Some(_) => {
                    let name = &requirement.name;
                    self.warnings
                        .push(format!("Warning: Tag '{tag}' for chart {name} returned non-bool value"));
                }
                None => {}
            }
        }
        requirement.enabled = any_true || !any_false;
    }

    fn apply_condition(&mut self, requirement: &mut Dependency, values: &NodeMap, prefix: &str) {
        for condition in requirement.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match scalar_at(values, &format!("{prefix}{condition}")).map(|node| &node.kind) {
                Some(NodeKind::Bool(enabled)) => {
                    requirement.enabled = *enabled;
                    return;
                }
                Some(_) => {
                    let name = &requirement.name;
                    self.warnings.push(format!(
                        "Warning: Condition path '{condition}' for chart {name} returned non-bool value"
                    ));
                }
                None => {}
            }
        }
    }

    /// Imports values, the deepest charts first.
    fn import(&mut self, chart: &mut Scoped) -> Result<(), String> {
        for dependency in &mut chart.dependencies {
            self.import(dependency)?;
        }
        if chart.unit.metadata.dependencies.is_empty() || chart.requirements.is_empty() {
            return Ok(());
        }
        let mut values = self.coalesce(chart, NodeMap::new(), Nulls::Keep)?;
        let mut imported = NodeMap::new();
        for requirement in &mut chart.requirements {
            let mut entries = Vec::new();
            for entry in &requirement.import_values {
                let Some((child, parent)) = import_paths(entry) else { continue };
                entries.push(import_entry(&child, &parent));
                match table_at(&values, &format!("{}.{child}", requirement.name)) {
                    Some(table) => {
                        let table = nested(&parent, table.clone());
                        Coalesce { mode: self.mode, warnings: self.passing }.tables(
                            &mut imported,
                            &table,
                            "",
                            Nulls::Keep,
                        );
                    }
                    None => self.warnings.push(missing_table(entry, &requirement.name, &child)),
                }
            }
            requirement.import_values = entries;
        }
        Coalesce { mode: self.mode, warnings: self.passing }.tables(&mut values, &imported, "", Nulls::Keep);
        chart.values = Arc::new(values);
        Ok(())
    }
}

/// Replaces the subcharts that Chart.yaml lists by one copy per entry, named by its alias.
fn apply_aliases(chart: &mut Scoped) {
    let matches = |requirement: &Dependency, existing: &Scoped| {
        existing.name == requirement.name
            && is_in_range(&requirement.version, &existing.unit.metadata.version)
    };
    let unlisted = |existing: &&Scoped| !chart.requirements.iter().any(|wanted| matches(wanted, existing));
    let mut dependencies: Vec<Scoped> = chart.dependencies.iter().filter(unlisted).cloned().collect();
    for requirement in &chart.requirements {
        if let Some(found) = chart.dependencies.iter().find(|existing| matches(requirement, existing)) {
            dependencies.push(Scoped { name: requirement.effective_name().to_owned(), ..found.clone() });
        }
    }
    chart.dependencies = dependencies;
    for requirement in &mut chart.requirements {
        requirement.name = requirement.effective_name().to_owned();
    }
}

/// Returns the paths of an import entry: in the child and in the parent.
fn import_paths(entry: &Node) -> Option<(String, String)> {
    match &entry.kind {
        NodeKind::String(name) => Some((format!("exports.{name}"), ".".to_owned())),
        NodeKind::Map(map) => {
            let text = |key: &str| map.get(key).map_or_else(|| "<nil>".to_owned(), crate::gotext::print);
            Some((text("child"), text("parent")))
        }
        _ => None,
    }
}

fn missing_table(entry: &Node, chart: &str, child: &str) -> String {
    let last = child.rsplit('.').next().unwrap_or(child);
    let quoted = crate::gotext::quote(last);
    match entry.kind {
        NodeKind::Map(_) => {
            format!("Warning: ImportValues missing table from chart {chart}: {quoted} is not a table")
        }
        _ => format!("Warning: ImportValues missing table: {quoted} is not a table"),
    }
}

/// Finds the map at a dotted path.
pub(crate) fn table_at<'v>(values: &'v NodeMap, path: &str) -> Option<&'v NodeMap> {
    path.split('.').try_fold(values, |table, key| table.get(key)?.as_map())
}

/// Finds the value at a dotted path that is no map.
fn scalar_at<'v>(values: &'v NodeMap, path: &str) -> Option<&'v Node> {
    let (table, key) = match path.rsplit_once('.') {
        Some((above, key)) => (table_at(values, above)?, key),
        None => (values, path),
    };
    table.get(key).filter(|node| node.as_map().is_none())
}

/// Puts a table at a dotted path; `.` is the root.
fn nested(path: &str, table: NodeMap) -> NodeMap {
    if path == "." {
        return table;
    }
    path.split('.').rev().fold(table, |inner, key| NodeMap::from([(key.into(), Node::map(inner))]))
}
