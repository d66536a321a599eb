//! `strata explain`: which layer, file and line decided a value, and what it shadowed.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use helm_engine::Mode;
use helm_engine::tree::Node;

use super::inputs;
use crate::layers::layer::Layer;
use crate::layers::nearest::nearest;
use crate::layers::provenance::{Written, explain, shown_value};
use crate::layers::stack::Stack;

/// Says which layer, file and line decided a value, and what it shadowed
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The chart's folder or .tgz file
    chart: PathBuf,
    /// The value's path, such as image.tag; everything where it is left out
    #[arg(default_value = "")]
    path: String,
    /// A layer above the chart's defaults, lowest first
    #[arg(short, long = "layer", value_name = "NAME=FILE")]
    layers: Vec<String>,
}

/// Explains; the output, or what to write to standard error.
pub(super) fn run(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let stack = stack(arguments)?;
    let path = arguments.path.strip_prefix(".Values.").unwrap_or(&arguments.path);
    let decisions = explain(&stack, path);
    if decisions.is_empty() {
        return Err(unknown(&stack, path));
    }
    let mut text = String::new();
    for decision in &decisions {
        let _ = writeln!(text, "{} = {}", decision.path, shown_value(decision.winner.value));
        let _ = writeln!(text, "  decided by {}", place(&decision.winner));
        for shadowed in &decision.shadowed {
            let _ = writeln!(text, "  shadows    {}: {}", place(shadowed), shown_value(shadowed.value));
        }
    }
    Ok(text.into_bytes())
}

fn stack(arguments: &Arguments) -> Result<Stack, String> {
    let chart = inputs::chart(&arguments.chart, Mode::Helm4)?;
    let defaults = Node::map(chart.default_values().clone());
    let file = arguments.chart.join("values.yaml").display().to_string();
    let mut stack = Stack { chart: Some(layer("chart", &file, defaults)?), layers: Vec::new() };
    for (index, written) in arguments.layers.iter().enumerate() {
        let (name, file) =
            written.split_once('=').ok_or_else(|| format!("Error: --layer {written}: write NAME=FILE"))?;
        let source = u32::try_from(index).unwrap_or_default();
        let read = Layer::read(name, Some(file), &inputs::file(file)?, source);
        stack.layers.push(read.map_err(|error| format!("Error: {error}"))?);
    }
    Ok(stack)
}

fn layer(name: &str, file: &str, values: Node) -> Result<Layer, String> {
    Layer::new(name, Some(file), values).map_err(|error| format!("Error: {error}"))
}

fn place(written: &Written<'_>) -> String {
    format!("{} ({})", written.layer.name, written.origin())
}

/// Names the keys that come nearest to one that nobody decides.
fn unknown(stack: &Stack, path: &str) -> String {
    let all = explain(stack, "");
    let near = nearest(path, all.iter().map(|one| one.path.as_str()), 3, usize::MAX);
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!("\nhint: the nearest keys are {}", near.join(", "))
    };
    format!("Error: neither the chart nor a layer has a value {path:?}{hint}")
}
