//! Git repositories read without a checkout: a shallow, blobless, bare clone in the cache folder and plumbing on it.
//!
//! This room fetches and reads; it never writes to a repository (that is `delivery::git`, which stands on the same
//! `Session` and `BareClone`). Everything goes through the `git` command: no library of today both fetches partial
//! clones and pushes.

mod clone;
mod command;
mod failure;
mod lock;
mod objects;
mod remote;
mod session;
mod tree;

pub use clone::Reference;
pub use command::Git;
pub use objects::{Entry, EntryKind, Listing, ObjectId};
pub use remote::{Credentials, Remote};
pub use tree::{CommitTree, GitSource, Reach};

pub(crate) use clone::BareClone;
pub(crate) use command::printable;
pub(crate) use failure::classify;
pub(crate) use session::Session;

#[cfg(test)]
pub(crate) mod fixture;
