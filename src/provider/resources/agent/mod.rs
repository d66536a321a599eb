//! `strata_agent`: the GitOps agent on one cluster, from what a version of it ships to objects in the cluster's folder of a git
//! repository.
//!
//! Every computed attribute is a function of the configuration and of the pinned release, so that the plan that Terraform
//! makes again inside apply comes out the same.

mod arguments;
mod attributes;
mod credentials;
mod desired;
mod import;
mod import_live;
mod in_cluster;
mod place;
mod private;
mod schema;
pub(crate) mod shipped;

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::{
    CreateRequest, DeleteRequest, Diagnostic, Diagnostics, ImportRequest, Imported, NewState, Object, Plan,
    PlanDestroyRequest, PlanRequest, ReadRequest, Resource, Schema, UpdateRequest, ValidateRequest,
};

use super::super::Shared;
use super::objects::{deletions, timeouts};
use arguments::Arguments;
use place::Place;
use private::Private;

/// The resource type `strata_agent`.
pub(crate) struct AgentResource {
    shared: Arc<Shared>,
}

impl AgentResource {
    /// Makes the resource over what all resources share.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        AgentResource { shared }
    }

    /// Delivers and returns the state with what must be kept beside it.
    async fn bring(
        &self,
        planned: Object,
        config: &Object,
        mut keep: Private,
        prior: Option<&Object>,
        cancel: tf_provider::CancellationToken,
    ) -> Result<NewState, Diagnostics> {
        let arguments = Arguments::read(&planned).with_credentials_of(config);
        let place = place::of(&self.shared, &arguments)?;
        place.iter().for_each(Place::announce);
        // The plan named the release by its digest: nothing else is used.
        let pinned = attributes::source_digest(&planned);
        let desired = desired::desired(&self.shared, &arguments, pinned, &keep.in_cluster).await?;
        if let Some(place) = place {
            let deadline = timeouts::timeout(&planned, if prior.is_some() { "update" } else { "create" });
            let delivery =
                place.deliver(&arguments, &desired, &keep.delivered, deadline, cancel.clone()).await?;
            keep.delivered = delivery;
        }
        let state = attributes::with_computed(planned, &arguments, &desired);
        in_cluster::apply(&self.shared, &arguments, desired, state, keep, prior, &cancel).await
    }
}

#[async_trait]
impl Resource for AgentResource {
    fn type_name(&self) -> &str {
        "strata_agent"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        arguments::validate(&request.config)
    }

    async fn plan(&self, request: PlanRequest) -> Result<Plan, Diagnostics> {
        if !attributes::can_generate(&request.planned) || request.config.is_unknown("namespace") {
            return Ok(plan_without_objects(request));
        }
        let arguments = Arguments::read(&request.planned).with_credentials_of(&request.config);
        let keep = Private::read(&request.private);
        let origin = shipped::origin(&self.shared, &arguments)?;
        let pinned = request.prior.as_ref().and_then(|prior| attributes::pinned(prior, &origin));
        let desired = desired::desired(&self.shared, &arguments, pinned, &keep.in_cluster).await?;
        let mut warnings = desired.warnings.clone();
        if let Some(place) = place::of(&self.shared, &arguments)? {
            place.claim(&arguments, &desired)?;
            let known = &keep.delivered;
            let deadline = timeouts::timeout(&request.planned, "read");
            warnings.extend(place.look_ahead(&arguments, &desired, known, deadline).await?);
        }
        let mut planned = attributes::with_computed(request.planned, &arguments, &desired);
        // Of what is replaced everything goes before it comes anew.
        let stays = request.requires_replace.is_empty().then_some(&planned);
        deletions::check(&self.shared, &arguments.holder(), request.prior.as_ref(), stays)?;
        let before = request.prior.as_ref().filter(|_| request.requires_replace.is_empty());
        warnings.extend(in_cluster::plan(&self.shared, &arguments, &desired, before, &mut planned).await?);
        let mut plan = Plan::of(planned);
        plan.requires_replace = request.requires_replace;
        plan.diagnostics = warnings;
        Ok(plan)
    }

    async fn plan_destroy(&self, request: PlanDestroyRequest) -> Result<Diagnostics, Diagnostics> {
        let arguments = Arguments::read(&request.prior);
        let in_cluster = in_cluster::preview_of_destroy(&self.shared, &arguments, &request.prior).await;
        let in_git = place::preview_of_destroy(&arguments, &request.prior);
        Ok(in_cluster.into_iter().chain(in_git).collect())
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        let keep = Private::default();
        self.bring(request.planned, &request.config, keep, None, request.context.cancel).await
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        let arguments = Arguments::read(&request.state);
        let mut keep = Private::read(&request.private);
        if arguments.in_cluster.is_some() {
            return Ok(in_cluster::read(&self.shared, &arguments, request.state, keep).await);
        }
        let place = match place::of(&self.shared, &arguments) {
            Ok(Some(place)) if !keep.delivered.is_empty() => place,
            // Without a delivery there is nothing outside the state; a place that is no longer configured cannot be read.
            Ok(_) | Err(_) => return Ok(NewState::of(request.state)),
        };
        match place.read(&keep.delivered, timeouts::timeout(&request.state, "read")).await {
            Ok(None) => Ok(NewState::of(request.state)),
            Ok(Some(found)) => {
                let state = attributes::with_found(request.state, &arguments, &found);
                keep.delivered = found.files;
                Ok(NewState::of(state).private(keep.write()))
            }
            Err(warning) => Ok(NewState::of(request.state).diagnostic(warning)),
        }
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        let mut keep = Private::read(&request.private);
        let before = Arguments::read(&request.prior);
        let after = Arguments::read(&request.planned);
        let left = if before.folder() != after.folder() { place::of(&self.shared, &before)? } else { None };
        let old = if left.is_some() { std::mem::take(&mut keep.delivered) } else { Default::default() };
        let deadline = timeouts::timeout(&request.planned, "update");
        let (prior, cancel) = (Some(&request.prior), request.context.cancel.clone());
        let mut state = self.bring(request.planned, &request.config, keep, prior, cancel).await?;
        if before.in_cluster.is_some() && after.in_cluster.is_none() {
            match in_cluster::let_go(&self.shared, &before, &request.prior).await {
                Ok(told) => state.diagnostics.extend(told),
                Err(failed) => state = state.diagnostics(failed),
            }
        }
        match left {
            Some(place) => match place.withdraw(&old, deadline, request.context.cancel).await {
                Ok(()) => Ok(state),
                Err(failed) => Ok(state.diagnostics(failed)),
            },
            None => Ok(state),
        }
    }

    async fn delete(&self, request: DeleteRequest) -> Result<NewState, Diagnostics> {
        let arguments = Arguments::read(&request.prior);
        if arguments.in_cluster.is_some() {
            let cancel = &request.context.cancel;
            return in_cluster::withdraw(&self.shared, &arguments, request.prior, cancel).await;
        }
        let keep = Private::read(&request.private);
        if let Some(place) = place::of(&self.shared, &arguments)? {
            let deadline = timeouts::timeout(&request.prior, "delete");
            place.withdraw(&keep.delivered, deadline, request.context.cancel).await?;
        }
        Ok(NewState::gone())
    }

    async fn import(&self, request: ImportRequest) -> Result<Vec<Imported>, Diagnostics> {
        import::import(&self.shared, &request.id).await.map(|imported| vec![imported])
    }
}

/// Plans an agent that depends on values which are not known yet: everything computed waits for apply.
fn plan_without_objects(request: PlanRequest) -> Plan {
    let mut planned = request.planned;
    let waiting = attributes::unknown_arguments(&planned);
    attributes::hide_everything(&mut planned);
    let mut plan = Plan::of(planned);
    plan.requires_replace = request.requires_replace;
    plan.diagnostic(
        Diagnostic::warning("the agent's objects cannot be shown before apply")
            .detail(format!("Not known yet: {}.", waiting.join(", ")))
            .hint("give it a value that is known at plan, or apply what it depends on first"),
    )
}
