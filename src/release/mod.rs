//! A release: a chart with its layers on a target, rendered to objects.
//!
//! Pure: the chart is loaded, the layers are read, the source of chance is given. The same inputs give the same objects in
//! every process, which is what lets a plan promise what apply will bring.

pub mod documents;
pub mod formats;
pub mod generated;
pub mod helm_storage;
pub mod hooks;
mod inputs;
pub mod lint;
pub mod objects;
mod patched;
pub mod record;
mod redact;
mod render;
pub mod secrets;
pub mod unknown;
#[cfg(test)]
mod unknown_tests;
pub mod why;

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::chart::Chart;

use crate::layers::stack::Stack;
use crate::manifest::object::ObjectError;
use crate::manifest::patch::{Patch, PatchFailure};
use crate::manifest::surface::Desired;

pub use redact::without_secrets;
pub use render::render;
pub use secrets::SecretValues;
pub use unknown::Unknown;

/// Everything that a render depends on.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// The chart.
    pub chart: &'a Chart,
    /// `.Release.Name`.
    pub name: &'a str,
    /// `.Release.Namespace`.
    pub namespace: &'a str,
    /// The Kubernetes version that the chart sees.
    pub kube_version: &'a str,
    /// API versions that the chart sees beside the built-in ones.
    pub api_versions: &'a [String],
    /// The values above the chart's defaults.
    pub layers: &'a Stack,
    /// What happens to the definitions in the chart's `crds` folder.
    pub definitions: Definitions,
    /// What happens to hooks.
    pub hooks: Hooks,
    /// What changes the rendered objects, in this order.
    pub patches: &'a [Patch],
}

/// What happens to the CustomResourceDefinitions in a chart's `crds` folder, which Helm itself never upgrades.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Definitions {
    /// They are objects like all others.
    #[default]
    CreateOrReplace,
    /// They are delivered with a wish to leave those alone that exist.
    Create,
    /// They are left out.
    Skip,
}

/// What happens to a chart's hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hooks {
    /// They are left out and listed.
    #[default]
    Skip,
    /// They are delivered as ordinary objects; tests are left out all the same.
    Include,
    /// Those of an installation and of an upgrade are run as hooks, beside the objects.
    Run,
}

/// The source of everything that a chart draws from chance or time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// Feeds the random functions.
    pub seed: [u8; 32],
    /// Answers `now`, in nanoseconds since the Unix epoch.
    pub now_unix_nanoseconds: i64,
}

/// What a release renders to.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The objects, in the order of their keys.
    pub objects: Vec<Desired>,
    /// The hooks that are run.
    pub hooks: Vec<hooks::HookObject>,
    /// The hooks that were left out, as `Kind/name (events)`.
    pub skipped_hooks: Vec<String>,
    /// What the engine wants to be known, in Helm's words.
    pub warnings: Vec<String>,
    /// Whether chance decides which objects there are, so that no plan can list them before the seed exists.
    pub objects_by_chance: bool,
    /// The values that end in a Secret.
    pub secret_values: SecretValues,
    /// What is not known before apply.
    pub unknown: Unknown,
    /// The keys of objects that hold values of sensitive layers.
    pub holding_secrets: BTreeSet<String>,
}

/// A release that cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The chart refuses the values, or is broken.
    #[error("chart {chart} cannot be rendered")]
    Render {
        /// Name and version of the chart.
        chart: String,
        /// What the engine says.
        #[source]
        source: Box<helm_engine::render::RenderError>,
    },
    /// The chart cannot be rendered, and what it says of that may hold a secret.
    #[error("chart {chart} cannot be rendered")]
    Hidden {
        /// Name and version of the chart.
        chart: String,
        /// The template and line that failed, where that is known.
        place: Option<String>,
    },
    /// The chart's output is no YAML.
    #[error("chart {chart} renders what is no YAML: {message}")]
    Unreadable {
        /// Name and version of the chart.
        chart: String,
        /// Where and why.
        message: String,
    },
    /// A layer's map is another layer's scalar.
    #[error("layers disagree on what {} is", list(conflicts, |conflict| format!("`{}`", conflict.path)))]
    Conflicts {
        /// Each key with both places.
        conflicts: Vec<crate::layers::stack::Conflict>,
    },
    /// A patch cannot be applied to what was rendered.
    #[error("{0}")]
    Patch(PatchFailure),
    /// What was rendered is no set of objects.
    #[error("chart {chart} renders what is no Kubernetes object: {}", list(errors, ToString::to_string))]
    Objects {
        /// Name and version of the chart.
        chart: String,
        /// What is wrong with which document.
        errors: Vec<ObjectError>,
    },
}

/// Joins the texts of all, each once.
fn list<T>(all: &[T], text: impl Fn(&T) -> String) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in all.iter().map(text) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join(", ")
}

impl ReleaseError {
    /// Returns the details below the summary: excerpts, places, causes.
    pub fn detail(&self) -> String {
        match self {
            ReleaseError::Render { source, .. } => match source.excerpt() {
                Some(excerpt) => format!("{}\n\n{excerpt}", source.message()),
                None => source.message().to_owned(),
            },
            ReleaseError::Conflicts { conflicts } => list(conflicts, ToString::to_string),
            ReleaseError::Hidden { place, .. } => {
                let place = place.as_ref().map(|place| format!("It fails at {place}. ")).unwrap_or_default();
                format!("{place}What the chart says is not shown, since it may hold a sensitive value.")
            }
            ReleaseError::Patch(failure) => failure.error.detail().unwrap_or_default(),
            ReleaseError::Objects { .. } | ReleaseError::Unreadable { .. } => String::new(),
        }
    }

    /// Says what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            ReleaseError::Render { .. } | ReleaseError::Hidden { .. } => {
                "`strata template` renders the chart with the same layers on its own"
            }
            ReleaseError::Patch(failure) => failure.error.hint(),
            ReleaseError::Conflicts { .. } => "make both a map, or rename one of the keys",
            ReleaseError::Objects { .. } | ReleaseError::Unreadable { .. } => {
                "`strata template` shows what the chart renders"
            }
        }
    }
}

/// Returns the chart's name, version and appVersion, as a plan shows them.
pub fn chart_metadata(chart: &Chart) -> BTreeMap<String, String> {
    let metadata = chart.metadata();
    let entries =
        [("name", &metadata.name), ("version", &metadata.version), ("app_version", &metadata.app_version)];
    let known = entries.into_iter().filter(|(_, value)| !value.is_empty());
    known.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
