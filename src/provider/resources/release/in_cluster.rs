//! A release that is applied straight to its cluster: from what was rendered to a set of objects, and from what is there
//! to what the state shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use helm_engine::manifests::{DeletePolicy, HookEvent};
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object};

use super::super::super::Shared;
use super::super::super::cluster_delivery::{self, Keeper, Kept};
use super::super::objects::timeouts;
use super::arguments::Arguments;
use super::desired::Desired;
use super::private::Private;
use crate::delivery::cluster::ObjectSet;
use crate::delivery::cluster::hooks::{Deletion, Hook, Moment};
use crate::delivery::cluster::inventory::Parent;
use crate::manifest::mask::{Mark, ObjectMarks, Revisions};
use crate::release::hooks::HookObject;
use crate::release::record;

/// The note that holds the record.
pub(super) const RECORD: &str = "record";
/// The note that holds what the delivery block says.
pub(super) const DELIVERY: &str = "delivery";

impl Keeper for Private {
    fn kept(&mut self) -> &mut Kept {
        &mut self.in_cluster
    }

    fn mask_key(&self) -> Option<[u8; 32]> {
        self.seed.as_ref().map(|seed| seed.mask_key)
    }

    fn revisions(&mut self) -> &mut Revisions {
        &mut self.revisions
    }

    fn marks(&self, key: &str) -> ObjectMarks {
        self.known_marks(key)
    }
}

/// Names the release where it is written down what it has.
pub(super) fn parent(arguments: &Arguments) -> Parent {
    Parent { namespace: arguments.namespace.clone(), name: format!("strata-release-{}", arguments.name) }
}

fn title(arguments: &Arguments) -> String {
    format!("release {}", arguments.title())
}

/// Makes the set; of a plan, objects are left out of which something is known only after apply.
fn set(arguments: &Arguments, desired: &Desired, is_new: bool) -> Arc<ObjectSet> {
    let is_known = |one: &&crate::manifest::surface::Desired| {
        let key = one.id.key();
        !desired.unknown.objects.contains_key(&key)
            && !desired.unknown.hidden.contains_key(&key)
            && one.marks.at.values().all(|mark| *mark != Mark::Unknown)
    };
    let objects = desired.objects.iter().filter(is_known);
    let policy = arguments.in_cluster.as_ref().map(|one| one.policy.clone());
    Arc::new(ObjectSet {
        title: title(arguments),
        parent: parent(arguments),
        objects: objects.cloned().collect(),
        hooks: desired.hooks.iter().map(|hook| to_run(hook, is_new)).collect(),
        notes: notes(arguments),
        policy: policy.unwrap_or_default(),
    })
}

/// Writes down what an import reads back.
fn notes(arguments: &Arguments) -> BTreeMap<String, String> {
    let record = record::write(&arguments.to_record());
    let delivery = arguments.in_cluster.as_ref().map(cluster_delivery::Settings::to_note);
    let delivery = delivery.filter(|written| !written.is_empty());
    let notes = [Some((RECORD.to_owned(), record)), delivery.map(|written| (DELIVERY.to_owned(), written))];
    notes.into_iter().flatten().collect()
}

/// Gives a hook with the moments at which it runs in this apply.
fn to_run(hook: &HookObject, is_new: bool) -> Hook {
    let moment = |event: &HookEvent| match (event, is_new) {
        (HookEvent::PreInstall, true) | (HookEvent::PreUpgrade, false) => Some(Moment::Before),
        (HookEvent::PostInstall, true) | (HookEvent::PostUpgrade, false) => Some(Moment::After),
        _ => None,
    };
    let says = |policy: DeletePolicy| hook.delete_policies.contains(&policy);
    Hook {
        object: hook.desired.clone(),
        moments: hook.events.iter().filter_map(moment).collect(),
        weight: hook.weight,
        deletion: Deletion {
            before_creation: says(DeletePolicy::BeforeHookCreation) || hook.delete_policies.is_empty(),
            succeeded: says(DeletePolicy::HookSucceeded),
            failed: says(DeletePolicy::HookFailed),
        },
    }
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
    cluster_delivery::plan(shared, &arguments.cluster, &set(arguments, desired, prior.is_none()), &settings)
        .await
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
    let longest = timeouts::timeout(&state, if prior.is_some() { "update" } else { "create" });
    let set = set(arguments, &desired, prior.is_none());
    let outcome = cluster_delivery::apply(shared, &arguments.cluster, &set, longest, cancel).await?;
    keep.remember(&desired);
    cluster_delivery::remember(&mut keep, settings, &outcome);
    let (state, told) = cluster_delivery::applied(&set, settings, &outcome, state, prior);
    let mut warnings = desired.warnings;
    warnings.extend(told);
    Ok(NewState::of(state).private(keep.write()).diagnostics(warnings))
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
    let longest = timeouts::timeout(&prior, "delete");
    let (parent, title) = (parent(arguments), title(arguments));
    let removal =
        cluster_delivery::withdraw(shared, &arguments.cluster, &parent, &title, longest, cancel).await?;
    Ok(cluster_delivery::withdrawn(&title, &removal, prior))
}

/// Leaves the objects of a release that goes elsewhere now.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn let_go(
    shared: &Shared,
    before: &Arguments,
    prior: &Object,
) -> Result<Diagnostic, Diagnostics> {
    let longest = timeouts::timeout(prior, "update");
    cluster_delivery::let_go(shared, &before.cluster, &parent(before), &title(before), longest).await
}

/// Looks at what is there of a release and shows where it is not as it was applied.
pub(super) async fn read(
    shared: &Shared,
    arguments: &Arguments,
    state: Object,
    mut keep: Private,
) -> NewState {
    let Some(settings) = &arguments.in_cluster else { return NewState::of(state) };
    let longest = timeouts::timeout(&state, "read");
    let before = keep.clone();
    let (cluster, parent) = (&arguments.cluster, parent(arguments));
    let answer = cluster_delivery::read(shared, cluster, &parent, settings, state, &mut keep, longest).await;
    if keep == before { answer } else { answer.private(keep.write()) }
}
