//! `strata_release`: a layered Helm release on one cluster, delivered to a git repository or only rendered.
//!
//! Every computed attribute is a function of configuration, files and private state, so that the plan that Terraform makes
//! again inside apply comes out the same. Only private state holds what was drawn at create.

mod arguments;
mod attributes;
mod desired;
mod formats;
mod hcl;
mod import;
mod import_cluster;
mod in_cluster;
mod layers;
mod place;
pub(crate) mod preview;
mod private;
mod schema;
mod secrecy;

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::{
    CreateRequest, DeleteRequest, Diagnostic, Diagnostics, ImportRequest, Imported, NewState, Object, Plan,
    PlanDestroyRequest, PlanRequest, ReadRequest, Resource, Schema, UpdateRequest, ValidateRequest,
};

use arguments::Arguments;
use desired::Desired;
use place::Place;
use private::{Private, Seed};

use super::super::Shared;
use super::objects::{deletions, timeouts};

/// The resource type `strata_release`.
pub(crate) struct ReleaseResource {
    shared: Arc<Shared>,
}

impl ReleaseResource {
    /// Makes the resource over what all resources share.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        ReleaseResource { shared }
    }

    /// Renders what a planned block asks for; `prior` is what the release keeps from before.
    async fn desired(
        &self,
        planned: &Object,
        config: &Object,
        prior: &Private,
    ) -> Result<(Arguments, Desired), Diagnostics> {
        let arguments = Arguments::read(planned).with_secrets_of(config);
        let desired = desired::desired(&self.shared, &arguments, prior).await?;
        Ok((arguments, desired))
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
        // Announced before the render, so that the releases of an apply wait for each other with their commit.
        let place = place::of(&self.shared, &Arguments::read(&planned))?;
        place.iter().for_each(Place::announce);
        let (arguments, desired) = self.desired(&planned, config, &keep).await?;
        desired.expect_planned_chart(&planned)?;
        if arguments.in_cluster.is_some() {
            let state = attributes::with_computed(planned, &arguments, &desired);
            return in_cluster::apply(&self.shared, &arguments, desired, state, keep, prior, &cancel).await;
        }
        if let Some(place) = place {
            let operation = if prior.is_some() { "update" } else { "create" };
            let deadline = timeouts::timeout(&planned, operation);
            keep.delivered = place.deliver(&arguments, &desired, &keep.delivered, deadline, cancel).await?;
        }
        let state = attributes::with_computed(planned, &arguments, &desired);
        keep.remember(&desired);
        Ok(NewState::of(state).private(keep.write()).diagnostics(desired.warnings))
    }
}

#[async_trait]
impl Resource for ReleaseResource {
    fn type_name(&self) -> &str {
        "strata_release"
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        arguments::validate(&request.config)
    }

    async fn plan(&self, request: PlanRequest) -> Result<Plan, Diagnostics> {
        let mut waiting = attributes::unknown_arguments(&request.planned, &request.config);
        if waiting.is_empty() {
            waiting = desired::waits_for(&self.shared, &Arguments::read(&request.planned))?;
        }
        if !waiting.is_empty() {
            return Ok(plan_without_rendering(request, &waiting));
        }
        let prior = Private::read(&request.private);
        // What is replaced starts anew, with a seed of its own.
        let keep = if request.requires_replace.is_empty() { prior } else { Private::default() };
        let (arguments, desired) = self.desired(&request.planned, &request.config, &keep).await?;
        secrecy::check(&arguments, &desired)?;
        if let Some(place) = place::of(&self.shared, &arguments)?.filter(|_| desired.unknown.set.is_none()) {
            place.claim(&arguments, &desired)?;
        }
        let mut planned = attributes::with_computed(request.planned, &arguments, &desired);
        if desired.objects_by_chance && keep.seed.is_none() {
            attributes::hide_objects(&mut planned);
        }
        // Of what is replaced everything goes before it comes anew.
        let stays = request.requires_replace.is_empty().then_some(&planned);
        if desired.unknown.set.is_none() {
            let holder = match &request.prior {
                Some(prior) if stays.is_none() => Arguments::read(prior).holder(),
                _ => arguments.holder(),
            };
            deletions::check(&self.shared, &holder, request.prior.as_ref(), stays)?;
        }
        let before = request.prior.as_ref().filter(|_| request.requires_replace.is_empty());
        let notices = in_cluster::plan(&self.shared, &arguments, &desired, before, &mut planned).await?;
        let mut plan = Plan::of(planned);
        plan.requires_replace = request.requires_replace;
        plan.diagnostics = desired.warnings;
        plan.diagnostics.extend(notices);
        Ok(plan)
    }

    async fn plan_destroy(&self, request: PlanDestroyRequest) -> Result<Diagnostics, Diagnostics> {
        let holder = Arguments::read(&request.prior).holder();
        deletions::check(&self.shared, &holder, Some(&request.prior), None)?;
        Ok(Diagnostics::new())
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        let keep = Private { seed: Some(Seed::draw()?), ..Private::default() };
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
        let deadline = timeouts::timeout(&request.state, "read");
        match place.read(&keep.delivered, deadline).await {
            Ok(None) => Ok(NewState::of(request.state)),
            Ok(Some(found)) => {
                let state = attributes::with_found(request.state, &arguments, &found, &mut keep);
                Ok(NewState::of(state).private(keep.write()))
            }
            Err(warning) => Ok(NewState::of(request.state).diagnostic(warning)),
        }
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        let mut keep = Private::read(&request.private);
        if keep.seed.is_none() {
            keep.seed = Some(Seed::draw()?);
        }
        let before = Arguments::read(&request.prior);
        let after = Arguments::read(&request.planned);
        let left = if before.place() != after.place() { place::of(&self.shared, &before)? } else { None };
        let old = if left.is_some() { std::mem::take(&mut keep.delivered) } else { Default::default() };
        let deadline = timeouts::timeout(&request.planned, "update");
        let (prior, cancel) = (&request.prior, request.context.cancel.clone());
        let mut state = self.bring(request.planned, &request.config, keep, Some(prior), cancel).await?;
        if before.in_cluster.is_some() && after.in_cluster.is_none() {
            match in_cluster::let_go(&self.shared, &before, prior).await {
                Ok(told) => state = state.diagnostic(told),
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
        let keep = Private::read(&request.private);
        if arguments.in_cluster.is_some() {
            return in_cluster::withdraw(&self.shared, &arguments, request.prior, &request.context.cancel)
                .await;
        }
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

/// Plans a release that depends on values which are not known yet: everything computed waits for apply.
fn plan_without_rendering(request: PlanRequest, waiting: &[String]) -> Plan {
    let mut planned = request.planned;
    attributes::hide_everything(&mut planned);
    let mut plan = Plan::of(planned);
    plan.requires_replace = request.requires_replace;
    plan.diagnostic(
        Diagnostic::warning("the release cannot be rendered before apply")
            .detail(format!("Not known yet: {}.", waiting.join(", ")))
            .hint(
                "give it a value that is known at plan, or apply what it depends on first; of `values = { … }`, an object, each \
                 value may be unknown on its own, which text from `yamlencode` may not",
            ),
    )
}
