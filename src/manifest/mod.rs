//! Kubernetes objects as data: what they are called, how a plan shows them, how two states of them differ.
//!
//! Everything here is a pure function of the desired objects, given as `serde_json::Value`. It is not a YAML
//! reader and talks to no cluster. The order of a plan's steps:
//!
//! 1. [`object`] names each object; [`mask`] takes out what must not be seen or is not known yet;
//! 2. [`common_labels`] takes out what is stamped on all of them; [`digest`] covers the whole;
//! 3. [`display`] gives the form a plan shows, after the rules of [`normalize`];
//! 4. [`diff`] and [`change_set`] compare two states, [`order`] sorts for a delivery, [`images`] lists images;
//! 5. [`live`] holds what was shown against what is in a cluster now, [`answered`] against what it would make of it.

pub mod answered;
pub mod canonical;
pub mod change_set;
pub mod common_labels;
pub mod comparison;
pub mod defaults;
pub mod diff;
pub mod digest;
pub mod display;
mod embedded;
mod flatten;
pub mod images;
pub mod live;
pub mod mask;
pub mod merge_keys;
pub mod normalize;
pub mod object;
pub mod order;
pub mod patch;
pub mod surface;
mod text;
pub mod yaml;

pub(crate) use flatten::path_of;
