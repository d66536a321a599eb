//! What all resources that deliver Kubernetes objects share: bounds on what a plan deletes, what shows objects, deliveries to
//! git, time limits.

pub(super) mod deletions;
pub(super) mod git;
pub(super) mod in_cluster;
pub(super) mod shown;
pub(super) mod timeouts;
