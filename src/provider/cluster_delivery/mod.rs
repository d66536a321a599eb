//! Delivery straight to a cluster, for every resource that has objects: finds the cluster, asks it while planning, and tells
//! Terraform in its own words what came of it.

mod report;
mod settings;
mod state;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics};

use super::Shared;
use super::connections::Access;
use crate::delivery::cluster::apply::{self, Outcome};
use crate::delivery::cluster::definitions::{self, Outgrown};
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::observe::{self, Observation};
use crate::delivery::cluster::preview;
use crate::delivery::cluster::remove::Removal;
use crate::delivery::cluster::withdraw;
use crate::delivery::cluster::{ApiServer, ClusterError, ObjectSet, Patience};
use crate::manifest::object::{ObjectId, is_custom_resource_definition};

pub(crate) use report::of_error;
pub(crate) use settings::{OnCreateFailure, Settings, block};
pub(crate) use state::{Keeper, Kept, applied, not_gone, read, remember, withdrawn};

/// Looking may take so long while Terraform plans.
const LONGEST_PREVIEW: Duration = Duration::from_secs(120);

/// Finds the API server of a cluster; none while it is not known yet how to reach it.
///
/// # Errors
/// When the cluster is not in the provider's configuration, or its block does not say how it is reached.
pub(crate) fn server(shared: &Shared, cluster: &str) -> Result<Option<Arc<ApiServer>>, Diagnostics> {
    let configuration = shared.configuration()?;
    let access = &configuration.cluster(cluster).map_err(|one| one.at("cluster"))?.access;
    if let Access::Unsaid = access {
        return Err(Diagnostic::error(format!(
            "the provider does not say how cluster {cluster:?} is reached"
        ))
        .hint(format!(
            "add `host` and credentials, or `kubeconfig {{ … }}`, to its cluster block {cluster:?}"
        ))
        .at("cluster")
        .into());
    }
    let connection = access.connection().map_err(|error| of_error(&error))?;
    Ok(connection.map(|connection| shared.clusters().server(&connection)))
}

/// Looks at what an apply would do; gives warnings about what a reader of the plan should know.
///
/// # Errors
/// With everything that keeps the set from being applied.
pub(crate) async fn plan(
    shared: &Shared,
    cluster: &str,
    set: &Arc<ObjectSet>,
    settings: &Settings,
) -> Result<Diagnostics, Diagnostics> {
    shared.clusters().claims.claim(cluster, set).map_err(|taken| report::claimed(set, &taken))?;
    if !settings.asks_server {
        return Ok(Diagnostics::new());
    }
    let server = match server(shared, cluster) {
        Ok(Some(server)) => server,
        Ok(None) => return Ok(report::not_known_yet(set, cluster).into()),
        // A kubeconfig that is not there yet is no mistake of this resource.
        Err(errors)
            if shared
                .configuration()?
                .cluster(cluster)
                .is_ok_and(|one| !matches!(one.access, Access::Unsaid)) =>
        {
            return Ok(report::offline(set, &errors.to_string()).into());
        }
        Err(errors) => return Err(errors),
    };
    let patience = Patience::of_a_look(LONGEST_PREVIEW);
    // A server that cannot be asked says so with the preview.
    let outgrown = outgrown(&server, set, patience).await.unwrap_or_default();
    if outgrown.iter().any(|one| !one.can_migrate) {
        return Err(report::stuck(set, &outgrown).into());
    }
    if !outgrown.is_empty() {
        return Ok(report::migration(set, &outgrown).into());
    }
    match preview::preview(&server, set, patience).await {
        Ok(preview) => {
            let (mut waiting, mut problems) = (Vec::new(), Vec::new());
            for problem in &preview.problems {
                match shared.clusters().claims.brought_by(cluster, set, problem) {
                    Some(by) => waiting.push((problem.object.clone(), by)),
                    None => problems.push(problem.clone()),
                }
            }
            if !problems.is_empty() {
                return Err(report::problems(set, &problems));
            }
            let mut notices = report::notices(set, &preview);
            notices.extend(report::answered(set, &preview, settings.shows_defaults));
            if waiting.is_empty() {
                shared.clusters().looks.keep(cluster, set, preview);
            } else {
                notices.push(report::waiting(set, &waiting));
            }
            Ok(notices)
        }
        Err(error) if error.is_out_of_reach() => Ok(report::offline(set, &error.to_string()).into()),
        Err(error) => Err(of_error(&error).into()),
    }
}

/// Applies a set.
///
/// # Errors
/// When nothing was written.
pub(crate) async fn apply(
    shared: &Shared,
    cluster: &str,
    set: &Arc<ObjectSet>,
    longest: Duration,
    cancel: &CancellationToken,
) -> Result<Outcome, Diagnostics> {
    let server = known(shared, cluster)?;
    let patience = Patience::of_a_change(longest);
    migrate(&server, set, patience).await.map_err(|error| of_error(&error))?;
    let preview = match shared.clusters().looks.take(cluster, set) {
        Some(preview) => preview,
        None => tokio::select! {
            preview = preview::preview(&server, set, patience) => preview.map_err(|error| of_error(&error))?,
            () = cancel.cancelled() => {
                let action = format!("{} was applied", set.title);
                return Err(of_error(&ClusterError::Interrupted { action }).into());
            }
        },
    };
    if !preview.problems.is_empty() {
        return Err(report::problems(set, &preview.problems));
    }
    let outcome =
        apply::apply(&server, set, preview, patience, cancel).await.map_err(|error| of_error(&error))?;
    match &outcome.undone {
        Some(removal) if removal.failed.is_empty() => Err(report::taken_back(set, &outcome).into()),
        _ => Ok(outcome),
    }
}

/// Finds definitions that would no longer know a version in which objects are stored.
async fn outgrown(
    server: &Arc<ApiServer>,
    set: &ObjectSet,
    patience: Patience,
) -> Result<Vec<Outgrown>, ClusterError> {
    let objects = set.objects.iter().map(|one| &one.object);
    let wanted: Vec<_> = objects.filter(|object| is_custom_resource_definition(object)).collect();
    definitions::outgrown(server, &wanted, patience).await
}

/// Rewrites the objects that are stored in a version which goes, where that is all it takes; otherwise the server refuses.
async fn migrate(server: &Arc<ApiServer>, set: &ObjectSet, patience: Patience) -> Result<(), ClusterError> {
    let mut outgrown = outgrown(server, set, patience).await?;
    outgrown.retain(|one| one.can_migrate);
    definitions::migrate(server, &outgrown, patience).await
}

/// Takes away all that a set has.
///
/// # Errors
/// When the cluster cannot be asked.
pub(crate) async fn withdraw(
    shared: &Shared,
    cluster: &str,
    parent: &Parent,
    title: &str,
    longest: Duration,
    cancel: &CancellationToken,
) -> Result<Removal, Diagnostics> {
    let server = known(shared, cluster)?;
    let patience = Patience::of_a_change(longest);
    withdraw::withdraw(&server, parent, title, patience, cancel)
        .await
        .map_err(|error| of_error(&error).into())
}

/// Leaves the objects of a set in the cluster and forgets them, because they are delivered elsewhere from now on; says so.
///
/// # Errors
/// When the cluster cannot be asked.
pub(crate) async fn let_go(
    shared: &Shared,
    cluster: &str,
    parent: &Parent,
    title: &str,
    longest: Duration,
) -> Result<Diagnostic, Diagnostics> {
    let server = known(shared, cluster)?;
    let left = withdraw::let_go(&server, parent, Patience::of_a_change(longest)).await;
    left.map(|left| report::left(title, cluster, &left)).map_err(|error| of_error(&error).into())
}

/// Looks at what a cluster has of a set; none while it is not known how to reach it.
///
/// # Errors
/// With a warning: a cluster that cannot be asked says nothing about its objects.
pub(crate) async fn look(
    shared: &Shared,
    cluster: &str,
    parent: &Parent,
    expected: &BTreeSet<ObjectId>,
    longest: Duration,
) -> Result<Option<Observation>, Diagnostic> {
    let server = match server(shared, cluster) {
        Ok(Some(server)) => server,
        Ok(None) => return Ok(None),
        Err(errors) => return Err(report::unseen(&errors.to_string(), None)),
    };
    let observed = observe::observe(&server, parent, expected, Patience::of_a_look(longest)).await;
    observed.map(Some).map_err(|error| report::unseen(&error.to_string(), error.hint()))
}

/// Finds the API server of a cluster that something is to be done on.
///
/// # Errors
/// As [`server`], and while it is still not known how to reach it.
pub(crate) fn known(shared: &Shared, cluster: &str) -> Result<Arc<ApiServer>, Diagnostics> {
    server(shared, cluster)?.ok_or_else(|| {
        Diagnostic::error(format!("it is still not known how cluster {cluster:?} is reached"))
            .hint("give the provider's cluster block values that are known by now")
            .into()
    })
}
