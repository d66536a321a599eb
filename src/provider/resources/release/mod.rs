//! `strata_release`: a layered Helm release on one cluster, delivered to a git repository or only rendered.
//!
//! Every computed attribute is a function of configuration, files and private state, so that the plan that Terraform makes
//! again inside apply comes out the same. Only private state holds what was drawn at create.

mod arguments;
mod attributes;
mod desired;
mod files;
mod formats;
mod hcl;
mod import;
mod import_cluster;
mod in_cluster;
mod ingredients;
mod inherit;
mod layers;
mod moved;
pub(crate) mod preview;
mod private;
mod schema;
mod secrecy;
mod validate;

use std::sync::Arc;
use std::time::Duration;

use tf_provider::async_trait;
use tf_provider::schema::{
    Diagnostic, Diagnostics, ImportRequest, Imported, MoveRequest, Object, Resource, Schema,
};

use arguments::Arguments;
use desired::Desired;
use private::Private;

use super::super::Shared;
use super::objects::deletions::{self, Holder};
use super::objects::description::{Description, Files, Heritage, Phase};
use super::objects::flow::Delivered;
use super::objects::git::Folder;
use super::objects::in_cluster::{Cargo, Tenant};
use super::objects::predecessor::Predecessor;
use crate::delivery::{DeliveryError, Reading};

/// Makes the resource over what all resources share.
pub(crate) fn resource(shared: &Arc<Shared>) -> Arc<dyn Resource> {
    Arc::new(Delivered::<Release>::new(Arc::clone(shared)))
}

/// What a release is.
struct Release;

#[async_trait]
impl Description for Release {
    type Arguments = Arguments;
    type Desired = Desired;
    type Keep = Private;

    const TYPE: &'static str = "strata_release";
    const WAITING: (&'static str, &'static str) = (
        "the release cannot be rendered before apply",
        "give it a value that is known at plan, or apply what it depends on first; of `values = { … }`, an object, each \
         value may be unknown on its own, which text from `yamlencode` may not",
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
        Arguments::read(block).with_secrets_of(config)
    }

    fn holder(arguments: &Arguments) -> Holder {
        arguments.holder()
    }

    fn waits_for(shared: &Shared, planned: &Object, config: &Object) -> Result<Vec<String>, Diagnostics> {
        let waiting = attributes::unknown_arguments(planned, config);
        if waiting.is_empty() { desired::waits_for(shared, &Arguments::read(planned)) } else { Ok(waiting) }
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
        let desired = desired::desired(shared, arguments, keep).await?;
        match phase {
            Phase::Plan(_) => secrecy::check(arguments, &desired)?,
            Phase::Apply(planned) => desired.expect_planned_chart(planned)?,
        }
        Ok(desired)
    }

    fn knows_its_objects(desired: &Desired) -> bool {
        desired.unknown.set.is_none()
    }

    fn warnings(desired: &Desired) -> Diagnostics {
        desired.warnings.clone()
    }

    fn with_computed(planned: Object, arguments: &Arguments, desired: &Desired) -> Object {
        attributes::with_computed(planned, arguments, desired)
    }

    fn remember(keep: &mut Private, desired: &Desired) {
        keep.remember(desired);
    }

    fn folder(arguments: &Arguments) -> Option<Folder> {
        arguments.folder()
    }

    fn files(arguments: &Arguments, desired: &Desired) -> Result<Files, DeliveryError> {
        files::files(arguments, desired)
    }

    fn with_found(state: Object, arguments: &Arguments, reading: &Reading, keep: &mut Private) -> Object {
        attributes::with_found(state, arguments, &files::found(reading), keep)
    }

    fn tenant(arguments: &Arguments) -> Option<Tenant> {
        in_cluster::tenant(arguments)
    }

    fn cargo(arguments: &Arguments, desired: &Desired, is_new: bool) -> Cargo {
        in_cluster::cargo(arguments, desired, is_new)
    }

    async fn look_back(
        shared: &Arc<Shared>,
        state: Object,
        keep: &mut Private,
        predecessor: &Predecessor,
    ) -> Object {
        inherit::look_back(shared, state, keep, predecessor).await
    }

    async fn succeed(
        shared: &Arc<Shared>,
        arguments: &Arguments,
        keep: &mut Private,
        predecessor: &Predecessor,
        anew: Desired,
    ) -> Result<(Desired, Heritage), Diagnostics> {
        inherit::succeed(shared, arguments, keep, predecessor, anew).await
    }

    async fn forget(
        shared: &Shared,
        arguments: &Arguments,
        predecessor: &Predecessor,
        longest: Duration,
    ) -> Option<Diagnostic> {
        inherit::forget(shared, arguments, predecessor, longest).await
    }

    async fn plan_destroy(shared: &Shared, prior: &Object) -> Result<Diagnostics, Diagnostics> {
        let holder = Arguments::read(prior).holder();
        deletions::check(shared, &holder, Some(prior), None).await.map(|()| Diagnostics::new())
    }

    fn move_state(request: &MoveRequest) -> Result<Option<(Object, Private)>, Diagnostics> {
        moved::state(request)
    }

    async fn import(shared: &Arc<Shared>, request: ImportRequest) -> Result<Imported, Diagnostics> {
        import::import(shared, &request.id).await
    }
}
