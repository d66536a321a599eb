//! What an agent keeps beside its state: Terraform stores it, never shows it, and hands it back.

use serde::{Deserialize, Serialize};

use super::super::objects::in_cluster::Kept;
use crate::delivery::FileIds;

/// The private state of one agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Private {
    /// Path in the repository → blob id of what was delivered.
    #[serde(default)]
    pub(super) delivered: FileIds,
    /// What is known of the objects in the cluster.
    #[serde(default)]
    pub(super) in_cluster: Kept,
}

impl Private {
    /// Reads the bytes that Terraform kept; empty ones are of a resource that does not exist yet.
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Returns the bytes for Terraform to keep.
    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}
