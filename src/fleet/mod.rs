//! Many clusters at once: which services run where, told from a small file and from the folders of a repository.
//!
//! Pure: the file's text and the list of paths are handed in.

pub mod inventory;

pub use inventory::{Fleet, FleetError, FleetRelease};
