//! Import of an agent that is live in a cluster, whoever put it there: `flux install`, plain manifests, or this resource before.
//! The next plan takes it over; what no option explains is a patch, so that taking over changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, Imported, Object};

use super::super::super::{Shared, cluster_delivery, patches};
use super::super::objects::description::Keep;
use super::arguments::{Arguments, of_flux};
use super::desired::{self, Desired};
use super::private::Private;
use super::{attributes, import};
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::{ApiServer, ClusterError, Patience, observe};
use crate::flux::adopt;

/// Looking may take so long.
const LONGEST: Duration = Duration::from_secs(120);
/// What Flux labels all its own objects with.
const PART_OF_FLUX: &str = "app.kubernetes.io/part-of=flux";
/// Where the version is written down.
const VERSION: &str = "app.kubernetes.io/version";
/// What the Kustomization, or the operator, that applies an object leaves on it.
const APPLIED_BY: [&str; 2] = ["kustomize.toolkit.fluxcd.io/name", "fluxcd.controlplane.io/name"];

/// Finds the agent that is live in a cluster; `id` is `CLUSTER` or `CLUSTER/NAMESPACE`.
///
/// # Errors
/// When the cluster cannot be asked, or has no such agent.
pub(super) async fn import(shared: &Arc<Shared>, id: &str) -> Result<Imported, Diagnostics> {
    let (cluster, namespace) = match id.split_once('/') {
        Some((cluster, namespace)) => (cluster, Some(namespace)),
        None => (id, None),
    };
    let server = cluster_delivery::known(shared, cluster)?;
    let patience = Patience::of_a_look(LONGEST);
    let read = read(&server, namespace, patience).await?;
    let adopted = adopt::installation(&read).map_err(|error| of_flux(&error))?;
    let taken =
        read.iter().any(|one| APPLIED_BY.iter().any(|label| one["metadata"]["labels"].get(label).is_some()));
    // The server takes another spelling of the same value (`1000m` for `1`) for a conflict with who wrote it first.
    let delivery = Object::new().with("force_conflicts", true);
    let delivery = if taken { delivery.with("adopt", true) } else { delivery };
    let mut state = import::live_state(cluster, &adopted, delivery);
    let mut wanted = Arguments::read(&state);
    let mut desired = desired::desired(shared, &wanted, None, &Default::default()).await?;
    let more = leftovers(&server, &wanted, &desired, patience).await.map_err(of_error)?;
    if !more.is_empty() {
        wanted.patches.extend(more);
        state.set("patch", patches::to_blocks(&wanted.patches));
        desired = desired::desired(shared, &wanted, None, &Default::default()).await?;
    }
    // It is not ours yet: the next apply writes down whose it is.
    let mut imported =
        Imported::of(attributes::with_computed(state, &wanted, &desired).with("status", "found"));
    imported.private = Private::default().write();
    Ok(imported)
}

fn of_error(error: ClusterError) -> Diagnostics {
    cluster_delivery::of_error(&error).into()
}

/// Compares what is there with what the options give.
async fn leftovers(
    server: &Arc<ApiServer>,
    arguments: &Arguments,
    desired: &Desired,
    patience: Patience,
) -> Result<Vec<crate::manifest::patch::Written>, ClusterError> {
    let options = &arguments.options;
    let parent = Parent {
        namespace: options.namespace.clone(),
        name: format!("strata-agent-{}", arguments.kind.word()),
    };
    let ids = desired.objects.iter().map(|one| one.id.clone()).collect();
    let observed = observe::observe(server, &parent, &ids, patience).await?;
    let pairs = desired.objects.iter().filter_map(|one| Some((one, observed.objects.get(&one.id)?)));
    let (generated, found): (Vec<Json>, Vec<Json>) =
        pairs.map(|(one, live)| (one.object.clone(), adopt::as_generated(&one.object, live))).unzip();
    Ok(adopt::differences(&found, &generated))
}

/// Reads the objects that the options of an installation show in.
async fn read(
    server: &ApiServer,
    namespace: Option<&str>,
    patience: Patience,
) -> Result<Vec<Json>, Diagnostics> {
    let place = namespace.map_or(String::new(), |namespace| format!("/namespaces/{namespace}"));
    let collection = format!("/apis/apps/v1{place}/deployments");
    let kind = ("apps/v1", "Deployment");
    let mut objects =
        observe::select_kind(server, kind, &collection, PART_OF_FLUX, patience).await.map_err(of_error)?;
    let namespace = only_namespace(server.cluster(), namespace, &objects)?;
    name_version(server, &namespace, &mut objects, patience).await?;
    let kinds = [
        ("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", PART_OF_FLUX),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "kustomizations", ""),
        ("source.toolkit.fluxcd.io/v1", "GitRepository", "gitrepositories", ""),
    ];
    for (api_version, kind, plural, selector) in kinds {
        let collection = format!("/apis/{api_version}/namespaces/{namespace}/{plural}");
        let found = observe::select_kind(server, (api_version, kind), &collection, selector, patience).await;
        // What bootstrap makes has the name of the namespace; everything else there is somebody's work, not the agent.
        let ours = |one: &Json| kind == "NetworkPolicy" || one["metadata"]["name"] == namespace.as_str();
        objects.extend(found.map_err(of_error)?.into_iter().filter(ours));
    }
    Ok(objects)
}

/// Finds the one namespace with controllers.
fn only_namespace(cluster: &str, asked: Option<&str>, controllers: &[Json]) -> Result<String, Diagnostic> {
    let namespaces: BTreeSet<&str> =
        controllers.iter().filter_map(|one| one["metadata"]["namespace"].as_str()).collect();
    let mut listed = namespaces.iter().copied();
    match (listed.next(), listed.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = namespaces.into_iter().collect();
            Err(Diagnostic::error(format!(
                "cluster {cluster:?} has Flux in more than one namespace: {}",
                all.join(", ")
            ))
            .hint(format!("name one: {cluster}/{}", all.first().unwrap_or(&"flux-system"))))
        }
        _ => {
            let place =
                asked.map_or("any namespace".to_owned(), |namespace| format!("namespace {namespace:?}"));
            Err(Diagnostic::error(format!("there is no Flux in cluster {cluster:?}"))
                .detail(format!("No Deployment in {place} has the label {PART_OF_FLUX}."))
                .hint("check cluster and namespace; an agent that is new needs no import"))
        }
    }
}

/// Fills in the version where only the namespace says it.
async fn name_version(
    server: &ApiServer,
    namespace: &str,
    controllers: &mut [Json],
    patience: Patience,
) -> Result<(), Diagnostics> {
    let named = |one: &Json| one["metadata"]["labels"].get(VERSION).is_some();
    if controllers.iter().all(named) {
        return Ok(());
    }
    let only = format!("kubernetes.io/metadata.name={namespace}");
    let found =
        observe::select_kind(server, ("v1", "Namespace"), "/api/v1/namespaces", &only, patience).await;
    let found = found.map_err(of_error)?;
    let said =
        controllers.iter().chain(&found).find_map(|one| one["metadata"]["labels"].get(VERSION)).cloned();
    let version = said.ok_or_else(|| {
        Diagnostic::error(format!(
            "the version of Flux in namespace {namespace:?} of cluster {:?} is not known",
            server.cluster()
        ))
        .detail(format!("Neither its Deployments nor the Namespace have the label {VERSION}."))
        .hint(format!("label the Namespace: kubectl label namespace {namespace} {VERSION}=vX.Y.Z"))
    })?;
    controllers
        .iter_mut()
        .filter(|one| !named(one))
        .for_each(|one| one["metadata"]["labels"][VERSION] = version.clone());
    Ok(())
}
