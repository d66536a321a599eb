//! A chart's hooks as objects that somebody runs: at which events, in which order, and when they are deleted again.

use std::collections::BTreeMap;

use helm_engine::manifests::{DeletePolicy, Hook, HookEvent};
use helm_engine::render::Rendered as Output;

use super::generated::differing_places;
use super::render::{chart_name, is_test, place_in_namespace, read_documents};
use super::{Hooks, Release, ReleaseError};
use crate::manifest::mask::{Mark, ObjectMarks, Reason};
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
    /// Whether chance names it, so that no plan can tell its name.
    pub is_named_by_chance: bool,
}

/// The events that an apply or a destroy has.
const RUN: [HookEvent; 6] = [
    HookEvent::PreInstall,
    HookEvent::PostInstall,
    HookEvent::PreUpgrade,
    HookEvent::PostUpgrade,
    HookEvent::PreDelete,
    HookEvent::PostDelete,
];

/// Tells whether a hook becomes part of a release, as an object or as something to run.
pub(super) fn is_taken(release: &Release<'_>, hook: &Hook) -> bool {
    !is_test(hook)
        && match release.hooks {
            Hooks::Skip => false,
            Hooks::Include => true,
            Hooks::Run => hook.events.iter().any(|event| RUN.contains(event)),
        }
}

/// Reads the hooks of a render, where the release wants them to be run.
pub(super) fn read(release: &Release<'_>, output: &Output) -> Result<Vec<HookObject>, ReleaseError> {
    let mut found = Vec::new();
    if release.hooks != Hooks::Run {
        return Ok(found);
    }
    for hook in output.hooks.iter().filter(|hook| is_taken(release, hook)) {
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
                is_named_by_chance: false,
            });
        }
    }
    Ok(found)
}

/// Marks what of hooks is secret or drawn from chance; `drawn` are those of a render that drew otherwise, where chance took part.
pub(super) fn mark(
    hooks: &mut [HookObject],
    marks: &mut BTreeMap<String, ObjectMarks>,
    drawn: Option<&[HookObject]>,
) {
    for hook in hooks {
        let key = hook.desired.id.key();
        hook.desired.marks = marks.remove(&key).unwrap_or_default();
        let Some(drawn) = drawn else { continue };
        match drawn.iter().find(|other| other.desired.id.key() == key) {
            Some(other) => {
                let places = differing_places(&hook.desired.object, &other.desired.object);
                let hidden = places.into_iter().map(|place| (place, Mark::Hidden(Reason::Generated)));
                hook.desired.marks.at.extend(hidden);
            }
            None => hook.is_named_by_chance = true,
        }
    }
}
