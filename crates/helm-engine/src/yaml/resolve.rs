//! Which type a scalar has: YAML 1.1's rules as go-yaml v2 applies them, and v3 where `toYamlPretty` needs it.

use crate::number::{Integer, parse_float, parse_integer};

/// A typed scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// The text itself.
    Text,
    /// A date or time: its text, but not plain when written.
    Timestamp,
}

pub(super) const PREFIX: &str = "tag:yaml.org,2002:";

impl Scalar {
    fn short_tag(&self) -> &'static str {
        match self {
            Scalar::Null => "!!null",
            Scalar::Bool(_) => "!!bool",
            Scalar::Int(_) | Scalar::Uint(_) => "!!int",
            Scalar::Float(_) => "!!float",
            Scalar::Text => "!!str",
            Scalar::Timestamp => "!!timestamp",
        }
    }
}

/// Returns the type of a scalar with that full tag, empty for none.
///
/// # Errors
/// Go's message when the text is not of the tag's type.
pub(super) fn resolve_tagged(tag: &str, text: &str) -> Result<Scalar, String> {
    let short = match tag.strip_prefix(PREFIX) {
        None if tag.is_empty() => return Ok(resolve(text)),
        Some(short @ ("str" | "bool" | "int" | "float" | "null" | "timestamp")) => short,
        _ => return Ok(Scalar::Text),
    };
    if short == "str" {
        return Ok(Scalar::Text);
    }
    let found = resolve_as(text, short == "timestamp");
    match (short, found) {
        ("float", Scalar::Int(value)) => Ok(Scalar::Float(value as f64)),
        (_, found) if found.short_tag().ends_with(short) => Ok(found),
        (_, found) => Err(format!("cannot decode {} `{text}` as a !!{short}", found.short_tag())),
    }
}

/// Returns the type of a plain scalar without a tag.
pub(super) fn resolve(text: &str) -> Scalar {
    resolve_as(text, true)
}

fn resolve_as(text: &str, timestamps: bool) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text),
        b'.' => match special_float(text) {
            Some(value) => Scalar::Float(value),
            None => parse_float(text).map_or(Scalar::Text, Scalar::Float),
        },
        b'+' | b'-' | b'0'..=b'9' => number(text, timestamps),
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Text,
    }
}

fn special_float(text: &str) -> Option<f64> {
    match text {
        ".nan" | ".NaN" | ".NAN" => Some(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

fn number(text: &str, timestamps: bool) -> Scalar {
    if let Some(value) = special_float(text) {
        return Scalar::Float(value);
    }
    if timestamps && is_timestamp(text) {
        return Scalar::Timestamp;
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(value) = parse_integer(plain) {
        return integer(value);
    }
    if is_decimal_float(plain)
        && let Some(value) = parse_float(plain)
    {
        return Scalar::Float(value);
    }
    binary_with_inner_sign(plain).map_or(Scalar::Text, Scalar::Int)
}

fn integer(value: Integer) -> Scalar {
    match value {
        Integer::Signed(value) => Scalar::Int(value),
        Integer::Unsigned(value) => Scalar::Uint(value),
    }
}

/// Go's second attempt at `0b…` lets the digits have a sign of their own.
fn binary_with_inner_sign(plain: &str) -> Option<i64> {
    let digits = plain.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok()
}

/// Says whether the text has the form of a decimal float, or integer: `[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?`.
pub(super) fn is_decimal_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |at: usize| bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if whole == 0 && fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    } else if whole == 0 {
        return false;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    at == bytes.len()
}

/// Says whether the text is a date, or date and time, in one of the forms go-yaml parses.
pub(super) fn is_timestamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return false;
    }
    timestamp(bytes).is_some()
}

fn timestamp(bytes: &[u8]) -> Option<()> {
    let year = bytes[..4].iter().fold(0, |year, b| year * 10 + u32::from(b - b'0'));
    let (month, rest) = one_or_two_digits(&bytes[5..])?;
    let (day, rest) = one_or_two_digits(rest.strip_prefix(b"-")?)?;
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days {
        return None;
    }
    let (separator, rest) = match rest.split_first() {
        None => return Some(()),
        Some(split) => split,
    };
    let rest = match separator {
        b'T' | b't' => zone(clock(rest)?)?,
        b' ' => clock(&rest[rest.iter().take_while(|b| **b == b' ').count()..])?,
        _ => return None,
    };
    rest.is_empty().then_some(())
}

fn one_or_two_digits(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let count = bytes.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    if count == 0 {
        return None;
    }
    Some((bytes[..count].iter().fold(0, |n, b| n * 10 + u32::from(b - b'0')), &bytes[count..]))
}

fn clock(bytes: &[u8]) -> Option<&[u8]> {
    let (hour, rest) = one_or_two_digits(bytes)?;
    let (minute, rest) = one_or_two_digits(rest.strip_prefix(b":")?)?;
    let (second, rest) = one_or_two_digits(rest.strip_prefix(b":")?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    match rest {
        [b'.' | b',', digit, ..] if digit.is_ascii_digit() => {
            let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
            Some(&rest[1 + digits..])
        }
        _ => Some(rest),
    }
}

fn zone(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'Z', rest @ ..] => Some(rest),
        [b'+' | b'-', h1, h2, b':', m1, m2, rest @ ..] => {
            let pair = |a: &u8, b: &u8| {
                (a.is_ascii_digit() && b.is_ascii_digit())
                    .then(|| u32::from(a - b'0') * 10 + u32::from(b - b'0'))
            };
            (pair(h1, h2)? <= 24 && pair(m1, m2)? <= 60).then_some(rest)
        }
        _ => None,
    }
}
