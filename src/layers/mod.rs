//! Values as a stack with origins, never melted: for any key it can be said who decided it and whom that shadowed.
//!
//! A [`layer`] is one ordered source of values, a [`stack`] is all of them from the chart's defaults to the cluster's
//! file, [`provenance`] says which layer decided what, and a [`layout`] names the layers' files by a path template. The
//! merge rules are Helm's. A layer may be a [`template`] over those below it. This room reads no files; texts and trees are
//! handed in.

pub mod layer;
pub mod layout;
pub mod nearest;
pub mod provenance;
pub mod secrets;
pub mod stack;
pub mod template;
