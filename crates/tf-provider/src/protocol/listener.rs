//! Where the host connects: a unix socket, or a local port on Windows.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::connection::Connection;
use super::handshake::Environment;

/// How long a connection may take to agree on TLS.
const TLS_PATIENCE: Duration = Duration::from_secs(20);

/// Waits for connections; a unix socket's file goes with it.
pub(crate) struct Listener {
    inner: Inner,
    network: &'static str,
    address: String,
}

#[cfg(unix)]
type Inner = tokio::net::UnixListener;
#[cfg(not(unix))]
type Inner = tokio::net::TcpListener;

impl Listener {
    /// Returns `unix` or `tcp`.
    pub(crate) fn network(&self) -> &str {
        self.network
    }

    /// Returns the socket's path, or address and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Accepts connections for as long as somebody takes them; TLS is agreed on beside the accepting, so that
    /// a silent peer holds up nobody.
    pub(crate) async fn accept_into(
        &self,
        tls: Option<Arc<ServerConfig>>,
        ready: mpsc::Sender<io::Result<Connection>>,
    ) {
        let acceptor = tls.map(TlsAcceptor::from);
        while !ready.is_closed() {
            match self.inner.accept().await {
                Ok((stream, _)) => hand_over(stream, acceptor.clone(), ready.clone()),
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    // Out of file descriptors, most likely: others must close first.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

fn hand_over(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    acceptor: Option<TlsAcceptor>,
    ready: mpsc::Sender<io::Result<Connection>>,
) {
    tokio::spawn(async move {
        let connection = match acceptor {
            None => Connection::new(stream),
            Some(acceptor) => match tokio::time::timeout(TLS_PATIENCE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Connection::new(stream),
                Ok(Err(error)) => return tracing::warn!(%error, "a connection is refused"),
                Err(_) => return tracing::warn!("a connection is refused: it did not agree on TLS in time"),
            },
        };
        // Nobody takes it when the process is about to end.
        let _ = ready.send(Ok(connection)).await;
    });
}

/// Opens the socket that the environment asks for.
#[cfg(unix)]
pub(crate) fn open(environment: &Environment) -> io::Result<Listener> {
    use std::os::unix::fs::PermissionsExt as _;

    let directory = environment.socket_directory.clone().unwrap_or_else(std::env::temp_dir);
    let path = directory.join(format!("plugin-{}-{}.sock", std::process::id(), random_name()));
    let inner = tokio::net::UnixListener::bind(&path)?;
    let mode = if environment.socket_group.is_some() { 0o660 } else { 0o600 };
    let prepared = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
        .and_then(|()| give_to_group(&path, environment.socket_group.as_deref()));
    let address = path.to_string_lossy().into_owned();
    let listener = Listener { inner, network: "unix", address };
    prepared.map(|()| listener)
}

#[cfg(unix)]
impl Drop for Listener {
    fn drop(&mut self) {
        // It may be gone with its directory already.
        let _ = std::fs::remove_file(&self.address);
    }
}

/// Lets a group use the socket: by number, or by its name in /etc/group.
#[cfg(unix)]
fn give_to_group(path: &std::path::Path, group: Option<&str>) -> io::Result<()> {
    let Some(group) = group else { return Ok(()) };
    let number = match group.parse() {
        Ok(number) => number,
        Err(_) => group_number(&std::fs::read_to_string("/etc/group")?, group)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("there is no group {group:?}")))?,
    };
    std::os::unix::fs::chown(path, None, Some(number))
}

#[cfg(unix)]
fn group_number(groups: &str, name: &str) -> Option<u32> {
    let mut fields = groups.lines().map(|line| line.split(':'));
    fields.find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?)
}

/// A name that no other socket has: the moment and a random number of the standard library's.
#[cfg(unix)]
fn random_name() -> String {
    use std::hash::{BuildHasher as _, Hasher as _};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:08x}", random as u32)
}

/// Opens a local port in the range that the environment asks for.
#[cfg(not(unix))]
pub(crate) fn open(environment: &Environment) -> io::Result<Listener> {
    for port in environment.ports.clone() {
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", port)) {
            listener.set_nonblocking(true)?;
            let inner = tokio::net::TcpListener::from_std(listener)?;
            let address = inner.local_addr()?.to_string();
            return Ok(Listener { inner, network: "tcp", address });
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("no port in {:?} is free", environment.ports)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn finds_a_group_by_name() {
        let groups = "root:x:0:\nstaff:x:50:ann,bob\n";
        assert_eq!(group_number(groups, "staff"), Some(50));
        assert_eq!(group_number(groups, "sta"), None);
        assert_eq!(group_number("broken", "broken"), None);
    }
}
