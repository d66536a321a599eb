//! An agent in its cluster: applied straight to it, or applied once so that it can take over from git; what it looks after
//! when it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object};

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::in_cluster::Tenant;
use super::super::objects::timeouts;
use super::arguments::{Arguments, Kind};
use super::desired::Desired;
use super::private::Private;
use crate::delivery::cluster::definitions::{self, CustomObject, Outgrown};
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::{ApiServer, Patience, Policy};
use crate::manifest::object::is_custom_resource_definition;
use crate::manifest::surface::Desired as DesiredObject;

/// Looking may take so long while Terraform plans.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// Names that a diagnostic lists at the most.
const MOST: usize = 20;
/// The name under which Flux itself applies: what is applied so becomes Flux's own with its first reconciliation.
const FLUX_MANAGER: &str = "kustomize-controller";

/// Says who has which objects in the cluster; none where the agent is not applied straight to it.
fn tenant(arguments: &Arguments) -> Option<Tenant> {
    let mut settings = arguments.in_cluster.clone()?;
    // What the agent has is written down in its own namespace, which is the first of its objects.
    settings.policy.create_namespace = true;
    Some(Tenant {
        title: arguments.title(),
        cluster: arguments.cluster.clone(),
        parent: parent(arguments, ""),
        settings,
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
        settings: cluster_delivery::Settings { policy, asks_server: false, taints: false },
    }
}

/// Looks at what an apply would do, and refuses what would lose objects.
///
/// # Errors
/// With everything that keeps the agent from being applied.
pub(super) async fn plan(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    prior: Option<&Object>,
    planned: &mut Object,
) -> Result<Diagnostics, Diagnostics> {
    let known: Vec<DesiredObject> =
        desired.objects.iter().filter(|one| !desired.waiting.contains(&one.id.key())).cloned().collect();
    let Some(mut tenant) = tenant(arguments) else {
        if arguments.delivery.is_none() {
            return Ok(Diagnostics::new());
        }
        if desired.secret.is_some() {
            // The Secret is never committed, so there must be a way to the cluster.
            cluster_delivery::server(shared, &arguments.cluster)?;
        }
        return guest(arguments, "", FLUX_MANAGER).plan_claims(shared, known).await;
    };
    let mut warnings = Diagnostics::new();
    let outgrown = preflight(shared, arguments, desired).await?;
    if !outgrown.is_empty() {
        warnings.push(migration(arguments, &outgrown));
        // The server would refuse what the migration makes possible.
        tenant.settings.asks_server = false;
    }
    warnings.extend(tenant.plan(shared, known, prior, planned).await?);
    Ok(warnings)
}

/// Finds definitions that the version would outgrow; a cluster that cannot be asked says so elsewhere.
async fn preflight(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
) -> Result<Vec<Outgrown>, Diagnostics> {
    let Ok(Some(server)) = cluster_delivery::server(shared, &arguments.cluster) else {
        return Ok(Vec::new());
    };
    let found = outgrown(&server, desired, Patience::of_a_look(LONGEST_LOOK)).await.unwrap_or_default();
    let stuck: Vec<&Outgrown> = found.iter().filter(|one| !one.can_migrate).collect();
    if stuck.is_empty() {
        return Ok(found);
    }
    let lines: Vec<String> = stuck.iter().map(|one| outgrown_line(one)).collect();
    Err(Diagnostic::error(format!(
        "{} cannot go to version {} at once",
        arguments.title(),
        arguments.options.version
    ))
    .detail(format!("Objects are stored in versions that it does not know any more:\n{}", lines.join("\n")))
    .hint("go to a version between the two first, which knows the old and the new form")
    .at("version")
    .into())
}

async fn outgrown(
    server: &ApiServer,
    desired: &Desired,
    patience: Patience,
) -> Result<Vec<Outgrown>, crate::delivery::cluster::ClusterError> {
    let wanted: Vec<_> =
        desired.installed.iter().filter(|object| is_custom_resource_definition(object)).collect();
    definitions::outgrown(server, &wanted, patience).await
}

fn outgrown_line(one: &Outgrown) -> String {
    let names: Vec<&str> = one.objects.iter().take(MOST).map(String::as_str).collect();
    let more = one.objects.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "  {} {}: {} objects {}{more}",
        one.definition,
        one.versions.join(", "),
        one.objects.len(),
        names.join(", ")
    )
}

fn migration(arguments: &Arguments, outgrown: &[Outgrown]) -> Diagnostic {
    let lines: Vec<String> = outgrown.iter().map(outgrown_line).collect();
    Diagnostic::warning(format!(
        "{} first rewrites objects that are stored in an old form",
        arguments.title()
    ))
    .detail(format!("The new version does not know it any more:\n{}", lines.join("\n")))
    .hint("nothing in the objects changes; the cluster was not asked about the rest of the plan")
}

/// Applies an agent straight to its cluster, or for the first time beside a delivery to git.
///
/// # Errors
/// When nothing was written.
pub(super) async fn apply(
    shared: &Shared,
    arguments: &Arguments,
    desired: Desired,
    state: Object,
    mut keep: Private,
    prior: Option<&Object>,
    cancel: &CancellationToken,
) -> Result<NewState, Diagnostics> {
    keep.in_cluster.draw_key()?;
    let longest = timeouts::timeout(&state, if prior.is_some() { "update" } else { "create" });
    let mut told = desired.warnings.clone();
    let state = match tenant(arguments) {
        Some(tenant) => {
            migrate(shared, arguments, &desired, longest).await?;
            let limits = (longest, cancel);
            let applied =
                tenant.apply(shared, desired.objects.clone(), state, &mut keep.in_cluster, prior, limits);
            let (state, incomplete) = applied.await?;
            told.extend(incomplete);
            state
        }
        None => {
            told.extend(hand_over(shared, arguments, &desired, prior.is_none(), longest, cancel).await?);
            state
        }
    };
    keep.in_cluster.revisions = remembered(arguments, &desired, &keep);
    Ok(NewState::of(state).private(keep.write()).diagnostics(told))
}

/// Computes the revisions anew, now that there is a key.
fn remembered(arguments: &Arguments, desired: &Desired, keep: &Private) -> crate::manifest::mask::Revisions {
    super::desired::shown(arguments, desired.objects.clone(), keep.in_cluster.masker()).1
}

async fn migrate(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    longest: Duration,
) -> Result<(), Diagnostics> {
    let server = cluster_delivery::known(shared, &arguments.cluster)?;
    let patience = Patience::of_a_change(longest);
    let told = |error: &crate::delivery::cluster::ClusterError| cluster_delivery::of_error(error);
    let outgrown = outgrown(&server, desired, patience).await.map_err(|error| told(&error))?;
    definitions::migrate(&server, &outgrown, patience).await.map_err(|error| told(&error).into())
}

/// Applies what git cannot: the agent itself the first time, as the agent would, and always the Secret.
async fn hand_over(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    is_new: bool,
    longest: Duration,
    cancel: &CancellationToken,
) -> Result<Diagnostics, Diagnostics> {
    let reached = matches!(cluster_delivery::server(shared, &arguments.cluster), Ok(Some(_)));
    let mut told = Diagnostics::new();
    if arguments.delivery.is_none() || !reached {
        return Ok(told);
    }
    let (secret, rest): (Vec<_>, Vec<_>) =
        desired.objects.iter().cloned().partition(|one| one.id.kind == "Secret" && desired.secret.is_some());
    let mut apply = async |tenant: Tenant, objects: Vec<DesiredObject>| -> Result<(), Diagnostics> {
        let mut unused = Default::default();
        let applied =
            tenant.apply(shared, objects, Object::new(), &mut unused, None, (longest, cancel)).await?;
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

/// Looks at what is there of an agent that is applied straight to its cluster.
pub(super) async fn read(
    shared: &Shared,
    arguments: &Arguments,
    state: Object,
    mut keep: Private,
) -> NewState {
    let Some(tenant) = tenant(arguments) else { return NewState::of(state) };
    let (before, longest) = (keep.clone(), timeouts::timeout(&state, "read"));
    let answer = tenant.read(shared, state, &mut keep.in_cluster, longest).await;
    if keep == before { answer } else { answer.private(keep.write()) }
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

/// Takes an agent out of its cluster: first its work where that is asked for, while it runs; then its controllers, so that
/// none of them cleans up behind its objects; then the objects.
///
/// # Errors
/// When the cluster cannot be asked, or something does not go.
pub(super) async fn withdraw(
    shared: &Shared,
    arguments: &Arguments,
    prior: Object,
    cancel: &CancellationToken,
) -> Result<NewState, Diagnostics> {
    let Some(tenant) = tenant(arguments) else { return Ok(NewState::gone()) };
    let longest = timeouts::timeout(&prior, "delete");
    let server = cluster_delivery::known(shared, &arguments.cluster)?;
    let patience = Patience::of_a_change(longest);
    let all = definitions_of(&prior);
    if arguments.deletes_workloads {
        let left = delete_workloads(&server, arguments, &all, patience).await?;
        if !left.is_empty() {
            return Ok(NewState::of(prior).diagnostic(stuck(arguments, &left)));
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
    tenant.withdraw(shared, prior, longest, cancel).await
}

/// Leaves the objects of an agent that is delivered elsewhere now.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn let_go(
    shared: &Shared,
    before: &Arguments,
    prior: &Object,
) -> Result<Option<Diagnostic>, Diagnostics> {
    let Some(tenant) = tenant(before) else { return Ok(None) };
    tenant.let_go(shared, timeouts::timeout(prior, "update")).await.map(Some)
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
