//! The hooks of a removal. Who destroys a set has nothing left that it could be rendered from, so they are kept in the cluster
//! when the set is applied: in a Secret, since nobody knows what is in them, beside the inventory, whose note says that there is one.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::{Apply, Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::hooks::{Deletion, Hook, Moment};
use super::inventory::Parent;
use super::set::ObjectSet;
use crate::manifest::mask::ObjectMarks;
use crate::manifest::object::ObjectId;
use crate::manifest::surface::Desired;

/// The note of an inventory with hooks beside it.
pub(super) const NOTE: &str = "removal-hooks";
const DATA: &str = "hooks";

/// Names the Secret.
pub(super) fn secret_of(parent: &Parent) -> ObjectId {
    ObjectId {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        namespace: Some(parent.namespace.clone()),
        name: format!("{}-hooks", parent.name),
    }
}

fn path_of(parent: &Parent) -> String {
    format!("/api/v1/namespaces/{}/secrets/{}", escape(&parent.namespace), escape(&secret_of(parent).name))
}

/// Tells whether a set has hooks that run when it is removed.
pub(super) fn has_any(set: &ObjectSet) -> bool {
    set.hooks.iter().any(is_of_removal)
}

fn is_of_removal(hook: &Hook) -> bool {
    hook.moments.iter().any(|moment| matches!(moment, Moment::BeforeRemoval | Moment::AfterRemoval))
}

/// Keeps the hooks of a set's removal.
///
/// # Errors
/// When the Secret cannot be written.
pub(super) async fn keep(
    server: &ApiServer,
    set: &ObjectSet,
    patience: Patience,
) -> Result<(), ClusterError> {
    let written: Vec<Value> = set.hooks.iter().filter(|hook| is_of_removal(hook)).map(write).collect();
    let text = Value::from(written).to_string();
    let id = secret_of(&set.parent);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": id.name, "namespace": set.parent.namespace},
        "data": {DATA: STANDARD.encode(text)},
    });
    let how = Apply { field_manager: "strata-inventory", force: true, dry_run: false };
    let call =
        Call::apply(&path_of(&set.parent), &secret, &how, format!("keep the hooks of a removal in {id}"));
    server.call(&call, patience).await.map(drop)
}

/// Reads the hooks of a set's removal; none where they are gone.
///
/// # Errors
/// When the Secret cannot be read.
pub(super) async fn read(
    server: &ApiServer,
    parent: &Parent,
    patience: Patience,
) -> Result<Vec<Hook>, ClusterError> {
    let call = Call::get(path_of(parent), format!("read the hooks of a removal in {}", secret_of(parent)));
    let Some(secret) = server.find(&call, patience).await? else { return Ok(Vec::new()) };
    let bytes = secret["data"][DATA].as_str().and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let written: Vec<Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(written.iter().filter_map(read_one).collect())
}

/// Forgets them.
///
/// # Errors
/// When the Secret cannot be deleted.
pub(super) async fn forget(
    server: &ApiServer,
    parent: &Parent,
    patience: Patience,
) -> Result<(), ClusterError> {
    let action = format!("delete {}", secret_of(parent));
    server.find(&Call::delete(&path_of(parent), None, "Background", action), patience).await.map(drop)
}

fn write(hook: &Hook) -> Value {
    let runs = |moment: Moment| hook.moments.contains(&moment);
    json!({
        "key": hook.object.id.key(), "object": hook.object.object, "weight": hook.weight,
        "before": runs(Moment::BeforeRemoval), "after": runs(Moment::AfterRemoval),
        "delete": {"before_creation": hook.deletion.before_creation, "succeeded": hook.deletion.succeeded, "failed": hook.deletion.failed},
    })
}

fn read_one(written: &Value) -> Option<Hook> {
    let says = |value: &Value| value.as_bool().unwrap_or_default();
    let moments = [(Moment::BeforeRemoval, "before"), (Moment::AfterRemoval, "after")];
    let delete = &written["delete"];
    Some(Hook {
        object: Desired {
            id: ObjectId::parse(written["key"].as_str()?)?,
            object: written["object"].clone(),
            marks: ObjectMarks::default(),
        },
        moments: moments
            .into_iter()
            .filter(|(_, name)| says(&written[name]))
            .map(|(moment, _)| moment)
            .collect(),
        weight: written["weight"].as_i64().unwrap_or_default(),
        deletion: Deletion {
            before_creation: says(&delete["before_creation"]),
            succeeded: says(&delete["succeeded"]),
            failed: says(&delete["failed"]),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn hooks_come_back_as_they_were_kept() {
        let hook = Hook {
            object: Desired {
                id: ObjectId::parse("batch/v1/Job/a/clean").expect("a key"),
                object: json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "clean", "namespace": "a"}}),
                marks: ObjectMarks::default(),
            },
            moments: BTreeSet::from([Moment::BeforeRemoval]),
            weight: -5,
            deletion: Deletion { before_creation: true, succeeded: true, failed: false },
        };
        assert_eq!(read_one(&write(&hook)), Some(hook));
        assert_eq!(read_one(&json!({"key": "nonsense"})), None);
    }
}
