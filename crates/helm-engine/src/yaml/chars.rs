//! Character classes of YAML 1.1 over UTF-8 bytes; a zero byte stands for the end of the input.

/// Says whether the byte may stand in anchors, tag handles and directive names.
#[inline]
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Says whether the byte is a space or tab.
#[inline]
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Returns how many bytes the line break at the start has: LF, CR, NEL, LS or PS; zero if there is none. CR LF counts
/// as its first byte only.
#[inline]
pub(super) fn break_width(bytes: &[u8]) -> usize {
    match bytes {
        [b'\n' | b'\r', ..] => 1,
        [0xC2, 0x85, ..] => 2,
        [0xE2, 0x80, 0xA8 | 0xA9, ..] => 3,
        _ => 0,
    }
}

/// Says whether the bytes start with a line break or are at their end.
#[inline]
pub(super) fn is_break_or_end(bytes: &[u8]) -> bool {
    match bytes.first() {
        None | Some(0) => true,
        Some(_) => break_width(bytes) > 0,
    }
}

/// Says whether the bytes start with a blank or line break or are at their end.
#[inline]
pub(super) fn is_space_or_end(bytes: &[u8]) -> bool {
    match bytes.first() {
        None | Some(0 | b' ' | b'\t' | b'\n' | b'\r') => true,
        Some(0xC2 | 0xE2) => break_width(bytes) > 0,
        Some(_) => false,
    }
}

/// Returns how many bytes the character with this first byte has.
#[inline]
pub(super) fn char_width(first: u8) -> usize {
    match first {
        0..=0xBF => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xFF => 4,
    }
}

/// Says whether the byte is an ASCII character that never ends a word without quotes.
#[inline]
pub(super) fn is_plain_inside(byte: u8) -> bool {
    INSIDE[usize::from(byte)] & 1 != 0
}

/// Says whether the byte is an ASCII character that stands for itself and no end within either kind of quotes.
#[inline]
pub(super) fn is_quoted_inside(byte: u8) -> bool {
    INSIDE[usize::from(byte)] & 2 != 0
}

/// By byte: 1 for what is inside of words, 2 for what is inside of quotes.
const INSIDE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7F {
        let word = !matches!(byte, b':' | b',' | b'?' | b'[' | b']' | b'{' | b'}');
        let quoted = !matches!(byte, b'"' | b'\'' | b'\\');
        table[byte as usize] = word as u8 | (quoted as u8) << 1;
        byte += 1;
    }
    table
};
