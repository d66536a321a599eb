//! `strata template`: what `helm template` prints, with its flags, byte for byte.

use std::path::PathBuf;

use clap::Args;
use helm_engine::manifests::PrintOptions;
use helm_engine::request::{SetFlag, read_values};
use helm_engine::strvals::SetKind;
use helm_engine::{Mode, Request};

use super::inputs::{self, HelmVersion};

/// The Kubernetes version that Helm 4.3 and 3.22 assume.
pub(super) const KUBE_VERSION: &str = "v1.37.0";

/// Renders a chart as `helm template` does
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Name of the release, then the chart's folder or .tgz file; a single argument is the chart
    #[arg(value_name = "[NAME] CHART", num_args = 1..=2, required = true)]
    name_and_chart: Vec<String>,
    /// Files of values; later ones win
    #[arg(short = 'f', long, value_delimiter = ',')]
    values: Vec<String>,
    /// Values on the command line: a.b=1,c={x,y}
    #[arg(long)]
    set: Vec<String>,
    /// As --set, all values are strings
    #[arg(long)]
    set_string: Vec<String>,
    /// As --set, values are JSON; a whole object is merged
    #[arg(long)]
    set_json: Vec<String>,
    /// As --set, values are the content of files
    #[arg(long)]
    set_file: Vec<String>,
    /// A literal string, without any escapes
    #[arg(long)]
    set_literal: Vec<String>,
    /// Namespace of the release
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Kubernetes version that the chart sees
    #[arg(long, default_value = KUBE_VERSION)]
    kube_version: String,
    /// API versions that the chart sees beside the built-in ones
    #[arg(short, long, value_delimiter = ',')]
    api_versions: Vec<String>,
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
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Do not check values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
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
    /// Which Helm to follow
    #[arg(long, value_enum, default_value = "4")]
    helm_version: HelmVersion,
}

/// Renders; the output, or what to write to standard error.
pub(super) fn run(arguments: &Arguments) -> Result<Vec<u8>, String> {
    let mode = Mode::from(arguments.helm_version);
    let (name, path) = name_and_chart(arguments)?;
    let request = request(arguments, name, mode)?;
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

fn request(arguments: &Arguments, name: &str, mode: Mode) -> Result<Request, String> {
    let mut request = Request::new(name, arguments.kube_version.as_str());
    request.namespace.clone_from(&arguments.namespace);
    request.api_versions.clone_from(&arguments.api_versions);
    request.is_upgrade = arguments.is_upgrade;
    request.skip_schema = arguments.skip_schema_validation;
    request.seed = seed()?;
    request.now_unix_nanoseconds = now();
    for (index, path) in arguments.values.iter().enumerate() {
        let source = u32::try_from(index).unwrap_or_default();
        let values = read_values(&inputs::file(path)?, source, mode);
        request.layers.push(values.map_err(|error| format!("Error: failed to parse {path}: {error}"))?);
    }
    let flags = [
        (SetKind::Json, &arguments.set_json),
        (SetKind::Typed, &arguments.set),
        (SetKind::Text, &arguments.set_string),
        (SetKind::File, &arguments.set_file),
        (SetKind::Literal, &arguments.set_literal),
    ];
    for (kind, lines) in flags {
        request.sets.extend(lines.iter().map(|line| SetFlag { kind, line: line.clone() }));
    }
    for path in
        arguments.set_file.iter().flat_map(|line| line.split(',')).filter_map(|part| part.split_once('='))
    {
        let content = inputs::file(path.1)?;
        request.set_files.insert(path.1.to_owned(), String::from_utf8_lossy(&content).into_owned());
    }
    Ok(request)
}

/// Draws a seed: as with Helm, two runs of a chart that draws from chance differ.
fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| format!("Error: the system gives no random numbers: {error}"))?;
    Ok(seed)
}

fn now() -> i128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i128::try_from(since.as_nanos()).unwrap_or_default()
}
