//! YAML as `toYaml` and `toYamlPretty` write it.
//!
//! `toYaml` is `sigs.k8s.io/yaml`: the value becomes JSON, that is read as YAML and written by go-yaml v2.
//! `toYamlPretty` is go-yaml v3 with an indent of two. The JSON text itself is not made here; what the detour changes
//! (numbers, bytes that are not UTF-8, characters YAML does not allow, very long keys) is applied to the values.

mod emitter;
mod keys;
mod scalar;

use std::borrow::Cow;

use crate::error::CallError;
use crate::json::{self, replace_invalid_utf8};
use crate::marked::MarkedText;
use crate::number;
use crate::trace::Trace;
use crate::value::{Data, IntType, Text, Value};

/// How many characters go-yaml lets the JSON form of a key have.
const MAX_KEY_CHARACTERS: usize = 1024;

/// Whose rules are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// go-yaml v2 behind JSON.
    Plain,
    /// go-yaml v3.
    Pretty,
}

/// Writes a value as `toYaml` does, without the final newline.
///
/// # Errors
/// With Go's message, where `toYaml` answers an empty text and `mustToYaml` fails.
pub fn to_yaml(value: &Value, trace: Trace) -> Result<Text, CallError> {
    write(value, Dialect::Plain, trace)
}

/// Writes a value as `toYamlPretty` does, without the final newline.
///
/// # Errors
/// When the value is nested too deeply, or holds what go-yaml gives up on.
pub fn to_yaml_pretty(value: &Value, trace: Trace) -> Result<Text, CallError> {
    write(value, Dialect::Pretty, trace)
}

fn write(value: &Value, dialect: Dialect, trace: Trace) -> Result<Text, CallError> {
    let mut emitter = emitter::Emitter::new(dialect, MarkedText::new(trace));
    emitter.write_document(value)?;
    let mut out = emitter.finish();
    out.trim_end_byte(b'\n');
    Ok(out.finish())
}

/// A scalar ready to be written.
#[derive(Debug)]
pub(super) enum Leaf<'v> {
    /// Text that says itself what it is: numbers, booleans, null.
    Bare(Cow<'static, str>),
    /// A string.
    Text(Cow<'v, str>),
    /// Base64 of bytes that are not UTF-8, which v3 tags.
    Binary(String),
}

/// Returns how a value that is no list or map is written.
///
/// # Errors
/// When the characters of a text do not survive the way through JSON and YAML.
pub(super) fn leaf(value: &Value, dialect: Dialect) -> Result<Leaf<'_>, CallError> {
    Ok(match &value.data {
        Data::Bool(true) => Leaf::Bare("true".into()),
        Data::Bool(false) => Leaf::Bare("false".into()),
        Data::Int(IntType::Uint64, bits) => Leaf::Bare((*bits as u64).to_string().into()),
        Data::Int(_, value) => Leaf::Bare(value.to_string().into()),
        Data::Float(value) if dialect == Dialect::Plain && !value.is_finite() => {
            let value = number::format_g(*value);
            return Err(CallError::new(format!(
                "error marshaling into JSON: json: unsupported value: {value}"
            )));
        }
        Data::Float(value) => Leaf::Bare(float(*value, dialect).into()),
        Data::Text(text) => return text_leaf(text.bytes(), dialect),
        Data::Bytes(bytes) => Leaf::Text(json::base64(bytes.bytes()).into()),
        _ => Leaf::Bare("null".into()),
    })
}

/// Returns how a text is written.
pub(super) fn text_leaf(bytes: &[u8], dialect: Dialect) -> Result<Leaf<'_>, CallError> {
    match (dialect, std::str::from_utf8(bytes)) {
        (Dialect::Pretty, Ok(text)) => Ok(Leaf::Text(text.into())),
        (Dialect::Pretty, Err(_)) => Ok(Leaf::Binary(wrapped_base64(bytes))),
        (Dialect::Plain, _) => through_json(replace_invalid_utf8(bytes)).map(Leaf::Text),
    }
}

/// Returns a key as it is written.
pub(super) fn key_leaf(bytes: &[u8], dialect: Dialect) -> Result<Leaf<'_>, CallError> {
    if dialect == Dialect::Plain && !is_key_in_json(bytes) {
        return Err(CallError::new("yaml: did not find expected ',' or '}'"));
    }
    text_leaf(bytes, dialect)
}

/// Says whether go-yaml takes the JSON form of a key for one: it must be short and on one line, and NEL ends a line.
fn is_key_in_json(bytes: &[u8]) -> bool {
    if bytes.windows(2).any(|pair| pair == [0xC2, 0x85]) {
        return false;
    }
    if bytes.len() <= MAX_KEY_CHARACTERS / 6 {
        return true;
    }
    let mut encoded = Vec::new();
    json::push_string(&mut encoded, bytes, true);
    String::from_utf8_lossy(&encoded).chars().count() <= MAX_KEY_CHARACTERS
}

/// Returns what go-yaml reads from the JSON form of a text. Only characters that JSON leaves alone and YAML treats
/// specially make a difference.
fn through_json(text: Cow<'_, str>) -> Result<Cow<'_, str>, CallError> {
    let unusual = |c: char| matches!(c, '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}');
    if text.is_ascii() && !text.contains('\u{7F}') || !text.contains(unusual) {
        return Ok(text);
    }
    let mut encoded = Vec::new();
    json::push_string(&mut encoded, text.as_bytes(), true);
    let field = super::read_with_spans(&encoded).map_err(|error| {
        CallError::new(error.message.trim_start_matches("error converting YAML to JSON: ").to_owned())
    })?;
    Ok(Cow::Owned(field.and_then(|field| field.as_go_string()).unwrap_or_default()))
}

/// Formats a number. On the way through JSON, what is written without a fraction becomes an integer.
fn float(value: f64, dialect: Dialect) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    if dialect == Dialect::Plain && value.fract() == 0.0 && value.abs() < 1e21 {
        let digits = json::format_float(value);
        if let Some(integer) = number::parse_integer(&digits) {
            return match integer {
                number::Integer::Signed(value) => value.to_string(),
                number::Integer::Unsigned(value) => value.to_string(),
            };
        }
    }
    number::format_g(value)
}

/// Encodes base64 in lines of 70 characters, as go-yaml does; a single line has no line break.
fn wrapped_base64(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let encoded = json::base64(bytes);
    if encoded.len() < LINE {
        return encoded;
    }
    let mut out = String::with_capacity(encoded.len() + encoded.len() / LINE + 1);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(LINE));
        out.push_str(line);
        out.push('\n');
        rest = next;
    }
    out
}
