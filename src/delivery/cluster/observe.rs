//! What a set has in the cluster now. A LIST for each kind and namespace by the set's label; single objects are asked for
//! only where a list would bring no more than one, or does not bring what it should.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::call::{Call, escape};
use super::client::{ApiServer, Patience};
use super::discovery::Kinds;
use super::error::ClusterError;
use super::inventory::{Inventory, PART_OF, Parent};
use crate::manifest::object::ObjectId;

/// Objects on one page of a list.
const PAGE: usize = 500;

/// What a cluster holds of a set.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// Tells one cluster from another that has the same name: the uid of its `kube-system` namespace, where it may be read.
    pub cluster_uid: Option<String>,
    /// What is written down; none where nothing is.
    pub inventory: Option<Inventory>,
    /// The objects that were asked for or written down and are there.
    pub objects: BTreeMap<ObjectId, Value>,
}

/// Reads what is there of a set: everything that is written down, and `expected` besides.
///
/// # Errors
/// When something could not be asked; that says nothing about what is there.
pub async fn observe(
    server: &Arc<ApiServer>,
    parent: &Parent,
    expected: &BTreeSet<ObjectId>,
    patience: Patience,
) -> Result<Observation, ClusterError> {
    let (cluster_uid, inventory) =
        tokio::join!(cluster_uid(server, patience), read_inventory(server, parent, patience));
    let inventory = inventory?;
    let mut ids = expected.clone();
    ids.extend(inventory.iter().flat_map(|inventory| inventory.objects.iter().cloned()));
    let kinds = server.discover(&ids, false, patience).await?;
    let objects = find_all(server, &kinds, &ids, &parent.set_id(), patience).await?;
    Ok(Observation { cluster_uid: cluster_uid?, inventory, objects })
}

/// Reads what is written down of a set.
///
/// # Errors
/// As [`observe`].
pub async fn read_inventory(
    server: &ApiServer,
    parent: &Parent,
    patience: Patience,
) -> Result<Option<Inventory>, ClusterError> {
    let call = Call::get(path_of(parent), format!("read {}", parent.id()));
    Ok(server.find(&call, patience).await?.map(|map| Inventory::read(&map)))
}

/// Gives the path of an inventory, which needs no discovery.
pub(super) fn path_of(parent: &Parent) -> String {
    format!("/api/v1/namespaces/{}/configmaps/{}", escape(&parent.namespace), escape(&parent.name))
}

/// Gives the uid of `kube-system`; none where the user may not read it.
pub(super) async fn cluster_uid(
    server: &ApiServer,
    patience: Patience,
) -> Result<Option<String>, ClusterError> {
    let call = Call::get("/api/v1/namespaces/kube-system", "read v1/Namespace/kube-system");
    match server.find(&call, patience).await {
        Ok(found) => Ok(found.and_then(|found| Some(found.pointer("/metadata/uid")?.as_str()?.to_owned()))),
        Err(ClusterError::Forbidden { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Finds those of `ids` that are there.
pub(super) async fn find_all(
    server: &Arc<ApiServer>,
    kinds: &Kinds,
    ids: &BTreeSet<ObjectId>,
    set_id: &str,
    patience: Patience,
) -> Result<BTreeMap<ObjectId, Value>, ClusterError> {
    let mut groups: BTreeMap<String, Vec<ObjectId>> = BTreeMap::new();
    for id in ids {
        // What is of a kind that is not served is not there.
        let Some(kind) = kinds.get(&id.api_version, &id.kind) else { continue };
        groups.entry(kind.collection(&id.api_version, id.namespace.as_deref())).or_default().push(id.clone());
    }
    let mut work = JoinSet::new();
    for (collection, ids) in groups {
        let (server, kinds, set_id) = (Arc::clone(server), kinds.clone(), set_id.to_owned());
        work.spawn(async move { find_group(&server, &kinds, &collection, ids, &set_id, patience).await });
    }
    let mut found = BTreeMap::new();
    while let Some(group) = work.join_next().await {
        found.extend(group.map_err(|_| stopped(server))??);
    }
    Ok(found)
}

fn stopped(server: &ApiServer) -> ClusterError {
    ClusterError::Nonsense {
        cluster: server.cluster().to_owned(),
        action: "read its objects".to_owned(),
        message: "reading stopped unexpectedly".to_owned(),
    }
}

async fn find_group(
    server: &ApiServer,
    kinds: &Kinds,
    collection: &str,
    ids: Vec<ObjectId>,
    set_id: &str,
    patience: Patience,
) -> Result<Vec<(ObjectId, Value)>, ClusterError> {
    let mut listed =
        if ids.len() > 1 { list(server, collection, set_id, patience).await? } else { BTreeMap::new() };
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let object = match listed.remove(&id.name) {
            Some(object) => Some(object),
            // Without its label an object is in no list, and there all the same.
            None => find_one(server, kinds, &id, patience).await?,
        };
        found.extend(object.map(|mut object| {
            object["apiVersion"] = Value::from(id.api_version.as_str());
            object["kind"] = Value::from(id.kind.as_str());
            (id, object)
        }));
    }
    Ok(found)
}

/// Reads one object; none where it is certainly not there.
pub(super) async fn find_one(
    server: &ApiServer,
    kinds: &Kinds,
    id: &ObjectId,
    patience: Patience,
) -> Result<Option<Value>, ClusterError> {
    match kinds.path(id) {
        Some(path) => server.find(&Call::get(path, format!("read {id}")), patience).await,
        None => Ok(None),
    }
}

/// Lists the objects of a set in one place, by name.
pub(super) async fn list(
    server: &ApiServer,
    collection: &str,
    set_id: &str,
    patience: Patience,
) -> Result<BTreeMap<String, Value>, ClusterError> {
    list_labelled(server, collection, &format!("{PART_OF}={set_id}"), None, patience).await
}

/// Lists objects by their labels, by name; `accept` asks for another form of them.
pub(super) async fn list_labelled(
    server: &ApiServer,
    collection: &str,
    selector: &str,
    accept: Option<&'static str>,
    patience: Patience,
) -> Result<BTreeMap<String, Value>, ClusterError> {
    let items = select(server, collection, selector, accept, patience).await?;
    let name = |item: &Value| item.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    Ok(items.into_iter().map(|item| (name(&item).unwrap_or_default(), item)).collect())
}

/// Lists the objects of a collection that anybody made, by label; an empty selector takes all. A kind that is not served has none.
///
/// # Errors
/// When they could not be asked for.
pub async fn select_kind(
    server: &ApiServer,
    (api_version, kind): (&str, &str),
    collection: &str,
    selector: &str,
    patience: Patience,
) -> Result<Vec<Value>, ClusterError> {
    let mut found = match select(server, collection, selector, None, patience).await {
        Err(error) if error.is_absence() => Vec::new(),
        found => found?,
    };
    for object in &mut found {
        object["apiVersion"] = Value::from(api_version);
        object["kind"] = Value::from(kind);
    }
    Ok(found)
}

async fn select(
    server: &ApiServer,
    collection: &str,
    selector: &str,
    accept: Option<&'static str>,
    patience: Patience,
) -> Result<Vec<Value>, ClusterError> {
    let selector = escape(selector);
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let more = if next.is_empty() { String::new() } else { format!("&continue={}", escape(&next)) };
        let target = format!("{collection}?labelSelector={selector}&limit={PAGE}{more}");
        let mut call = Call::get(target, format!("list {collection}"));
        if let Some(accept) = accept {
            call = call.accepting(accept);
        }
        let mut page = match server.call(&call, patience).await {
            // The place of the next page is forgotten after some minutes; begin anew.
            Err(ClusterError::Refused { code: 410, .. }) if !next.is_empty() => {
                (next, found) = (String::new(), Vec::new());
                continue;
            }
            page => page?,
        };
        if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
            found.extend(items);
        }
        next = page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
        if next.is_empty() {
            return Ok(found);
        }
    }
}
