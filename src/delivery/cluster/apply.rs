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
use super::remove::{Removal, remove};
use super::schedule::Schedule;
use super::set::ObjectSet;
use super::wait::{Pending, Waiting};
use super::withdraw::forget;
use super::write::{LONGEST_SPREAD, write_one};
use super::{farewell, observe};
use crate::manifest::object::ObjectId;
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
        // What was looked at by an old definition may be something else by the new one.
        let redefined = self.preview.redefined(self.set);
        let is_open = |index: &usize| match self.preview.actions[*index] {
            Action::Unknown => true,
            Action::Unchanged => false,
            _ => redefined.contains(&self.set.objects[*index].id),
        };
        let open: Vec<usize> = (0..graph.len).filter(is_open).collect();
        let mut walk = Schedule::new(graph);
        if !open.is_empty() {
            let first: BTreeSet<usize> = (0..graph.len).filter(is_foundation).collect();
            self.walk(&mut walk, |index| first.contains(&index)).await;
            self.look_again(&open, &redefined).await;
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

    /// Tries, still without effect, the objects whose namespaces or kinds are there only now. A definition that changed takes a moment to
    /// be what all servers go by.
    async fn look_again(&mut self, open: &[usize], redefined: &BTreeSet<&ObjectId>) {
        const PAUSE: Duration = Duration::from_millis(300);
        let until = self.patience.deadline.min(Instant::now() + LONGEST_SPREAD);
        let ids = self.set.objects.iter().map(|one| &one.id);
        let kinds = match self.server.discover(ids, true, self.patience).await {
            Ok(kinds) => self.set.with_own_kinds(kinds),
            Err(error) => return self.outcome.error = Some(error),
        };
        Arc::make_mut(&mut self.preview).kinds = kinds.clone();
        let none = BTreeMap::new();
        loop {
            let looked = look_at(self.server, self.set, &kinds, &none, open, self.patience).await;
            let preview = Arc::make_mut(&mut self.preview);
            match looked {
                Ok(looked) => preview.take(self.set, looked),
                Err(error) => return self.outcome.error = Some(error),
            }
            self.outcome.problems = std::mem::take(&mut preview.problems);
            let may_pass = |one: &Problem| one.is_refusal() && redefined.contains(&one.object);
            let is_over = self.stop.is_cancelled() || Instant::now() + PAUSE >= until;
            if is_over || !self.outcome.problems.iter().any(may_pass) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
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
