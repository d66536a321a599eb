//! Where a release's objects go, and what is there: from objects to files and back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helm_engine::yaml;
use serde_json::Value;
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use super::super::super::{Shared, diagnostics};
use super::arguments::Arguments;
use super::desired::Desired;
use crate::delivery::git::layout::{self, ObjectText};
use crate::delivery::git::{Author, GitFolder, Target};
use crate::delivery::{Delivery, DeliveryError, Existing, FileIds, Instant, Owner, Parcel, Reading};
use crate::manifest::object::{self, ObjectId};
use crate::release::{objects, record};

/// The place of one release.
pub(super) struct Place {
    folder: GitFolder,
}

/// What somebody else left at a place.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The objects in the files.
    pub(super) objects: Vec<(ObjectId, Value)>,
    /// The files with their ids.
    pub(super) files: FileIds,
}

/// Returns the place that a block names; none where it delivers nowhere, or its repository is not known yet.
///
/// # Errors
/// With the attribute that names a repository or path that cannot be.
pub(super) fn of(shared: &Arc<Shared>, arguments: &Arguments) -> Result<Option<Place>, Diagnostics> {
    let Some(git) = &arguments.delivery else { return Ok(None) };
    let at = |name: &str| Path::from("delivery").attribute("git").attribute(name);
    let configuration = shared.configuration()?;
    let repository = configuration.repository(&git.repository).map_err(|one| one.at(at("repository")))?;
    let Some(remote) = repository.remote.clone() else { return Ok(None) };
    let author = Author { name: repository.author.name.clone(), email: repository.author.email.clone() };
    let target = Target::new(remote, &repository.branch, author)
        .map_err(|error| diagnostics::of_source(&error).at(at("repository")))?;
    let folder = shared
        .git()?
        .folder(target, &git.path)
        .map_err(|error| diagnostics::of_source(&error).at(at("path")))?;
    Ok(Some(Place { folder }))
}

/// Names the release in the files it owns.
pub(super) fn owner(arguments: &Arguments) -> Owner {
    Owner {
        kind: Default::default(),
        cluster: arguments.cluster.clone(),
        namespace: arguments.namespace.clone(),
        name: arguments.name.clone(),
    }
}

impl Place {
    /// Says that a delivery to this place is being prepared.
    pub(super) fn announce(&self) {
        self.folder.announce();
    }

    /// Finds out, while planning, whether another release writes the same files.
    pub(super) fn claim(&self, arguments: &Arguments, desired: &Desired) -> Result<(), Diagnostics> {
        let files = files(arguments, desired).map_err(|error| of_delivery(arguments, &error))?;
        let claimed = self.folder.claim(&owner(arguments), files.keys().map(String::as_str));
        claimed.map_err(|error| of_delivery(arguments, &error).into())
    }

    /// Puts the objects there and returns the ids of the files.
    pub(super) async fn deliver(
        &self,
        arguments: &Arguments,
        desired: &Desired,
        delivered: &FileIds,
        longest: Duration,
        cancel: CancellationToken,
    ) -> Result<FileIds, Diagnostics> {
        let files = files(arguments, desired).map_err(|error| of_delivery(arguments, &error))?;
        let parcel = Parcel {
            owner: owner(arguments),
            files,
            delivered: delivered.clone(),
            existing: Existing::Refuse,
        };
        let work = self.folder.deliver(parcel, Instant::now() + longest);
        let receipt = unless_cancelled(arguments, cancel, work).await?;
        Ok(receipt.files)
    }

    /// Deletes what was delivered.
    pub(super) async fn withdraw(
        &self,
        arguments: &Arguments,
        delivered: &FileIds,
        longest: Duration,
        cancel: CancellationToken,
    ) -> Result<(), Diagnostics> {
        let owner = owner(arguments);
        let work = self.folder.withdraw(&owner, delivered, Instant::now() + longest);
        unless_cancelled(arguments, cancel, work).await
    }

    /// Reads what is there if it is not what was delivered.
    ///
    /// # Errors
    /// With a warning: a place that cannot be read says nothing about the release.
    pub(super) async fn read(
        &self,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Found>, Diagnostic> {
        let deadline = Instant::now() + longest;
        let reading = self.folder.read(delivered, deadline).await.map_err(|error| unreadable(&error))?;
        let same =
            reading.files.values().all(|found| found.as_ref().is_some_and(|found| found.changed.is_none()));
        if same {
            return Ok(None);
        }
        // Labels that all objects share can only be told from all of them: read the unchanged files as well.
        let unknown: FileIds = delivered.keys().map(|name| (name.clone(), String::new())).collect();
        let all = self.folder.read(&unknown, deadline).await.map_err(|error| unreadable(&error))?;
        Ok(Some(found(&all)))
    }

    /// Reads the files that a release keeps in this folder, with its record.
    pub(super) async fn read_back(
        &self,
        longest: Duration,
    ) -> Result<(Found, Option<Vec<u8>>), DeliveryError> {
        let deadline = Instant::now() + longest;
        let listed = self.folder.list(deadline).await?;
        let names =
            listed.into_iter().filter(|one| one.folder.is_empty()).flat_map(|one| one.files.into_keys());
        let unknown: FileIds =
            names.chain([layout::RECORD.to_owned()]).map(|name| (name, String::new())).collect();
        let reading = self.folder.read(&unknown, deadline).await?;
        let record = reading
            .files
            .get(layout::RECORD)
            .and_then(Option::as_ref)
            .and_then(|found| found.changed.clone());
        Ok((found(&reading), record))
    }
}

/// Writes each object as a file, the list of them, and the record of what made them.
fn files(arguments: &Arguments, desired: &Desired) -> Result<BTreeMap<String, Vec<u8>>, DeliveryError> {
    let texts: Vec<String> = desired.shipped().iter().map(|one| objects::to_yaml(&one.object)).collect();
    let objects: Vec<ObjectText<'_>> = desired
        .shipped()
        .iter()
        .zip(&texts)
        .map(|(one, yaml)| ObjectText {
            api_version: &one.id.api_version,
            kind: &one.id.kind,
            namespace: one.id.namespace.as_deref(),
            name: &one.id.name,
            yaml,
        })
        .collect();
    let mut files = layout::files(&arguments.namespace, &objects)?;
    files.insert(layout::RECORD.to_owned(), record::write(&arguments.to_record()).into_bytes());
    Ok(files)
}

/// Reads the objects of the files that are there; what is no object any more counts as gone.
fn found(reading: &Reading) -> Found {
    let there = reading.files.iter().filter_map(|(name, found)| Some((name, found.as_ref()?)));
    let mut result = Found {
        files: there.clone().map(|(name, found)| (name.clone(), found.id.clone())).collect(),
        ..Found::default()
    };
    let contents =
        there.filter(|(name, _)| layout::is_object(name)).filter_map(|(_, found)| found.changed.as_deref());
    let nodes = contents.flat_map(|content| yaml::read_documents(content, 0).unwrap_or_default());
    let documents: Vec<Value> = nodes.map(|node| objects::to_json(&node)).filter(Value::is_object).collect();
    let scopes = object::Scopes::from_objects(&documents);
    let named = documents
        .into_iter()
        .filter_map(|document| Some((ObjectId::read(&document, "", &scopes).ok()?, document)));
    result.objects = named.collect();
    result
}

async fn unless_cancelled<T>(
    arguments: &Arguments,
    cancel: CancellationToken,
    work: impl Future<Output = Result<T, DeliveryError>>,
) -> Result<T, Diagnostics> {
    tokio::select! {
        done = work => done.map_err(|error| of_delivery(arguments, &error).into()),
        () = cancel.cancelled() => Err(Diagnostic::error(format!("release {} was interrupted", arguments.title()))
            .detail("It was not confirmed whether its objects are delivered.")
            .hint("plan again to see; applying again is always safe")
            .into()),
    }
}

fn of_delivery(arguments: &Arguments, error: &DeliveryError) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("release {} is not delivered", arguments.title()))
        .detail(error.to_string());
    let diagnostic = diagnostic.at(Path::from("delivery").attribute("git").attribute("path"));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

fn unreadable(error: &DeliveryError) -> Diagnostic {
    let diagnostic = Diagnostic::warning("drift could not be looked for")
        .detail(format!("{error}. The plan goes by what was delivered last."));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}
