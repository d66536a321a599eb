//! Argo CD as data: from the `install.yaml` of a release to the objects of an installation in a namespace, and the Application
//! that points it at its repository. Pure.
//!
//! Argo CD ships one file for its default namespace, `argocd`, to be applied with that namespace; what is cluster-wide names
//! it. Beyond that there are no options: what else shall be different is a patch.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

/// Where Argo CD looks for the keys of servers that it reaches over ssh, and for the authorities of those that it reaches over https.
const KNOWN_HOSTS: &str = "argocd-ssh-known-hosts-cm";
const AUTHORITIES: &str = "argocd-tls-certs-cm";

/// Makes the Secret that Argo CD finds by its label and uses for the repository of that address.
pub fn repository(name: &str, namespace: &str, url: &str, data: &BTreeMap<&str, String>) -> Value {
    let address = [("type", "git"), ("url", url)];
    let texts = address.into_iter().chain(data.iter().map(|(key, text)| (*key, text.as_str())));
    let encoded: BTreeMap<&str, String> = texts.map(|(key, text)| (key, STANDARD.encode(text))).collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"argocd.argoproj.io/secret-type": "repository"},
        },
        "type": "Opaque",
        "data": encoded,
    })
}

/// Adds to what a release trusts by itself: lines of a `known_hosts` file, and the authority of the server of an address.
pub fn trust(
    installed: &mut Vec<Value>,
    namespace: &str,
    known_hosts: Option<&str>,
    authority: Option<(&str, &str)>,
) {
    if let Some(lines) = known_hosts {
        let known = &mut config_map(installed, namespace, KNOWN_HOSTS)["data"]["ssh_known_hosts"];
        let shipped = known.as_str().unwrap_or_default();
        let apart = if shipped.is_empty() || shipped.ends_with('\n') { "" } else { "\n" };
        *known = Value::from(format!("{shipped}{apart}{}\n", lines.trim_end()));
    }
    if let Some((url, pem)) = authority
        && let Some(host) = host(url)
    {
        config_map(installed, namespace, AUTHORITIES)["data"][host] = Value::from(pem);
    }
}

/// Returns whether an object says whom Argo CD trusts.
pub fn is_trust(object: &Value) -> bool {
    object["kind"] == "ConfigMap"
        && [KNOWN_HOSTS, AUTHORITIES].iter().any(|name| object["metadata"]["name"] == *name)
}

fn config_map<'a>(installed: &'a mut Vec<Value>, namespace: &str, name: &str) -> &'a mut Value {
    let found = installed
        .iter()
        .position(|object| object["kind"] == "ConfigMap" && object["metadata"]["name"] == name);
    let index = found.unwrap_or_else(|| {
        installed.push(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/part-of": "argocd"}},
        }));
        installed.len() - 1
    });
    &mut installed[index]
}

/// Returns the host of an address, without port and user.
fn host(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
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
    fn what_lets_it_in_has_its_keys_and_its_label() {
        let data = BTreeMap::from([("username", "git".to_owned()), ("password", "x".to_owned())]);
        let secret = repository("argocd", "gitops", "https://git.example.com/a", &data);
        assert_eq!(secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"], "repository");
        assert_eq!(
            secret["data"],
            json!({"type": "Z2l0", "url": "aHR0cHM6Ly9naXQuZXhhbXBsZS5jb20vYQ==", "username": "Z2l0", "password": "eA=="})
        );
    }

    #[test]
    fn what_is_trusted_is_added_to_what_the_release_trusts() {
        let shipped = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": KNOWN_HOSTS},
            "data": {"ssh_known_hosts": "github.com ssh-ed25519 AAAA"},
        });
        let mut installed = vec![shipped];
        let authority = ("https://git@git.example.com:8443/a", "PEM");
        trust(&mut installed, "gitops", Some("git.example.com ssh-ed25519 BBBB\n"), Some(authority));
        let known = "github.com ssh-ed25519 AAAA\ngit.example.com ssh-ed25519 BBBB\n";
        assert_eq!(installed[0]["data"]["ssh_known_hosts"], known);
        assert_eq!(installed[1]["metadata"]["namespace"], "gitops");
        assert_eq!(installed[1]["data"], json!({"git.example.com": "PEM"}));
        assert!(installed.iter().all(is_trust));
        trust(&mut installed, "gitops", None, Some(("https://[fd00::1]:8443/a", "PEM")));
        assert_eq!(installed[1]["data"]["fd00::1"], "PEM");
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
