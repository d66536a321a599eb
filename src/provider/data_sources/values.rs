//! `strata_values`: what the layers of a release amount to, and who decided each value.

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::{
    Attribute, DataSource, DataSourceRequest, DataSourceState, Diagnostics, Schema, Type, ValidateRequest,
};

use super::super::Shared;
use super::super::resources::release::preview;

/// The data source `strata_values`.
pub(crate) struct Values {
    shared: Arc<Shared>,
}

impl Values {
    /// Makes the data source over what all parts of the provider share.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Values { shared }
    }
}

#[async_trait]
impl DataSource for Values {
    fn type_name(&self) -> &str {
        "strata_values"
    }

    fn schema(&self) -> Schema {
        let texts = || Attribute::computed(Type::map(Type::String));
        let merged = |form: &str| {
            Attribute::computed(Type::String).sensitive().description(format!(
                "The values that the chart's templates see, its own defaults among them and those of subcharts not, as {form}. \
                 Sensitive, since some of them may end in Secrets."
            ))
        };
        let schema = Schema::new()
            .description("Puts the layers of a release together by Helm's rules, and names the file and line that decided each value.")
            .attribute("values", texts().description("Key → `VALUE (LAYER)`, of every value that a layer decides; `(sensitive, revision 1)` where it ends in a Secret."))
            .attribute(
                "provenance",
                texts().description("Key → `LAYER FILE:LINE (shadows LAYER FILE:LINE, …)`, of every value that a layer decides, the nearest shadowed one first."),
            )
            .attribute("merged_yaml", merged("YAML"))
            .attribute("merged_json", merged("JSON"));
        preview::with_arguments(schema)
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        preview::validate(&request.config)
    }

    async fn read(&self, request: DataSourceRequest) -> Result<DataSourceState, Diagnostics> {
        preview::values(&self.shared, request.config).await.map(DataSourceState::of)
    }
}
