//! The characters of a text in the order the scanner takes them.
//!
//! Go's reader decodes 512 bytes at a time and fails when the scanner first looks into a block that holds a character
//! YAML does not allow; a mistake of syntax before that block is reported instead. [`Input::ensure`] keeps that order.
//! Not here: what the characters mean.

use std::borrow::Cow;

use super::chars::char_width;
use super::error::ReadError;

/// How many bytes Go's reader decodes at a time.
const BLOCK_BYTES: usize = 512;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A text and how far it has been checked.
pub(super) struct Input<'a> {
    /// The text, up to the first byte that is not UTF-8.
    text: &'a str,
    /// What is wrong behind `text`, if anything.
    failure: Option<Failure>,
    /// The end of the last checked block.
    checked: usize,
    /// Where the buffer of Go's reader would begin.
    buffer_start: usize,
}

#[derive(Clone, Copy)]
struct Failure {
    message: &'static str,
    /// Whether the characters of the same block before the failure can still be taken.
    at_its_place: bool,
}

/// Turns bytes in UTF-8 or, with a byte order mark, UTF-16 into UTF-8 as far as that goes.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<&'static str>) {
    let big = match bytes {
        [0xFF, 0xFE, ..] => false,
        [0xFE, 0xFF, ..] => true,
        _ => return (Cow::Borrowed(bytes), None),
    };
    let (out, failure) = decode_utf16(&bytes[2..], big);
    (Cow::Owned(out.into_bytes()), failure)
}

fn decode_utf16(bytes: &[u8], big: bool) -> (String, Option<&'static str>) {
    let mut out = String::with_capacity(bytes.len());
    let unit = |pair: &[u8]| {
        if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) }
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        if rest.len() < 2 {
            return (out, Some("incomplete UTF-16 character"));
        }
        let mut code = u32::from(unit(rest));
        let mut width = 2;
        if code & 0xFC00 == 0xDC00 {
            return (out, Some("unexpected low surrogate area"));
        }
        if code & 0xFC00 == 0xD800 {
            if rest.len() < 4 {
                return (out, Some("incomplete UTF-16 surrogate pair"));
            }
            let low = u32::from(unit(&rest[2..]));
            if low & 0xFC00 != 0xDC00 {
                return (out, Some("expected low surrogate area"));
            }
            code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
            width = 4;
        }
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = &rest[width..];
    }
    (out, None)
}

impl<'a> Input<'a> {
    /// Makes an input of bytes that [`decode`] returned, with the failure it found behind them.
    pub(super) fn new(bytes: &'a [u8], utf16_failure: Option<&'static str>) -> Self {
        let (text, failure) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, utf16_failure.map(|message| Failure { message, at_its_place: true })),
            Err(error) => {
                let (valid, rest) = bytes.split_at(error.valid_up_to());
                (std::str::from_utf8(valid).unwrap_or_default(), Some(utf8_failure(rest)))
            }
        };
        Input { text, failure, checked: 0, buffer_start: 0 }
    }

    /// Returns the text up to the first byte that is not UTF-8.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// Returns how many bytes a byte order mark at the start takes.
    pub(super) fn mark_width(&self) -> usize {
        if self.text.as_bytes().starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
    }

    /// Says whether Go takes the next character of a line for a byte order mark: it looks at the start of its buffer,
    /// wherever the line is.
    pub(super) fn buffer_starts_with_mark(&self) -> bool {
        self.buffer_start > 0 && self.text.as_bytes()[self.buffer_start..].starts_with(BYTE_ORDER_MARK)
    }

    /// Returns the place before which [`Input::ensure`] of two characters has nothing to do.
    #[inline]
    pub(super) fn free_until(&self) -> usize {
        self.checked.saturating_sub(2 * 4)
    }

    /// Makes sure that `count` characters from `position` on have been checked, or the end has.
    ///
    /// # Errors
    /// When a block that is looked into holds what YAML does not allow.
    #[inline]
    pub(super) fn ensure(&mut self, position: usize, count: usize) -> Result<(), ReadError> {
        if self.checked >= position + 4 * count { Ok(()) } else { self.ensure_slowly(position, count) }
    }

    fn ensure_slowly(&mut self, position: usize, count: usize) -> Result<(), ReadError> {
        let bytes = self.text.as_bytes();
        let mut first = true;
        loop {
            let (mut at, mut seen) = (position, 0);
            while at < self.checked && seen < count {
                at += char_width(bytes[at]);
                seen += 1;
            }
            if seen >= count {
                return Ok(());
            }
            if std::mem::take(&mut first) {
                self.buffer_start = position.min(bytes.len());
            }
            if self.checked >= bytes.len() && self.failure.is_none() {
                return Ok(());
            }
            self.check_block()?;
        }
    }

    fn check_block(&mut self) -> Result<(), ReadError> {
        let bytes = self.text.as_bytes();
        let mut end = (self.checked + BLOCK_BYTES).min(bytes.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let is_usual = |b: u8| matches!(b, 0x20..=0x7E | b'\n' | b'\r' | b'\t');
        // Without an early end, so that the loop becomes a few wide instructions.
        if !bytes[self.checked..end].iter().fold(true, |all, &b| all & is_usual(b)) {
            check_characters(&self.text[self.checked..end])?;
        }
        if let Some(failure) = self.failure {
            let in_block = self.checked + BLOCK_BYTES > bytes.len();
            if in_block && (!failure.at_its_place || self.checked == bytes.len()) {
                return Err(ReadError::new(failure.message));
            }
        }
        self.checked = end;
        Ok(())
    }
}

fn check_characters(text: &str) -> Result<(), ReadError> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}');
    if text.chars().all(allowed) { Ok(()) } else { Err(ReadError::new("control characters are not allowed")) }
}

/// Names what Go's reader finds wrong with bytes that do not start with a UTF-8 character.
fn utf8_failure(bytes: &[u8]) -> Failure {
    let failure = |message| Failure { message, at_its_place: false };
    let first = bytes[0];
    let width = match first {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => return failure("invalid leading UTF-8 octet"),
    };
    if width > bytes.len() {
        return Failure { at_its_place: true, ..failure("incomplete UTF-8 octet sequence") };
    }
    let mut code = u32::from(first) & (0x7F >> width);
    for &byte in &bytes[1..width] {
        if byte & 0xC0 != 0x80 {
            return failure("invalid trailing UTF-8 octet");
        }
        code = (code << 6) + u32::from(byte & 0x3F);
    }
    let shortest = [0, 0, 0x80, 0x800, 0x10000][width];
    failure(if code < shortest { "invalid length of a UTF-8 sequence" } else { "invalid Unicode character" })
}
