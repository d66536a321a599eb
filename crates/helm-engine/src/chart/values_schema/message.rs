//! The messages of `santhosh-tekuri/jsonschema` 6 for the errors of its sibling crate: numbers are grouped and large or
//! small ones written with powers of ten, as Go's English printer does.

use boon::{CompileError, ErrorKind, ValidationError};
use serde_json::{Number, Value as Json};

use super::causes::lines;
use super::formats::GO_REGEX;
use super::patterns::Patterns;
use crate::template::unicode::{Quoting, push_quoted_rune};

/// Returns the violations of a chart's values, a line each.
pub(super) fn of_values(error: &ValidationError<'_, '_>, patterns: &Patterns) -> String {
    let text = lines(error, patterns);
    let causes = text.split_once('\n').map_or("", |(_, causes)| causes);
    format!("{causes}\n")
}

/// Returns why a schema is no JSON.
pub(super) fn of_syntax(schema: &[u8], error: &serde_json::Error) -> String {
    let text = crate::value::Text::copy_of(schema);
    match crate::json::from_json(&text, crate::json::Target::Any).error {
        // Go reads a schema as a stream, which words a missing end differently.
        Some(message) if message == "unexpected end of JSON input" => "unexpected EOF".to_owned(),
        Some(message) => message,
        None => error.to_string(),
    }
}

/// Returns why a schema itself cannot be used.
pub(super) fn of_schema(error: &CompileError, patterns: &Patterns) -> String {
    match error {
        CompileError::LoadUrlError { src, .. } => src.to_string(),
        CompileError::UnsupportedUrlScheme { url } => {
            format!("no URLLoader registered for {}", go_quote(url))
        }
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", go_quote(url)),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {}", go_quote(url)),
        CompileError::ValidationError { url, src } => {
            format!(
                "{} is not valid against metaschema: {}",
                go_quote(&with_fragment(url)),
                lines(src, patterns)
            )
        }
        CompileError::JsonPointerNotFound(url) => format!("json-pointer in {} not found", go_quote(url)),
        CompileError::InvalidJsonPointer(url) => format!("invalid json-pointer {}", go_quote(url)),
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", go_quote(reference), go_quote(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", go_quote(vocabulary), go_quote(url))
        }
        other => other.to_string(),
    }
}

pub(super) fn with_fragment(url: &str) -> String {
    if url.contains('#') { url.to_owned() } else { format!("{url}#") }
}

/// Says what a kind of error says.
pub(super) fn describe(kind: &ErrorKind<'_, '_>, patterns: &Patterns) -> String {
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } | ErrorKind::Schema { .. } => {
            "validation failed".to_owned()
        }
        ErrorKind::ContentSchema => "'contentSchema' failed".to_owned(),
        ErrorKind::PropertyName { prop } => {
            format!("invalid propertyName {}", quote(patterns.as_written(prop)))
        }
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            format!("both {kw_loc1} and {kw_loc2} resolve to {} causing reference cycle", go_quote(url))
        }
        ErrorKind::FalseSchema => "false schema".to_owned(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|wanted| wanted.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } => one_of(want, patterns),
        ErrorKind::Const { want: Json::Array(_) | Json::Object(_) } => "'const' failed".to_owned(),
        ErrorKind::Const { want } => format!("value must be {}", display(want, patterns)),
        ErrorKind::Format { got, want, err } => {
            let text = got.as_str().map(|text| patterns.as_written(text));
            let complaint = text.and_then(|text| super::formats::complaint(want, text));
            let shown = text.map_or_else(|| display(got, patterns), quote);
            let want = if *want == GO_REGEX { "regex" } else { want };
            format!("{shown} is not valid {want}: {}", complaint.unwrap_or_else(|| err.to_string()))
        }
        ErrorKind::AdditionalProperties { got } => {
            format!("additional properties {} not allowed", joined(got.iter().map(AsRef::as_ref)))
        }
        ErrorKind::Required { want } if want.len() == 1 => format!("missing property {}", quote(want[0])),
        ErrorKind::Required { want } => format!("missing properties {}", joined(want.iter().copied())),
        ErrorKind::Dependency { prop, missing } | ErrorKind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", joined(missing.iter().copied()), quote(prop))
        }
        ErrorKind::Contains => "no items match contains schema".to_owned(),
        ErrorKind::MinContains { got, want } => contains_count("min", got, *want),
        ErrorKind::MaxContains { got, want } => contains_count("max", got, *want),
        ErrorKind::UniqueItems { got: [i, j] } => {
            format!("items at {} and {} are equal", grouped(*i), grouped(*j))
        }
        ErrorKind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", grouped(*got)),
        ErrorKind::Pattern { got, want } => {
            format!("{} does not match pattern {}", quote(got), quote(patterns.as_written(want)))
        }
        ErrorKind::ContentEncoding { want, err } => format!("value is not {} encoded: {err}", quote(want)),
        ErrorKind::ContentMediaType { want, err, .. } => {
            format!("value is not of mediatype {}: {err}", quote(want))
        }
        ErrorKind::Not => "'not' failed".to_owned(),
        ErrorKind::AllOf => "'allOf' failed".to_owned(),
        ErrorKind::AnyOf => "'anyOf' failed".to_owned(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_owned(),
        ErrorKind::OneOf(Some((i, j))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", grouped(*i), grouped(*j))
        }
        other => describe_bound(other),
    }
}

/// The keywords that compare a count or a number with a bound.
fn describe_bound(kind: &ErrorKind<'_, '_>) -> String {
    let count =
        |name: &str, got: usize, want: usize| format!("{name}: got {}, want {}", grouped(got), grouped(want));
    let number = |name: &str, got: &Number, want: &Number| {
        format!("{name}: got {}, want {}", decimal(got), decimal(want))
    };
    match kind {
        ErrorKind::MinProperties { got, want } => count("minProperties", *got, *want),
        ErrorKind::MaxProperties { got, want } => count("maxProperties", *got, *want),
        ErrorKind::MinItems { got, want } => count("minItems", *got, *want),
        ErrorKind::MaxItems { got, want } => count("maxItems", *got, *want),
        ErrorKind::MinLength { got, want } => count("minLength", *got, *want),
        ErrorKind::MaxLength { got, want } => count("maxLength", *got, *want),
        ErrorKind::Minimum { got, want } => number("minimum", got, want),
        ErrorKind::Maximum { got, want } => number("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => number("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => number("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => number("multipleOf", got, want),
        other => other.to_string(),
    }
}

fn one_of(want: &[Json], patterns: &Patterns) -> String {
    if want.iter().any(|value| matches!(value, Json::Array(_) | Json::Object(_))) {
        return "'enum' failed".to_owned();
    }
    let shown: Vec<String> = want.iter().map(|value| display(value, patterns)).collect();
    let one_of = if shown.len() == 1 { "" } else { "one of " };
    format!("value must be {one_of}{}", shown.join(", "))
}

fn contains_count(bound: &str, got: &[usize], want: usize) -> String {
    let want = grouped(want);
    if got.is_empty() {
        return format!("{bound} {want} items required to match contains schema, but none matched");
    }
    let places: Vec<String> = got.iter().map(usize::to_string).collect();
    let (count, places) = (grouped(got.len()), places.join(" "));
    format!("{bound} {want} items required to match contains schema, but matched {count} items at {places}")
}

fn display(value: &Json, patterns: &Patterns) -> String {
    match value {
        Json::String(text) => quote(text),
        Json::Array(_) | Json::Object(_) => "value".to_owned(),
        Json::Null => "<nil>".to_owned(),
        Json::Number(number) => patterns.number_as_written(&number.to_string()).to_owned(),
        Json::Bool(value) => value.to_string(),
    }
}

/// Single quotes around Go's quoting.
pub(super) fn quote(text: &str) -> String {
    let quoted = go_quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &quoted[1..quoted.len() - 1])
}

/// Returns Go's `%q` of a character.
pub(super) fn quoted_rune(rune: char) -> String {
    let mut out = Vec::new();
    push_quoted_rune(&mut out, rune, Quoting::Printable);
    String::from_utf8_lossy(&out).into_owned()
}

fn go_quote(text: &str) -> String {
    crate::gotext::quote(text)
}

fn joined<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(quote).collect::<Vec<_>>().join(", ")
}

/// Writes a number with a comma between groups of three digits.
fn grouped(number: usize) -> String {
    group(&number.to_string())
}

fn group(digits: &str) -> String {
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a float as Go's English printer does: `1,234.5`, `1.234567×10⁰⁶`.
fn decimal(number: &Number) -> String {
    let shortest = crate::gotext::float(number.as_f64().unwrap_or_default());
    let (sign, digits) = shortest.strip_prefix('-').map_or(("", shortest.as_str()), |rest| ("-", rest));
    let (mantissa, exponent) = digits.split_once('e').map_or((digits, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let mut text = format!("{sign}{}", group(whole));
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    if let Some(exponent) = exponent {
        text.push_str("×10");
        text.extend(exponent.chars().filter_map(superscript));
    }
    text
}

fn superscript(rune: char) -> Option<char> {
    match rune {
        '-' => Some('⁻'),
        '0'..='9' => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(rune as usize - '0' as usize),
        _ => None,
    }
}
