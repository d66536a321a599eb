//! The handshake with the host: what it says in the environment, and the one line we answer on stdout.
//!
//! The rule is hashicorp/go-plugin's: `1|PROTOCOL|NETWORK|ADDRESS|grpc|CERTIFICATE`.

use std::ops::RangeInclusive;
use std::path::PathBuf;

/// The environment variable by which Terraform says that it is the one who starts us.
pub(crate) const COOKIE_KEY: &str = "TF_PLUGIN_MAGIC_COOKIE";

/// What it holds. No secret: it only keeps people from starting a provider by hand.
pub(crate) const COOKIE_VALUE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// The plugin host's own protocol version.
const HOST_VERSION: u32 = 1;

/// The provider protocol that we speak.
pub(crate) const PROTOCOL_VERSION: u32 = 5;

/// Holds what the host says in the environment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Environment {
    /// The host's certificate in PEM; none for a connection without TLS.
    pub(crate) client_certificate: Option<String>,
    /// Where the socket should be.
    pub(crate) socket_directory: Option<PathBuf>,
    /// Which group may use it.
    pub(crate) socket_group: Option<String>,
    /// Where a port should be.
    #[cfg_attr(unix, allow(dead_code))]
    pub(crate) ports: RangeInclusive<u16>,
}

/// Says why the process cannot serve.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHandshake {
    /// A person started the program.
    #[error(
        "This program is a Terraform provider: Terraform or OpenTofu starts it.\n\
         hint: name it in required_providers, or start it with --debug to attach Terraform to it"
    )]
    NoCookie,
    /// The host speaks other versions of the protocol.
    #[error("Terraform speaks the provider protocols {0}, this provider speaks 5")]
    OtherProtocol(String),
}

/// Tells whether Terraform or OpenTofu started this process as a provider.
pub fn is_started_by_terraform() -> bool {
    std::env::var(COOKIE_KEY).is_ok_and(|cookie| cookie == COOKIE_VALUE)
}

impl Environment {
    /// Reads what the host says.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, NoHandshake> {
        if variable(COOKIE_KEY).as_deref() != Some(COOKIE_VALUE) {
            return Err(NoHandshake::NoCookie);
        }
        let versions = variable("PLUGIN_PROTOCOL_VERSIONS").unwrap_or_default();
        let ours = PROTOCOL_VERSION.to_string();
        if !versions.is_empty() && !versions.split(',').any(|version| version.trim() == ours) {
            return Err(NoHandshake::OtherProtocol(versions));
        }
        Ok(Self::without_host(variable))
    }

    /// Reads what also holds for a process that nobody started as a plugin.
    pub(crate) fn without_host(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let port = |name, default| given(name).and_then(|port| port.parse().ok()).unwrap_or(default);
        Self {
            client_certificate: given("PLUGIN_CLIENT_CERT"),
            socket_directory: given("PLUGIN_UNIX_SOCKET_DIR").map(PathBuf::from),
            socket_group: given("PLUGIN_UNIX_SOCKET_GROUP"),
            ports: port("PLUGIN_MIN_PORT", 10_000)..=port("PLUGIN_MAX_PORT", 25_000),
        }
    }
}

/// Returns the line that tells the host where to connect.
pub(crate) fn line(network: &str, address: &str, certificate: &str) -> String {
    format!("{HOST_VERSION}|{PROTOCOL_VERSION}|{network}|{address}|grpc|{certificate}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, NoHandshake> {
        Environment::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn demands_the_cookie_and_a_common_protocol() {
        assert_eq!(read(&[]), Err(NoHandshake::NoCookie));
        assert_eq!(read(&[(COOKIE_KEY, "guess")]), Err(NoHandshake::NoCookie));
        let cookie = (COOKIE_KEY, COOKIE_VALUE);
        assert!(read(&[cookie]).is_ok());
        assert!(read(&[cookie, ("PLUGIN_PROTOCOL_VERSIONS", "6,5")]).is_ok());
        let refused = read(&[cookie, ("PLUGIN_PROTOCOL_VERSIONS", "6")]);
        assert_eq!(refused, Err(NoHandshake::OtherProtocol("6".to_owned())));
    }

    #[test]
    fn reads_socket_and_ports() {
        let environment = read(&[
            (COOKIE_KEY, COOKIE_VALUE),
            ("PLUGIN_UNIX_SOCKET_DIR", "/run/x"),
            ("PLUGIN_UNIX_SOCKET_GROUP", "staff"),
            ("PLUGIN_MIN_PORT", "7"),
            ("PLUGIN_CLIENT_CERT", ""),
        ])
        .expect("a handshake");
        assert_eq!(environment.socket_directory, Some(PathBuf::from("/run/x")));
        assert_eq!(environment.socket_group.as_deref(), Some("staff"));
        assert_eq!(environment.ports, 7..=25_000);
        assert_eq!(environment.client_certificate, None);
    }

    #[test]
    fn writes_the_line_of_the_plugin_host() {
        assert_eq!(line("unix", "/tmp/x.sock", "MII"), "1|5|unix|/tmp/x.sock|grpc|MII\n");
        assert_eq!(line("tcp", "127.0.0.1:1", ""), "1|5|tcp|127.0.0.1:1|grpc|\n");
    }
}
