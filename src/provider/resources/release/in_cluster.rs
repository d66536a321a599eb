//! A release that is applied straight to its cluster: from what was rendered to a set of objects, and from what is there
//! to what the state shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object};

use super::super::super::{Shared, cluster_delivery};
use super::arguments::{self, Arguments};
use super::desired::Desired;
use super::private::Private;
use super::texts;
use crate::delivery::cluster::apply::Outcome;
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::observe::Observation;
use crate::delivery::cluster::{ObjectSet, owned};
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::display::{DisplayForm, Field};
use crate::manifest::live;
use crate::manifest::mask::{Mark, Masker, conceal, holds_private_key};
use crate::manifest::object::ObjectId;
use crate::manifest::{canonical, digest};
use crate::release::record;

/// What private state keeps of a release in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Tells the cluster from another one that has its name later.
    #[serde(default)]
    pub(super) cluster_uid: Option<String>,
    /// Object → keyed digest of the fields of ours, as they were after the last apply.
    #[serde(default)]
    pub(super) owned: BTreeMap<String, String>,
}

/// Names the release where it is written down what it has.
fn parent(arguments: &Arguments) -> Parent {
    Parent { namespace: arguments.namespace.clone(), name: format!("strata-release-{}", arguments.name) }
}

fn title(arguments: &Arguments) -> String {
    format!("release {}", arguments.title())
}

/// Makes the set; of a plan, objects are left out of which something is known only after apply.
fn set(arguments: &Arguments, desired: &Desired) -> Arc<ObjectSet> {
    let is_known = |one: &&crate::manifest::surface::Desired| {
        let key = one.id.key();
        !desired.unknown.objects.contains_key(&key)
            && !desired.unknown.hidden.contains_key(&key)
            && (!desired.unknown.any || one.marks.at.values().all(|mark| *mark != Mark::Late))
    };
    let objects = desired.objects.iter().filter(is_known);
    let policy = arguments.in_cluster.as_ref().map(|one| one.policy.clone());
    Arc::new(ObjectSet {
        title: title(arguments),
        parent: parent(arguments),
        objects: objects.cloned().collect(),
        notes: BTreeMap::from([("record".to_owned(), record::write(&arguments.to_record()))]),
        policy: policy.unwrap_or_default(),
    })
}

/// Asks the cluster what the planned release would change there, and leaves the status open where something is to be done.
///
/// # Errors
/// With everything that keeps it from being applied.
pub(super) async fn plan(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    prior: Option<&Object>,
    planned: &mut Object,
) -> Result<Diagnostics, Diagnostics> {
    let Some(settings) = &arguments.in_cluster else { return Ok(Diagnostics::new()) };
    let settled = prior.and_then(|prior| prior.string("status")).filter(|status| is_settled(status));
    planned.set("status", settled.map_or(tf_provider::schema::Value::Null, Into::into));
    if settled.is_none() || prior != Some(&*planned) {
        planned.set_unknown("status");
    }
    let is_quiet = !planned.is_unknown("status");
    // Nothing changes: who owns what is not asked again with every plan, only which release it is.
    let settings = cluster_delivery::Settings {
        asks_server: settings.asks_server && !is_quiet && desired.unknown.set.is_none(),
        ..settings.clone()
    };
    cluster_delivery::plan(shared, &arguments.cluster, &set(arguments, desired), &settings).await
}

fn is_settled(status: &str) -> bool {
    matches!(status, "ready" | "applied")
}

/// Applies a release; `prior` is its state before, none where it is new.
///
/// # Errors
/// When nothing was written.
pub(super) async fn apply(
    shared: &Shared,
    arguments: &Arguments,
    desired: Desired,
    state: Object,
    mut keep: Private,
    prior: Option<&Object>,
    cancel: &CancellationToken,
) -> Result<NewState, Diagnostics> {
    let Some(settings) = &arguments.in_cluster else { return Ok(NewState::of(state)) };
    let longest = arguments::timeout(&state, if prior.is_some() { "update" } else { "create" });
    let set = set(arguments, &desired);
    let outcome = cluster_delivery::apply(shared, &arguments.cluster, &set, longest, cancel).await?;
    keep.remember(&desired);
    remember(&mut keep, &settings.policy.field_manager, &outcome);
    let is_error = prior.is_some() || settings.taints;
    let mut warnings = desired.warnings;
    let state = if outcome.is_complete() {
        state.with("status", if settings.policy.wait { "ready" } else { "applied" })
    } else {
        warnings.push(cluster_delivery::incomplete(&set, &outcome, is_error));
        let state = if is_error { partial(state, prior, &outcome) } else { state };
        state.with("status", "incomplete")
    };
    Ok(NewState::of(state).private(keep.write()).diagnostics(warnings))
}

fn remember(keep: &mut Private, manager: &str, outcome: &Outcome) {
    let key = keep.seed.as_ref().map(|seed| seed.mask_key).unwrap_or_default();
    keep.in_cluster.cluster_uid.clone_from(&outcome.cluster_uid);
    keep.in_cluster.owned.retain(|id, _| outcome.inventory.iter().any(|one| one.key() == *id));
    for (id, live) in &outcome.applied {
        match owned::fingerprint(live, manager, &key) {
            Some(fingerprint) => keep.in_cluster.owned.insert(id.key(), fingerprint),
            None => keep.in_cluster.owned.remove(&id.key()),
        };
    }
}

/// Shows what is really there after an apply that came half-way: objects that were not written stay as they were.
fn partial(mut state: Object, prior: Option<&Object>, outcome: &Outcome) -> Object {
    let before = prior.map(|prior| prior.string_map("manifests")).unwrap_or_default();
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    let applied: BTreeSet<String> = outcome.applied.keys().map(ObjectId::key).collect();
    let there: BTreeSet<String> = outcome.inventory.iter().map(ObjectId::key).collect();
    for (key, form) in state.string_map("manifests") {
        let form = if applied.contains(key) { Some(&form) } else { before.get(key) };
        shown.extend(form.map(|form| (key.to_owned(), (*form).to_owned())));
    }
    for (key, form) in before.into_iter().filter(|(key, _)| there.contains(*key)) {
        shown.entry(key.to_owned()).or_insert_with(|| form.to_owned());
    }
    state.set("digest", digest_of(&shown));
    state.set("manifests", texts(&shown));
    state
}

/// A digest that no rendered release has, over what is shown.
fn digest_of(shown: &BTreeMap<String, String>) -> String {
    let digests: BTreeMap<&str, String> =
        shown.iter().map(|(key, form)| (key.as_str(), digest::of_canonical(form))).collect();
    digest::of_set(digests.iter().map(|(key, digest)| (*key, digest.as_str())))
}

/// Takes everything away that the release has.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn withdraw(
    shared: &Shared,
    arguments: &Arguments,
    prior: Object,
    cancel: &CancellationToken,
) -> Result<NewState, Diagnostics> {
    let longest = arguments::timeout(&prior, "delete");
    let (parent, title) = (parent(arguments), title(arguments));
    let removal =
        cluster_delivery::withdraw(shared, &arguments.cluster, &parent, &title, longest, cancel).await?;
    if removal.failed.is_empty() {
        return Ok(NewState::gone());
    }
    let left: BTreeSet<String> = removal.failed.keys().map(ObjectId::key).collect();
    let mut state = prior;
    let shown: BTreeMap<String, String> = state
        .string_map("manifests")
        .into_iter()
        .filter(|(key, _)| left.contains(*key))
        .map(|(key, form)| (key.to_owned(), form.to_owned()))
        .collect();
    state.set("digest", digest_of(&shown));
    state.set("manifests", texts(&shown));
    state.set("status", "incomplete");
    Ok(NewState::of(state).diagnostic(cluster_delivery::still_there(&title, &removal)))
}

/// Looks at what is there of a release and shows where it is not as it was applied.
pub(super) async fn read(
    shared: &Shared,
    arguments: &Arguments,
    state: Object,
    mut keep: Private,
) -> NewState {
    let expected = state.string_map("manifests").into_keys().filter_map(ObjectId::parse).collect();
    let longest = arguments::timeout(&state, "read");
    let looked =
        cluster_delivery::look(shared, &arguments.cluster, &parent(arguments), &expected, longest).await;
    let observed = match looked {
        Ok(Some(observed)) => observed,
        Ok(None) => return NewState::of(state),
        Err(warning) => return NewState::of(state).diagnostic(warning),
    };
    let mut warnings = Diagnostics::new();
    if let (Some(before), Some(now)) = (&keep.in_cluster.cluster_uid, &observed.cluster_uid)
        && before != now
    {
        warnings.push(
            Diagnostic::warning(format!("cluster {} is another one than before", arguments.cluster)).detail(
                "It has the name of the cluster that the release was applied to last, and is a new one.",
            ),
        );
    }
    let before = keep.clone();
    let state = seen(arguments, state, &mut keep, &observed, &mut warnings);
    let answer = NewState::of(state).diagnostics(warnings);
    if keep == before { answer } else { answer.private(keep.write()) }
}

fn seen(
    arguments: &Arguments,
    mut state: Object,
    keep: &mut Private,
    observed: &Observation,
    warnings: &mut Diagnostics,
) -> Object {
    let live: BTreeMap<String, &Json> =
        observed.objects.iter().map(|(id, object)| (id.key(), object)).collect();
    let common: BTreeMap<String, String> = owned_map(state.string_map("common_labels"));
    let (mut shown, mut changed, mut silent) = (BTreeMap::new(), false, Vec::new());
    for (key, form) in state.string_map("manifests") {
        let Some(object) = live.get(key) else {
            changed = true;
            continue;
        };
        let untouched = is_untouched(arguments, keep, key, object);
        let now = if untouched == Some(true) {
            form.to_owned()
        } else {
            shown_now(keep, key, form, object, &common)
        };
        changed |= now != form || untouched == Some(false);
        if now == form && untouched == Some(false) {
            silent.push(key.to_owned());
        }
        shown.insert(key.to_owned(), now);
    }
    if !changed {
        return state;
    }
    if !silent.is_empty() {
        let detail = format!("{}.", silent.join(", "));
        warnings.push(
            Diagnostic::warning("objects changed where their display forms show nothing").detail(detail),
        );
    }
    if shown.is_empty() && observed.inventory.is_none() {
        state.set("status", "missing");
    }
    state.set("digest", format!("{} (drifted)", digest_of(&shown)));
    state.set("manifests", texts(&shown));
    state
}

fn owned_map(map: BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    map.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Tells whether the fields of ours are as they were after the last apply; none where that is not known.
fn is_untouched(arguments: &Arguments, keep: &Private, key: &str, live: &Json) -> Option<bool> {
    let before = keep.in_cluster.owned.get(key)?;
    let manager = arguments.in_cluster.as_ref().map_or("strata", |one| &one.policy.field_manager);
    let mask_key = keep.seed.as_ref().map(|seed| seed.mask_key).unwrap_or_default();
    Some(owned::fingerprint(live, manager, &mask_key).as_ref() == Some(before))
}

/// Shows an object that is not as it was applied; what is secret stays hidden, with a new revision where it changed.
fn shown_now(
    keep: &mut Private,
    key: &str,
    form: &str,
    live: &Json,
    common: &BTreeMap<String, String>,
) -> String {
    let marks = keep.known_marks(key);
    let mut private_key = false;
    canonical::write_seeing(live, &mut String::new(), |text| private_key |= holds_private_key(text));
    let mut masker = Masker::new(keep.seed.as_ref().map(|seed| &seed.mask_key[..]), &keep.revisions);
    let concealed = conceal(key, live, &marks, private_key, &mut masker);
    let now = DisplayForm::of(&concealed.object, &CommonLabels::default());
    let revisions = masker.finish();
    let Ok(before) = DisplayForm::from_json(form) else {
        // The state holds digests: another one says that something differs.
        return now.summary();
    };
    let mut shown = live::shown_now(&before, &now, common);
    if shown == before {
        let missing = live::missing_stamps(&now, common).into_iter();
        shown.fields.extend(missing.map(|path| Field { path, value: Json::Null }));
        shown.fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    }
    keep.revisions.take_from(revisions);
    shown.to_json()
}
