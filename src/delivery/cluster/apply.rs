//! Writes a set: what it stands on first, what it takes in the order of what needs what, and away what it has no more.
//!
//! The inventory names everything that may be there before anything new is written, and is made shorter only after what
//! should go is gone. A write that fails stops what needs it, nothing else; what was written stays, and the next apply goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::graph::{self, Graph};
use super::hooks::{Moment, Running};
use super::inventory::Inventory;
use super::predecessor::claim;
use super::preview::{Action, Preview, Problem, look_at};
use super::readiness::{Readiness, readiness};
use super::remove::{Removal, delete_and_wait, remove};
use super::schedule::Schedule;
use super::set::ObjectSet;
use super::wait::{Pending, Waiting};
use super::withdraw::forget;
use super::{farewell, observe, ownership};
use crate::manifest::object::{ObjectId, is_custom_resource_definition};
use crate::manifest::order::{self, Step};

/// How long taking back a first apply may take.
const LONGEST_UNDO: Duration = Duration::from_secs(180);

/// What an apply came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Objects that are as the set wants them, as the server answered.
    pub applied: BTreeMap<ObjectId, Value>,
    /// Objects that are not, with the reason.
    pub failed: BTreeMap<ObjectId, ClusterError>,
    /// What is wrong with objects that could only be tried after others were written.
    pub problems: Vec<Problem>,
    /// Objects that are written and not ready, with the reason.
    pub pending: BTreeMap<ObjectId, String>,
    /// What became of objects that are not in the set any more.
    pub removal: Removal,
    /// Everything that may be there now.
    pub inventory: BTreeSet<ObjectId>,
    /// The uid of the cluster's `kube-system` namespace.
    pub cluster_uid: Option<String>,
    /// Whether the user stopped the run.
    pub interrupted: bool,
    /// What went wrong beside single objects.
    pub error: Option<ClusterError>,
    /// What became of the objects that were new, where a first apply that came half-way was taken back.
    pub undone: Option<Removal>,
}

impl Outcome {
    /// Tells whether everything is as it should be.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
            && self.problems.is_empty()
            && self.pending.is_empty()
            && self.removal.failed.is_empty()
            && !self.interrupted
            && self.error.is_none()
    }
}

/// Writes a set that was looked at and found without problems.
///
/// # Errors
/// Before anything was written. Afterwards, everything that went wrong is in the [`Outcome`].
pub async fn apply(
    server: &Arc<ApiServer>,
    set: &Arc<ObjectSet>,
    preview: Preview,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<Outcome, ClusterError> {
    let graph = graph::for_writing(&set.nodes()).map_err(|circle| ClusterError::Connection {
        cluster: server.cluster().to_owned(),
        reason: format!("its objects wait for each other: {}", circle.join(" → ")),
    })?;
    if stop.is_cancelled() {
        return Err(ClusterError::Interrupted { action: "the first object was written".to_owned() });
    }
    let cluster_uid = observe::cluster_uid(server, patience).await?;
    let is_first = preview.inventory.is_none();
    let mut run = Run {
        server,
        set,
        patience,
        stop,
        preview: Arc::new(preview),
        outcome: Outcome { cluster_uid, ..Outcome::default() },
        new: BTreeSet::new(),
    };
    run.note_new();
    run.begin().await?;
    if run.hooks(Moment::Before).await {
        run.write(&graph).await;
        run.finish().await;
        if run.outcome.is_complete() {
            run.hooks(Moment::After).await;
        }
    }
    run.outcome.interrupted = stop.is_cancelled();
    if set.policy.undo && is_first && !run.outcome.is_complete() {
        let undone = run.undo().await;
        run.outcome.applied.retain(|id, _| !undone.gone.contains(id));
        run.outcome.inventory.retain(|id| !undone.gone.contains(id));
        run.outcome.undone = Some(undone);
    }
    Ok(run.outcome)
}

struct Run<'a> {
    server: &'a Arc<ApiServer>,
    set: &'a Arc<ObjectSet>,
    patience: Patience,
    stop: &'a CancellationToken,
    preview: Arc<Preview>,
    outcome: Outcome,
    /// Objects that were not there before.
    new: BTreeSet<ObjectId>,
}

impl Run<'_> {
    /// Writes down what may be there from now on. Where the inventory's own namespace comes with the set, it is written first.
    async fn begin(&mut self) -> Result<(), ClusterError> {
        let before = self.preview.inventory.clone().unwrap_or_default();
        let wanted = self.set.objects.iter().map(|one| one.id.clone());
        let left = self.preview.leftovers.delete.keys().cloned();
        self.outcome.inventory = before.objects.iter().cloned().chain(wanted).chain(left).collect();
        let own = self.set.objects.iter().position(|one| {
            one.id.kind == "Namespace"
                && one.id.group().is_empty()
                && one.id.name == self.set.parent.namespace
        });
        match own {
            Some(index) if self.preview.actions[index] != Action::Unchanged => {
                let written =
                    write_one(self.server, self.set, &self.preview, index, self.patience, self.stop).await?;
                self.outcome.applied.insert(self.set.objects[index].id.clone(), written);
                let preview = Arc::make_mut(&mut self.preview);
                preview.actions[index] = Action::Unchanged;
                preview.live.remove(&self.set.objects[index].id);
            }
            None if self.set.policy.create_namespace => self.create_namespace().await?,
            _ => {}
        }
        let unchanged = before.objects == self.outcome.inventory
            && before.notes == self.notes()
            && self.preview.inventory.is_some();
        if !unchanged {
            self.write_inventory().await?;
        }
        if farewell::has_any(self.set) {
            farewell::keep(self.server, self.set, self.patience).await
        } else if before.notes.contains_key(farewell::NOTE) {
            farewell::forget(self.server, &self.set.parent, self.patience).await
        } else {
            Ok(())
        }
    }

    /// Gives what is written down beside the list of objects.
    fn notes(&self) -> BTreeMap<String, String> {
        let mut notes = self.set.notes.clone();
        if farewell::has_any(self.set) {
            notes.insert(farewell::NOTE.to_owned(), farewell::secret_of(&self.set.parent).name);
        }
        notes
    }

    /// Runs the hooks of a moment; tells whether all went well.
    async fn hooks(&mut self, moment: Moment) -> bool {
        let (server, set, patience, stop) = (self.server, &**self.set, self.patience, self.stop);
        match (Running { server, set, patience, stop }).run(moment).await {
            Ok(()) => true,
            Err((id, error)) => {
                self.outcome.failed.insert(id, error);
                false
            }
        }
    }

    async fn create_namespace(&self) -> Result<(), ClusterError> {
        let name = &self.set.parent.namespace;
        let read = Call::get(format!("/api/v1/namespaces/{name}"), format!("read v1/Namespace/{name}"));
        if self.server.find(&read, self.patience).await?.is_some() {
            return Ok(());
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let action = format!("create v1/Namespace/{name}");
        let call = Call::create("/api/v1/namespaces", &namespace, &self.set.policy.field_manager, action);
        match self.server.call(&call, self.patience).await {
            // Somebody else, or an attempt of ours whose answer was lost, was faster.
            Err(ClusterError::Refused { reason, .. }) if reason == "AlreadyExists" => Ok(()),
            answered => answered.map(drop),
        }
    }

    async fn write_inventory(&self) -> Result<(), ClusterError> {
        let inventory = Inventory { objects: self.outcome.inventory.clone(), notes: self.notes() };
        let path = observe::path_of(&self.set.parent);
        let how = Apply { field_manager: "strata-inventory", force: true, dry_run: false };
        let map = inventory.write(&self.set.parent);
        let call = Call::apply(&path, &map, &how, format!("write the inventory {}", self.set.parent.id()));
        self.server.call(&call, self.patience).await.map(drop)
    }

    /// Writes what others stand on; then tries what could not be tried before; then writes the rest.
    async fn write(&mut self, graph: &Graph) {
        let is_foundation = |index: &usize| order::step(&self.set.objects[*index].id) == Step::Foundation;
        let open: Vec<usize> =
            (0..graph.len).filter(|index| self.preview.actions[*index] == Action::Unknown).collect();
        let mut walk = Schedule::new(graph);
        if !open.is_empty() {
            let first: BTreeSet<usize> = (0..graph.len).filter(is_foundation).collect();
            self.walk(&mut walk, |index| first.contains(&index)).await;
            self.look_again(&open).await;
        }
        if self.outcome.problems.is_empty() {
            self.walk(&mut walk, |_| true).await;
        }
        for (index, by) in walk.blocked() {
            let id = &self.set.objects[index].id;
            let action = match by {
                Some(by) => format!("{id} was written: {} failed before it", self.set.objects[by].id),
                None => format!("{id} was written"),
            };
            self.outcome.failed.insert(id.clone(), ClusterError::Interrupted { action });
        }
    }

    /// Tries, still without effect, the objects whose namespaces or kinds are there only now.
    async fn look_again(&mut self, open: &[usize]) {
        let ids = self.set.objects.iter().map(|one| &one.id);
        let kinds = match self.server.discover(ids, true, self.patience).await {
            Ok(kinds) => self.set.with_own_kinds(kinds),
            Err(error) => return self.outcome.error = Some(error),
        };
        let none = BTreeMap::new();
        let looked = look_at(self.server, self.set, &kinds, &none, open, self.patience).await;
        let preview = Arc::make_mut(&mut self.preview);
        preview.kinds = kinds;
        match looked {
            Ok(looked) => preview.take(self.set, looked),
            Err(error) => return self.outcome.error = Some(error),
        }
        self.outcome.problems = std::mem::take(&mut preview.problems);
        self.note_new();
    }

    fn note_new(&mut self) {
        let actions = self.set.objects.iter().zip(&self.preview.actions);
        let new = actions.filter(|(_, action)| **action == Action::Create);
        self.new.extend(new.map(|(one, _)| one.id.clone()));
    }

    /// Takes away again what was not there before, and forgets the set. What was taken over stays: how it was is not known.
    async fn undo(&self) -> Removal {
        // The time of the apply may be over, and a user who stopped the run wants it undone all the same.
        let (patience, stop) = (Patience::of_a_change(LONGEST_UNDO), CancellationToken::new());
        tracing::info!("{}: taking back {} objects", self.set.title, self.new.len());
        let set_id = self.set.parent.set_id();
        let kinds = &self.preview.kinds;
        let mut removal = remove(self.server, kinds, &self.new, &set_id, patience, &stop).await;
        if removal.failed.is_empty()
            && let Err(error) = forget(self.server, &self.set.parent, patience).await
        {
            removal.failed.insert(self.set.parent.id(), error);
        }
        removal
    }

    /// Writes what may begin and is wanted now, until nothing more can.
    async fn walk(&mut self, walk: &mut Schedule, wanted: impl Fn(usize) -> bool) {
        if self.outcome.error.is_some() {
            return;
        }
        let mut work: JoinSet<(usize, Result<Value, ClusterError>)> = JoinSet::new();
        let shared = Arc::clone(&self.preview);
        loop {
            let begun = if self.stop.is_cancelled() { Vec::new() } else { walk.begin_some(&wanted) };
            let mut still = false;
            for index in begun {
                let id = &self.set.objects[index].id;
                if shared.actions[index] == Action::Unchanged {
                    let live = shared.live.get(id).cloned().or_else(|| self.outcome.applied.remove(id));
                    self.outcome.applied.insert(id.clone(), live.unwrap_or_default());
                    walk.end(index, true);
                    still = true;
                    continue;
                }
                let (server, set, preview) =
                    (Arc::clone(self.server), Arc::clone(self.set), Arc::clone(&shared));
                let (patience, stop) = (self.patience, self.stop.clone());
                work.spawn(async move {
                    (index, write_one(&server, &set, &preview, index, patience, &stop).await)
                });
            }
            if still {
                continue;
            }
            let Some(ended) = work.join_next().await else { return };
            let Ok((index, written)) = ended else { continue };
            let id = self.set.objects[index].id.clone();
            walk.end(index, written.is_ok());
            match written {
                Ok(object) => drop(self.outcome.applied.insert(id, object)),
                Err(error) => drop(self.outcome.failed.insert(id, error)),
            }
        }
    }

    /// Takes away what is not in the set any more, waits for the rest, and writes down what is there now.
    async fn finish(&mut self) {
        let well = self.outcome.failed.is_empty()
            && self.outcome.problems.is_empty()
            && self.outcome.error.is_none()
            && !self.stop.is_cancelled();
        if !well {
            return;
        }
        let leftovers = &self.preview.leftovers.delete;
        let prune: BTreeSet<ObjectId> = self.preview.prune.iter().chain(leftovers.keys()).cloned().collect();
        if !prune.is_empty() {
            let set_id = self.set.parent.set_id();
            let manager = &self.set.policy.field_manager;
            let kinds = &self.preview.kinds;
            if let Err(error) = claim(self.server, kinds, leftovers, &set_id, manager, self.patience).await {
                self.outcome.error = Some(error);
                return;
            }
            let removal = remove(self.server, kinds, &prune, &set_id, self.patience, self.stop).await;
            self.outcome.inventory.retain(|id| !removal.gone.contains(id) && !removal.kept.contains_key(id));
            self.outcome.removal = removal;
            if let Err(error) = self.write_inventory().await {
                self.outcome.error = Some(error);
            }
        }
        if self.set.policy.wait {
            match self.wait().await {
                Ok(pending) => self.outcome.pending = pending,
                Err(error) => self.outcome.error = Some(error),
            }
        }
    }

    async fn wait(&self) -> Result<Pending, ClusterError> {
        let waiting = Waiting {
            server: self.server,
            kinds: &self.preview.kinds,
            set: self.set,
            patience: self.patience,
            stop: self.stop,
        };
        let ready = |id: &&ObjectId| {
            self.outcome.applied.get(*id).is_none_or(|object| readiness(object) != Readiness::Ready)
        };
        waiting.until_ready(self.outcome.applied.keys().filter(ready).cloned()).await
    }
}

/// Writes one object and gives what the server made of it.
async fn write_one(
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
                take_over(server, &path, live, set, id, None, patience).await?;
            }
        }
        (Action::Adopt { overwritten, owner }, Some(live)) => {
            force |= !overwritten.is_empty();
            take_over(server, &path, live, set, id, owner.as_deref(), patience).await?;
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
    loop {
        let error = match server.call(call, patience).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let ClusterError::Refused { code, message, .. } = &error else { return Err(error) };
        let until = match code {
            404 => appears_by.min(patience.deadline),
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
    id: &ObjectId,
    owner: Option<&str>,
    patience: Patience,
) -> Result<(), ClusterError> {
    const LOOKS: usize = 5;
    let takes_over = set.takes_over(id, owner);
    let passes_on = |manager: &str, operation: &str| {
        let succeeds = set.policy.succeeds.as_deref() == Some(manager) && operation == "Apply";
        succeeds || ownership::passes_on(manager, operation, owner, takes_over)
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
