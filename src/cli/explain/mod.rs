//! `strata explain`: why a value, an object or a field is what it is, and what a line of a layer reaches.

mod answers;
mod fleet;
mod lines;
mod objects;
mod question;
mod reasons;
mod values;

use clap::Args;
use serde::Serialize;

use self::question::What;
use super::subject::{ReleaseArguments, Subject};

const EXAMPLES: &str = "\
Examples:
  strata explain charts/web image.tag -l global=values/web/global.yaml -l values/web/prod.yaml
  strata explain charts/web deployment/web -l values/web/prod.yaml
  strata explain charts/web deployment/web spec.replicas -l values/web/prod.yaml
  strata explain charts/web values/web/prod.yaml:12 -l values/web/prod.yaml
  strata explain --fleet strata.yaml values/web/prod.yaml:12
  strata explain --fleet strata.yaml web@prod-eu deployment/web spec.replicas";

const ABOUT: &str = "\
Says why a value, an object or a field is what it is, and what a line of a layer reaches

The first argument is a chart or, with --fleet, a release: SERVICE@CLUSTER. Then comes what
to explain:
  (nothing)              all values, who decided them and what that shadows
  image.tag              a value and everything below it
  deployment/web         an object: its fields, each with what made it
  deployment/web FIELD   everything behind a field
  FILE:LINE              what a line of a layer, of the chart's values.yaml or of a template
                         reaches; with --fleet and no release, on which clusters";

/// Says why a value, an object or a field is what it is, and what a line of a layer reaches
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The chart's folder or .tgz file (or SERVICE@CLUSTER), what to explain, and a field of it
    #[arg(value_name = "CHART WHAT FIELD", num_args = 1..=3, required = true)]
    given: Vec<String>,
    #[command(flatten)]
    release: ReleaseArguments,
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
    if let Some(file) = &arguments.release.fleet {
        return fleet::run(arguments, file);
    }
    let (chart, rest) = arguments.given.split_first().ok_or("Error: a chart is needed")?;
    let what = question::read(rest)?;
    let subject = Subject::open(&arguments.release, chart)?;
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
