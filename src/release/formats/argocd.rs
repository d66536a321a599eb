//! A release as Argo CD knows it: an Application (`argoproj.io/v1alpha1`) whose source is the chart.

use serde_json::{Map, Value, json};

use super::values::Values;
use super::{ApplicationOptions, ChartPlace, FormatError, Package, desired, extend};
use crate::manifest::surface::Desired;
use crate::release::Definitions;

const AGENT: &str = "Argo CD";

/// Lets Argo CD delete the release's objects when the Application goes.
pub(super) const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// Gives the Application.
pub(super) fn objects(
    package: &Package<'_>,
    options: &ApplicationOptions,
    values: &Values,
) -> Result<Vec<Desired>, FormatError> {
    refuse_what_it_cannot_be_told(package)?;
    let mut destination = Map::from_iter([("namespace".to_owned(), Value::from(package.namespace))]);
    match &options.destination_server {
        Some(server) => destination.insert("server".to_owned(), server.as_str().into()),
        None => {
            let name = options.destination_name.as_deref().unwrap_or(package.cluster);
            destination.insert("name".to_owned(), name.into())
        }
    };
    let mut spec = Map::new();
    spec.insert("project".to_owned(), options.project.as_deref().unwrap_or("default").into());
    spec.insert("destination".to_owned(), Value::Object(destination));
    spec.insert("source".to_owned(), source(package, values)?);
    extend(&mut spec, options.spec.as_deref())?;
    let application = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": options.name.as_deref().unwrap_or(package.name),
            "namespace": options.namespace.as_deref().unwrap_or("argocd"),
            "finalizers": [FINALIZER],
        },
        "spec": spec,
    });
    Ok(vec![desired(application, values, "/spec/source/helm/valuesObject")])
}

fn refuse_what_it_cannot_be_told(package: &Package<'_>) -> Result<(), FormatError> {
    let refused =
        |what, hint, argument| Err(FormatError::NotExpressible { agent: AGENT, what, hint, argument });
    if !package.patches.is_empty() {
        return refused(
            "to patch what a chart renders",
            "set what you can by values, or deliver with format = \"manifests\"",
            "patch",
        );
    }
    if package.definitions == Definitions::Create {
        return refused("to leave definitions alone that exist", "choose `create_replace` or `skip`", "crds");
    }
    if package.includes_hooks {
        return refused(
            "to take hooks for ordinary objects",
            "leave `hooks` out: Argo CD runs them as hooks of its own",
            "hooks",
        );
    }
    Ok(())
}

fn source(package: &Package<'_>, values: &Values) -> Result<Value, FormatError> {
    let mut helm = Map::from_iter([("releaseName".to_owned(), Value::from(package.name))]);
    if values.map.as_object().is_some_and(|map| !map.is_empty()) {
        helm.insert("valuesObject".to_owned(), values.map.clone());
    }
    if package.definitions == Definitions::Skip {
        helm.insert("skipCrds".to_owned(), true.into());
    }
    match package.chart {
        ChartPlace::Local { path } => Err(FormatError::LocalChart { agent: AGENT, path: path.clone() }),
        ChartPlace::Repository { address, name, version } => Ok(json!({
            // Argo CD writes a registry without its scheme.
            "repoURL": address.strip_prefix("oci://").unwrap_or(address).trim_end_matches('/'),
            "chart": name,
            "targetRevision": version,
            "helm": helm,
        })),
        ChartPlace::Git { url, reference, path } => Ok(json!({
            "repoURL": url,
            "path": path.trim_matches('/'),
            "targetRevision": if reference.is_empty() { "HEAD" } else { reference },
            "helm": helm,
        })),
    }
}
