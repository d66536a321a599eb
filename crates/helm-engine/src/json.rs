//! JSON as Go's `encoding/json` reads and writes it.

use std::borrow::Cow;

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
