//! Questions about the provider itself.

use std::sync::Arc;

use super::{Capabilities, Server, WireValue};
use crate::schema::{ConfigureRequest, Diagnostics, ValidateRequest, check_config};

impl Server {
    pub(crate) async fn validate_provider(
        self: Arc<Self>,
        config: WireValue,
    ) -> Result<Diagnostics, Diagnostics> {
        let described = &self.catalog().provider;
        let config = described.read(&config, "provider configuration")?.unwrap_or_default();
        let mut diagnostics = check_config(&described.schema.block, &config, true);
        let request = ValidateRequest { config, context: self.context(Capabilities::default()) };
        diagnostics.extend(self.provider.validate(request).await);
        Ok(diagnostics)
    }

    pub(crate) async fn configure(
        self: Arc<Self>,
        terraform_version: String,
        config: WireValue,
        capabilities: Capabilities,
    ) -> Result<Diagnostics, Diagnostics> {
        let described = &self.catalog().provider;
        let config = described.read(&config, "provider configuration")?.unwrap_or_default();
        let context = self.context(capabilities);
        self.provider.configure(ConfigureRequest { config, terraform_version, context }).await
    }
}
