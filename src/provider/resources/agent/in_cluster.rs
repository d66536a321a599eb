//! An agent in its cluster: applied straight to it, or applied once so that it can take over from git; what it looks after
//! when it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, Object};

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::description::Limits;
use super::super::objects::in_cluster::{Cargo, Tenant};
use super::arguments::{Arguments, Kind};
use super::desired::Desired;
use super::private::Private;
use crate::delivery::cluster::definitions::{self, CustomObject};
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::{ApiServer, Patience, Policy};
use crate::manifest::surface::Desired as DesiredObject;

/// Looking may take so long while Terraform plans.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// Names that a diagnostic lists at the most.
const MOST: usize = 20;
/// The name under which Flux itself applies: what is applied so becomes Flux's own with its first reconciliation.
const FLUX_MANAGER: &str = "kustomize-controller";

/// Says who has which objects in the cluster; none where the agent is not applied straight to it.
pub(super) fn tenant(arguments: &Arguments) -> Option<Tenant> {
    let mut settings = arguments.in_cluster.clone()?;
    // What the agent has is written down in its own namespace, which is the first of its objects.
    settings.policy.create_namespace = true;
    Some(Tenant {
        title: arguments.title(),
        cluster: arguments.cluster.clone(),
        parent: parent(arguments, ""),
        settings,
        predecessor: None,
    })
}

fn parent(arguments: &Arguments, what: &str) -> Parent {
    let name = format!("strata-agent-{}{what}", arguments.kind.word());
    Parent { namespace: arguments.options.namespace.clone(), name }
}

/// Says who has the Secret beside a delivery to git, and the objects until the agent takes them over.
fn guest(arguments: &Arguments, what: &str, field_manager: &str) -> Tenant {
    let policy = Policy {
        field_manager: field_manager.to_owned(),
        force_conflicts: true,
        adopt: true,
        create_namespace: true,
        ..Policy::default()
    };
    Tenant {
        title: arguments.title(),
        cluster: arguments.cluster.clone(),
        parent: parent(arguments, what),
        settings: cluster_delivery::Settings { policy, ..cluster_delivery::Settings::default() },
        predecessor: None,
    }
}

/// Finds out whether another resource writes the agent's objects, and whether there is a way for its Secret.
///
/// # Errors
/// With the objects that have another writer.
pub(super) async fn plan_beside_git(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
) -> Result<Diagnostics, Diagnostics> {
    if arguments.delivery.is_none() {
        return Ok(Diagnostics::new());
    }
    if desired.secret.is_some() {
        // The Secret is never committed, so there must be a way to the cluster.
        cluster_delivery::server(shared, &arguments.cluster)?;
    }
    let cargo = Cargo { objects: desired.known(), ..Cargo::default() };
    guest(arguments, "", FLUX_MANAGER).plan_claims(shared, cargo).await
}

/// Applies what git cannot: the agent itself the first time, as the agent would, and always the Secret.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn hand_over(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    is_new: bool,
    limits: Limits<'_>,
) -> Result<Diagnostics, Diagnostics> {
    let reached = matches!(cluster_delivery::server(shared, &arguments.cluster), Ok(Some(_)));
    let mut told = Diagnostics::new();
    if arguments.delivery.is_none() || !reached {
        return Ok(told);
    }
    let (secret, rest): (Vec<_>, Vec<_>) =
        desired.objects.iter().cloned().partition(|one| one.id.kind == "Secret" && desired.secret.is_some());
    let mut apply = async |tenant: Tenant, objects: Vec<DesiredObject>| -> Result<(), Diagnostics> {
        let (cargo, mut unused) = (Cargo { objects, ..Cargo::default() }, Private::default());
        let applied = tenant.apply(shared, cargo, Object::new(), &mut unused, None, limits).await?;
        told.extend(applied.1);
        Ok(())
    };
    if !secret.is_empty() {
        apply(guest(arguments, "-secret", "strata"), secret).await?;
    }
    if is_new {
        apply(guest(arguments, "", FLUX_MANAGER), rest).await?;
    }
    Ok(told)
}

/// Says what goes with an agent and what stays behind.
pub(super) async fn preview_of_destroy(
    shared: &Shared,
    arguments: &Arguments,
    prior: &Object,
) -> Option<Diagnostic> {
    arguments.in_cluster.as_ref()?;
    let Ok(Some(server)) = cluster_delivery::server(shared, &arguments.cluster) else { return None };
    let all = definitions_of(prior);
    let objects = definitions::objects_of(&server, &all, Patience::of_a_look(LONGEST_LOOK)).await.ok()?;
    let listed = listed(&objects);
    let title = arguments.title();
    Some(if arguments.deletes_workloads {
        Diagnostic::warning(format!("{title} goes, and everything that it has applied"))
            .detail(format!("Deleted with all that they made, while the agent still runs: {listed}."))
            .hint("`on_destroy = \"keep_workloads\"`, applied first, leaves what the agent made running")
    } else {
        Diagnostic::warning(format!("{title} goes, and leaves what it has applied running"))
            .detail(format!("Deleted, without what they made: {listed}."))
            .hint("`on_destroy = \"delete_workloads\"`, applied first, lets the agent take its work away before it goes")
    })
}

fn listed(objects: &[CustomObject]) -> String {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    objects.iter().for_each(|one| kinds.entry(&one.kind).or_default().push(&one.name));
    let shown = |(kind, names): (&str, Vec<&str>)| {
        let some: Vec<&str> = names.iter().take(MOST).copied().collect();
        let more = names.len().saturating_sub(MOST);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} {kind} ({}{more})", names.len(), some.join(", "))
    };
    let shown: Vec<String> = kinds.into_iter().map(shown).collect();
    if shown.is_empty() { "no custom objects".to_owned() } else { shown.join("; ") }
}

fn definitions_of(state: &Object) -> BTreeSet<String> {
    let keys = state.string_map("manifests").into_keys();
    let names =
        keys.filter_map(|key| key.split_once("/CustomResourceDefinition/").map(|(_, name)| name.to_owned()));
    names.collect()
}

/// Makes a cluster ready to lose its agent: first the agent's work goes, where that is asked for, while it runs; then its
/// controllers stop, so that none of them cleans up behind its objects. Gives the reason where the work does not go.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn before_withdrawal(
    shared: &Shared,
    arguments: &Arguments,
    prior: &Object,
    longest: Duration,
) -> Result<Option<Diagnostic>, Diagnostics> {
    let server = cluster_delivery::known(shared, &arguments.cluster)?;
    let patience = Patience::of_a_change(longest);
    let all = definitions_of(prior);
    if arguments.deletes_workloads {
        let left = delete_workloads(&server, arguments, &all, patience).await?;
        if !left.is_empty() {
            return Ok(Some(stuck(arguments, &left)));
        }
    }
    let selector = match arguments.kind {
        Kind::Flux => "app.kubernetes.io/part-of=flux",
        Kind::ArgoCd => "app.kubernetes.io/part-of=argocd",
    };
    let told = |error: crate::delivery::cluster::ClusterError| cluster_delivery::of_error(&error);
    let namespace = &arguments.options.namespace;
    definitions::stop_controllers(&server, namespace, selector, patience).await.map_err(told)?;
    let objects = definitions::objects_of(&server, &all, patience).await.map_err(told)?;
    definitions::release(&server, &objects, patience).await.map_err(told)?;
    Ok(None)
}

/// Deletes what makes workloads and waits for the agent to take them away.
async fn delete_workloads(
    server: &Arc<ApiServer>,
    arguments: &Arguments,
    all: &BTreeSet<String>,
    patience: Patience,
) -> Result<Vec<CustomObject>, Diagnostics> {
    const MAKERS: [&str; 4] = ["kustomizations.", "helmreleases.", "applications.", "applicationsets."];
    let makers =
        all.iter().filter(|name| MAKERS.iter().any(|maker| name.starts_with(maker))).cloned().collect();
    let told = |error: crate::delivery::cluster::ClusterError| cluster_delivery::of_error(&error);
    let objects = definitions::objects_of(server, &makers, patience).await.map_err(told)?;
    tracing::info!("{}: deleting {} objects and what they made", arguments.title(), objects.len());
    // A part of the time is left for the agent itself.
    let now = crate::delivery::Instant::now();
    let half = now + patience.deadline.saturating_duration_since(now) / 2;
    let patience = Patience { deadline: half, ..patience };
    Ok(definitions::delete_and_wait(server, &objects, patience).await.map_err(told)?)
}

fn stuck(arguments: &Arguments, left: &[CustomObject]) -> Diagnostic {
    let line = |one: &CustomObject| {
        let held: Vec<String> =
            one.finalizers.iter().map(|name| format!("{name} of {}", owner_of(name, &one.kind))).collect();
        format!("  {} {}: waits for {}", one.kind, one.name, held.join(", "))
    };
    let lines: Vec<String> = left.iter().take(MOST).map(line).collect();
    Diagnostic::error(format!("{} is not gone: its work does not go", arguments.title()))
        .detail(lines.join("\n"))
        .hint("see what keeps the controller from finishing, then destroy again; `on_destroy = \"keep_workloads\"` goes without it")
}

/// Names the controller that takes a finalizer off.
fn owner_of(finalizer: &str, kind: &str) -> String {
    match (finalizer, kind) {
        ("finalizers.fluxcd.io", "Kustomization") => "kustomize-controller".to_owned(),
        ("finalizers.fluxcd.io", "HelmRelease") => "helm-controller".to_owned(),
        (_, "Application" | "ApplicationSet") => "argocd-application-controller".to_owned(),
        _ => finalizer.split('/').next().unwrap_or(finalizer).to_owned(),
    }
}
