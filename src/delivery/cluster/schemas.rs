//! What the definitions of custom kinds say of their fields.

use serde_json::Value;

use super::call::Call;
use super::client::{ApiServer, Patience};
use super::definitions::DEFINITIONS;
use super::discovery::Kinds;
use super::error::ClusterError;

/// Tells whether kinds of a group can be custom ones: names of Kubernetes' oldest groups have no dot, those of definitions must have one.
pub(super) fn may_be_defined(group: &str) -> bool {
    group.contains('.')
}

/// Reads the schema of a custom kind; none where the kind is no custom one, or its definition may not be read.
///
/// # Errors
/// When the server cannot be reached.
pub(super) async fn schema_of(
    server: &ApiServer,
    kinds: &Kinds,
    api_version: &str,
    kind: &str,
    patience: Patience,
) -> Result<Option<Value>, ClusterError> {
    let (Some((group, version)), Some(known)) = (api_version.split_once('/'), kinds.get(api_version, kind))
    else {
        return Ok(None);
    };
    let action = format!("read the definition of {api_version}/{kind}");
    let path = format!("{DEFINITIONS}/{}.{group}", known.plural);
    let definition = match server.find(&Call::get(path, action), patience).await {
        Err(error) if error.is_out_of_reach() => return Err(error),
        found => found.unwrap_or_default(),
    };
    let versions = definition.as_ref().and_then(|found| found["spec"]["versions"].as_array());
    let found = versions.into_iter().flatten().find(|one| one["name"] == version);
    Ok(found.map(|one| one["schema"]["openAPIV3Schema"].clone()))
}
