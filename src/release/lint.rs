//! What looks wrong in the layers of a release: values that nothing reads, misspelt keys, values said twice.
//!
//! What is read is known from a traced render: a value outside of what the templates read changes nothing. That holds
//! for the values as they are: a branch that another value would open may read more. So a key that the chart has a
//! default for never counts as unread, nor what a subchart that is switched off would read.

use std::collections::BTreeSet;
use std::fmt;

use helm_engine::chart::Chart;
use helm_engine::render::{Reason, TraceReport};
use helm_engine::trace::Trace;
use helm_engine::tree::Node;

use super::render::run;
use super::secrets::in_plan_notation;
use super::{Draw, Release, ReleaseError};
use crate::layers::layer::Layer;
use crate::layers::nearest::nearest;
use crate::layers::provenance::{Decision, decisions};
use crate::layers::stack::Stack;
use crate::notation::FieldPath;

/// Letters that a key may differ from another one to be taken for it.
const MISSPELT_LETTERS: usize = 2;

/// Something that looks wrong; it names no value, which might be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The key's path.
    pub path: String,
    /// Where it is written.
    pub place: String,
    /// What looks wrong.
    pub what: Fault,
}

/// What looks wrong about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No template reads it.
    Unread,
    /// No template reads it, and the chart has a key that is nearly the same.
    Misspelt {
        /// The chart's key.
        meant: String,
    },
    /// It is what would be there without it.
    Repeated {
        /// The layer below that says the same, and where.
        below: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, place, what } = self;
        match what {
            Fault::Unread => write!(formatter, "{place}: nothing reads `{path}`"),
            Fault::Misspelt { meant } => {
                write!(formatter, "{place}: nothing reads `{path}`; `{meant}` may be meant")
            }
            Fault::Repeated { below } => write!(formatter, "{place}: `{path}` repeats {below}"),
        }
    }
}

/// Looks for what is wrong in the layers of a release, by path.
///
/// # Errors
/// As rendering the release would fail.
pub fn lint(release: &Release<'_>) -> Result<Vec<Finding>, ReleaseError> {
    let output = run(release, Draw { seed: [0; 32], now_unix_nanoseconds: 0 }, Trace::Reads)?;
    let defaults = Node::map(release.chart.default_values().clone());
    let mut stack = release.layers.clone();
    stack.chart = Layer::new("chart", Some("values.yaml"), defaults).ok();
    Ok(findings(&stack, &Reads::of(&output.trace, release.chart)))
}

fn findings(stack: &Stack, reads: &Reads) -> Vec<Finding> {
    let decisions = decisions(stack);
    let mut known = Vec::new();
    if let Some(chart) = &stack.chart {
        leaves(&chart.values, &mut FieldPath::root(), &mut known);
    }
    let fault = |decision: &Decision<'_>| {
        if decision.is_redundant() {
            let below = decision.shadowed.first()?;
            return Some(Fault::Repeated {
                below: format!("layer {} ({})", below.layer.name, below.origin()),
            });
        }
        let extends_default =
            known.iter().any(|key| is_within(&decision.path, key) || is_within(key, &decision.path));
        if extends_default || reads.contains(&decision.path) {
            return None;
        }
        let meant = nearest(&decision.path, known.iter().map(String::as_str), 1, MISSPELT_LETTERS).pop();
        Some(meant.map_or(Fault::Unread, |meant| Fault::Misspelt { meant: meant.to_owned() }))
    };
    let above_chart = decisions.iter().filter(|decision| !decision.by_chart);
    let found = above_chart.filter_map(|decision| {
        let place = decision.winner.origin().to_string();
        Some(Finding { path: decision.path.clone(), place, what: fault(decision)? })
    });
    found.collect()
}

/// Lists the paths of everything in a map that is no map with keys.
fn leaves(values: &Node, path: &mut FieldPath, found: &mut Vec<String>) {
    for (key, value) in values.as_map().into_iter().flatten() {
        let length = path.len();
        path.push_field(key);
        match value.as_map() {
            Some(map) if !map.is_empty() => leaves(value, path, found),
            _ => found.push(path.as_str().to_owned()),
        }
        path.truncate(length);
    }
}

/// Tells whether a path is another one or below it.
fn is_within(path: &str, other: &str) -> bool {
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// What the templates read, and what is read before them, in the notation of a plan.
#[derive(Clone, Debug, Default)]
struct Reads {
    /// Values, and places that were found empty.
    paths: BTreeSet<String>,
    /// Maps and lists whose keys or length were read: one more key below changes them.
    shapes: BTreeSet<String>,
    /// What is left to others: values of subcharts that are switched off, and what switches them.
    exempt: BTreeSet<String>,
}

impl Reads {
    fn of(trace: &TraceReport, chart: &Chart) -> Self {
        let mut reads = Reads::default();
        for reason in trace.templates.iter().flat_map(|template| &template.reads) {
            match reason {
                Reason::Value(path) | Reason::Sensitive(path) | Reason::Unknown(path) => {
                    reads.paths.insert(in_plan_notation(path));
                }
                Reason::Shape(path) => {
                    reads.shapes.insert(in_plan_notation(path));
                }
                Reason::Generated(_)
                | Reason::Fact(_)
                | Reason::File(_)
                | Reason::Late(_)
                | Reason::Undecided(_) => {}
            }
        }
        for (dependency, _) in chart.requirements() {
            let name = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            let is_read = reads.paths.iter().any(|path| is_within(path, name));
            reads.exempt.extend((!is_read).then(|| name.clone()));
            reads.exempt.extend(dependency.condition.split(',').map(|path| path.trim().to_owned()));
            reads.exempt.extend(["global", "tags"].map(str::to_owned));
        }
        reads
    }

    fn contains(&self, path: &str) -> bool {
        self.paths.iter().any(|read| is_within(read, path))
            || self
                .shapes
                .iter()
                .any(|shape| shape.is_empty() || is_within(path, shape) || is_within(shape, path))
            || self.exempt.iter().any(|exempt| is_within(path, exempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(layers: &[&str], read: &[&str], shapes: &[&str], expected: &[&str]) {
        let layer = |(index, yaml): (usize, &&str)| {
            let name = format!("l{index}");
            Layer::read(&name, Some(&format!("{name}.yaml")), yaml.as_bytes(), 0).expect("a map")
        };
        let mut layers: Vec<Layer> = layers.iter().enumerate().map(layer).collect();
        let stack = Stack { chart: Some(layers.remove(0)), layers };
        let set = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let reads = Reads { paths: set(read), shapes: set(shapes), exempt: BTreeSet::default() };
        let found: Vec<String> = findings(&stack, &reads).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_nothing_reads_is_found_unless_the_chart_knows_it() {
        check(&["a: 1", "b: 2"], &["b"], &[], &[]);
        check(&["a: 1", "\nother: 2"], &["a"], &[], &["l1.yaml:2:1: nothing reads `other`"]);
        check(&["ingress: {host: x}", "ingress: {host: y}"], &[], &[], &[]);
        check(&["labels: {}", "labels: {team: x}"], &[], &[], &[]);
        check(&["a: 1", "list: [{b: 1}]"], &["list[0].b"], &[], &[]);
        check(&["a: 1", "map: {b: 1}"], &[], &["map"], &[]);
        check(&["a: 1", "map: {b: 1}"], &[], &[""], &[]);
    }

    #[test]
    fn a_misspelt_key_names_the_one_that_is_meant() {
        let meant = "l1.yaml:1:1: nothing reads `replicaCuont`; `replicaCount` may be meant";
        check(&["replicaCount: 1", "replicaCuont: 2"], &["replicaCount"], &[], &[meant]);
        let meant = "l1.yaml:1:10: nothing reads `imagee.tag`; `image.tag` may be meant";
        check(&["image: {tag: 1}", "imagee: {tag: 2}"], &["image.tag"], &[], &[meant]);
    }

    #[test]
    fn a_value_that_is_said_twice_names_the_other_place() {
        let repeats = "l2.yaml:1:1: `a` repeats layer l1 (l1.yaml:1:1)";
        check(&["a: 1", "a: 2", "a: 2"], &["a"], &[], &[repeats]);
        check(&["a: 1", "a: 2", "a: 1"], &["a"], &[], &[]);
        check(&["a: 1", "a: 1"], &["a"], &[], &["l1.yaml:1:1: `a` repeats layer l0 (l0.yaml:1:1)"]);
    }
}
