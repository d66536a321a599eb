//! What of a release cannot be told before values are known that other resources bring.
//!
//! The engine renders with placeholders and tells which conditions asked about one. Each is taken both ways, and the
//! objects are compared: what comes out the same whatever the outcome is known, byte for byte. Fields made of late values
//! leave the objects before that (`late` in a plan). What then differs, or is made of an unknown value in another way, is
//! unknown: the object, or the set of objects where the value decides which there are.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{Reason, Rendered as Output, Undecided};
use serde_json::Value;

use super::inputs::{self, ObjectInputs, is_content_of_secret, is_within};
use super::render::{Objects, read_objects, run_with};
use super::{Draw, Release, ReleaseError};
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::mask::{Mark, ObjectMarks};
use crate::manifest::object::Scopes;
use crate::manifest::surface::Desired;

/// Renders that one plan may take to look at both sides of its conditions.
const MOST_RENDERS: usize = 24;

/// What is not known before apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Whether any value is not known.
    pub any: bool,
    /// Why it is not even known which objects there will be.
    pub set: Option<String>,
    /// The objects of which more than late fields is not known, by key, each with the reason.
    pub objects: BTreeMap<String, String>,
    /// By the key of an object, where hidden values stand that are not known, as JSON pointers: what is not known of them
    /// is only whether they differ from those before.
    pub hidden: BTreeMap<String, BTreeSet<String>>,
}

/// One way in which the conditions may turn out.
struct Variant {
    objects: Objects,
    inputs: BTreeMap<String, ObjectInputs>,
    outcomes: BTreeMap<String, bool>,
}

/// A render with placeholders, and what it does not tell.
pub(super) struct Explored {
    /// The render in which the placeholders decide; none if that is not possible.
    pub(super) output: Option<Output>,
    /// What is not known.
    pub(super) unknown: Unknown,
}

/// Renders every way in which conditions on unknown values may turn out.
///
/// # Errors
/// When the release cannot be rendered, whatever the unknown values will be.
pub(super) fn explore(release: &Release<'_>, draw: Draw) -> Result<Explored, ReleaseError> {
    let mut search = Search { release, draw, met: BTreeMap::new(), taken: BTreeSet::new(), renders: 0 };
    let first = match search.first() {
        Ok(first) => first,
        Err(cause) => return Ok(Explored { output: None, unknown: Unknown::of_all(cause) }),
    };
    if let Some(path) = switch(release, &first) {
        let cause = format!("`{path}` switches a subchart on or off");
        return Ok(Explored { output: None, unknown: Unknown::of_all(cause) });
    }
    let mut outputs = vec![(first, BTreeMap::new())];
    if let Err(cause) = search.others(&mut outputs) {
        return Ok(Explored { output: None, unknown: Unknown::of_all(cause) });
    }
    let mut variants = Vec::new();
    for (output, outcomes) in &outputs {
        match variant(release, output, outcomes) {
            Ok(variant) => variants.push(variant),
            Err(error) => return Ok(Explored { output: None, unknown: Unknown::of_all(told(&error)) }),
        }
    }
    let unknown = search.compare(&variants);
    Ok(Explored { output: outputs.into_iter().next().map(|(output, _)| output), unknown })
}

/// Returns an unknown value that decides which subcharts take part.
fn switch(release: &Release<'_>, output: &Output) -> Option<String> {
    let unknown = release.layers.unknown();
    let is_above = |path: &str, other: &str| {
        other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let switches = output.trace.subcharts.iter().filter_map(|reason| match reason {
        Reason::Value(path) | Reason::Shape(path) => Some(path),
        _ => None,
    });
    let found = switches.filter(|switch| unknown.iter().any(|path| is_above(path, switch)));
    found.map(ToString::to_string).next()
}

fn variant(
    release: &Release<'_>,
    output: &Output,
    outcomes: &BTreeMap<String, bool>,
) -> Result<Variant, ReleaseError> {
    let objects = read_objects(release, output)?;
    let scopes = Scopes::from_objects(objects.values().map(|(_, object)| object));
    let inputs = inputs::of_objects(release, output, &scopes)?;
    Ok(Variant { objects, inputs, outcomes: outcomes.clone() })
}

struct Search<'a> {
    release: &'a Release<'a>,
    draw: Draw,
    /// The conditions met so far.
    met: BTreeMap<String, Undecided>,
    /// The outcomes that were looked at.
    taken: BTreeSet<(String, bool)>,
    renders: usize,
}

impl Search<'_> {
    fn render(&mut self, outcomes: &BTreeMap<String, bool>) -> Result<Output, ReleaseError> {
        self.renders += 1;
        let result = run_with(self.release, self.draw, outcomes);
        let undecided = match &result {
            Ok(output) => &output.trace.undecided[..],
            Err(ReleaseError::Render { source, .. }) => source.undecided(),
            Err(_) => &[],
        };
        for condition in undecided {
            for outcome in &condition.outcomes {
                self.taken.insert((condition.key.clone(), *outcome));
            }
            self.met.entry(condition.key.clone()).or_insert_with(|| condition.clone());
        }
        result
    }

    /// Renders as the placeholders have it; where the chart refuses that, with the other outcome of the condition that it
    /// met last.
    fn first(&mut self) -> Result<Output, String> {
        let mut outcomes = BTreeMap::new();
        loop {
            let error = match self.render(&outcomes) {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            let last = last_condition(&error).filter(|_| is_refusal(&error));
            match last {
                Some((key, outcome)) if !outcomes.contains_key(&key) && self.renders < MOST_RENDERS => {
                    outcomes.insert(key, !outcome);
                }
                _ => return Err(told(&error)),
            }
        }
    }

    /// Renders until every condition that was met was taken both ways. An outcome that the chart refuses cannot be what
    /// an apply brings about.
    fn others(&mut self, found: &mut Vec<(Output, BTreeMap<String, bool>)>) -> Result<(), String> {
        let mut refused = BTreeSet::new();
        loop {
            let open: BTreeMap<String, bool> = self
                .met
                .keys()
                .flat_map(|key| [(key.clone(), true), (key.clone(), false)])
                .filter(|one| !self.taken.contains(one) && !refused.contains(one))
                .collect();
            let Some((key, outcome)) = open.iter().next() else { return Ok(()) };
            if self.renders >= MOST_RENDERS {
                return Err(self.told_of(key));
            }
            let before = self.taken.len();
            if let Ok(output) = self.render(&open) {
                found.push((output, open.clone()));
                if self.taken.len() > before {
                    continue;
                }
            }
            let single = BTreeMap::from([(key.clone(), *outcome)]);
            match self.render(&single) {
                Ok(output) if self.taken.contains(&(key.clone(), *outcome)) => found.push((output, single)),
                Ok(_) => return Err(self.told_of(key)),
                Err(error) if is_refusal(&error) => drop(refused.insert((key.clone(), *outcome))),
                Err(error) => return Err(format!("{}: {}", self.told_of(key), told(&error))),
            }
        }
    }

    fn told_of(&self, key: &str) -> String {
        self.met.get(key).map(told_condition).unwrap_or_default()
    }

    /// Names the conditions that were taken another way in a variant.
    fn told_outcomes(&self, outcomes: &BTreeMap<String, bool>) -> String {
        let mut told: Vec<String> =
            outcomes.keys().filter_map(|key| self.met.get(key)).map(told_condition).collect();
        told.dedup();
        told.join(", ")
    }

    fn compare(&self, variants: &[Variant]) -> Unknown {
        let mut unknown = Unknown { any: true, ..Unknown::default() };
        let Some((first, others)) = variants.split_first() else { return unknown };
        let is_named = |variant: &&Variant| {
            // A hook may be called as it likes: it is no part of what is planned.
            variant.inputs.iter().any(|(key, one)| one.unknown_identity && variant.objects.contains_key(key))
        };
        if variants.iter().any(|variant| is_named(&variant)) {
            unknown.set = Some("a value that is not known yet names an object".to_owned());
            return unknown;
        }
        if let Some(other) = others.iter().find(|other| !first.objects.keys().eq(other.objects.keys())) {
            unknown.set = Some(self.told_outcomes(&other.outcomes));
            return unknown;
        }
        let forms: Vec<Forms> = variants.iter().map(Forms::of).collect();
        for (index, (variant, form)) in variants.iter().zip(&forms).enumerate() {
            let differs = |key: &String| forms[0].objects.get(key) != form.objects.get(key);
            let relabels = forms[0].common != form.common;
            for key in variant.objects.keys().filter(|key| index > 0 && (relabels || differs(key))) {
                unknown.objects.entry(key.clone()).or_insert_with(|| self.told_outcomes(&variant.outcomes));
            }
            for (key, made_of) in &form.made_of_unknown {
                unknown.objects.entry(key.clone()).or_insert_with(|| made_of.clone());
            }
        }
        for (key, inputs) in &first.inputs {
            let Some((_, object)) = first.objects.get(key) else { continue };
            let hidden = inputs.hidden_unknown(object);
            if !hidden.is_empty() {
                unknown.hidden.insert(key.clone(), hidden);
            }
        }
        unknown
    }
}

impl Unknown {
    /// Decides which objects with hidden values are not known: those that showed a revision before, which may rise or not.
    pub fn settle(&mut self, objects: &[Desired], was_shown: impl Fn(&str) -> bool) {
        for desired in objects {
            let key = desired.id.key();
            let Some(hidden) = self.hidden.get(&key) else { continue };
            let is_pinned = |pointer: &str| desired.marks.at.get(pointer) == Some(&Mark::Pinned);
            let place = |pointer: &str| format!("{key} {}", pointer.replacen("/stringData/", "/data/", 1));
            let open = hidden.iter().find(|pointer| !is_pinned(pointer) && was_shown(&place(pointer)));
            if let Some(pointer) = open {
                let cause = format!("{pointer} holds a hidden value that may change");
                self.objects.entry(key.clone()).or_insert(cause);
            }
        }
    }

    fn of_all(cause: String) -> Self {
        Unknown { any: true, set: Some(cause), ..Unknown::default() }
    }
}

/// What must not depend on an outcome.
struct Forms {
    /// Key → the object without what is late or hidden, and where that stood.
    objects: BTreeMap<String, (Value, ObjectMarks)>,
    common: CommonLabels,
    /// Key → the place that is made of an unknown value in a way that the plan cannot leave out.
    made_of_unknown: BTreeMap<String, String>,
}

impl Forms {
    fn of(variant: &Variant) -> Self {
        let mut made_of_unknown = BTreeMap::new();
        let mut objects = BTreeMap::new();
        for (key, (_, object)) in &variant.objects {
            let Some(inputs) = variant.inputs.get(key) else {
                objects.insert(key.clone(), (object.clone(), ObjectMarks::default()));
                continue;
            };
            let marks = inputs.to_marks(object, |_| false);
            if inputs.repeated {
                made_of_unknown.insert(key.clone(), "a loop runs as often as it says".to_owned());
            }
            let left_out = |pointer: &str| {
                is_content_of_secret(object, pointer) || marks.at.keys().any(|mark| is_within(pointer, mark))
            };
            if let Some(pointer) = inputs.unknown.iter().find(|pointer| !left_out(pointer)) {
                made_of_unknown.insert(key.clone(), format!("{pointer} is made of it"));
            }
            objects.insert(key.clone(), (without(object, &marks), marks));
        }
        let common = CommonLabels::of(objects.values().map(|(object, _)| object));
        Forms { objects, common, made_of_unknown }
    }
}

fn without(object: &Value, marks: &ObjectMarks) -> Value {
    let mut left = object.clone();
    for pointer in marks.at.keys().rev() {
        if let Some(value) = left.pointer_mut(pointer) {
            *value = Value::Null;
        }
    }
    if let Some(content) =
        left.as_object_mut().filter(|object| object.get("kind").is_some_and(|kind| kind == "Secret"))
    {
        for field in ["data", "stringData"] {
            for (_, value) in content.get_mut(field).and_then(Value::as_object_mut).into_iter().flatten() {
                *value = Value::Null;
            }
        }
    }
    left
}

impl ObjectInputs {
    /// Returns where values stand that are hidden and not known yet.
    fn hidden_unknown(&self, object: &Value) -> BTreeSet<String> {
        let in_secret = self.unknown.iter().filter(|pointer| is_content_of_secret(object, pointer)).cloned();
        let hidden = self.sensitive.keys().filter(|pointer| self.is_unknown(pointer)).cloned();
        in_secret.chain(hidden).collect()
    }
}

/// Tells whether it is the chart itself that refuses, by `fail` or `required`.
fn is_refusal(error: &ReleaseError) -> bool {
    matches!(error, ReleaseError::Render { source, .. } if source.is_refusal())
}

/// Returns the condition that was met last before a failure, and how it was taken.
fn last_condition(error: &ReleaseError) -> Option<(String, bool)> {
    let ReleaseError::Render { source, .. } = error else { return None };
    let last = source.undecided().iter().max_by_key(|condition| condition.order)?;
    Some((last.key.clone(), *last.outcomes.iter().next_back()?))
}

fn told(error: &ReleaseError) -> String {
    match error {
        ReleaseError::Render { source, .. } => source.message().to_owned(),
        other => other.to_string(),
    }
}

fn told_condition(condition: &Undecided) -> String {
    let paths: Vec<String> = condition.paths.iter().map(|path| format!("`{path}`")).collect();
    format!("{}:{} asks for {}", condition.template, condition.line, paths.join(", "))
}
