//! Who had objects of a set before: what of theirs is taken over without being asked for each time, and what they leave behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Call;
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::{observe, ownership};
use crate::manifest::change_set::holds_others;
use crate::manifest::object::ObjectId;

/// Somebody whose objects a set takes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Predecessor {
    /// Names them for people: `Helm release shop/web`. Objects that name an owner must name this one.
    pub title: String,
    /// The objects that they had.
    pub objects: BTreeSet<ObjectId>,
    /// Kinds or keys of objects that take others or data along and may be deleted all the same.
    pub allow_deletion_of: Vec<String>,
}

/// Objects that a predecessor had and the set has not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leftovers {
    /// Those that the apply deletes, as they are.
    pub delete: BTreeMap<ObjectId, Value>,
    /// Those that stay, with the reason.
    pub keep: BTreeMap<ObjectId, String>,
}

impl Predecessor {
    /// Tells whether an object of these owners passes to the set.
    pub(super) fn leaves(&self, id: &ObjectId, owners: &[String]) -> bool {
        if owners.is_empty() {
            super::preview::is_in(&self.objects, id)
        } else {
            owners.contains(&self.title)
        }
    }

    /// Finds what is still there of the objects that are not in the set any more.
    pub(super) async fn leftovers(
        &self,
        server: &Arc<ApiServer>,
        wanted: &BTreeSet<ObjectId>,
        set_id: &str,
        patience: Patience,
    ) -> Result<Leftovers, ClusterError> {
        let ids: BTreeSet<ObjectId> =
            self.objects.iter().filter(|id| !super::preview::is_in(wanted, id)).cloned().collect();
        let mut found = Leftovers::default();
        if ids.is_empty() {
            return Ok(found);
        }
        let kinds = server.discover(&ids, false, patience).await?;
        for (id, live) in observe::find_all(server, &kinds, &ids, set_id, patience).await? {
            match self.reason_to_keep(&id, &live, set_id) {
                Some(reason) => drop(found.keep.insert(id, reason)),
                None => drop(found.delete.insert(id, live)),
            }
        }
        Ok(found)
    }

    fn reason_to_keep(&self, id: &ObjectId, live: &Value, set_id: &str) -> Option<String> {
        let owners = ownership::other_owners(live, &Value::Null, set_id);
        if let Some(owner) = owners.first().filter(|_| !owners.contains(&self.title)) {
            return Some(format!("it is {owner}'s by now"));
        }
        if ownership::is_kept(live) {
            return Some("an annotation says to keep it".to_owned());
        }
        let allowed = self.allow_deletion_of.iter().any(|one| *one == id.kind || *one == id.key());
        (holds_others(&id.kind) && !allowed)
            .then(|| "others or data would go along, and allow_deletion_of does not name it".to_owned())
    }
}

/// Puts the set's label on leftovers, so that they go as its own.
pub(super) async fn claim(
    server: &ApiServer,
    kinds: &Kinds,
    leftovers: &BTreeMap<ObjectId, Value>,
    set_id: &str,
    field_manager: &str,
    patience: Patience,
) -> Result<(), ClusterError> {
    for (id, live) in leftovers {
        let Some(path) = kinds.path(id) else { continue };
        let patch = json!({"metadata": {
            "uid": live["metadata"]["uid"],
            "labels": {super::inventory::PART_OF: set_id},
        }});
        server.find(&Call::merge(&path, &patch, field_manager, format!("take over {id}")), patience).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(key: &str) -> ObjectId {
        ObjectId::parse(key).expect("a key")
    }

    fn helm() -> Predecessor {
        Predecessor {
            title: "Helm release shop/web".into(),
            objects: BTreeSet::from([id("v1/ConfigMap/shop/web")]),
            allow_deletion_of: vec!["Namespace".into()],
        }
    }

    #[test]
    fn what_names_an_owner_must_name_the_predecessor() {
        let check = |key: &str, owners: &[&str], expected: bool| {
            let owners: Vec<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
            assert_eq!(helm().leaves(&id(key), &owners), expected, "{key} {owners:?}");
        };
        check("v1/ConfigMap/shop/web", &[], true);
        check("v1/ConfigMap/shop/other", &[], false);
        check("v1/ConfigMap/shop/other", &["Helm release shop/web"], true);
        check("v1/ConfigMap/shop/other", &["Flux HelmRelease apps/web", "Helm release shop/web"], true);
        check("v1/ConfigMap/shop/web", &["Flux Kustomization flux-system/apps"], false);
    }

    #[test]
    fn leftovers_stay_where_somebody_says_so_or_too_much_would_go() {
        let check = |key: &str, metadata: Value, expected: Option<&str>| {
            let reason = helm().reason_to_keep(&id(key), &json!({ "metadata": metadata }), "ours");
            match expected {
                Some(part) => {
                    assert!(reason.as_deref().is_some_and(|told| told.contains(part)), "{reason:?}")
                }
                None => assert_eq!(reason, None, "{key}"),
            }
        };
        check("v1/ConfigMap/shop/web", json!({}), None);
        check("v1/Namespace/shop", json!({}), None);
        check("v1/PersistentVolumeClaim/shop/data", json!({}), Some("allow_deletion_of"));
        check(
            "v1/ConfigMap/shop/web",
            json!({"annotations": {"helm.sh/resource-policy": "keep"}}),
            Some("annotation"),
        );
        let flux = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}});
        check("v1/ConfigMap/shop/web", flux, Some("Flux Kustomization"));
    }
}
