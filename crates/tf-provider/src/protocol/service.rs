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
use super::{convert, describe};
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
        let call = upgrade_call(request.type_name, request.version, request.raw_state);
        let answer = self.run("UpgradeResourceState", &name, |server| server.upgrade(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::upgrade_resource_state::Response {
                upgraded_state: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => proto::upgrade_resource_state::Response {
                upgraded_state: None,
                diagnostics: convert::failure(errors),
            },
        }))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Answer<proto::upgrade_resource_identity::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = upgrade_call(request.type_name, request.version, request.raw_identity);
        let answer = self.run("UpgradeResourceIdentity", &name, |server| server.upgrade_identity(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::upgrade_resource_identity::Response {
                upgraded_identity: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => proto::upgrade_resource_identity::Response {
                upgraded_identity: None,
                diagnostics: convert::failure(errors),
            },
        }))
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Answer<proto::read_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::ReadCall {
            type_name: request.type_name,
            state: convert::value(request.current_state),
            private: request.private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.current_identity),
            capabilities: convert::capabilities(request.client_capabilities),
        };
        let answer = self.run("ReadResource", &name, |server| server.read(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::read_resource::Response {
                new_state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                private: answer.private,
                deferred: answer.deferral.map(convert::deferral),
                new_identity: answer.identity.map(Into::into),
            },
            Err(errors) => {
                proto::read_resource::Response { diagnostics: convert::failure(errors), ..Default::default() }
            }
        }))
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Answer<proto::plan_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::PlanCall {
            type_name: request.type_name,
            prior: convert::value(request.prior_state),
            proposed: convert::value(request.proposed_new_state),
            config: convert::value(request.config),
            private: request.prior_private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.prior_identity),
            capabilities: convert::capabilities(request.client_capabilities),
        };
        let answer = self.run("PlanResourceChange", &name, |server| server.plan(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::plan_resource_change::Response {
                planned_state: Some(answer.planned.into()),
                requires_replace: answer.requires_replace.iter().map(convert::path).collect(),
                planned_private: answer.private,
                diagnostics: convert::diagnostics(answer.diagnostics),
                legacy_type_system: false,
                deferred: answer.deferral.map(convert::deferral),
                planned_identity: answer.identity.map(Into::into),
            },
            Err(errors) => proto::plan_resource_change::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Answer<proto::apply_resource_change::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::ApplyCall {
            type_name: request.type_name,
            prior: convert::value(request.prior_state),
            planned: convert::value(request.planned_state),
            config: convert::value(request.config),
            private: request.planned_private,
            provider_meta: convert::value(request.provider_meta),
            identity: convert::identity(request.planned_identity),
        };
        let answer = self.run("ApplyResourceChange", &name, |server| server.apply(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::apply_resource_change::Response {
                new_state: Some(answer.state.into()),
                private: answer.private,
                diagnostics: convert::diagnostics(answer.diagnostics),
                legacy_type_system: false,
                new_identity: answer.identity.map(Into::into),
            },
            Err(errors) => proto::apply_resource_change::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Answer<proto::import_resource_state::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::ImportCall {
            type_name: request.type_name,
            id: request.id,
            identity: convert::identity(request.identity),
            capabilities: convert::capabilities(request.client_capabilities),
        };
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
        let request = request.into_inner();
        let name = request.target_type_name.clone();
        let call = server::MoveCall {
            target_type: request.target_type_name,
            source_provider: request.source_provider_address,
            source_type: request.source_type_name,
            source_version: request.source_schema_version,
            source_state: convert::raw_state(request.source_state.unwrap_or_default()),
            source_private: request.source_private,
            source_identity: request.source_identity.map(convert::raw_state),
            source_identity_version: request.source_identity_schema_version,
        };
        let answer = self.run("MoveResourceState", &name, |server| server.move_state(call)).await;
        Ok(Response::new(match answer {
            Ok(answer) => proto::move_resource_state::Response {
                target_state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                target_private: answer.private,
                target_identity: answer.identity.map(Into::into),
            },
            Err(errors) => proto::move_resource_state::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Answer<proto::generate_resource_config::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let state = convert::value(request.state);
        let call = |server: Arc<Server>| server.generate_config(request.type_name, state);
        Ok(Response::new(match self.run("GenerateResourceConfig", &name, call).await {
            Ok(answer) => proto::generate_resource_config::Response {
                config: Some(answer.value.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
            },
            Err(errors) => proto::generate_resource_config::Response {
                config: None,
                diagnostics: convert::failure(errors),
            },
        }))
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Answer<proto::read_data_source::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::ReadDataCall {
            type_name: request.type_name,
            config: convert::value(request.config),
            provider_meta: convert::value(request.provider_meta),
            capabilities: convert::capabilities(request.client_capabilities),
        };
        Ok(Response::new(match self.run("ReadDataSource", &name, |server| server.read_data(call)).await {
            Ok(answer) => proto::read_data_source::Response {
                state: Some(answer.state.into()),
                diagnostics: convert::diagnostics(answer.diagnostics),
                deferred: answer.deferral.map(convert::deferral),
            },
            Err(errors) => proto::read_data_source::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
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
        let request = request.into_inner();
        let name = request.type_name.clone();
        let call = server::OpenCall {
            type_name: request.type_name,
            config: convert::value(request.config),
            capabilities: convert::capabilities(request.client_capabilities),
        };
        Ok(Response::new(match self.run("OpenEphemeralResource", &name, |server| server.open(call)).await {
            Ok(answer) => proto::open_ephemeral_resource::Response {
                diagnostics: convert::diagnostics(answer.diagnostics),
                renew_at: answer.renew_at.map(convert::timestamp),
                result: convert::some_value(answer.result),
                private: Some(answer.private),
                deferred: answer.deferral.map(convert::deferral),
            },
            Err(errors) => proto::open_ephemeral_resource::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Answer<proto::renew_ephemeral_resource::Response> {
        let request = request.into_inner();
        let name = request.type_name.clone();
        let private = request.private.unwrap_or_default();
        let call = |server: Arc<Server>| server.renew(request.type_name, private);
        Ok(Response::new(match self.run("RenewEphemeralResource", &name, call).await {
            Ok(answer) => proto::renew_ephemeral_resource::Response {
                diagnostics: convert::diagnostics(answer.diagnostics),
                renew_at: answer.renew_at.map(convert::timestamp),
                private: Some(answer.private),
            },
            Err(errors) => proto::renew_ephemeral_resource::Response {
                diagnostics: convert::failure(errors),
                ..Default::default()
            },
        }))
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
        let request = request.into_inner();
        let span = self.span("ListResource", &request.type_name);
        let call = server::ListCall {
            type_name: request.type_name,
            config: convert::value(request.config),
            include_resource: request.include_resource_object,
            limit: request.limit,
        };
        let events = span.in_scope(|| self.server.clone().list(call));
        Ok(Response::new(Box::pin(ReceiverStream::new(events).map(|event| {
            Ok(proto::list_resource::Event {
                identity: event.identity.map(Into::into),
                display_name: event.display_name,
                resource_object: event.resource.map(Into::into),
                diagnostic: convert::diagnostics(event.diagnostics),
            })
        }))))
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
        let request = request.into_inner();
        let span = self.span("InvokeAction", &request.action_type);
        let call = server::InvokeCall {
            type_name: request.action_type,
            config: convert::value(request.config),
            capabilities: convert::capabilities(request.client_capabilities),
        };
        let events = span.in_scope(|| self.server.clone().invoke(call));
        Ok(Response::new(Box::pin(ReceiverStream::new(events).map(|event| Ok(action_event(event))))))
    }

    async fn stop(&self, _: Request<proto::stop::Request>) -> Answer<proto::stop::Response> {
        tracing::info!("Terraform asks to stop");
        self.server.stop();
        Ok(Response::new(proto::stop::Response::default()))
    }
}

fn upgrade_call(type_name: String, version: i64, raw: Option<proto::RawState>) -> server::UpgradeCall {
    let raw = raw.unwrap_or_default();
    let is_flatmap = raw.json.is_empty() && !raw.flatmap.is_empty();
    server::UpgradeCall { type_name, version, raw: convert::raw_state(raw), is_flatmap }
}

fn action_event(event: server::ActionEvent) -> proto::invoke_action::Event {
    use proto::invoke_action::event::{Completed, Progress, Type};
    let event = match event {
        server::ActionEvent::Progress(message) => Type::Progress(Progress { message }),
        server::ActionEvent::Completed(ended) => {
            Type::Completed(Completed { diagnostics: convert::diagnostics(ended) })
        }
    };
    proto::invoke_action::Event { r#type: Some(event) }
}
