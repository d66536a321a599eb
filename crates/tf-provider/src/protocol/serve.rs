//! The process: from its start to the host's goodbye.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server as Transport;

use super::companions::{Broker, Controller, Healthy, Stdio};
use super::go_plugin::grpc_broker_server::GrpcBrokerServer;
use super::go_plugin::grpc_controller_server::GrpcControllerServer;
use super::go_plugin::grpc_stdio_server::GrpcStdioServer;
use super::handshake::{self, Environment, NoHandshake};
use super::health::health_server::HealthServer;
use super::listener::{self, Listener};
use super::service::Protocol5;
use super::tfplugin5::provider_server::ProviderServer;
use super::tls::{self, Identity, TlsError};
use super::{LARGEST_MESSAGE_BYTES, log, reattach};
use crate::schema::Provider;
use crate::server::Server;

/// Says who starts the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Terraform or OpenTofu does.
    Plugin,
    /// A person does, to attach Terraform with `TF_REATTACH_PROVIDERS`.
    Debug,
}

/// The longest the process lives on after the host's goodbye; the host kills it after two seconds.
const FAREWELL: Duration = Duration::from_millis(1500);

/// How many connections may wait to be taken.
const WAITING: usize = 4;

/// How many bytes may be under way in each direction, so that a large message flows without pauses.
const WINDOW_BYTES: u32 = 8 << 20;

/// Says why the process cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum CannotServe {
    /// Nobody who speaks our protocol started it.
    #[error(transparent)]
    Handshake(#[from] NoHandshake),
    /// The host's certificate cannot be used.
    #[error("the provider cannot connect securely")]
    Tls(#[from] TlsError),
    /// The socket cannot be made.
    #[error("the provider cannot open its socket")]
    Listen(#[source] io::Error),
    /// Threads, signals or the handshake line fail.
    #[error("the provider cannot start")]
    Start(#[source] io::Error),
    /// The connection fails.
    #[error("the provider stopped serving")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves a provider until Terraform is done: the whole `main` of a provider's binary.
///
/// With `--debug` among the arguments, a person can start it and attach Terraform to it.
pub fn serve(provider: impl Provider) -> ExitCode {
    let debug = std::env::args().skip(1).any(|argument| argument == "--debug" || argument == "-debug");
    serve_as(if debug { Mode::Debug } else { Mode::Plugin }, provider)
}

/// Serves a provider in a mode that the caller has chosen.
pub fn serve_as(mode: Mode, provider: impl Provider) -> ExitCode {
    match run(mode, provider) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn report(error: &dyn std::error::Error) {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    // Without stderr there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

fn run(mode: Mode, provider: impl Provider) -> Result<(), CannotServe> {
    let variable = |name: &str| std::env::var(name).ok();
    let environment = match mode {
        Mode::Plugin => Environment::read(variable)?,
        Mode::Debug => Environment { client_certificate: None, ..Environment::without_host(variable) },
    };
    log::start(provider.address(), variable);
    log::announce_panics();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CannotServe::Start)?;
    let server = Arc::new(Server::new(Arc::new(provider)));
    let served = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        watch_signals(mode, &server, &shutdown).map_err(CannotServe::Start)?;
        serve_in(mode, &server, &environment, &shutdown, &mut io::stdout()).await
    });
    // Work that cannot be stopped must not hold up the host.
    runtime.shutdown_background();
    served
}

/// Serves a provider as a plugin inside a running program, with `variable` in place of the environment and
/// `stdout` for the handshake line; tests reach a provider this way over a real socket.
///
/// # Errors
/// When the environment asks for something that cannot be done, or the socket fails.
pub async fn serve_with(
    provider: Arc<dyn Provider>,
    variable: impl Fn(&str) -> Option<String>,
    stdout: &mut (dyn io::Write + Send),
) -> Result<(), CannotServe> {
    let environment = Environment::read(variable)?;
    let server = Arc::new(Server::new(provider));
    serve_in(Mode::Plugin, &server, &environment, &CancellationToken::new(), stdout).await
}

async fn serve_in(
    mode: Mode,
    server: &Arc<Server>,
    environment: &Environment,
    shutdown: &CancellationToken,
    stdout: &mut (dyn io::Write + Send),
) -> Result<(), CannotServe> {
    let identity = environment.client_certificate.as_deref().map(tls::identity).transpose()?;
    let listener = listener::open(environment).map_err(CannotServe::Listen)?;
    announce(mode, server, &listener, identity.as_ref(), stdout).map_err(CannotServe::Start)?;
    let goodbye = CancellationToken::new();
    let serving = serve_connections(server, &listener, identity, shutdown, &goodbye);
    // In debug mode the process outlives each run of Terraform.
    let farewell = async {
        goodbye.cancelled().await;
        shutdown.cancel();
        tokio::time::sleep(FAREWELL).await;
    };
    tokio::select! {
        served = serving => served,
        () = farewell, if mode == Mode::Plugin => Ok(()),
    }
}

/// Tells the host, or the person, where to connect.
fn announce(
    mode: Mode,
    server: &Server,
    listener: &Listener,
    identity: Option<&Identity>,
    stdout: &mut dyn io::Write,
) -> io::Result<()> {
    let certificate = identity.map_or("", |identity| &identity.certificate);
    let text = match mode {
        Mode::Plugin => handshake::line(listener.network(), listener.address(), certificate),
        Mode::Debug => reattach::instructions(server.address(), listener),
    };
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

async fn serve_connections(
    server: &Arc<Server>,
    listener: &Listener,
    identity: Option<Identity>,
    shutdown: &CancellationToken,
    goodbye: &CancellationToken,
) -> Result<(), CannotServe> {
    let (ready, connections) = mpsc::channel(WAITING);
    let provider = ProviderServer::new(Protocol5::new(server.clone()))
        .max_decoding_message_size(LARGEST_MESSAGE_BYTES)
        .max_encoding_message_size(LARGEST_MESSAGE_BYTES);
    let serving = Transport::builder()
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .add_service(provider)
        .add_service(GrpcControllerServer::new(Controller { shutdown: goodbye.clone() }))
        .add_service(GrpcStdioServer::new(Stdio { shutdown: shutdown.clone() }))
        .add_service(GrpcBrokerServer::new(Broker { shutdown: shutdown.clone() }))
        .add_service(HealthServer::new(Healthy { shutdown: shutdown.clone() }))
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), shutdown.cancelled());
    tokio::select! {
        served = serving => Ok(served?),
        () = listener.accept_into(identity.map(|identity| identity.config), ready) => Ok(()),
    }
}

/// Ctrl-C reaches the whole process group: Terraform tells us itself when to stop. A person who debugs, or a
/// SIGTERM that is meant for us, ends the process after the running calls.
#[cfg(unix)]
fn watch_signals(mode: Mode, server: &Arc<Server>, shutdown: &CancellationToken) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (server, shutdown) = (server.clone(), shutdown.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(()) = interrupt.recv() => if mode == Mode::Plugin { continue },
                Some(()) = terminate.recv() => {}
                else => return,
            }
            server.stop();
            shutdown.cancel();
        }
    });
    Ok(())
}

/// Ctrl-C reaches the whole console: Terraform tells us itself when to stop.
#[cfg(not(unix))]
fn watch_signals(mode: Mode, server: &Arc<Server>, shutdown: &CancellationToken) -> io::Result<()> {
    let (server, shutdown) = (server.clone(), shutdown.clone());
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if mode == Mode::Debug {
                server.stop();
                shutdown.cancel();
            }
        }
    });
    Ok(())
}
