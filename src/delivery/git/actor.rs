//! One task per branch that gathers what releases deliver at about the same time into one commit.
//!
//! A batch closes 300 ms after its first edit when no announced call is still rendering, and at the latest after a second. What
//! arrives during a push makes the next batch. An edit whose caller is gone is dropped before the push; a push that no caller
//! waits for any more is stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::super::DeliveryError;
use super::GitReceipt;
use super::edit::Edit;
use super::flush::{Fates, flush};
use super::snapshot::Snapshots;
use super::target::Target;

const SHORTEST_WINDOW: Duration = Duration::from_millis(300);
const LONGEST_WINDOW: Duration = Duration::from_millis(1000);

type Fate = Result<GitReceipt, DeliveryError>;

struct Job {
    target: Target,
    edit: Edit,
    deadline: Instant,
    reply: oneshot::Sender<Fate>,
}

/// A handle on the task of one branch; the task ends with the last handle.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    jobs: mpsc::UnboundedSender<Job>,
    pending: Arc<Pending>,
}

/// Calls that will deliver soon.
#[derive(Debug, Default)]
struct Pending {
    count: AtomicUsize,
    changed: Notify,
}

/// Says that a delivery is being prepared; the batch waits for it, within limits.
#[derive(Debug)]
pub(super) struct Announcement(Arc<Pending>);

impl Drop for Announcement {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_one();
    }
}

impl Actor {
    pub(super) fn start(cache: PathBuf, snapshots: Arc<Snapshots>) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let pending = Arc::new(Pending::default());
        tokio::spawn(run(cache, snapshots, queue, pending.clone()));
        Self { jobs, pending }
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.jobs.is_closed()
    }

    pub(super) fn announce(&self) -> Announcement {
        self.pending.count.fetch_add(1, Ordering::SeqCst);
        Announcement(self.pending.clone())
    }

    /// Submits an edit and waits for its fate, at the latest until `deadline`.
    pub(super) async fn deliver(
        &self,
        target: &Target,
        edit: Edit,
        announcement: Option<Announcement>,
        deadline: Instant,
    ) -> Fate {
        let begun = Instant::now();
        let unconfirmed = || {
            let seconds = deadline.saturating_duration_since(begun).as_secs();
            Err(DeliveryError::Unconfirmed { place: target.to_string(), seconds })
        };
        let (reply, fate) = oneshot::channel();
        let sent = self.jobs.send(Job { target: target.clone(), edit, deadline, reply });
        drop(announcement);
        if sent.is_err() {
            return unconfirmed();
        }
        // Git stops itself at the deadline and says where it stood; this is the net below.
        match tokio::time::timeout_at(deadline + Duration::from_secs(5), fate).await {
            Ok(Ok(fate)) => fate,
            Ok(Err(_)) | Err(_) => unconfirmed(),
        }
    }
}

async fn run(
    cache: PathBuf,
    snapshots: Arc<Snapshots>,
    mut queue: mpsc::UnboundedReceiver<Job>,
    pending: Arc<Pending>,
) {
    while let Some(first) = queue.recv().await {
        let mut batch = gather(first, &mut queue, &pending).await;
        batch.retain(|job| !job.reply.is_closed());
        let Some(first) = batch.first() else { continue };
        let target = first.target.clone();
        let deadline = batch.iter().map(|job| job.deadline).max().unwrap_or(first.deadline);
        let (edits, mut replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|job| (job.edit, job.reply)).unzip();
        let fates = tokio::select! {
            fates = flush(&cache, &target, &edits, deadline) => Some(fates),
            () = all_closed(&mut replies) => None,
        };
        snapshots.forget(&target);
        answer(replies, fates);
    }
}

async fn gather(first: Job, queue: &mut mpsc::UnboundedReceiver<Job>, pending: &Pending) -> Vec<Job> {
    let begun = Instant::now();
    let mut batch = vec![first];
    loop {
        let quiet = pending.count.load(Ordering::SeqCst) == 0;
        let until = begun + if quiet { SHORTEST_WINDOW } else { LONGEST_WINDOW };
        if Instant::now() >= until {
            // An announced call sends its edit just before it ends its announcement.
            batch.extend(std::iter::from_fn(|| queue.try_recv().ok()));
            return batch;
        }
        tokio::select! {
            job = queue.recv() => match job {
                Some(job) => batch.push(job),
                None => return batch,
            },
            () = pending.changed.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }
}

async fn all_closed(replies: &mut [oneshot::Sender<Fate>]) {
    for reply in replies {
        reply.closed().await;
    }
}

fn answer(replies: Vec<oneshot::Sender<Fate>>, fates: Option<Result<Fates, DeliveryError>>) {
    // A caller that is gone does not hear its fate.
    match fates {
        None => {}
        Some(Ok(fates)) => replies.into_iter().zip(fates).for_each(|(reply, fate)| drop(reply.send(fate))),
        Some(Err(error)) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::super::{Existing, Owner};
    use super::super::Author;
    use super::*;
    use crate::source::git::{Credentials, Remote};

    fn job() -> Job {
        let remote = Remote::new("/nonexistent", Credentials::None, None).unwrap();
        let target = Target::new(remote, "main", Author::default()).unwrap();
        let owner =
            Owner { kind: Default::default(), cluster: "c".into(), namespace: "n".into(), name: "r".into() };
        let edit = Edit { owner, existing: Existing::Refuse, changes: BTreeMap::new() };
        Job { target, edit, deadline: Instant::now(), reply: oneshot::channel().0 }
    }

    /// An announced call delivers after `delay`; the batch that is open has `expected` edits.
    async fn check(delay: Duration, expected: usize) {
        let (jobs, mut queue) = mpsc::unbounded_channel();
        let pending = Arc::new(Pending { count: AtomicUsize::new(1), changed: Notify::new() });
        let announcement = Announcement(pending.clone());
        let second = async {
            tokio::time::sleep(delay).await;
            let _ = jobs.send(job());
            drop(announcement);
        };
        let (batch, ()) = tokio::join!(gather(job(), &mut queue, &pending), second);
        assert_eq!(batch.len(), expected);
    }

    #[tokio::test]
    async fn an_announced_call_is_waited_for_up_to_the_longest_window() {
        check(SHORTEST_WINDOW + Duration::from_millis(100), 2).await;
        check(LONGEST_WINDOW * 2, 1).await;
    }
}
