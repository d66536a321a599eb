//! Resources: what Terraform plans, creates, reads, updates and deletes.
//!
//! An error result keeps what Terraform has: a failed create saves nothing, a failed update or delete keeps
//! the prior state. Work that stopped half-way returns `Ok` with what is really there and the error among
//! [`NewState::diagnostics`]: a half create is then saved and tainted, a half update or delete saves the new
//! truth without taint.

use async_trait::async_trait;

use super::{
    Context, Deferral, Diagnostic, Diagnostics, IdentitySchema, Object, Plan, PlanRequest, RawState, Schema,
    ValidateRequest,
};

/// Manages one type of remote object.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// Returns the type's name with the provider's prefix, such as `pets_dog`.
    fn type_name(&self) -> &str;

    /// Describes configuration and state.
    fn schema(&self) -> Schema;

    /// Describes the identity, for resources that have one.
    fn identity(&self) -> Option<IdentitySchema> {
        None
    }

    /// Checks a configuration beyond what the schema says; unknown values may stand anywhere.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Decides what the resource will look like. The request already holds the draft that follows from the
    /// schema; see [`PlanRequest::planned`].
    ///
    /// Terraform plans again inside apply, in another process, and demands the same known values.
    ///
    /// # Errors
    /// When the change is impossible.
    async fn plan(&self, request: PlanRequest) -> Result<Plan, Diagnostics> {
        Ok(Plan::from(request))
    }

    /// Looks at a destroy before it happens; warnings show in the plan.
    ///
    /// # Errors
    /// When the resource must not be destroyed.
    async fn plan_destroy(&self, request: PlanDestroyRequest) -> Result<Diagnostics, Diagnostics> {
        let _ = request;
        Ok(Diagnostics::new())
    }

    /// Creates the object that was planned.
    ///
    /// # Errors
    /// When nothing was created.
    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics>;

    /// Reads what is really there; [`NewState::gone`] when it surely is not there any more. Something that
    /// could not be reached is an error or the unchanged state with a warning, never gone.
    ///
    /// # Errors
    /// When the truth cannot be known and the prior state does not serve.
    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics>;

    /// Changes the object to what was planned.
    ///
    /// # Errors
    /// When nothing was changed.
    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics>;

    /// Deletes the object and returns [`NewState::gone`], or what remains of it with an error.
    ///
    /// # Errors
    /// When nothing was deleted.
    async fn delete(&self, request: DeleteRequest) -> Result<NewState, Diagnostics>;

    /// Finds an existing object by id or identity. A state with the identifying attributes alone will do:
    /// Terraform reads next.
    ///
    /// # Errors
    /// When the id is malformed or nothing has it.
    async fn import(&self, request: ImportRequest) -> Result<Vec<Imported>, Diagnostics> {
        let _ = request;
        Err(Diagnostic::error(format!("{} cannot be imported", self.type_name())).into())
    }

    /// Rewrites a state that an older schema version wrote.
    ///
    /// # Errors
    /// When the state cannot be rewritten; the default reads what still fits.
    async fn upgrade(&self, request: UpgradeRequest) -> Result<Object, Diagnostics> {
        request.raw.decode(&self.schema()).map_err(|error| {
            Diagnostic::error(format!("{} cannot read its older state", self.type_name()))
                .detail(format!("The state has schema version {}: {error}.", request.version))
                .into()
        })
    }

    /// Takes over the state of another resource type after a `moved` block; `None` when the source is not one
    /// that this type knows.
    ///
    /// # Errors
    /// When the source is known but its state cannot be taken over.
    async fn move_state(&self, request: MoveRequest) -> Result<Option<NewState>, Diagnostics> {
        let _ = request;
        Ok(None)
    }

    /// Writes the configuration for an imported state, for `-generate-config-out`. The default keeps what a
    /// configuration may give.
    ///
    /// # Errors
    /// When no configuration gives this state.
    async fn generate_config(&self, state: Object) -> Result<Object, Diagnostics> {
        Ok(super::walk::configurable(&self.schema().block, state))
    }

    /// Rewrites an identity that an older identity schema wrote.
    ///
    /// # Errors
    /// When it cannot be rewritten; the default reads what still fits.
    async fn upgrade_identity(&self, request: UpgradeIdentityRequest) -> Result<Object, Diagnostics> {
        let ty = self.identity().unwrap_or_default().ty();
        let decoded = request.raw.decode_type(&ty);
        decoded.map(|value| value.as_object().cloned().unwrap_or_default()).map_err(|error| {
            Diagnostic::error(format!("{} cannot read its older identity", self.type_name()))
                .detail(format!("The identity has schema version {}: {error}.", request.version))
                .into()
        })
    }
}

/// Asks for a look at a destroy.
#[derive(Clone, Debug)]
pub struct PlanDestroyRequest {
    /// The state that will go.
    pub prior: Object,
    /// The bytes the resource keeps beside its state.
    pub private: Vec<u8>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Asks for a new object.
#[derive(Clone, Debug)]
pub struct CreateRequest {
    /// What was planned; unknown values are to be filled in.
    pub planned: Object,
    /// The configuration; the only place with write-only values.
    pub config: Object,
    /// The bytes that the plan kept.
    pub private: Vec<u8>,
    /// The identity that was planned.
    pub identity: Option<Object>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Asks for a change of an object.
#[derive(Clone, Debug)]
pub struct UpdateRequest {
    /// The state before.
    pub prior: Object,
    /// What was planned; unknown values are to be filled in.
    pub planned: Object,
    /// The configuration; the only place with write-only values.
    pub config: Object,
    /// The bytes that the plan kept.
    pub private: Vec<u8>,
    /// The identity that was planned.
    pub identity: Option<Object>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Asks for a deletion.
#[derive(Clone, Debug)]
pub struct DeleteRequest {
    /// The state before.
    pub prior: Object,
    /// The bytes the resource keeps beside its state.
    pub private: Vec<u8>,
    /// The identity before.
    pub identity: Option<Object>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Asks what is really there.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The state as it is known; after an import, what the import returned.
    pub state: Object,
    /// The bytes the resource keeps beside its state.
    pub private: Vec<u8>,
    /// The identity as it is known.
    pub identity: Option<Object>,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Answers what is there after a call.
#[derive(Clone, Debug, Default)]
pub struct NewState {
    /// The state; none when the object is gone.
    pub state: Option<Object>,
    /// Bytes to keep beside the state; none keeps those there are.
    pub private: Option<Vec<u8>>,
    /// The identity; none keeps the one there is.
    pub identity: Option<Object>,
    /// Warnings, or the error that stopped the work half-way.
    pub diagnostics: Diagnostics,
    /// Postpones a read; see [`Context::deferral_allowed`].
    pub deferral: Option<Deferral>,
}

impl NewState {
    /// The object is there and looks like this.
    pub fn of(state: Object) -> Self {
        Self { state: Some(state), ..Self::default() }
    }

    /// The object is not there any more.
    pub fn gone() -> Self {
        Self::default()
    }

    /// Keeps bytes beside the state; Terraform stores them, never shows them, and hands them back.
    #[must_use]
    pub fn private(mut self, private: impl Into<Vec<u8>>) -> Self {
        self.private = Some(private.into());
        self
    }

    /// Sets the identity.
    #[must_use]
    pub fn identity(mut self, identity: Object) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Adds a diagnostic: a warning, or the error that stopped the work half-way.
    #[must_use]
    pub fn diagnostic(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }

    /// Adds diagnostics.
    #[must_use]
    pub fn diagnostics(mut self, diagnostics: Diagnostics) -> Self {
        self.diagnostics.extend(diagnostics);
        self
    }
}

/// Asks for an existing object.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// What the user gave to find it; empty when an identity is given.
    pub id: String,
    /// The identity to find it by (Terraform 1.12 and later).
    pub identity: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Answers an import.
#[derive(Clone, Debug, Default)]
pub struct Imported {
    /// What is known of the object so far.
    pub state: Object,
    /// Bytes to keep beside the state.
    pub private: Vec<u8>,
    /// Its identity.
    pub identity: Option<Object>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

impl Imported {
    /// An object found, with what is known of it so far.
    pub fn of(state: Object) -> Self {
        Self { state, ..Self::default() }
    }
}

/// Asks for a newer form of a stored state.
#[derive(Clone, Debug)]
pub struct UpgradeRequest {
    /// The schema version that wrote it.
    pub version: i64,
    /// The state as it was stored.
    pub raw: RawState,
    /// What every call carries.
    pub context: Context,
}

/// Asks for a newer form of a stored identity.
#[derive(Clone, Debug)]
pub struct UpgradeIdentityRequest {
    /// The identity schema version that wrote it.
    pub version: i64,
    /// The identity as it was stored.
    pub raw: RawState,
    /// What every call carries.
    pub context: Context,
}

/// Asks to take over another resource's state.
#[derive(Clone, Debug)]
pub struct MoveRequest {
    /// The provider that the source belongs to, such as `registry.terraform.io/hashicorp/helm`.
    pub source_provider: String,
    /// The source's resource type.
    pub source_type: String,
    /// The source's schema version.
    pub source_version: i64,
    /// The source's state as it was stored.
    pub source_state: RawState,
    /// The bytes the source kept beside its state.
    pub source_private: Vec<u8>,
    /// The source's identity as it was stored.
    pub source_identity: Option<RawState>,
    /// The source's identity schema version.
    pub source_identity_version: i64,
    /// What every call carries.
    pub context: Context,
}
