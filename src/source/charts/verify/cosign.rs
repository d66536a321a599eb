//! Signatures that cosign makes with a key: over a small text that names the digest of the signed manifest.
//!
//! Follows cosign's signature specification (`SIGNATURE_SPEC.md`): the text is the "simple signing" payload of
//! containers/image, kept as a layer of the manifest tagged `sha256-DIGEST.sig`, its signature in the layer's annotation.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::digest::Digest;
use super::Signature;

/// The media type of a layer that holds what is signed.
pub(in super::super) const SIGNATURE_LAYER: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(rename = "type")]
    kind: String,
    image: Image,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    manifest: String,
}

/// Checks that a key has signed a manifest, or says why that is not proven.
pub(super) fn check(manifest: &Digest, signatures: &[Signature], key: &str) -> Result<(), String> {
    let key = PublicKey::read(key)?;
    if signatures.is_empty() {
        return Err("it is not signed: the registry has no cosign signature for it".to_owned());
    }
    let valid: Vec<&Signature> = signatures.iter().filter(|one| key.has_signed(one)).collect();
    if valid.is_empty() {
        return Err("its signature is by another key than `cosign_key`, or was changed".to_owned());
    }
    let mut others = Vec::new();
    for one in valid {
        match serde_json::from_slice::<Payload>(&one.payload) {
            Ok(Payload { critical }) if critical.kind == "cosign container image signature" => {
                if Digest::parse(&critical.image.manifest).as_ref() == Some(manifest) {
                    return Ok(());
                }
                others.push(critical.image.manifest);
            }
            _ => others.push("something else than a manifest".to_owned()),
        }
    }
    Err(format!("its signature is of another manifest: signed is {}, this is {manifest}", others.join(", ")))
}

/// A key with the way in which it signs.
struct PublicKey {
    algorithm: &'static dyn VerificationAlgorithm,
    der: Vec<u8>,
}

/// What tells the kinds of keys apart: the identifiers of their algorithms, in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
const RSA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EDWARDS: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

impl PublicKey {
    fn read(pem: &str) -> Result<Self, String> {
        let refused = |why: &str| format!("`cosign_key` {why}");
        let body = pem
            .split_once("-----BEGIN PUBLIC KEY-----")
            .and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"));
        let Some((body, _)) = body else {
            let why = if pem.contains("PRIVATE KEY") {
                "is a private key; give the public one, cosign.pub"
            } else {
                "is no public key in PEM (`-----BEGIN PUBLIC KEY-----`)"
            };
            return Err(refused(why));
        };
        let digits: String = body.split_whitespace().collect();
        let der = STANDARD.decode(digits).map_err(|_| refused("is damaged: it is not base64"))?;
        let head = &der[..der.len().min(40)];
        let has = |identifier: &[u8]| head.windows(identifier.len()).any(|window| window == identifier);
        let algorithms: [(&[u8], &'static dyn VerificationAlgorithm); 4] = [
            (P256, &ECDSA_P256_SHA256_ASN1),
            (P384, &ECDSA_P384_SHA384_ASN1),
            (RSA, &RSA_PKCS1_2048_8192_SHA256),
            (EDWARDS, &ED25519),
        ];
        let algorithm =
            algorithms.into_iter().find(|(identifier, _)| has(identifier)).map(|(_, algorithm)| algorithm);
        let algorithm = algorithm.ok_or_else(|| {
            refused("is of a kind that is not known: use ECDSA P-256 or P-384, RSA or Ed25519")
        })?;
        Ok(Self { algorithm, der })
    }

    fn has_signed(&self, one: &Signature) -> bool {
        let Ok(signature) = STANDARD.decode(one.signature.trim()) else { return false };
        UnparsedPublicKey::new(self.algorithm, &self.der).verify(&one.payload, &signature).is_ok()
    }
}
