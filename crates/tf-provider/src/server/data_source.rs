//! Questions about data sources.

use std::sync::Arc;

use super::catalog::find;
use super::plan::deferral_refused;
use super::{Capabilities, Server, WireValue};
use crate::schema::{DataSourceRequest, Deferral, Diagnostics, ValidateRequest, check_config, with_defaults};

/// Asks for a reading.
#[derive(Debug, Default)]
pub(crate) struct ReadDataCall {
    pub(crate) type_name: String,
    pub(crate) config: WireValue,
    pub(crate) provider_meta: WireValue,
    pub(crate) capabilities: Capabilities,
}

/// Answers a reading.
#[derive(Debug, Default)]
pub(crate) struct ReadDataAnswer {
    pub(crate) state: WireValue,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) deferral: Option<Deferral>,
}

impl Server {
    pub(crate) async fn validate_data_source(
        self: Arc<Self>,
        type_name: String,
        config: WireValue,
    ) -> Result<Diagnostics, Diagnostics> {
        let part = find(&self.catalog().data_sources, "data source", &type_name)?;
        let config = part.described.read_some(&config, "configuration")?;
        let mut diagnostics = check_config(&part.described.schema.block, &config, false);
        let request = ValidateRequest { config, context: self.context(Capabilities::default()) };
        diagnostics.extend(part.part.validate(request).await);
        Ok(diagnostics)
    }

    pub(crate) async fn read_data(
        self: Arc<Self>,
        call: ReadDataCall,
    ) -> Result<ReadDataAnswer, Diagnostics> {
        let part = find(&self.catalog().data_sources, "data source", &call.type_name)?;
        let config = part.described.read_some(&call.config, "configuration")?;
        let request = DataSourceRequest {
            config: with_defaults(&part.described.schema.block, config),
            provider_meta: self.read_meta(&call.provider_meta)?,
            context: self.context(call.capabilities),
        };
        let read = part.part.read(request).await?;
        if read.deferral.is_some() && !call.capabilities.deferral_allowed {
            return Err(deferral_refused(&call.type_name));
        }
        let state = part.described.write(Some(read.state))?;
        Ok(ReadDataAnswer { state, diagnostics: read.diagnostics, deferral: read.deferral })
    }
}
