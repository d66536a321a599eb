//! Whether a version satisfies a constraint, as Helm asks it for dependencies and `kubeVersion`.

use crate::semver::{Constraints, Version};

/// Says whether the text is a version that Helm accepts, such as `1.2`, `v1.2.3-rc.1`.
pub(crate) fn is_version(text: &str) -> bool {
    Version::parse(text).is_ok()
}

/// Says whether a version lies in the range of a constraint; false if either does not parse.
pub(crate) fn is_in_range(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraints::parse(constraint)) {
        (Ok(version), Ok(constraint)) => constraint.check(&version),
        _ => false,
    }
}
