//! Passwords and ciphers: bcrypt, htpasswd, the Master Password algorithm, AES.

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockDecryptMut, BlockEncryptMut, KeyIvInit};
use base64::Engine;
use hmac::Mac;
use sha2::Sha256;

use super::super::arguments::{self, Outcome};
use super::super::random::generated;
use crate::context::Context;
use crate::error::CallError;
use crate::json;
use crate::value::Value;

/// What one bcrypt hash or one scrypt key costs, in steps of a render.
const SLOW_HASH_STEPS: u64 = 3_000_000;

const BLOCK: usize = 16;

pub(super) fn bcrypt(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let hash = bcrypt_hash(context, arguments::bytes(args, 0))?;
    Ok(generated(context, "bcrypt", Value::text(hash)))
}

fn bcrypt_hash(context: &mut Context<'_>, password: &[u8]) -> Result<String, CallError> {
    let failed = |error: &str| Ok(format!("failed to encrypt string with bcrypt: {error}"));
    if password.len() > 72 {
        return failed("bcrypt: password length exceeds 72 bytes");
    }
    context.charge(SLOW_HASH_STEPS)?;
    let mut salt = [0; 16];
    context.random_bytes(&mut salt);
    match ::bcrypt::hash_with_salt(password, 10, salt) {
        Ok(parts) => Ok(parts.format_for_version(::bcrypt::Version::TwoA)),
        Err(error) => failed(&error.to_string()),
    }
}

pub(super) fn htpasswd(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let user = arguments::bytes(args, 0);
    if user.contains(&b':') {
        return Ok(Value::text([b"invalid username: ", user].concat()));
    }
    let hash = bcrypt_hash(context, arguments::bytes(args, 1))?;
    Ok(generated(context, "htpasswd", Value::text([user, b":", hash.as_bytes()].concat())))
}

/// The forms of a type of password: each letter stands for a set of characters.
fn templates(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

pub(super) fn derive_password(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    const SEED: &[u8] = b"com.lyndir.masterpassword";
    let counter = super::super::convert::to_int64(&args[0]) as u32;
    let (kind, password) = (arguments::bytes(args, 1), arguments::bytes(args, 2));
    let (user, site) = (arguments::bytes(args, 3), arguments::bytes(args, 4));
    let Some(templates) = templates(kind) else {
        return Ok(Value::text([b"cannot find password template ", kind].concat()));
    };
    context.charge(SLOW_HASH_STEPS)?;
    let length = |bytes: &[u8]| (bytes.len() as u32).to_be_bytes();
    let salt = [SEED, &length(user), user].concat();
    let mut key = [0; 64];
    let derived =
        scrypt::Params::new(15, 8, 2, key.len()).map_err(|error| error.to_string()).and_then(|params| {
            scrypt::scrypt(password, &salt, &params, &mut key).map_err(|error| error.to_string())
        });
    if let Err(error) = derived {
        return Ok(Value::text(format!("failed to derive password: {error}")));
    }
    let message = [SEED, &length(site), site, &counter.to_be_bytes()].concat();
    let mac = hmac::Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|error| CallError::new(error.to_string()))?
        .chain_update(message);
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let derived = template.bytes().zip(&seed[1..]).map(|(class, byte)| {
        let set = characters(class);
        set[usize::from(*byte) % set.len()]
    });
    Ok(Value::text(derived.collect::<Vec<u8>>()))
}

/// Returns the password as a key of 32 bytes: cut off, or filled up with zeros.
fn aes_key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    let used = password.len().min(key.len());
    key[..used].copy_from_slice(&password[..used]);
    key
}

pub(super) fn encrypt_aes(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = arguments::bytes(args, 1);
    if text.is_empty() {
        return Ok(Value::text(""));
    }
    context.charge_value(text.len() * 2)?;
    let mut start = [0; BLOCK];
    context.random_bytes(&mut start);
    let cipher =
        cbc::Encryptor::<aes::Aes256>::new(&aes_key(arguments::bytes(args, 0)).into(), &start.into());
    let encrypted = cipher.encrypt_padded_vec_mut::<Pkcs7>(text);
    let value = Value::text(json::base64(&[start.as_slice(), &encrypted].concat()));
    Ok(generated(context, "encryptAES", value))
}

pub(super) fn decrypt_aes(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let encoded = arguments::bytes(args, 1);
    if encoded.is_empty() {
        return Ok(Value::text(""));
    }
    context.charge_value(encoded.len())?;
    let compact: Vec<u8> = encoded.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&compact)
        .map_err(|error| CallError::new(illegal_base64(&error, encoded.len())))?;
    let Some((start, encrypted)) = bytes.split_at_checked(BLOCK) else {
        let length = encoded.len() / 4 * 3;
        return Err(CallError::new(format!(
            "runtime error: slice bounds out of range [:{BLOCK}] with capacity {length}"
        )));
    };
    if encrypted.len() % BLOCK != 0 {
        return Err(CallError::new("crypto/cipher: input not full blocks"));
    }
    let start: [u8; BLOCK] = start.try_into().unwrap_or_default();
    let cipher =
        cbc::Decryptor::<aes::Aes256>::new(&aes_key(arguments::bytes(args, 0)).into(), &start.into());
    let decrypted = cipher
        .decrypt_padded_vec_mut::<NoPadding>(encrypted)
        .map_err(|_| CallError::new("crypto/cipher: input not full blocks"))?;
    let Some(padding) = decrypted.last().map(|padding| usize::from(*padding)) else {
        return Err(CallError::new("runtime error: index out of range [-1]"));
    };
    let length = decrypted.len();
    let Some(end) = length.checked_sub(padding) else {
        let end = length as i64 - padding as i64;
        return Err(CallError::new(format!("runtime error: slice bounds out of range [:{end}]")));
    };
    Ok(Value::text(&decrypted[..end]))
}

fn illegal_base64(error: &base64::DecodeError, length: usize) -> String {
    let offset = match error {
        base64::DecodeError::InvalidByte(offset, _) | base64::DecodeError::InvalidLastSymbol(offset, _) => {
            *offset
        }
        base64::DecodeError::InvalidLength(_) => length - length % 4,
        base64::DecodeError::InvalidPadding => length,
    };
    format!("illegal base64 data at input byte {offset}")
}
