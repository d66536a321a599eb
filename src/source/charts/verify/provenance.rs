//! Helm's provenance files: the chart's metadata and the SHA-256 of its archive, clear-signed with OpenPGP.
//!
//! Follows `helm verify` (`pkg/provenance/sign.go`): one key of the keyring must have signed the text, and the text must hold the
//! archive's digest under the name of its file. Keys that are revoked or expired count for nothing, nor do signatures over
//! MD5, SHA-1 or RIPEMD-160.

use std::collections::BTreeMap;
use std::time::SystemTime;

use pgp::composed::{CleartextSignedMessage, PublicOrSecret, SignedPublicKey, SignedPublicSubKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, Timestamp};
use serde::Deserialize;

use super::super::digest::Digest;

#[derive(Deserialize)]
struct Sums {
    #[serde(default)]
    files: BTreeMap<String, String>,
}

/// Checks an archive, or says why it is not proven.
pub(super) fn check(archive: &[u8], file: &str, provenance: &[u8], keyring: &[u8]) -> Result<(), String> {
    let keys = keys(keyring)?;
    let text = std::str::from_utf8(provenance).map_err(|_| "its provenance file is no text")?;
    let (message, _) = CleartextSignedMessage::from_string(text)
        .map_err(|error| format!("its provenance file is no clear-signed text: {error}"))?;
    if !keys.iter().any(|key| is_signed_by(&message, key)) {
        let signers: Vec<String> = message.signatures().iter().flat_map(issuers).collect();
        let signers = if signers.is_empty() { "an unnamed key".to_owned() } else { signers.join(", ") };
        let known: Vec<String> = keys.iter().map(|key| key.fingerprint().to_string()).collect();
        return Err(format!(
            "its provenance file has no valid signature by a key of the keyring; it names {signers}, the keyring holds {}",
            known.join(", ")
        ));
    }
    let signed = message.signed_text().replace("\r\n", "\n");
    // Metadata first, then the sums, as two documents.
    let (_, sums) = signed.split_once("\n...\n").ok_or("its provenance file does not list any files")?;
    let sums: Sums =
        serde_yaml::from_str(sums).map_err(|error| format!("the files of its provenance file: {error}"))?;
    let found = Digest::of(archive);
    match sums.files.get(file).map(|sum| (sum, Digest::parse(sum))) {
        Some((_, Some(expected))) if expected == found => Ok(()),
        Some((expected, _)) => {
            Err(format!("it was changed after it was signed: signed is {expected}, this is {found}"))
        }
        None => {
            let names: Vec<&str> = sums.files.keys().map(String::as_str).collect();
            Err(format!("its provenance file speaks of {}, not of {file}", names.join(", ")))
        }
    }
}

/// Reads a keyring: one binary one, or any number of armoured blocks.
fn keys(keyring: &[u8]) -> Result<Vec<SignedPublicKey>, String> {
    const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
    let refused = |why: String| format!("the keyring cannot be read: {why}");
    let blocks: Vec<Vec<u8>> = match std::str::from_utf8(keyring) {
        Ok(text) => text.split(BEGIN).skip(1).map(|block| format!("{BEGIN}{block}").into_bytes()).collect(),
        Err(_) => vec![keyring.to_vec()],
    };
    let mut found = Vec::new();
    for block in &blocks {
        let (keys, _) =
            PublicOrSecret::from_reader_many(&block[..]).map_err(|error| refused(error.to_string()))?;
        for key in keys {
            match key.map_err(|error| refused(error.to_string()))? {
                PublicOrSecret::Public(key) => found.push(key),
                PublicOrSecret::Secret(key) => found.push(key.into()),
            }
        }
    }
    if found.is_empty() {
        return Err(refused("it holds no public key".to_owned()));
    }
    Ok(found)
}

fn issuers(signature: &Signature) -> Vec<String> {
    let fingerprints: Vec<String> = signature.issuer_fingerprint().iter().map(ToString::to_string).collect();
    if !fingerprints.is_empty() {
        return fingerprints;
    }
    signature.issuer_key_id().iter().map(ToString::to_string).collect()
}

fn is_signed_by(message: &CleartextSignedMessage, key: &SignedPublicKey) -> bool {
    if !is_valid(key) {
        return false;
    }
    let by_subkey = |subkey: &&SignedPublicSubKey| may_sign(key, subkey);
    message.verify(&key.primary_key).is_ok_and(is_strong)
        || key
            .public_subkeys
            .iter()
            .filter(by_subkey)
            .any(|subkey| message.verify(&subkey.key).is_ok_and(is_strong))
}

fn is_strong(signature: &Signature) -> bool {
    let weak = [HashAlgorithm::None, HashAlgorithm::Md5, HashAlgorithm::Sha1, HashAlgorithm::Ripemd160];
    signature.hash_alg().is_some_and(|hash| !weak.contains(&hash))
}

/// Tells whether a key speaks for itself: neither revoked nor expired, by signatures of its own.
fn is_valid(key: &SignedPublicKey) -> bool {
    let primary = &key.primary_key;
    if key.details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
        return false;
    }
    let users = key.details.users.iter().flat_map(|user| {
        let own = |one: &&Signature| one.verify_certification(primary, Tag::UserId, &user.id).is_ok();
        user.signatures.iter().filter(own)
    });
    let direct = key.details.direct_signatures.iter().filter(|one| one.verify_key(primary).is_ok());
    let newest = users.chain(direct).max_by_key(|one| one.created());
    newest.is_some_and(|newest| !is_over(primary.created_at(), newest))
}

/// Tells whether a subkey signs for its key, by a binding that both have signed.
fn may_sign(key: &SignedPublicKey, subkey: &SignedPublicSubKey) -> bool {
    let of_kind = |kind: SignatureType| {
        let is_own = move |one: &&Signature| {
            one.typ() == Some(kind) && one.verify_subkey_binding(&key.primary_key, &subkey.key).is_ok()
        };
        subkey.signatures.iter().filter(is_own)
    };
    if of_kind(SignatureType::SubkeyRevocation).next().is_some() {
        return false;
    }
    let newest = of_kind(SignatureType::SubkeyBinding).max_by_key(|one| one.created());
    newest.is_some_and(|newest| {
        let agreed = newest
            .embedded_signature()
            .is_some_and(|back| back.verify_primary_key_binding(&subkey.key, &key.primary_key).is_ok());
        newest.key_flags().sign() && agreed && !is_over(subkey.key.created_at(), newest)
    })
}

/// Tells whether the time that a signature gives a key is over.
fn is_over(created: Timestamp, signature: &Signature) -> bool {
    let lifetime = signature.key_expiration_time().map(std::time::Duration::from);
    lifetime.filter(|lifetime| !lifetime.is_zero()).is_some_and(|lifetime| {
        SystemTime::from(created).checked_add(lifetime).is_some_and(|end| end < SystemTime::now())
    })
}
