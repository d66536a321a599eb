//! Mutual TLS with the host: each side knows the other's certificate beforehand, so there is no authority.
//!
//! The host's certificate comes through the environment, ours goes back in the handshake line. The host's is
//! self-signed, marked as an authority, and has a P-521 key: it is pinned byte for byte, and the signature of
//! the TLS handshake proves that the host holds its key.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
};

/// Says why there is no secure connection.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host's certificate is not one.
    #[error("PLUGIN_CLIENT_CERT holds no certificate in PEM form")]
    ClientCertificate(#[source] rustls::pki_types::pem::Error),
    /// Our key or certificate cannot be made.
    #[error("the provider's own certificate cannot be made")]
    OwnCertificate(#[from] rcgen::Error),
    /// The TLS library refuses the configuration.
    #[error("TLS cannot be set up")]
    Setup(#[from] Error),
}

/// Holds our side of the connection.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// Our certificate as the handshake line carries it.
    pub(crate) certificate: String,
}

/// Makes a key and a certificate for this process, and demands the host's certificate.
pub(crate) fn identity(client_pem: &str) -> Result<Identity, TlsError> {
    let client =
        CertificateDer::from_pem_slice(client_pem.as_bytes()).map_err(TlsError::ClientCertificate)?;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = certificate_params()?.self_signed(&key)?.der().clone();
    let key =
        PrivateKeyDer::try_from(key.serialize_der()).map_err(|error| Error::General(error.to_owned()))?;
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let verifier = Arc::new(PinnedHost { certificate: client, algorithms: algorithms(&crypto) });
    let encoded = STANDARD_NO_PAD.encode(&certificate);
    let mut config = ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // The host connects once and never resumes.
    config.send_tls13_tickets = 0;
    Ok(Identity { config: Arc::new(config), certificate: encoded })
}

fn certificate_params() -> Result<rcgen::CertificateParams, rcgen::Error> {
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?;
    params.distinguished_name.push(rcgen::DnType::CommonName, "localhost");
    params.extended_key_usages =
        vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth, rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
    Ok(params)
}

fn algorithms(crypto: &CryptoProvider) -> WebPkiSupportedAlgorithms {
    crypto.signature_verification_algorithms
}

/// Accepts one certificate and nothing else.
#[derive(Debug)]
struct PinnedHost {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ClientCertVerifier for PinnedHost {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if *end_entity == self.certificate {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
