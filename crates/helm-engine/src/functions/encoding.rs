//! Base64, base32 and checksums. A text that cannot be decoded is answered by Go's message, as text.

use base64::Engine;
use sha2::{Digest, Sha256, Sha512};

use super::arguments::{Outcome, bytes};
use super::{Function, Param};
use crate::context::Context;
use crate::value::Value;

const TEXT: &[Param] = &[Param::String];

/// The functions that encode and digest.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("b64enc", TEXT, base64_encode, "Encodes as base64."),
    Function::new("b64dec", TEXT, |_, args| Ok(base64_decode(bytes(args, 0))), "Decodes base64."),
    Function::new("b32enc", TEXT, base32_encode, "Encodes as base32."),
    Function::new("b32dec", TEXT, |_, args| Ok(base32_decode(bytes(args, 0))), "Decodes base32."),
    Function::new(
        "sha1sum",
        TEXT,
        |_, args| Ok(hex(&sha1::Sha1::digest(bytes(args, 0)))),
        "Returns the SHA-1 digest.",
    ),
    Function::new(
        "sha256sum",
        TEXT,
        |_, args| Ok(hex(&Sha256::digest(bytes(args, 0)))),
        "Returns the SHA-256 digest.",
    ),
    Function::new(
        "sha512sum",
        TEXT,
        |_, args| Ok(hex(&Sha512::digest(bytes(args, 0)))),
        "Returns the SHA-512 digest.",
    ),
    Function::new(
        "adler32sum",
        TEXT,
        |_, args| Ok(adler32(bytes(args, 0)).to_string().into()),
        "Returns the Adler-32 sum.",
    ),
];

fn base64_encode(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.charge_value(bytes(args, 0).len().saturating_mul(4) / 3)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes(args, 0)).into())
}

fn corrupt(encoding: &str, at: usize) -> Value {
    format!("illegal {encoding} data at input byte {at}").into()
}

/// Decodes as Go's `base64.StdEncoding` does: line breaks are skipped, unused bits ignored, padding is needed.
fn base64_decode(text: &[u8]) -> Value {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    while at < text.len() {
        match base64_quantum(text, &mut at, &mut out) {
            Ok(()) => {}
            Err(place) => return corrupt("base64", place),
        }
    }
    Value::text(out)
}

/// Decodes up to four characters from `at` on; the error is the place that Go blames.
fn base64_quantum(text: &[u8], at: &mut usize, out: &mut Vec<u8>) -> Result<(), usize> {
    let mut bits = [0u8; 4];
    let mut count = 0;
    while count < 4 {
        let Some(&byte) = text.get(*at) else {
            return if count == 0 { Ok(()) } else { Err(*at - count) };
        };
        *at += 1;
        if let Some(value) = base64_value(byte) {
            bits[count] = value;
            count += 1;
        } else if byte == b'=' {
            base64_padding(text, at, count)?;
            break;
        } else if byte != b'\n' && byte != b'\r' {
            return Err(*at - 1);
        }
    }
    let word = bits.iter().fold(0u32, |all, part| all << 6 | u32::from(*part));
    out.extend_from_slice(&word.to_be_bytes()[1..count.max(1)]);
    Ok(())
}

/// Checks what follows the first `=`, behind `count` characters.
fn base64_padding(text: &[u8], at: &mut usize, count: usize) -> Result<(), usize> {
    let skip_breaks = |at: &mut usize| {
        while matches!(text.get(*at), Some(b'\n' | b'\r')) {
            *at += 1;
        }
    };
    if count < 2 {
        return Err(*at - 1);
    }
    if count == 2 {
        skip_breaks(at);
        match text.get(*at) {
            None => return Err(text.len()),
            Some(b'=') => *at += 1,
            Some(_) => return Err(*at - 1),
        }
    }
    skip_breaks(at);
    if *at < text.len() { Err(*at) } else { Ok(()) }
}

fn base64_value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_encode(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = bytes(args, 0);
    context.charge_value(text.len().saturating_mul(2))?;
    let mut out = Vec::with_capacity(text.len().div_ceil(5) * 8);
    for chunk in text.chunks(5) {
        let mut block = [0u8; 8];
        block[3..3 + chunk.len()].copy_from_slice(chunk);
        let word = u64::from_be_bytes(block);
        let used = (chunk.len() * 8).div_ceil(5);
        out.extend(
            (0..8).map(|at| if at < used { BASE32[(word >> (35 - 5 * at) & 31) as usize] } else { b'=' }),
        );
    }
    Ok(Value::text(out))
}

/// Decodes as Go's `base32.StdEncoding` does.
fn base32_decode(text: &[u8]) -> Value {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        match base32_quantum(&text, &mut at, &mut out) {
            Ok(true) => {}
            Ok(false) => break,
            Err(place) => return corrupt("base32", place),
        }
    }
    Value::text(out)
}

/// Decodes up to eight characters; says whether more may follow.
fn base32_quantum(text: &[u8], at: &mut usize, out: &mut Vec<u8>) -> Result<bool, usize> {
    let mut word = 0u64;
    let mut count = 0;
    while count < 8 {
        let Some(&byte) = text.get(*at) else { return Err(text.len() - count) };
        *at += 1;
        let left = text.len() - *at;
        if byte == b'=' && count >= 2 && left < 8 {
            if left + count < 7 {
                return Err(text.len());
            }
            if let Some(bad) = text[*at..].iter().take(7 - count).position(|byte| *byte != b'=') {
                return Err(*at + bad - 1);
            }
            if matches!(count, 3 | 6) {
                return Err(*at - 1);
            }
            break;
        }
        let value = BASE32.iter().position(|letter| *letter == byte).ok_or(*at - 1)?;
        word |= (value as u64) << (35 - 5 * count);
        count += 1;
    }
    out.extend_from_slice(&word.to_be_bytes()[3..3 + count * 5 / 8]);
    Ok(count == 8)
}

fn hex(digest: &[u8]) -> Value {
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

fn adler32(text: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (low, high) = text.iter().fold((1, 0), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % MODULUS;
        (low, (high + low) % MODULUS)
    });
    high << 16 | low
}
