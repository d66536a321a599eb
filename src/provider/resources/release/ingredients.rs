//! What a release is rendered from: the chart, the layers, the patches, and what the cluster tells charts of itself.

use std::sync::Arc;

use tf_provider::schema::{Diagnostic, Diagnostics};

use super::super::super::{Shared, patches};
use super::arguments::Arguments;
use super::layers;
use super::private::{Private, Seed};
use crate::delivery::cluster::Sources;
use crate::layers::stack::Stack;
use crate::manifest::patch::Patch;
use crate::release::why::refused;
use crate::release::{Definitions, Hooks, Release};
use crate::source::charts::Found;

/// Everything that a render takes.
pub(super) struct Ingredients {
    pub(super) chart: Found,
    pub(super) layers: Stack,
    patches: Vec<Patch>,
    kube_version: String,
    api_versions: Vec<String>,
}

impl Ingredients {
    /// Reads layers and patches beside a chart.
    ///
    /// # Errors
    /// With everything that is wrong, each at its place in the configuration.
    pub(super) fn read(shared: &Shared, arguments: &Arguments, chart: Found) -> Result<Self, Diagnostics> {
        let cluster = shared.configuration()?.cluster(&arguments.cluster).map_err(|one| one.at("cluster"))?;
        let kube_version = arguments.kube_version.as_ref().or(cluster.kube_version.as_ref());
        let api_versions = cluster.api_versions.iter().chain(&arguments.api_versions);
        Ok(Ingredients {
            kube_version: kube_version.ok_or_else(|| no_kube_version(arguments))?.clone(),
            api_versions: api_versions.cloned().collect(),
            layers: layers::read(shared, arguments)?,
            patches: patches::parse(&arguments.patches)?,
            chart,
        })
    }

    /// Puts them together.
    pub(super) fn release<'a>(&'a self, arguments: &'a Arguments) -> Release<'a> {
        Release {
            chart: &self.chart.chart,
            name: &arguments.name,
            namespace: &arguments.namespace,
            kube_version: &self.kube_version,
            api_versions: &self.api_versions,
            layers: &self.layers,
            definitions: definitions(arguments),
            hooks: match (arguments.includes_hooks, arguments.runs_hooks) {
                (true, _) => Hooks::Include,
                (_, true) => Hooks::Run,
                _ => Hooks::Skip,
            },
            patches: &self.patches,
        }
    }
}

/// Says where fields of a release come from that its cluster refuses: renders it once more, since nobody else asks.
pub(super) fn sources(shared: &Arc<Shared>, arguments: &Arguments, keep: &Private) -> Sources {
    let (shared, arguments, keep) = (Arc::clone(shared), arguments.clone(), keep.clone());
    Sources::of(move |fields| {
        let places = || -> Result<_, Diagnostics> {
            let chart = shared.chart(&super::desired::origin(&shared, &arguments)?)?;
            let ingredients = Ingredients::read(&shared, &arguments, chart)?;
            let draw = keep.seed.as_ref().map(Seed::draw_from);
            let chart_path = arguments.chart.path.as_deref().unwrap_or_default();
            Ok(refused::places(&ingredients.release(&arguments), draw, chart_path, fields))
        };
        // What cannot be read by now could be when it was rendered: the refusal is told without its place.
        places().unwrap_or_else(|_| vec![None; fields.len()])
    })
}

fn no_kube_version(arguments: &Arguments) -> Diagnostic {
    Diagnostic::error(format!("release {} has no Kubernetes version", arguments.title()))
        .detail("Charts decide by it what they render.")
        .hint(format!("set kube_version in the provider's cluster block {:?}, or here", arguments.cluster))
        .at("kube_version")
}

fn definitions(arguments: &Arguments) -> Definitions {
    match arguments.crds.as_str() {
        "create" => Definitions::Create,
        "skip" => Definitions::Skip,
        _ => Definitions::CreateOrReplace,
    }
}
