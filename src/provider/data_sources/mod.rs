//! The data sources, one file each.

pub(crate) mod render;
pub(crate) mod values;
