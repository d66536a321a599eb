//! A host as Terraform is one: it makes a P-521 certificate, starts the provider over a unix socket with
//! mutual TLS, and speaks protocol 5 to it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tf_provider::protocol::LARGEST_MESSAGE_BYTES;
use tf_provider::protocol::tfplugin5::provider_client::ProviderClient;
use tf_provider::schema::Provider;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

pub struct Session {
    pub client: ProviderClient<Channel>,
    pub channel: Channel,
    pub socket: PathBuf,
    pub served: JoinHandle<Result<(), String>>,
    _directory: tempfile::TempDir,
}

/// The host's key and self-signed certificate.
pub struct HostIdentity {
    pub certificate: rcgen::Certificate,
    pub key: rcgen::KeyPair,
}

impl HostIdentity {
    pub fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).expect("a P-521 key");
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate, key }
    }

    fn connector(&self, server: CertificateDer<'static>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(server).expect("the provider's certificate is a root");
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).expect("a key");
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("TLS versions")
                .with_root_certificates(roots)
                .with_client_auth_cert(vec![self.certificate.der().clone()], key)
                .expect("a client certificate");
        config.alpn_protocols = vec![b"h2".to_vec()];
        TlsConnector::from(Arc::new(config))
    }
}

/// Starts a provider and connects as the host that it expects.
pub async fn start(provider: impl Provider) -> Session {
    let host = HostIdentity::new();
    let pem = host.certificate.pem();
    start_for(provider, pem, &host).await.expect("the host connects")
}

/// Starts a provider that expects the owner of `expected_pem`, and connects as `host`.
pub async fn start_for(
    provider: impl Provider,
    expected_pem: String,
    host: &HostIdentity,
) -> Result<Session, tonic::transport::Error> {
    let directory = tempfile::tempdir().expect("a temp folder");
    let socket_directory = directory.path().to_string_lossy().into_owned();
    let (sender, mut lines) = mpsc::unbounded_channel();
    let served = tokio::spawn(async move {
        let variable = move |name: &str| match name {
            "TF_PLUGIN_MAGIC_COOKIE" => {
                Some("d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2".to_owned())
            }
            "PLUGIN_PROTOCOL_VERSIONS" => Some("6,5".to_owned()),
            "PLUGIN_CLIENT_CERT" => Some(expected_pem.clone()),
            "PLUGIN_UNIX_SOCKET_DIR" => Some(socket_directory.clone()),
            _ => None,
        };
        let served = tf_provider::serve_with(Arc::new(provider), variable, &mut Lines(sender)).await;
        served.map_err(|error| error.to_string())
    });
    let line = lines.recv().await.expect("a handshake line");
    let fields: Vec<&str> = line.trim_end().split('|').collect();
    assert_eq!((fields[0], fields[1], fields[2], fields[4]), ("1", "5", "unix", "grpc"), "{line}");
    let socket = PathBuf::from(fields[3]);
    let certificate = base64::engine::general_purpose::STANDARD_NO_PAD.decode(fields[5]).expect("base64");
    let channel = connect(socket.clone(), host.connector(certificate.into())).await?;
    let client = ProviderClient::new(channel.clone())
        .max_decoding_message_size(LARGEST_MESSAGE_BYTES)
        .max_encoding_message_size(LARGEST_MESSAGE_BYTES);
    Ok(Session { client, channel, socket, served, _directory: directory })
}

async fn connect(socket: PathBuf, tls: TlsConnector) -> Result<Channel, tonic::transport::Error> {
    let connect = tower::service_fn(move |_| {
        let (socket, tls) = (socket.clone(), tls.clone());
        async move {
            let stream = UnixStream::connect(socket).await?;
            let name = ServerName::try_from("localhost").expect("a name");
            Ok::<_, io::Error>(TokioIo::new(tls.connect(name, stream).await?))
        }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connect).await
}

/// Passes what the provider prints on as text.
struct Lines(mpsc::UnboundedSender<String>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A host that has gone does not listen.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
