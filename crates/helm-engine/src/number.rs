//! Numbers as Go's `strconv` reads and writes them. Not here: what YAML or templates take for a number.

/// Parses like `strconv.ParseFloat(text, 64)`: `None` for bad syntax and for values out of range.
pub fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), "inf" | "infinity" | "nan") {
        let value = if lower == "nan" { f64::NAN } else { f64::INFINITY };
        return match (lower.as_str(), text.as_bytes().first()) {
            ("nan", Some(b'+' | b'-')) => None,
            (_, Some(b'-')) => Some(-value),
            _ => Some(value),
        };
    }
    if text.contains('_') && !underscores_separate_digits(text) {
        return None;
    }
    let plain = unsigned.replace('_', "");
    let value = match lower.strip_prefix("0x") {
        Some(_) => parse_hex_float(&plain.to_ascii_lowercase()[2..])?,
        None => {
            let decimal = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-');
            if !plain.bytes().all(decimal) || plain.starts_with(['+', '-']) {
                return None;
            }
            plain.parse::<f64>().ok()?
        }
    };
    let value = if text.starts_with('-') { -value } else { value };
    value.is_finite().then_some(value)
}

/// Parses `H.HpE` behind `0x`: a mantissa in hexadecimal and a binary exponent, which must be there.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent).parse::<i64>().unwrap_or(100_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut bits, mut shift, mut sticky) = (0_u128, 0_i64, false);
    for (at, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u128::from(digit.to_digit(16)?);
        let in_fraction = at >= whole.len();
        if bits >> 100 == 0 {
            bits = bits * 16 + digit;
            shift -= if in_fraction { 4 } else { 0 };
        } else {
            sticky |= digit != 0;
            shift += if in_fraction { 0 } else { 4 };
        }
    }
    Some(scale(bits | u128::from(sticky), shift.saturating_add(exponent)))
}

/// Returns `bits * 2^exponent`, rounded once to the nearest even.
fn scale(bits: u128, exponent: i64) -> f64 {
    if bits == 0 {
        return 0.0;
    }
    let length = i64::from(128 - bits.leading_zeros());
    let top = length + exponent;
    if top > 1024 {
        return f64::INFINITY;
    }
    let kept = (top + 1074).clamp(0, 53);
    let drop = length - kept;
    let rounded = if drop <= 0 {
        bits << (-drop).min(64)
    } else if drop > 127 {
        0
    } else {
        let half = 1_u128 << (drop - 1);
        let (quotient, rest) = (bits >> drop, bits & ((1 << drop) - 1));
        quotient + u128::from(rest > half || (rest == half && quotient & 1 == 1))
    };
    let exponent = i32::try_from(exponent + drop).unwrap_or(i32::MIN / 2);
    // Two factors, because the smallest powers of two cannot be written as one `f64` power.
    (rounded as f64) * 2_f64.powi(exponent / 2) * 2_f64.powi(exponent - exponent / 2)
}

/// Says whether every underscore stands between digits, or behind a base prefix, as Go's literals demand.
fn underscores_separate_digits(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    let prefixed = matches!(text, [b'0', b'b' | b'B' | b'o' | b'O' | b'x' | b'X', ..]);
    let hex = matches!(text, [b'0', b'x' | b'X', ..]);
    let mut before = if prefixed { b'0' } else { b'^' };
    for &byte in &text[if prefixed { 2 } else { 0 }..] {
        let class = match byte {
            b'0'..=b'9' => b'0',
            _ if hex && byte.is_ascii_hexdigit() => b'0',
            b'_' if before != b'0' => return false,
            b'_' => b'_',
            _ if before == b'_' => return false,
            _ => b'!',
        };
        before = class;
    }
    before != b'_'
}

/// An integer that fits `int64`, or only `uint64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integer {
    /// Fits `int64`.
    Signed(i64),
    /// Fits only `uint64`.
    Unsigned(u64),
}

/// Parses like `strconv.ParseInt(text, 0, 64)` and, if that fails, `ParseUint`; the text holds no underscores.
pub fn parse_integer(text: &str) -> Option<Integer> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (Some(b'-'), &text[1..]),
        b'+' => (Some(b'+'), &text[1..]),
        _ => (None, text),
    };
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &unsigned[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &unsigned[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &unsigned[2..]),
        [b'0', _, ..] => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match sign {
        Some(b'-') if magnitude <= 1 << 63 => Some(Integer::Signed((magnitude as i64).wrapping_neg())),
        Some(b'-') => None,
        _ => match (i64::try_from(magnitude), sign) {
            (Ok(value), _) => Some(Integer::Signed(value)),
            (Err(_), None) => Some(Integer::Unsigned(magnitude)),
            (Err(_), Some(_)) => None,
        },
    }
}

/// Formats like `strconv.FormatFloat(value, 'g', -1, 64)`: `1e+06` from a million up.
pub fn format_g(value: f64) -> String {
    match special(value) {
        Some(special) => special.to_owned(),
        None => layout(&shortest(value)),
    }
}

/// Formats like `strconv.FormatFloat(value, 'g', -1, 32)`.
pub fn format_g_32(value: f64) -> String {
    let value = value as f32;
    match special(f64::from(value)) {
        Some(special) => special.to_owned(),
        None => layout(&format!("{value:e}")),
    }
}

/// Returns the fewest digits that read back as the value, as `d.ddde-x`. Where two such numbers are equally near, Go
/// takes the even one and Rust the larger.
pub fn shortest(value: f64) -> String {
    let text = format!("{value:e}");
    let digits = text.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    if digits < 16 {
        return text;
    }
    let nearest = format!("{value:.*e}", digits - 1);
    if nearest.parse() == Ok(value) { nearest } else { text }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        return Some("NaN");
    }
    value.is_infinite().then_some(if value > 0.0 { "+Inf" } else { "-Inf" })
}

/// From which power of ten up the exponent form is used.
const FIRST_LARGE_EXPONENT: i32 = 6;

/// Rewrites `d.ddde-x` in Go's `'g'` form.
fn layout(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..FIRST_LARGE_EXPONENT).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    without_exponent(scientific)
}

/// Rewrites `d.ddde-x` in Go's `'f'` form.
pub fn without_exponent(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(places - 1));
    }
    if digits.len() <= places + 1 {
        return format!("{sign}{digits}{}", "0".repeat(places + 1 - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..=places], &digits[places + 1..])
}
