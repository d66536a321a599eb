//! What a set has in a cluster, written down in the cluster: a ConfigMap that is also an ApplySet's parent, so that
//! `kubectl` and others recognise the set, with an explicit list beside the labels.
//!
//! The list is written before anything new is applied and made shorter after what is old is gone: whatever happens in
//! between, nothing that we made is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::manifest::object::ObjectId;

/// The label of every object of a set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";
const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const OBJECTS: &str = "objects";

/// Where a set writes down what it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Parent {
    /// The namespace of the ConfigMap.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// What is written down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// Every object that may be there because of us.
    pub objects: BTreeSet<ObjectId>,
    /// Texts of the set's owner, by name, such as the record of what made it.
    pub notes: BTreeMap<String, String>,
}

impl Parent {
    /// Gives the name of the set, as its objects carry it.
    pub fn set_id(&self) -> String {
        let hash = Sha256::digest(format!("{}.{}.ConfigMap.", self.name, self.namespace));
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
    }

    /// Names the ConfigMap.
    pub(super) fn id(&self) -> ObjectId {
        ObjectId {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(self.namespace.clone()),
            name: self.name.clone(),
        }
    }
}

impl Inventory {
    /// Writes the ConfigMap.
    pub(super) fn write(&self, parent: &Parent) -> Value {
        let kinds: BTreeSet<String> = self.objects.iter().map(group_kind).collect();
        let namespaces = self.objects.iter().filter_map(|id| id.namespace.as_deref());
        let others: BTreeSet<&str> = namespaces.filter(|one| *one != parent.namespace).collect();
        let mut data: BTreeMap<&str, String> =
            self.notes.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        data.insert(OBJECTS, self.objects.iter().map(|id| line(id) + "\n").collect());
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": parent.name,
                "namespace": parent.namespace,
                "labels": { ID: parent.set_id() },
                "annotations": {
                    TOOLING: concat!("strata/", env!("CARGO_PKG_VERSION")),
                    GROUP_KINDS: join(kinds.iter().map(String::as_str)),
                    NAMESPACES: join(others.into_iter()),
                },
            },
            "data": data,
        })
    }

    /// Reads the ConfigMap back; lines that are none of ours are passed over.
    pub fn read(map: &Value) -> Self {
        let data = map["data"].as_object();
        let texts = data.into_iter().flatten().filter_map(|(name, text)| Some((name, text.as_str()?)));
        let mut inventory = Inventory::default();
        for (name, text) in texts {
            if name == OBJECTS {
                inventory.objects = text.lines().filter_map(read_line).collect();
            } else {
                inventory.notes.insert(name.clone(), text.to_owned());
            }
        }
        inventory
    }
}

fn join<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

fn group_kind(id: &ObjectId) -> String {
    if id.group().is_empty() { id.kind.clone() } else { format!("{}.{}", id.kind, id.group()) }
}

/// `apps/v1 Deployment shop/web`, or without a namespace and its slash.
fn line(id: &ObjectId) -> String {
    let namespace = id.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{} {} {namespace}{}", id.api_version, id.kind, id.name)
}

fn read_line(line: &str) -> Option<ObjectId> {
    let mut parts = line.splitn(3, ' ');
    let (api_version, kind, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (namespace, name) = match name.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, name),
    };
    let known = !api_version.is_empty() && !kind.is_empty() && !name.is_empty();
    known.then(|| ObjectId {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace,
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
        ObjectId {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        }
    }

    #[test]
    fn an_inventory_comes_back_as_it_went_and_kubectl_understands_it() {
        let parent = Parent { namespace: "shop".into(), name: "strata-release-web".into() };
        let inventory = Inventory {
            objects: BTreeSet::from([
                id("apps/v1", "Deployment", Some("shop"), "web"),
                id("v1", "ConfigMap", Some("other"), "x"),
                id("rbac.authorization.k8s.io/v1", "ClusterRole", None, "system:web reader"),
            ]),
            notes: BTreeMap::from([("record".to_owned(), "name: web\n".to_owned())]),
        };
        let map = inventory.write(&parent);
        assert_eq!(Inventory::read(&map), inventory);
        let annotations = &map["metadata"]["annotations"];
        assert_eq!(
            annotations[GROUP_KINDS],
            "ClusterRole.rbac.authorization.k8s.io,ConfigMap,Deployment.apps"
        );
        assert_eq!(annotations[NAMESPACES], "other");
        // base64url(sha256("strata-release-web.shop.ConfigMap.")), as the ApplySet proposal has it.
        assert_eq!(map["metadata"]["labels"][ID], parent.set_id());
        assert_eq!(parent.set_id().len(), "applyset--v1".len() + 43);
    }

    #[test]
    fn what_is_no_inventory_is_empty() {
        let map = json!({"data": {"objects": "x\n\na b\n v1 x\nv1 ConfigMap a/b\n"}});
        assert_eq!(Inventory::read(&map).objects, BTreeSet::from([id("v1", "ConfigMap", Some("a"), "b")]));
        assert_eq!(Inventory::read(&Value::Null), Inventory::default());
    }
}
