//! What Helm wrote down of a release: a record for each revision, in Secrets or, where `HELM_DRIVER` said so, in ConfigMaps.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::observe::list_labelled;

/// Names and labels are enough to find the newest; each of the records holds a whole chart.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// A kind that Helm keeps records in.
struct Store {
    kind: &'static str,
    plural: &'static str,
}

/// Helm's default comes first.
const STORES: [Store; 2] =
    [Store { kind: "Secret", plural: "secrets" }, Store { kind: "ConfigMap", plural: "configmaps" }];

/// Deletes what Helm wrote down of a release, so that Helm lists it no more.
///
/// # Errors
/// When the cluster could not be asked, or does not let it go.
pub async fn forget(
    server: &ApiServer,
    namespace: &str,
    name: &str,
    patience: Patience,
) -> Result<(), ClusterError> {
    let Some((store, revisions)) = records(server, namespace, name, patience).await? else { return Ok(()) };
    for revision in revisions.into_values() {
        let (path, id) = store.record(namespace, &revision);
        server.find(&Call::delete(&path, None, "Background", format!("delete {id}")), patience).await?;
    }
    Ok(())
}

/// Reads the record of the newest revision of a release; none where there is none.
///
/// # Errors
/// When the cluster could not be asked.
pub async fn newest_revision(
    server: &ApiServer,
    namespace: &str,
    name: &str,
    patience: Patience,
) -> Result<Option<Value>, ClusterError> {
    let Some((store, revisions)) = records(server, namespace, name, patience).await? else { return Ok(None) };
    let Some((_, newest)) = revisions.last_key_value() else { return Ok(None) };
    let (path, id) = store.record(namespace, newest);
    server.find(&Call::get(path, format!("read {id}")), patience).await
}

/// Lists the records of a release by their revisions, where there are any.
async fn records(
    server: &ApiServer,
    namespace: &str,
    name: &str,
    patience: Patience,
) -> Result<Option<(&'static Store, BTreeMap<u64, String>)>, ClusterError> {
    let selector = format!("owner=helm,name={name}");
    let prefix = format!("sh.helm.release.v1.{name}.v");
    let revision = |name: &String| name.strip_prefix(&prefix)?.parse::<u64>().ok();
    for store in &STORES {
        let collection = store.collection(namespace);
        let listed = list_labelled(server, &collection, &selector, Some(METADATA), patience).await?;
        let revisions: BTreeMap<u64, String> =
            listed.into_keys().filter_map(|name| Some((revision(&name)?, name))).collect();
        if !revisions.is_empty() {
            return Ok(Some((store, revisions)));
        }
    }
    Ok(None)
}

impl Store {
    fn collection(&self, namespace: &str) -> String {
        format!("/api/v1/namespaces/{}/{}", escape(namespace), self.plural)
    }

    /// Gives the path of a record, and its name for people.
    fn record(&self, namespace: &str, name: &str) -> (String, String) {
        (
            format!("{}/{}", self.collection(namespace), escape(name)),
            format!("v1/{}/{namespace}/{name}", self.kind),
        )
    }
}
