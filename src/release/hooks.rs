//! A chart's hooks as objects that somebody runs: at which events, in which order, and when they are deleted again.

use helm_engine::manifests::{DeletePolicy, HookEvent};
use helm_engine::render::Rendered as Output;

use super::render::{chart_name, is_test, place_in_namespace, read_documents};
use super::{Hooks, Release, ReleaseError};
use crate::manifest::mask::ObjectMarks;
use crate::manifest::object;
use crate::manifest::surface::Desired;

/// A hook that is to be run.
#[derive(Clone, Debug)]
pub struct HookObject {
    /// The object.
    pub desired: Desired,
    /// When it runs.
    pub events: Vec<HookEvent>,
    /// Its place among the hooks of an event, lowest first.
    pub weight: i64,
    /// When it is deleted; without any, before it is created the next time.
    pub delete_policies: Vec<DeletePolicy>,
}

/// The events that an apply has.
const RUN: [HookEvent; 4] =
    [HookEvent::PreInstall, HookEvent::PostInstall, HookEvent::PreUpgrade, HookEvent::PostUpgrade];

/// Tells whether any of a hook's events ever comes where hooks are run by an apply.
pub(super) fn is_run(events: &[HookEvent]) -> bool {
    events.iter().any(|event| RUN.contains(event))
}

/// Reads the hooks of a render, where the release wants them to be run.
pub(super) fn read(release: &Release<'_>, output: &Output) -> Result<Vec<HookObject>, ReleaseError> {
    let mut found = Vec::new();
    if release.hooks != Hooks::Run {
        return Ok(found);
    }
    for hook in output.hooks.iter().filter(|hook| !is_test(hook) && is_run(&hook.events)) {
        let mut documents = object::expand_lists(read_documents(release, &hook.manifest.text)?);
        let ids = object::identify(&documents, release.namespace)
            .map_err(|errors| ReleaseError::Objects { chart: chart_name(release), errors })?;
        for (id, mut object) in ids.into_iter().zip(documents.drain(..)) {
            place_in_namespace(&id, &mut object);
            found.push(HookObject {
                desired: Desired { id, object, marks: ObjectMarks::default() },
                events: hook.events.clone(),
                weight: hook.weight,
                delete_policies: hook.delete_policies.clone(),
            });
        }
    }
    Ok(found)
}
