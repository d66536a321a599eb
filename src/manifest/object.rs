//! What an object is called: [`ObjectId`] and its key `apiVersion/Kind/namespace/name`.
//!
//! Follows the Kubernetes API: cluster-scoped kinds have no namespace whatever the manifest says; namespaced ones
//! without a namespace stand in the release's. For kinds that are not built in, a CustomResourceDefinition in the
//! same set decides; without one, a kind counts as namespaced, as nearly all custom resources are.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// Names one object: its API version and kind, its namespace unless cluster-scoped, its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Group and version as written: `apps/v1`, `v1`.
    pub api_version: String,
    /// Kind as written: `Deployment`.
    pub kind: String,
    /// Namespace; none for cluster-scoped objects.
    pub namespace: Option<String>,
    /// The object's name.
    pub name: String,
}

/// Says why a document is not an object, or why a set of objects is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ObjectError {
    /// The document is a list or a scalar.
    #[error("a manifest must be a map of fields, this one is {found}")]
    NotAMap {
        /// What was found instead.
        found: &'static str,
    },
    /// A field that names the object is missing, empty or not a text.
    #[error("a manifest{} has no {field}", .of.as_deref().map(|of| format!(" of {of}")).unwrap_or_default())]
    Missing {
        /// The field: `apiVersion`, `kind`, `metadata.name`.
        field: &'static str,
        /// What is known of the object, for example `apps/v1 Deployment`.
        of: Option<String>,
    },
    /// Two manifests of one set name the same object.
    #[error("{key} is defined twice")]
    Duplicate {
        /// The object's key.
        key: String,
    },
}

impl ObjectId {
    /// Reads who an object is.
    ///
    /// # Errors
    /// When the document is no map, or `apiVersion`, `kind` or `metadata.name` is missing or empty.
    pub fn read(object: &Value, release_namespace: &str, scopes: &Scopes) -> Result<Self, ObjectError> {
        if !object.is_object() {
            return Err(ObjectError::NotAMap { found: kind_of_value(object) });
        }
        let api_version = text_at(object, "/apiVersion").ok_or(missing("apiVersion", None))?;
        let kind = text_at(object, "/kind").ok_or_else(|| missing("kind", Some(api_version.to_owned())))?;
        let name = text_at(object, "/metadata/name")
            .ok_or_else(|| missing("metadata.name", Some(format!("{api_version} {kind}"))))?;
        let namespace = match scopes.of(group_of(api_version), kind) {
            Scope::Cluster => None,
            Scope::Namespaced => {
                Some(text_at(object, "/metadata/namespace").unwrap_or(release_namespace).to_owned())
            }
        };
        Ok(Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace,
            name: name.to_owned(),
        })
    }

    /// Gives the key under which plans list the object: `apps/v1/Deployment/external-dns/external-dns`.
    pub fn key(&self) -> String {
        let name = escape(&self.name);
        match &self.namespace {
            Some(namespace) => format!("{}/{}/{}/{name}", self.api_version, self.kind, escape(namespace)),
            None => format!("{}/{}/{name}", self.api_version, self.kind),
        }
    }

    /// Reads a key back; none where the text is no key.
    pub fn parse(key: &str) -> Option<Self> {
        let parts: Vec<&str> = key.split('/').collect();
        let is_core = parts.first().is_some_and(|first| !first.contains('.') && first.starts_with('v'))
            && parts
                .get(1)
                .is_some_and(|second| second.starts_with(|first: char| first.is_ascii_uppercase()));
        let (api_version, rest) = if is_core { parts.split_at(1) } else { parts.split_at_checked(2)? };
        let (kind, namespace, name) = match rest {
            [kind, name] => (kind, None, name),
            [kind, namespace, name] => (kind, Some(unescape(namespace)), name),
            _ => return None,
        };
        let (api_version, kind) = (api_version.join("/"), (*kind).to_owned());
        Some(Self { api_version, kind, namespace, name: unescape(name) })
    }

    /// Gives the API group; empty for the core group.
    pub fn group(&self) -> &str {
        group_of(&self.api_version)
    }

    /// Gives the API version without its group.
    pub fn version(&self) -> &str {
        self.api_version.rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key())
    }
}

/// Says where a kind's objects live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
}

/// Knows the scope of kinds: the built-in ones and those that CustomResourceDefinitions of a set define.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    defined: BTreeMap<(String, String), Scope>,
}

impl Scopes {
    /// Reads the CustomResourceDefinitions among `objects`.
    pub fn from_objects<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut scopes = Self::default();
        for object in objects.into_iter().filter(|object| is_custom_resource_definition(object)) {
            let (Some(group), Some(kind)) =
                (text_at(object, "/spec/group"), text_at(object, "/spec/names/kind"))
            else {
                continue;
            };
            let cluster = text_at(object, "/spec/scope") == Some("Cluster");
            let scope = if cluster { Scope::Cluster } else { Scope::Namespaced };
            scopes.defined.insert((group.to_owned(), kind.to_owned()), scope);
        }
        scopes
    }

    /// Gives the scope of a kind; namespaced where nothing is known of it.
    pub fn of(&self, group: &str, kind: &str) -> Scope {
        if CLUSTER_SCOPED.iter().any(|(of, kinds)| *of == group && kinds.contains(&kind)) {
            return Scope::Cluster;
        }
        if self.defined.is_empty() {
            return Scope::Namespaced;
        }
        let defined = self.defined.get(&(group.to_owned(), kind.to_owned()));
        defined.copied().unwrap_or(Scope::Namespaced)
    }
}

/// Names the objects of a set, in their order; `List` documents are replaced by their items first
/// (see [`expand_lists`]).
///
/// # Errors
/// All documents that are no object, and all objects that are defined twice.
pub fn identify(objects: &[Value], release_namespace: &str) -> Result<Vec<ObjectId>, Vec<ObjectError>> {
    let scopes = Scopes::from_objects(objects);
    let (mut ids, mut errors) = (Vec::with_capacity(objects.len()), Vec::new());
    let mut seen = std::collections::HashSet::with_capacity(objects.len());
    for object in objects {
        match ObjectId::read(object, release_namespace, &scopes) {
            Ok(id) => {
                let key = id.key();
                if seen.contains(&key) {
                    errors.push(ObjectError::Duplicate { key });
                } else {
                    seen.insert(key);
                    ids.push(id);
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(ids) } else { Err(errors) }
}

/// Replaces every `v1/List` (and `ConfigMapList` and its like) by its items, as `kubectl apply` and Helm do; empty
/// documents disappear.
pub fn expand_lists(documents: Vec<Value>) -> Vec<Value> {
    let mut objects = Vec::with_capacity(documents.len());
    for mut document in documents {
        let is_list = text_at(&document, "/kind").is_some_and(|kind| kind.ends_with("List"));
        match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list => objects.extend(items),
            Some(other) => {
                document["items"] = other;
                objects.push(document);
            }
            None if document.is_null() => {}
            None => objects.push(document),
        }
    }
    objects
}

/// Says whether an object is a CustomResourceDefinition.
pub fn is_custom_resource_definition(object: &Value) -> bool {
    text_at(object, "/kind") == Some("CustomResourceDefinition")
        && text_at(object, "/apiVersion").is_some_and(|version| version.starts_with("apiextensions.k8s.io/"))
}

/// Says whether an object is a core Secret.
pub fn is_secret(object: &Value) -> bool {
    text_at(object, "/kind") == Some("Secret") && text_at(object, "/apiVersion") == Some("v1")
}

fn text_at<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str().filter(|text| !text.is_empty())
}

fn missing(field: &'static str, of: Option<String>) -> ObjectError {
    ObjectError::Missing { field, of }
}

fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

fn escape(part: &str) -> std::borrow::Cow<'_, str> {
    if part.contains(['/', '%']) { part.replace('%', "%25").replace('/', "%2F").into() } else { part.into() }
}

fn unescape(part: &str) -> String {
    part.replace("%2F", "/").replace("%25", "%")
}

fn kind_of_value(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// Cluster-scoped kinds that Kubernetes itself serves, by group.
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IngressClass", "IPAddress", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(objects: Value, expected: &[&str]) {
        let objects = expand_lists(objects.as_array().cloned().unwrap_or_default());
        let keys = match identify(&objects, "release-ns") {
            Ok(ids) => ids.iter().map(ObjectId::key).collect(),
            Err(errors) => errors.iter().map(|error| format!("error: {error}")).collect::<Vec<_>>(),
        };
        assert_eq!(keys, expected);
    }

    #[test]
    fn keys_follow_the_scope_of_the_kind() {
        check(
            json!([
                {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}},
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "other"}},
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web", "namespace": "ignored"}},
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a:b/c"}},
            ]),
            &[
                "apps/v1/Deployment/release-ns/web",
                "v1/Service/other/web",
                "v1/Namespace/web",
                "rbac.authorization.k8s.io/v1/ClusterRole/a:b%2Fc",
            ],
        );
    }

    #[test]
    fn a_definition_in_the_same_set_decides_the_scope_of_its_kind() {
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "issuers.x.io"},
            "spec": {"group": "x.io", "scope": "Cluster", "names": {"kind": "Issuer"}}});
        let issuer = json!({"apiVersion": "x.io/v1", "kind": "Issuer", "metadata": {"name": "ca"}});
        check(json!([issuer.clone()]), &["x.io/v1/Issuer/release-ns/ca"]);
        check(
            json!([definition, issuer]),
            &["apiextensions.k8s.io/v1/CustomResourceDefinition/issuers.x.io", "x.io/v1/Issuer/ca"],
        );
    }

    #[test]
    fn lists_are_replaced_by_their_items_and_empty_documents_disappear() {
        let item = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        check(
            json!([null, {"apiVersion": "v1", "kind": "List", "items": [item]}]),
            &["v1/ConfigMap/release-ns/a"],
        );
    }

    #[test]
    fn what_is_no_object_is_named() {
        check(json!([[1]]), &["error: a manifest must be a map of fields, this one is a list"]);
        check(json!([{"kind": "Pod"}]), &["error: a manifest has no apiVersion"]);
        check(
            json!([{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": ""}}]),
            &["error: a manifest of v1 Pod has no metadata.name"],
        );
        let twice = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        check(json!([twice.clone(), twice]), &["error: v1/Pod/release-ns/a is defined twice"]);
    }

    #[test]
    fn keys_are_read_back() {
        let check = |api_version: &str, namespace: Option<&str>, name: &str| {
            let id = ObjectId {
                api_version: api_version.into(),
                kind: "Thing".into(),
                namespace: namespace.map(str::to_owned),
                name: name.into(),
            };
            assert_eq!(ObjectId::parse(&id.key()), Some(id));
        };
        check("v1", None, "a");
        check("v1", Some("n"), "a");
        check("apps/v1", None, "system:a/b%c");
        check("x.io/v1beta1", Some("n"), "a.b");
        check("v1.io/v1", Some("n"), "a");
        assert_eq!(ObjectId::parse("v1"), None);
        assert_eq!(ObjectId::parse(""), None);
    }
}
