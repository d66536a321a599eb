//! What a resource that delivers objects is: the parts in which an agent and a release differ. Everything else is in the flow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tf_provider::schema::{
    Diagnostic, Diagnostics, ImportRequest, Imported, MoveRequest, NewState, Object, Schema,
};
use tf_provider::{CancellationToken, async_trait};

use super::super::super::Shared;
use super::super::super::cluster_delivery::Keeper;
use super::deletions::Holder;
use super::git::{Folder, GitPlace};
use super::in_cluster::{Cargo, Tenant};
use super::predecessor::Predecessor;
use crate::delivery::cluster::predecessor as cluster;
use crate::delivery::{FileIds, Reading};

/// Files by their names below the place.
pub(in super::super) type Files = BTreeMap<String, Vec<u8>>;

/// When the objects are made, and with what before them.
#[derive(Clone, Copy)]
pub(in super::super) enum Phase<'a> {
    /// For a plan; with the state before.
    Plan(Option<&'a Object>),
    /// For an apply; with what was planned, from which nothing may differ.
    Apply(&'a Object),
}

/// How long something may take, and what ends it earlier.
#[derive(Clone, Copy)]
pub(in super::super) struct Limits<'a> {
    /// How long.
    pub(in super::super) longest: Duration,
    /// Whether Terraform wants it to stop.
    pub(in super::super) cancel: &'a CancellationToken,
}

/// What comes from who had the objects before.
pub(in super::super) struct Heritage {
    /// Who it was, as the cluster knows them.
    pub(in super::super) predecessor: cluster::Predecessor,
    /// What the user should know.
    pub(in super::super) told: Diagnostics,
}

impl Heritage {
    /// Starts with who it was.
    pub(in super::super) fn of(predecessor: cluster::Predecessor) -> Self {
        Heritage { predecessor, told: Diagnostics::new() }
    }
}

/// What is kept beside the state: Terraform stores it, never shows it, and hands it back.
pub(in super::super) trait Keep:
    Keeper + Clone + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync
{
    /// Gives the ids of the files that were delivered.
    fn delivered(&mut self) -> &mut FileIds;

    /// Gives who had the objects before; none once everything is taken over.
    fn predecessor(&mut self) -> &mut Option<Predecessor>;

    /// Makes sure that there is what is drawn once, before a first apply.
    ///
    /// # Errors
    /// When the system has no source of chance.
    fn draw(&mut self) -> Result<(), Diagnostics>;

    /// Reads the bytes that Terraform kept; empty ones are of a resource that does not exist yet. Bytes that cannot be
    /// read count as none: hidden values then start at their first revision again.
    fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// Returns the bytes for Terraform to keep.
    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// A type of resource whose objects are delivered.
#[async_trait]
pub(in super::super) trait Description: Send + Sync + 'static {
    /// The decoded block.
    type Arguments: Send + Sync;
    /// What the resource shall be.
    type Desired: Send + Sync;
    /// What is kept beside its state.
    type Keep: Keep;

    /// The type's name.
    const TYPE: &'static str;
    /// What a plan says of a resource that waits for values, and what to do about it.
    const WAITING: (&'static str, &'static str);

    /// Describes configuration and state.
    fn schema() -> Schema;

    /// Checks a configuration beyond what the schema says; unknown values may stand anywhere.
    fn validate(config: &Object) -> Diagnostics;

    /// Decodes a plan or a state.
    fn read(block: &Object) -> Self::Arguments;

    /// Decodes a plan, with what only the configuration holds.
    fn read_with(block: &Object, config: &Object) -> Self::Arguments;

    /// Says whose objects these are.
    fn holder(arguments: &Self::Arguments) -> Holder;

    /// Lists what the objects are made of and is not known yet.
    ///
    /// # Errors
    /// Before the provider is configured.
    fn waits_for(shared: &Shared, planned: &Object, config: &Object) -> Result<Vec<String>, Diagnostics>;

    /// Makes everything computed wait for apply.
    fn hide_everything(planned: &mut Object);

    /// Makes the objects.
    ///
    /// # Errors
    /// With everything that is wrong, each at its place in the configuration.
    async fn make(
        shared: &Arc<Shared>,
        arguments: &Self::Arguments,
        keep: &Self::Keep,
        phase: Phase<'_>,
    ) -> Result<Self::Desired, Diagnostics>;

    /// Shows, in a state that comes from another resource, what is there, as far as it can be told without the configuration: the
    /// plan then shows what changes, not everything.
    async fn look_back(
        _shared: &Arc<Shared>,
        state: Object,
        _keep: &mut Self::Keep,
        _predecessor: &Predecessor,
    ) -> Object {
        state
    }

    /// Gives the objects with what stays of who had them before.
    ///
    /// # Errors
    /// When that cannot be taken over.
    async fn succeed(
        _shared: &Arc<Shared>,
        _arguments: &Self::Arguments,
        _keep: &mut Self::Keep,
        predecessor: &Predecessor,
        anew: Self::Desired,
    ) -> Result<(Self::Desired, Heritage), Diagnostics> {
        Ok((anew, Heritage::of(predecessor.in_cluster([], &[]))))
    }

    /// Does away with what is written down elsewhere of who had the objects before, once they are taken over; gives what of it is
    /// not done.
    async fn forget(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        _predecessor: &Predecessor,
        _longest: Duration,
    ) -> Option<Diagnostic> {
        None
    }

    /// Tells whether it is known which objects there are.
    fn knows_its_objects(_desired: &Self::Desired) -> bool {
        true
    }

    /// Gives what the user should know.
    fn warnings(_desired: &Self::Desired) -> Diagnostics {
        Diagnostics::new()
    }

    /// Fills in everything computed.
    fn with_computed(planned: Object, arguments: &Self::Arguments, desired: &Self::Desired) -> Object;

    /// Keeps what the next plan needs of what is delivered now.
    fn remember(keep: &mut Self::Keep, desired: &Self::Desired);

    /// Names the folder in git that the files go to; none where they do not.
    fn folder(arguments: &Self::Arguments) -> Option<Folder>;

    /// Writes the objects as files.
    ///
    /// # Errors
    /// When they cannot be told apart as files.
    fn files(
        arguments: &Self::Arguments,
        desired: &Self::Desired,
    ) -> Result<Files, crate::delivery::DeliveryError>;

    /// Looks, while planning, at what is in the folder.
    ///
    /// # Errors
    /// When there is something that may not be taken over.
    async fn look_ahead(
        _place: &GitPlace,
        _files: &Files,
        _delivered: &FileIds,
        _longest: Duration,
    ) -> Result<Option<Diagnostic>, Diagnostics> {
        Ok(None)
    }

    /// Shows what somebody else left in the folder; the next plan shows the way back.
    fn with_found(
        state: Object,
        arguments: &Self::Arguments,
        reading: &Reading,
        keep: &mut Self::Keep,
    ) -> Object;

    /// Says who has which objects in the cluster; none where they do not go straight to it.
    fn tenant(arguments: &Self::Arguments) -> Option<Tenant>;

    /// Gives what goes to the cluster.
    fn cargo(arguments: &Self::Arguments, desired: &Self::Desired, is_new: bool) -> Cargo;

    /// Looks, while planning, at what the cluster needs beside files in git.
    ///
    /// # Errors
    /// With what keeps it from being done.
    async fn plan_beside_git(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        _desired: &Self::Desired,
    ) -> Result<Diagnostics, Diagnostics> {
        Ok(Diagnostics::new())
    }

    /// Does what the cluster needs beside files in git, and says what of it is not done. `before` is what was applied last; none
    /// for what is new.
    ///
    /// # Errors
    /// When nothing was written.
    async fn beside_git(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        _desired: &Self::Desired,
        _before: Option<&Self::Arguments>,
        _keep: &mut Self::Keep,
        _limits: Limits<'_>,
    ) -> Result<Diagnostics, Diagnostics> {
        Ok(Diagnostics::new())
    }

    /// Looks at what the cluster has beside files in git, and shows where it is not as it was applied.
    async fn read_beside_git(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        state: Object,
        _keep: &mut Self::Keep,
        _longest: Duration,
    ) -> NewState {
        NewState::of(state)
    }

    /// Takes away what the cluster has beside files in git, before the files go; gives the state where something stays.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    async fn withdraw_beside_git(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        _prior: &Object,
        _limits: Limits<'_>,
    ) -> Result<Option<NewState>, Diagnostics> {
        Ok(None)
    }

    /// Finds out, while planning, whether what was delivered in one way can be delivered in another.
    ///
    /// # Errors
    /// With the reason, and what to do instead.
    fn check_move(
        _before: &Self::Arguments,
        _after: &Self::Arguments,
        _prior: &Object,
        _planned: &Object,
    ) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Tells whether somebody in the cluster owns the objects from now on that we have applied to it.
    fn hands_over(_after: &Self::Arguments) -> bool {
        false
    }

    /// Lets a tenant take over what somebody else has applied to the cluster from the place of `before`.
    fn inherit(_before: &Self::Arguments, _tenant: &mut Tenant) {}

    /// Keeps those away who have applied the objects until now, before they are taken over from them.
    ///
    /// # Errors
    /// When that fails; nothing is taken over then.
    async fn before_inheriting(
        _shared: &Shared,
        _before: &Self::Arguments,
        _prior: &Object,
        _longest: Duration,
    ) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Looks at a destroy before it happens.
    ///
    /// # Errors
    /// When the resource must not be destroyed.
    async fn plan_destroy(shared: &Shared, prior: &Object) -> Result<Diagnostics, Diagnostics>;

    /// Makes the cluster ready to lose the objects; gives the reason where it is not.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    async fn before_withdrawal(
        _shared: &Shared,
        _arguments: &Self::Arguments,
        _prior: &Object,
        _longest: Duration,
    ) -> Result<Option<Diagnostic>, Diagnostics> {
        Ok(None)
    }

    /// Gives the state that comes from another resource by a `moved` block; none where that is of a type that is not known.
    ///
    /// # Errors
    /// When the other's state cannot be taken over.
    fn move_state(request: &MoveRequest) -> Result<Option<(Object, Self::Keep)>, Diagnostics>;

    /// Finds something that exists already.
    ///
    /// # Errors
    /// When the id is malformed or nothing has it.
    async fn import(shared: &Arc<Shared>, request: ImportRequest) -> Result<Imported, Diagnostics>;
}

/// Puts what must be kept beside a state.
pub(in super::super) fn kept(state: Object, keep: &impl Keep) -> NewState {
    NewState::of(state).private(keep.write())
}
