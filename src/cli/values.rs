//! `strata values`: what the templates of a chart see, each value with the place that decided it.

use clap::Args;
use helm_engine::tree::Node;
use serde_json::{Map, Value};

use super::subject::{ReleaseArguments, Subject};
use crate::release::objects::to_json;
use crate::release::why::origins::{SENSITIVE, child, leaves_at};
use crate::release::why::{Origins, ValueOrigin};

/// Prints the values that a chart's templates see, each with who decided it
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The chart's folder or .tgz file, or with --fleet SERVICE@CLUSTER
    #[arg(value_name = "CHART")]
    chart: String,
    #[command(flatten)]
    release: ReleaseArguments,
    /// How to write them
    #[arg(short, long, value_enum, default_value = "yaml")]
    output: Form,
}

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// YAML, with a comment behind each value.
    Yaml,
    /// JSON: path → value, layer, place, and what it shadows.
    Json,
}

/// Prints values; the output, or what to write to standard error.
pub(super) fn run(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let subject = Subject::open(&arguments.release, &arguments.chart)?;
    // Which values are secret is told from what the chart renders.
    subject.rendered()?;
    let origins = subject.origins();
    match arguments.output {
        Form::Yaml => {
            let mut text = String::new();
            write_entries(&origins, subject.values(), "", 0, &mut text)?;
            Ok(text.into_bytes())
        }
        Form::Json => json(&subject, &origins),
    }
}

fn json(subject: &Subject, origins: &Origins<'_>) -> Result<Vec<u8>, String> {
    let failed = |error| format!("Error: {error}");
    let mut found = Map::new();
    for (path, node) in leaves_at(subject.values(), "") {
        let origin = origins.of_value(&path, node);
        found.insert(path, serde_json::to_value(origin).map_err(failed)?);
    }
    let mut text = serde_json::to_vec_pretty(&found).map_err(failed)?;
    text.push(b'\n');
    Ok(text)
}

/// Writes the entries of a map, by their keys.
fn write_entries(
    origins: &Origins<'_>,
    map: &Node,
    path: &str,
    depth: usize,
    text: &mut String,
) -> Result<(), String> {
    for (key, value) in map.as_map().into_iter().flatten() {
        let path = child(path, key);
        let is_leaf = value.as_map().is_none_or(|map| map.is_empty());
        if is_leaf {
            let origin = origins.of_value(&path, value);
            let is_secret = origin.value.as_deref() == Some(SENSITIVE);
            let shown = if is_secret { Value::from(SENSITIVE) } else { to_json(value) };
            write_leaf(key, &shown, &origin, depth, text)?;
        } else {
            let opened = yaml(&Map::from_iter([(key.to_string(), Value::Null)]))?;
            let opened = opened.trim_end().trim_end_matches("null").trim_end();
            text.push_str(&format!("{:indent$}{opened}\n", "", indent = depth * 2));
            write_entries(origins, value, &path, depth + 1, text)?;
        }
    }
    Ok(())
}

/// Writes a key with its value, and the place that decided it as a comment behind the first line.
fn write_leaf(
    key: &str,
    value: &Value,
    origin: &ValueOrigin,
    depth: usize,
    text: &mut String,
) -> Result<(), String> {
    let written = yaml(&Map::from_iter([(key.to_owned(), value.clone())]))?;
    for (index, line) in written.lines().enumerate() {
        let comment =
            if index == 0 { format!("  # {} {}", origin.layer, origin.place) } else { String::new() };
        let line = format!("{:indent$}{line}{comment}", "", indent = depth * 2);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    Ok(())
}

fn yaml(map: &Map<String, Value>) -> Result<String, String> {
    serde_yaml::to_string(map).map_err(|error| format!("Error: {error}"))
}
