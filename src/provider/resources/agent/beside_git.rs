//! What an agent that is delivered to git has in its cluster beside that: the Secrets, which are never committed, and the agent
//! itself until it applies itself.

use std::collections::BTreeMap;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object};

use super::super::super::Shared;
use super::super::super::cluster_delivery::{self, Keeper, Kept};
use super::super::super::connections::Access;
use super::super::objects::description::Limits;
use super::super::objects::in_cluster::{Cargo, Tenant};
use super::super::objects::predecessor::Predecessor;
use super::super::objects::shown;
use super::arguments::Arguments;
use super::desired::Desired;
use super::in_cluster::parent;
use super::private::Private;
use crate::delivery::cluster::Policy;
use crate::delivery::cluster::inventory::Parent;
use crate::manifest::surface::Desired as DesiredObject;

/// The name under which Flux itself applies: what is applied so becomes Flux's own with its first reconciliation.
pub(super) const FLUX_MANAGER: &str = "kustomize-controller";

/// The name under which the Secrets are applied.
const OURS: &str = "strata";

/// Names where the Secrets are written down.
pub(super) fn secrets_of(arguments: &Arguments) -> Parent {
    let agent = parent(arguments);
    Parent { name: format!("{}-secret", agent.name), ..agent }
}

/// Says who has objects beside a delivery to git.
fn guest(arguments: &Arguments, parent: Parent, field_manager: &str) -> Tenant {
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
        parent,
        settings: cluster_delivery::Settings { policy, ..cluster_delivery::Settings::default() },
        predecessor: None,
    }
}

/// Tells whether the provider says how the agent's cluster is reached.
pub(super) fn is_reached(shared: &Shared, arguments: &Arguments) -> bool {
    let Ok(configuration) = shared.configuration() else { return false };
    configuration.cluster(&arguments.cluster).is_ok_and(|one| !matches!(one.access, Access::Unsaid))
}

/// Finds out whether another resource writes the agent's objects, and whether there is a way for its Secrets.
///
/// # Errors
/// With the objects that have another writer.
pub(super) async fn plan(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
) -> Result<Diagnostics, Diagnostics> {
    if arguments.delivery.is_none() {
        return Ok(Diagnostics::new());
    }
    if !desired.secrets.is_empty() && !is_reached(shared, arguments) {
        let what = if arguments.registry.is_some() { "registry_credentials" } else { "sync.credentials" };
        return Err(Diagnostic::error(format!("{} has {what} and no way to its cluster", arguments.title()))
            .detail("They become a Secret that is applied straight to the cluster and never committed, and the provider does not say how the cluster is reached.")
            .hint(format!(
                "add `host` and credentials, or `kubeconfig {{ … }}`, to the provider's cluster block {:?}; or make the Secret yourself",
                arguments.cluster
            ))
            .at("cluster")
            .into());
    }
    let cargo = Cargo { objects: desired.known(), ..Cargo::default() };
    guest(arguments, parent(arguments), FLUX_MANAGER).plan_claims(shared, cargo).await
}

/// Applies what git cannot: always the Secrets, and the agent itself where it does not apply itself yet, as it would. `before` is
/// what was applied last; of a delivery to the cluster, the objects become the agent's own.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn hand_over(
    shared: &Shared,
    arguments: &Arguments,
    desired: &Desired,
    before: Option<&Arguments>,
    keep: &mut Private,
    limits: Limits<'_>,
) -> Result<Diagnostics, Diagnostics> {
    let owned = before.and_then(|before| before.in_cluster.as_ref());
    let reached = matches!(cluster_delivery::server(shared, &arguments.cluster), Ok(Some(_)));
    let mut told = Diagnostics::new();
    if arguments.delivery.is_none() || (!reached && owned.is_none()) {
        return Ok(told);
    }
    let (secrets, rest): (Vec<_>, Vec<_>) =
        desired.objects.iter().cloned().partition(|one| desired.is_secret(one));
    // What comes half-way when it is handed over is an error: nothing may be let go of then.
    let prior = before.map(|_| Object::new());
    let mut apply = async |tenant: Tenant, objects: Vec<DesiredObject>, keep: &mut Private| {
        let cargo = Cargo { objects, ..Cargo::default() };
        let applied = tenant.apply(shared, cargo, Object::new(), keep, prior.as_ref(), limits).await?;
        told.extend(applied.1);
        Ok::<(), Diagnostics>(())
    };
    let in_git = before.filter(|before| before.delivery.is_some());
    // What was begun and not brought to its end, a move or a destroy, has left marks of ours on the agent's own objects.
    let returns = in_git.is_some_and(|before| before.is_incomplete);
    // Who is let in otherwise cannot read the commit that says so: the agent is told before its old Secret goes.
    let is_told = !returns && in_git.is_some_and(|before| before.sync != arguments.sync);
    let secrets_of_agent = guest(arguments, secrets_of(arguments), OURS);
    if !is_told && !secrets.is_empty() {
        apply(secrets_of_agent.clone(), secrets.clone(), keep).await?;
    }
    // What `flux bootstrap` committed applies itself already.
    let runs = matches!(keep.predecessor, Some(Predecessor::Bootstrap { .. }));
    if (in_git.is_none() && !runs) || returns || is_told {
        let agent = self_owner(arguments, before);
        // What becomes the agent's own is not looked at again.
        apply(agent.clone(), rest, &mut Private::default()).await?;
        if in_git.is_some() {
            agent.let_go(shared, limits.longest).await?;
        }
    }
    if is_told && !secrets.is_empty() {
        apply(secrets_of_agent, secrets, keep).await?;
    }
    let had_some = before.is_some_and(Arguments::has_secrets) || !keep.in_cluster.owned.is_empty();
    if desired.secrets.is_empty() && had_some {
        withdraw_secrets(shared, arguments, limits).await?;
        *keep.kept() = Kept::default();
    }
    Ok(told)
}

/// Says who has the agent's objects until it applies itself: what Terraform has applied until now becomes the agent's own.
fn self_owner(arguments: &Arguments, before: Option<&Arguments>) -> Tenant {
    let mut agent = guest(arguments, parent(arguments), FLUX_MANAGER);
    let policy = &mut agent.settings.policy;
    policy.wait = before.is_none_or(|before| before.delivery.is_none());
    policy.succeeds = before.map(|before| match &before.in_cluster {
        Some(settings) => settings.policy.field_manager.clone(),
        None => OURS.to_owned(),
    });
    agent
}

/// Takes the Secrets away that nothing asks for any more.
async fn withdraw_secrets(
    shared: &Shared,
    arguments: &Arguments,
    Limits { longest, cancel }: Limits<'_>,
) -> Result<(), Diagnostics> {
    let (cluster, title) = (&arguments.cluster, arguments.title());
    let parent = secrets_of(arguments);
    let removal = cluster_delivery::withdraw(shared, cluster, &parent, &title, longest, cancel).await?;
    cluster_delivery::not_gone(&title, &removal).map_or(Ok(()), |stays| Err(stays.into()))
}

/// Looks at the Secrets in the cluster, and shows where they are not as they were applied; the next apply brings them back.
pub(super) async fn read(
    shared: &Shared,
    arguments: &Arguments,
    mut state: Object,
    keep: &mut Private,
    longest: Duration,
) -> NewState {
    let all = state.string_map("manifests");
    let is_ours = |key: &&str| keep.in_cluster.owned.contains_key(*key);
    let (ours, others): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) =
        all.into_iter().partition(|(key, _)| is_ours(key));
    if ours.is_empty() {
        return NewState::of(state);
    }
    let texts = |map: &BTreeMap<&str, &str>| -> BTreeMap<String, String> {
        map.iter().map(|(key, form)| ((*key).to_owned(), (*form).to_owned())).collect()
    };
    let (ours, mut shown) = (texts(&ours), texts(&others));
    let looked_at = Object::new()
        .with("manifests", shown::texts(&ours))
        .with("common_labels", state.get("common_labels").clone());
    let tenant = guest(arguments, secrets_of(arguments), OURS);
    let found = tenant.read(shared, looked_at, keep, longest).await;
    let now = found.state.unwrap_or_default();
    let now: BTreeMap<String, String> = now
        .string_map("manifests")
        .into_iter()
        .map(|(key, form)| (key.to_owned(), form.to_owned()))
        .collect();
    if now != ours {
        shown.extend(now);
        let digest = state.string("digest").unwrap_or_default();
        state.set("digest", format!("{} (drifted)", digest.trim_end_matches(" (drifted)")));
        state.set("manifests", shown::texts(&shown));
    }
    NewState::of(state).diagnostics(found.diagnostics)
}
