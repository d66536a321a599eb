//! Where an agent's files go, and what is there.

use std::sync::Arc;
use std::time::Duration;

use helm_engine::yaml;
use serde_json::Value;
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, Object, Path};

use super::super::super::Shared;
use super::super::objects::git::{self, GitPlace};
use super::arguments::Arguments;
use super::attributes;
use super::desired::Desired;
use crate::delivery::{Delivery, Existing, FileIds, Instant, Owner, OwnerKind, Reading};
use crate::flux::gotk;
use crate::manifest::patch::{self, Subject, Written};
use crate::release::objects;

/// The place of one agent.
pub(super) struct Place {
    git: GitPlace,
}

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

/// Returns the place that a block names; none where it delivers nowhere, or its repository is not known yet.
///
/// # Errors
/// With the attribute that names a repository or path that cannot be.
pub(super) fn of(shared: &Arc<Shared>, arguments: &Arguments) -> Result<Option<Place>, Diagnostics> {
    let Some((repository, folder)) = arguments.folder() else { return Ok(None) };
    let git = GitPlace::open(shared, (repository, &folder), arguments.title(), owner(arguments))?;
    Ok(git.map(|git| Place { git }))
}

/// Names the agent in the files it owns.
fn owner(arguments: &Arguments) -> Owner {
    Owner {
        kind: OwnerKind::Agent,
        cluster: arguments.cluster.clone(),
        namespace: arguments.options.namespace.clone(),
        name: arguments.kind.word().to_owned(),
    }
}

/// Says what a destroy takes away, and what it leaves.
pub(super) fn preview_of_destroy(arguments: &Arguments, prior: &Object) -> Option<Diagnostic> {
    let (repository, folder) = arguments.folder()?;
    Some(
        Diagnostic::warning(format!("{} loses its files in {repository}:{folder}", arguments.title()))
            .detail(format!(
                "The files that go hold {}. While the agent runs and applies this folder, it finds itself gone from it and \
                 prunes its own objects. What it has applied for others stays in the cluster without an agent.",
                attributes::kinds(prior)
            ))
            .hint("to keep the agent and only forget it here, use a `removed` block with `destroy = false`"),
    )
}

impl Place {
    /// Says that a delivery to this place is being prepared.
    pub(super) fn announce(&self) {
        self.git.folder().announce();
    }

    /// Finds out, while planning, whether somebody else writes the same files.
    pub(super) fn claim(&self, arguments: &Arguments, desired: &Desired) -> Result<(), Diagnostics> {
        self.git.claim(&desired.files(arguments))
    }

    /// Looks, before a first delivery, at the files that are there: nothing of others is overwritten unseen.
    ///
    /// # Errors
    /// When there are files that may not be taken over.
    pub(super) async fn look_ahead(
        &self,
        arguments: &Arguments,
        desired: &Desired,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Diagnostic>, Diagnostics> {
        if !delivered.is_empty() {
            return Ok(None);
        }
        let wanted = desired.files(arguments);
        let unseen = git::unseen(wanted.keys().cloned());
        // What cannot be read now is looked at again before it is written.
        let reading = self.git.folder().read(&unseen, Instant::now() + longest).await;
        let Ok(reading) = reading else { return Ok(None) };
        let foreign: Vec<&str> = reading
            .files
            .iter()
            .filter_map(|(name, found)| Some((name, found.as_ref()?.changed.as_ref()?)))
            .filter(|(_, content)| Owner::of(content).as_ref() != Some(self.git.owner()))
            .map(|(name, _)| name.as_str())
            .collect();
        if foreign.is_empty() {
            return Ok(None);
        }
        let at = Path::from("delivery").attribute("git").attribute("path");
        let listed = format!("There are already: {}.", foreign.join(", "));
        let title = arguments.title();
        if arguments.delivery.as_ref().is_some_and(|git| git.adopt) {
            let found = Diagnostic::warning(format!("{title} takes over files of others"));
            return Ok(Some(found.detail(listed).at(at)));
        }
        Err(Diagnostic::error(format!("{title} would overwrite files of others"))
            .detail(listed)
            .hint("import the agent, say `adopt = true` to take the files over, or choose another path")
            .at(at)
            .into())
    }

    /// Puts the files there and returns their ids.
    pub(super) async fn deliver(
        &self,
        arguments: &Arguments,
        desired: &Desired,
        delivered: &FileIds,
        longest: Duration,
        cancel: CancellationToken,
    ) -> Result<FileIds, Diagnostics> {
        let adopt = arguments.delivery.as_ref().is_some_and(|git| git.adopt);
        let existing = if adopt { Existing::Adopt } else { Existing::Refuse };
        self.git.deliver(desired.files(arguments), delivered, existing, longest, cancel).await
    }

    /// Deletes what was delivered.
    pub(super) async fn withdraw(
        &self,
        delivered: &FileIds,
        longest: Duration,
        cancel: CancellationToken,
    ) -> Result<(), Diagnostics> {
        self.git.withdraw(delivered, longest, cancel).await
    }

    /// Reads what is there if it is not what was delivered.
    ///
    /// # Errors
    /// With a warning: a place that cannot be read says nothing about the agent.
    pub(super) async fn read(
        &self,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Found>, Diagnostic> {
        Ok(self.git.read(delivered, longest).await?.as_ref().map(found))
    }

    /// Reads the files that an agent has in this folder, whoever wrote them.
    ///
    /// # Errors
    /// As [`Place::read`].
    pub(super) async fn read_back(
        &self,
        names: impl Iterator<Item = String>,
        deadline: Instant,
    ) -> Result<Found, Diagnostic> {
        Ok(found(&self.git.read_whole(names, deadline).await?))
    }
}

/// Reads the objects of the files that are there; what is no object any more counts as gone.
fn found(reading: &Reading) -> Found {
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
