//! Waits until objects have become what they should be, and says what keeps those that have not.
//!
//! What counts is a look, one LIST for each kind and namespace. Between two looks watches tell of changes, so that a rollout costs
//! a few requests however long it takes, and its end is known at once. A server that lets nobody watch, or a proxy that cuts
//! watches off, only makes the looks more frequent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::client::{ApiServer, Patience, redact};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::readiness::{Readiness, can_wait, readiness};
use super::set::ObjectSet;
use super::watch::{self, Watches};
use super::{observe, pods};
use crate::manifest::object::ObjectId;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// How often the log says how far it is.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long a look may take in any case.
const LONGEST_LOOK: Duration = Duration::from_secs(10);
/// Objects whose pods are asked for reasons.
const MOST_EXPLAINED: usize = 10;

/// What is not ready, with the reason.
pub(super) type Pending = BTreeMap<ObjectId, String>;

/// What is waited for, and how.
pub(super) struct Waiting<'a> {
    pub(super) server: &'a Arc<ApiServer>,
    pub(super) kinds: &'a Kinds,
    pub(super) set: &'a ObjectSet,
    pub(super) patience: Patience,
    pub(super) stop: &'a CancellationToken,
}

/// How far all objects are.
#[derive(Default)]
struct Standing {
    pending: Pending,
    /// Those of the pending that will not get there by themselves.
    failed: BTreeSet<ObjectId>,
}

impl Standing {
    fn take(&mut self, id: &ObjectId, readiness: Readiness) {
        self.pending.remove(id);
        self.failed.remove(id);
        match readiness {
            Readiness::Ready => {}
            Readiness::InProgress(reason) => drop(self.pending.insert(id.clone(), reason)),
            Readiness::Failed(reason) => {
                self.failed.insert(id.clone());
                self.pending.insert(id.clone(), reason);
            }
        }
    }

    /// Tells whether there is nothing more to wait for.
    fn is_over(&self) -> bool {
        self.pending.len() == self.failed.len()
    }
}

impl Waiting<'_> {
    /// Waits until all are ready, one will never be, the time is over, or the user stops the run; gives what is not ready.
    pub(super) async fn until_ready(
        &self,
        ids: impl IntoIterator<Item = ObjectId>,
    ) -> Result<Pending, ClusterError> {
        let mut left: BTreeSet<ObjectId> =
            ids.into_iter().filter(|id| can_wait(&id.api_version, &id.kind)).collect();
        let mut progress = Progress { all: left.len(), begun: Instant::now(), told: Instant::now() };
        let mut pause = FIRST_PAUSE;
        loop {
            let mut standing = self.look(&left).await?;
            left.retain(|id| standing.pending.contains_key(id));
            let over = Instant::now() + pause >= self.patience.deadline;
            if standing.is_over() || over || self.stop.is_cancelled() {
                return Ok(self.explained(standing.pending).await);
            }
            let watched = Instant::now();
            self.listen(&mut standing, &mut progress).await;
            // Watches that end at once are none: ask less and less often instead.
            if !standing.is_over() && watched.elapsed() < pause {
                self.rest(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Looks once.
    async fn look(&self, left: &BTreeSet<ObjectId>) -> Result<Standing, ClusterError> {
        let set_id = self.set.parent.set_id();
        // The last look begins when the time is over.
        let deadline = self.patience.deadline.max(Instant::now() + LONGEST_LOOK);
        let patience = Patience { deadline, ..self.patience };
        let live = observe::find_all(self.server, self.kinds, left, &set_id, patience).await?;
        let mut standing = Standing::default();
        for id in left {
            let readiness = match live.get(id) {
                Some(object) => readiness(object),
                // A Job that says how long it stays after its end is gone when it has ended.
                None if id.kind == "Job" => Readiness::Ready,
                None => Readiness::InProgress("it is not there any more".to_owned()),
            };
            standing.take(id, readiness);
        }
        Ok(standing)
    }

    /// Listens to changes until another look is due: when all seem ready, watches end, the user stops the run, or the time is over.
    async fn listen(&self, standing: &mut Standing, progress: &mut Progress) {
        let ids = standing.pending.keys();
        let mut watches =
            Watches::begin(self.server, self.kinds, &self.set.parent.set_id(), ids, self.patience);
        let until = self.patience.deadline.min(Instant::now() + watch::LONGEST);
        while !standing.is_over() {
            tokio::select! {
                changed = watches.next() => match changed {
                    Some((id, object)) if standing.pending.contains_key(&id) => {
                        standing.take(&id, readiness(&object));
                    }
                    Some(_) => {}
                    None => return,
                },
                () = tokio::time::sleep_until(progress.told + REPORT_EVERY) => self.report(standing, progress).await,
                () = tokio::time::sleep_until(until) => return,
                () = self.stop.cancelled() => return,
            }
        }
    }

    async fn rest(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.stop.cancelled() => {}
        }
    }

    /// Adds what the pods of workloads say.
    async fn explained(&self, mut pending: Pending) -> Pending {
        for (id, reason) in pending.iter_mut().take(MOST_EXPLAINED) {
            if let Some(trouble) = pods::trouble_of(self.server, self.kinds, id).await {
                reason.push_str(&format!("; {}", redact(trouble, &self.set.all_hidden())));
            }
        }
        pending
    }

    /// Says how far it is, and what holds up the first few.
    async fn report(&self, standing: &Standing, progress: &mut Progress) {
        let first = standing.pending.iter().take(3).map(|(id, reason)| (id.clone(), reason.clone()));
        let first = self.explained(first.collect()).await;
        let lines: Vec<String> = first.iter().map(|(id, reason)| format!("{id}: {reason}")).collect();
        let (ready, all) = (progress.all - standing.pending.len(), progress.all);
        let seconds = progress.begun.elapsed().as_secs();
        tracing::info!("{}: {ready} of {all} ready after {seconds} s; {}", self.set.title, lines.join("; "));
        progress.told = Instant::now();
    }
}

/// How long it has been waited for how much.
struct Progress {
    all: usize,
    begun: Instant,
    told: Instant,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::{Value, json};

    use super::super::fake::{Fake, absent};
    use super::super::inventory::Parent;
    use super::super::set::{Policy, Sources};
    use super::*;

    fn set() -> ObjectSet {
        ObjectSet {
            title: "release a/web".into(),
            parent: Parent { namespace: "a".into(), name: "web".into() },
            objects: Vec::new(),
            hooks: Vec::new(),
            notes: BTreeMap::new(),
            sources: Sources::default(),
            policy: Policy::default(),
            predecessor: None,
        }
    }

    fn kinds() -> Kinds {
        let mut kinds = Kinds::default();
        kinds.define(&json!({"spec": {"group": "x.io", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true}]}}));
        kinds
    }

    fn thing(ready: &str) -> Value {
        json!({"metadata": {"name": "one", "namespace": "a"}, "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "R"}]}})
    }

    async fn wait(fake: &Fake, seconds: u64) -> Result<Pending, ClusterError> {
        let id = ObjectId {
            api_version: "x.io/v1".into(),
            kind: "Thing".into(),
            namespace: Some("a".into()),
            name: "one".into(),
        };
        let waiting = Waiting {
            server: &fake.server,
            kinds: &kinds(),
            set: &set(),
            patience: Patience::of_a_look(Duration::from_secs(seconds)),
            stop: &CancellationToken::new(),
        };
        waiting.until_ready([id]).await
    }

    /// Answers looks with `Ready` from number `from` on, and watches with `watch`.
    fn server(from: usize, watch: impl Fn() -> (u16, Value) + Send + Sync + 'static) -> Fake {
        let looks = AtomicUsize::new(0);
        Fake::of(move |request, _| match request.split_once('?') {
            Some((_, query)) if query.contains("watch=true") => watch(),
            _ if request.starts_with("GET /apis/x.io/v1/namespaces/a/things/one") => {
                let ready = looks.fetch_add(1, Ordering::Relaxed) >= from;
                (200, thing(if ready { "True" } else { "False" }))
            }
            _ => absent(),
        })
    }

    #[tokio::test]
    async fn a_watch_that_tells_of_the_end_is_believed_after_a_look() {
        let fake = server(1, || (200, json!({"type": "MODIFIED", "object": thing("True")})));
        assert_eq!(wait(&fake, 20).await.expect("it answers"), Pending::new());
        assert!(fake.requests().len() <= 6, "{:?}", fake.requests());
    }

    #[tokio::test]
    async fn without_watches_looks_go_on() {
        for answer in
            [(403, json!({})), (410, json!({})), (200, json!({"type": "ERROR", "object": {"code": 410}}))]
        {
            let fake = server(3, move || answer.clone());
            assert_eq!(wait(&fake, 20).await.expect("it answers"), Pending::new());
        }
    }

    #[tokio::test]
    async fn what_is_not_ready_in_time_is_given_with_the_reason() {
        let fake = server(usize::MAX, || (403, json!({})));
        let pending = wait(&fake, 2).await.expect("it answers");
        assert_eq!(pending.into_values().collect::<Vec<_>>(), ["R"]);
    }
}
