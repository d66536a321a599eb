//! What Helm wrote down of a release: the Secret of its newest revision.

use serde_json::Value;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::observe::list_labelled;

/// Names and labels are enough to find the newest; each of the Secrets holds a whole chart.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

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
    let collection = format!("/api/v1/namespaces/{}/secrets", escape(namespace));
    let selector = format!("owner=helm,name={name}");
    let listed = list_labelled(server, &collection, &selector, Some(METADATA), patience).await?;
    let prefix = format!("sh.helm.release.v1.{name}.v");
    let revision = |name: &String| name.strip_prefix(&prefix)?.parse::<u64>().ok();
    let newest = listed.keys().filter_map(|name| Some((revision(name)?, name))).max();
    let Some((_, newest)) = newest else { return Ok(None) };
    let action = format!("read v1/Secret/{namespace}/{newest}");
    server.find(&Call::get(format!("{collection}/{}", escape(newest)), action), patience).await
}
