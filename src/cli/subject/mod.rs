//! One release that questions are asked about: chart, layers, and what they render to.

pub(super) mod fleet;

use std::path::Path;

use clap::Args;
use helm_engine::chart::Chart;
use helm_engine::trace::Trace;
use helm_engine::tree::Node;
use helm_engine::{Rendered, Request, effective_values, render};

use super::inputs;
use super::rendering::Rendering;
use crate::layers::layer::Layer;
use crate::layers::stack::Stack;
use crate::manifest::patch::{Patch, Written};
use crate::release::SecretValues;
use crate::release::why::objects::secret_values;
use crate::release::why::origins::Given;
use crate::release::why::{Explained, Origins, Traced, explain_objects};

/// Which release is meant.
#[derive(Args, Debug)]
pub(super) struct ReleaseArguments {
    /// A layer above the chart's defaults, lowest first; its name is the file's where none is given. `*.gotmpl` is rendered, a
    /// SOPS file is decrypted
    #[arg(short, long = "layer", value_name = "[NAME=]FILE", short_alias = 'f', alias = "values")]
    layers: Vec<String>,
    /// A file that names the clusters, charts and layers of a fleet; its paths are relative to its own folder
    #[arg(long, value_name = "FILE", conflicts_with = "layers")]
    pub(super) fleet: Option<String>,
    /// A patch on the rendered objects: a strategic merge patch, or `target` and `patch`
    #[arg(long = "patch", value_name = "FILE")]
    patches: Vec<String>,
    /// Name of the release
    #[arg(long, default_value = "release-name")]
    name: String,
    #[command(flatten)]
    pub(super) rendering: Rendering,
}

/// A release.
pub(super) struct Subject {
    pub(super) chart: Chart,
    pub(super) chart_path: String,
    pub(super) stack: Stack,
    request: Request,
    values: Node,
    rendered: Result<Rendered, String>,
    secrets: SecretValues,
    patches: Vec<Patch>,
    /// The files of the patches.
    pub(super) patch_files: Vec<String>,
}

/// What a release is made of.
struct Parts {
    chart: Chart,
    chart_path: String,
    stack: Stack,
    request: Request,
}

impl Subject {
    /// Reads and renders the release that the arguments describe: a chart, or with a fleet `SERVICE@CLUSTER`.
    pub(super) fn open(arguments: &ReleaseArguments, chart_or_release: &str) -> Result<Self, String> {
        if let Some(file) = &arguments.fleet {
            let mut catalog = fleet::Catalog::open(arguments, file)?;
            let release = catalog.release(chart_or_release)?;
            return catalog.subject(&release);
        }
        let chart = inputs::chart(Path::new(chart_or_release), arguments.rendering.mode())?;
        let request = arguments.rendering.request(&arguments.name, Vec::new())?;
        let facts = inputs::facts(&request, &arguments.rendering.captures()?);
        let mut stack = Stack::default();
        for written in &arguments.layers {
            let (name, file) = split_layer(written);
            stack.layers.push(inputs::layer(&name, file, &facts, &stack)?);
        }
        Subject::new(Parts { chart, chart_path: chart_or_release.to_owned(), stack, request }, arguments)
    }

    /// Renders a release; a chart that refuses its values still has values to be asked about.
    fn new(parts: Parts, arguments: &ReleaseArguments) -> Result<Self, String> {
        let Parts { chart, chart_path, mut stack, mut request } = parts;
        let chart_path = chart_path.trim_end_matches('/').to_owned();
        let defaults = Node::map(chart.default_values().clone());
        let file = format!("{chart_path}/values.yaml");
        let defaults = Layer::new("chart", Some(&file), defaults);
        stack.chart = Some(defaults.map_err(|error| format!("Error: {error}"))?);
        request.layers = stack.layers.iter().map(Layer::marked_values).collect();
        request.trace = Trace::Steps;
        let values = effective_values(&chart, &request).map_err(|error| error.to_helm_text())?;
        let rendered = render(&chart, &request).map_err(|error| error.to_helm_text());
        let secrets = rendered.as_ref().ok().map(secret_values).transpose().unwrap_or_default();
        Ok(Subject {
            secrets: secrets.unwrap_or_default(),
            patches: arguments.patches.iter().map(|file| read_patch(file)).collect::<Result<_, _>>()?,
            patch_files: arguments.patches.clone(),
            chart_path,
            chart,
            stack,
            request,
            values,
            rendered,
        })
    }

    /// Returns what the release renders to, or why it does not.
    pub(super) fn rendered(&self) -> Result<&Rendered, String> {
        self.rendered.as_ref().map_err(|error| {
            format!("{}\nhint: `strata template` renders the chart on its own", error.trim_end())
        })
    }

    /// Returns the values that the templates see.
    pub(super) fn values(&self) -> &Node {
        &self.values
    }

    /// Returns what is known of where the values come from.
    pub(super) fn origins(&self) -> Origins<'_> {
        Origins::new(Given {
            values: &self.values,
            stack: &self.stack,
            chart: &self.chart,
            chart_path: &self.chart_path,
            sets: &self.request.sets,
            secrets: self.rendered.is_ok().then_some(&self.secrets),
        })
    }

    /// Explains all objects.
    pub(super) fn objects(&self, origins: &Origins<'_>) -> Result<Vec<Explained>, String> {
        let is_secret = |path: &str| origins.is_in_sensitive_layer(path);
        let release = Traced {
            output: self.rendered()?,
            namespace: &self.request.namespace,
            patches: &self.patches,
            secrets: &self.secrets,
        };
        explain_objects(release, &is_secret).map_err(|error| format!("Error: {error}"))
    }

    /// Returns the path of a template on disk.
    pub(super) fn template_path(&self, template: &str) -> String {
        let name = &self.chart.metadata().name;
        match template.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/')) {
            Some(rest) => format!("{}/{rest}", self.chart_path),
            None => template.to_owned(),
        }
    }
}

/// Reads a patch: objects to merge, or what a patch block says, with the keys `patch` and perhaps `target`.
fn read_patch(file: &str) -> Result<Patch, String> {
    let text = inputs::file(file)?;
    let failed = |error: &dyn std::fmt::Display| format!("Error: {file} is no patch: {error}");
    if let Ok(written) = serde_yaml::from_slice::<Written>(&text) {
        return written.read().map_err(|error| failed(&error));
    }
    let text = String::from_utf8(text).map_err(|error| failed(&error))?;
    Patch::read(&text, None).map_err(|error| failed(&error))
}

/// Splits `NAME=FILE`; a layer without a name is called as its file, without folders and ending.
fn split_layer(written: &str) -> (String, &str) {
    let is_name = |name: &str| !name.is_empty() && !name.contains(['/', '.', '\\']);
    match written.split_once('=').filter(|(name, _)| is_name(name)) {
        Some((name, file)) => (name.to_owned(), file),
        None => {
            let file = written.strip_suffix(".gotmpl").unwrap_or(written);
            let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str());
            (stem.unwrap_or(written).to_owned(), written)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_a_name_is_called_as_its_file() {
        assert_eq!(split_layer("prod=a/b.yaml"), ("prod".to_owned(), "a/b.yaml"));
        assert_eq!(split_layer("a/b.yaml"), ("b".to_owned(), "a/b.yaml"));
        assert_eq!(split_layer("a/b.yaml.gotmpl"), ("b".to_owned(), "a/b.yaml.gotmpl"));
        assert_eq!(split_layer("./x=y.yaml"), ("x=y".to_owned(), "./x=y.yaml"));
    }
}
