//! A release that comes from Helm or from another resource: what is looked for in the cluster before it is taken over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, Object};
use tokio::task::JoinSet;

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::description::Heritage;
use super::super::objects::predecessor::Predecessor;
use super::arguments::Arguments;
use super::desired::{Desired, desired};
use super::files::Found;
use super::import::adopt;
use super::import_cluster::show;
use super::private::Private;
use crate::delivery::cluster::{ClusterError, Patience, helm};
use crate::manifest::object::ObjectId;
use crate::release::helm_storage::{self, HelmRelease};
use crate::release::{documents, formats::Format};

/// Asking a cluster may take this long.
const LONGEST: Duration = Duration::from_secs(60);

/// Reads what Helm wrote down of a revision, with the objects of its manifest.
///
/// # Errors
/// When it is not one that can be taken over.
pub(super) fn read_revision(
    cluster: &str,
    namespace: &str,
    name: &str,
    record: &Json,
) -> Result<(HelmRelease, Vec<(ObjectId, Json)>), Diagnostics> {
    let kind = record["kind"].as_str().unwrap_or("Secret");
    let named = record.pointer("/metadata/name").and_then(Json::as_str).unwrap_or_default();
    let broken = |reason: String| {
        Diagnostic::error(format!("{kind} {namespace}/{named} cannot be read")).detail(reason)
    };
    let mut release = helm_storage::read(record).map_err(broken)?;
    if release.status() != "deployed" {
        return Err(Diagnostic::error(format!(
            "Helm release {namespace}/{name} on {cluster} is not deployed: its last revision, {}, is {:?}",
            release.version,
            release.status()
        ))
        .hint("bring it to an end with Helm first, `helm rollback` or `helm upgrade`, and take it over then")
        .into());
    }
    (release.namespace, release.name) = (namespace.to_owned(), name.to_owned());
    let objects = documents::read(release.manifest.as_bytes(), namespace)
        .map_err(|error| broken(format!("Its manifest is none: {error}")))?;
    Ok((release, objects))
}

/// Gives the objects as they are to be delivered: what a chart draws from chance stays as Helm's last render drew it.
///
/// # Errors
/// As [`read_revision`], when the cluster says no, and when the release cannot be rendered.
pub(super) async fn succeed(
    shared: &Arc<Shared>,
    arguments: &Arguments,
    keep: &mut Private,
    predecessor: &Predecessor,
    anew: Desired,
) -> Result<(Desired, Heritage), Diagnostics> {
    let allowed = &arguments.allow_deletion_of;
    let Predecessor::HelmRelease { namespace, name, .. } = predecessor else {
        return Ok((anew, Heritage::of(predecessor.in_cluster([], allowed))));
    };
    let mut heritage = Heritage::of(predecessor.in_cluster([], allowed));
    if arguments.in_cluster.is_none() {
        heritage.told.push(left_behind(arguments, predecessor));
    }
    // Without a way to the cluster, the plan goes by what the release says itself.
    let Ok(Some(server)) = cluster_delivery::server(shared, &arguments.cluster) else {
        return Ok((anew, heritage));
    };
    let record = match helm::newest_revision(&server, namespace, name, Patience::of_a_look(LONGEST)).await {
        Ok(Some(record)) => record,
        Ok(None) => return Ok((anew, heritage)),
        Err(error) if error.is_out_of_reach() => {
            heritage.told.push(not_seen(predecessor, &error));
            return Ok((anew, heritage));
        }
        Err(error) => return Err(cluster_delivery::of_error(&error).into()),
    };
    let (release, objects) = read_revision(&arguments.cluster, namespace, name, &record)?;
    if arguments.in_cluster.is_some() {
        heritage.told.push(taken_over(arguments, predecessor, &release));
    }
    heritage.predecessor = predecessor.in_cluster(objects.iter().map(|(id, _)| id.clone()), allowed);
    let found = Found { objects: objects.into_iter().collect(), ..Found::default() };
    adopt(keep, &anew, &found);
    if keep.adopted.values().all(|values| values.is_empty()) {
        return Ok((anew, heritage));
    }
    Ok((desired(shared, arguments, keep).await?, heritage))
}

/// Shows what Helm wrote down. Which cluster a release is for says its configuration, and a state that comes from elsewhere does not:
/// it is the only one, or the only one on which Helm deployed such a release at that time.
pub(super) async fn look_back(
    shared: &Arc<Shared>,
    mut state: Object,
    keep: &mut Private,
    predecessor: &Predecessor,
) -> Object {
    let Ok(configuration) = shared.configuration() else { return state };
    let clusters: Vec<String> = configuration.cluster_names().map(str::to_owned).collect();
    let is_only_one = clusters.len() == 1;
    let mut looks = JoinSet::new();
    for cluster in clusters {
        let (shared, predecessor) = (Arc::clone(shared), predecessor.clone());
        looks.spawn(async move { look(&shared, &cluster, &predecessor, is_only_one).await });
    }
    let mut found = looks.join_all().await.into_iter().flatten();
    if let (Some(objects), None) = (found.next(), found.next()) {
        show(&mut state, keep, objects);
    }
    state
}

/// Reads the objects of a release on one cluster. What goes wrong here goes wrong in the plan too, which tells it.
async fn look(
    shared: &Shared,
    cluster: &str,
    predecessor: &Predecessor,
    is_only_one: bool,
) -> Option<Vec<(ObjectId, Json)>> {
    let Predecessor::HelmRelease { namespace, name, deployed } = predecessor else { return None };
    let server = cluster_delivery::server(shared, cluster).ok()??;
    let patience = Patience::of_a_look(LONGEST);
    let record = helm::newest_revision(&server, namespace, name, patience).await.ok()??;
    let (release, objects) = read_revision(cluster, namespace, name, &record).ok()?;
    let is_that_one = deployed.is_some() && *deployed == release.last_deployed();
    (is_only_one || is_that_one).then_some(objects)
}

/// Forgets what Helm wrote down, after everything was taken over.
pub(super) async fn forget(
    shared: &Shared,
    arguments: &Arguments,
    predecessor: &Predecessor,
    longest: Duration,
) -> Option<Diagnostic> {
    let Predecessor::HelmRelease { namespace, name, .. } = predecessor else { return None };
    // An agent that goes on with Helm's release needs them.
    arguments.in_cluster.as_ref()?;
    let server = cluster_delivery::known(shared, &arguments.cluster).ok()?;
    let error = helm::forget(&server, namespace, name, Patience::of_a_change(longest)).await.err()?;
    Some(
        Diagnostic::warning(format!("Helm still lists release {namespace}/{name}"))
            .detail(error.to_string())
            .hint(format!("delete its records, `kubectl delete secret,configmap -n {namespace} -l owner=helm,name={name}`; `helm uninstall` would delete the objects")),
    )
}

fn taken_over(arguments: &Arguments, predecessor: &Predecessor, release: &HelmRelease) -> Diagnostic {
    let (chart, version) = release.chart();
    let (title, before) = (arguments.holder().title, predecessor.title());
    Diagnostic::warning(format!("{title} takes the place of {before}")).detail(format!(
        "It is at revision {} of chart {chart} {version}. The apply takes its objects over as they are, and deletes what Helm wrote \
         down of it: Helm will not list it any more.",
        release.version
    ))
}

fn not_seen(predecessor: &Predecessor, error: &ClusterError) -> Diagnostic {
    Diagnostic::warning(format!("{} was not looked at", predecessor.title())).detail(format!(
        "{error}\n\nWhat it had and the release has not, and values that the chart draws from chance, will show only when it is applied."
    ))
}

fn left_behind(arguments: &Arguments, predecessor: &Predecessor) -> Diagnostic {
    let title = predecessor.title();
    let format = arguments.delivery.as_ref().map(|git| &git.format);
    let detail = match format {
        Some(Format::Manifests) | None => format!(
            "{title} stays written down in the cluster, and what the release does not have any more stays there too: whoever applies the \
             files knows nothing of it."
        ),
        Some(_) => format!("{title} goes on as the release that the agent looks after; its revisions stay."),
    };
    Diagnostic::warning(format!("{} comes from {title}", arguments.holder().title)).detail(detail)
}
