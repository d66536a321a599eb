//! Who decided a value, what that shadows, and which fields it sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use helm_engine::tree::Node;
use serde::Serialize;

use super::Answer;
use crate::cli::inputs::with_nearest;
use crate::cli::subject::Subject;
use crate::layers::nearest::nearest;
use crate::release::why::origins::{is_within, leaves_at, position_of};
use crate::release::why::reach::{Key, reach};
use crate::release::why::{Origins, ValueOrigin};

/// Values with more leaves than this are told without the fields that they set.
const MOST_WITH_FIELDS: usize = 12;
/// How many of the fields that a value sets are written for people.
const MOST_FIELDS_SHOWN: usize = 8;

/// An answer about values.
#[derive(Serialize)]
pub(super) struct ValuesAnswer {
    values: Vec<ValueAnswer>,
    /// Why it is not known which fields the values set.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_rendered: Option<String>,
}

#[derive(Serialize)]
struct ValueAnswer {
    #[serde(flatten)]
    origin: ValueOrigin,
    /// Whether the value repeats what it shadows.
    redundant: bool,
    /// Object → fields that depend on it; none where that was not looked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    sets: Option<BTreeMap<String, Vec<String>>>,
}

/// Explains a value and everything below it.
pub(super) fn answer(subject: &Subject, path: &str) -> Result<ValuesAnswer, String> {
    let origins = subject.origins();
    let found = leaves(subject, &origins, path);
    if found.is_empty() {
        return Err(unknown(subject, &origins, path));
    }
    let with_fields = !path.is_empty() && found.len() <= MOST_WITH_FIELDS;
    let objects = if with_fields { subject.objects(&origins).map(Some) } else { Ok(None) };
    let not_rendered = objects.as_ref().err().cloned();
    let objects = objects.unwrap_or_default();
    let values = found.into_iter().map(|leaf| {
        let sets = objects.as_ref().zip(subject.rendered().ok()).map(|(objects, rendered)| {
            let keys = [Key { path: leaf.path, value: leaf.node }];
            let reached = reach(rendered, objects, &origins, position_of(leaf.node).source, &keys).objects;
            reached
                .into_iter()
                .map(|(key, reached)| (key, reached.fields))
                .filter(|(_, fields)| !fields.is_empty())
                .collect()
        });
        ValueAnswer { redundant: is_redundant(&leaf.origin), origin: leaf.origin, sets }
    });
    Ok(ValuesAnswer { values: values.collect(), not_rendered })
}

fn is_redundant(origin: &ValueOrigin) -> bool {
    origin.shadowed.first().is_some_and(|next| Some(&next.value) == origin.value.as_ref())
}

struct Leaf<'a> {
    path: String,
    node: &'a Node,
    origin: ValueOrigin,
}

/// Lists the leaves at a path and below it, by path; what a subchart sees of another chart's values only where it is asked for.
fn leaves<'a>(subject: &'a Subject, origins: &Origins<'a>, asked: &str) -> Vec<Leaf<'a>> {
    let mut found: Vec<Leaf<'a>> = Vec::new();
    for (path, node) in leaves_at(subject.values(), asked) {
        let origin = origins.of_value(&path, node);
        if !asked.is_empty() || origin.path == path {
            found.push(Leaf { path, node, origin });
        }
    }
    // What a null removed is still decided.
    let seen: BTreeSet<String> = found.iter().map(|leaf| leaf.path.clone()).collect();
    for decision in origins.decisions().iter().filter(|decision| decision.winner.value.is_null()) {
        let path = &decision.path;
        if (asked.is_empty() || is_within(path, asked)) && !seen.contains(path) {
            let (path, node) = (path.clone(), decision.winner.value);
            found.push(Leaf { origin: origins.of_decision(decision), path, node });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Names the keys that come nearest to one that nobody decides.
fn unknown(subject: &Subject, origins: &Origins<'_>, path: &str) -> String {
    let all = leaves(subject, origins, "");
    let mut paths: BTreeSet<&str> = BTreeSet::new();
    for leaf in &all {
        paths.insert(&leaf.path);
        paths.extend(
            leaf.path
                .match_indices(['.', '['])
                .map(|(at, _)| &leaf.path[..at])
                .filter(|path| !path.is_empty()),
        );
    }
    let near = nearest(path, paths, 3, usize::MAX);
    with_nearest(format!("Error: neither the chart nor a layer has a value {path:?}"), "keys", &near)
}

impl Answer for ValuesAnswer {
    fn text(&self) -> String {
        let mut text = String::new();
        for answer in &self.values {
            answer.write(&mut text);
        }
        if let Some(why) = &self.not_rendered {
            let _ = writeln!(
                text,
                "\nWhich fields it sets is not known, since the chart does not render:\n{why}"
            );
        }
        text
    }
}

impl ValueAnswer {
    fn write(&self, text: &mut String) {
        let ValueOrigin { path, value, layer, place, shadowed } = &self.origin;
        let value = value.as_deref().unwrap_or("null");
        let repeats = if self.redundant { ", which repeats what it shadows" } else { "" };
        let _ = writeln!(text, "{path} = {value}\n  decided by {layer} ({place}){repeats}");
        for one in shadowed {
            let _ = writeln!(text, "  shadows    {} ({}): {}", one.layer, one.place, one.value);
        }
        let Some(sets) = &self.sets else { return };
        let fields: Vec<_> =
            sets.iter().flat_map(|(key, fields)| fields.iter().map(move |field| (key, field))).collect();
        for (index, (key, field)) in fields.iter().take(MOST_FIELDS_SHOWN).enumerate() {
            let _ = writeln!(text, "  {:10} {key} {field}", if index == 0 { "sets" } else { "" });
        }
        if fields.len() > MOST_FIELDS_SHOWN {
            let _ = writeln!(
                text,
                "  {:10} and {} more fields (--output json lists them)",
                "",
                fields.len() - MOST_FIELDS_SHOWN
            );
        }
        if fields.is_empty() {
            let _ = writeln!(text, "  sets       no field of what is rendered now");
        }
    }
}
