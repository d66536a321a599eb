//! Argo CD as data: from the `install.yaml` of a release to the objects of an installation in a namespace, and the Application
//! that points it at its repository. Pure.
//!
//! Argo CD ships one file for its default namespace, `argocd`, to be applied with that namespace; what is cluster-wide names
//! it. Beyond that there are no options: what else shall be different is a patch.

use std::collections::BTreeMap;

use helm_engine::yaml;
use serde_json::{Value, json};

use crate::manifest::object::{Scope, Scopes};
use crate::release::objects;

/// The namespace that releases are written for.
pub const NAMESPACE: &str = "argocd";

/// Why there are no objects to install.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgoError {
    /// A file that is no YAML, or whose objects have no name.
    #[error("{file}: {reason}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// Files that hold no release of Argo CD.
    #[error("no object in it runs Argo CD")]
    NoRelease,
    /// Files of another release than the one that was asked for.
    #[error("the manifests are of Argo CD {found}, not of {wanted}")]
    OtherVersion {
        /// What they run.
        found: String,
        /// What was asked for.
        wanted: String,
    },
}

/// The objects of a release, as it ships them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    objects: Vec<Value>,
    version: String,
}

impl Manifests {
    /// Reads a release from its files; what is no YAML file is passed over.
    ///
    /// # Errors
    /// When a file cannot be read, or the files are no release.
    pub fn read(files: &[(String, Vec<u8>)]) -> Result<Self, ArgoError> {
        let mut found = Manifests::default();
        for (path, content) in
            files.iter().filter(|(path, _)| path.ends_with(".yaml") || path.ends_with(".yml"))
        {
            let wrong = |reason: String| ArgoError::File { file: path.clone(), reason };
            let documents = yaml::read_documents(content, 0).map_err(|error| wrong(error.to_string()))?;
            for object in documents.iter().map(objects::to_json).filter(|object| !object.is_null()) {
                if !object["kind"].is_string() || !object["apiVersion"].is_string() {
                    return Err(wrong("a document in it has no kind or no apiVersion".to_owned()));
                }
                if object["kind"] != "Kustomization" {
                    found.objects.push(object);
                }
            }
        }
        found.version = found.objects.iter().find_map(version).ok_or(ArgoError::NoRelease)?;
        Ok(found)
    }
}

/// Reads the version that a workload runs from the tag of Argo CD's image.
fn version(object: &Value) -> Option<String> {
    let containers = object.pointer("/spec/template/spec/containers")?.as_array()?;
    let images = containers.iter().filter_map(|container| container["image"].as_str());
    images.filter_map(|image| image.rsplit('/').next()).find_map(|name| {
        let tag = name.strip_prefix("argocd:")?.split('@').next()?;
        Some(tag.trim_start_matches('v').to_owned())
    })
}

/// Makes the objects of an installation: its namespace first, then what the release ships.
///
/// # Errors
/// [`ArgoError::OtherVersion`].
pub fn installation(manifests: &Manifests, wanted: &str, namespace: &str) -> Result<Vec<Value>, ArgoError> {
    let wanted = wanted.trim_start_matches('v');
    if manifests.version != wanted {
        return Err(ArgoError::OtherVersion { found: manifests.version.clone(), wanted: wanted.to_owned() });
    }
    let own = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let scopes = Scopes::from_objects(&manifests.objects);
    let shipped = manifests.objects.iter().filter(|object| object["kind"] != "Namespace").cloned();
    let placed = shipped.map(|mut object| {
        place(&mut object, &scopes, namespace);
        object
    });
    Ok(std::iter::once(own).chain(placed).collect())
}

/// Puts an object into the namespace, and whom it names there.
fn place(object: &mut Value, scopes: &Scopes, namespace: &str) {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    if scopes.of(group, object["kind"].as_str().unwrap_or_default()) == Scope::Namespaced {
        object["metadata"]["namespace"] = Value::from(namespace);
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject["namespace"] == NAMESPACE {
            subject["namespace"] = Value::from(namespace);
        }
    }
}

/// What an Application applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sync {
    /// Name of the Application.
    pub name: String,
    /// Its namespace, which is the agent's.
    pub namespace: String,
    /// Address of the repository.
    pub url: String,
    /// Branch, tag, range of versions or commit.
    pub revision: String,
    /// Folder in the repository.
    pub path: String,
}

/// Makes the Application that applies a folder and everything below it, and takes away what is gone from there. Definitions
/// of Argo CD are too large for client-side apply.
pub fn application(sync: &Sync) -> Value {
    let path = sync.path.trim_start_matches("./");
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": sync.name, "namespace": sync.namespace},
        "spec": {
            "project": "default",
            "source": {
                "repoURL": sync.url,
                "targetRevision": sync.revision,
                "path": if path.is_empty() { "." } else { path },
                "directory": {"recurse": true, "exclude": "*kustomization.yaml"},
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": sync.namespace},
            "syncPolicy": {
                "automated": {"prune": true, "selfHeal": true},
                "syncOptions": ["ServerSideApply=true"],
            },
        },
    })
}

/// Writes the files that are committed.
pub fn files(installed: &[Value], sync: Option<&Value>) -> BTreeMap<String, Vec<u8>> {
    let document = |object: &Value| format!("{}\n", objects::to_yaml(object).trim_end());
    let documents: Vec<String> = installed.iter().map(document).collect();
    let mut files = BTreeMap::from([("install.yaml".to_owned(), documents.join("---\n"))]);
    files.extend(sync.map(|sync| ("application.yaml".to_owned(), document(sync))));
    files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALL: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: applications.argoproj.io
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: argocd-server
spec:
  template:
    spec:
      containers:
      - image: quay.io/argoproj/argocd:v3.1.9
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: argocd-server
subjects:
- kind: ServiceAccount
  name: argocd-server
  namespace: argocd
";

    fn release(text: &str) -> Result<Manifests, ArgoError> {
        Manifests::read(&[("install.yaml".to_owned(), text.as_bytes().to_vec())])
    }

    #[test]
    fn a_release_goes_into_its_namespace() {
        let manifests = release(INSTALL).expect("it is a release");
        let objects = installation(&manifests, "v3.1.9", "gitops").expect("it is this version");
        assert_eq!(objects[0]["metadata"]["name"], "gitops");
        assert_eq!(objects[1]["metadata"].get("namespace"), None);
        assert_eq!(objects[2]["metadata"]["namespace"], "gitops");
        assert_eq!(objects[3]["subjects"][0]["namespace"], "gitops");
        let files = files(&objects, Some(&application(&Sync { path: "./a".into(), ..Sync::default() })));
        assert!(files["install.yaml"].starts_with(b"apiVersion: v1\nkind: Namespace\n"));
        assert!(String::from_utf8_lossy(&files["application.yaml"]).contains("path: a\n"));
    }

    #[test]
    fn what_is_no_release_or_another_one_is_refused() {
        let manifests = release(INSTALL).expect("it is a release");
        let error = installation(&manifests, "3.1.8", "argocd").expect_err("it is another version");
        assert_eq!(error.to_string(), "the manifests are of Argo CD 3.1.9, not of 3.1.8");
        assert_eq!(release("kind: ConfigMap\napiVersion: v1\n"), Err(ArgoError::NoRelease));
        assert!(matches!(release("a: b\n"), Err(ArgoError::File { .. })));
    }
}
