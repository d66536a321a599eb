//! What a branch holds, fetched once and shared by all releases that are refreshed together.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::target::{Key, Target};
use crate::source::SourceError;
use crate::source::git::{BareClone, Listing, ObjectId, Session};

/// A refresh of many releases is one moment; a process that lives on for a debugger fetches again.
const FRESH: Duration = Duration::from_secs(60);
/// All waiting releases learn of a dead server at once instead of each waiting for it.
const FRESH_FAILURE: Duration = Duration::from_secs(10);

/// The files of a branch at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The tip; `None` in an empty repository.
    pub(super) commit: Option<ObjectId>,
    pub(super) listing: Listing,
}

type Taken = (Instant, Result<Arc<Snapshot>, SourceError>);
type Slot = Arc<tokio::sync::Mutex<Option<Taken>>>;

/// The latest snapshot of each branch.
#[derive(Debug, Default)]
pub(super) struct Snapshots(Mutex<HashMap<Key, Slot>>);

impl Snapshots {
    /// Gives a fresh snapshot; concurrent callers share one fetch.
    pub(super) async fn get(
        &self,
        cache: &Path,
        target: &Target,
        deadline: Instant,
    ) -> Result<Arc<Snapshot>, SourceError> {
        let slot = self.slots().entry(target.key()).or_default().clone();
        let begun = Instant::now();
        let Ok(mut slot) = tokio::time::timeout_at(deadline, slot.lock()).await else {
            let action = format!("reading {target}");
            return Err(SourceError::Timeout { action, seconds: begun.elapsed().as_secs() });
        };
        if let Some((taken, result)) = slot.as_ref() {
            let fresh = if result.is_ok() { FRESH } else { FRESH_FAILURE };
            if taken.elapsed() < fresh {
                return result.clone();
            }
        }
        let result = take(cache, target, deadline).await.map(Arc::new);
        *slot = Some((Instant::now(), result.clone()));
        result
    }

    /// Drops what is known of a branch, after it was written to.
    pub(super) fn forget(&self, target: &Target) {
        self.slots().remove(&target.key());
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Slot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(cache: &Path, target: &Target, deadline: Instant) -> Result<Snapshot, SourceError> {
    let session = Session::open(target.remote(), deadline).await?;
    let clone = BareClone::open(cache, &session).await?;
    let commit = clone.fetch(&session, &target.reference()).await?;
    let listing = match &commit {
        Some(commit) => clone.listing(&session, commit).await?,
        None => Listing::new(),
    };
    Ok(Snapshot { commit, listing })
}
