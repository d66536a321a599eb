//! What the journeys stand on: the real Terraform in a folder of its own, real git repositories and servers, and the built provider.

pub mod charts;
pub mod cluster;
pub mod distance;
pub mod faulty;
pub mod flux;
pub mod flux_controllers;
pub mod git_server;
pub mod helm;
pub mod measure;
pub mod nodes;
pub mod recorded;
pub mod repository;
pub mod sops;
pub mod terraform;
