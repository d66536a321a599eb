//! What becomes of an agent's cluster when it is destroyed: what goes, in which order, what stays, and whose work it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object};

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::description::Limits;
use super::arguments::{Arguments, Kind};
use super::beside_git::{is_reached, secrets_of};
use super::in_cluster::parent;
use super::moving::objects_of;
use crate::delivery::cluster::definitions::{self, CustomObject};
use crate::delivery::cluster::{ApiServer, ClusterError, Patience, handover};

/// Looking may take so long while Terraform plans.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// Names that a diagnostic lists at the most.
const MOST: usize = 20;
/// The kinds whose objects have workloads.
const MAKERS: [&str; 4] = ["Kustomization", "HelmRelease", "Application", "ApplicationSet"];

/// Tells whether a destroy takes the agent out of its cluster: always what was applied straight to it, and what applies itself from
/// git where the provider says how the cluster is reached.
pub(super) fn takes_out(shared: &Shared, arguments: &Arguments) -> bool {
    let from_git = arguments.delivery.is_some() && arguments.kind == Kind::Flux;
    arguments.in_cluster.is_some() || (from_git && is_reached(shared, arguments))
}

/// Says what goes with an agent and what stays behind.
pub(super) async fn preview(shared: &Shared, arguments: &Arguments, prior: &Object) -> Option<Diagnostic> {
    if !takes_out(shared, arguments) {
        return None;
    }
    let Ok(Some(server)) = cluster_delivery::server(shared, &arguments.cluster) else { return None };
    let all = definitions_of(prior);
    let title = arguments.title();
    let objects = match definitions::objects_of(&server, &all, Patience::of_a_look(LONGEST_LOOK)).await {
        Ok(objects) => objects,
        Err(error) => {
            let summary = format!("{title} goes, and it is not known what it has applied");
            return Some(Diagnostic::warning(summary).detail(error.to_string()));
        }
    };
    let (listed, work) = (listed(&objects), work_of(&objects));
    Some(if arguments.deletes_workloads {
        Diagnostic::warning(format!("{title} goes, and everything that it has applied"))
            .detail(format!(
                "Deleted with all that they made, while the agent still runs: {listed}.\nThe workloads of these go: {work}."
            ))
            .hint("`on_destroy = \"keep_workloads\"`, applied first, leaves what the agent made running")
    } else {
        Diagnostic::warning(format!("{title} goes, and leaves what it has applied running"))
            .detail(format!(
                "Deleted, without what they made: {listed}.\nThe workloads of these stay without an agent: {work}."
            ))
            .hint("`on_destroy = \"delete_workloads\"`, applied first, lets the agent take its work away before it goes")
    })
}

/// Lists whose workloads they are: `Kustomization flux-system/apps, HelmRelease shop/web`.
fn work_of(objects: &[CustomObject]) -> String {
    let makers = objects.iter().filter(|one| MAKERS.contains(&one.kind.as_str()));
    let mut named: Vec<String> = makers.map(|one| format!("{} {}", one.kind, one.name)).collect();
    named.sort_unstable();
    let more = named.len().saturating_sub(MOST);
    named.truncate(MOST);
    match (named.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    }
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

/// Takes an agent that applies itself from git out of its cluster, before its files go; gives the state where something stays.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn withdraw(
    shared: &Shared,
    arguments: &Arguments,
    prior: &Object,
    limits: Limits<'_>,
) -> Result<Option<NewState>, Diagnostics> {
    if !takes_out(shared, arguments) {
        return Ok(None);
    }
    let (cluster, title, agent) = (&arguments.cluster, arguments.title(), parent(arguments));
    let server = cluster_delivery::known(shared, cluster)?;
    let Limits { longest, cancel } = limits;
    let patience = Patience::of_a_change(longest);
    // From here on Flux neither brings back nor prunes what is the agent's own.
    let claimed = handover::claim(&server, &agent, &objects_of(prior), patience).await;
    claimed.map_err(|error| cluster_delivery::of_error(&error))?;
    if let Some(reason) = before_withdrawal(shared, arguments, prior, longest).await? {
        let state = prior.clone().with("status", "incomplete");
        return Ok(Some(NewState::of(state).diagnostic(reason)));
    }
    for parent in [secrets_of(arguments), agent] {
        let removal = cluster_delivery::withdraw(shared, cluster, &parent, &title, longest, cancel).await?;
        let left = cluster_delivery::withdrawn(&title, &removal, prior.clone());
        if left.state.is_some() {
            return Ok(Some(left));
        }
    }
    Ok(None)
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
    let told = |error: ClusterError| cluster_delivery::of_error(&error);
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
    let is_maker =
        |name: &&String| MAKERS.iter().any(|kind| name.starts_with(&format!("{}s.", kind.to_lowercase())));
    let makers = all.iter().filter(is_maker).cloned().collect();
    let told = |error: ClusterError| cluster_delivery::of_error(&error);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_workloads_they_are_is_told_up_to_a_bound() {
        let object = |kind: &str, name: String| definitions::CustomObject::named(kind, &name);
        assert_eq!(work_of(&[object("GitRepository", "a/b".to_owned())]), "none");
        let some = [object("Kustomization", "a/b".to_owned()), object("HelmRelease", "c/d".to_owned())];
        assert_eq!(work_of(&some), "HelmRelease c/d, Kustomization a/b");
        let many: Vec<CustomObject> =
            (0..23).map(|number| object("HelmRelease", format!("a/{number:02}"))).collect();
        let told = work_of(&many);
        assert!(told.ends_with("HelmRelease a/19 and 3 more"), "{told}");
    }
}
