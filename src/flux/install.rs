//! The objects of an installation, as Flux's generator makes them with Kustomize: namespace, network policies, roles, then
//! the components in the order of the options, each with its labels, arguments, image and place to run.

use serde_json::{Map, Value, json};

use super::FluxError;
use super::manifests::{EXTERNAL_ARTIFACT, Manifests, NAMESPACE, for_each_container, kind, rename};
use super::options::Options;
use crate::manifest::object::{Scope, Scopes};

/// Where a controller has its first three arguments, and a storage its address.
const EVENTS: (usize, &str) = (0, "the address for events");
const STORAGE_ADDRESS_AT: usize = 6;

/// Makes the objects of an installation.
///
/// # Errors
/// With everything that is wrong with the options, or an object that is not as every release has it.
pub fn objects(manifests: &Manifests, options: &Options) -> Result<Vec<Value>, Vec<FluxError>> {
    options.check()?;
    check_components(manifests, options)?;
    manifests.expect_version(&options.version).map_err(|error| vec![error])?;
    let mut all = vec![namespace(options)];
    if options.network_policy {
        all.extend(manifests.policies.iter().cloned());
    }
    all.extend(roles(manifests, options));
    for component in &options.components {
        all.extend(manifests.components.get(component).into_iter().flatten().cloned());
    }
    set_namespace(&mut all, options);
    for object in &mut all {
        if kind(object) == "Deployment" {
            deployment(object, options).map_err(|error| vec![error])?;
        }
        for component in &options.components {
            set_image(object, component, options);
        }
        label(object, options);
    }
    Ok(all)
}

fn check_components(manifests: &Manifests, options: &Options) -> Result<(), Vec<FluxError>> {
    let missing = options.components.iter().filter(|name| !manifests.components.contains_key(*name));
    let errors: Vec<FluxError> = missing
        .map(|name| FluxError::Component {
            component: name.clone(),
            version: options.version.clone(),
            available: manifests.available().join(", "),
        })
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

fn namespace(options: &Options) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": options.namespace,
            "labels": {
                "pod-security.kubernetes.io/warn": "restricted",
                "pod-security.kubernetes.io/warn-version": "latest",
            },
        },
    })
}

/// Gives the roles their namespace, in their names too: they are cluster-wide, and a cluster may run Flux twice.
fn roles(manifests: &Manifests, options: &Options) -> Vec<Value> {
    let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    let mut roles = manifests.rbac.clone();
    roles.iter_mut().for_each(|object| rename(object, NAMESPACE, &options.namespace));
    let names: Vec<String> =
        roles.iter().filter(|object| kind(object).ends_with("Role")).filter_map(name).collect();
    let suffixed = |name: &str| Value::from(format!("{name}-{}", options.namespace));
    for role in &mut roles {
        if let Some(of) = role.pointer_mut("/roleRef/name")
            && let Some(name) = of.as_str().filter(|name| names.iter().any(|known| known == name))
        {
            *of = suffixed(name);
        }
        if let Some(of) = role.pointer_mut("/metadata/name")
            && let Some(name) = of.as_str()
        {
            *of = suffixed(name);
        }
    }
    roles
}

fn set_namespace(all: &mut [Value], options: &Options) {
    let scopes = Scopes::from_objects(all.iter());
    for object in all {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        if scopes.of(group, kind(object)) == Scope::Namespaced {
            object["metadata"]["namespace"] = Value::from(options.namespace.as_str());
        }
    }
}

/// Puts the options into a controller.
fn deployment(object: &mut Value, options: &Options) -> Result<(), FluxError> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let form = |what| FluxError::Form { object: format!("Deployment {name}"), what };
    let pod = object.pointer_mut("/spec/template/spec").ok_or_else(|| form("any option"))?;
    place(pod, options);
    if !options.components.contains(&name) {
        return Ok(());
    }
    let arguments = pod.pointer_mut("/containers/0/args").and_then(Value::as_array_mut);
    let arguments = arguments.ok_or_else(|| form("arguments"))?;
    let mut set = |(at, what): (usize, &'static str), value: String| {
        let argument = arguments.get_mut(at).ok_or_else(|| form(what))?;
        *argument = Value::from(value);
        Ok(())
    };
    let watch = format!("--watch-all-namespaces={}", options.watch_all_namespaces);
    let level = format!("--log-level={}", options.log_level);
    let first = if name == "notification-controller" {
        0
    } else {
        set(EVENTS, format!("--events-addr={}", options.events_address()))?;
        1
    };
    set((first, "the namespaces it watches"), watch)?;
    set((first + 1, "a log level"), level)?;
    if matches!(name.as_str(), "source-controller" | "source-watcher") {
        let address =
            format!("--storage-adv-addr={name}.$(RUNTIME_NAMESPACE).svc.{}.", options.cluster_domain);
        set((STORAGE_ADDRESS_AT, "the address of its storage"), address)?;
    }
    let watches = options.components.iter().any(|component| component == "source-watcher");
    if watches && matches!(name.as_str(), "kustomize-controller" | "helm-controller") {
        arguments.push(Value::from(EXTERNAL_ARTIFACT));
    }
    Ok(())
}

/// Says on which nodes a controller runs, and with which Secret its image is pulled.
fn place(pod: &mut Value, options: &Options) {
    pod["nodeSelector"]["kubernetes.io/os"] = Value::from("linux");
    if let Some(secret) = &options.image_pull_secret {
        let mut secrets = vec![json!({"name": secret})];
        let others = pod["imagePullSecrets"].as_array().cloned().unwrap_or_default();
        secrets.extend(others.into_iter().filter(|other| other["name"] != secret.as_str()));
        pod["imagePullSecrets"] = Value::from(secrets);
    }
    if !options.toleration_keys.is_empty() {
        let toleration = |key: &String| json!({"key": key, "operator": "Exists"});
        pod["tolerations"] = options.toleration_keys.iter().map(toleration).collect();
    }
}

fn set_image(object: &mut Value, component: &str, options: &Options) {
    if options.registry.is_empty() {
        return;
    }
    let shipped = format!("fluxcd/{component}");
    for_each_container(object, &mut |container| {
        let Some(image) = container.get("image").and_then(Value::as_str) else { return };
        let Some(version) = image.strip_prefix(&shipped).filter(|rest| rest.starts_with([':', '@'])) else {
            return;
        };
        container["image"] = Value::from(format!("{}/{component}{version}", options.registry));
    });
}

/// Puts the labels on that tell what belongs to Flux, and which version.
fn label(object: &mut Value, options: &Options) {
    put_labels(&mut object["metadata"], options);
    if kind(object) == "Deployment" {
        put_labels(&mut object["spec"]["template"]["metadata"], options);
    }
}

fn put_labels(metadata: &mut Value, options: &Options) {
    if !metadata["labels"].is_object() {
        metadata["labels"] = Value::Object(Map::new());
    }
    let labels = &mut metadata["labels"];
    labels["app.kubernetes.io/instance"] = Value::from(options.namespace.as_str());
    labels["app.kubernetes.io/version"] = Value::from(options.label_version());
    labels["app.kubernetes.io/part-of"] = Value::from("flux");
}
