//! Runs hooks as Helm does: one after the other by weight and name, each until its Job or Pod has ended, before or after the set's
//! own objects are written. Hooks belong to nobody: they are in no inventory, and go by their own policies.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::{Apply, Call};
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::observe;
use super::remove::delete_and_wait;
use super::set::{ObjectSet, hidden_of};
use super::wait::Waiting;
use super::write::call_until_possible;
use crate::manifest::object::ObjectId;
use crate::manifest::surface::Desired;

/// A hook of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// The object.
    pub object: Desired,
    /// When it runs.
    pub moments: BTreeSet<Moment>,
    /// Its place among the others, lowest first.
    pub weight: i64,
    /// When it is deleted.
    pub deletion: Deletion,
}

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Before the set's objects are written.
    Before,
    /// When all of them are as they should be.
    After,
    /// Before all of them are taken away.
    BeforeRemoval,
    /// When all of them are gone.
    AfterRemoval,
}

/// When a hook is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Before it is created again.
    pub before_creation: bool,
    /// When it succeeded.
    pub succeeded: bool,
    /// When it failed.
    pub failed: bool,
}

/// What hooks are run with.
pub(super) struct Running<'a> {
    pub(super) server: &'a Arc<ApiServer>,
    pub(super) set: &'a ObjectSet,
    pub(super) patience: Patience,
    pub(super) stop: &'a CancellationToken,
}

impl Running<'_> {
    /// Runs the hooks of a moment; the first that fails ends it.
    pub(super) async fn run(&self, moment: Moment) -> Result<(), (ObjectId, ClusterError)> {
        for hook in in_order(&self.set.hooks, moment) {
            let id = &hook.object.id;
            if self.stop.is_cancelled() {
                let action = format!("the hook {id} was run");
                return Err((id.clone(), ClusterError::Interrupted { action }));
            }
            tracing::info!("{}: running the hook {id}", self.set.title);
            self.run_one(hook).await.map_err(|error| (id.clone(), error))?;
        }
        Ok(())
    }

    async fn run_one(&self, hook: &Hook) -> Result<(), ClusterError> {
        let (server, id) = (self.server, &hook.object.id);
        let mut kinds = server.discover([id], false, self.patience).await?;
        if kinds.path(id).is_none() {
            kinds = server.discover([id], true, self.patience).await?;
        }
        let path = kinds.path(id).ok_or_else(|| kinds.unknown(server.cluster(), id))?;
        if hook.deletion.before_creation {
            self.delete(&kinds, id).await?;
        }
        let how = Apply { field_manager: &self.set.policy.field_manager, force: true, dry_run: false };
        let call = Call::apply(&path, &hook.object.object, &how, format!("run the hook {id}"));
        call_until_possible(server, &call.hiding(hidden_of(&hook.object)), self.patience).await?;
        let ended = self.until_ended(&kinds, id).await;
        if if ended.is_ok() { hook.deletion.succeeded } else { hook.deletion.failed } {
            self.delete(&kinds, id).await?;
        }
        ended
    }

    /// Waits for the end of what runs; everything else has ended when it is there.
    async fn until_ended(&self, kinds: &Kinds, id: &ObjectId) -> Result<(), ClusterError> {
        if !matches!(id.kind.as_str(), "Job" | "Pod") {
            return Ok(());
        }
        let waiting =
            Waiting { server: self.server, kinds, set: self.set, patience: self.patience, stop: self.stop };
        match waiting.until_ready([id.clone()]).await?.into_values().next() {
            None => Ok(()),
            Some(message) => Err(ClusterError::Late {
                cluster: self.server.cluster().to_owned(),
                action: format!("complete the hook {id}"),
                message,
            }),
        }
    }

    async fn delete(&self, kinds: &Kinds, id: &ObjectId) -> Result<(), ClusterError> {
        let Some(live) = observe::find_one(self.server, kinds, id, self.patience).await? else {
            return Ok(());
        };
        delete_and_wait(self.server, kinds, id, &live, "Background", self.patience, self.stop).await
    }
}

/// Gives the hooks of a moment in the order in which they run.
fn in_order(hooks: &[Hook], moment: Moment) -> Vec<&Hook> {
    let mut found: Vec<&Hook> = hooks.iter().filter(|hook| hook.moments.contains(&moment)).collect();
    found.sort_by(|one, other| (one.weight, &one.object.id.name).cmp(&(other.weight, &other.object.id.name)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::mask::ObjectMarks;

    #[test]
    fn hooks_of_a_moment_run_by_weight_then_name() {
        let hook = |name: &str, weight, moment| Hook {
            object: Desired {
                id: ObjectId {
                    api_version: "v1".into(),
                    kind: "Pod".into(),
                    namespace: None,
                    name: name.into(),
                },
                object: serde_json::Value::Null,
                marks: ObjectMarks::default(),
            },
            moments: BTreeSet::from([moment]),
            weight,
            deletion: Deletion { before_creation: true, succeeded: false, failed: false },
        };
        let hooks = [
            hook("c", 1, Moment::Before),
            hook("b", 0, Moment::Before),
            hook("x", -9, Moment::After),
            hook("a", 0, Moment::Before),
        ];
        let names: Vec<&str> =
            in_order(&hooks, Moment::Before).iter().map(|hook| hook.object.id.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
