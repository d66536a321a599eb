//! The computed attributes: what a plan and the state show of an agent.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tf_provider::schema::{Object, Value};

use super::super::objects::shown;
use super::arguments::Arguments;
use super::desired::{self, Desired};
use super::files::Found;
use crate::manifest::mask::Masker;
use crate::source::charts::BundleOrigin;

/// What is computed.
const COMPUTED: [&str; 7] =
    ["manifests", "common_labels", "images", "digest", "source_metadata", "delivered", "status"];

/// The arguments that may wait for apply: only some objects depend on them. The namespace is filled in here.
const MAY_WAIT: [&str; 4] = ["sync", "timeouts", "namespace", "registry_credentials"];

/// Lists the arguments that are not known yet and that everything depends on.
pub(super) fn unknown_arguments(planned: &Object, config: &Object) -> Vec<String> {
    let arguments = planned.iter().filter(|(name, _)| !COMPUTED.contains(name) && !MAY_WAIT.contains(name));
    let unknown = arguments.filter(|(_, value)| !value.is_wholly_known()).map(|(name, _)| name.to_owned());
    unknown.chain(config.is_unknown("namespace").then(|| "namespace".to_owned())).collect()
}

/// Makes everything computed wait for apply.
pub(super) fn hide_everything(planned: &mut Object) {
    COMPUTED.into_iter().for_each(|name| planned.set_unknown(name));
}

/// Fills in everything computed.
pub(super) fn with_computed(mut planned: Object, arguments: &Arguments, desired: &Desired) -> Object {
    planned.set("namespace", arguments.options.namespace.as_str());
    shown::set(&mut planned, &desired.surface);
    if !desired.waiting.is_empty() {
        let manifests = desired.surface.manifests.iter().map(|(key, form)| {
            let waits = desired.waiting.contains(key);
            (key.clone(), if waits { Value::unknown() } else { Value::from(form.as_str()) })
        });
        planned.set("manifests", Value::map(manifests.collect::<Vec<_>>()));
        planned.set_unknown("digest");
        planned.set_unknown("common_labels");
    }
    planned.set("source_metadata", shown::texts(&desired.source));
    let folder = arguments.folder().map(|folder| folder.place);
    let (delivered, status) = match (folder, &arguments.in_cluster) {
        (Some((repository, folder)), _) => (Value::from(format!("{repository}:{folder}")), "delivered"),
        (None, Some(_)) => (Value::from(format!("cluster {}", arguments.cluster)), "applied"),
        (None, None) => (Value::Null, "generated"),
    };
    planned.set("delivered", delivered);
    planned.set("status", status);
    planned
}

/// Shows what somebody else left at the place; the next plan shows the way back.
pub(super) fn with_found(mut state: Object, arguments: &Arguments, found: &Found) -> Object {
    let objects: Vec<&Json> = found.objects.iter().collect();
    let mut named = desired::named(arguments, objects.iter().copied());
    // What is never committed is shown as it was.
    let secrets = state.string_map("manifests").into_iter().filter(|(key, _)| key.starts_with("v1/Secret/"));
    let secrets: Vec<(String, String)> =
        secrets.map(|(key, form)| (key.to_owned(), form.to_owned())).collect();
    named.retain(|one| one.id.kind != "Secret");
    let (mut surface, _) = desired::shown(arguments, named, Masker::new(None, &Default::default()));
    surface.manifests.extend(secrets);
    shown::set(&mut state, &surface);
    if found.files.is_empty() {
        state.set("status", "missing");
    }
    state
}

/// Returns the digest of the manifests that a planned state names.
pub(super) fn source_digest(planned: &Object) -> Option<String> {
    planned.string_map("source_metadata").get("digest").map(|digest| (*digest).to_owned())
}

/// Returns the digest that the state before pins: what is published at one place does not change. Files of this machine are
/// their owner's to change.
pub(super) fn pinned(prior: &Object, origin: &BundleOrigin) -> Option<String> {
    let place = prior.string_map("source_metadata").get("place").map(|place| (*place).to_owned());
    let published = !matches!(origin, BundleOrigin::Path(_));
    (published && place == Some(origin.to_string())).then(|| source_digest(prior)).flatten()
}

/// Lists the objects of a state by kind: `11 CustomResourceDefinitions, 4 Deployments`.
pub(super) fn kinds(state: &Object) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for key in state.string_map("manifests").keys() {
        *counts.entry(crate::manifest::change_set::kind_of(key).to_owned()).or_default() += 1;
    }
    let counted = |(kind, count): (String, usize)| {
        let plural = if count == 1 {
            ""
        } else if kind.ends_with('y') {
            "ies"
        } else {
            "s"
        };
        let stem = if plural == "ies" { kind.trim_end_matches('y') } else { kind.as_str() };
        format!("{count} {stem}{plural}")
    };
    counts.into_iter().map(counted).collect::<Vec<_>>().join(", ")
}
