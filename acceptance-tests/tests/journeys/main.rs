//! User journeys and the behaviour of real peers, one module each.

mod agent;
mod authoring;
mod bad_input;
mod chart_sources;
mod cluster_failures;
mod display_forms;
mod drift;
mod examples;
mod explain;
mod failures;
mod fleet;
mod gallery;
mod git_bare;
mod git_http;
mod git_ssh;
mod in_cluster;
mod layers;
mod patches;
mod release;
mod secrets;
mod shop;
mod site;
mod sops;
mod template;
mod unknowns;
mod verify;
