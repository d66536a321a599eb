//! The attributes that show objects, filled in.

use std::collections::BTreeMap;

use tf_provider::schema::{Object, Value};

use crate::manifest::images::Use;
use crate::manifest::surface::Surface;

/// Fills in what shows objects that are all known.
pub(in super::super) fn set(object: &mut Object, surface: &Surface) {
    object.set("manifests", texts(&surface.manifests));
    object.set("common_labels", texts(&surface.common_labels));
    object.set("images", texts(&images(&surface.images)));
    object.set("digest", surface.digest.as_str());
}

/// Turns texts by name into a value.
pub(in super::super) fn texts<'a>(entries: impl IntoIterator<Item = (&'a String, &'a String)>) -> Value {
    Value::map(entries.into_iter().map(|(key, value)| (key.clone(), value.clone())))
}

/// Shows where each image runs: `Deployment/web, CronJob/report`.
fn images(images: &BTreeMap<String, Vec<Use>>) -> BTreeMap<String, String> {
    let short = |key: &str| {
        let mut parts = key.rsplit('/');
        let name = parts.next().unwrap_or_default().to_owned();
        let kind = key.split('/').find(|part| part.starts_with(|first: char| first.is_ascii_uppercase()));
        format!("{}/{name}", kind.unwrap_or_default())
    };
    let shown = |uses: &[Use]| {
        let mut objects: Vec<String> = uses.iter().map(|one| short(&one.object)).collect();
        objects.dedup();
        objects.join(", ")
    };
    images.iter().map(|(image, uses)| (image.clone(), shown(uses))).collect()
}
