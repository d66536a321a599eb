//! A release's digest: SHA-256 over the full objects, before anything is folded away for display.
//!
//! Takes objects from which secrets are taken out already: `(sensitive, revision N)` stands for a secret, so that the
//! digest changes with it and nobody can guess the secret from the digest.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::canonical;

/// Gives the digest of a set of objects with their keys; the order of the set does not count.
pub fn of_objects<'a>(objects: impl IntoIterator<Item = (&'a str, &'a Value)>) -> String {
    let mut objects: Vec<(&str, &Value)> = objects.into_iter().collect();
    objects.sort_unstable_by_key(|(key, _)| *key);
    let (mut hasher, mut text) = (Sha256::new(), String::new());
    for (key, object) in objects {
        text.clear();
        canonical::write_string(key, &mut text);
        canonical::write(object, &mut text);
        hasher.update(text.as_bytes());
    }
    shown(&hasher.finalize())
}

/// Gives the digest of one object.
pub fn of_object(object: &Value) -> String {
    shown(&Sha256::digest(canonical::to_string(object).as_bytes()))
}

/// Half of the hash: 128 bits cannot be made to collide, and the line stays readable.
fn shown(hash: &[u8]) -> String {
    let digits: String = hash[..hash.len() / 2].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}
