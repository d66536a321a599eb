//! How a cluster is reached, and as whom; always as the configuration says, never by an ambient kubeconfig or the account of
//! a pod that Terraform happens to run in.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::source::Secret;

/// What reaches the API server of one cluster.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The cluster's name, for messages.
    pub cluster: String,
    /// The API server's address, `https://HOST:PORT`.
    pub host: String,
    /// PEM text of the authorities that may have signed the server's certificate; the machine's own without it.
    pub certificate_authority: Option<String>,
    /// The name in the server's certificate, where it is not the host.
    pub tls_server_name: Option<String>,
    /// As whom.
    pub identity: Identity,
}

/// As whom an API server is spoken to.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Nobody in particular.
    Anonymous,
    /// The bearer of a token.
    Token(Secret),
    /// The bearer of a token that is in a file, which is read again when the token is refused.
    TokenFile(std::path::PathBuf),
    /// The holder of a client certificate.
    Certificate {
        /// PEM text of the certificate.
        certificate: String,
        /// PEM text of its key.
        key: Secret,
    },
    /// Whoever a program says, as kubeconfig's `exec`.
    Program(Program),
}

/// A credential plugin of Kubernetes' clients: it prints an `ExecCredential`.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program, found on PATH.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Environment variables that it gets beside the provider's own.
    pub environment: BTreeMap<String, Secret>,
    /// The version of `ExecCredential` that it speaks.
    pub api_version: String,
    /// How long it may take.
    pub longest: Duration,
}

impl Connection {
    /// Gives a key that is equal for equal connections and tells nothing about the secrets in them.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        part(&self.cluster);
        part(&self.host);
        part(self.certificate_authority.as_deref().unwrap_or_default());
        part(self.tls_server_name.as_deref().unwrap_or_default());
        match &self.identity {
            Identity::Anonymous => part("anonymous"),
            Identity::Token(token) => ["token", token.reveal()].into_iter().for_each(part),
            Identity::TokenFile(path) => ["file", &path.to_string_lossy()].into_iter().for_each(part),
            Identity::Certificate { certificate, key } => {
                ["certificate", certificate, key.reveal()].into_iter().for_each(part)
            }
            Identity::Program(program) => {
                ["program", &program.command, &program.api_version].into_iter().for_each(&mut part);
                program.arguments.iter().for_each(|argument| part(argument));
                program.environment.iter().for_each(|(name, value)| {
                    part(name);
                    part(value.reveal());
                });
            }
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(identity: Identity) -> Connection {
        Connection {
            cluster: "one".into(),
            host: "https://127.0.0.1:6443".into(),
            certificate_authority: None,
            tls_server_name: None,
            identity,
        }
    }

    #[test]
    fn equal_connections_share_a_client_and_others_do_not() {
        let token = |text: &str| connection(Identity::Token(Secret::new(text))).fingerprint();
        assert_eq!(token("a"), token("a"));
        assert_ne!(token("a"), token("b"));
        assert_ne!(token("a"), connection(Identity::Anonymous).fingerprint());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let shown = format!("{:?}", connection(Identity::Token(Secret::new("hunter2"))));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
