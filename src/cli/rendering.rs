//! The flags that say how a chart is rendered, the same for every verb.

use clap::Args;
use helm_engine::request::SetFlag;
use helm_engine::strvals::SetKind;
use helm_engine::tree::Node;
use helm_engine::{Mode, Request};

use super::inputs::{self, HelmVersion};
use crate::layers::layout::Captures;

/// The Kubernetes version that Helm 4.3 and 3.22 assume.
const KUBE_VERSION: &str = "v1.37.0";

/// How a chart is rendered, beside its layers.
#[derive(Args, Clone, Debug)]
pub(super) struct Rendering {
    /// Values on the command line: a.b=1,c={x,y}
    #[arg(long, value_name = "PATH=VALUE,…")]
    set: Vec<String>,
    /// As --set, all values are strings
    #[arg(long, value_name = "PATH=TEXT,…")]
    set_string: Vec<String>,
    /// As --set, values are JSON; a whole object is merged
    #[arg(long, value_name = "PATH=JSON")]
    set_json: Vec<String>,
    /// As --set, values are the content of files
    #[arg(long, value_name = "PATH=FILE,…")]
    set_file: Vec<String>,
    /// A literal string, without any escapes
    #[arg(long, value_name = "PATH=TEXT")]
    set_literal: Vec<String>,
    /// Namespace of the release
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// Kubernetes version that the chart sees
    #[arg(long, value_name = "VERSION", default_value = KUBE_VERSION)]
    kube_version: String,
    /// API versions that the chart sees beside the built-in ones
    #[arg(short, long, value_name = "GROUP/VERSION,…", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// What `.Captures` of a layer that is a template holds: environment=prod, cluster=prod-eu
    #[arg(long = "capture", value_name = "NAME=VALUE")]
    captures: Vec<String>,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Do not check values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
    /// Which Helm to follow
    #[arg(long, value_enum, value_name = "3|4", hide_possible_values = true, default_value = "4")]
    helm_version: HelmVersion,
}

impl Rendering {
    /// Returns which Helm is followed.
    pub(super) fn mode(&self) -> Mode {
        Mode::from(self.helm_version)
    }

    /// Returns what is captured, by name.
    pub(super) fn captures(&self) -> Result<Captures, String> {
        let read = |written: &String| match written.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(format!("Error: --capture {written}: write NAME=VALUE")),
        };
        self.captures.iter().map(read).collect()
    }

    /// Makes the request for a release with these layers, weakest first.
    pub(super) fn request(&self, name: &str, layers: Vec<Node>) -> Result<Request, String> {
        let mut request = Request::new(name, self.kube_version.as_str());
        request.namespace.clone_from(&self.namespace);
        request.api_versions.clone_from(&self.api_versions);
        request.is_upgrade = self.is_upgrade;
        request.skip_schema = self.skip_schema_validation;
        request.seed = seed()?;
        request.now_unix_nanoseconds = now();
        request.layers = layers;
        let flags = [
            (SetKind::Json, &self.set_json),
            (SetKind::Typed, &self.set),
            (SetKind::Text, &self.set_string),
            (SetKind::File, &self.set_file),
            (SetKind::Literal, &self.set_literal),
        ];
        for (kind, lines) in flags {
            request.sets.extend(lines.iter().map(|line| SetFlag { kind, line: line.clone() }));
        }
        for path in
            self.set_file.iter().flat_map(|line| line.split(',')).filter_map(|part| part.split_once('='))
        {
            let content = inputs::file(path.1)?;
            request.set_files.insert(path.1.to_owned(), String::from_utf8_lossy(&content).into_owned());
        }
        Ok(request)
    }
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
