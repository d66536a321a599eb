//! A release as Flux knows it: a HelmRelease (`helm.toolkit.fluxcd.io/v2`) and the source of its chart.

use serde_json::{Map, Value, json};

use super::values::Values;
use super::{ChartPlace, FormatError, HelmReleaseOptions, Package, desired, extend, patches};
use crate::manifest::surface::Desired;
use crate::release::Definitions;

const AGENT: &str = "Flux";
const INTERVAL: &str = "10m";

/// The layer of a chart's artifact that holds the chart.
pub(super) const CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// Gives the HelmRelease and its source.
pub(super) fn objects(
    package: &Package<'_>,
    options: &HelmReleaseOptions,
    values: &Values,
) -> Result<Vec<Desired>, FormatError> {
    if package.includes_hooks {
        return Err(FormatError::NotExpressible {
            agent: AGENT,
            what: "to take hooks for ordinary objects",
            hint: "leave `hooks` out: Flux's Helm runs them as hooks",
            argument: "hooks",
        });
    }
    let source = source(package, options)?;
    let mut spec = spec(package, options, &source, values)?;
    extend(&mut spec, options.spec.as_deref())?;
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2",
        "kind": "HelmRelease",
        "metadata": metadata(package, options),
        "spec": spec,
    });
    Ok(vec![desired(release, values, "/spec/values"), desired(source.object, values, "/none")])
}

/// Where a HelmRelease's chart comes from.
struct Source {
    object: Value,
    /// The field of the HelmRelease that refers to it.
    field: &'static str,
    reference: Value,
}

fn metadata(package: &Package<'_>, options: &HelmReleaseOptions) -> Value {
    json!({"name": package.name, "namespace": options.namespace.as_deref().unwrap_or(package.namespace)})
}

fn spec(
    package: &Package<'_>,
    options: &HelmReleaseOptions,
    source: &Source,
    values: &Values,
) -> Result<Map<String, Value>, FormatError> {
    let crds = match package.definitions {
        Definitions::CreateOrReplace => "CreateReplace",
        Definitions::Create => "Create",
        Definitions::Skip => "Skip",
    };
    let mut spec = Map::new();
    let mut set = |name: &str, value: Value| drop(spec.insert(name.to_owned(), value));
    set("interval", options.interval.as_deref().unwrap_or(INTERVAL).into());
    set("releaseName", package.name.into());
    set("targetNamespace", package.namespace.into());
    // Where Helm itself would keep its record of the release.
    set("storageNamespace", package.namespace.into());
    set(source.field, source.reference.clone());
    set("install", json!({"crds": crds}));
    set("upgrade", json!({"crds": crds}));
    if let Some(secret) = &options.values_secret {
        set("valuesFrom", json!([{"kind": "Secret", "name": secret, "valuesKey": "values.yaml"}]));
    }
    if values.map.as_object().is_some_and(|map| !map.is_empty()) {
        set("values", values.map.clone());
    }
    let patches = patches::for_flux(package.patches, package.namespace)?;
    if !patches.is_empty() {
        set("postRenderers", json!([{"kustomize": {"patches": patches}}]));
    }
    Ok(spec)
}

fn source(package: &Package<'_>, options: &HelmReleaseOptions) -> Result<Source, FormatError> {
    let source = |kind: &str, mut spec: Map<String, Value>| {
        spec.insert("interval".to_owned(), options.interval.as_deref().unwrap_or(INTERVAL).into());
        if let Some(secret) = &options.source_secret {
            spec.insert("secretRef".to_owned(), json!({"name": secret}));
        }
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": kind,
            "metadata": metadata(package, options),
            "spec": spec,
        })
    };
    let chart =
        |kind: &str, chart: &str| json!({"chart": chart, "sourceRef": {"kind": kind, "name": package.name}});
    match package.chart {
        ChartPlace::Local { path } => Err(FormatError::LocalChart { agent: AGENT, path: path.clone() }),
        ChartPlace::Repository { address, name, version } if address.starts_with("oci://") => {
            let spec = fields(json!({
                "url": format!("{}/{name}", address.trim_end_matches('/')),
                // A registry has no `+`; Helm writes an underscore in its place.
                "ref": {"tag": version.replace('+', "_")},
                "layerSelector": {"mediaType": CHART_LAYER, "operation": "copy"},
            }));
            let reference = json!({"kind": "OCIRepository", "name": package.name});
            Ok(Source { object: source("OCIRepository", spec), field: "chartRef", reference })
        }
        ChartPlace::Repository { address, name, version } => {
            let mut chart = chart("HelmRepository", name);
            chart["version"] = version.as_str().into();
            let object = source("HelmRepository", fields(json!({"url": address})));
            Ok(Source { object, field: "chart", reference: json!({"spec": chart}) })
        }
        ChartPlace::Git { url, reference, path } => {
            let mut chart = chart("GitRepository", &format!("./{}", path.trim_matches('/')));
            // The chart is what its files are, whatever version its Chart.yaml says.
            chart["reconcileStrategy"] = "Revision".into();
            let spec = fields(json!({"url": flux_url(url), "ref": git_reference(url, reference)?}));
            Ok(Source {
                object: source("GitRepository", spec),
                field: "chart",
                reference: json!({"spec": chart}),
            })
        }
    }
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn git_reference(url: &str, reference: &str) -> Result<Value, FormatError> {
    let is_commit =
        matches!(reference.len(), 40 | 64) && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
    match (reference.strip_prefix("refs/tags/"), reference.strip_prefix("refs/heads/")) {
        (Some(tag), _) => Ok(json!({"tag": tag})),
        (_, Some(branch)) => Ok(json!({"branch": branch})),
        _ if is_commit => Ok(json!({"commit": reference})),
        _ => Err(FormatError::VagueReference { url: url.to_owned(), reference: reference.to_owned() }),
    }
}

/// Writes `user@host:path` as an address, the only form that Flux reads.
fn flux_url(url: &str) -> String {
    match url.split_once(':') {
        Some((host, path)) if !url.contains("://") => {
            format!("ssh://{host}/{}", path.trim_start_matches('/'))
        }
        _ => url.to_owned(),
    }
}
