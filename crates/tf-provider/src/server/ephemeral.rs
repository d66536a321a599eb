//! Questions about ephemeral resources.

use std::sync::Arc;
use std::time::SystemTime;

use super::catalog::find;
use super::plan::deferral_refused;
use super::{Capabilities, Server, WireValue};
use crate::schema::{
    CloseEphemeralRequest, Deferral, Diagnostics, OpenEphemeralRequest, RenewEphemeralRequest,
    ValidateRequest, check_config,
};

/// Asks to open.
#[derive(Debug, Default)]
pub(crate) struct OpenCall {
    pub(crate) type_name: String,
    pub(crate) config: WireValue,
    pub(crate) capabilities: Capabilities,
}

/// Answers an opening or a renewal.
#[derive(Debug, Default)]
pub(crate) struct EphemeralAnswer {
    pub(crate) result: WireValue,
    pub(crate) renew_at: Option<SystemTime>,
    pub(crate) private: Vec<u8>,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) deferral: Option<Deferral>,
}

const KIND: &str = "ephemeral resource";

impl Server {
    pub(crate) async fn validate_ephemeral(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().ephemeral_resources, KIND, &type_name)?;
        let config = part.described.read_some(&config, "configuration")?;
        let mut diagnostics = check_config(&part.described.schema.block, &config, false);
        let request = ValidateRequest { config, context: self.context(Capabilities::default()) };
        diagnostics.extend(part.part.validate(request).await);
        Ok(diagnostics)
    }

    pub(crate) async fn open(self: Arc<Self>, call: OpenCall) -> Result<EphemeralAnswer, Diagnostics> {
        let part = find(&self.catalog().ephemeral_resources, KIND, &call.type_name)?;
        let config = part.described.read_some(&call.config, "configuration")?;
        let context = self.context(call.capabilities);
        let opened = part.part.open(OpenEphemeralRequest { config, context }).await?;
        if opened.deferral.is_some() && !call.capabilities.deferral_allowed {
            return Err(deferral_refused(&call.type_name));
        }
        Ok(EphemeralAnswer {
            result: part.described.write(Some(opened.result))?,
            renew_at: opened.renew_at,
            private: opened.private,
            diagnostics: opened.diagnostics,
            deferral: opened.deferral,
        })
    }

    pub(crate) async fn renew(
        self: Arc<Self>,
        type_name: String,
        private: Vec<u8>,
    ) -> Result<EphemeralAnswer, Diagnostics> {
        let part = find(&self.catalog().ephemeral_resources, KIND, &type_name)?;
        let context = self.context(Capabilities::default());
        let renewed = part.part.renew(RenewEphemeralRequest { private, context }).await?;
        Ok(EphemeralAnswer {
            renew_at: renewed.renew_at,
            private: renewed.private,
            diagnostics: renewed.diagnostics,
            ..EphemeralAnswer::default()
        })
    }

    pub(crate) async fn close(
        self: Arc<Self>,
        type_name: String,
        private: Vec<u8>,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().ephemeral_resources, KIND, &type_name)?;
        let context = self.context(Capabilities::default());
        part.part.close(CloseEphemeralRequest { private, context }).await
    }
}
