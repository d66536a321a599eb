//! The computed attributes: what a plan and the state show of a release.

use std::collections::BTreeMap;

use tf_provider::schema::{Object, Value};

use super::super::objects::shown;
use super::arguments::{Arguments, GitDelivery, SENSITIVE_VALUES};
use super::desired::Desired;
use super::files::Found;
use super::private::Private;
use crate::manifest::mask::Masker;
use crate::manifest::surface::{Desired as DesiredObject, Detail, Surface, surface};
use crate::release::formats::Format;

/// What shows objects; unknown together where the objects are.
const OF_OBJECTS: [&str; 5] = ["manifests", "late", "common_labels", "images", "digest"];

/// What else is computed.
const OTHERS: [&str; 6] =
    ["values", "chart_metadata", "delivered_objects", "hook_manifests", "delivered", "status"];

/// The arguments that must be known to render.
const NEEDED: [&str; 11] = [
    "name",
    "namespace",
    "cluster",
    "chart",
    "layout",
    "captures",
    "kube_version",
    "api_versions",
    "crds",
    "hooks",
    "patch",
];

/// Lists the arguments that rendering and delivering need and that are not known yet. Of values given as an object, each
/// may be unknown on its own.
pub(super) fn unknown_arguments(planned: &Object, config: &Object) -> Vec<String> {
    let needed = NEEDED.into_iter().chain([
        "plan_detail",
        "lint",
        "allow_deletion_of",
        "delivery",
        "sensitive_values_version",
    ]);
    let mut found: Vec<String> =
        needed.filter(|name| !planned.get(name).is_wholly_known()).map(str::to_owned).collect();
    if config.is_unknown(SENSITIVE_VALUES) {
        found.push(SENSITIVE_VALUES.to_owned());
    }
    let layers = planned.get("layer");
    let is_list = layers.elements().iter().all(|layer| !layer.is_unknown());
    if layers.is_unknown() || !is_list {
        found.push("layer".to_owned());
    }
    for layer in planned.blocks("layer") {
        let parts = layer.iter().filter(|(name, value)| match *name {
            "values" => value.is_unknown(),
            _ => !value.is_wholly_known(),
        });
        let name = layer.string("name").unwrap_or_default();
        found.extend(parts.map(|(part, _)| format!("`{part}` of layer {name:?}")));
    }
    found
}

/// Fills in everything computed.
pub(super) fn with_computed(mut planned: Object, arguments: &Arguments, desired: &Desired) -> Object {
    set_surface(&mut planned, &desired.surface);
    planned.set("values", maybe_texts(&desired.values));
    hide_unknown(&mut planned, desired);
    planned.set("chart_metadata", shown::texts(&desired.chart));
    let (delivered, status) = match (&arguments.delivery, &arguments.in_cluster) {
        (Some(git), _) => (Value::from(describe(git)), "delivered"),
        (None, Some(_)) => (Value::from(format!("cluster {}", arguments.cluster)), "applied"),
        (None, None) => (Value::Null, "rendered"),
    };
    planned.set("delivered", delivered);
    planned.set("status", status);
    let shown = desired.delivered.is_some().then(|| delivered_objects(&desired.delivered_surface));
    planned.set("delivered_objects", shown.unwrap_or(Value::Null));
    planned.set("hook_manifests", hooks(desired));
    if desired.objects_by_chance {
        hide_objects(&mut planned);
    }
    planned
}

/// Shows the hooks that are run; none where none are.
fn hooks(desired: &Desired) -> Value {
    let shown = &desired.hooks_surface.manifests;
    if shown.is_empty() {
        return Value::Null;
    }
    Value::map(shown.iter().map(|(key, form)| (key.clone(), form.clone())))
}

/// Makes wait for apply what is not known of a release that can be rendered.
fn hide_unknown(planned: &mut Object, desired: &Desired) {
    let unknown = &desired.unknown;
    if desired.unknown_keys {
        planned.set_unknown("values");
    }
    if unknown.set.is_some() {
        return hide_objects(planned);
    }
    if let Value::Map(manifests) = planned.get_mut("manifests") {
        manifests
            .iter_mut()
            .filter(|(key, _)| unknown.objects.contains_key(*key))
            .for_each(|(_, form)| *form = Value::unknown());
    }
    let waiting = || desired.surface.late.iter().filter(|(_, value)| value.is_none());
    if !unknown.objects.is_empty() {
        // Which fields of them will be late is not known either.
        planned.set_unknown("late");
    }
    if !unknown.objects.is_empty() || waiting().next().is_some() {
        planned.set_unknown("digest");
    }
    if !unknown.objects.is_empty() || waiting().any(|(path, _)| path.ends_with("image")) {
        planned.set_unknown("images");
    }
}

/// Makes everything computed wait for apply.
pub(super) fn hide_everything(planned: &mut Object) {
    OF_OBJECTS.into_iter().chain(OTHERS).for_each(|name| planned.set_unknown(name));
}

/// Makes what shows objects wait for apply.
fn hide_objects(planned: &mut Object) {
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
            marks: keep.known_marks(&id.key()),
        })
        .collect();
    let pin = arguments.sensitive_values_version.clone().unwrap_or_default();
    let mut masker =
        Masker::new(keep.seed.as_ref().map(|seed| &seed.mask_key[..]), &keep.revisions).pinned(&pin);
    let detail = if arguments.full_detail { Detail::Full } else { Detail::Summary };
    let seen = surface(&objects, detail, &mut masker);
    keep.revisions.take_from(masker.finish());
    keep.delivered = found.files.clone();
    match &arguments.delivery {
        // What the agent renders stands in no file.
        Some(git) if git.format != Format::Manifests => {
            state.set("delivered_objects", delivered_objects(&seen));
        }
        _ => set_surface(&mut state, &seen),
    }
    if found.files.is_empty() {
        state.set("status", "missing");
    }
    state
}

/// Shows what is delivered in the place of rendered objects. An object waits for apply as a whole.
fn delivered_objects(surface: &Surface) -> Value {
    let waits = |key: &String| {
        let of = |(path, value): (&String, &Option<String>)| {
            value.is_none() && path.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with(' '))
        };
        surface.late.iter().any(of)
    };
    let shown = |(key, form): (&String, &String)| {
        (key.clone(), if waits(key) { Value::unknown() } else { Value::from(form.as_str()) })
    };
    Value::map(surface.manifests.iter().map(shown))
}

/// Fills in what shows objects.
pub(super) fn set_surface(object: &mut Object, surface: &Surface) {
    object.set("late", maybe_texts(&surface.late));
    shown::set(object, surface);
}

/// Turns texts of which some are not known yet into a value.
pub(super) fn maybe_texts(entries: &BTreeMap<String, Option<String>>) -> Value {
    let value = |text: &Option<String>| text.as_deref().map_or_else(Value::unknown, Value::from);
    Value::map(entries.iter().map(|(key, text)| (key.clone(), value(text))))
}

fn describe(git: &GitDelivery) -> String {
    format!("{}:{}", git.repository, git.path)
}
