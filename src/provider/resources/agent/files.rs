//! What a repository has of an agent: the files that are there, and what becomes of them.

use std::time::Duration;

use helm_engine::yaml;
use serde_json::Value;
use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path};

use super::super::objects::description::Files;
use super::super::objects::git::{self, GitPlace};
use super::arguments::{Arguments, Kind};
use super::attributes;
use crate::delivery::{Delivery, Existing, FileIds, Instant, Owner, Reading};
use crate::flux::gotk;
use crate::manifest::patch::{self, Subject, Written};
use crate::release::objects;

/// What somebody else left at a place.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The objects in the files.
    pub(super) objects: Vec<Value>,
    /// The patches in the list of files, which the agent applies to the objects; they are applied here already.
    pub(super) patches: Vec<Written>,
    /// Whether there are patches in files of their own.
    pub(super) has_patch_files: bool,
    /// The files with their ids.
    pub(super) files: FileIds,
}

/// Looks, before a first delivery, at the files that are there: nothing of others is overwritten unseen.
///
/// # Errors
/// When there are files that may not be taken over.
pub(super) async fn look_ahead(
    place: &GitPlace,
    wanted: &Files,
    delivered: &FileIds,
    longest: Duration,
) -> Result<Option<Diagnostic>, Diagnostics> {
    if !delivered.is_empty() {
        return Ok(None);
    }
    let unseen = git::unseen(wanted.keys().cloned());
    // What cannot be read now is looked at again before it is written.
    let reading = place.folder().read(&unseen, Instant::now() + longest).await;
    let Ok(reading) = reading else { return Ok(None) };
    let foreign: Vec<&str> = reading
        .files
        .iter()
        .filter_map(|(name, found)| Some((name, found.as_ref()?.changed.as_ref()?)))
        .filter(|(_, content)| Owner::of(content).as_ref() != Some(place.owner()))
        .map(|(name, _)| name.as_str())
        .collect();
    if foreign.is_empty() {
        return Ok(None);
    }
    let at = Path::from("delivery").attribute("git").attribute("path");
    let listed = format!("There are already: {}.", foreign.join(", "));
    let title = place.title();
    if place.existing() == Existing::Adopt {
        let found = Diagnostic::warning(format!("{title} takes over files of others"));
        return Ok(Some(found.detail(listed).at(at)));
    }
    Err(Diagnostic::error(format!("{title} would overwrite files of others"))
        .detail(listed)
        .hint("import the agent, say `adopt = true` to take the files over, or choose another path")
        .at(at)
        .into())
}

/// Says what a destroy takes away from the repository; `with_agent` where the agent goes from its cluster, too.
pub(super) fn preview_of_destroy(
    arguments: &Arguments,
    prior: &Object,
    with_agent: bool,
) -> Option<Diagnostic> {
    let (repository, folder) = arguments.folder()?.place;
    let loses = format!("{} loses its files in {repository}:{folder}", arguments.title());
    let files = format!("The files that go hold {}.", attributes::kinds(prior));
    let keep = "to keep the agent and only forget it here, use a `removed` block with `destroy = false`";
    Some(if with_agent {
        Diagnostic::warning(loses).detail(files).hint(keep)
    } else {
        Diagnostic::warning(format!("{loses} and stays in its cluster"))
            .detail(format!(
                "{files} Nothing is done in the cluster. While the agent runs and applies this folder, it prunes what has left it, \
                 itself included, and what it has applied for others goes or stays as its own settings say."
            ))
            .hint(match arguments.kind {
                Kind::Flux => format!(
                    "give the provider's cluster block a connection to have Flux taken out in order, or run `flux uninstall` first; {keep}"
                ),
                Kind::ArgoCd => format!("turn pruning off in the Application if Argo CD shall stay; {keep}"),
            })
    })
}

/// Reads the objects of the files that are there; what is no object any more counts as gone.
pub(super) fn found(reading: &Reading) -> Found {
    let there = reading.files.iter().filter_map(|(name, found)| Some((name, found.as_ref()?)));
    let mut result = Found {
        files: there.clone().map(|(name, found)| (name.clone(), found.id.clone())).collect(),
        ..Found::default()
    };
    for (_, file) in there.filter(|(name, _)| *name != gotk::INDEX_FILE) {
        let content = file.changed.as_deref().unwrap_or_default();
        let documents = yaml::read_documents(content, 0).unwrap_or_default();
        result.objects.extend(documents.iter().map(objects::to_json).filter(Value::is_object));
    }
    let index = reading.files.get(gotk::INDEX_FILE).and_then(Option::as_ref);
    let index = index.and_then(|found| found.changed.as_deref()).unwrap_or_default();
    result.patches = gotk::patches(index);
    result.has_patch_files = gotk::has_patch_files(index);
    result.objects = patched(result.objects, &result.patches);
    result
}

/// Gives the objects as the agent applies them; a patch that cannot be applied keeps it from applying anything.
fn patched(objects: Vec<Value>, written: &[Written]) -> Vec<Value> {
    let Ok(patches) = written.iter().map(Written::read).collect::<Result<Vec<_>, _>>() else {
        return objects;
    };
    let subject = |object: &Value| Subject { object: object.clone(), ..Subject::default() };
    let mut subjects: Vec<Subject> = objects.iter().map(subject).collect();
    match patch::apply(&patches, &mut subjects, "") {
        Ok(()) => subjects.into_iter().map(|one| one.object).collect(),
        Err(_) => objects,
    }
}
