//! What a repository has of a release: from objects to files and back.

use std::time::Duration;

use helm_engine::yaml;
use serde_json::Value;

use super::super::objects::description::Files;
use super::super::objects::git::{self, GitPlace};
use super::arguments::Arguments;
use super::desired::Desired;
use crate::delivery::git::layout::{self, ObjectText};
use crate::delivery::{Delivery, DeliveryError, FileIds, Instant, Reading};
use crate::manifest::object::{self, ObjectId};
use crate::release::{objects, record};

/// What somebody else left at a place.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The objects in the files.
    pub(super) objects: Vec<(ObjectId, Value)>,
    /// The files with their ids.
    pub(super) files: FileIds,
}

/// Reads the files that a release keeps in this folder, with its record.
pub(super) async fn read_back(
    place: &GitPlace,
    longest: Duration,
) -> Result<(Found, Option<Vec<u8>>), DeliveryError> {
    let deadline = Instant::now() + longest;
    let listed = place.folder().list(deadline).await?;
    let names = listed.into_iter().filter(|one| one.folder.is_empty()).flat_map(|one| one.files.into_keys());
    let unseen = git::unseen(names.chain([layout::RECORD.to_owned()]));
    let reading = place.folder().read(&unseen, deadline).await?;
    let record =
        reading.files.get(layout::RECORD).and_then(Option::as_ref).and_then(|found| found.changed.clone());
    Ok((found(&reading), record))
}

/// Writes each object as a file, the list of them, and the record of what made them.
pub(super) fn files(arguments: &Arguments, desired: &Desired) -> Result<Files, DeliveryError> {
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
pub(super) fn found(reading: &Reading) -> Found {
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
