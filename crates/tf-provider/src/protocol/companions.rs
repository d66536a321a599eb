//! The services that the plugin host expects beside the provider's own: controller, stdio, broker, health.

use std::pin::Pin;

use tokio_stream::Stream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::go_plugin::grpc_broker_server::GrpcBroker;
use super::go_plugin::grpc_controller_server::GrpcController;
use super::go_plugin::grpc_stdio_server::GrpcStdio;
use super::go_plugin::{ConnInfo, Empty, StdioData};
use super::health::health_check_response::ServingStatus;
use super::health::health_server::Health;
use super::health::{HealthCheckRequest, HealthCheckResponse};

type Events<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Ends the process when the host says so.
pub(crate) struct Controller {
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl GrpcController for Controller {
    async fn shutdown(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.shutdown.cancel();
        Ok(Response::new(Empty {}))
    }
}

/// Carries no output: a provider's words go to its log, which the host reads elsewhere.
pub(crate) struct Stdio {
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl GrpcStdio for Stdio {
    type StreamStdioStream = Events<StdioData>;

    async fn stream_stdio(&self, _: Request<Empty>) -> Result<Response<Events<StdioData>>, Status> {
        Ok(Response::new(silent_until(self.shutdown.clone())))
    }
}

/// Opens no further connections.
pub(crate) struct Broker {
    pub(crate) shutdown: CancellationToken,
}

#[tonic::async_trait]
impl GrpcBroker for Broker {
    type StartStreamStream = Events<ConnInfo>;

    async fn start_stream(
        &self,
        _: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Events<ConnInfo>>, Status> {
        Ok(Response::new(silent_until(self.shutdown.clone())))
    }
}

/// A stream without items that ends with the process.
fn silent_until<T: Send + 'static>(shutdown: CancellationToken) -> Events<T> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = sender.closed() => {}
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

/// Says that the plugin serves.
pub(crate) struct Healthy {
    pub(crate) shutdown: CancellationToken,
}

/// What go-plugin calls its service in health checks.
const SERVICE: &str = "plugin";

#[tonic::async_trait]
impl Health for Healthy {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match request.get_ref().service.as_str() {
            "" | SERVICE => Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() })),
            other => Err(Status::not_found(format!("unknown service {other:?}"))),
        }
    }

    type WatchStream = Events<HealthCheckResponse>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let status = match request.get_ref().service.as_str() {
            "" | SERVICE => ServingStatus::Serving,
            _ => ServingStatus::ServiceUnknown,
        };
        let first = tokio_stream::once(Ok(HealthCheckResponse { status: status.into() }));
        let rest = silent_until(self.shutdown.clone());
        Ok(Response::new(Box::pin(tokio_stream::StreamExt::chain(first, rest))))
    }
}
