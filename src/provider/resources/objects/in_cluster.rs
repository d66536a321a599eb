//! What one resource has in a cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object, Value};

use super::super::super::Shared;
use super::super::super::cluster_delivery::{self, Keeper};
use super::description::Limits;
use crate::delivery::cluster::hooks::Hook;
use crate::delivery::cluster::inventory::Parent;
use crate::delivery::cluster::predecessor::Predecessor;
use crate::delivery::cluster::{ObjectSet, Sources};
use crate::manifest::surface::Desired;

/// Who has objects in a cluster, and what may be done for it.
#[derive(Clone, Debug)]
pub(in super::super) struct Tenant {
    /// Names the resource for people: `agent flux-system on prod-eu`.
    pub(in super::super) title: String,
    /// The cluster's name.
    pub(in super::super) cluster: String,
    /// Where it is written down what the resource has.
    pub(in super::super) parent: Parent,
    /// What the user lets us do.
    pub(in super::super) settings: cluster_delivery::Settings,
    /// Who had the objects before.
    pub(in super::super) predecessor: Option<Predecessor>,
}

/// What goes to a cluster.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Cargo {
    /// The objects.
    pub(in super::super) objects: Vec<Desired>,
    /// What runs before and after them.
    pub(in super::super) hooks: Vec<Hook>,
    /// What is written down beside the list of them.
    pub(in super::super) notes: BTreeMap<String, String>,
    /// Where the fields of the objects come from.
    pub(in super::super) sources: Sources,
}

impl Tenant {
    fn set(&self, cargo: Cargo) -> Arc<ObjectSet> {
        Arc::new(ObjectSet {
            title: self.title.clone(),
            parent: self.parent.clone(),
            objects: cargo.objects,
            hooks: cargo.hooks,
            notes: cargo.notes,
            sources: cargo.sources,
            policy: self.settings.policy.clone(),
            predecessor: self.predecessor.clone(),
        })
    }

    /// Asks the cluster what the planned objects would change there, and leaves the status open where something is to be done.
    ///
    /// # Errors
    /// With everything that keeps them from being applied.
    pub(in super::super) async fn plan(
        &self,
        shared: &Shared,
        cargo: Cargo,
        prior: Option<&Object>,
        planned: &mut Object,
    ) -> Result<Diagnostics, Diagnostics> {
        let settled = prior.and_then(|prior| prior.string("status"));
        let settled = settled.filter(|status| matches!(*status, "ready" | "applied"));
        planned.set("status", settled.map_or(Value::Null, Value::from));
        if settled.is_none() || prior != Some(&*planned) {
            planned.set_unknown("status");
        }
        // Nothing changes: who owns what is not asked again with every plan, only whose objects they are.
        let asks_server = self.settings.asks_server && planned.is_unknown("status");
        let settings = cluster_delivery::Settings { asks_server, ..self.settings.clone() };
        cluster_delivery::plan(shared, &self.cluster, &self.set(cargo), &settings).await
    }

    /// Finds out whether another resource writes one of the objects.
    ///
    /// # Errors
    /// With the objects that it writes too.
    pub(in super::super) async fn plan_claims(
        &self,
        shared: &Shared,
        cargo: Cargo,
    ) -> Result<Diagnostics, Diagnostics> {
        let settings = cluster_delivery::Settings { asks_server: false, ..self.settings.clone() };
        cluster_delivery::plan(shared, &self.cluster, &self.set(cargo), &settings).await
    }

    /// Applies the objects; `prior` is the state before, none where the resource is new.
    ///
    /// # Errors
    /// When nothing was written.
    pub(in super::super) async fn apply(
        &self,
        shared: &Shared,
        cargo: Cargo,
        state: Object,
        keep: &mut impl Keeper,
        prior: Option<&Object>,
        Limits { longest, cancel }: Limits<'_>,
    ) -> Result<(Object, Option<Diagnostic>), Diagnostics> {
        let set = self.set(cargo);
        let outcome = cluster_delivery::apply(shared, &self.cluster, &set, longest, cancel).await?;
        cluster_delivery::remember(keep, &self.settings, &outcome);
        Ok(cluster_delivery::applied(&set, &self.settings, &outcome, state, prior))
    }

    /// Takes everything away.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(in super::super) async fn withdraw(
        &self,
        shared: &Shared,
        prior: Object,
        Limits { longest, cancel }: Limits<'_>,
    ) -> Result<NewState, Diagnostics> {
        let (cluster, parent, title) = (&self.cluster, &self.parent, &self.title);
        let removal = cluster_delivery::withdraw(shared, cluster, parent, title, longest, cancel).await?;
        Ok(cluster_delivery::withdrawn(title, &removal, prior))
    }

    /// Leaves the objects that are delivered elsewhere now.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub(in super::super) async fn let_go(
        &self,
        shared: &Shared,
        longest: Duration,
    ) -> Result<Diagnostic, Diagnostics> {
        cluster_delivery::let_go(shared, &self.cluster, &self.parent, &self.title, longest).await
    }

    /// Looks at what is there and shows where it is not as it was applied.
    pub(in super::super) async fn read(
        &self,
        shared: &Shared,
        state: Object,
        keep: &mut impl Keeper,
        longest: Duration,
    ) -> NewState {
        cluster_delivery::read(shared, &self.cluster, &self.parent, &self.settings, state, keep, longest)
            .await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::mask::ObjectMarks;
    use crate::manifest::object::ObjectId;

    fn tenant(title: &str) -> Tenant {
        Tenant {
            title: title.to_owned(),
            cluster: "one".to_owned(),
            parent: Parent { namespace: "a".into(), name: title.into() },
            settings: cluster_delivery::Settings::default(),
            predecessor: None,
        }
    }

    fn cargo() -> Cargo {
        let id = ObjectId::parse("v1/ConfigMap/a/web").expect("a key");
        let object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "a"}});
        Cargo { objects: vec![Desired { id, object, marks: ObjectMarks::default() }], ..Cargo::default() }
    }

    /// Plans `digest` after a state; expects the status that the plan shows, none where it is open.
    async fn check(prior: Option<(&str, &str)>, digest: &str, expected: Option<&str>) {
        let state =
            |(digest, status): (&str, &str)| Object::new().with("digest", digest).with("status", status);
        let (prior, mut planned) = (prior.map(state), state((digest, "applied")));
        let told = tenant("release").plan(&Shared::default(), cargo(), prior.as_ref(), &mut planned).await;
        assert!(told.is_ok());
        assert_eq!(planned.string("status"), expected, "{prior:?} {digest}");
        assert_eq!(planned.is_unknown("status"), expected.is_none());
    }

    #[tokio::test]
    async fn the_status_is_open_where_there_is_something_to_do() {
        check(None, "x", None).await;
        check(Some(("x", "ready")), "x", Some("ready")).await;
        check(Some(("x", "applied")), "x", Some("applied")).await;
        check(Some(("x", "ready")), "y", None).await;
        // What came half-way goes on, although nothing else changes.
        check(Some(("x", "incomplete")), "x", None).await;
        check(Some(("x", "missing")), "x", None).await;
    }

    #[tokio::test]
    async fn two_tenants_of_one_plan_do_not_share_an_object() {
        let shared = Shared::default();
        let (one, other) = (tenant("one"), tenant("other"));
        assert!(one.plan_claims(&shared, cargo()).await.is_ok());
        assert!(one.plan_claims(&shared, cargo()).await.is_ok(), "it has it already");
        let told = other.plan_claims(&shared, cargo()).await.expect_err("it is taken");
        assert!(told.to_string().contains("other writes objects that another resource writes too"), "{told}");
        let elsewhere = Tenant { cluster: "two".to_owned(), ..other };
        assert!(elsewhere.plan_claims(&shared, cargo()).await.is_ok());
    }

    #[tokio::test]
    async fn a_cluster_is_asked_only_where_the_settings_say_so() {
        let mut asks = tenant("release");
        asks.settings.asks_server = true;
        let mut planned = Object::new();
        // Without a configuration there is no cluster to ask, which is how the asking shows.
        let told = asks.plan(&Shared::default(), cargo(), None, &mut planned).await;
        assert!(told.is_err());
    }
}
