//! Go's `strconv.FormatFloat`: shortest and fixed digits in the forms `%e`, `%f`, `%g`, `%b` and `%x`.

/// The decimal digits of a positive number: `0.d1d2d3… × 10^point`.
struct Digits {
    digits: Vec<u8>,
    point: i32,
}

/// Appends a float as `strconv.AppendFloat(v, verb, precision, 64)` does; no precision means the shortest digits
/// that read back as the same number.
pub fn push_float(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>) {
    if value.is_nan() {
        out.extend_from_slice(b"NaN");
        return;
    }
    if value.is_infinite() {
        out.extend_from_slice(if value > 0.0 { b"+Inf" } else { b"-Inf" });
        return;
    }
    if value.is_sign_negative() {
        out.push(b'-');
    }
    let value = value.abs();
    match verb {
        b'b' => push_binary(out, value),
        b'x' | b'X' => push_hexadecimal(out, value, verb, precision),
        b'f' => match precision {
            Some(places) => out.extend_from_slice(format!("{value:.places$}").as_bytes()),
            None => push_fixed(out, &shortest(value), None),
        },
        b'e' | b'E' => {
            let digits = precision.map_or_else(|| shortest(value), |places| rounded(value, places + 1));
            push_exponent(out, &digits, precision, verb);
        }
        _ => push_general(out, value, verb, precision),
    }
}

/// Returns the shortest `%g` form, as `{{ }}` and `%v` print a float.
pub fn format_float(value: f64) -> String {
    let mut out = Vec::with_capacity(24);
    push_float(&mut out, value, b'g', None);
    String::from_utf8_lossy(&out).into_owned()
}

fn push_general(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>) {
    let digits = precision.map_or_else(|| shortest(value), |places| rounded(value, places.max(1)));
    let known = digits.digits.len();
    let limit = match precision {
        None => 6,
        Some(places) if places.max(1) > known && known as i32 >= digits.point => known,
        Some(places) => places.max(1),
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= limit as i32 {
        let places = Some(known.saturating_sub(1));
        push_exponent(out, &digits, places, if verb == b'G' { b'E' } else { b'e' });
    } else {
        push_fixed(out, &digits, None);
    }
}

/// Splits Rust's `d.ddde±x` form, without trailing zeros.
fn split(text: &str) -> Digits {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    while digits.last() == Some(&b'0') {
        digits.pop();
    }
    let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
    Digits { digits, point }
}

fn shortest(value: f64) -> Digits {
    split(&format!("{value:e}"))
}

fn rounded(value: f64, digits: usize) -> Digits {
    split(&format!("{value:.*e}", digits - 1))
}

fn push_exponent(out: &mut Vec<u8>, number: &Digits, precision: Option<usize>, verb: u8) {
    let digits = &number.digits;
    out.push(digits.first().copied().unwrap_or(b'0'));
    let places = precision.unwrap_or(digits.len().saturating_sub(1));
    if places > 0 {
        out.push(b'.');
        out.extend((1..=places).map(|at| digits.get(at).copied().unwrap_or(b'0')));
    }
    let exponent = if digits.is_empty() { 0 } else { number.point - 1 };
    let sign = if exponent < 0 { '-' } else { '+' };
    out.extend_from_slice(format!("{}{sign}{:02}", char::from(verb), exponent.abs()).as_bytes());
}

fn push_fixed(out: &mut Vec<u8>, number: &Digits, places: Option<usize>) {
    let digits = &number.digits;
    let point = number.point;
    if point > 0 {
        out.extend((0..point as usize).map(|at| digits.get(at).copied().unwrap_or(b'0')));
    } else {
        out.push(b'0');
    }
    let places = places.unwrap_or((digits.len() as i32 - point).max(0) as usize);
    if places > 0 {
        out.push(b'.');
        out.extend((0..places as i32).map(|place| {
            let at = point + place;
            if at < 0 { b'0' } else { digits.get(at as usize).copied().unwrap_or(b'0') }
        }));
    }
}

/// Returns the integer mantissa and binary exponent of a non-negative float.
fn parts(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) }
}

fn push_binary(out: &mut Vec<u8>, value: f64) {
    let (mantissa, exponent) = parts(value);
    let sign = if exponent >= 0 { "+" } else { "" };
    out.extend_from_slice(format!("{mantissa}p{sign}{exponent}").as_bytes());
}

fn push_hexadecimal(out: &mut Vec<u8>, value: f64, verb: u8, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        exponent += 52;
        mantissa <<= 8;
        while mantissa & (1 << 60) == 0 {
            mantissa <<= 1;
            exponent -= 1;
        }
        if let Some(places) = precision.filter(|places| *places < 15) {
            let shift = places as u32 * 4;
            let extra = (mantissa << shift) & ((1 << 60) - 1);
            mantissa >>= 60 - shift;
            if extra | (mantissa & 1) > 1 << 59 {
                mantissa += 1;
            }
            mantissa <<= 60 - shift;
            if mantissa & (1 << 61) != 0 {
                mantissa >>= 1;
                exponent += 1;
            }
        }
    }
    let mut text = format!("0x{}", mantissa >> 60 & 1);
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let shown = match precision {
        Some(places) => format!("{fraction:0<places$}")[..places].to_string(),
        None => fraction.trim_end_matches('0').to_string(),
    };
    if !shown.is_empty() {
        text.push('.');
        text.push_str(&shown);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    text.push_str(&format!("p{sign}{:02}", exponent.abs()));
    let text = if verb == b'X' { text.to_uppercase() } else { text };
    out.extend_from_slice(text.as_bytes());
}
