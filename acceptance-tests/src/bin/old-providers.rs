//! Stands in for the providers that users come from. It only keeps states, in the form in which those providers keep them, so that
//! the real Terraform can move them. Its file name says which provider it is.

use std::process::ExitCode;
use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::{
    Attribute, CreateRequest, DeleteRequest, Diagnostics, NewState, Object, Provider, ReadRequest, Resource,
    Schema, Type, UpdateRequest,
};

struct Old {
    address: String,
    resources: Vec<Arc<dyn Resource>>,
}

impl Provider for Old {
    fn address(&self) -> &str {
        &self.address
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        self.resources.clone()
    }
}

/// A resource that is what its configuration says, and what `computed` adds.
struct Kept {
    name: &'static str,
    schema: fn() -> Schema,
    computed: &'static [(&'static str, &'static str)],
}

impl Kept {
    fn filled(&self, mut planned: Object) -> Object {
        for (name, value) in self.computed {
            if planned.is_null(name) || planned.is_unknown(name) {
                planned.set(*name, *value);
            }
        }
        planned
    }
}

#[async_trait]
impl Resource for Kept {
    fn type_name(&self) -> &str {
        self.name
    }

    fn schema(&self) -> Schema {
        (self.schema)()
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::of(self.filled(request.planned)))
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::of(request.state))
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::of(self.filled(request.planned)))
    }

    async fn delete(&self, _request: DeleteRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::gone())
    }
}

fn text() -> Attribute {
    Attribute::optional(Type::String)
}

fn helm_release() -> Schema {
    Schema::new()
        .attribute("name", Attribute::required(Type::String))
        .attribute("namespace", Attribute::optional_computed(Type::String))
        .attribute("chart", Attribute::required(Type::String))
        .attribute("repository", text())
        .attribute("version", Attribute::optional_computed(Type::String))
        .attribute("values", Attribute::optional(Type::list(Type::String)))
        .attribute("set_sensitive", Attribute::optional(Type::list(Type::map(Type::String))).sensitive())
        .attribute("metadata", Attribute::optional(Type::map(Type::Number)))
        .attribute("status", Attribute::computed(Type::String))
}

fn kubectl_manifest() -> Schema {
    Schema::new()
        .attribute("yaml_body", Attribute::required(Type::String).sensitive())
        .attribute("uid", Attribute::computed(Type::String))
}

fn kubernetes_manifest() -> Schema {
    Schema::new().attribute("manifest", Attribute::required(Type::Dynamic))
}

fn flux_bootstrap_git() -> Schema {
    Schema::new()
        .attribute("path", text())
        .attribute("namespace", Attribute::optional_computed(Type::String))
        .attribute("version", Attribute::optional_computed(Type::String))
        .attribute("repository_files", Attribute::optional(Type::map(Type::String)))
}

fn main() -> ExitCode {
    let program = std::env::args().next().unwrap_or_default();
    let kept = |name, schema, computed| Arc::new(Kept { name, schema, computed }) as Arc<dyn Resource>;
    let (address, resources) = match program.rsplit('-').next().unwrap_or_default() {
        "helm" => (
            "hashicorp/helm",
            vec![kept(
                "helm_release",
                helm_release,
                &[("namespace", "default"), ("version", "1.0.0"), ("status", "deployed")],
            )],
        ),
        "kubectl" => {
            ("gavinbunney/kubectl", vec![kept("kubectl_manifest", kubectl_manifest, &[("uid", "x")])])
        }
        "kubernetes" => ("hashicorp/kubernetes", vec![kept("kubernetes_manifest", kubernetes_manifest, &[])]),
        _ => (
            "fluxcd/flux",
            vec![kept(
                "flux_bootstrap_git",
                flux_bootstrap_git,
                &[("namespace", "flux-system"), ("version", "v2.9.4")],
            )],
        ),
    };
    let address = format!("registry.terraform.io/{address}");
    tf_provider::serve(Old { address, resources })
}
