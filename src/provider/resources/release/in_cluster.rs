//! A release that is applied straight to its cluster: from what was rendered to a set of objects.

use std::collections::BTreeMap;

use helm_engine::manifests::{DeletePolicy, HookEvent};

use super::super::super::cluster_delivery;
use super::super::objects::in_cluster::{Cargo, Tenant};
use super::arguments::Arguments;
use super::desired::Desired;
use crate::delivery::cluster::hooks::{Deletion, Hook, Moment};
use crate::delivery::cluster::inventory::Parent;
use crate::manifest::mask::Mark;
use crate::release::hooks::HookObject;
use crate::release::record;

/// The note that holds the record.
pub(super) const RECORD: &str = "record";
/// The note that holds what the delivery block says.
pub(super) const DELIVERY: &str = "delivery";

/// Says who has the objects in the cluster; none where the release does not go straight to it.
pub(super) fn tenant(arguments: &Arguments) -> Option<Tenant> {
    Some(Tenant {
        title: arguments.holder().title,
        cluster: arguments.cluster.clone(),
        parent: parent(arguments),
        settings: arguments.in_cluster.clone()?,
        predecessor: None,
    })
}

/// Names the release where it is written down what it has.
pub(super) fn parent(arguments: &Arguments) -> Parent {
    Parent { namespace: arguments.namespace.clone(), name: format!("strata-release-{}", arguments.name) }
}

/// Gives what goes to the cluster; of a plan, objects are left out of which something is known only after apply.
pub(super) fn cargo(arguments: &Arguments, desired: &Desired, is_new: bool) -> Cargo {
    let is_known = |one: &&crate::manifest::surface::Desired| {
        let key = one.id.key();
        !desired.unknown.objects.contains_key(&key)
            && !desired.unknown.hidden.contains_key(&key)
            && one.marks.at.values().all(|mark| *mark != Mark::Unknown)
    };
    Cargo {
        objects: desired.objects.iter().filter(is_known).cloned().collect(),
        hooks: desired.hooks.iter().map(|hook| to_run(hook, is_new)).collect(),
        notes: notes(arguments),
        sources: desired.sources.clone(),
    }
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
        (HookEvent::PreDelete, _) => Some(Moment::BeforeRemoval),
        (HookEvent::PostDelete, _) => Some(Moment::AfterRemoval),
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
