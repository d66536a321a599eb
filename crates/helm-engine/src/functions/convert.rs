//! Numbers from anything, as spf13/cast 1.7.0 and Go's `strconv` make them.

use crate::number::parse_float;
use crate::value::{Data, Value};

/// Returns a value as `cast.ToInt64` does: zero for what is no number.
pub fn to_int64(value: &Value) -> i64 {
    match &value.data {
        Data::Int(_, number) => *number,
        Data::Float(number) => truncated(*number),
        Data::Bool(truth) => i64::from(*truth),
        Data::Text(text) => parse_int(trim_zero_decimal(text.bytes()), 0).unwrap_or(0),
        Data::Object(object) if matches!(object.type_name(), "time.Month" | "time.Weekday") => {
            to_int64(&object.to_plain())
        }
        _ => 0,
    }
}

/// Returns a value as `cast.ToFloat64` does: zero for what is no number.
pub fn to_float64(value: &Value) -> f64 {
    match &value.data {
        Data::Float(number) => *number,
        Data::Int(kind, number) if kind.is_signed() => *number as f64,
        Data::Int(_, number) => *number as u64 as f64,
        Data::Bool(truth) => f64::from(u8::from(*truth)),
        Data::Text(text) => parse_float(&text.to_str_lossy()).unwrap_or(0.0),
        Data::Object(_) => to_int64(value) as f64,
        _ => 0.0,
    }
}

/// Converts as the amd64 instruction behind Go's `int64(x)` does: what does not fit is the smallest number.
fn truncated(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// Removes a point followed by zeros only, as cast does before it reads an integer.
fn trim_zero_decimal(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    match text.len() - zeros {
        point if zeros > 0 && point > 0 && text[point - 1] == b'.' => &text[..point - 1],
        _ => text,
    }
}

/// Why `strconv.ParseInt` failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// Not a number.
    Syntax,
    /// A number that does not fit; this is the nearest one that does.
    Range(i64),
}

/// Reads an integer as `strconv.ParseInt(text, base, 64)` does; base 0 goes by the prefix and allows underscores.
///
/// # Errors
/// As Go's `ErrSyntax` and `ErrRange`.
pub fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let magnitude = match parse_uint(digits, base) {
        Err(NumberError::Syntax) => return Err(NumberError::Syntax),
        Err(NumberError::Range(_)) => None,
        Ok(number) => Some(number),
    };
    let limit = i64::MIN.unsigned_abs();
    match magnitude {
        Some(number) if negative && number <= limit => Ok((number as i64).wrapping_neg()),
        Some(number) if !negative && number < limit => Ok(number as i64),
        _ => Err(NumberError::Range(if negative { i64::MIN } else { i64::MAX })),
    }
}

/// Reads a number without sign as `strconv.ParseUint(text, base, 64)` does.
///
/// # Errors
/// As Go's `ErrSyntax` and `ErrRange`.
pub fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError> {
    let (radix, digits) = if base == 0 { detected(text) } else { (base, text) };
    let underscores = base == 0 && digits.contains(&b'_');
    if digits.is_empty() || underscores && !underscores_are_fine(text) {
        return Err(NumberError::Syntax);
    }
    let mut number: Option<u64> = Some(0);
    for byte in digits.iter().filter(|byte| !(underscores && **byte == b'_')) {
        let digit = char::from(*byte).to_digit(radix).ok_or(NumberError::Syntax)?;
        number = number
            .and_then(|number| number.checked_mul(u64::from(radix)))
            .and_then(|number| number.checked_add(u64::from(digit)));
    }
    number.ok_or(NumberError::Range(i64::MAX))
}

fn detected(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    }
}

/// Says whether underscores stand only between digits, or between a base prefix and a digit.
fn underscores_are_fine(text: &[u8]) -> bool {
    let text = match text {
        [b'-' | b'+', rest @ ..] => rest,
        _ => text,
    };
    let prefixed = matches!(text, [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..]);
    let hexadecimal = matches!(text, [b'0', b'x' | b'X', ..]);
    let mut previous = if prefixed { b'0' } else { b'^' };
    for byte in &text[if prefixed { 2 } else { 0 }..] {
        let class = match byte {
            b'0'..=b'9' => b'0',
            b'a'..=b'f' | b'A'..=b'F' if hexadecimal => b'0',
            b'_' => b'_',
            _ => b'!',
        };
        if class == b'_' && previous != b'0' || class == b'!' && previous == b'_' {
            return false;
        }
        previous = class;
    }
    previous != b'_'
}
