//! The provider: its own configuration, and the list of its parts.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Action, Context, DataSource, Diagnostics, EphemeralResource, Function, ListResource, Object, Resource,
    Schema,
};

/// Is what Terraform starts: a configuration and resources, data sources and functions over it.
///
/// Parts that need the configuration share it with the provider, for example in an `Arc<OnceLock<Client>>`
/// that [`Provider::configure`] fills. Terraform validates before it configures.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// Returns the registry address, `registry.terraform.io/NAMESPACE/NAME`.
    fn address(&self) -> &str;

    /// Describes the `provider` block.
    fn schema(&self) -> Schema {
        Schema::new()
    }

    /// Describes the `provider_meta` block of modules, for providers that read one.
    fn meta_schema(&self) -> Option<Schema> {
        None
    }

    /// Lists the resources.
    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        Vec::new()
    }

    /// Lists the data sources.
    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        Vec::new()
    }

    /// Lists the functions.
    fn functions(&self) -> Vec<Arc<dyn Function>> {
        Vec::new()
    }

    /// Lists the ephemeral resources.
    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        Vec::new()
    }

    /// Lists the list resources.
    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        Vec::new()
    }

    /// Lists the actions.
    fn actions(&self) -> Vec<Arc<dyn Action>> {
        Vec::new()
    }

    /// Checks the provider's configuration; unknown values may stand anywhere.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Takes the provider's configuration; unknown values may stand anywhere at plan.
    ///
    /// # Errors
    /// When the configuration cannot work. Diagnostics of a success are warnings.
    async fn configure(&self, request: ConfigureRequest) -> Result<Diagnostics, Diagnostics> {
        let _ = request;
        Ok(Diagnostics::new())
    }
}

/// Asks for a check of a configuration.
#[derive(Clone, Debug)]
pub struct ValidateRequest {
    /// The configuration.
    pub config: Object,
    /// What every call carries.
    pub context: Context,
}

/// Hands over the provider's configuration.
#[derive(Clone, Debug)]
pub struct ConfigureRequest {
    /// The configuration.
    pub config: Object,
    /// Terraform's or OpenTofu's own version.
    pub terraform_version: String,
    /// What every call carries.
    pub context: Context,
}
