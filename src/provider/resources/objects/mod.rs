//! What all resources that deliver Kubernetes objects share: the flow of their operations, bounds on what a plan deletes, what shows
//! objects, deliveries to git and to clusters, time limits.

pub(super) mod deletions;
pub(super) mod description;
pub(super) mod flow;
pub(super) mod git;
pub(super) mod in_cluster;
pub(super) mod moved;
pub(super) mod places;
pub(super) mod predecessor;
pub(super) mod shown;
pub(super) mod timeouts;
