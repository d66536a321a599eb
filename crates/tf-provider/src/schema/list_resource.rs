//! List resources: searches for existing objects, for `terraform query` (Terraform 1.14).

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Context, Diagnostic, Diagnostics, Object, Schema, ValidateRequest};

/// Finds objects of a resource type that has an identity.
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// Returns the name of the resource type that is searched.
    fn type_name(&self) -> &str;

    /// Describes the search's configuration.
    fn schema(&self) -> Schema;

    /// Checks a configuration beyond what the schema says.
    async fn validate(&self, request: ValidateRequest) -> Diagnostics {
        let _ = request;
        Diagnostics::new()
    }

    /// Searches and sends each object found.
    ///
    /// # Errors
    /// When the search cannot go on.
    async fn list(&self, request: ListRequest, found: FoundSender) -> Result<(), Diagnostics>;
}

/// Asks for a search.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// The search's configuration.
    pub config: Object,
    /// Whether each result should bring the resource's whole state.
    pub include_resource: bool,
    /// Most results wanted.
    pub limit: u64,
    /// What every call carries.
    pub context: Context,
}

/// Reports one object.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its identity.
    pub identity: Object,
    /// What to call it in output.
    pub display_name: String,
    /// Its state, when it was asked for.
    pub resource: Option<Object>,
    /// Warnings about it.
    pub diagnostics: Diagnostics,
}

/// Passes search results on to Terraform one by one.
#[derive(Clone, Debug)]
pub struct FoundSender(pub(crate) mpsc::Sender<Found>);

impl FoundSender {
    /// Passes on one result; `false` when Terraform wants no more.
    pub async fn send(&self, found: Found) -> bool {
        self.0.send(found).await.is_ok()
    }

    /// Passes on a warning that belongs to no object.
    pub async fn warn(&self, diagnostic: Diagnostic) -> bool {
        self.send(Found { diagnostics: diagnostic.into(), ..Found::default() }).await
    }
}
