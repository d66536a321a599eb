//! The provider's resources, one folder or file each.

pub(crate) mod agent;
mod objects;
pub(crate) mod release;
