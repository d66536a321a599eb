//! What Helm wrote down of a release: the Secret of its newest revision.

use std::collections::BTreeMap;

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::observe::list_labelled;

/// Names and labels are enough to find the newest; each of the Secrets holds a whole chart.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

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
    for revision in revisions(server, namespace, name, patience).await?.into_values() {
        let action = format!("delete v1/Secret/{namespace}/{revision}");
        let path = format!("{}/{}", collection(namespace), escape(&revision));
        server.find(&Call::delete(&path, None, "Background", action), patience).await?;
    }
    Ok(())
}

/// Lists the Secrets of a release by their revisions.
async fn revisions(
    server: &ApiServer,
    namespace: &str,
    name: &str,
    patience: Patience,
) -> Result<BTreeMap<u64, String>, ClusterError> {
    let selector = format!("owner=helm,name={name}");
    let listed = list_labelled(server, &collection(namespace), &selector, Some(METADATA), patience).await?;
    let prefix = format!("sh.helm.release.v1.{name}.v");
    let revision = |name: &String| name.strip_prefix(&prefix)?.parse::<u64>().ok();
    Ok(listed.into_keys().filter_map(|name| Some((revision(&name)?, name))).collect())
}

fn collection(namespace: &str) -> String {
    format!("/api/v1/namespaces/{}/secrets", escape(namespace))
}

/// Reads the Secret of the newest revision of a release; none where there is none.
///
/// # Errors
/// When the cluster could not be asked.
pub async fn newest_revision(
    server: &ApiServer,
    namespace: &str,
    name: &str,
    patience: Patience,
) -> Result<Option<Value>, ClusterError> {
    let revisions = revisions(server, namespace, name, patience).await?;
    let Some((_, newest)) = revisions.last_key_value() else { return Ok(None) };
    let action = format!("read v1/Secret/{namespace}/{newest}");
    server.find(&Call::get(format!("{}/{}", collection(namespace), escape(newest)), action), patience).await
}
