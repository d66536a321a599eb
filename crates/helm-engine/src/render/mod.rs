//! The way from a chart and a request to documents, in the order in which Helm takes its steps and refuses.

mod chart_object;
mod cluster;
mod error;
mod files_object;
mod inputs;
mod outcome;
mod reasons;
mod scope;
mod templates;
mod values;
mod values_template;

pub use error::{Location, RenderError};
pub use outcome::Rendered;
pub use reasons::{
    FieldReasons, InputPlace, InputPlaces, Reason, TemplateReads, TemplateStep, TraceReport, Undecided,
};
pub use values_template::{ValuesTemplate, render_values};

use crate::capabilities::KubeVersion;
use crate::chart::scoped::Scoped;
use crate::chart::{
    Chart, coalesce_values, custom_resource_definitions, dependencies, is_in_range, validate,
};
use crate::request::{Request, check_release_name};
use crate::tree::{Node, NodeMap};
use crate::{Mode, manifests, stack};

/// Renders a chart as `helm template` does.
///
/// The same chart and request give the same bytes every time: chance and time come from the request.
///
/// # Errors
/// With Helm's message, when Helm refuses too; and when a bound of [`crate::limits::Limits`] is reached.
pub fn render(chart: &Chart, request: &Request) -> Result<Rendered, RenderError> {
    stack::with_deep_stack(|| render_here(chart, request))
}

fn render_here(chart: &Chart, request: &Request) -> Result<Rendered, RenderError> {
    let mode = chart.mode();
    let kube_version = KubeVersion::parse(&request.kube_version, mode).map_err(RenderError::plain)?;
    let mut warnings = chart.load_warnings().to_vec();
    let prepared = prepare(chart, request, &mut warnings)?;
    check_kube_version(&prepared.chart, &kube_version, mode)?;
    let mut outputs = templates::run(chart, &prepared, request, &kube_version)?;
    let sorted = manifests::sort(&outputs.files, mode, request.trace)?;
    warnings.extend(sorted.warnings);
    let notes = std::mem::take(&mut outputs.notes);
    let used_chance = outputs.used_chance;
    let trace = outputs.trace(request.trace, &sorted.manifests, &sorted.hooks);
    Ok(Rendered {
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        crds: custom_resource_definitions(&prepared.chart),
        notes,
        used_chance,
        warnings,
        values: Node::map(prepared.values),
        trace,
        mode,
    })
}

/// Runs a chart's templates and returns what each file printed, by path, before it is split into documents; notes
/// are left out. This is what Helm's library returns from its engine.
///
/// # Errors
/// With Helm's message, as [`render`] until the templates have run.
pub fn render_files(chart: &Chart, request: &Request) -> Result<Vec<(String, Vec<u8>)>, RenderError> {
    let kube_version = KubeVersion::parse(&request.kube_version, chart.mode()).map_err(RenderError::plain)?;
    let prepared = prepare(chart, request, &mut Vec::new())?;
    check_kube_version(&prepared.chart, &kube_version, chart.mode())?;
    stack::with_deep_stack(|| {
        let outputs = templates::run(chart, &prepared, request, &kube_version)?;
        let bytes = |(path, text): (String, crate::value::Text)| (path, text.bytes().to_vec());
        Ok(outputs.files.into_iter().map(bytes).collect())
    })
}

/// Computes the values that a chart's templates would see, without rendering: defaults, layers and flags coalesced.
///
/// # Errors
/// With Helm's message, from everything that is checked before templates run.
pub fn effective_values(chart: &Chart, request: &Request) -> Result<Node, RenderError> {
    prepare(chart, request, &mut Vec::new()).map(|prepared| Node::map(prepared.values))
}

/// A chart with its subcharts and values settled.
pub(crate) struct Prepared {
    pub(crate) chart: Scoped,
    pub(crate) values: NodeMap,
}

fn prepare(chart: &Chart, request: &Request, warnings: &mut Vec<String>) -> Result<Prepared, RenderError> {
    let mode = chart.mode();
    let prefixed = |prefix: &'static str| {
        move |error: String| {
            RenderError::plain(if mode == Mode::Helm4 { format!("{prefix}: {error}") } else { error })
        }
    };
    let user = request.user_values(mode)?;
    let kind = &chart.metadata().chart_type;
    if !matches!(kind.as_str(), "" | "application") {
        return Err(RenderError::plain(format!("{kind} charts are not installable")));
    }
    if chart.metadata().deprecated {
        warnings.push("this chart is deprecated".to_owned());
    }
    let mut scoped = Scoped::new(chart.root());
    dependencies::check_present(&scoped, mode).map_err(RenderError::plain)?;
    check_release_name(&request.release_name).map_err(prefixed("release name check failed"))?;
    dependencies::process(&mut scoped, &user, mode, warnings)
        .map_err(prefixed("chart dependencies processing failed"))?;
    let values = coalesce_values(&scoped, user, mode, warnings).map_err(RenderError::plain)?;
    if !request.skip_schema {
        validate(&scoped, &values, warnings).map_err(RenderError::plain)?;
    }
    Ok(Prepared { chart: scoped, values })
}

/// Compares the root chart's `kubeVersion`; those of subcharts do not count.
fn check_kube_version(chart: &Scoped, version: &KubeVersion, mode: Mode) -> Result<(), RenderError> {
    let wanted = &chart.unit.metadata.kube_version;
    if wanted.is_empty() || is_in_range(wanted, &version.normalized) {
        return Ok(());
    }
    let shown = if mode == Mode::Helm4 { &version.version } else { &version.normalized };
    Err(RenderError::rendering(format!(
        "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {shown}"
    )))
}

#[cfg(test)]
mod tests;
