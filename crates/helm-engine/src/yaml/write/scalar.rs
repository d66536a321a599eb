//! What a text allows: which of YAML's styles can hold it, and which go-yaml picks.

use super::{Dialect, Leaf};
use crate::yaml::chars::{break_width, char_width, is_blank, is_space_or_end};
use crate::yaml::resolve::{Scalar, resolve};

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// What a text allows.
pub(super) struct Analysis {
    /// Whether it has a line break, a Unicode one included.
    pub(super) multiline: bool,
    plain: bool,
    single: bool,
    block: bool,
}

/// Says whether a character can be written as it is, outside of double quotes.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{A0}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' if c != '\u{FEFF}')
}

/// Finds out what a text allows.
pub(super) fn analyze(text: &str, dialect: Dialect) -> Analysis {
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return Analysis { multiline: false, plain: true, single: true, block: false };
    }
    if is_word(bytes) {
        return Analysis { multiline: false, plain: true, single: true, block: true };
    }
    let mut indicator = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut tab, mut multiline) = (false, false, false);
    let (mut break_space, mut space_break) = (false, false);
    let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
    let mut at = 0;
    while at < bytes.len() {
        let (byte, width) = (bytes[at], char_width(bytes[at]));
        let next = at + width;
        let blank_follows = next >= bytes.len() || is_blank(bytes[next]);
        indicator |= match byte {
            b'#' => after_blank,
            b':' => blank_follows,
            b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%'
            | b'@' | b'`' => at == 0,
            b'?' | b'-' => at == 0 && blank_follows,
            _ => false,
        };
        if byte == b'\t' && dialect == Dialect::Pretty {
            tab = true;
        } else if !(b' '..=b'~').contains(&byte) {
            special |= !text[at..].chars().next().is_some_and(is_printable);
        }
        let breaks = break_width(&bytes[at..]) > 0;
        multiline |= breaks;
        break_space |= byte == b' ' && after_break;
        space_break |= breaks && after_space;
        (after_space, after_break) = (byte == b' ', breaks);
        after_blank = is_space_or_end(&bytes[at..]);
        at = next;
    }
    let trailing_space = after_space;
    let edges = matches!(bytes[0], b' ') || break_width(bytes) > 0 || trailing_space || after_break;
    Analysis {
        multiline,
        plain: !(edges || break_space || space_break || special || tab || multiline || indicator),
        single: !(break_space || space_break || special || tab),
        block: !(trailing_space || space_break || special),
    }
}

/// Says whether the text is nothing but a word of ASCII, in which no character is special wherever it stands.
fn is_word(bytes: &[u8]) -> bool {
    let is_inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-');
    bytes.first().is_some_and(u8::is_ascii_alphanumeric) && bytes.iter().all(is_inside)
}

/// Picks the style of a string.
pub(super) fn style(leaf: &Leaf<'_>, analysis: &Analysis, is_simple_key: bool, dialect: Dialect) -> Style {
    let text = match leaf {
        Leaf::Bare(_) => return Style::Plain,
        Leaf::Text(text) => text.as_ref(),
        Leaf::Binary(text) => text,
    };
    let plain_wanted = matches!(leaf, Leaf::Binary(_)) || reads_back_as_text(text, dialect);
    let wanted = if text.contains('\n') {
        Style::Literal
    } else if plain_wanted {
        Style::Plain
    } else {
        Style::Double
    };
    let wanted = if is_simple_key && analysis.multiline { Style::Double } else { wanted };
    match wanted {
        Style::Plain if analysis.plain && !(text.is_empty() && is_simple_key) => Style::Plain,
        Style::Plain if analysis.single => Style::Single,
        Style::Literal if analysis.block && !is_simple_key => Style::Literal,
        _ => Style::Double,
    }
}

/// Says whether a plain scalar of this text would be read as a string, by readers of YAML 1.1 too.
fn reads_back_as_text(text: &str, dialect: Dialect) -> bool {
    if is_base_60(text) {
        return false;
    }
    match (resolve(text), dialect) {
        (Scalar::Text, Dialect::Plain) => true,
        // v3 looks at `0o` once more and lets the digits have a sign of their own.
        (Scalar::Text, Dialect::Pretty) => !is_signed_octal(text),
        _ => false,
    }
}

fn is_signed_octal(text: &str) -> bool {
    let plain = text.replace('_', "");
    let digits = plain.strip_prefix("0o").or_else(|| plain.strip_prefix("-0o"));
    digits.is_some_and(|digits| i64::from_str_radix(digits, 8).is_ok())
}

/// Says whether the text has the form `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = unsigned.split(':');
    let whole = parts.next().unwrap_or_default();
    let digits_or_underscores = |s: &str| s.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if !whole.starts_with(|c: char| c.is_ascii_digit()) || !digits_or_underscores(whole) {
        return false;
    }
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let (digits, fraction) = part.split_once('.').map_or((part, None), |(d, f)| (d, Some(f)));
        let sixty = match digits.as_bytes() {
            [digit] => digit.is_ascii_digit(),
            [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
            _ => false,
        };
        if !sixty || fraction.is_some_and(|fraction| !last || !digits_or_underscores(fraction)) {
            return false;
        }
    }
    true
}
