//! Charts and files that flags name, read for every verb in the same way.

use std::error::Error;
use std::path::Path;
use std::sync::OnceLock;

use helm_engine::tree::Node;
use helm_engine::{Chart, Mode, Request};

use crate::layers::layer::Layer;
use crate::layers::layout::Captures;
use crate::layers::stack::Stack;
use crate::layers::template::{self, Facts};
use crate::source::chart::ChartError;
use crate::source::sops::{KeySources, Sops};
use crate::source::{self, SourceError};

/// Which Helm is followed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum HelmVersion {
    /// Helm 3 (3.22).
    #[value(name = "3")]
    Three,
    /// Helm 4 (4.3).
    #[value(name = "4")]
    Four,
}

impl From<HelmVersion> for Mode {
    fn from(version: HelmVersion) -> Mode {
        match version {
            HelmVersion::Three => Mode::Helm3,
            HelmVersion::Four => Mode::Helm4,
        }
    }
}

/// Loads a chart from a folder or archive.
pub(super) fn chart(path: &Path, mode: Mode) -> Result<Chart, String> {
    source::chart::load(path, mode).map_err(|error| match error {
        ChartError::Source(error) => of_source(&error),
        ChartError::Broken(error) => error.to_helm_text(),
    })
}

/// Reads a file, or standard input for `-`.
pub(super) fn file(path: &str) -> Result<Vec<u8>, String> {
    if path == "-" {
        use std::io::Read;
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| format!("Error: standard input: {error}"))?;
        return Ok(text);
    }
    source::file::read(Path::new(path)).map_err(|error| of_source(&error))
}

/// Reads a layer over those below it: decrypted where it is encrypted, rendered where it is a template. Keys are those of the
/// environment.
pub(super) fn layer(name: &str, path: &str, facts: &Facts, below: &Stack) -> Result<Layer, String> {
    let text = file(path)?;
    let source = u32::try_from(below.layers.len()).unwrap_or_default();
    let layer = if template::is_template(path) {
        Layer::render(name, path, &text, source, facts, below)
    } else {
        match decrypted(path, &text, source)? {
            Some(values) => Layer::new(name, Some(path), values),
            None => Layer::read(name, Some(path), &text, source),
        }
    };
    layer.map_err(|error| format!("Error: {error}"))
}

/// Decrypts a file of values; nothing where it is no SOPS file.
pub(super) fn decrypted(path: &str, text: &[u8], source: u32) -> Result<Option<Node>, String> {
    static SOPS: OnceLock<Sops> = OnceLock::new();
    let sops = SOPS.get_or_init(|| Sops::new(KeySources::from_environment()));
    sops.values(path, text, source).map_err(|error| format!("Error: {error}\nhint: {}", error.hint()))
}

/// Says what a layer that is a template is told of a release. What captures beside those of a release hold are labels.
pub(super) fn facts(request: &Request, captures: &Captures) -> Facts {
    let mut captures = captures.clone();
    let given = [("service", &request.release_name), ("namespace", &request.namespace)];
    let own = given.map(|(name, value)| (name.to_owned(), value.clone()));
    for (name, value) in own {
        captures.entry(name).or_insert(value);
    }
    let is_label = |name: &str| !matches!(name, "service" | "namespace" | "cluster");
    let labels = captures.iter().filter(|(name, _)| is_label(name));
    Facts {
        name: request.release_name.clone(),
        namespace: request.namespace.clone(),
        cluster: captures.get("cluster").cloned().unwrap_or_default(),
        labels: labels.map(|(name, value)| (name.clone(), value.clone())).collect(),
        kube_version: request.kube_version.clone(),
        captures,
    }
}

/// Lists the files below a folder, by path relative to it.
pub(super) fn list(folder: &Path) -> Result<Vec<String>, String> {
    source::WorkTree::open(folder).and_then(|tree| tree.list(None)).map_err(|error| of_source(&error))
}

/// Adds `hint: the nearest … are …` to an error, where anything is near.
pub(super) fn with_nearest(error: String, what: &str, near: &[&str]) -> String {
    if near.is_empty() { error } else { format!("{error}\nhint: the nearest {what} are {}", near.join(", ")) }
}

fn of_source(error: &SourceError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("Error: {error}{cause}{hint}")
}
