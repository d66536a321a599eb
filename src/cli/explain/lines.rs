//! What a line of a layer, of the chart's values or of a template reaches.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde::Serialize;

use super::Answer;
use crate::cli::inputs::with_nearest;
use crate::cli::subject::Subject;
use crate::layers::layer::Layer;
use crate::layers::nearest::nearest;
use crate::layers::template::is_template;
use crate::release::why::origins::{is_within, position_of};
use crate::release::why::reach::{Key, Reach, keys_at, lines, reach};
use crate::release::why::{Explained, Origins};

/// An answer about a line, for one release.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct LineAnswer {
    /// The line: `FILE:LINE`.
    pub(super) line: String,
    /// The layer that it is part of; `template` for a line of a template.
    pub(super) layer: String,
    /// The keys that it writes.
    pub(super) keys: Vec<KeyAnswer>,
    /// Object → the fields that depend on it.
    pub(super) reaches: BTreeMap<String, Vec<String>>,
    /// Objects whose template reads it although none of their fields depends on it now.
    pub(super) may_change: Vec<String>,
    /// Whether it switches a subchart on or off.
    pub(super) switches_subcharts: bool,
    /// Layers above that are templates and read the values below them: what they render to may change with the line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) read_by: Vec<String>,
}

/// A key with what became of its value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct KeyAnswer {
    pub(super) path: String,
    pub(super) value: String,
    /// The layer and place that win over it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shadowed_by: Option<String>,
    /// What it shadows, the nearest first.
    pub(super) shadows: Vec<String>,
}

/// Explains a line.
pub(super) fn answer(subject: &Subject, file: &str, line: u32) -> Result<LineAnswer, String> {
    let origins = subject.origins();
    if let Some(template) = template(subject, file) {
        return of_template(subject, &origins, &template, file, line);
    }
    let Some(layer) = layer(subject, file) else { return Err(no_such_file(subject, file)) };
    let keys = keys_of(layer, file, line)?;
    of_keys(subject, &origins, layer, file, line, &keys)
}

/// Finds the keys of a line, or names the lines around it that have some.
pub(super) fn keys_of<'a>(layer: &'a Layer, file: &str, line: u32) -> Result<Vec<Key<'a>>, String> {
    let keys = keys_at(layer, line);
    if !keys.is_empty() {
        return Ok(keys);
    }
    let all = lines(layer);
    let near = [all.range(..line).next_back(), all.range(line..).next()];
    let near: Vec<String> =
        near.into_iter().flatten().map(|(line, path)| format!("{file}:{line} ({path})")).collect();
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    Err(with_nearest(format!("Error: {file}:{line} writes no value"), "lines that do", &near))
}

fn of_keys(
    subject: &Subject,
    origins: &Origins<'_>,
    layer: &Layer,
    file: &str,
    line: u32,
    keys: &[Key<'_>],
) -> Result<LineAnswer, String> {
    let source = keys.first().map(|key| position_of(key.value).source).unwrap_or_default();
    let objects = subject.objects(origins)?;
    let reach = reach(subject.rendered()?, &objects, origins, source, keys);
    Ok(LineAnswer {
        line: format!("{file}:{line}"),
        layer: layer.name.clone(),
        keys: keys.iter().map(|key| key_answer(origins, layer, key)).collect(),
        may_change: may_change(subject, &reach),
        switches_subcharts: reach.switches_subcharts,
        read_by: templates_above(subject, layer),
        reaches: with_fields(reach),
    })
}

fn with_fields(reach: Reach) -> BTreeMap<String, Vec<String>> {
    let objects = reach.objects.into_iter().map(|(key, reached)| (key, reached.fields));
    objects.filter(|(_, fields)| !fields.is_empty()).collect()
}

fn may_change(subject: &Subject, reach: &Reach) -> Vec<String> {
    let without = reach.objects.iter().filter(|(_, reached)| reached.fields.is_empty());
    let mut found: Vec<String> = without.map(|(key, _)| key.clone()).collect();
    let is_silent =
        |template: &&String| !reach.objects.values().any(|reached| reached.template == **template);
    found.extend(
        reach
            .readers
            .iter()
            .filter(is_silent)
            .map(|template| format!("what {} may render", subject.template_path(template))),
    );
    found
}

fn key_answer(origins: &Origins<'_>, layer: &Layer, key: &Key<'_>) -> KeyAnswer {
    let origin = origins.of_value(&key.path, key.value);
    let decision = origins
        .decisions()
        .iter()
        .find(|one| is_within(&key.path, &one.path) || is_within(&one.path, &key.path));
    let is_winner = decision.is_some_and(|one| std::ptr::eq(one.winner.layer, layer));
    let shadowed_by = match decision {
        Some(one) if !is_winner => Some(format!("{} ({})", one.winner.layer.name, one.winner.origin())),
        _ => origins.flag_at(&key.path),
    };
    let shadows = origin.shadowed.iter().filter(|_| shadowed_by.is_none());
    KeyAnswer {
        path: key.path.clone(),
        value: origin.value.unwrap_or_default(),
        shadows: shadows.map(|one| format!("{} ({} {})", one.value, one.layer, one.place)).collect(),
        shadowed_by,
    }
}

/// Lists the layers above one that are templates, which may read its values.
fn templates_above(subject: &Subject, layer: &Layer) -> Vec<String> {
    let layers = &subject.stack.layers;
    let above = layers.iter().position(|one| std::ptr::eq(one, layer)).map(|at| &layers[at + 1..]);
    let files = above.unwrap_or_default().iter().filter_map(|one| one.file.clone());
    files.filter(|file| is_template(file)).collect()
}

/// Finds the layer that a file is.
fn layer<'a>(subject: &'a Subject, file: &str) -> Option<&'a Layer> {
    let all = subject.stack.chart.iter().chain(&subject.stack.layers);
    all.into_iter().find(|layer| layer.file.as_deref().is_some_and(|own| is_same_file(own, file)))
}

fn is_same_file(one: &str, other: &str) -> bool {
    let plain = |path: &str| path.trim_start_matches("./").to_owned();
    let real = |path: &str| Path::new(path).canonicalize().ok();
    plain(one) == plain(other) || real(one).is_some_and(|one| Some(one) == real(other))
}

fn no_such_file(subject: &Subject, file: &str) -> String {
    let layers =
        subject.stack.layers.iter().chain(&subject.stack.chart).filter_map(|layer| layer.file.as_deref());
    let near = nearest(file, layers, 3, usize::MAX);
    with_nearest(
        format!("Error: {file} is no layer, values.yaml or template of this release"),
        "files",
        &near,
    )
}

/// Gives the engine's name of the template that a file is.
fn template(subject: &Subject, file: &str) -> Option<String> {
    let rest = Path::new(file).strip_prefix(&subject.chart_path).ok()?.to_str()?;
    let name = &subject.chart.metadata().name;
    rest.contains("templates/").then(|| format!("{name}/{rest}"))
}

fn of_template(
    subject: &Subject,
    origins: &Origins<'_>,
    template: &str,
    file: &str,
    line: u32,
) -> Result<LineAnswer, String> {
    let mut reaches = BTreeMap::new();
    for object in subject.objects(origins)? {
        let fields = written_by(&object, template, line);
        if !fields.is_empty() {
            reaches.insert(object.id.key(), fields);
        }
    }
    Ok(LineAnswer {
        line: format!("{file}:{line}"),
        layer: "template".to_owned(),
        keys: Vec::new(),
        reaches,
        may_change: Vec::new(),
        switches_subcharts: false,
        read_by: Vec::new(),
    })
}

fn written_by(object: &Explained, template: &str, line: u32) -> Vec<String> {
    let is_here = |step: &helm_engine::render::TemplateStep| *step.template == *template && step.line == line;
    let fields = object.fields.iter().filter(|field| field.steps.iter().any(is_here));
    fields.map(|field| field.path.clone()).collect()
}

impl Answer for LineAnswer {
    fn text(&self) -> String {
        let mut text = self.head();
        self.write_reach("", &mut text);
        text
    }
}

/// How many fields of one object are written for people.
const MOST_FIELDS_SHOWN: usize = 12;

impl LineAnswer {
    /// Says what the line is.
    pub(super) fn head(&self) -> String {
        let what = if self.layer == "template" {
            "a line of a template".to_owned()
        } else {
            format!("layer {}", self.layer)
        };
        format!("{}  ({what})\n", self.line)
    }

    /// Writes the keys and what they reach.
    pub(super) fn write_reach(&self, indent: &str, text: &mut String) {
        for key in &self.keys {
            let _ = writeln!(text, "{indent}  {} = {}", key.path, key.value);
            for shadowed in &key.shadows {
                let _ = writeln!(text, "{indent}    shadows {shadowed}");
            }
            if let Some(winner) = &key.shadowed_by {
                let _ = writeln!(text, "{indent}    is shadowed by {winner}: it changes nothing");
            }
        }
        for (object, fields) in &self.reaches {
            let _ = writeln!(text, "{indent}  reaches {object}");
            for field in fields.iter().take(MOST_FIELDS_SHOWN) {
                let _ = writeln!(text, "{indent}    {field}");
            }
            if fields.len() > MOST_FIELDS_SHOWN {
                let _ = writeln!(text, "{indent}    and {} more fields", fields.len() - MOST_FIELDS_SHOWN);
            }
        }
        if self.switches_subcharts {
            let _ = writeln!(text, "{indent}  switches a subchart: all objects may come, go or change");
        } else if !self.may_change.is_empty() {
            let _ = writeln!(text, "{indent}  is read for, but decides nothing now in");
            self.may_change.iter().for_each(|object| {
                let _ = writeln!(text, "{indent}    {object}");
            });
        }
        for template in &self.read_by {
            let _ = writeln!(text, "{indent}  may change what {template} renders to, a template above it");
        }
        let is_shadowed = !self.keys.is_empty() && self.keys.iter().all(|key| key.shadowed_by.is_some());
        if self.reaches.is_empty()
            && self.read_by.is_empty()
            && self.may_change.is_empty()
            && !self.switches_subcharts
            && !is_shadowed
        {
            let _ = writeln!(text, "{indent}  reaches nothing: no template reads it");
        }
    }
}
