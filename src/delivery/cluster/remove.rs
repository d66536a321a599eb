//! Takes objects away: in the reverse of the order in which they are written, only what is ours, until it is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::graph::{self, Node};
use super::schedule::Schedule;
use super::{observe, ownership};
use crate::manifest::object::ObjectId;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What became of objects that should go.
#[derive(Clone, Debug, Default)]
pub struct Removal {
    /// Those that are gone.
    pub gone: BTreeSet<ObjectId>,
    /// Those that stay, because they say so or are not ours any more, with the reason.
    pub kept: BTreeMap<ObjectId, String>,
    /// Those that should have gone and are still there.
    pub failed: BTreeMap<ObjectId, ClusterError>,
}

/// Takes objects away.
pub(super) async fn remove(
    server: &Arc<ApiServer>,
    kinds: &Kinds,
    ids: &BTreeSet<ObjectId>,
    set_id: &str,
    patience: Patience,
    stop: &CancellationToken,
) -> Removal {
    // Listed kind by kind; where that is not allowed, or goes wrong, each is asked for by itself.
    let listed = observe::find_all(server, kinds, ids, set_id, patience).await.ok();
    let ids: Vec<ObjectId> = ids.iter().cloned().collect();
    let nodes: Vec<Node<'_>> = ids.iter().map(|id| Node { id, object: None }).collect();
    // Only annotations make circles, and names alone have none.
    let graph = graph::for_writing(&nodes).unwrap_or_default().reversed();
    let mut walk = Schedule::new(&graph);
    let mut removal = Removal::default();
    let mut work: JoinSet<(usize, Result<Option<String>, ClusterError>)> = JoinSet::new();
    loop {
        if !stop.is_cancelled() {
            for index in walk.begin() {
                let (server, kinds, id) = (Arc::clone(server), kinds.clone(), ids[index].clone());
                let (set_id, stop) = (set_id.to_owned(), stop.clone());
                let seen = listed.as_ref().map(|all| all.get(&id).cloned());
                work.spawn(async move {
                    let live = match seen {
                        Some(live) => Ok(live),
                        None => observe::find_one(&server, &kinds, &id, patience).await,
                    };
                    let removed = match live {
                        Ok(Some(live)) => {
                            remove_one(&server, &kinds, &id, &live, &set_id, patience, &stop).await
                        }
                        Ok(None) => Ok(None),
                        Err(error) => Err(error),
                    };
                    (index, removed)
                });
            }
        }
        let Some(ended) = work.join_next().await else { break };
        let Ok((index, outcome)) = ended else { continue };
        walk.end(index, outcome.is_ok());
        match outcome {
            Ok(None) => drop(removal.gone.insert(ids[index].clone())),
            Ok(Some(reason)) => drop(removal.kept.insert(ids[index].clone(), reason)),
            Err(error) => drop(removal.failed.insert(ids[index].clone(), error)),
        }
    }
    for (index, by) in walk.blocked() {
        let action = match by {
            Some(by) => format!("{} was deleted: {} is still there", ids[index], ids[by]),
            None => format!("{} was deleted", ids[index]),
        };
        removal.failed.insert(ids[index].clone(), ClusterError::Interrupted { action });
    }
    removal
}

/// Takes one object away; gives the reason where it stays.
async fn remove_one(
    server: &ApiServer,
    kinds: &Kinds,
    id: &ObjectId,
    live: &Value,
    set_id: &str,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<Option<String>, ClusterError> {
    if !ownership::is_ours(live, set_id) {
        return Ok(Some("it does not carry the label of the set any more".to_owned()));
    }
    if ownership::is_kept(live) {
        return Ok(Some("an annotation says to keep it".to_owned()));
    }
    delete_and_wait(server, kinds, id, live, "Background", patience, stop).await?;
    Ok(None)
}

/// Deletes an object, if it is still the one that was seen, and waits until it is gone.
pub(super) async fn delete_and_wait(
    server: &ApiServer,
    kinds: &Kinds,
    id: &ObjectId,
    live: &Value,
    propagation: &str,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<(), ClusterError> {
    let Some(path) = kinds.path(id) else { return Ok(()) };
    let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
    let call = Call::delete(&path, uid, propagation, format!("delete {id}"));
    match server.find(&call, patience).await {
        // Another one of that name is not the one that should go.
        Err(ClusterError::Refused { code: 409, .. }) => return Ok(()),
        answered => {
            // An object comes back while something holds it; without one, nothing did.
            let is_gone = |answer: &Value| answer["kind"] == "Status" && answer["status"] == "Success";
            if answered?.as_ref().is_none_or(is_gone) {
                return Ok(());
            }
        }
    }
    let mut pause = FIRST_PAUSE;
    loop {
        let found = server.find(&Call::get(path.as_str(), format!("read {id}")), patience).await?;
        let there = found.filter(|found| found.pointer("/metadata/uid").and_then(Value::as_str) == uid);
        let Some(there) = there else { return Ok(()) };
        if tokio::time::Instant::now() + pause >= patience.deadline || stop.is_cancelled() {
            return Err(ClusterError::Late {
                cluster: server.cluster().to_owned(),
                action: format!("delete {id}"),
                message: holders(&there),
            });
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Says what holds an object that is being deleted: its finalizers, and who put them there where that is known.
fn holders(object: &Value) -> String {
    let finalizers = object.pointer("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    let managed = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let owner = |finalizer: &str| {
        let key = format!("v:\"{finalizer}\"");
        let entries = managed.into_iter().flatten();
        let owned = |entry: &&Value| {
            entry.pointer("/fieldsV1/f:metadata/f:finalizers").is_some_and(|set| set.get(&key).is_some())
        };
        entries.into_iter().find(owned).and_then(|entry| entry["manager"].as_str())
    };
    let named: Vec<String> = finalizers
        .filter_map(Value::as_str)
        .map(|finalizer| match owner(finalizer) {
            Some(owner) => format!("{finalizer} (set by {owner})"),
            None => finalizer.to_owned(),
        })
        .collect();
    let conditions = object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let told: Vec<&str> = conditions
        .filter(|one| {
            one["status"] == "True" && one["type"].as_str().is_some_and(|kind| kind.starts_with("Namespace"))
        })
        .filter_map(|one| one["message"].as_str())
        .collect();
    match (named.is_empty(), told.is_empty()) {
        (false, _) => format!("its finalizers hold it: {}", named.join(", ")),
        (true, false) => told.join("; "),
        (true, true) => "it is being deleted".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_holds_an_object_is_named_with_its_owner() {
        let object = json!({"metadata": {"finalizers": ["x.io/cleanup", "y.io/z"], "managedFields": [
            {"manager": "x-controller", "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}, "v:\"x.io/cleanup\"": {}}}}}]}});
        assert_eq!(holders(&object), "its finalizers hold it: x.io/cleanup (set by x-controller), y.io/z");
        let namespace = json!({"metadata": {}, "status": {"conditions": [
            {"type": "NamespaceContentRemaining", "status": "True", "message": "Some resources are remaining: things.x.io has 1 resource instances"},
            {"type": "NamespaceDeletionDiscoveryFailure", "status": "False", "message": "no"}]}});
        assert!(holders(&namespace).starts_with("Some resources are remaining"));
        assert_eq!(holders(&json!({})), "it is being deleted");
    }
}
