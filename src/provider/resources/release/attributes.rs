//! The computed attributes: what a plan and the state show of a release.

use std::collections::BTreeMap;

use tf_provider::schema::{Object, Value};

use super::arguments::{Arguments, GitDelivery};
use super::desired::Desired;
use super::place::Found;
use super::private::Private;
use super::texts;
use crate::manifest::images::Use;
use crate::manifest::mask::{Mark, Masker, ObjectMarks, Reason};
use crate::manifest::surface::{Desired as DesiredObject, Detail, Surface, surface};

/// What shows objects; unknown together where the objects are.
const OF_OBJECTS: [&str; 5] = ["manifests", "late", "common_labels", "images", "digest"];

/// What else is computed.
const OTHERS: [&str; 4] = ["values", "chart_metadata", "delivered", "status"];

/// The arguments that must be known to render.
const NEEDED: [&str; 11] = [
    "name",
    "namespace",
    "cluster",
    "chart",
    "layout",
    "captures",
    "layer",
    "kube_version",
    "api_versions",
    "crds",
    "hooks",
];

/// Tells whether everything that rendering and delivering need is known.
pub(super) fn can_render(planned: &Object) -> bool {
    unknown_arguments(planned).is_empty()
}

/// Lists the arguments that are not known yet.
pub(super) fn unknown_arguments(planned: &Object) -> Vec<&'static str> {
    let needed = NEEDED.into_iter().chain(["plan_detail", "lint", "allow_deletion_of", "delivery"]);
    needed.filter(|name| !planned.get(name).is_wholly_known()).collect()
}

/// Fills in everything computed.
pub(super) fn with_computed(mut planned: Object, arguments: &Arguments, desired: &Desired) -> Object {
    set_surface(&mut planned, &desired.surface);
    planned.set("values", texts(&desired.values));
    planned.set("chart_metadata", texts(&desired.chart));
    planned
        .set("delivered", arguments.delivery.as_ref().map_or(Value::Null, |git| Value::from(describe(git))));
    planned.set("status", if arguments.delivery.is_some() { "delivered" } else { "rendered" });
    planned
}

/// Makes everything computed wait for apply.
pub(super) fn hide_everything(planned: &mut Object) {
    OF_OBJECTS.into_iter().chain(OTHERS).for_each(|name| planned.set_unknown(name));
}

/// Makes what shows objects wait for apply.
pub(super) fn hide_objects(planned: &mut Object) {
    OF_OBJECTS.into_iter().for_each(|name| planned.set_unknown(name));
}

/// Shows what somebody else left at the place; the next plan shows the way back.
pub(super) fn with_found(
    mut state: Object,
    arguments: &Arguments,
    found: &Found,
    keep: &mut Private,
) -> Object {
    let objects: Vec<DesiredObject> = found
        .objects
        .iter()
        .map(|(id, object)| DesiredObject {
            id: id.clone(),
            object: object.clone(),
            marks: known_marks(keep, &id.key()),
        })
        .collect();
    let mut masker = Masker::new(keep.seed.as_ref().map(|seed| &seed.mask_key[..]), &keep.revisions);
    let detail = if arguments.full_detail { Detail::Full } else { Detail::Summary };
    let shown = surface(&objects, detail, &mut masker);
    keep.revisions.take_from(masker.finish());
    keep.delivered = found.files.clone();
    set_surface(&mut state, &shown);
    if found.files.is_empty() {
        state.set("status", "missing");
    }
    state
}

/// Returns the marks that the values of an object had when it was delivered.
fn known_marks(keep: &Private, key: &str) -> ObjectMarks {
    let places = keep.generated.get(key).into_iter().flatten();
    ObjectMarks { at: places.map(|place| (place.clone(), Mark::Hidden(Reason::Generated))).collect() }
}

fn set_surface(object: &mut Object, surface: &Surface) {
    object.set("late", texts(&surface.late));
    set_shown(object, surface);
}

/// Fills in what shows objects that are all known.
pub(super) fn set_shown(object: &mut Object, surface: &Surface) {
    object.set("manifests", texts(&surface.manifests));
    object.set("common_labels", texts(&surface.common_labels));
    object.set("images", texts(&images(&surface.images)));
    object.set("digest", surface.digest.as_str());
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

fn describe(git: &GitDelivery) -> String {
    format!("{}:{}", git.repository, git.path)
}
