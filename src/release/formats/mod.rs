//! What an agent gets that renders releases itself: the objects that describe a release to Flux or Argo CD.
//!
//! They hold everything that the plan's own render had: the exact version of the chart, the values of all layers inline,
//! the patches. So what a plan shows is what the agent's Helm will render from them. What an agent cannot be told is an
//! error here, never left out.

mod argocd;
mod flux;
mod patches;
mod values;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Definitions;
use crate::layers::stack::Stack;
use crate::manifest::object::{ObjectId, Scopes};
use crate::manifest::patch::Written;
use crate::manifest::surface::Desired;

pub use patches::PatchProblem;
use values::Values;

/// In which form a release is delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The rendered objects.
    #[default]
    Manifests,
    /// A HelmRelease of Flux with the source of its chart.
    HelmRelease(HelmReleaseOptions),
    /// An Application of Argo CD.
    ArgocdApplication(ApplicationOptions),
}

/// What a user may say of a HelmRelease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HelmReleaseOptions {
    /// Namespace of the HelmRelease and its source; the release's where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How often Flux looks, such as `10m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Name of the Secret with the credentials for the chart's source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_secret: Option<String>,
    /// Name of the Secret that holds the values of sensitive layers under `values.yaml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_secret: Option<String>,
    /// More fields of the HelmRelease's `spec`, as YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
}

/// What a user may say of an Application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationOptions {
    /// Name of the Application; the release's where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace of the Application; `argocd` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its project; `default` where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Argo CD's name of the cluster; the release's cluster where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_name: Option<String>,
    /// Address of the cluster, in the place of its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_server: Option<String>,
    /// More fields of the Application's `spec`, as YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<String>,
}

/// Where an agent finds a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartPlace {
    /// In a classic Helm repository or an OCI registry.
    Repository {
        /// Its address.
        address: String,
        /// The chart's name there.
        name: String,
        /// The version that was rendered.
        version: String,
    },
    /// In a folder of a git repository.
    Git {
        /// Its address.
        url: String,
        /// Branch, tag or commit, as the user wrote it.
        reference: String,
        /// The folder.
        path: String,
    },
    /// On this machine, where no agent looks.
    Local {
        /// The path.
        path: String,
    },
}

/// A release as an agent needs to be told of it.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// Name of the release.
    pub name: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its cluster.
    pub cluster: &'a str,
    /// Where its chart is.
    pub chart: &'a ChartPlace,
    /// Its layers.
    pub layers: &'a Stack,
    /// What happens to definitions.
    pub definitions: Definitions,
    /// Whether hooks shall be ordinary objects.
    pub includes_hooks: bool,
    /// Its patches.
    pub patches: &'a [Written],
}

/// Why a release cannot be delivered in a form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The chart is where no agent looks.
    #[error("{agent} cannot read a chart at {path:?}: it is on this machine only")]
    LocalChart {
        /// Who cannot.
        agent: &'static str,
        /// The chart's path.
        path: String,
    },
    /// A reference does not say what it is.
    #[error("Flux needs to know what {reference:?} is in {url}")]
    VagueReference {
        /// The repository.
        url: String,
        /// The reference.
        reference: String,
    },
    /// The form has no place for something.
    #[error("{agent} cannot be told {what}")]
    NotExpressible {
        /// Who cannot.
        agent: &'static str,
        /// What.
        what: &'static str,
        /// What to do about it.
        hint: &'static str,
        /// The argument.
        argument: &'static str,
    },
    /// A patch has no equal in the form.
    #[error("patch {} {problem}", .index + 1)]
    Patch {
        /// Its number, from zero.
        index: usize,
        /// Why.
        problem: PatchProblem,
    },
    /// The additional fields are none.
    #[error("`spec` {reason}")]
    Spec {
        /// Why.
        reason: String,
    },
}

impl FormatError {
    /// Says what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            FormatError::LocalChart { .. } => {
                "name the git repository that holds it, `chart { git { … } }`, publish it to a repository or registry, or \
                 deliver with format = \"manifests\""
            }
            FormatError::VagueReference { .. } => {
                "write a commit, `refs/tags/NAME` or `refs/heads/NAME` as the chart's `ref`"
            }
            FormatError::NotExpressible { hint, .. } => hint,
            FormatError::Patch { problem, .. } => problem.hint(),
            FormatError::Spec { .. } => {
                "write fields of the object's `spec` that nothing else here sets, as YAML"
            }
        }
    }
}

/// Gives the objects that are delivered in the place of the rendered ones; none for the form that delivers those.
/// `is_secret` tells of a value's path whether it ends in a Secret.
///
/// # Errors
/// With what the form has no place for.
pub fn objects(
    format: &Format,
    package: &Package<'_>,
    is_secret: impl Fn(&str) -> bool,
) -> Result<Option<Vec<Desired>>, FormatError> {
    match format {
        Format::Manifests => Ok(None),
        Format::HelmRelease(options) => {
            let kept_apart = options.values_secret.is_some();
            let values = Values::of(package.layers, kept_apart, is_secret);
            flux::objects(package, options, &values).map(Some)
        }
        Format::ArgocdApplication(options) => {
            let values = Values::of(package.layers, false, is_secret);
            argocd::objects(package, options, &values).map(Some)
        }
    }
}

/// Tells whether values of sensitive layers stand in what is delivered.
pub fn holds_sensitive_values(format: &Format, layers: &Stack) -> bool {
    let kept_apart = matches!(format, Format::HelmRelease(options) if options.values_secret.is_some());
    *format != Format::Manifests && !kept_apart && Values::of(layers, false, |_| false).holds_sensitive
}

/// Makes an object with what is known of the values that stand in it at a pointer.
fn desired(object: Value, values: &Values, values_at: &str) -> Desired {
    // All kinds here live in namespaces, and name theirs.
    let id = ObjectId::read(&object, "", &Scopes::default()).unwrap_or_else(|_| ObjectId {
        api_version: String::new(),
        kind: String::new(),
        namespace: None,
        name: String::new(),
    });
    let marks =
        if object.pointer(values_at).is_some() { values.marks_at(values_at) } else { Default::default() };
    Desired { id, object, marks }
}

/// Adds a user's fields to a `spec`.
///
/// # Errors
/// When the text is no map, or sets a field that is there already.
fn extend(spec: &mut Map<String, Value>, more: Option<&str>) -> Result<(), FormatError> {
    let Some(more) = more else { return Ok(()) };
    let wrong = |reason: String| FormatError::Spec { reason };
    let more = crate::manifest::yaml::read(more).map_err(|error| wrong(format!("is no YAML: {error}")))?;
    let Value::Object(more) = more else { return Err(wrong("is no map of fields".to_owned())) };
    merge(spec, more, "spec").map_err(|path| wrong(format!("sets {path}, which strata sets itself")))
}

fn merge(fields: &mut Map<String, Value>, more: Map<String, Value>, path: &str) -> Result<(), String> {
    for (name, value) in more {
        let path = format!("{path}.{name}");
        match (fields.get_mut(&name), value) {
            (None, value) => drop(fields.insert(name, value)),
            (Some(Value::Object(there)), Value::Object(more)) => merge(there, more, &path)?,
            _ => return Err(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
