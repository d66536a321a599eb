//! `strata_agent`: the GitOps agent on one cluster, from what a version of it ships to objects in the cluster, or in its folder of a
//! git repository.
//!
//! Every computed attribute is a function of the configuration and of the pinned release, so that the plan that Terraform
//! makes again inside apply comes out the same.

mod arguments;
mod attributes;
mod beside_git;
mod credentials;
mod desired;
mod destroy;
mod files;
mod import;
mod import_live;
mod in_cluster;
mod moved;
mod moving;
mod private;
mod registry;
mod schema;
pub(crate) mod shipped;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use tf_provider::async_trait;
use tf_provider::schema::{
    Diagnostic, Diagnostics, ImportRequest, Imported, MoveRequest, NewState, Object, Resource, Schema,
};

use super::super::Shared;
use super::objects::deletions::Holder;
use super::objects::description::{Description, Files, Limits, Phase};
use super::objects::flow::Delivered;
use super::objects::git::{Folder, GitPlace};
use super::objects::in_cluster::{Cargo, Tenant};
use super::objects::predecessor::Predecessor;
use crate::delivery::{DeliveryError, FileIds, Reading};
use arguments::Arguments;
use desired::Desired;
use private::Private;

/// Makes the resource over what all resources share.
pub(crate) fn resource(shared: &Arc<Shared>) -> Arc<dyn Resource> {
    Arc::new(Delivered::<Agent>::new(Arc::clone(shared)))
}

/// What an agent is.
struct Agent;

#[async_trait]
impl Description for Agent {
    type Arguments = Arguments;
    type Desired = Desired;
    type Keep = Private;

    const TYPE: &'static str = "strata_agent";
    const WAITING: (&'static str, &'static str) = (
        "the agent's objects cannot be shown before apply",
        "give it a value that is known at plan, or apply what it depends on first",
    );

    fn schema() -> Schema {
        schema::schema()
    }

    fn validate(config: &Object) -> Diagnostics {
        validate::validate(config)
    }

    fn read(block: &Object) -> Arguments {
        Arguments::read(block)
    }

    fn read_with(block: &Object, config: &Object) -> Arguments {
        Arguments::read(block).with_credentials_of(config)
    }

    fn holder(arguments: &Arguments) -> Holder {
        arguments.holder()
    }

    fn waits_for(_shared: &Shared, planned: &Object, config: &Object) -> Result<Vec<String>, Diagnostics> {
        Ok(attributes::unknown_arguments(planned, config))
    }

    fn hide_everything(planned: &mut Object) {
        attributes::hide_everything(planned);
    }

    async fn make(
        shared: &Arc<Shared>,
        arguments: &Arguments,
        keep: &Private,
        phase: Phase<'_>,
    ) -> Result<Desired, Diagnostics> {
        let pinned = match phase {
            Phase::Plan(prior) => {
                let origin = shipped::origin(shared, arguments)?;
                prior.and_then(|prior| attributes::pinned(prior, &origin))
            }
            // The plan named the release by its digest: nothing else is used.
            Phase::Apply(planned) => attributes::source_digest(planned),
        };
        desired::desired(shared, arguments, pinned, keep).await
    }

    fn with_computed(planned: Object, arguments: &Arguments, desired: &Desired) -> Object {
        attributes::with_computed(planned, arguments, desired)
    }

    async fn look_back(
        shared: &Arc<Shared>,
        state: Object,
        _keep: &mut Private,
        predecessor: &Predecessor,
    ) -> Object {
        moved::look_back(shared, state, predecessor).await
    }

    fn remember(keep: &mut Private, desired: &Desired) {
        keep.revisions = desired.revisions.clone();
    }

    fn folder(arguments: &Arguments) -> Option<Folder> {
        arguments.folder()
    }

    fn files(arguments: &Arguments, desired: &Desired) -> Result<Files, DeliveryError> {
        Ok(desired.files(arguments))
    }

    async fn look_ahead(
        place: &GitPlace,
        files: &Files,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Diagnostic>, Diagnostics> {
        files::look_ahead(place, files, delivered, longest).await
    }

    fn with_found(state: Object, arguments: &Arguments, reading: &Reading, keep: &mut Private) -> Object {
        let found = files::found(reading);
        let state = attributes::with_found(state, arguments, &found);
        keep.delivered = found.files;
        state
    }

    fn tenant(arguments: &Arguments) -> Option<Tenant> {
        in_cluster::tenant(arguments)
    }

    fn cargo(_arguments: &Arguments, desired: &Desired, _is_new: bool) -> Cargo {
        Cargo { objects: desired.known(), ..Cargo::default() }
    }

    async fn plan_beside_git(
        shared: &Shared,
        arguments: &Arguments,
        desired: &Desired,
    ) -> Result<Diagnostics, Diagnostics> {
        beside_git::plan(shared, arguments, desired).await
    }

    async fn beside_git(
        shared: &Shared,
        arguments: &Arguments,
        desired: &Desired,
        before: Option<&Arguments>,
        keep: &mut Private,
        limits: Limits<'_>,
    ) -> Result<Diagnostics, Diagnostics> {
        beside_git::hand_over(shared, arguments, desired, before, keep, limits).await
    }

    async fn read_beside_git(
        shared: &Shared,
        arguments: &Arguments,
        state: Object,
        keep: &mut Private,
        longest: Duration,
    ) -> NewState {
        if arguments.delivery.is_none() {
            return NewState::of(state);
        }
        beside_git::read(shared, arguments, state, keep, longest).await
    }

    fn check_move(
        before: &Arguments,
        after: &Arguments,
        prior: &Object,
        planned: &Object,
    ) -> Result<(), Diagnostics> {
        moving::check(before, after, prior, planned)
    }

    fn hands_over(after: &Arguments) -> bool {
        after.delivery.is_some()
    }

    fn inherit(before: &Arguments, tenant: &mut Tenant) {
        moving::inherit(before, tenant);
    }

    async fn before_inheriting(
        shared: &Shared,
        before: &Arguments,
        prior: &Object,
        longest: Duration,
    ) -> Result<(), Diagnostics> {
        moving::before_inheriting(shared, before, prior, longest).await
    }

    async fn withdraw_beside_git(
        shared: &Shared,
        arguments: &Arguments,
        prior: &Object,
        limits: Limits<'_>,
    ) -> Result<Option<NewState>, Diagnostics> {
        destroy::withdraw(shared, arguments, prior, limits).await
    }

    async fn plan_destroy(shared: &Shared, prior: &Object) -> Result<Diagnostics, Diagnostics> {
        let arguments = Arguments::read(prior);
        let in_cluster = destroy::preview(shared, &arguments, prior).await;
        let in_git = files::preview_of_destroy(&arguments, prior, destroy::takes_out(shared, &arguments));
        Ok(in_cluster.into_iter().chain(in_git).collect())
    }

    async fn before_withdrawal(
        shared: &Shared,
        arguments: &Arguments,
        prior: &Object,
        longest: Duration,
    ) -> Result<Option<Diagnostic>, Diagnostics> {
        destroy::before_withdrawal(shared, arguments, prior, longest).await
    }

    fn move_state(request: &MoveRequest) -> Result<Option<(Object, Private)>, Diagnostics> {
        moved::state(request)
    }

    async fn import(shared: &Arc<Shared>, request: ImportRequest) -> Result<Imported, Diagnostics> {
        import::import(shared, &request.id).await
    }
}
