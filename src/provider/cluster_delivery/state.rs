//! From what a cluster answered to what the state shows, and what private state keeps to know drift by.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object, Value};

use super::super::Shared;
use super::{OnCreateFailure, Settings, look, report};
use crate::delivery::cluster::apply::Outcome;
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::observe::Observation;
use crate::delivery::cluster::remove::Removal;
use crate::delivery::cluster::{ObjectSet, owned};
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::display::{DisplayForm, Field};
use crate::manifest::live;
use crate::manifest::mask::{Masker, ObjectMarks, Revisions, conceal, holds_private_key};
use crate::manifest::object::ObjectId;
use crate::manifest::{canonical, digest};

/// What private state keeps of objects in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Tells the cluster from another one that has its name later.
    #[serde(default)]
    pub(crate) cluster_uid: Option<String>,
    /// Object → keyed digest of the fields of ours, as they were after the last apply.
    #[serde(default)]
    pub(crate) owned: BTreeMap<String, String>,
}

/// The private state of a resource with objects in a cluster.
pub(crate) trait Keeper {
    /// Gives what is kept of the cluster.
    fn kept(&mut self) -> &mut Kept;
    /// Gives the key of the digests that tell whether something hidden changed.
    fn mask_key(&self) -> Option<[u8; 32]>;
    /// Gives which revision of every hidden value the state shows.
    fn revisions(&mut self) -> &mut Revisions;
    /// Gives how the values of an object were shown when it was applied.
    fn marks(&self, key: &str) -> ObjectMarks;
}

/// Keeps what drift will be known by.
pub(crate) fn remember(keep: &mut impl Keeper, settings: &Settings, outcome: &Outcome) {
    let key = keep.mask_key().unwrap_or_default();
    let kept = keep.kept();
    kept.cluster_uid.clone_from(&outcome.cluster_uid);
    let there: BTreeSet<String> = outcome.inventory.iter().map(ObjectId::key).collect();
    kept.owned.retain(|id, _| there.contains(id));
    for (id, live) in &outcome.applied {
        match owned::fingerprint(live, &settings.policy.field_manager, &key) {
            Some(fingerprint) => kept.owned.insert(id.key(), fingerprint),
            None => kept.owned.remove(&id.key()),
        };
    }
}

/// Gives the state after an apply that wrote something; `prior` is the one before, none for what is new.
pub(crate) fn applied(
    set: &ObjectSet,
    settings: &Settings,
    outcome: &Outcome,
    state: Object,
    prior: Option<&Object>,
) -> (Object, Option<Diagnostic>) {
    if outcome.is_complete() {
        return (state.with("status", if settings.policy.wait { "ready" } else { "applied" }), None);
    }
    let is_error = prior.is_some() || settings.on_create_failure != OnCreateFailure::Resume;
    let state = if is_error { partial(state, prior, outcome) } else { state };
    (state.with("status", "incomplete"), Some(report::incomplete(set, outcome, is_error)))
}

/// Says what of a removal is not gone; nothing where all is.
pub(crate) fn not_gone(title: &str, removal: &Removal) -> Option<Diagnostic> {
    (!removal.failed.is_empty()).then(|| report::still_there(title, removal))
}

/// Gives the state after a destroy.
pub(crate) fn withdrawn(title: &str, removal: &Removal, mut prior: Object) -> NewState {
    if removal.failed.is_empty() {
        return NewState::gone();
    }
    let away: BTreeSet<String> = removal.gone.iter().chain(removal.kept.keys()).map(ObjectId::key).collect();
    let mut shown = owned_map(prior.string_map("manifests"));
    shown.retain(|key, _| !away.contains(key));
    show(&mut prior, &shown, "");
    prior.set("status", "incomplete");
    NewState::of(prior).diagnostic(report::still_there(title, removal))
}

/// Looks at what is there and shows where it is not as it was applied.
pub(crate) async fn read(
    shared: &Shared,
    cluster: &str,
    parent: &Parent,
    settings: &Settings,
    state: Object,
    keep: &mut impl Keeper,
    longest: Duration,
) -> NewState {
    let expected = state.string_map("manifests").into_keys().filter_map(ObjectId::parse).collect();
    let observed = match look(shared, cluster, parent, &expected, longest).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return NewState::of(state),
        Err(warning) => return NewState::of(state).diagnostic(warning),
    };
    let mut warnings = Diagnostics::new();
    if let (Some(before), Some(now)) = (&keep.kept().cluster_uid, &observed.cluster_uid)
        && before != now
    {
        warnings.push(
            Diagnostic::warning(format!("cluster {cluster} is another one than before"))
                .detail("It has the name of the cluster that was applied to last, and is a new one."),
        );
    }
    let state = seen(settings, state, keep, &observed, &mut warnings);
    NewState::of(state).diagnostics(warnings)
}

fn seen(
    settings: &Settings,
    mut state: Object,
    keep: &mut impl Keeper,
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
        let untouched = is_untouched(settings, keep, key, object);
        let now = if untouched == Some(true) {
            form.to_owned()
        } else {
            shown_now(keep, key, form, object, &common, untouched == Some(false))
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
    show(&mut state, &shown, " (drifted)");
    state
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
    show(&mut state, &shown, "");
    state
}

/// Shows objects, with a digest over what is shown, which no rendered set has.
fn show(state: &mut Object, shown: &BTreeMap<String, String>, mark: &str) {
    let digests: BTreeMap<&str, String> =
        shown.iter().map(|(key, form)| (key.as_str(), digest::of_canonical(form))).collect();
    let digest = digest::of_set(digests.iter().map(|(key, digest)| (*key, digest.as_str())));
    state.set("digest", format!("{digest}{mark}"));
    state.set("manifests", Value::map(shown.iter().map(|(key, form)| (key.clone(), form.clone()))));
}

fn owned_map(map: BTreeMap<&str, &str>) -> BTreeMap<String, String> {
    map.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Tells whether the fields of ours are as they were after the last apply; none where that is not known.
fn is_untouched(settings: &Settings, keep: &mut impl Keeper, key: &str, live: &Json) -> Option<bool> {
    let mask_key = keep.mask_key().unwrap_or_default();
    let before = keep.kept().owned.get(key)?;
    Some(owned::fingerprint(live, &settings.policy.field_manager, &mask_key).as_ref() == Some(before))
}

/// Shows an object that is not as it was applied; what is secret stays hidden, with a new revision where it changed. Of one that is known
/// to be touched where nothing shows, the common labels that it lacks do: another may never have had them.
fn shown_now(
    keep: &mut impl Keeper,
    key: &str,
    form: &str,
    live: &Json,
    common: &BTreeMap<String, String>,
    is_touched: bool,
) -> String {
    let marks = keep.marks(key);
    let mut private_key = false;
    canonical::write_seeing(live, &mut String::new(), |text| private_key |= holds_private_key(text));
    let mask_key = keep.mask_key();
    let mut masker = Masker::new(mask_key.as_ref().map(|key| &key[..]), keep.revisions());
    let concealed = conceal(key, live, &marks, private_key, &mut masker);
    let now = DisplayForm::of(&concealed.object, &CommonLabels::default());
    let revisions = masker.finish();
    let Ok(before) = DisplayForm::from_json(form) else {
        // The state holds digests: another one says that something differs.
        return now.summary();
    };
    let mut shown = live::shown_now(&before, &now, common);
    if shown == before && is_touched {
        let missing = live::missing_stamps(&now, common).into_iter();
        shown.fields.extend(missing.map(|path| Field { path, value: Json::Null }));
        shown.fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    }
    keep.revisions().take_from(revisions);
    shown.to_json()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::delivery::cluster::{ClusterError, Policy, Sources};
    use crate::manifest::surface::Desired;

    fn id(name: &str) -> ObjectId {
        ObjectId::parse(format!("v1/ConfigMap/a/{name}").as_str()).expect("a key")
    }

    fn set() -> ObjectSet {
        let object = |name: &str| Desired {
            id: id(name),
            object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}}),
            marks: ObjectMarks::default(),
        };
        ObjectSet {
            title: "release a/web".into(),
            parent: Parent { namespace: "a".into(), name: "web".into() },
            objects: vec![object("one"), object("two")],
            hooks: Vec::new(),
            notes: BTreeMap::new(),
            sources: Sources::default(),
            policy: Policy::default(),
            predecessor: None,
        }
    }

    fn shown(color: &str) -> Object {
        let form = |name: &str| (id(name).key(), format!("{{\"data.color\":\"{color}\"}}"));
        Object::new().with("digest", color).with("manifests", Value::map([form("one"), form("two")]))
    }

    fn no() -> ClusterError {
        ClusterError::Unauthorized { cluster: "one".into() }
    }

    /// One object is written, the other is not.
    fn half_way() -> Outcome {
        Outcome {
            applied: BTreeMap::from([(id("one"), json!({}))]),
            failed: BTreeMap::from([(id("two"), no())]),
            inventory: BTreeSet::from([id("one"), id("two")]),
            ..Outcome::default()
        }
    }

    fn colors(state: &Object) -> Vec<String> {
        let color = |(key, form): (&str, &str)| {
            let form: Json = serde_json::from_str(form).unwrap_or_default();
            format!("{} {}", key.rsplit('/').next().unwrap_or_default(), form["data.color"])
        };
        state.string_map("manifests").into_iter().map(color).collect()
    }

    #[test]
    fn a_complete_apply_is_ready_where_it_waited() {
        let status = |wait: bool| {
            let settings = Settings { policy: Policy { wait, ..Policy::default() }, ..Settings::default() };
            let (state, told) = applied(&set(), &settings, &Outcome::default(), shown("red"), None);
            assert!(told.is_none());
            state.string("status").map(str::to_owned)
        };
        assert_eq!((status(true).as_deref(), status(false).as_deref()), (Some("ready"), Some("applied")));
    }

    #[test]
    fn a_create_that_comes_half_way_is_a_warning_unless_it_shall_be_an_error() {
        for (choice, is_error) in [
            (OnCreateFailure::Resume, false),
            (OnCreateFailure::Taint, true),
            (OnCreateFailure::Rollback, true),
        ] {
            let settings = Settings { on_create_failure: choice, ..Settings::default() };
            let (state, told) = applied(&set(), &settings, &half_way(), shown("red"), None);
            assert_eq!(told.expect("it is told").is_error(), is_error, "{choice:?}");
            assert_eq!(state.string("status"), Some("incomplete"));
        }
    }

    #[test]
    fn an_update_that_comes_half_way_shows_what_is_there() {
        let before = shown("green");
        let (state, told) = applied(&set(), &Settings::default(), &half_way(), shown("red"), Some(&before));
        assert!(told.expect("it is told").is_error());
        assert_eq!(colors(&state), ["one \"red\"", "two \"green\""]);
        assert_ne!(state.string("digest"), Some("red"), "the next plan has something to do");
    }

    #[test]
    fn a_destroy_leaves_in_the_state_what_is_still_there() {
        let stuck = Removal {
            gone: BTreeSet::from([id("one")]),
            failed: BTreeMap::from([(id("two"), no())]),
            ..Removal::default()
        };
        let state = withdrawn("release a/web", &stuck, shown("red")).state.expect("it is not gone");
        assert_eq!(colors(&state), ["two \"red\""]);
        // A hook that fails stops it before anything is removed.
        let hook = Removal { failed: BTreeMap::from([(id("hook"), no())]), ..Removal::default() };
        let state = withdrawn("release a/web", &hook, shown("red")).state.expect("it is not gone");
        assert_eq!(colors(&state), ["one \"red\"", "two \"red\""]);
        assert!(withdrawn("release a/web", &Removal::default(), shown("red")).state.is_none());
    }
}
