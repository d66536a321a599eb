//! What one resource has in a cluster, and what it keeps beside its state for that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, NewState, Object, Value};

use super::super::super::{Shared, cluster_delivery};
use crate::delivery::cluster::ObjectSet;
use crate::delivery::cluster::inventory::Parent;
use crate::manifest::mask::{Masker, ObjectMarks, Revisions};
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
}

/// What private state keeps of objects in a cluster, some of which are Secrets.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct Kept {
    /// What drift is known by.
    #[serde(default)]
    cluster: cluster_delivery::Kept,
    /// Which revision of every hidden value the state shows.
    #[serde(default)]
    pub(in super::super) revisions: Revisions,
    /// The key of the digests that decide whether a hidden value changed; none before the first apply.
    #[serde(default)]
    mask_key: Option<[u8; 32]>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Kept").field("cluster", &self.cluster).finish_non_exhaustive()
    }
}

impl cluster_delivery::Keeper for Kept {
    fn kept(&mut self) -> &mut cluster_delivery::Kept {
        &mut self.cluster
    }

    fn mask_key(&self) -> Option<[u8; 32]> {
        self.mask_key
    }

    fn revisions(&mut self) -> &mut Revisions {
        &mut self.revisions
    }

    fn marks(&self, _key: &str) -> ObjectMarks {
        ObjectMarks::default()
    }
}

impl Kept {
    /// Makes sure that there is a key.
    ///
    /// # Errors
    /// When the system has no source of chance.
    pub(in super::super) fn draw_key(&mut self) -> Result<(), Diagnostic> {
        if self.mask_key.is_none() {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(|error| {
                Diagnostic::error("the system gives no random numbers").detail(error.to_string())
            })?;
            self.mask_key = Some(key);
        }
        Ok(())
    }

    /// Starts hiding values, with what is known of those that were hidden before.
    pub(in super::super) fn masker(&self) -> Masker<'_> {
        Masker::new(self.mask_key.as_ref().map(|key| &key[..]), &self.revisions)
    }
}

impl Tenant {
    fn set(&self, objects: Vec<Desired>) -> Arc<ObjectSet> {
        Arc::new(ObjectSet {
            title: self.title.clone(),
            parent: self.parent.clone(),
            objects,
            hooks: Vec::new(),
            notes: BTreeMap::new(),
            policy: self.settings.policy.clone(),
        })
    }

    /// Asks the cluster what the planned objects would change there, and leaves the status open where something is to be done.
    ///
    /// # Errors
    /// With everything that keeps them from being applied.
    pub(in super::super) async fn plan(
        &self,
        shared: &Shared,
        objects: Vec<Desired>,
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
        cluster_delivery::plan(shared, &self.cluster, &self.set(objects), &settings).await
    }

    /// Finds out whether another resource writes one of the objects.
    ///
    /// # Errors
    /// With the objects that it writes too.
    pub(in super::super) async fn plan_claims(
        &self,
        shared: &Shared,
        objects: Vec<Desired>,
    ) -> Result<Diagnostics, Diagnostics> {
        let settings = cluster_delivery::Settings { asks_server: false, ..self.settings.clone() };
        cluster_delivery::plan(shared, &self.cluster, &self.set(objects), &settings).await
    }

    /// Applies the objects; `prior` is the state before, none where the resource is new.
    ///
    /// # Errors
    /// When nothing was written.
    pub(in super::super) async fn apply(
        &self,
        shared: &Shared,
        objects: Vec<Desired>,
        state: Object,
        keep: &mut Kept,
        prior: Option<&Object>,
        (longest, cancel): (Duration, &CancellationToken),
    ) -> Result<(Object, Option<Diagnostic>), Diagnostics> {
        let set = self.set(objects);
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
        longest: Duration,
        cancel: &CancellationToken,
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
        keep: &mut Kept,
        longest: Duration,
    ) -> NewState {
        cluster_delivery::read(shared, &self.cluster, &self.parent, &self.settings, state, keep, longest)
            .await
    }
}
