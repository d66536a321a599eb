//! Where a release's objects go, and what is there: from objects to files and back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use helm_engine::yaml;
use serde_json::Value;
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics};

use super::super::super::Shared;
use super::super::objects::git::{self, GitPlace};
use super::arguments::Arguments;
use super::desired::Desired;
use crate::delivery::git::layout::{self, ObjectText};
use crate::delivery::{Delivery, DeliveryError, Existing, FileIds, Instant, Owner, Reading};
use crate::manifest::object::{self, ObjectId};
use crate::release::{objects, record};

/// The place of one release.
pub(super) struct Place {
    git: GitPlace,
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
    let Some(place) = arguments.place() else { return Ok(None) };
    let git = GitPlace::open(shared, place, arguments.holder().title, owner(arguments))?;
    Ok(git.map(|git| Place { git }))
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
        self.git.folder().announce();
    }

    /// Finds out, while planning, whether another release writes the same files.
    pub(super) fn claim(&self, arguments: &Arguments, desired: &Desired) -> Result<(), Diagnostics> {
        self.git.claim(&self.files(arguments, desired)?)
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
        let files = self.files(arguments, desired)?;
        self.git.deliver(files, delivered, Existing::Refuse, longest, cancel).await
    }

    fn files(
        &self,
        arguments: &Arguments,
        desired: &Desired,
    ) -> Result<BTreeMap<String, Vec<u8>>, Diagnostics> {
        files(arguments, desired).map_err(|error| self.git.not_delivered(&error).into())
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
    /// With a warning: a place that cannot be read says nothing about the release.
    pub(super) async fn read(
        &self,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Found>, Diagnostic> {
        Ok(self.git.read(delivered, longest).await?.as_ref().map(found))
    }

    /// Reads the files that a release keeps in this folder, with its record.
    pub(super) async fn read_back(
        &self,
        longest: Duration,
    ) -> Result<(Found, Option<Vec<u8>>), DeliveryError> {
        let deadline = Instant::now() + longest;
        let listed = self.git.folder().list(deadline).await?;
        let names =
            listed.into_iter().filter(|one| one.folder.is_empty()).flat_map(|one| one.files.into_keys());
        let unseen = git::unseen(names.chain([layout::RECORD.to_owned()]));
        let reading = self.git.folder().read(&unseen, deadline).await?;
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
