//! JSON as Go's `encoding/json` reads and writes it.
//!
//! Writing escapes `<`, `>`, `&`, U+2028 and U+2029, sorts keys by bytes, writes floats in the shortest form and
//! replaces what is not UTF-8. Reading makes every number a `float64`, keeps the last of several equal keys and refuses
//! with Go's messages.

mod read;
mod write;

use std::borrow::Cow;

use crate::number;

pub use read::{Decoded, Target, from_json};
pub use write::{Layout, push_string, to_json};

/// Replaces every byte that is not part of a UTF-8 character with U+FFFD, as Go does: one per byte.
pub fn replace_invalid_utf8(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut out = String::with_capacity(bytes.len() + 8);
            for chunk in bytes.utf8_chunks() {
                out.push_str(chunk.valid());
                out.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
            }
            Cow::Owned(out)
        }
    }
}

/// Encodes bytes as Go's `base64.StdEncoding` does.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Formats a finite float: the shortest digits, with an exponent below 1e-6 and from 1e21 up.
pub fn format_float(value: f64) -> String {
    let text = number::shortest(value);
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    number::without_exponent(&text)
}
