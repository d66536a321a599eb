//! Objects that change hands: kept out of reach of the Kustomization that applied them, claimed for a set, or stripped of what a
//! set put on them.
//!
//! kustomize-controller neither applies nor prunes a live object that carries [`LEFT_ALONE`] as a label or an annotation, whatever its
//! folder says by then. A label it is, because another annotation counts as a new generation of a Deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::inventory::{Inventory, PART_OF, Parent};
use super::{observe, ownership};
use crate::manifest::object::ObjectId;

/// The label with which kustomize-controller leaves an object alone, and its value.
pub const LEFT_ALONE: (&str, &str) = ("kustomize.toolkit.fluxcd.io/reconcile", "disabled");
/// The name under which the label is written, by which it is known to be ours.
const MANAGER: &str = "strata-handover";

/// Has kustomize-controller leave objects alone; those that are not there need no care.
///
/// # Errors
/// When one of them cannot be asked for or changed.
pub async fn shield(
    server: &Arc<ApiServer>,
    parent: &Parent,
    ids: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<(), ClusterError> {
    let shielded = json!({"labels": {LEFT_ALONE.0: LEFT_ALONE.1}});
    for (id, path, _) in find(server, parent, ids, patience).await? {
        change(server, &id, &path, &shielded, "shield", patience).await?;
    }
    Ok(())
}

/// Makes objects a set's own that others have applied, so that the set can be withdrawn with them: writes down what is there, and
/// puts the set's label on it beside the shield.
///
/// # Errors
/// As [`shield`].
pub async fn claim(
    server: &Arc<ApiServer>,
    parent: &Parent,
    ids: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<(), ClusterError> {
    let found = find(server, parent, ids, patience).await?;
    if found.is_empty() {
        return Ok(());
    }
    let mut inventory = observe::read_inventory(server, parent, patience).await?.unwrap_or_default();
    inventory.objects.extend(found.iter().map(|(id, ..)| id.clone()));
    write(server, parent, &inventory, patience).await?;
    let claimed = json!({"labels": {LEFT_ALONE.0: LEFT_ALONE.1, PART_OF: parent.set_id()}});
    for (id, path, _) in found {
        change(server, &id, &path, &claimed, "claim", patience).await?;
    }
    Ok(())
}

/// Takes off objects what a set put on them: its label, and the shield.
pub(super) async fn strip(
    server: &Arc<ApiServer>,
    parent: &Parent,
    ids: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<(), ClusterError> {
    for (id, path, live) in find(server, parent, ids, patience).await? {
        let marks =
            [(PART_OF, ownership::is_ours(&live, &parent.set_id())), (LEFT_ALONE.0, is_shielded(&live))];
        let off: Map<String, Value> = marks
            .into_iter()
            .filter(|(_, is_there)| *is_there)
            .map(|(label, _)| (label.to_owned(), Value::Null))
            .collect();
        if !off.is_empty() {
            change(server, &id, &path, &json!({"labels": off}), "let go of", patience).await?;
        }
    }
    Ok(())
}

/// Tells whether a live object carries the shield, and has it from us.
fn is_shielded(live: &Value) -> bool {
    let label = format!("f:{}", LEFT_ALONE.0);
    let fields = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut ours = fields.into_iter().flatten().filter(|one| one["manager"] == MANAGER);
    ours.any(|one| one["fieldsV1"]["f:metadata"]["f:labels"].get(&label).is_some())
}

/// Gives those objects that are there, with their paths.
async fn find(
    server: &Arc<ApiServer>,
    parent: &Parent,
    ids: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<Vec<(ObjectId, String, Value)>, ClusterError> {
    let kinds = server.discover(ids, false, patience).await?;
    let live: BTreeMap<ObjectId, Value> =
        observe::find_all(server, &kinds, ids, &parent.set_id(), patience).await?;
    let with_path = |(id, live): (ObjectId, Value)| kinds.path(&id).map(|path| (id, path, live));
    Ok(live.into_iter().filter_map(with_path).collect())
}

async fn change(
    server: &ApiServer,
    id: &ObjectId,
    path: &str,
    metadata: &Value,
    what: &str,
    patience: Patience,
) -> Result<(), ClusterError> {
    let call = Call::merge(path, &json!({"metadata": metadata}), MANAGER, format!("{what} {id}"));
    // What is gone by now is in nobody's reach.
    server.find(&call, patience).await.map(drop)
}

async fn write(
    server: &ApiServer,
    parent: &Parent,
    inventory: &Inventory,
    patience: Patience,
) -> Result<(), ClusterError> {
    let how = Apply { field_manager: "strata-inventory", force: true, dry_run: false };
    let action = format!("write the inventory {}", parent.id());
    let call = Call::apply(&observe::path_of(parent), &inventory.write(parent), &how, action);
    server.call(&call, patience).await.map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::super::fake::{Fake, absent};
    use super::*;

    fn parent() -> Parent {
        Parent { namespace: "flux".into(), name: "agent".into() }
    }

    fn ids(names: &[&str]) -> BTreeSet<ObjectId> {
        names.iter().filter_map(|name| ObjectId::parse(&format!("v1/ConfigMap/a/{name}"))).collect()
    }

    fn patience() -> Patience {
        Patience::of_a_look(Duration::from_secs(5))
    }

    /// A server with ConfigMaps of those labels; keeps the labels of every patch.
    fn server(live: &'static [(&str, &str)], patched: Arc<Mutex<Vec<(String, Value)>>>) -> Fake {
        Fake::of(move |request, body| {
            if let Some(path) = request.strip_prefix("PATCH ") {
                let labels = body["metadata"]["labels"].clone();
                patched.lock().expect("nobody panics").push((path.to_owned(), labels));
                return (200, json!({}));
            }
            let kinds =
                json!({"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": true}]});
            let found = live.iter().find(|(name, _)| request.ends_with(&format!("/configmaps/{name}")));
            match (request, found) {
                ("GET /api" | "GET /apis", _) => (200, json!({})),
                ("GET /api/v1", _) => (200, kinds),
                _ if request.contains("/configmaps?") => (200, json!({"items": []})),
                (_, Some((_, label))) => {
                    let fields = json!({"f:metadata": {"f:labels": {format!("f:{}", LEFT_ALONE.0): {}}}});
                    let mut object = json!({"metadata": {"labels": {PART_OF: parent().set_id()}}});
                    object["metadata"]["managedFields"] = json!([{"manager": label, "fieldsV1": fields}]);
                    (200, object)
                }
                _ => absent(),
            }
        })
    }

    #[tokio::test]
    async fn what_is_there_is_claimed_after_it_is_written_down_and_stripped_of_what_is_ours() {
        let patched = Arc::new(Mutex::new(Vec::new()));
        let fake = server(&[("one", MANAGER), ("two", "somebody")], Arc::clone(&patched));
        let all = ids(&["one", "two", "gone"]);
        claim(&fake.server, &parent(), &all, patience()).await.expect("it can be done");
        let seen = std::mem::take(&mut *patched.lock().expect("nobody panics"));
        assert!(seen[0].0.starts_with("/api/v1/namespaces/flux/configmaps/agent?"), "{seen:?}");
        assert_eq!(seen.len(), 3, "what is not there is not claimed: {seen:?}");
        for (_, labels) in &seen[1..] {
            assert_eq!(labels, &json!({LEFT_ALONE.0: "disabled", PART_OF: parent().set_id()}));
        }

        strip(&fake.server, &parent(), &all, patience()).await.expect("it can be done");
        let seen = std::mem::take(&mut *patched.lock().expect("nobody panics"));
        let labels: Vec<&Value> = seen.iter().map(|(_, labels)| labels).collect();
        // The shield of somebody else is theirs to take off.
        assert_eq!(labels, [&json!({LEFT_ALONE.0: null, PART_OF: null}), &json!({PART_OF: null})]);
    }

    #[tokio::test]
    async fn nothing_is_written_down_of_what_is_not_there() {
        let patched = Arc::new(Mutex::new(Vec::new()));
        let fake = server(&[], Arc::clone(&patched));
        claim(&fake.server, &parent(), &ids(&["gone"]), patience()).await.expect("it can be done");
        shield(&fake.server, &parent(), &ids(&["gone"]), patience()).await.expect("it can be done");
        assert!(patched.lock().expect("nobody panics").is_empty());
    }
}
