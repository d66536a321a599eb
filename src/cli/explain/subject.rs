//! One release that questions are asked about: chart, layers, and what they render to.

use helm_engine::chart::Chart;
use helm_engine::trace::Trace;
use helm_engine::tree::Node;
use helm_engine::{Rendered, Request, effective_values, render};

use crate::layers::layer::Layer;
use crate::layers::stack::Stack;
use crate::release::SecretValues;
use crate::release::why::objects::secret_values;
use crate::release::why::origins::Given;
use crate::release::why::{Explained, Origins, explain_objects};

/// A release.
pub(super) struct Subject {
    pub(super) chart: Chart,
    pub(super) chart_path: String,
    pub(super) stack: Stack,
    request: Request,
    values: Node,
    rendered: Result<Rendered, String>,
    secrets: SecretValues,
}

impl Subject {
    /// Renders a release; a chart that refuses its values still has values to be asked about.
    pub(super) fn new(
        chart: Chart,
        chart_path: &str,
        mut stack: Stack,
        mut request: Request,
    ) -> Result<Self, String> {
        let chart_path = chart_path.trim_end_matches('/');
        let defaults = Node::map(chart.default_values().clone());
        let file = format!("{chart_path}/values.yaml");
        stack.chart =
            Some(Layer::new("chart", Some(&file), defaults).map_err(|error| format!("Error: {error}"))?);
        request.layers = stack.layers.iter().map(|layer| layer.values.clone()).collect();
        request.trace = Trace::Steps;
        let values = effective_values(&chart, &request).map_err(|error| error.to_helm_text())?;
        let rendered = render(&chart, &request).map_err(|error| error.to_helm_text());
        let secrets = rendered.as_ref().ok().map(secret_values).transpose().unwrap_or_default();
        Ok(Subject {
            secrets: secrets.unwrap_or_default(),
            chart_path: chart_path.to_owned(),
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
            secrets: &self.secrets,
        })
    }

    /// Explains all objects.
    pub(super) fn objects(&self, origins: &Origins<'_>) -> Result<Vec<Explained>, String> {
        let is_secret = |path: &str| origins.is_in_sensitive_layer(path);
        explain_objects(self.rendered()?, &self.request.namespace, &self.secrets, &is_secret)
            .map_err(|error| format!("Error: {error}"))
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
