//! `strata explain`: why a value, an object or a field is what it is, and what a line of a layer reaches.

mod answers;
mod fleet;
mod lines;
mod objects;
mod question;
mod reasons;
mod subject;
mod values;

use std::path::Path;

use clap::Args;
use serde::Serialize;

use self::question::{What, split_layer};
use self::subject::Subject;
use super::inputs;
use super::rendering::Rendering;
use crate::layers::layer::Layer;
use crate::layers::stack::Stack;

const EXAMPLES: &str = "\
Examples:
  strata explain charts/web image.tag -l global=values/web/global.yaml -l values/web/prod.yaml
  strata explain charts/web deployment/web -l values/web/prod.yaml
  strata explain charts/web deployment/web spec.replicas -l values/web/prod.yaml
  strata explain charts/web values/web/prod.yaml:12 -l values/web/prod.yaml
  strata explain --fleet strata.yaml values/web/prod.yaml:12
  strata explain --fleet strata.yaml web@prod-eu deployment/web spec.replicas";

/// Says why a value, an object or a field is what it is, and what a line of a layer reaches
///
/// The first argument is a chart, or with --fleet a release, SERVICE@CLUSTER. Then comes what to explain: the path of a value
/// (all values where it is left out), KIND/NAME of an object and perhaps a field of it, or FILE:LINE of a layer, of the
/// chart's values.yaml or of a template. With --fleet, FILE:LINE alone tells which releases of which clusters it reaches.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The chart's folder or .tgz file (or SERVICE@CLUSTER), what to explain, and a field of it
    #[arg(value_name = "CHART WHAT FIELD", num_args = 1..=3, required = true)]
    given: Vec<String>,
    /// A layer above the chart's defaults, lowest first; its name is the file's where none is given
    #[arg(short, long = "layer", value_name = "[NAME=]FILE", short_alias = 'f', alias = "values")]
    layers: Vec<String>,
    /// A file that names the clusters, charts and layers of a fleet; its paths are relative to its own folder
    #[arg(long, value_name = "FILE", conflicts_with = "layers")]
    fleet: Option<String>,
    /// Name of the release
    #[arg(long, default_value = "release-name")]
    name: String,
    #[command(flatten)]
    rendering: Rendering,
    /// How to answer
    #[arg(short, long, value_enum, default_value = "text")]
    output: Form,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Explains; the output, or what to write to standard error.
pub(super) fn run(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let form = arguments.output;
    if let Some(file) = &arguments.fleet {
        return fleet::run(arguments, file);
    }
    let (chart, rest) = arguments.given.split_first().ok_or("Error: a chart is needed")?;
    let what = question::read(rest)?;
    let subject = subject(arguments, chart)?;
    explain(&subject, &what, form)
}

/// Answers a question about one release.
fn explain(subject: &Subject, what: &What, form: Form) -> Result<Vec<u8>, String> {
    match what {
        What::Value(path) => values::answer(subject, path).and_then(|answer| write(form, &answer)),
        What::Object { object, field } => {
            objects::answer(subject, object, field).and_then(|answer| write(form, &answer))
        }
        What::Line { file, line } => {
            lines::answer(subject, file, *line).and_then(|answer| write(form, &answer))
        }
    }
}

/// An answer, for people and for programs.
trait Answer: Serialize {
    /// Writes it for people.
    fn text(&self) -> String;
}

fn write(form: Form, answer: &impl Answer) -> Result<Vec<u8>, String> {
    match form {
        Form::Text => Ok(answer.text().into_bytes()),
        Form::Json => {
            let mut text = serde_json::to_vec_pretty(answer).map_err(|error| format!("Error: {error}"))?;
            text.push(b'\n');
            Ok(text)
        }
    }
}

fn subject(arguments: &Arguments, chart_path: &str) -> Result<Subject, String> {
    let chart = inputs::chart(Path::new(chart_path), arguments.rendering.mode())?;
    let mut stack = Stack::default();
    for (index, written) in arguments.layers.iter().enumerate() {
        let (name, file) = split_layer(written);
        let source = u32::try_from(index).unwrap_or_default();
        let read = Layer::read(&name, Some(file), &inputs::file(file)?, source);
        stack.layers.push(read.map_err(|error| format!("Error: {error}"))?);
    }
    let request = arguments.rendering.request(&arguments.name, Vec::new())?;
    Subject::new(chart, chart_path, stack, request)
}
