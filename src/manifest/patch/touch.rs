//! What each patch changed, for people who ask why a field is as it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Patch, PatchFailure, Subject, apply_watched};
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::display::DisplayForm;
use crate::manifest::object::{ObjectId, Scopes};

/// What one patch did to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The patch's number, from zero.
    pub patch: usize,
    /// The object's key.
    pub object: String,
    /// The fields that came or changed, as a plan writes them.
    pub set: Vec<String>,
    /// The fields that went.
    pub removed: Vec<String>,
    /// Whether the object went as a whole.
    pub deleted: bool,
}

/// Tells what each patch changes, in their order; a patch that changes nothing of an object it matches is listed with no
/// fields.
///
/// # Errors
/// As [`apply`](super::apply).
pub fn touches(
    patches: &[Patch],
    objects: &[Value],
    release_namespace: &str,
) -> Result<Vec<Touch>, PatchFailure> {
    let mut subjects: Vec<Subject> =
        objects.iter().map(|object| Subject { object: object.clone(), ..Subject::default() }).collect();
    let scopes = Scopes::from_objects(objects);
    let key = |object: &Value| {
        ObjectId::read(object, release_namespace, &scopes).map(|id| id.key()).unwrap_or_default()
    };
    let mut touches = Vec::new();
    apply_watched(patches, &mut subjects, release_namespace, |patch, before, after| {
        let fields = fields(before);
        let object = key(after.unwrap_or(before));
        let after = after.map(self::fields);
        let deleted = after.is_none();
        let after = after.unwrap_or_default();
        let set = after.iter().filter(|(path, value)| fields.get(*path) != Some(value) && !deleted);
        let removed = fields.keys().filter(|path| !after.contains_key(*path) && !deleted);
        touches.push(Touch {
            patch,
            object,
            set: set.map(|(path, _)| path.clone()).collect(),
            removed: removed.cloned().collect(),
            deleted,
        });
    })?;
    Ok(touches)
}

fn fields(object: &Value) -> BTreeMap<String, Value> {
    let form = DisplayForm::of(object, &CommonLabels::default());
    form.fields.into_iter().map(|field| (field.path, field.value)).collect()
}
