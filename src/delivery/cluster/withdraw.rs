//! Takes a set away as a whole, with its hooks before and after, or forgets it and leaves its objects where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::client::{ApiServer, Patience};
use super::error::ClusterError;
use super::hooks::{Hook, Moment, Running};
use super::inventory::Parent;
use super::remove::{Removal, remove};
use super::set::{ObjectSet, Policy, Sources};
use super::{farewell, handover, observe};
use crate::manifest::object::ObjectId;

/// Takes away everything that a set has, and at the end what is written down of it. A hook that fails ends it.
///
/// # Errors
/// When the server cannot be asked. What single objects refused is in [`Removal::failed`]; the inventory then still names them.
pub async fn withdraw(
    server: &Arc<ApiServer>,
    parent: &Parent,
    title: &str,
    patience: Patience,
    stop: &CancellationToken,
) -> Result<Removal, ClusterError> {
    let Some(inventory) = observe::read_inventory(server, parent, patience).await? else {
        return Ok(Removal::default());
    };
    let with_hooks = inventory.notes.contains_key(farewell::NOTE);
    let hooks = if with_hooks { farewell::read(server, parent, patience).await? } else { Vec::new() };
    let set = removed(parent, title, hooks);
    let running = Running { server, set: &set, patience, stop };
    if let Err((hook, error)) = running.run(Moment::BeforeRemoval).await {
        return Ok(Removal { failed: BTreeMap::from([(hook, error)]), ..Removal::default() });
    }
    let kinds = server.discover(&inventory.objects, true, patience).await?;
    tracing::info!("{title}: removing {} objects", inventory.objects.len());
    let mut removal = remove(server, &kinds, &inventory.objects, &parent.set_id(), patience, stop).await;
    if removal.failed.is_empty() {
        removal.failed.extend(running.run(Moment::AfterRemoval).await.err());
    }
    if removal.failed.is_empty() {
        if with_hooks {
            farewell::forget(server, parent, patience).await?;
        }
        forget(server, parent, patience).await?;
    }
    Ok(removal)
}

/// Gives what is left of a set when it is removed.
fn removed(parent: &Parent, title: &str, hooks: Vec<Hook>) -> ObjectSet {
    ObjectSet {
        title: title.to_owned(),
        parent: parent.clone(),
        objects: Vec::new(),
        hooks,
        notes: BTreeMap::new(),
        sources: Sources::default(),
        policy: Policy::default(),
        predecessor: None,
    }
}

/// Forgets a set, takes its label off its objects and leaves them where they are; gives what they are.
///
/// # Errors
/// When the server cannot be asked.
pub async fn let_go(
    server: &Arc<ApiServer>,
    parent: &Parent,
    patience: Patience,
) -> Result<BTreeSet<ObjectId>, ClusterError> {
    let inventory = observe::read_inventory(server, parent, patience).await?.unwrap_or_default();
    handover::strip(server, parent, &inventory.objects, patience).await?;
    if inventory.notes.contains_key(farewell::NOTE) {
        farewell::forget(server, parent, patience).await?;
    }
    forget(server, parent, patience).await?;
    Ok(inventory.objects)
}

/// Deletes what is written down of a set.
pub(super) async fn forget(
    server: &ApiServer,
    parent: &Parent,
    patience: Patience,
) -> Result<(), ClusterError> {
    let action = format!("delete {}", parent.id());
    let call = Call::delete(&observe::path_of(parent), None, "Background", action);
    server.find(&call, patience).await.map(drop)
}
