//! Waits until objects have become what they should be, and says what keeps those that have not.
//!
//! Asks again rather than watches: one LIST a kind and round, which survives every proxy and restart in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::observe;
use super::readiness::{Readiness, can_wait, pod_trouble, readiness};
use crate::manifest::object::ObjectId;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often the log says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// What is not ready, with the reason.
pub(super) type Pending = BTreeMap<ObjectId, String>;

/// What is waited for, and how.
pub(super) struct Waiting<'a> {
    pub(super) server: &'a Arc<ApiServer>,
    pub(super) kinds: &'a Kinds,
    pub(super) set_id: &'a str,
    pub(super) title: &'a str,
    pub(super) patience: Patience,
    pub(super) stop: &'a CancellationToken,
}

impl Waiting<'_> {
    /// Waits until all are ready, one will never be, the time is over, or the user stops the run; gives what is not ready.
    pub(super) async fn until_ready(
        &self,
        ids: impl IntoIterator<Item = ObjectId>,
    ) -> Result<Pending, ClusterError> {
        let mut left: BTreeSet<ObjectId> =
            ids.into_iter().filter(|id| can_wait(&id.api_version, &id.kind)).collect();
        let (all, begun) = (left.len(), Instant::now());
        let (mut pause, mut told) = (FIRST_PAUSE, begun);
        loop {
            let (pending, failed) = self.look(&mut left).await?;
            let over = Instant::now() + pause >= self.patience.deadline;
            if pending.is_empty() || failed || over || self.stop.is_cancelled() {
                return Ok(self.explained(pending).await);
            }
            if told.elapsed() >= REPORT_EVERY {
                told = Instant::now();
                report(self.title, all, begun.elapsed(), &pending);
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Looks once; tells whether all that is left has failed for good.
    async fn look(&self, left: &mut BTreeSet<ObjectId>) -> Result<(Pending, bool), ClusterError> {
        let live = observe::find_all(self.server, self.kinds, left, self.set_id, self.patience).await?;
        let (mut pending, mut failed) = (Pending::new(), 0);
        for id in left.iter() {
            match live.get(id).map(readiness) {
                Some(Readiness::Ready) => {}
                Some(Readiness::InProgress(reason)) => drop(pending.insert(id.clone(), reason)),
                Some(Readiness::Failed(reason)) => {
                    failed += 1;
                    pending.insert(id.clone(), reason);
                }
                // A Job that says how long it stays after its end is gone when it has ended.
                None if id.kind == "Job" => {}
                None => drop(pending.insert(id.clone(), "it is not there any more".to_owned())),
            }
        }
        left.retain(|id| pending.contains_key(id));
        let all_failed = failed > 0 && failed == pending.len();
        Ok((pending, all_failed))
    }

    /// Adds what the pods of workloads say.
    async fn explained(&self, mut pending: Pending) -> Pending {
        for (id, reason) in pending.iter_mut().take(10) {
            if let Some(trouble) = self.trouble_of_pods(id).await {
                reason.push_str(&format!("; {trouble}"));
            }
        }
        pending
    }

    async fn trouble_of_pods(&self, id: &ObjectId) -> Option<String> {
        if !matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job") {
            return None;
        }
        let patience = Patience::of_a_look(Duration::from_secs(10));
        let owner = observe::find_one(self.server, self.kinds, id, patience).await.ok()??;
        let labels = owner.pointer("/spec/selector/matchLabels")?.as_object()?;
        let selector: Vec<String> =
            labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
        let namespace = escape(id.namespace.as_deref()?);
        let target = format!(
            "/api/v1/namespaces/{namespace}/pods?limit=100&labelSelector={}",
            escape(&selector.join(","))
        );
        let pods =
            self.server.call(&Call::get(target, format!("list the pods of {id}")), patience).await.ok()?;
        let pods = pods["items"].as_array()?;
        // The youngest pod is the one of the change.
        let mut troubled: Vec<(&str, String, &Value)> = pods
            .iter()
            .filter_map(|pod| Some((pod["metadata"]["creationTimestamp"].as_str()?, pod_trouble(pod)?, pod)))
            .collect();
        troubled.sort_by_key(|(created, _, _)| std::cmp::Reverse(*created));
        let (_, trouble, pod) = troubled.first()?;
        Some(format!("pod {}: {trouble}", pod["metadata"]["name"].as_str().unwrap_or_default()))
    }
}

fn report(title: &str, all: usize, waited: Duration, pending: &Pending) {
    let first: Vec<String> = pending.iter().take(3).map(|(id, reason)| format!("{id}: {reason}")).collect();
    let seconds = waited.as_secs();
    tracing::info!("{title}: {} of {all} ready after {seconds} s; {}", all - pending.len(), first.join("; "));
}
