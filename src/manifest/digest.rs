//! A release's digest: SHA-256 over the full objects, before anything is folded away for display.
//!
//! Takes objects from which secrets are taken out already: `(sensitive, revision N)` stands for a secret, so that the
//! digest changes with it and nobody can guess the secret from the digest.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical;

/// Gives the digest of a set from the keys and digests of its objects; their order does not count.
pub fn of_set<'a>(objects: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let sorted: BTreeMap<&str, &str> = objects.into_iter().collect();
    let mut hasher = Sha256::new();
    for (key, digest) in sorted {
        hasher.update((key.len() as u64).to_be_bytes());
        hasher.update(key.as_bytes());
        hasher.update(digest.as_bytes());
    }
    shown(&hasher.finalize())
}

/// Gives the digest of one object.
pub fn of_object(object: &Value) -> String {
    of_canonical(&canonical::to_string(object))
}

/// Gives the digest of an object whose canonical JSON is at hand.
pub fn of_canonical(canonical: &str) -> String {
    shown(&Sha256::digest(canonical.as_bytes()))
}

/// Half of the hash: 128 bits cannot be made to collide, and the line stays readable.
fn shown(hash: &[u8]) -> String {
    let digits: String = hash[..hash.len() / 2].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
