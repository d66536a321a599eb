//! Go's view of text: runes in bytes that need not be UTF-8, the classes of characters, and quoting.
//!
//! Follows Go's `unicode/utf8` and `strconv`: a byte that is no UTF-8 decodes to U+FFFD with a width of one.

use super::unicode_tables::{DIGITS, LETTERS, PRINTABLE};

/// The rune that stands for bytes that are no UTF-8.
pub const RUNE_ERROR: char = '\u{FFFD}';

/// Returns the first rune of `bytes` and its width: U+FFFD and 1 for an invalid byte, U+FFFD and 0 at the end.
pub fn decode_rune(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return (RUNE_ERROR, 0) };
    if first < 0x80 {
        return (char::from(first), 1);
    }
    let width = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (RUNE_ERROR, 1),
    };
    let rune = bytes.get(..width).and_then(|head| std::str::from_utf8(head).ok());
    match rune.and_then(|text| text.chars().next()) {
        Some(rune) => (rune, width),
        None => (RUNE_ERROR, 1),
    }
}

/// Returns the last rune of `bytes` and its width, with the rules of [`decode_rune`].
pub fn decode_last_rune(bytes: &[u8]) -> (char, usize) {
    for width in 1..=bytes.len().min(4) {
        let tail = &bytes[bytes.len() - width..];
        if width > 1 && decode_rune(tail).1 == width {
            return decode_rune(tail);
        }
        if width == 1 && tail[0] < 0x80 {
            return (char::from(tail[0]), 1);
        }
    }
    (RUNE_ERROR, usize::from(!bytes.is_empty()))
}

/// Returns the runes of `bytes`, each with its offset and width.
pub fn runes(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, width) = decode_rune(&bytes[at..]);
        let start = at;
        at += width;
        (width > 0).then_some((start, rune, width))
    })
}

/// Returns the number of runes as Go counts them.
pub fn rune_count(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().count(),
        Err(_) => runes(bytes).count(),
    }
}

/// Appends a rune as UTF-8.
pub fn push_rune(out: &mut Vec<u8>, rune: char) {
    out.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Says whether Go's `strconv.IsPrint` (and `unicode.IsPrint`) holds.
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() { (' '..='~').contains(&rune) } else { contains(PRINTABLE, rune) }
}

/// Says whether Go's `unicode.IsLetter` holds.
pub fn is_letter(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_alphabetic() } else { contains(LETTERS, rune) }
}

/// Says whether Go's `unicode.IsDigit` holds.
pub fn is_digit(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_digit() } else { contains(DIGITS, rune) }
}

fn contains(ranges: &[(u32, u32)], rune: char) -> bool {
    let code = u32::from(rune);
    let behind = ranges.partition_point(|(first, _)| *first <= code);
    behind > 0 && code <= ranges[behind - 1].1
}

/// Which runes a quoted text may show as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// Everything printable, as `%q` does.
    Printable,
    /// ASCII only, as `%+q` does.
    Ascii,
}

/// Appends `strconv.Quote` of the bytes.
pub fn push_quoted(out: &mut Vec<u8>, bytes: &[u8], quoting: Quoting) {
    out.push(b'"');
    let mut plain = 0;
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\' {
            at += 1;
            continue;
        }
        let (rune, width) = decode_rune(&bytes[at..]);
        out.extend_from_slice(&bytes[plain..at]);
        if width == 1 && rune == RUNE_ERROR {
            out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
        } else {
            push_escaped(out, rune, '"', quoting);
        }
        at += width;
        plain = at;
    }
    out.extend_from_slice(&bytes[plain..]);
    out.push(b'"');
}

/// Returns `strconv.Quote` of the bytes.
pub fn quote(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(bytes.len() + 2);
    push_quoted(&mut out, bytes, Quoting::Printable);
    String::from_utf8(out).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

/// Appends `strconv.QuoteRune` of a rune.
pub fn push_quoted_rune(out: &mut Vec<u8>, rune: char, quoting: Quoting) {
    out.push(b'\'');
    push_escaped(out, rune, '\'', quoting);
    out.push(b'\'');
}

fn push_escaped(out: &mut Vec<u8>, rune: char, mark: char, quoting: Quoting) {
    if rune == mark || rune == '\\' {
        out.push(b'\\');
        push_rune(out, rune);
        return;
    }
    if is_print(rune) && (quoting == Quoting::Printable || rune.is_ascii()) {
        push_rune(out, rune);
        return;
    }
    let escape = match rune {
        '\x07' => "\\a".to_string(),
        '\x08' => "\\b".to_string(),
        '\x0c' => "\\f".to_string(),
        '\n' => "\\n".to_string(),
        '\r' => "\\r".to_string(),
        '\t' => "\\t".to_string(),
        '\x0b' => "\\v".to_string(),
        rune if rune < ' ' || rune == '\x7f' => format!("\\x{:02x}", u32::from(rune)),
        rune if u32::from(rune) < 0x10000 => format!("\\u{:04x}", u32::from(rune)),
        rune => format!("\\U{:08x}", u32::from(rune)),
    };
    out.extend_from_slice(escape.as_bytes());
}

/// Says whether a raw string constant can hold the bytes, as `strconv.CanBackquote` does.
pub fn can_backquote(bytes: &[u8]) -> bool {
    runes(bytes).all(|(_, rune, width)| {
        if width > 1 {
            return rune != '\u{FEFF}';
        }
        rune != RUNE_ERROR && (rune >= ' ' || rune == '\t') && rune != '`' && rune != '\x7f'
    })
}

/// Why a quoted constant could not be read: Go's `invalid syntax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSyntax;

/// Reads a quoted or raw string constant, quotes included, as `strconv.Unquote` does.
///
/// # Errors
/// When an escape is unknown or incomplete.
pub fn unquote(quoted: &[u8]) -> Result<Vec<u8>, InvalidSyntax> {
    let (Some(&mark), Some(&last)) = (quoted.first(), quoted.last()) else { return Err(InvalidSyntax) };
    if quoted.len() < 2 || mark != last {
        return Err(InvalidSyntax);
    }
    let mut rest = &quoted[1..quoted.len() - 1];
    if mark == b'`' {
        return Ok(match memchr::memchr(b'\r', rest) {
            None => rest.to_vec(),
            Some(_) => rest.iter().copied().filter(|byte| *byte != b'\r').collect(),
        });
    }
    let mut out = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (unit, behind) = unquote_char(rest, mark)?;
        match unit {
            Unit::Byte(byte) => out.push(byte),
            Unit::Rune(rune) => push_rune(&mut out, rune),
        }
        rest = behind;
    }
    Ok(out)
}

/// One unquoted unit of a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// From `\x41` or `\101`: a byte in a string.
    Byte(u8),
    /// Anything else.
    Rune(char),
}

/// Reads the first character or escape of a quoted constant, as `strconv.UnquoteChar` does.
///
/// # Errors
/// When the escape is unknown or incomplete, or the text stands at an unescaped quote mark.
pub fn unquote_char(text: &[u8], mark: u8) -> Result<(Unit, &[u8]), InvalidSyntax> {
    let Some(&first) = text.first() else { return Err(InvalidSyntax) };
    if first == mark || first == b'\n' {
        return Err(InvalidSyntax);
    }
    if first != b'\\' {
        // An invalid byte becomes U+FFFD here, though it would stay in a raw constant.
        let (rune, width) = decode_rune(text);
        return Ok((Unit::Rune(rune), &text[width..]));
    }
    let Some(&escape) = text.get(1) else { return Err(InvalidSyntax) };
    let rest = &text[2..];
    let simple = match escape {
        b'a' => '\x07',
        b'b' => '\x08',
        b'f' => '\x0c',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'v' => '\x0b',
        b'\\' => '\\',
        b'\'' | b'"' if escape == mark => char::from(mark),
        b'x' => return hexadecimal(rest, 2).and_then(|(code, rest)| byte_unit(code, rest)),
        b'u' => return hexadecimal(rest, 4).and_then(|(code, rest)| rune_unit(code, rest)),
        b'U' => return hexadecimal(rest, 8).and_then(|(code, rest)| rune_unit(code, rest)),
        b'0'..=b'7' => return octal(&text[1..]),
        _ => return Err(InvalidSyntax),
    };
    Ok((Unit::Rune(simple), rest))
}

fn hexadecimal(text: &[u8], digits: usize) -> Result<(u32, &[u8]), InvalidSyntax> {
    let head = text.get(..digits).ok_or(InvalidSyntax)?;
    let mut code = 0u32;
    for byte in head {
        let digit = char::from(*byte).to_digit(16).ok_or(InvalidSyntax)?;
        code = code.checked_mul(16).ok_or(InvalidSyntax)? | digit;
    }
    Ok((code, &text[digits..]))
}

fn octal(text: &[u8]) -> Result<(Unit, &[u8]), InvalidSyntax> {
    let head = text.get(..3).ok_or(InvalidSyntax)?;
    let mut code = 0u32;
    for byte in head {
        code = code * 8 + char::from(*byte).to_digit(8).ok_or(InvalidSyntax)?;
    }
    byte_unit(code, &text[3..])
}

fn byte_unit(code: u32, rest: &[u8]) -> Result<(Unit, &[u8]), InvalidSyntax> {
    u8::try_from(code).map(|byte| (Unit::Byte(byte), rest)).map_err(|_| InvalidSyntax)
}

fn rune_unit(code: u32, rest: &[u8]) -> Result<(Unit, &[u8]), InvalidSyntax> {
    char::from_u32(code).map(|rune| (Unit::Rune(rune), rest)).ok_or(InvalidSyntax)
}
