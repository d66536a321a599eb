//! One flow for all resources whose objects are delivered: plan, create, read, update, delete.
//!
//! The order is what keeps it safe: nothing is delivered before everything is made, a place that is left is emptied after
//! the new one has all, and what is kept beside the state is what really is there.

use std::marker::PhantomData;
use std::sync::Arc;

use tf_provider::schema::{
    CreateRequest, DeleteRequest, Diagnostic, Diagnostics, ImportRequest, Imported, MoveRequest, NewState,
    Object, Plan, PlanDestroyRequest, PlanRequest, ReadRequest, Resource, Schema, UpdateRequest,
    ValidateRequest,
};
use tf_provider::{CancellationToken, async_trait};

use super::super::super::Shared;
use super::description::{Description, Files, Heritage, Keep, Limits, Phase, kept};
use super::git::GitPlace;
use super::in_cluster::Tenant;
use super::predecessor::{MOVED, Predecessor as Origin, really_replaced};
use super::{deletions, timeouts};
use crate::delivery::cluster::predecessor::Predecessor;
use crate::delivery::{Existing, FileIds};

/// A resource type, from its description.
pub(in super::super) struct Delivered<D> {
    shared: Arc<Shared>,
    of: PhantomData<D>,
}

impl<D: Description> Delivered<D> {
    /// Makes the resource over what all resources share.
    pub(in super::super) fn new(shared: Arc<Shared>) -> Self {
        Delivered { shared, of: PhantomData }
    }

    /// Opens the folder that a block names; none where it delivers elsewhere, or its repository is not known yet.
    fn place(&self, arguments: &D::Arguments) -> Result<Option<GitPlace>, Diagnostics> {
        self.place_of(arguments, &mut D::Keep::default())
    }

    /// The same, where files of who had the objects before become ours.
    fn place_of(
        &self,
        arguments: &D::Arguments,
        keep: &mut D::Keep,
    ) -> Result<Option<GitPlace>, Diagnostics> {
        let Some(mut folder) = D::folder(arguments) else { return Ok(None) };
        if matches!(keep.predecessor(), Some(Origin::Bootstrap { .. })) {
            folder.existing = Existing::Adopt;
        }
        GitPlace::open(&self.shared, folder, D::holder(arguments).title)
    }

    /// Gives the tenant of a block, which takes over what another delivery of `before` brought to the cluster.
    fn tenant(arguments: &D::Arguments, before: Option<&D::Arguments>) -> Option<Tenant> {
        let mut tenant = D::tenant(arguments)?;
        if let Some(before) = before.filter(|before| comes_from_git::<D>(before)) {
            D::inherit(before, &mut tenant);
        }
        Some(tenant)
    }

    fn files(place: &GitPlace, arguments: &D::Arguments, desired: &D::Desired) -> Result<Files, Diagnostics> {
        D::files(arguments, desired).map_err(|error| place.not_delivered(&error).into())
    }

    /// Checks, while planning, what a delivery to git and a loss of objects need, and tells what a reader should know.
    async fn look_ahead(
        &self,
        request: &PlanRequest,
        arguments: &D::Arguments,
        desired: &D::Desired,
        planned: &Object,
    ) -> Result<Diagnostics, Diagnostics> {
        let mut notices = Diagnostics::new();
        if !D::knows_its_objects(desired) {
            return Ok(notices);
        }
        let mut known = D::Keep::read(&request.private);
        if let Some(place) = self.place_of(arguments, &mut known)? {
            let files = Self::files(&place, arguments, desired)?;
            place.claim(&files)?;
            let deadline = timeouts::timeout(planned, "read");
            notices.extend(D::look_ahead(&place, &files, known.delivered(), deadline).await?);
        }
        if let Some(prior) = request.prior.as_ref().filter(|_| request.requires_replace.is_empty()) {
            D::check_move(&D::read(prior), arguments, prior, planned)?;
        }
        // Of what is replaced everything goes before it comes anew.
        match &request.prior {
            Some(prior) if !request.requires_replace.is_empty() => {
                let holder = D::holder(&D::read(prior));
                deletions::check(&self.shared, &holder, Some(prior), None).await?;
            }
            prior => {
                deletions::check(&self.shared, &D::holder(arguments), prior.as_ref(), Some(planned)).await?;
            }
        }
        Ok(notices)
    }

    /// Asks the cluster, while planning, what its part of the delivery would do.
    async fn plan_in_cluster(
        &self,
        arguments: &D::Arguments,
        desired: &D::Desired,
        predecessor: Option<Predecessor>,
        prior: Option<&Object>,
        planned: &mut Object,
    ) -> Result<Diagnostics, Diagnostics> {
        let before = prior.map(D::read);
        let Some(mut tenant) = Self::tenant(arguments, before.as_ref()) else {
            return D::plan_beside_git(&self.shared, arguments, desired).await;
        };
        tenant.predecessor = predecessor;
        tenant.settings.asks_server &= D::knows_its_objects(desired);
        let cargo = D::cargo(arguments, desired, prior.is_none());
        tenant.plan(&self.shared, cargo, prior, planned).await
    }

    /// Delivers and returns the state with what must be kept beside it.
    async fn bring(
        &self,
        planned: Object,
        config: &Object,
        mut keep: D::Keep,
        prior: Option<&Object>,
        cancel: &CancellationToken,
    ) -> Result<NewState, Diagnostics> {
        let arguments = D::read_with(&planned, config);
        let place = self.place_of(&arguments, &mut keep)?;
        // Announced before the objects are made, so that the resources of an apply wait for each other with their commit.
        place.iter().for_each(|place| place.folder().announce());
        keep.draw()?;
        let desired = D::make(&self.shared, &arguments, &keep, Phase::Apply(&planned)).await?;
        let (desired, heritage) = self.succeed(&arguments, &mut keep, desired).await?;
        let longest = timeouts::timeout(&planned, if prior.is_some() { "update" } else { "create" });
        let limits = Limits { longest, cancel };
        if let Some(place) = place {
            let files = Self::files(&place, &arguments, &desired)?;
            *keep.delivered() = place.deliver(files, keep.delivered(), limits).await?;
        }
        D::remember(&mut keep, &desired);
        let mut told = D::warnings(&desired);
        let mut state = D::with_computed(planned, &arguments, &desired);
        let before = prior.map(D::read);
        if let Some(mut tenant) = Self::tenant(&arguments, before.as_ref()) {
            tenant.predecessor = heritage.map(|one| one.predecessor);
            if let (Some(before), Some(prior)) = (&before, prior)
                && comes_from_git::<D>(before)
            {
                D::before_inheriting(&self.shared, before, prior, longest).await?;
            }
            let cargo = D::cargo(&arguments, &desired, prior.is_none());
            let applied = tenant.apply(&self.shared, cargo, state, &mut keep, prior, limits).await?;
            state = applied.0;
            told.extend(applied.1);
        } else {
            let (shared, before) = (&self.shared, before.as_ref());
            let done = D::beside_git(shared, &arguments, &desired, before, &mut keep, limits).await;
            if before.is_none() {
                told.extend(done?);
            } else {
                let notices = done.unwrap_or_else(|failed| failed);
                // The files are there by now; what is not done beside them is done by the next apply.
                if notices.has_errors() {
                    state.set("status", "incomplete");
                }
                told.extend(notices);
            }
        }
        if matches!(state.string("status"), Some("ready" | "applied" | "delivered"))
            && let Some(predecessor) = keep.predecessor().take()
        {
            told.extend(D::forget(&self.shared, &arguments, &predecessor, longest).await);
        }
        Ok(kept(state, &keep).diagnostics(told))
    }

    /// Gives the objects with what stays of who had them before, where somebody had.
    async fn succeed(
        &self,
        arguments: &D::Arguments,
        keep: &mut D::Keep,
        anew: D::Desired,
    ) -> Result<(D::Desired, Option<Heritage>), Diagnostics> {
        let Some(predecessor) = keep.predecessor().clone() else { return Ok((anew, None)) };
        let (desired, heritage) = D::succeed(&self.shared, arguments, keep, &predecessor, anew).await?;
        Ok((desired, Some(heritage)))
    }

    /// Empties the places that an update leaves, and gives what the user should know.
    ///
    /// # Errors
    /// When one of them is not empty.
    async fn leave(
        &self,
        before: &D::Arguments,
        after: &D::Arguments,
        old: Option<(&GitPlace, &FileIds)>,
        limits: Limits<'_>,
    ) -> Result<Diagnostics, Diagnostics> {
        let mut told = Diagnostics::new();
        if let (Some(tenant), None) = (D::tenant(before), D::tenant(after)) {
            let left = tenant.let_go(&self.shared, limits.longest).await?;
            told.extend(Some(left).filter(|_| !D::hands_over(after)));
        }
        if let Some((place, delivered)) = old {
            place.withdraw(delivered, limits).await?;
        }
        Ok(told)
    }
}

/// Tells whether what a block delivers comes to the cluster through git.
fn comes_from_git<D: Description>(arguments: &D::Arguments) -> bool {
    D::tenant(arguments).is_none() && D::folder(arguments).is_some()
}

/// Gives the state after a move that did not come to its end: what was delivered first is still there, and the next apply
/// moves again.
fn not_moved<D: Description>(prior: Object, old: Option<FileIds>, state: NewState) -> NewState {
    let mut keep = D::Keep::read(state.private.as_deref().unwrap_or_default());
    if let Some(old) = old {
        *keep.delivered() = old;
    }
    kept(prior.with("status", "incomplete"), &keep).diagnostics(state.diagnostics)
}

#[async_trait]
impl<D: Description> Resource for Delivered<D> {
    fn type_name(&self) -> &str {
        D::TYPE
    }

    fn schema(&self) -> Schema {
        D::schema()
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        D::validate(&request.config)
    }

    async fn plan(&self, mut request: PlanRequest) -> Result<Plan, Diagnostics> {
        let waiting = D::waits_for(&self.shared, &request.planned, &request.config)?;
        if !waiting.is_empty() {
            return Ok(plan_without_objects::<D>(request, &waiting));
        }
        if D::Keep::read(&request.private).predecessor().is_some() {
            request.requires_replace = really_replaced(request.prior.as_ref(), request.requires_replace);
        }
        let is_replaced = !request.requires_replace.is_empty();
        let arguments = D::read_with(&request.planned, &request.config);
        // What is replaced starts anew, with chance of its own.
        let mut keep = if is_replaced { D::Keep::default() } else { D::Keep::read(&request.private) };
        let phase = Phase::Plan(request.prior.as_ref());
        let desired = D::make(&self.shared, &arguments, &keep, phase).await?;
        let (desired, heritage) = self.succeed(&arguments, &mut keep, desired).await?;
        let mut planned = D::with_computed(request.planned.clone(), &arguments, &desired);
        let mut told = D::warnings(&desired);
        told.extend(self.look_ahead(&request, &arguments, &desired, &planned).await?);
        let before = request.prior.as_ref().filter(|_| !is_replaced);
        let before_us = heritage.map(|one| {
            told.extend(one.told);
            one.predecessor
        });
        told.extend(self.plan_in_cluster(&arguments, &desired, before_us, before, &mut planned).await?);
        let mut plan = Plan::of(planned);
        plan.requires_replace = request.requires_replace;
        plan.diagnostics = told;
        Ok(plan)
    }

    async fn plan_destroy(&self, request: PlanDestroyRequest) -> Result<Diagnostics, Diagnostics> {
        D::plan_destroy(&self.shared, &request.prior).await
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        let cancel = &request.context.cancel;
        self.bring(request.planned, &request.config, D::Keep::default(), None, cancel).await
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        let (arguments, state) = (D::read(&request.state), request.state);
        let mut keep = D::Keep::read(&request.private);
        let longest = timeouts::timeout(&state, "read");
        if let Some(predecessor) =
            keep.predecessor().clone().filter(|_| state.string("status") == Some(MOVED))
        {
            let state = D::look_back(&self.shared, state, &mut keep, &predecessor).await;
            return Ok(kept(state, &keep));
        }
        if let Some(tenant) = D::tenant(&arguments) {
            let before = keep.clone();
            let answer = tenant.read(&self.shared, state, &mut keep, longest).await;
            return Ok(if keep == before { answer } else { answer.private(keep.write()) });
        }
        let place = match self.place(&arguments) {
            Ok(Some(place)) if !keep.delivered().is_empty() => place,
            // Without a delivery there is nothing outside the state; a place that is no longer configured cannot be read.
            Ok(_) | Err(_) => return Ok(NewState::of(state)),
        };
        let before = keep.clone();
        let (state, warning) = match place.read(keep.delivered(), longest).await {
            Ok(None) => (state, None),
            Ok(Some(found)) => (D::with_found(state, &arguments, &found, &mut keep), None),
            Err(warning) => (state, Some(warning)),
        };
        let answer = D::read_beside_git(&self.shared, &arguments, state, &mut keep, longest).await;
        let answer = answer.diagnostics(warning.into_iter().collect());
        Ok(if keep == before { answer } else { answer.private(keep.write()) })
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        let mut keep = D::Keep::read(&request.private);
        let (before, after) = (D::read(&request.prior), D::read(&request.planned));
        let moves = D::folder(&before).map(|one| one.place) != D::folder(&after).map(|one| one.place);
        let left = if moves { self.place(&before)? } else { None };
        let old = left.as_ref().map(|_| std::mem::take(keep.delivered()));
        let cancel = &request.context.cancel;
        let limits = Limits { longest: timeouts::timeout(&request.planned, "update"), cancel };
        let state = self.bring(request.planned, &request.config, keep, Some(&request.prior), cancel).await?;
        let leaves = left.is_some() || (D::tenant(&before).is_some() && D::tenant(&after).is_none());
        if !leaves {
            return Ok(state);
        }
        // A place is left only when the new one has all.
        if state.diagnostics.has_errors() {
            return Ok(not_moved::<D>(request.prior, old, state));
        }
        Ok(match self.leave(&before, &after, left.as_ref().zip(old.as_ref()), limits).await {
            Ok(told) => state.diagnostics(told),
            Err(failed) => not_moved::<D>(request.prior, old, state.diagnostics(failed)),
        })
    }

    async fn delete(&self, request: DeleteRequest) -> Result<NewState, Diagnostics> {
        let arguments = D::read(&request.prior);
        let cancel = &request.context.cancel;
        let limits = Limits { longest: timeouts::timeout(&request.prior, "delete"), cancel };
        if let Some(tenant) = D::tenant(&arguments) {
            let stuck =
                D::before_withdrawal(&self.shared, &arguments, &request.prior, limits.longest).await?;
            return match stuck {
                Some(reason) => Ok(NewState::of(request.prior).diagnostic(reason)),
                None => tenant.withdraw(&self.shared, request.prior, limits).await,
            };
        }
        if let Some(place) = self.place(&arguments)? {
            let stays = D::withdraw_beside_git(&self.shared, &arguments, &request.prior, limits).await?;
            if let Some(stays) = stays {
                return Ok(stays);
            }
            let mut keep = D::Keep::read(&request.private);
            place.withdraw(keep.delivered(), limits).await?;
        }
        Ok(NewState::gone())
    }

    async fn move_state(&self, request: MoveRequest) -> Result<Option<NewState>, Diagnostics> {
        Ok(D::move_state(&request)?.map(|(state, keep)| kept(state, &keep)))
    }

    async fn import(&self, request: ImportRequest) -> Result<Vec<Imported>, Diagnostics> {
        D::import(&self.shared, request).await.map(|imported| vec![imported])
    }
}

/// Plans a resource that depends on values which are not known yet: everything computed waits for apply.
fn plan_without_objects<D: Description>(request: PlanRequest, waiting: &[String]) -> Plan {
    let mut planned = request.planned;
    D::hide_everything(&mut planned);
    let mut plan = Plan::of(planned);
    plan.requires_replace = request.requires_replace;
    let (summary, hint) = D::WAITING;
    let detail = format!("Not known yet: {}.", waiting.join(", "));
    plan.diagnostic(Diagnostic::warning(summary).detail(detail).hint(hint))
}
