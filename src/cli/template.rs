//! `strata template`: what `helm template` prints, with its flags, byte for byte.

use std::path::PathBuf;

use clap::Args;
use helm_engine::manifests::PrintOptions;
use helm_engine::request::read_values;
use helm_engine::tree::Node;
use helm_engine::{Mode, Request};

use super::inputs;
use super::rendering::Rendering;
use crate::layers::layer::Layer;
use crate::layers::stack::Stack;
use crate::layers::template;

/// Renders a chart as `helm template` does
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Name of the release, then the chart's folder or .tgz file; a single argument is the chart
    #[arg(value_name = "[NAME] CHART", num_args = 1..=2, required = true)]
    name_and_chart: Vec<String>,
    /// Files of values; later ones win. `*.gotmpl` is rendered, a SOPS file is decrypted
    #[arg(short = 'f', long, value_delimiter = ',')]
    values: Vec<String>,
    #[command(flatten)]
    rendering: Rendering,
    /// Print the CRDs of the chart, too
    #[arg(long)]
    include_crds: bool,
    /// Leave hooks out
    #[arg(long)]
    no_hooks: bool,
    /// Leave tests out
    #[arg(long)]
    skip_tests: bool,
    /// Print the manifests of these templates only
    #[arg(short, long, value_delimiter = ',')]
    show_only: Vec<String>,
    /// Name the release `release-name`
    #[arg(short, long)]
    generate_name: bool,
    /// Accepted as by Helm, where it has no effect on what is printed
    #[arg(long, hide = true)]
    skip_crds: bool,
    /// Accepted as by Helm; nothing is installed here
    #[arg(long, hide = true)]
    create_namespace: bool,
    /// Accepted as by Helm; notes are not printed
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
}

/// Renders; the output, or what to write to standard error.
pub(super) fn run(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let mode = arguments.rendering.mode();
    let (name, path) = name_and_chart(arguments)?;
    let mut request = arguments.rendering.request(name, Vec::new())?;
    request.layers = layers(arguments, &request, mode)?;
    let chart = inputs::chart(&PathBuf::from(path), mode)?;
    let rendered = helm_engine::render::render(&chart, &request).map_err(|error| error.to_helm_text())?;
    for warning in &rendered.warnings {
        eprintln!("{warning}");
    }
    let options = PrintOptions {
        include_crds: arguments.include_crds,
        no_hooks: arguments.no_hooks,
        skip_tests: arguments.skip_tests,
        show_only: arguments.show_only.clone(),
    };
    rendered.to_helm_text(&options).map_err(|error| error.to_helm_text())
}

fn name_and_chart(arguments: &Arguments) -> Result<(&str, &str), String> {
    match (&arguments.name_and_chart[..], arguments.generate_name) {
        ([name, _], true) => {
            Err(format!("Error: cannot set --generate-name and also specify a name ({name})"))
        }
        ([name, chart], false) => Ok((name, chart)),
        ([chart], _) => Ok(("release-name", chart)),
        _ => Err("Error: a chart is needed".to_owned()),
    }
}

/// Reads the files of values as Helm does; templates and SOPS files, which Helm cannot read, as layers.
fn layers(arguments: &Arguments, request: &Request, mode: Mode) -> Result<Vec<Node>, String> {
    let facts = inputs::facts(request, &arguments.rendering.captures()?);
    let mut stack = Stack::default();
    for path in &arguments.values {
        let layer = if template::is_template(path) {
            inputs::layer(path, path, &facts, &stack)?
        } else {
            let (text, source) = (inputs::file(path)?, u32::try_from(stack.layers.len()).unwrap_or_default());
            let values = match inputs::decrypted(path, &text, source)? {
                Some(values) => values,
                None => read_values(&text, source, mode)
                    .map_err(|error| format!("Error: failed to parse {path}: {error}"))?,
            };
            Layer::new(path, Some(path), values).map_err(|error| format!("Error: {error}"))?
        };
        stack.layers.push(layer);
    }
    Ok(stack.layers.into_iter().map(|layer| layer.values).collect())
}
