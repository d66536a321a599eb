//! Protocol 5's service: each call is unpacked, answered by the server, and packed again.
//!
//! An error of the user's or the provider's is a diagnostic, never a gRPC status: Terraform shows a status as
//! a failure of the plugin itself.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;

use super::tfplugin5::{self as proto, provider_server::Provider as Service};
use super::{convert, describe, requests};
use crate::schema::{Diagnostics, FunctionError};
use crate::server::{self, Catalog, Server, guarded};

/// Serves protocol 5 for a provider.
pub(crate) struct Protocol5 {
    server: Arc<Server>,
}

type Answer<T> = Result<Response<T>, Status>;
type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Numbers the calls of this process in the log.
static CALLS: AtomicU64 = AtomicU64::new(1);

impl Protocol5 {
    pub(crate) fn new(server: Arc<Server>) -> Self {
        Self { server }
    }

    /// Runs a call under a name in the log; a panic becomes a diagnostic.
    async fn run<T, F>(
        &self,
        rpc: &'static str,
        part: &str,
        call: impl FnOnce(Arc<Server>) -> F,
    ) -> Result<T, Diagnostics>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        let span = self.span(rpc, part);
        guarded(call(self.server.clone())).instrument(span).await.and_then(|answer| answer)
    }

    fn span(&self, rpc: &'static str, part: &str) -> tracing::Span {
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let address = self.server.address();
        let span = tracing::info_span!(
            "rpc",
            tf_rpc = rpc,
            tf_req_id = number,
            tf_provider_addr = address,
            tf_resource_type = tracing::field::Empty
        );
        if !part.is_empty() {
            span.record("tf_resource_type", part);
        }
        span.in_scope(|| tracing::trace!("received request"));
        span
    }

    /// Answers from the catalog, whose making runs the author's code for the first time.
    async fn describe<T: Send + 'static>(
        &self,
        rpc: &'static str,
        describe: impl FnOnce(&Catalog) -> T + Send + 'static,
    ) -> Result<T, Diagnostics> {
        self.run(rpc, "", |server| async move { Ok(describe(server.catalog())) }).await
    }
}

#[tonic::async_trait]
impl Service for Protocol5 {
    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Answer<proto::get_metadata::Response> {
        let answer = self.describe("GetMetadata", describe::metadata).await;
        Ok(Response::new(answer.unwrap_or_else(|errors| proto::get_metadata::Response {
            diagnostics: convert::failure(errors),
            ..Default::default()
        })))
    }

    async fn get_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Answer<proto::get_provider_schema::Response> {
        let answer = self.describe("GetProviderSchema", describe::schemas).await;
        Ok(Response::new(answer.unwrap_or_else(|errors| proto::get_provider_schema::Response {
            diagnostics: convert::failure(errors),
            ..Default::default()
        })))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Answer<proto::get_resource_identity_schemas::Response> {
        let answer = self.describe("GetResourceIdentitySchemas", describe::identity_schemas).await;
        Ok(Response::new(answer.unwrap_or_else(|errors| proto::get_resource_identity_schemas::Response {
            diagnostics: convert::failure(errors),
            ..Default::default()
        })))
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Answer<proto::get_functions::Response> {
        let functions = self.describe("GetFunctions", describe::functions).await;
        Ok(Response::new(match functions {
            Ok(functions) => proto::get_functions::Response { functions, diagnostics: Vec::new() },
            Err(errors) => {
                proto::get_functions::Response { diagnostics: convert::failure(errors), ..Default::default() }
            }
        }))
    }

    async fn prepare_provider_config(
        &self,
        request: Request<proto::prepare_provider_config::Request>,
    ) -> Answer<proto::prepare_provider_config::Response> {
        let prepared_config = request.into_inner().config;
        let config = convert::value(prepared_config.clone());
        let outcome = self.run("PrepareProviderConfig", "", |server| server.validate_provider(config)).await;
        Ok(Response::new(proto::prepare_provider_config::Response {
            prepared_config,
            diagnostics: convert::outcome(outcome),
        }))
    }

    async fn configure(
        &self,
        request: Request<proto::configure::Request>,
    ) -> Answer<proto::configure::Response> {
        let request = request.into_inner();
        let config = convert::value(request.config);
        let capabilities = convert::capabilities(request.client_capabilities);
        let call = |server: Arc<Server>| server.configure(request.terraform_version, config, capabilities);
        let outcome = self.run("Configure", "", call).await;
        Ok(Response::new(proto::configure::Response { diagnostics: convert::outcome(outcome) }))
    }

    async fn validate_resource_type_config(
        &self,
        request: Request<proto::validate_resource_type_config::Request>,
    ) -> Answer<proto::validate_resource_type_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let config = convert::value(request.config);
        let capabilities = convert::capabilities(request.client_capabilities);
        let call = |server: Arc<Server>| server.validate_resource(request.type_name, config, capabilities);
        let outcome = self.run("ValidateResourceTypeConfig", &name, call).await;
        Ok(Response::new(proto::validate_resource_type_config::Response {
            diagnostics: convert::outcome(outcome),
        }))
    }

    async fn validate_data_source_config(
        &self,
        request: Request<proto::validate_data_source_config::Request>,
    ) -> Answer<proto::validate_data_source_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let config = convert::value(request.config);
        let call = |server: Arc<Server>| server.validate_data_source(request.type_name, config);
        let outcome = self.run("ValidateDataSourceConfig", &name, call).await;
        Ok(Response::new(proto::validate_data_source_config::Response {
            diagnostics: convert::outcome(outcome),
        }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Answer<proto::upgrade_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = requests::upgrade(request.type_name, request.version, request.raw_state);
        let answer = self.run("UpgradeResourceState", &name, |server| server.upgrade(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Answer<proto::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = requests::upgrade(request.type_name, request.version, request.raw_identity);
        let answer = self.run("UpgradeResourceIdentity", &name, |server| server.upgrade_identity(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Answer<proto::read_resource::Response> {
        let call = server::ReadCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("ReadResource", &name, |server| server.read(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Answer<proto::plan_resource_change::Response> {
        let call = server::PlanCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("PlanResourceChange", &name, |server| server.plan(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Answer<proto::apply_resource_change::Response> {
        let call = server::ApplyCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("ApplyResourceChange", &name, |server| server.apply(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Answer<proto::import_resource_state::Response> {
        let call = server::ImportCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("ImportResourceState", &name, |server| server.import(call)).await;
        let imported = |found: server::StateAnswer| proto::import_resource_state::ImportedResource {
            type_name: name.clone(),
            state: Some(found.state.into()),
            private: found.private,
            identity: found.identity.map(Into::into),
        };
        Ok(Response::new(match answer {
            Ok(answer) => proto::import_resource_state::Response {
                imported_resources: answer.imported.into_iter().map(imported).collect(),
                diagnostics: convert::diagnostics(answer.diagnostics),
                deferred: None,
            },
            Err(errors) => proto::import_resource_state::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
    }

    async fn move_resource_state(
        &self,
        request: Request<proto::move_resource_state::Request>,
    ) -> Answer<proto::move_resource_state::Response> {
        let call = server::MoveCall::from(request.into_inner());
        let name = call.target_type.clone();
        let answer = self.run("MoveResourceState", &name, |server| server.move_state(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Answer<proto::generate_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let state = convert::value(request.state);
        let call = |server: Arc<Server>| server.generate_config(request.type_name, state);
        let answer = self.run("GenerateResourceConfig", &name, call).await;
        Ok(Response::new(answer.into()))
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Answer<proto::read_data_source::Response> {
        let call = server::ReadDataCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("ReadDataSource", &name, |server| server.read_data(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Answer<proto::validate_ephemeral_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let config = convert::value(request.config);
        let call = |server: Arc<Server>| server.validate_ephemeral(request.type_name, config);
        let diagnostics = convert::outcome(self.run("ValidateEphemeralResourceConfig", &name, call).await);
        Ok(Response::new(proto::validate_ephemeral_resource_config::Response { diagnostics }))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<proto::open_ephemeral_resource::Request>,
    ) -> Answer<proto::open_ephemeral_resource::Response> {
        let call = server::OpenCall::from(request.into_inner());
        let name = call.type_name.clone();
        let answer = self.run("OpenEphemeralResource", &name, |server| server.open(call)).await;
        Ok(Response::new(answer.into()))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let private = request.private.unwrap_or_default();
        let call = |server: Arc<Server>| server.renew(request.type_name, private);
        let answer = self.run("RenewEphemeralResource", &name, call).await;
        Ok(Response::new(answer.into()))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<proto::close_ephemeral_resource::Request>,
    ) -> Answer<proto::close_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let private = request.private.unwrap_or_default();
        let call = |server: Arc<Server>| server.close(request.type_name, private);
        let diagnostics = convert::outcome(self.run("CloseEphemeralResource", &name, call).await);
        Ok(Response::new(proto::close_ephemeral_resource::Response { diagnostics }))
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<proto::validate_list_resource_config::Request>,
    ) -> Answer<proto::validate_list_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let config = convert::value(request.config);
        let call = |server: Arc<Server>| server.validate_list(request.type_name, config);
        let diagnostics = convert::outcome(self.run("ValidateListResourceConfig", &name, call).await);
        Ok(Response::new(proto::validate_list_resource_config::Response { diagnostics }))
    }

    type ListResourceStream = Events<proto::list_resource::Event>;

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Answer<Events<proto::list_resource::Event>> {
        let call = server::ListCall::from(request.into_inner());
        let span = self.span("ListResource", &call.type_name);
        let events = span.in_scope(|| self.server.clone().list(call));
        Ok(Response::new(Box::pin(ReceiverStream::new(events).map(|event| Ok(event.into())))))
    }

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Answer<proto::call_function::Response> {
        let request = request.into_inner();
        let name = request.name.clone();
        let arguments = request.arguments.into_iter().map(Into::into).collect();
        let call = server::CallFunctionCall { name: request.name, arguments };
        let call = |server: Arc<Server>| async move { Ok(server.call_function(call).await) };
        let result = match self.run("CallFunction", &name, call).await {
            Ok(result) => result,
            Err(errors) => Err(FunctionError::new(errors.to_string())),
        };
        Ok(Response::new(match result {
            Ok(result) => proto::call_function::Response { result: Some(result.into()), error: None },
            Err(error) => {
                proto::call_function::Response { result: None, error: Some(convert::function_error(error)) }
            }
        }))
    }

    async fn validate_action_config(
        &self,
        request: Request<proto::validate_action_config::Request>,
    ) -> Answer<proto::validate_action_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let config = convert::value(request.config);
        let call = |server: Arc<Server>| server.validate_action(request.type_name, config);
        let diagnostics = convert::outcome(self.run("ValidateActionConfig", &name, call).await);
        Ok(Response::new(proto::validate_action_config::Response { diagnostics }))
    }

    async fn plan_action(
        &self,
        request: Request<proto::plan_action::Request>,
    ) -> Answer<proto::plan_action::Response> {
        let request = request.into_inner();
        let name = request.action_type.clone();
        let config = convert::value(request.config);
        let capabilities = convert::capabilities(request.client_capabilities);
        let call = |server: Arc<Server>| server.plan_action(request.action_type, config, capabilities);
        let diagnostics = convert::outcome(self.run("PlanAction", &name, call).await);
        Ok(Response::new(proto::plan_action::Response { diagnostics, deferred: None }))
    }

    type InvokeActionStream = Events<proto::invoke_action::Event>;

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Answer<Events<proto::invoke_action::Event>> {
        let call = server::InvokeCall::from(request.into_inner());
        let span = self.span("InvokeAction", &call.type_name);
        let events = span.in_scope(|| self.server.clone().invoke(call));
        Ok(Response::new(Box::pin(ReceiverStream::new(events).map(|event| Ok(event.into())))))
    }

    async fn stop(&self, _: Request<proto::stop::Request>) -> Answer<proto::stop::Response> {
        tracing::info!("Terraform asks to stop");
        self.server.stop();
        Ok(Response::new(proto::stop::Response::default()))
    }
}
