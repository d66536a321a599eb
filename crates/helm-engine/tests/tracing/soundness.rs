//! Nothing differs that was not said to depend on what changed.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::Reason;
use helm_engine::request::Request;
use helm_engine::trace::Trace;
use helm_engine::tree::{InputMark, Node, NodeKind};
use helm_engine::{Mode, Rendered, render};

use crate::changes::{self, Change};
use crate::documents::{self, Document};
use crate::inputs::{self, Input, printed};

/// How many changes are tried on a chart of the corpus: evenly taken from all of them.
const LARGE_CHART_CHANGES: usize = 12;

#[test]
fn prints_the_same_with_and_without_a_trace() {
    let modes = [Mode::Helm3, Mode::Helm4].map(inputs::corpus);
    for input in modes.into_iter().flatten().chain(inputs::generated()) {
        let plain = printed(&input.render(Trace::Off));
        for trace in [Trace::Reads, Trace::Full, Trace::Steps] {
            assert!(printed(&input.render(trace)) == plain, "{} differs with {trace:?}", input.name);
        }
    }
}

#[test]
fn a_file_of_the_corpus_that_changes_had_read_what_changed() {
    let mut failures = Failures::default();
    for input in &inputs::corpus(Mode::Helm4) {
        check_files(input, Trace::Reads, &mut failures);
    }
    failures.report();
}

#[test]
fn a_file_that_changes_had_read_what_changed() {
    let mut failures = Failures::default();
    for input in &inputs::generated() {
        for trace in [Trace::Reads, Trace::Full, Trace::Steps] {
            check_files(input, trace, &mut failures);
        }
    }
    failures.report();
}

#[test]
fn a_field_of_the_corpus_that_changes_was_said_to_depend_on_what_changed() {
    let mut failures = Failures::default();
    for input in &inputs::corpus(Mode::Helm4) {
        check_fields(input, &mut failures);
    }
    failures.report();
}

#[test]
fn a_field_that_changes_was_said_to_depend_on_what_changed() {
    let mut failures = Failures::default();
    for input in &inputs::generated() {
        check_fields(input, &mut failures);
    }
    failures.report();
}

#[test]
fn secrets_and_unknown_values_reach_marked_fields_only() {
    let mut failures = Failures::default();
    for input in &inputs::generated() {
        for mark in [InputMark::SENSITIVE, InputMark::UNKNOWN] {
            check_marks(input, mark, &mut failures);
        }
    }
    failures.report();
}

#[test]
fn a_field_that_differs_with_another_seed_or_time_is_marked_as_generated() {
    let mut failures = Failures::default();
    let mut marked = 0;
    for input in inputs::corpus(Mode::Helm4).iter().chain(&inputs::generated()) {
        let before = input.render(Trace::Full);
        let request = Request {
            seed: [7; 32],
            now_unix_nanoseconds: input.request.now_unix_nanoseconds + 100_000_000_000_000_123,
            trace: Trace::Full,
            ..input.request.clone()
        };
        let Ok(after) = render(&input.chart, &request) else { continue };
        let is_generated = |reason: &Reason| matches!(reason, Reason::Generated(_));
        let told = before.trace.manifests.iter().flatten();
        marked += told.filter(|field| field.reasons.iter().any(is_generated)).count();
        let pair = Pair { before: &before, after: &after, name: &input.name };
        pair.check(&is_generated, &mut failures);
    }
    assert!(marked > 5, "{marked} fields are marked as generated");
    failures.report();
}

/// What went wrong, by chart.
#[derive(Default)]
struct Failures {
    found: BTreeMap<String, Vec<String>>,
}

impl Failures {
    fn add(&mut self, chart: &str, what: String) {
        self.found.entry(chart.to_owned()).or_default().push(what);
    }

    fn report(&self) {
        let shown: Vec<String> = self
            .found
            .iter()
            .map(|(chart, all)| {
                let first: Vec<&str> = all.iter().take(4).map(String::as_str).collect();
                format!("{chart}, {} times:\n    {}", all.len(), first.join("\n    "))
            })
            .collect();
        assert!(shown.is_empty(), "\n{}", shown.join("\n"));
    }
}

/// Renders with a change; none if the chart refuses it.
fn changed(input: &Input, change: &Change, trace: Trace) -> Option<Rendered> {
    let mut request = Request { trace, ..input.request.clone() };
    request.layers.push(change.layer.clone());
    render(&input.chart, &request).ok()
}

/// Returns the changes to try: of what is there, and of what the templates looked for in vain.
fn changes_of(input: &Input, before: &Rendered) -> Vec<Change> {
    let mut all = changes::all(&before.values);
    let reads = before.trace.templates.iter().flat_map(|template| &template.reads);
    let absent: BTreeSet<&str> = reads
        .filter_map(|reason| match reason {
            Reason::Shape(path) if !path.is_empty() && !path.contains('[') => Some(&**path),
            _ => None,
        })
        .collect();
    let known: BTreeSet<String> = all.iter().map(|change| change.path.clone()).collect();
    for path in absent.into_iter().filter(|path| !known.contains(*path)) {
        for kind in [NodeKind::String("appeared".into()), NodeKind::Bool(true)] {
            all.push(changes::appearance(&before.values, path, Node::new(kind)));
        }
    }
    let stride = if input.is_small { 2 } else { all.len() / LARGE_CHART_CHANGES + 1 };
    all.into_iter().skip(input.name.len() % 2).step_by(stride).collect()
}

fn is_at(reason: &Reason, paths: &BTreeSet<String>) -> bool {
    matches!(reason, Reason::Value(path) | Reason::Shape(path) if paths.contains(&**path))
}

fn check_files(input: &Input, trace: Trace, failures: &mut Failures) {
    let before = input.render(trace);
    let old = outputs(input, &input.request);
    for change in changes_of(input, &before) {
        let mut request = input.request.clone();
        request.layers.push(change.layer.clone());
        let Some(after) = changed(input, &change, Trace::Off) else { continue };
        let paths = changes::difference(&before.values, &after.values);
        let new = outputs(input, &request);
        for file in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            if old.get(file) == new.get(file) {
                continue;
            }
            let read = before.trace.templates.iter().find(|template| template.template == *file);
            let is_known = match read.filter(|_| old.contains_key(file) && new.contains_key(file)) {
                Some(read) => read.reads.iter().any(|reason| is_at(reason, &paths)),
                None => before.trace.subcharts.iter().any(|reason| is_at(reason, &paths)),
            };
            if !is_known {
                failures.add(&input.name, format!("{trace:?}: {file} when {}", change.name));
            }
        }
    }
}

fn outputs(input: &Input, request: &Request) -> BTreeMap<String, Vec<u8>> {
    helm_engine::render_files(&input.chart, request)
        .map(|files| files.into_iter().collect())
        .unwrap_or_default()
}

fn check_fields(input: &Input, failures: &mut Failures) {
    let before = input.render(Trace::Steps);
    for change in changes_of(input, &before) {
        let Some(after) = changed(input, &change, Trace::Steps) else { continue };
        let paths = changes::difference(&before.values, &after.values);
        let name = format!("{}: {}", input.name, change.name);
        Pair { before: &before, after: &after, name: &name }.check(&|reason| is_at(reason, &paths), failures);
    }
}

fn check_marks(input: &Input, mark: InputMark, failures: &mut Failures) {
    for change in changes::all(&input.render(Trace::Off).values).into_iter().step_by(3) {
        let key = change.layer.as_map().and_then(|map| map.keys().next()).cloned().expect("a key");
        let mut request = Request { trace: Trace::Full, ..input.request.clone() };
        for map in request.layers.iter_mut().filter_map(Node::as_map_mut) {
            if let Some(node) = map.get_mut(&key) {
                node.mark = mark;
            }
        }
        if request.layers.iter().filter_map(Node::as_map).all(|map| !map.contains_key(&key)) {
            continue;
        }
        let Ok(before) = render(&input.chart, &request) else { continue };
        let mut layer = change.layer.clone();
        layer.as_map_mut().into_iter().flat_map(|map| map.values_mut()).for_each(|node| node.mark = mark);
        request.layers.push(layer);
        let Ok(after) = render(&input.chart, &request) else { continue };
        let name = format!("{}: {mark:?} {}", input.name, change.name);
        let is_told = |reason: &Reason| match mark {
            InputMark::SENSITIVE => matches!(reason, Reason::Sensitive(_)),
            _ => matches!(reason, Reason::Unknown(_) | Reason::Undecided(_)),
        };
        Pair { before: &before, after: &after, name: &name }.check(&is_told, failures);
    }
}

/// Two renders that differ in one thing.
struct Pair<'a> {
    before: &'a Rendered,
    after: &'a Rendered,
    name: &'a str,
}

impl Pair<'_> {
    /// Adds every field that differs and that neither render said to depend on what is different.
    fn check(&self, is_reason: &dyn Fn(&Reason) -> bool, failures: &mut Failures) {
        let (before, after) = (documents::of(self.before), documents::of(self.after));
        for (id, old) in &before {
            let Some(new) = after.get(id) else { continue };
            for path in old.difference(new) {
                if !is_told(old, new, &path, is_reason) {
                    let told: Vec<_> = old.told(&path).collect();
                    failures.add(self.name, format!("{} {} says {told:?}", old.template, path.join(".")));
                }
            }
        }
    }
}

fn is_told(old: &Document, new: &Document, path: &[String], is_reason: &dyn Fn(&Reason) -> bool) -> bool {
    old.told(path).chain(new.told(path)).any(is_reason)
}
