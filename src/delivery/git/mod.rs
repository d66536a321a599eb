//! Delivery to a branch of a git repository, through the `git` command with plumbing and no checkout.
//!
//! - One task per branch makes one commit of what all releases of an apply deliver together ([`GitDelivery`] is shared by them).
//! - Each release owns a folder with one file per object and a `kustomization.yaml` (see [`layout`]): a commit then names the objects
//!   it changes in its list of files, Flux reads the folder as it is, and an overlay can refer to it.
//! - Each file opens with a comment that names its owner. A file that is there and names nobody, or another owner, is not touched unless
//!   adopted; only files that an earlier receipt or reading named are deleted, and only while they are unchanged.
//! - A branch that does not exist is an error, except in a repository without any commit: there the first delivery makes it.
//! - Pushes are plain fast-forwards. A refused push is judged again from the new tip; only a push that the remote confirmed is
//!   reported as done.

mod actor;
mod claims;
mod commit;
mod edit;
mod flush;
mod folder;
pub mod layout;
mod message;
mod push;
mod snapshot;
mod target;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::DeliveryError;
use crate::source::git::ObjectId;
use crate::source::{RelativePath, SourceError};
use actor::{Actor, Announcement};
use claims::Claims;
use snapshot::Snapshots;
use target::Key;

pub use edit::{Change, Edit};
pub use folder::GitFolder;
pub use target::{Author, Target};

/// What the remote confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitReceipt {
    /// The commit that holds the files; `None` when an empty repository stayed empty.
    pub commit: Option<ObjectId>,
    /// The blobs of all written paths, also of those that were equal already.
    pub files: BTreeMap<RelativePath, ObjectId>,
}

/// All git deliveries of a process: clones in one cache folder, one task per branch, one register of claims.
#[derive(Clone, Debug)]
pub struct GitDelivery(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cache: PathBuf,
    actors: Mutex<HashMap<Key, Actor>>,
    snapshots: Arc<Snapshots>,
    claims: Claims,
}

impl GitDelivery {
    /// Prepares deliveries that keep their clones below `cache`; nothing is done yet.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self(Arc::new(Shared {
            cache: cache.into(),
            actors: Mutex::default(),
            snapshots: Arc::default(),
            claims: Claims::default(),
        }))
    }

    /// Gives a folder of a branch as a place for one release.
    ///
    /// # Errors
    /// [`SourceError::Path`] when the folder leaves the repository.
    pub fn folder(&self, target: Target, folder: &str) -> Result<GitFolder, SourceError> {
        Ok(GitFolder::new(self.clone(), target, RelativePath::new(folder)?))
    }

    /// Brings an edit onto the branch together with others that arrive now; must be called on a tokio runtime.
    ///
    /// # Errors
    /// Nothing of the edit is on the branch, or its arrival is unknown; submitting it again is always safe.
    pub async fn deliver(
        &self,
        target: &Target,
        edit: Edit,
        deadline: Instant,
    ) -> Result<GitReceipt, DeliveryError> {
        self.submit(target, edit, None, deadline).await
    }

    async fn submit(
        &self,
        target: &Target,
        edit: Edit,
        announcement: Option<Announcement>,
        deadline: Instant,
    ) -> Result<GitReceipt, DeliveryError> {
        let writes = edit.changes.iter().filter(|(_, change)| matches!(change, Change::Write { .. }));
        self.claims().claim(target, &edit.owner, writes.map(|(path, _)| path))?;
        for (path, change) in &edit.changes {
            if matches!(change, Change::Delete { .. }) {
                self.claims().release(target, &edit.owner, path);
            }
        }
        self.actor(target).deliver(target, edit, announcement, deadline).await
    }

    fn actor(&self, target: &Target) -> Actor {
        let mut actors = self.0.actors.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || Actor::start(self.0.cache.clone(), self.0.snapshots.clone());
        let actor = actors.entry(target.key()).or_insert_with(start);
        if !actor.is_alive() {
            *actor = start();
        }
        actor.clone()
    }

    fn cache(&self) -> &Path {
        &self.0.cache
    }

    fn claims(&self) -> &Claims {
        &self.0.claims
    }

    fn snapshots(&self) -> &Snapshots {
        &self.0.snapshots
    }
}

#[cfg(test)]
mod tests;
