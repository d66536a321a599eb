//! The provider's resources, one folder or file each.

pub(crate) mod release;
