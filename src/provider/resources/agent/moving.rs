//! An agent that moves between deliveries while it runs: nothing that it needs is deleted on the way, and at no time do two write.
//!
//! Flux prunes what leaves its folder, itself included. So the objects are made ours and kept out of Flux's reach before the files
//! go, and the other way round Flux has the files and the objects before we let go of them.

use std::collections::BTreeSet;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, Object};

use super::super::super::{Shared, cluster_delivery};
use super::super::objects::in_cluster::Tenant;
use super::arguments::{Arguments, Kind};
use super::beside_git::{FLUX_MANAGER, secrets_of};
use crate::delivery::cluster::{Patience, handover, withdraw};
use crate::manifest::object::ObjectId;

/// What Flux follows: without one of these it takes away what it has applied.
const FOLLOWED: [&str; 2] = ["GitRepository", "Kustomization"];

/// Finds out whether an agent can be delivered otherwise from now on while it runs.
///
/// # Errors
/// When it would take itself away, or what it has applied.
pub(super) fn check(
    before: &Arguments,
    after: &Arguments,
    prior: &Object,
    planned: &Object,
) -> Result<(), Diagnostics> {
    let place = |arguments: &Arguments| arguments.folder().map(|folder| folder.place);
    let (from, to) = (place(before), place(after));
    let moves = from != to || before.in_cluster.is_some() != after.in_cluster.is_some();
    // What never followed its folder notices nothing.
    if !moves || before.sync.is_none() || (from.is_none() && before.in_cluster.is_none()) {
        return Ok(());
    }
    let title = after.title();
    let refused = |detail: String, hint: &str| -> Result<(), Diagnostics> {
        let summary = format!("{title} cannot move so while it runs");
        Err(Diagnostic::error(summary).detail(detail).hint(hint).at("delivery").into())
    };
    if let (Some(from), Some(to)) = (&from, &to) {
        return refused(
            format!(
                "It applies {}:{} and prunes what leaves that folder, itself included; it cannot follow to {}:{} in the same moment.",
                from.0, from.1, to.0, to.1
            ),
            "move in two steps, each applied: first `delivery { cluster {} }`, which takes the agent over in its cluster, then the new \
             folder; what the old one holds for others must be in the new one by then",
        );
    }
    if to.is_none() && after.in_cluster.is_none() {
        return refused(
            "Without a delivery its objects are left to nobody; from git, it would prune itself.".to_owned(),
            "to keep the agent and forget it here, use a `removed` block with `destroy = false`; to take it out, destroy it",
        );
    }
    if before.kind == Kind::ArgoCd && from.is_some() {
        return refused(
            "Its Application prunes what leaves the folder, Argo CD included.".to_owned(),
            "turn pruning off in the Application, take `sync` out and apply that, then move",
        );
    }
    let lost = lost(prior, planned);
    if lost.is_empty() {
        return Ok(());
    }
    refused(
        format!("With {} goes everything that the agent has applied.", lost.join(", ")),
        "keep `sync` as it is for the move, its name too, and change it afterwards",
    )
}

/// Lists what the agent follows and would not have any more.
fn lost(prior: &Object, planned: &Object) -> Vec<String> {
    let keys = |state: &Object| -> Option<BTreeSet<String>> {
        Some(state.get("manifests").as_map()?.keys().cloned().collect())
    };
    let (Some(before), Some(after)) = (keys(prior), keys(planned)) else { return Vec::new() };
    let is_followed = |key: &&String| {
        FOLLOWED.contains(&crate::manifest::change_set::kind_of(key)) && !after.contains(*key)
    };
    before.iter().filter(is_followed).cloned().collect()
}

/// Lets a tenant take over what the agent itself has applied from git.
pub(super) fn inherit(before: &Arguments, tenant: &mut Tenant) {
    if before.kind == Kind::Flux {
        tenant.settings.policy.adopt = true;
        tenant.settings.policy.succeeds = Some(FLUX_MANAGER.to_owned());
    }
}

/// Keeps a running Flux off its own objects, which stays so for as long as Terraform owns them, and lets go of the Secrets
/// beside git, which become objects like others.
///
/// # Errors
/// When the cluster cannot be asked.
pub(super) async fn before_inheriting(
    shared: &Shared,
    before: &Arguments,
    prior: &Object,
    longest: Duration,
) -> Result<(), Diagnostics> {
    let server = cluster_delivery::known(shared, &before.cluster)?;
    let patience = Patience::of_a_change(longest);
    let told = |error: crate::delivery::cluster::ClusterError| cluster_delivery::of_error(&error);
    let (ours, secrets) = (super::in_cluster::parent(before), secrets_of(before));
    handover::shield(&server, &ours, &objects_of(prior), patience).await.map_err(told)?;
    withdraw::let_go(&server, &secrets, patience).await.map_err(told)?;
    Ok(())
}

/// Gives the objects that a state shows.
pub(super) fn objects_of(state: &Object) -> BTreeSet<ObjectId> {
    let keys = state.get("manifests").as_map().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.filter_map(ObjectId::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tf_provider::schema::Value;

    const SYNC: &str = "kustomize.toolkit.fluxcd.io/v1/Kustomization/flux-system/flux-system";

    fn git(path: &str) -> Object {
        let place = Object::new().with("repository", "clusters").with("path", path);
        Object::new().with("git", place)
    }

    fn cluster() -> Object {
        Object::new().with("cluster", Object::new())
    }

    fn agent(kind: &str, delivery: Option<Object>, sync: bool, manifests: &[&str]) -> Object {
        let object = Object::new()
            .with("kind", kind)
            .with("cluster", "one")
            .with("manifests", Value::map(manifests.iter().map(|key| ((*key).to_owned(), "{}"))))
            .with("delivery", delivery.map_or(Value::Null, Value::from));
        if sync { object.with("sync", Object::new()) } else { object }
    }

    #[track_caller]
    fn expect(prior: &Object, planned: &Object, expected: Option<&str>) {
        let told = check(&Arguments::read(prior), &Arguments::read(planned), prior, planned);
        let told = told.err().map(|found| found.to_string());
        match expected {
            Some(part) => assert!(told.as_deref().is_some_and(|told| told.contains(part)), "{told:?}"),
            None => assert_eq!(told, None),
        }
    }

    #[test]
    fn an_agent_moves_only_where_it_survives_it() {
        let flux = |delivery: Option<Object>| agent("flux", delivery, true, &[SYNC]);
        expect(&flux(Some(git("a"))), &flux(Some(git("a"))), None);
        expect(&flux(Some(git("a"))), &flux(Some(cluster())), None);
        expect(&flux(Some(cluster())), &flux(Some(git("a"))), None);
        expect(&flux(None), &flux(Some(git("a"))), None);
        expect(&flux(Some(git("a"))), &flux(Some(git("b"))), Some("move in two steps"));
        expect(&flux(Some(git("a"))), &flux(None), Some("it would prune itself"));
        let without = agent("flux", Some(git("a")), false, &[]);
        expect(&without, &agent("flux", Some(git("b")), false, &[]), None);
    }

    #[test]
    fn what_the_agent_follows_stays_while_it_moves() {
        let prior = agent("flux", Some(git("a")), true, &[SYNC, "v1/Service/flux-system/x"]);
        let planned = agent("flux", Some(cluster()), true, &["v1/Service/flux-system/x"]);
        expect(&prior, &planned, Some("Kustomization/flux-system/flux-system goes everything"));
        let late = planned.with("manifests", Value::unknown());
        expect(&prior, &late, None);
    }

    #[test]
    fn an_application_that_prunes_keeps_argo_cd_where_it_is() {
        let argo = |delivery: Object| agent("argocd", Some(delivery), true, &[]);
        expect(&argo(git("a")), &argo(cluster()), Some("Its Application prunes"));
        expect(&argo(cluster()), &argo(git("a")), None);
    }
}
