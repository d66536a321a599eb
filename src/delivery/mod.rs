//! Where rendered manifests go: one trait, one list of places, one suite of tests that every place passes.
//!
//! This room writes to the outside and reads back what it wrote. It knows nothing of Terraform or Helm: files with names and
//! bytes come in, a receipt goes out. What it writes carries its owner, so that nothing of others is overwritten or
//! deleted; what it could not write for certain is never reported as written.

pub mod cluster;
#[cfg(test)]
pub(crate) mod contract;
mod error;
pub mod git;
mod owner;

use std::collections::BTreeMap;
use std::future::Future;

pub use error::DeliveryError;
pub use owner::{Owner, OwnerKind};
pub use tokio::time::Instant;

/// A kind of place that manifests can be delivered to.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryKind {
    /// The name of its block in a configuration.
    pub name: &'static str,
    /// One line for the reference.
    pub summary: &'static str,
    /// A block that a user can copy.
    pub example: &'static str,
}

/// Every kind of delivery.
pub const DELIVERIES: &[DeliveryKind] = &[
    DeliveryKind {
        name: "git",
        summary: "Commits one file per object to a branch of a git repository, where Flux or Kustomize reads them.",
        example: "delivery {\n  git {\n    repository = \"clusters\"\n    path       = \"clusters/pre-gke/external-dns\"\n  }\n}\n",
    },
    DeliveryKind {
        name: "cluster",
        summary: "Applies the objects straight to the cluster, server-side, and keeps an inventory of them there.",
        example: "delivery {\n  cluster {}\n}\n",
    },
];

/// The ids of delivered files by their names below the place; an id changes when and only when the content does.
pub type FileIds = BTreeMap<String, String>;

/// All files of one owner, to be put in the place of what was delivered before.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Whose files these are.
    pub owner: Owner,
    /// Content by name below the place.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the last read or receipt said; files that are in it and not in `files` are deleted.
    pub delivered: FileIds,
    /// What to do about files that are there already and carry no owner or another one.
    pub existing: Existing,
}

/// What to do about files that somebody else put where a parcel's files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Fail and name them.
    Refuse,
    /// Take them over and replace their content.
    Adopt,
}

/// Proof that files are at the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The state of the place that holds them, for example a commit.
    pub revision: String,
    /// The ids of all files of the parcel.
    pub files: FileIds,
}

/// What a place holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The state of the place; `None` when it holds nothing at all yet.
    pub revision: Option<String>,
    /// Every name that was asked for; `None` is certain absence.
    pub files: BTreeMap<String, Option<Found>>,
}

/// A file that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its content, read only where the id differs from the one that was known.
    pub changed: Option<Vec<u8>>,
}

/// The files of one owner in one folder, as found for an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Whose they are.
    pub owner: Owner,
    /// The folder, relative to where the listing began; empty for that folder itself.
    pub folder: String,
    /// Names below the folder with their ids.
    pub files: FileIds,
}

/// A place for the files of one owner.
pub trait Delivery: Send + Sync {
    /// Puts a parcel's files there and deletes those it no longer has; all of them or none.
    ///
    /// # Errors
    /// Nothing was changed, or (connection lost, time over) it is unknown whether it was; delivering again is always safe.
    fn deliver(
        &self,
        parcel: Parcel,
        deadline: Instant,
    ) -> impl Future<Output = Result<Receipt, DeliveryError>> + Send;

    /// Deletes what was delivered; what is gone already is no error.
    ///
    /// # Errors
    /// As [`Delivery::deliver`].
    fn withdraw(
        &self,
        owner: &Owner,
        delivered: &FileIds,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), DeliveryError>> + Send;

    /// Reads back what was delivered.
    ///
    /// # Errors
    /// The place could not be read: that says nothing about its files.
    fn read(
        &self,
        delivered: &FileIds,
        deadline: Instant,
    ) -> impl Future<Output = Result<Reading, DeliveryError>> + Send;

    /// Lists all files at and below the place that carry an owner.
    ///
    /// # Errors
    /// As [`Delivery::read`].
    fn list(&self, deadline: Instant) -> impl Future<Output = Result<Vec<Listed>, DeliveryError>> + Send;
}
