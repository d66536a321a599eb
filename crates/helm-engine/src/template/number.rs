//! Number constants: every type that can hold the number as written, as `text/template/parse` keeps them.

use super::lexer::Kind;
use super::unicode::{Unit, quote, unquote_char};

/// A constant under all the types that can represent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Number {
    /// As written.
    pub(crate) text: Box<str>,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// Reads a number, character or complex constant.
///
/// # Errors
/// Go's message when the syntax is bad or an integer too large.
pub(crate) fn parse(text: &str, kind: Kind) -> Result<Number, String> {
    if let Some(number) = small_decimal(text) {
        return Ok(number);
    }
    match kind {
        Kind::CharConstant => return character(text),
        Kind::Complex => return complex(text),
        _ => {}
    }
    if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
        return Ok(with_complex(text, 0.0, imaginary));
    }
    let mut number = Number { text: text.into(), uint: parse_uint(text), ..Number::default() };
    number.int = parse_int(text);
    if number.int == Some(0) {
        number.uint = Some(0);
    }
    if let Some(int) = number.int {
        number.float = Some(int as f64);
    } else if let Some(uint) = number.uint {
        number.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", quote(text.as_bytes())));
        }
        number.float = Some(float);
        number.int = whole(float);
        number.uint = whole_unsigned(float);
    } else {
        return Err(format!("illegal number syntax: {}", quote(text.as_bytes())));
    }
    Ok(number)
}

/// Reads what most constants are: a few decimal digits, the first of which is no zero unless it is the only one.
fn small_decimal(text: &str) -> Option<Number> {
    let is_small = text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_small || text.starts_with('0') && text.len() > 1 {
        return None;
    }
    let uint: u64 = text.parse().ok()?;
    let int = i64::try_from(uint).ok()?;
    Some(Number {
        text: text.into(),
        int: Some(int),
        uint: Some(uint),
        float: Some(int as f64),
        complex: None,
    })
}

fn character(text: &str) -> Result<Number, String> {
    let invalid = || "invalid syntax".to_string();
    let (unit, tail) = unquote_char(&text.as_bytes()[1..], b'\'').map_err(|_| invalid())?;
    if tail != b"'" {
        return Err(format!("malformed character constant: {text}"));
    }
    let code = match unit {
        Unit::Byte(byte) => i64::from(byte),
        Unit::Rune(rune) => i64::from(u32::from(rune)),
    };
    Ok(Number {
        text: text.into(),
        int: Some(code),
        uint: Some(code as u64),
        float: Some(code as f64),
        complex: None,
    })
}

fn complex(text: &str) -> Result<Number, String> {
    let bytes = text.as_bytes();
    let sign = (1..bytes.len())
        .find(|at| matches!(bytes[*at], b'+' | b'-') && !matches!(bytes[at - 1], b'e' | b'E' | b'p' | b'P'));
    let parts = sign.and_then(|at| {
        let real = parse_float(&text[..at])?;
        let imaginary = parse_float(text[at..].strip_suffix('i')?)?;
        Some((real, imaginary))
    });
    let (real, imaginary) = parts.ok_or_else(|| "syntax error scanning complex number".to_string())?;
    Ok(with_complex(text, real, imaginary))
}

fn with_complex(text: &str, real: f64, imaginary: f64) -> Number {
    let mut number = Number { text: text.into(), complex: Some((real, imaginary)), ..Number::default() };
    if imaginary == 0.0 {
        number.float = Some(real);
        number.int = whole(real);
        number.uint = whole_unsigned(real);
    }
    number
}

fn whole(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float).then_some(int)
}

fn whole_unsigned(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float).then_some(uint)
}

/// Says whether underscores stand between digits only, as `strconv` asks.
fn underscores_are_good(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let mut previous = '^';
    let mut hexadecimal = false;
    let rest = match text.get(..2) {
        Some(prefix @ ("0b" | "0o" | "0x")) => {
            previous = '0';
            hexadecimal = prefix == "0x";
            &text[2..]
        }
        _ => &text[..],
    };
    for rune in rest.chars() {
        if rune.is_ascii_digit() || hexadecimal && rune.is_ascii_hexdigit() {
            previous = '0';
        } else if rune == '_' {
            if previous != '0' {
                return false;
            }
            previous = '_';
        } else if previous == '_' {
            return false;
        } else {
            previous = '!';
        }
    }
    previous != '_'
}

/// Reads an unsigned integer as `strconv.ParseUint(text, 0, 64)` does.
fn parse_uint(text: &str) -> Option<u64> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if text.contains('_') && !underscores_are_good(text) {
        return None;
    }
    let digits: String = digits.chars().filter(|rune| *rune != '_').collect();
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(&digits, radix).ok()
}

/// Reads a signed integer as `strconv.ParseInt(text, 0, 64)` does.
fn parse_int(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix('-') {
        return parse_uint(digits).and_then(|number| 0i64.checked_sub_unsigned(number));
    }
    parse_uint(text.strip_prefix('+').unwrap_or(text)).and_then(|number| i64::try_from(number).ok())
}

/// Reads a float as `strconv.ParseFloat(text, 64)` does, out of range being bad.
fn parse_float(text: &str) -> Option<f64> {
    if text.contains('_') && !underscores_are_good(text) {
        return None;
    }
    let plain: String = text.chars().filter(|rune| *rune != '_').collect();
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let magnitude = match unsigned.get(..2) {
        Some("0x" | "0X") => hexadecimal_float(&unsigned[2..])?,
        _ if unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') => {
            unsigned.parse().ok()?
        }
        _ => return None,
    };
    let float: f64 = if plain.starts_with('-') { -magnitude } else { magnitude };
    float.is_finite().then_some(float)
}

fn hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let mantissa = u64::from_str_radix(&digits, 16).ok()?;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(4 * fraction.len() as i32)?;
    Some(mantissa as f64 * 2f64.powi(exponent))
}
