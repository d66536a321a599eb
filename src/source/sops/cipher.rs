//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`, bound to its path.
//!
//! Follows getsops/sops 3.13 (`aes/cipher.go`): AES-256-GCM with an initialisation vector of any length, the path as additional
//! data, and a plain type beside it.

use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeyInit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The key of a file's values.
pub(super) struct DataKey(pub(super) [u8; 32]);

/// A decrypted value.
#[derive(Debug, PartialEq)]
pub(super) enum Plain {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

impl Plain {
    /// Returns the bytes that the message authentication code covers.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self {
            Plain::Text(text) => text.clone().into_bytes(),
            Plain::Int(number) => number.to_string().into_bytes(),
            Plain::Float(number) => float_bytes(*number),
            Plain::Bool(true) => b"True".to_vec(),
            Plain::Bool(false) => b"False".to_vec(),
        }
    }
}

/// Writes a number as Go's `FormatFloat(number, 'f', -1, 64)`.
pub(super) fn float_bytes(number: f64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Tells whether a text reads as an encrypted value.
pub(super) fn is_encrypted(text: &str) -> bool {
    parse(text).is_some()
}

struct Parts<'a> {
    data: &'a str,
    iv: &'a str,
    tag: &'a str,
    kind: &'a str,
}

fn parse(text: &str) -> Option<Parts<'_>> {
    let rest = text.strip_prefix("ENC[AES256_GCM,data:")?.trim_end().strip_suffix(']')?;
    let (data, rest) = rest.split_once(",iv:")?;
    let (iv, rest) = rest.split_once(",tag:")?;
    let (tag, kind) = rest.split_once(",type:")?;
    Some(Parts { data, iv, tag, kind })
}

/// Decrypts a value that stands at a path (`a:b:`), or says what is wrong with it.
pub(super) fn decrypt(text: &str, key: &DataKey, path: &str) -> Result<Plain, &'static str> {
    if text.is_empty() {
        return Ok(Plain::Text(String::new()));
    }
    let parts = parse(text).ok_or("should be encrypted and is not")?;
    let decoded = |text: &str| STANDARD.decode(text).map_err(|_| "is damaged: it is not base64");
    let (mut data, iv, tag) = (decoded(parts.data)?, decoded(parts.iv)?, decoded(parts.tag)?);
    data.extend_from_slice(&tag);
    let payload = Payload { msg: &data, aad: path.as_bytes() };
    let plain = open(key, &iv, payload).ok_or(
        "cannot be decrypted: it was changed, or moved here from another key, or the data key is another file's",
    )?;
    let text = String::from_utf8(plain).map_err(|_| "holds bytes that are no text, which values cannot")?;
    let broken = "is damaged: its content is not of its type";
    match parts.kind {
        "str" | "bytes" | "time" => Ok(Plain::Text(text)),
        "int" => text.parse().map(Plain::Int).map_err(|_| broken),
        "float" => text.parse().map(Plain::Float).map_err(|_| broken),
        "bool" => match text.as_str() {
            "True" | "true" | "TRUE" | "t" | "T" | "1" => Ok(Plain::Bool(true)),
            "False" | "false" | "FALSE" | "f" | "F" | "0" => Ok(Plain::Bool(false)),
            _ => Err(broken),
        },
        _ => Err("is of a type that this version does not know"),
    }
}

/// SOPS has vectors of 32 bytes; other implementations of its format have those of 12 and 16.
fn open(key: &DataKey, iv: &[u8], payload: Payload<'_, '_>) -> Option<Vec<u8>> {
    match iv.len() {
        32 => AesGcm::<Aes256, U32>::new(&key.0.into()).decrypt(iv.into(), payload).ok(),
        16 => AesGcm::<Aes256, U16>::new(&key.0.into()).decrypt(iv.into(), payload).ok(),
        12 => AesGcm::<Aes256, U12>::new(&key.0.into()).decrypt(iv.into(), payload).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, expected) in
            [(1.5, "1.5"), (3.0, "3"), (1e21, "1000000000000000000000"), (0.000_001, "0.000001")]
        {
            assert_eq!(String::from_utf8(float_bytes(number)).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_encrypted_value_is_told_apart() {
        let key = DataKey([0; 32]);
        assert_eq!(decrypt("", &key, "a:"), Ok(Plain::Text(String::new())));
        assert_eq!(decrypt("hunter2", &key, "a:"), Err("should be encrypted and is not"));
        let damaged = decrypt("ENC[AES256_GCM,data:*,iv:AA==,tag:AA==,type:str]", &key, "a:");
        assert_eq!(damaged, Err("is damaged: it is not base64"));
        let other = decrypt("ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]", &key, "a:");
        assert!(other.unwrap_err().starts_with("cannot be decrypted"));
    }
}
