//! `strata_render`: a release rendered like the resource's, delivered nowhere and kept nowhere.

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::{
    Attribute, DataSource, DataSourceRequest, DataSourceState, Diagnostics, Schema, Type, ValidateRequest,
};

use super::super::Shared;
use super::super::resources::release::preview;

/// The data source `strata_render`.
pub(crate) struct Render {
    shared: Arc<Shared>,
}

impl Render {
    /// Makes the data source over what all parts of the provider share.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Render { shared }
    }
}

#[async_trait]
impl DataSource for Render {
    fn type_name(&self) -> &str {
        "strata_render"
    }

    fn schema(&self) -> Schema {
        let schema = Schema::new()
            .description(
                "Renders a chart with layered values for one cluster, with the arguments of `strata_release`, and delivers it nowhere. What the \
                 chart draws from chance is not drawn: it shows as `(generated, revision 1)`.",
            )
            .attribute("reveal_secrets", Attribute::optional(Type::Bool).description("Whether `revealed_yaml` is filled. Default: `false`."))
            .attribute("yaml", Attribute::computed(Type::String).description("The objects as YAML documents, secret values as `(sensitive, revision 1)`."))
            .attribute(
                "revealed_yaml",
                Attribute::computed(Type::String)
                    .sensitive()
                    .description("The objects as YAML documents with their secret values, where `reveal_secrets` asks for them. It is kept in the state in clear."),
            );
        preview::with_objects(preview::with_arguments(schema))
    }

    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        preview::validate(&request.config)
    }

    async fn read(&self, request: DataSourceRequest) -> Result<DataSourceState, Diagnostics> {
        let (state, diagnostics) = preview::render(&self.shared, request.config).await?;
        Ok(DataSourceState { state, diagnostics, ..DataSourceState::default() })
    }
}
