//! What a scalar's text means: integers, floats, dates and escapes, with the Go library's refusals.

use crate::functions::local_date;
use crate::template::unicode::quote;
use crate::value::Value;

/// Why a scalar is refused; its line is known to the caller.
type Refusal = String;

/// Reads an integer of any radix.
pub(super) fn integer(text: &str) -> Result<Value, Refusal> {
    if !has_good_underscores(text) {
        return Err(format!("Invalid integer {}: underscores must be surrounded by digits", quoted(text)));
    }
    if has_leading_zero(text) {
        return Err(format!("Invalid integer {}: cannot have leading zeroes", quoted(text)));
    }
    let plain = text.replace('_', "");
    let number = match plain.get(..2) {
        Some("0b") => i64::from_str_radix(&plain[2..], 2),
        Some("0o") => i64::from_str_radix(&plain[2..], 8),
        Some("0x") => i64::from_str_radix(&plain[2..], 16),
        _ => plain.parse(),
    };
    // The digits are the lexer's, so that only their number can be wrong.
    number.map(Value::int64).map_err(|_| format!("{text} is out of range for int64"))
}

/// Reads a float, `inf` or `nan`.
pub(super) fn float(text: &str) -> Result<Value, Refusal> {
    let parts: Vec<&str> = text.split(['.', 'e', 'E']).filter(|part| !part.is_empty()).collect();
    if !parts.iter().all(|part| has_good_underscores(part)) {
        return Err(format!("Invalid float {}: underscores must be surrounded by digits", quoted(text)));
    }
    if parts.first().is_some_and(|part| has_leading_zero(part)) {
        return Err(format!("Invalid float {}: cannot have leading zeroes", quoted(text)));
    }
    if !has_good_periods(text) {
        return Err(format!("Invalid float {}: '.' must be followed by one or more digits", quoted(text)));
    }
    let number: f64 =
        text.replace('_', "").parse().map_err(|_| format!("Invalid float value: {}", quoted(text)))?;
    if number.is_infinite() && !text.ends_with("inf") {
        return Err(format!("{text} is out of range for float64"));
    }
    Ok(Value::float(number))
}

/// Says whether every underscore stands between digits.
fn has_good_underscores(text: &str) -> bool {
    if matches!(text, "nan" | "+nan" | "-nan" | "inf" | "-inf" | "+inf") {
        return true;
    }
    let mut is_behind_digit = false;
    for rune in text.chars() {
        if rune == '_' && !is_behind_digit {
            return false;
        }
        is_behind_digit = rune.is_ascii_hexdigit();
    }
    is_behind_digit
}

fn has_leading_zero(text: &str) -> bool {
    match text.as_bytes() {
        [b'0', second, ..] => !matches!(second, b'b' | b'o' | b'x'),
        [b'-' | b'+', b'0', _, ..] => true,
        _ => false,
    }
}

fn has_good_periods(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_good = |at: usize| bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
    (0..bytes.len()).filter(|at| bytes[*at] == b'.').all(is_good)
}

/// Reads a date, a time, or both.
pub(super) fn date(text: &str) -> Result<Value, Refusal> {
    let text = text.replace('z', "Z").replace(['t', ' '], "T");
    /// Layouts with the zone of what they read; without one, the text has its own.
    const LAYOUTS: [(&str, Option<&str>); 7] = [
        ("2006-01-02T15:04:05.999999999Z07:00", None),
        ("2006-01-02T15:04:05.999999999", Some("datetime-local")),
        ("2006-01-02", Some("date-local")),
        ("15:04:05.999999999", Some("time-local")),
        ("2006-01-02T15:04Z07:00", None),
        ("2006-01-02T15:04", Some("datetime-local")),
        ("15:04", Some("time-local")),
    ];
    let refused = || format!("invalid datetime: {}", quoted(&text));
    for (layout, zone) in LAYOUTS {
        if let Ok(date) = local_date(layout, &text, zone) {
            return if lacks_leading_zero(&text, layout) { Err(refused()) } else { Ok(date) };
        }
    }
    Err(refused())
}

/// Says whether a separator is not where the layout has it: dates are read more leniently than TOML is.
fn lacks_leading_zero(text: &str, layout: &str) -> bool {
    let head = layout.bytes().take_while(|byte| !matches!(byte, b'.' | b'Z'));
    head.enumerate().any(|(at, byte)| !byte.is_ascii_digit() && text.as_bytes().get(at) != Some(&byte))
}

/// Returns a multi-line string without the line break behind its opening marks.
pub(super) fn without_first_line_break(text: &str) -> &str {
    text.strip_prefix('\n').or_else(|| text.strip_prefix("\r\n")).unwrap_or(text)
}

/// Removes backslashes at the end of a line, with the blanks and lines behind them.
pub(super) fn join_escaped_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let behind = escape[1..].trim_start_matches([' ', '\t', '\r', '\n']);
        let blanks = &escape[1..escape.len() - behind.len()];
        if blanks.contains('\n') {
            rest = behind;
            continue;
        }
        // Any other escape is kept, with what it escapes: that may be a backslash.
        let kept = 1 + usize::from(escape[1..].starts_with('\\'));
        out.push_str(&escape[..kept]);
        rest = &escape[kept..];
    }
    out + rest
}

/// Resolves the escapes of a string; the lexer has seen that they are complete.
pub(super) fn unescape(text: &str) -> Result<String, Refusal> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let letter = rest[at + 1..].chars().next().unwrap_or('\\');
        let behind = rest.get(at + 1 + letter.len_utf8()..).unwrap_or_default();
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        match letter {
            'b' => out.push('\x08'),
            't' => out.push('\t'),
            'n' => out.push('\n'),
            'f' => out.push('\x0C'),
            'r' => out.push('\r'),
            'e' => out.push('\x1B'),
            '"' | '\\' => out.push(letter),
            'x' | 'u' | 'U' => {
                let code = behind.get(..digits).unwrap_or_default();
                let rune = u32::from_str_radix(code, 16).ok().and_then(char::from_u32);
                out.push(rune.ok_or_else(|| format!("Escaped character '\\u{code}' is not valid UTF-8."))?);
            }
            _ => return Err(format!("invalid escape: '\\{letter}'")),
        }
        rest = behind.get(digits..).unwrap_or_default();
    }
    Ok(out + rest)
}

fn quoted(text: &str) -> String {
    quote(text.as_bytes())
}
