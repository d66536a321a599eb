//! What a release of Flux ships, in either of two forms: a file for each component beside `rbac.yaml` and `policies.yaml`
//! (the asset `manifests.tar.gz`), or the objects of an installation with default options (the artifact `flux-manifests`).
//!
//! The second form is brought back to the first, so that every option works on both. Which components there are is read
//! from the release; no list here can be out of date.

use std::collections::BTreeMap;

use helm_engine::yaml;
use serde_json::Value;

use super::FluxError;
use crate::manifest::object::is_custom_resource_definition;
use crate::release::objects;

/// The namespace that releases are written for.
pub(super) const NAMESPACE: &str = "flux-system";

/// The label that says which component an object belongs to.
const COMPONENT: &str = "/metadata/labels/app.kubernetes.io~1component";
const VERSION: &str = "/metadata/labels/app.kubernetes.io~1version";
/// What is added to the controllers that can read artifacts of the source watcher.
pub(super) const EXTERNAL_ARTIFACT: &str = "--feature-gates=ExternalArtifact=true";

/// Files beside the components' own.
const OTHERS: [&str; 6] = ["rbac", "policies", "namespace", "kustomization", "labels", "node-selector"];

/// The objects of a release, for the namespace that releases are written for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    /// The objects of each component.
    pub(super) components: BTreeMap<String, Vec<Value>>,
    /// Roles and quotas that all components share.
    pub(super) rbac: Vec<Value>,
    /// Network policies.
    pub(super) policies: Vec<Value>,
    /// The version that the objects say, in the form that says one.
    version: Option<String>,
}

impl Manifests {
    /// Reads a release from its files, by name; what is no YAML file is passed over.
    ///
    /// # Errors
    /// When a file cannot be read, or the files are no release.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self, FluxError> {
        let mut by_stem = BTreeMap::new();
        for (path, content) in files {
            let Some(stem) = stem(path) else { continue };
            let objects = documents(path, content)?;
            if by_stem.insert(stem, objects).is_some() {
                return Err(FluxError::NoRelease(format!("there are two files {stem}.yaml")));
            }
        }
        if by_stem.contains_key("rbac") {
            return Self::of_components(by_stem);
        }
        Self::of_installation(by_stem.into_values().flatten().collect())
    }

    /// Lists the components that there are.
    pub fn available(&self) -> Vec<&str> {
        self.components.keys().map(String::as_str).collect()
    }

    /// Refuses a release that says it is another one than `wanted`.
    ///
    /// # Errors
    /// [`FluxError::OtherVersion`].
    pub fn expect_version(&self, wanted: &str) -> Result<(), FluxError> {
        let plain = |version: &str| version.trim_start_matches('v').to_owned();
        match &self.version {
            Some(found) if plain(found) != plain(wanted) => {
                Err(FluxError::OtherVersion { found: plain(found), wanted: plain(wanted) })
            }
            _ => Ok(()),
        }
    }

    fn of_components(mut by_stem: BTreeMap<&str, Vec<Value>>) -> Result<Self, FluxError> {
        let mut take = |stem| by_stem.remove(stem).unwrap_or_default();
        let (rbac, policies) = (take("rbac"), take("policies"));
        let components: BTreeMap<String, Vec<Value>> = by_stem
            .into_iter()
            .filter(|(stem, objects)| !OTHERS.contains(stem) && !objects.is_empty())
            .map(|(stem, objects)| (stem.to_owned(), objects))
            .collect();
        if components.is_empty() {
            return Err(FluxError::NoRelease("there is an rbac.yaml, but no file of a component".to_owned()));
        }
        Ok(Manifests { components, rbac, policies, version: None })
    }

    /// Sorts the objects of an installation by their component and takes out what its options put in.
    fn of_installation(installed: Vec<Value>) -> Result<Self, FluxError> {
        let namespace = namespace(&installed)?;
        let version =
            installed.iter().find_map(|object| object.pointer(VERSION)?.as_str()).map(str::to_owned);
        let mut found = Manifests { version, ..Manifests::default() };
        for object in installed {
            match (object.pointer(COMPONENT).and_then(Value::as_str), kind(&object)) {
                (Some(component), _) => {
                    found.components.entry(component.to_owned()).or_default().push(object);
                }
                (None, "Namespace" | "Kustomization") => {}
                (None, "NetworkPolicy") => found.policies.push(object),
                (None, "ResourceQuota" | "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding") => {
                    found.rbac.push(object);
                }
                (None, other) => {
                    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                    return Err(FluxError::NoRelease(format!(
                        "{other} {name} belongs to no component of Flux"
                    )));
                }
            }
        }
        if found.components.is_empty() {
            return Err(FluxError::NoRelease("no object in it belongs to a component of Flux".to_owned()));
        }
        take_out_suffix(&mut found.rbac, &namespace);
        found.rbac.iter_mut().for_each(|object| rename(object, &namespace, NAMESPACE));
        for (component, objects) in &mut found.components {
            objects.iter_mut().for_each(|object| take_out_registry(object, component));
            objects.iter_mut().for_each(take_out_feature);
        }
        Ok(found)
    }
}

fn stem(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.starts_with('.') {
        return None;
    }
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))
}

fn documents(path: &str, content: &[u8]) -> Result<Vec<Value>, FluxError> {
    let wrong = |reason: String| FluxError::File { file: path.to_owned(), reason };
    let nodes = yaml::read_documents(content, 0).map_err(|error| wrong(error.to_string()))?;
    let objects: Vec<Value> = nodes.iter().map(objects::to_json).filter(|object| !object.is_null()).collect();
    for object in &objects {
        if kind(object).is_empty() || !object["apiVersion"].is_string() {
            return Err(wrong("a document in it has no kind or no apiVersion".to_owned()));
        }
    }
    Ok(objects)
}

pub(super) fn kind(object: &Value) -> &str {
    object.get("kind").and_then(Value::as_str).unwrap_or_default()
}

/// Finds the namespace of an installation: that of its controllers.
fn namespace(installed: &[Value]) -> Result<String, FluxError> {
    let deployment = |object: &&Value| kind(object) == "Deployment" && object.pointer(COMPONENT).is_some();
    let controller = installed.iter().find(deployment).ok_or_else(|| {
        FluxError::NoRelease("it has neither an rbac.yaml nor the Deployment of a controller".to_owned())
    })?;
    let namespace = controller.pointer("/metadata/namespace").and_then(Value::as_str);
    Ok(namespace.unwrap_or(NAMESPACE).to_owned())
}

/// Takes the namespace off the end of the names that have it there, and of what refers to them.
fn take_out_suffix(rbac: &mut [Value], namespace: &str) {
    let suffix = format!("-{namespace}");
    for object in rbac {
        for place in ["/metadata/name", "/roleRef/name"] {
            let Some(name) = object.pointer_mut(place) else { continue };
            if let Some(short) = name.as_str().and_then(|name| name.strip_suffix(&suffix)) {
                *name = Value::from(short);
            }
        }
    }
}

/// Replaces a text wherever it stands, as Flux's generator does in its file of roles.
pub(super) fn rename(value: &mut Value, before: &str, after: &str) {
    if before == after {
        return;
    }
    match value {
        Value::String(text) if text.contains(before) => *text = text.replace(before, after),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, before, after)),
        Value::Object(fields) => {
            for (key, mut field) in std::mem::take(fields) {
                rename(&mut field, before, after);
                fields.insert(key.replace(before, after), field);
            }
        }
        _ => {}
    }
}

/// Calls images what component files call them, `fluxcd/NAME`.
fn take_out_registry(object: &mut Value, component: &str) {
    for_each_container(object, &mut |container| {
        let Some(image) = container.get("image").and_then(Value::as_str) else { return };
        let (path, name) = image.rsplit_once('/').unwrap_or(("", image));
        let short = name.split([':', '@']).next().unwrap_or_default();
        if short == component && path != "fluxcd" {
            container["image"] = Value::from(format!("fluxcd/{name}"));
        }
    });
}

fn take_out_feature(object: &mut Value) {
    for_each_container(object, &mut |container| {
        if let Some(arguments) = container.get_mut("args").and_then(Value::as_array_mut) {
            arguments.retain(|argument| argument != EXTERNAL_ARTIFACT);
        }
    });
}

/// Visits the containers of an object that runs some.
pub(super) fn for_each_container(object: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    if is_custom_resource_definition(object) {
        return;
    }
    for list in ["containers", "initContainers"] {
        let place = format!("/spec/template/spec/{list}");
        let containers = object.pointer_mut(&place).and_then(Value::as_array_mut);
        containers.into_iter().flatten().for_each(&mut *visit);
    }
}
