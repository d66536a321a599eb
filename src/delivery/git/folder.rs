//! A folder of a branch as the place of one release's files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::super::{
    Delivery, DeliveryError, Existing, FileIds, Found, Listed, Owner, Parcel, Reading, Receipt,
};
use super::actor::Announcement;
use super::edit::{Change, Edit};
use super::{GitDelivery, Target};
use crate::source::git::{BareClone, EntryKind, ObjectId, Session};
use crate::source::{RelativePath, SourceError};

/// A folder that the files of one release go to.
#[derive(Debug)]
pub struct GitFolder {
    delivery: GitDelivery,
    target: Target,
    folder: RelativePath,
    announcement: Mutex<Option<Announcement>>,
}

impl GitFolder {
    pub(super) fn new(delivery: GitDelivery, target: Target, folder: RelativePath) -> Self {
        Self { delivery, target, folder, announcement: Mutex::new(None) }
    }

    /// Claims the files for `owner` without writing, so that a plan finds two releases with one path.
    ///
    /// # Errors
    /// [`DeliveryError::Claimed`], and a name that escapes.
    pub fn claim<'a>(
        &self,
        owner: &Owner,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), DeliveryError> {
        let paths: Result<Vec<_>, _> = names.into_iter().map(|name| self.folder.join(name)).collect();
        self.delivery.claims().claim(&self.target, owner, paths?.iter())
    }

    /// Says that a delivery to this folder is being prepared, so that others wait for it with their commit (a second at most).
    pub fn announce(&self) {
        let announcement = self.delivery.actor(&self.target).announce();
        *self.announcement.lock().unwrap_or_else(PoisonError::into_inner) = Some(announcement);
    }

    fn take_announcement(&self) -> Option<Announcement> {
        self.announcement.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn edit(&self, parcel: Parcel) -> Result<Edit, DeliveryError> {
        let mut changes = BTreeMap::new();
        for (name, id) in &parcel.delivered {
            if !parcel.files.contains_key(name) {
                changes.insert(self.folder.join(name)?, Change::Delete { expected: known(name, id)? });
            }
        }
        for (name, content) in &parcel.files {
            let expected = parcel.delivered.get(name).map(|id| known(name, id)).transpose()?;
            let content = parcel.owner.sign(content);
            changes.insert(self.folder.join(name)?, Change::Write { content, expected });
        }
        Ok(Edit { owner: parcel.owner, existing: parcel.existing, changes })
    }

    async fn contents(
        &self,
        ids: BTreeSet<ObjectId>,
        deadline: Instant,
    ) -> Result<BTreeMap<ObjectId, Vec<u8>>, SourceError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let session = Session::open(self.target.remote(), deadline).await?;
        let clone = BareClone::open(self.delivery.cache(), &session).await?;
        clone.blobs(&session, &ids).await
    }
}

fn known(name: &str, id: &str) -> Result<ObjectId, SourceError> {
    let reason = "what was recorded of it is not the id of a git object";
    ObjectId::parse(id).ok_or_else(|| SourceError::Path { path: name.to_owned(), reason })
}

impl Delivery for GitFolder {
    async fn deliver(&self, parcel: Parcel, deadline: Instant) -> Result<Receipt, DeliveryError> {
        let announcement = self.take_announcement();
        let edit = self.edit(parcel)?;
        let receipt = self.delivery.submit(&self.target, edit, announcement, deadline).await?;
        let names =
            receipt.files.iter().filter_map(|(path, id)| Some((self.folder.strip_from(path.as_str())?, id)));
        Ok(Receipt {
            revision: receipt.commit.map(|commit| commit.to_string()).unwrap_or_default(),
            files: names.map(|(name, id)| (name.to_owned(), id.to_string())).collect(),
        })
    }

    async fn withdraw(
        &self,
        owner: &Owner,
        delivered: &FileIds,
        deadline: Instant,
    ) -> Result<(), DeliveryError> {
        let parcel = Parcel {
            owner: owner.clone(),
            files: BTreeMap::new(),
            delivered: delivered.clone(),
            existing: Existing::Refuse,
        };
        self.deliver(parcel, deadline).await.map(drop)
    }

    async fn read(&self, delivered: &FileIds, deadline: Instant) -> Result<Reading, DeliveryError> {
        let snapshot = self.delivery.snapshots().get(self.delivery.cache(), &self.target, deadline).await?;
        let mut entries = BTreeMap::new();
        for name in delivered.keys() {
            entries.insert(name, snapshot.listing.get(self.folder.join(name)?.as_str()));
        }
        let changed =
            |name: &str, id: &ObjectId| delivered.get(name).is_none_or(|known| known != id.as_str());
        let wanted = entries.iter().filter_map(|(name, entry)| Some((name, (*entry)?)));
        let wanted =
            wanted.filter(|(name, entry)| entry.kind != EntryKind::Submodule && changed(name, &entry.id));
        let contents = self.contents(wanted.map(|(_, entry)| entry.id.clone()).collect(), deadline).await?;
        let found = |name: &str, id: &ObjectId| Found {
            id: id.to_string(),
            changed: changed(name, id).then(|| contents.get(id).cloned().unwrap_or_default()),
        };
        let files =
            entries.iter().map(|(name, entry)| ((*name).clone(), entry.map(|entry| found(name, &entry.id))));
        Ok(Reading { revision: snapshot.commit.as_ref().map(ObjectId::to_string), files: files.collect() })
    }

    async fn list(&self, deadline: Instant) -> Result<Vec<Listed>, DeliveryError> {
        let snapshot = self.delivery.snapshots().get(self.delivery.cache(), &self.target, deadline).await?;
        let below =
            snapshot.listing.iter().filter_map(|(path, entry)| Some((self.folder.strip_from(path)?, entry)));
        let files: Vec<_> = below
            .filter(|(name, entry)| entry.kind == EntryKind::File && name.ends_with(".yaml"))
            .map(|(name, entry)| (name, &entry.id))
            .collect();
        let ids = files.iter().map(|(_, id)| (*id).clone()).collect();
        let contents = self.contents(ids, deadline).await?;
        let mut listed: BTreeMap<(String, Owner), FileIds> = BTreeMap::new();
        for (path, id) in files {
            let Some(owner) = contents.get(id).and_then(|content| Owner::of(content)) else { continue };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            listed.entry((folder.to_owned(), owner)).or_default().insert(name.to_owned(), id.to_string());
        }
        Ok(listed.into_iter().map(|((folder, owner), files)| Listed { owner, folder, files }).collect())
    }
}
