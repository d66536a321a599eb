//! Data sources: what Terraform only reads.

use async_trait::async_trait;

use super::{Context, Deferral, Diagnostic, Diagnostics, Object, Schema, ValidateRequest};

/// Reads one kind of thing.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// Returns the type's name with the provider's prefix.
    fn type_name(&self) -> &str;

    /// Describes configuration and result.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema says; unknown values may stand anywhere.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Reads it. Terraform calls this only when the configuration is wholly known.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn read(&self, request: DataSourceRequest) -> Result<DataSourceState, Diagnostics>;
}

/// Asks for a reading.
#[derive(Clone, Debug)]
pub struct DataSourceRequest {
    /// The configuration, with the schema's defaults.
    pub config: Object,
    /// The `provider_meta` of the module.
    pub provider_meta: Option<Object>,
    /// What every call carries.
    pub context: Context,
}

/// Answers a reading.
#[derive(Clone, Debug, Default)]
pub struct DataSourceState {
    /// The configuration's values and the computed ones.
    pub state: Object,
    /// Warnings.
    pub diagnostics: Diagnostics,
    /// Postpones the reading; see [`Context::deferral_allowed`].
    pub deferral: Option<Deferral>,
}

impl DataSourceState {
    /// A reading without warnings.
    pub fn of(state: Object) -> Self {
        Self { state, ..Self::default() }
    }

    /// Adds a warning.
    #[must_use]
    pub fn diagnostic(mut self, diagnostic: Diagnostic) -> Self {
        self.diagnostics.push(diagnostic);
        self
    }
}
