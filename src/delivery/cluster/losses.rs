//! What goes along with an object that is deleted: the objects of a definition's kind, and what stands in a namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::call::Call;
use super::client::{ApiServer, Patience};
use super::definitions;
use super::error::ClusterError;
use crate::manifest::object::ObjectId;

/// How many objects go along, by kind.
pub type Losses = BTreeMap<String, u64>;

/// Counting may take so long: it is a courtesy of an error.
const LONGEST: Duration = Duration::from_secs(15);

/// Counts what goes along with an object, by kind; nothing for kinds that take nothing along.
///
/// # Errors
/// When the server cannot be asked.
pub async fn losses(server: &Arc<ApiServer>, id: &ObjectId) -> Result<Losses, ClusterError> {
    let patience = Patience::of_a_look(LONGEST);
    match id.kind.as_str() {
        "CustomResourceDefinition" => {
            let Some((kind, collection)) = definitions::served(server, &id.name, patience).await? else {
                return Ok(Losses::new());
            };
            let objects = count(server, &collection, patience).await?;
            Ok(Losses::from([(kind, objects)]))
        }
        "Namespace" => of_namespace(server, &id.name, patience).await,
        _ => Ok(Losses::new()),
    }
}

/// Counts what stands in a namespace. Events are no loss, and kinds that cannot be listed hold nothing.
async fn of_namespace(
    server: &Arc<ApiServer>,
    namespace: &str,
    patience: Patience,
) -> Result<Losses, ClusterError> {
    let kinds = server.discover(&[], true, patience).await?;
    let mut work = JoinSet::new();
    let mut seen = BTreeSet::new();
    for (api_version, name, kind) in
        kinds.all().filter(|(_, name, kind)| kind.is_namespaced && *name != "Event")
    {
        // Versions of a group show the same objects.
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        if !seen.insert((group.to_owned(), kind.plural.clone())) {
            continue;
        }
        let (server, name) = (Arc::clone(server), name.to_owned());
        let collection = kind.collection(api_version, Some(namespace));
        work.spawn(async move { (name, count(&server, &collection, patience).await.unwrap_or_default()) });
    }
    let mut found = Losses::new();
    while let Some(counted) = work.join_next().await {
        if let Ok((kind, objects)) = counted
            && objects > 0
        {
            *found.entry(kind).or_default() += objects;
        }
    }
    Ok(found)
}

/// Counts the objects of a list without reading them: a page of one says how many remain.
async fn count(server: &ApiServer, collection: &str, patience: Patience) -> Result<u64, ClusterError> {
    let call = Call::get(format!("{collection}?limit=1"), format!("count {collection}"));
    let listed = server.find(&call, patience).await?.unwrap_or_default();
    let page = listed["items"].as_array().map_or(0, Vec::len) as u64;
    Ok(page + listed.pointer("/metadata/remainingItemCount").and_then(Value::as_u64).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::super::fake::{Fake, absent};
    use super::*;
    use serde_json::json;

    async fn check(id: &str, expected: &[(&str, u64)]) {
        let resource = |name: &str, kind: &str| json!({"resource": name, "responseKind": {"kind": kind}, "scope": "Namespaced"});
        let groups = json!({"kind": "APIGroupDiscoveryList", "items": [
            {"metadata": {"name": "apps"}, "versions": [
                {"version": "v1", "resources": [resource("deployments", "Deployment")]},
                {"version": "v1beta2", "resources": [resource("deployments", "Deployment")]}]}]});
        let core = json!({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": ""}, "versions": [
            {"version": "v1", "resources": [resource("secrets", "Secret"), resource("events", "Event"), resource("bindings", "Binding")]}]}]});
        let definition = json!({"spec": {"group": "x.io", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true, "storage": true}]}});
        let fake = Fake::of(move |request, _| match request {
            "GET /api" => (200, core.clone()),
            "GET /apis" => (200, groups.clone()),
            "GET /apis/apps/v1/namespaces/shop/deployments?limit=1" => {
                (200, json!({"items": [{}], "metadata": {"remainingItemCount": 2}}))
            }
            "GET /api/v1/namespaces/shop/secrets?limit=1" => (200, json!({"items": [{}], "metadata": {}})),
            "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.x.io" => {
                (200, definition.clone())
            }
            "GET /apis/x.io/v1/things?limit=1" => {
                (200, json!({"items": [{}], "metadata": {"remainingItemCount": 40}}))
            }
            _ => absent(),
        });
        let id = ObjectId::parse(id).expect("a key");
        let found = losses(&fake.server, &id).await.expect("it answers");
        let expected: Losses = expected.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
        assert_eq!(found, expected, "{id}");
    }

    #[tokio::test]
    async fn what_goes_along_is_counted_once_by_kind() {
        check("v1/Namespace/shop", &[("Deployment", 3), ("Secret", 1)]).await;
        check("apiextensions.k8s.io/v1/CustomResourceDefinition/things.x.io", &[("Thing", 41)]).await;
        check("apiextensions.k8s.io/v1/CustomResourceDefinition/missing.x.io", &[]).await;
        check("v1/PersistentVolumeClaim/shop/data", &[]).await;
    }
}
