//! How the objects of a release become files: one file per object in the release's folder, and a `kustomization.yaml` that lists
//! them.
//!
//! A name is `KIND-NAME.yaml`, `KIND.GROUP-NAME.yaml` for kinds outside Kubernetes' own groups (as kubectl writes `kind.group/name`), and
//! `KIND-NAME.NAMESPACE.yaml` for objects outside the release's namespace. It depends on the object alone, so adding one object
//! never renames another. The order in the list is that of the names: the agent orders by kind itself.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::super::DeliveryError;

/// The file that lists the others.
pub const INDEX: &str = "kustomization.yaml";

/// The file that says what made the others; without an ending that an agent would read.
pub const RECORD: &str = ".strata";

const LONGEST_STEM_BYTES: usize = 200;

/// An object as text, with what its file's name is made of.
#[derive(Clone, Copy, Debug)]
pub struct ObjectText<'a> {
    /// `GROUP/VERSION`, or `VERSION` of the core group.
    pub api_version: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace, where it has one.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// One YAML document.
    pub yaml: &'a str,
}

/// Gives the files of a release in `namespace`; a release without objects has none.
///
/// # Errors
/// [`DeliveryError::Ambiguous`] when two objects are the same one.
pub fn files(
    namespace: &str,
    objects: &[ObjectText<'_>],
) -> Result<BTreeMap<String, Vec<u8>>, DeliveryError> {
    let mut files = BTreeMap::new();
    for object in objects {
        let name = file_name(namespace, object);
        if files.insert(name.clone(), document(object.yaml)).is_some() {
            return Err(DeliveryError::Ambiguous { name });
        }
    }
    if !files.is_empty() {
        let list: String = files.keys().map(|name| format!("  - {name}\n")).collect();
        let index =
            format!("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{list}");
        files.insert(INDEX.to_owned(), index.into_bytes());
    }
    Ok(files)
}

/// Tells whether a file holds an object, and is neither the list nor the record.
pub fn is_object(name: &str) -> bool {
    name != INDEX && name != RECORD
}

fn document(yaml: &str) -> Vec<u8> {
    let body = yaml.trim_start_matches("---\n").trim_end();
    format!("{body}\n").into_bytes()
}

fn file_name(namespace: &str, object: &ObjectText<'_>) -> String {
    let group = object.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    let mut stem = object.kind.to_owned();
    if !is_built_in(group) {
        stem = format!("{stem}.{group}");
    }
    stem = format!("{stem}-{}", object.name);
    if let Some(other) = object.namespace.filter(|other| *other != namespace) {
        stem = format!("{stem}.{other}");
    }
    format!("{}.yaml", plain(&stem, object.kind))
}

/// The groups that ship with Kubernetes, whose kinds differ by name. The retired `extensions` is told apart.
fn is_built_in(group: &str) -> bool {
    matches!(group, "" | "apps" | "batch" | "autoscaling" | "policy") || BUILT_IN.contains(&group)
}

const BUILT_IN: &[&str] = &[
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// Keeps to letters that every file system takes and tells apart; what has to give way is replaced by a short hash.
fn plain(stem: &str, kind: &str) -> String {
    let lower = |letter: char| letter.to_ascii_lowercase();
    let kept =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    let mut text: String = stem.chars().map(lower).map(kept).collect();
    let faithful =
        stem[..kind.len()].is_ascii() && stem.get(kind.len()..).is_some_and(|rest| text.ends_with(rest));
    if faithful && text.len() <= LONGEST_STEM_BYTES {
        return text;
    }
    text.truncate(LONGEST_STEM_BYTES);
    let hash: String =
        Sha256::digest(stem.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{text}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(api_version: &str, kind: &str, namespace: Option<&str>, name: &str, expected: &str) {
        let object = ObjectText { api_version, kind, namespace, name, yaml: "a: 1" };
        let names: Vec<_> =
            files("web", &[object]).unwrap().into_keys().filter(|name| is_object(name)).collect();
        assert_eq!(names, [expected]);
    }

    #[test]
    fn file_names_depend_on_the_object_alone() {
        check("apps/v1", "Deployment", Some("web"), "api", "deployment-api.yaml");
        check("apps/v1", "Deployment", None, "api", "deployment-api.yaml");
        check("v1", "Secret", Some("kube-system"), "x.y", "secret-x.y.kube-system.yaml");
        check(
            "cert-manager.io/v1",
            "Certificate",
            Some("web"),
            "tls",
            "certificate.cert-manager.io-tls.yaml",
        );
        check("networking.k8s.io/v1", "Ingress", None, "api", "ingress-api.yaml");
        check("extensions/v1beta1", "Ingress", None, "api", "ingress.extensions-api.yaml");
        let role = "clusterrole-system_aggregated-28cdcd6e.yaml";
        check("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:aggregated", role);
        check("v1", "ConfigMap", None, "../../x", "configmap-.._.._x-c5ebdc63.yaml");
    }

    #[test]
    fn the_index_lists_all_files() {
        let object = |name| ObjectText {
            api_version: "v1",
            kind: "Service",
            namespace: None,
            name,
            yaml: "---\na: 1\n\n",
        };
        let files = files("web", &[object("b"), object("a")]).unwrap();
        assert_eq!(files["service-a.yaml"], b"a: 1\n");
        let index = String::from_utf8(files[INDEX].clone()).unwrap();
        assert!(index.ends_with("resources:\n  - service-a.yaml\n  - service-b.yaml\n"), "{index}");
        assert!(super::files("web", &[]).unwrap().is_empty());
        let error = super::files("web", &[object("a"), object("a")]).unwrap_err();
        assert!(error.to_string().contains("service-a.yaml"));
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (first, second) = (format!("{}1", "a".repeat(253)), format!("{}2", "a".repeat(253)));
        let object =
            |name| ObjectText { api_version: "v1", kind: "Service", namespace: None, name, yaml: "a: 1" };
        let files = files("web", &[object(&first), object(&second)]).unwrap();
        assert_eq!(files.len(), 3);
        assert!(files.keys().all(|name| name.len() < 255));
    }
}
