//! Actions: things to do that leave no state (Terraform 1.14).

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Context, Diagnostics, Object, Schema, ValidateRequest};

/// Does something on request.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// Returns the type's name with the provider's prefix.
    fn type_name(&self) -> &str;

    /// Describes the configuration.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema says; unknown values may stand anywhere.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Looks ahead at plan.
    ///
    /// # Errors
    /// When the action cannot work.
    async fn plan(&self, request: PlanActionRequest) -> Result<Diagnostics, Diagnostics> {
        let _ = request;
        Ok(Diagnostics::new())
    }

    /// Does it and reports progress.
    ///
    /// # Errors
    /// When it failed.
    async fn invoke(
        &self,
        request: InvokeActionRequest,
        progress: Progress,
    ) -> Result<Diagnostics, Diagnostics>;
}

/// Asks for a look ahead.
#[derive(Clone, Debug)]
pub struct PlanActionRequest {
    /// The configuration.
    pub config: Object,
    /// What every call carries.
    pub context: Context,
}

/// Asks to do it.
#[derive(Clone, Debug)]
pub struct InvokeActionRequest {
    /// The configuration.
    pub config: Object,
    /// What every call carries.
    pub context: Context,
}

/// Passes progress lines on to Terraform.
#[derive(Clone, Debug)]
pub struct Progress(pub(crate) mpsc::Sender<String>);

impl Progress {
    /// Reports what is being done, in a line.
    pub async fn report(&self, message: impl Into<String>) {
        // Nobody listening is no reason to stop half-way.
        let _ = self.0.send(message.into()).await;
    }
}
