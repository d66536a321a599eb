//! The patches of a release on its rendered objects.

use super::{Release, ReleaseError};
use crate::manifest::object;
use crate::manifest::patch::{Subject, apply};
use crate::manifest::surface::Desired;

/// Applies the patches; what is known of values follows them.
///
/// # Errors
/// With the first patch that cannot be applied.
pub(super) fn patched(release: &Release<'_>, objects: Vec<Desired>) -> Result<Vec<Desired>, ReleaseError> {
    if release.patches.is_empty() {
        return Ok(objects);
    }
    let mut subjects: Vec<Subject> =
        objects.into_iter().map(|one| Subject { object: one.object, marks: one.marks }).collect();
    apply(release.patches, &mut subjects, release.namespace).map_err(ReleaseError::Patch)?;
    let (objects, marks): (Vec<_>, Vec<_>) = subjects.into_iter().map(|one| (one.object, one.marks)).unzip();
    let ids = object::identify(&objects, release.namespace)
        .map_err(|errors| ReleaseError::Objects { chart: super::render::chart_name(release), errors })?;
    let together = ids.into_iter().zip(objects).zip(marks);
    let mut desired: Vec<Desired> =
        together.map(|((id, object), marks)| Desired { id, object, marks }).collect();
    desired.sort_by_key(|one| one.id.key());
    Ok(desired)
}
