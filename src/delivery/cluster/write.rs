//! Writes one object: makes it ours where it was somebody else's, and asks again where what it needs is only just being made.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience};
use super::error::{ClusterError, UNKNOWN_FIELD};
use super::ownership;
use super::preview::{Action, Preview};
use super::readiness::{Readiness, readiness};
use super::remove::delete_and_wait;
use super::set::ObjectSet;
use crate::manifest::object::{ObjectId, is_custom_resource_definition};
use crate::manifest::surface::Desired;

/// How long a changed definition may take to be what all servers of a cluster go by.
pub(super) const LONGEST_SPREAD: Duration = Duration::from_secs(5);

/// Writes one object and gives what the server made of it.
pub(super) async fn write_one(
    server: &ApiServer,
    set: &ObjectSet,
    preview: &Preview,
    index: usize,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<Value, ClusterError> {
    let id = &set.objects[index].id;
    let path = preview.kinds.path(id).ok_or_else(|| preview.kinds.unknown(server.cluster(), id))?;
    let live = preview.live.get(id);
    let mut force = set.policy.force_conflicts;
    match (&preview.actions[index], live) {
        (Action::Replace { .. }, Some(live)) => {
            let propagation = if id.kind == "StatefulSet" { "Orphan" } else { "Background" };
            delete_and_wait(server, &preview.kinds, id, live, propagation, patience, stop).await?;
        }
        (Action::Update { overwritten }, live) => {
            force |= !overwritten.is_empty();
            if let Some(live) = live.filter(|_| set.policy.succeeds.is_some()) {
                take_over(server, &path, live, set, index, patience).await?;
            }
        }
        (Action::Adopt { overwritten, .. }, Some(live)) => {
            force |= !overwritten.is_empty();
            take_over(server, &path, live, set, index, patience).await?;
        }
        _ => {}
    }
    let stamped = set.stamped(index);
    let how = Apply { field_manager: &set.policy.field_manager, force, dry_run: false };
    let call = Call::apply(&path, &stamped, &how, format!("apply {id}")).hiding(set.hidden(index));
    let written = call_until_possible(server, &call, patience).await?;
    if is_custom_resource_definition(&stamped) {
        return await_established(server, &path, id, patience).await;
    }
    Ok(written)
}

/// Asks again where what is missing is only just being made: a namespace, a kind, an object that is still going.
pub(super) async fn call_until_possible(
    server: &ApiServer,
    call: &Call,
    patience: Patience,
) -> Result<Value, ClusterError> {
    const PAUSE: Duration = Duration::from_millis(300);
    // What nobody makes is not waited for until the deadline.
    let appears_by = Instant::now() + Duration::from_secs(30);
    let spreads_by = Instant::now() + LONGEST_SPREAD;
    loop {
        let error = match server.call(call, patience).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let ClusterError::Refused { code, message, .. } = &error else { return Err(error) };
        let until = match code {
            404 => appears_by.min(patience.deadline),
            // It was tried before, and a server goes by the old definition still.
            _ if message.contains(UNKNOWN_FIELD) => spreads_by.min(patience.deadline),
            403 | 409 if message.contains("being terminated") || message.contains("being deleted") => {
                patience.deadline
            }
            _ => return Err(error),
        };
        if Instant::now() + PAUSE >= until {
            return Err(error);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes the fields of those who wrote the object before ours, so that what the set no longer says goes with the apply.
async fn take_over(
    server: &ApiServer,
    path: &str,
    live: &Value,
    set: &ObjectSet,
    index: usize,
    patience: Patience,
) -> Result<(), ClusterError> {
    const LOOKS: usize = 5;
    let Desired { id, object, .. } = &set.objects[index];
    let owners = ownership::other_owners(live, object, &set.parent.set_id());
    let takes_over = set.takes_over(id, &owners);
    let passes_on = |manager: &str, operation: &str| {
        let succeeds = set.policy.succeeds.as_deref() == Some(manager) && operation == "Apply";
        succeeds || ownership::passes_on(manager, operation, &owners, takes_over)
    };
    let read = Call::get(path, format!("read {id}"));
    let mut live = match &set.policy.succeeds {
        // Whoever applied it until now may have done so since it was looked at.
        Some(_) => server.call(&read, patience).await?,
        None => live.clone(),
    };
    for _ in 0..LOOKS {
        let Some(fields) = taken_over(&live, &set.policy.field_manager, passes_on) else { return Ok(()) };
        let patch = json!({"metadata": {
            "resourceVersion": live["metadata"]["resourceVersion"],
            "managedFields": fields,
        }});
        let call = Call::merge(path, &patch, &set.policy.field_manager, format!("take over {id}"));
        match server.call(&call, patience).await {
            // It changed since it was looked at.
            Err(ClusterError::Refused { code: 409, .. }) => {
                live = server.call(&read, patience).await?;
            }
            answered => return answered.map(drop),
        }
    }
    // The apply itself still is right, only what it no longer says may stay.
    Ok(())
}

/// Gives the managed fields in which we own what passes on from others; none where nothing does.
fn taken_over(live: &Value, manager: &str, passes_on: impl Fn(&str, &str) -> bool) -> Option<Value> {
    let all = live.pointer("/metadata/managedFields")?.as_array()?;
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let is_old = |entry: &Value| {
        entry["subresource"].is_null() && passes_on(&text(entry, "manager"), &text(entry, "operation"))
    };
    let is_ours = |entry: &Value| {
        entry["subresource"].is_null()
            && text(entry, "manager") == manager
            && text(entry, "operation") == "Apply"
    };
    let mut merged = all.iter().find(|entry| is_old(entry))?.clone();
    for entry in all.iter().filter(|entry| is_old(entry) || is_ours(entry)) {
        unite(&mut merged["fieldsV1"], &entry["fieldsV1"]);
    }
    merged["manager"] = Value::from(manager);
    merged["operation"] = Value::from("Apply");
    let others = all.iter().filter(|entry| !is_old(entry) && !is_ours(entry)).cloned();
    Some(others.chain([merged]).collect())
}

fn unite(into: &mut Value, from: &Value) {
    let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) else { return };
    for (key, value) in from {
        unite(into.entry(key.as_str()).or_insert_with(|| json!({})), value);
    }
}

async fn await_established(
    server: &ApiServer,
    path: &str,
    id: &ObjectId,
    patience: Patience,
) -> Result<Value, ClusterError> {
    const PAUSE: Duration = Duration::from_millis(200);
    loop {
        let found = server.call(&Call::get(path, format!("read {id}")), patience).await?;
        let reason = match readiness(&found) {
            Readiness::Ready => return Ok(found),
            Readiness::InProgress(reason) if Instant::now() + PAUSE < patience.deadline => {
                tracing::debug!("{id}: {reason}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Readiness::InProgress(reason) | Readiness::Failed(reason) => reason,
        };
        return Err(ClusterError::Late {
            cluster: server.cluster().to_owned(),
            action: format!("establish {id}"),
            message: reason,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_clients_that_wrote_whole_objects_become_ours() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "helm", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}},
            {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}},
            {"manager": "controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        ]}});
        let fields =
            taken_over(&live, "strata", ownership::is_client_side_writer).expect("there are such clients");
        assert_eq!(
            fields,
            json!([
                {"manager": "controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
                {"manager": "strata", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}},
            ])
        );
        assert_eq!(
            taken_over(
                &json!({"metadata": {"managedFields": [{"manager": "x", "operation": "Apply"}]}}),
                "strata",
                ownership::is_client_side_writer
            ),
            None
        );
    }

    #[test]
    fn fields_of_the_manager_that_is_succeeded_become_ours() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}},
            {"manager": "kustomize-controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "strata", "operation": "Apply", "fieldsV1": {"f:data": {"f:b": {}}}},
        ]}});
        let nobody = |_: &str, _: &str| false;
        assert_eq!(taken_over(&live, "strata", nobody), None, "it is nobody's successor");
        let flux = |manager: &str, operation: &str| (manager, operation) == ("kustomize-controller", "Apply");
        assert_eq!(
            taken_over(&live, "strata", flux).expect("there is what it applied"),
            json!([
                {"manager": "kustomize-controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
                {"manager": "strata", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}, "f:b": {}}}},
            ])
        );
    }
}
