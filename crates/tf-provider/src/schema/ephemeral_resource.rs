//! Ephemeral resources: values for the time of one run, never in plan or state (Terraform 1.10).

use std::time::SystemTime;

use async_trait::async_trait;

use super::{Context, Deferral, Diagnostics, Object, Schema, ValidateRequest};

/// Opens, renews and closes something for the time of one run.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// Returns the type's name with the provider's prefix.
    fn type_name(&self) -> &str;

    /// Describes configuration and result.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema says; unknown values may stand anywhere.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it cannot be opened.
    async fn open(&self, request: OpenEphemeralRequest) -> Result<OpenedEphemeral, Diagnostics>;

    /// Renews it at the time that open or the last renewal asked for.
    ///
    /// # Errors
    /// When it cannot be renewed.
    async fn renew(&self, request: RenewEphemeralRequest) -> Result<RenewedEphemeral, Diagnostics> {
        Ok(RenewedEphemeral { private: request.private, ..RenewedEphemeral::default() })
    }

    /// Closes it.
    ///
    /// # Errors
    /// When it cannot be closed.
    async fn close(&self, request: CloseEphemeralRequest) -> Result<Diagnostics, Diagnostics> {
        let _ = request;
        Ok(Diagnostics::new())
    }
}

/// Asks to open.
#[derive(Clone, Debug)]
pub struct OpenEphemeralRequest {
    /// The configuration.
    pub config: Object,
    /// What every call carries.
    pub context: Context,
}

/// Answers an opening.
#[derive(Clone, Debug, Default)]
pub struct OpenedEphemeral {
    /// The configuration's values and the computed ones.
    pub result: Object,
    /// When to renew; none for never.
    pub renew_at: Option<SystemTime>,
    /// Bytes for renew and close.
    pub private: Vec<u8>,
    /// Warnings.
    pub diagnostics: Diagnostics,
    /// Postpones the opening; see [`Context::deferral_allowed`].
    pub deferral: Option<Deferral>,
}

/// Asks to renew.
#[derive(Clone, Debug)]
pub struct RenewEphemeralRequest {
    /// The bytes from open or the last renewal.
    pub private: Vec<u8>,
    /// What every call carries.
    pub context: Context,
}

/// Answers a renewal.
#[derive(Clone, Debug, Default)]
pub struct RenewedEphemeral {
    /// When to renew again; none for never.
    pub renew_at: Option<SystemTime>,
    /// Bytes for the next renewal and close.
    pub private: Vec<u8>,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// Asks to close.
#[derive(Clone, Debug)]
pub struct CloseEphemeralRequest {
    /// The bytes from open or the last renewal.
    pub private: Vec<u8>,
    /// What every call carries.
    pub context: Context,
}
