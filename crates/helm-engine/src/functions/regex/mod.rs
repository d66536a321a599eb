//! Regular expressions with Go's syntax, answers and messages, run by a linear-time engine.
//!
//! [`syntax`] reads a pattern as Go does and writes it for the `regex` crate; this file matches as Go's `regexp` does:
//! leftmost-first, an empty match right behind a match does not count, `$name` in replacements is expanded.
//! A byte that is no UTF-8 is not matched by `.`, as it would be in Go.

mod syntax;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::arguments::{Outcome, bytes, charge_growth, integer};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::unicode::{can_backquote, decode_rune, is_digit, is_letter, quote};
use crate::value::{Data, ElementType, List, Value};

const TWO: &[Param] = &[Param::String, Param::String];
const THREE: &[Param] = &[Param::String, Param::String, Param::String];
const WITH_COUNT: &[Param] = &[Param::String, Param::String, Param::Int];

/// The functions on regular expressions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", TWO, is_match, "Says whether a pattern matches; false for a bad pattern."),
    Function::new("mustRegexMatch", TWO, must_match, "Says whether a pattern matches."),
    Function::new("regexFind", TWO, |c, args| first(c, args, panicking), "Returns the first match."),
    Function::new("mustRegexFind", TWO, |c, args| first(c, args, compiled), "Returns the first match."),
    Function::new("regexFindAll", WITH_COUNT, |c, args| all(c, args, panicking), "Lists the matches."),
    Function::new("mustRegexFindAll", WITH_COUNT, |c, args| all(c, args, compiled), "Lists the matches."),
    Function::new(
        "regexReplaceAll",
        THREE,
        |c, args| replaced(c, args, panicking),
        "Replaces by a template.",
    ),
    Function::new(
        "mustRegexReplaceAll",
        THREE,
        |c, args| replaced(c, args, compiled),
        "Replaces by a template.",
    ),
    Function::new(
        "regexReplaceAllLiteral",
        THREE,
        |c, args| literal(c, args, panicking),
        "Replaces by a text.",
    ),
    Function::new(
        "mustRegexReplaceAllLiteral",
        THREE,
        |c, args| literal(c, args, compiled),
        "Replaces by a text.",
    ),
    Function::new("regexSplit", WITH_COUNT, |c, args| split(c, args, panicking), "Splits at matches."),
    Function::new("mustRegexSplit", WITH_COUNT, |c, args| split(c, args, compiled), "Splits at matches."),
    Function::new("regexQuoteMeta", &[Param::String], quote_meta, "Escapes what has a meaning in patterns."),
];

/// A pattern ready to match.
struct Pattern {
    regex: Regex,
    /// The names of the groups, empty where there is none; the first is the whole match.
    names: Vec<String>,
}

type Compile = fn(&[u8]) -> Result<Rc<Pattern>, CallError>;
type Cached = Result<Rc<Pattern>, CallError>;

/// How many patterns a thread keeps; charts use a few dozen.
const KEPT_PATTERNS: usize = 500;

thread_local! {
    static PATTERNS: RefCell<HashMap<Vec<u8>, Cached>> = RefCell::new(HashMap::new());
}

/// Returns a compiled pattern, or Go's parse error.
fn compiled(pattern: &[u8]) -> Cached {
    PATTERNS.with_borrow_mut(|patterns| {
        if let Some(known) = patterns.get(pattern) {
            return known.clone();
        }
        if patterns.len() >= KEPT_PATTERNS {
            patterns.clear();
        }
        let result = compile(pattern);
        patterns.insert(pattern.to_vec(), result.clone());
        result
    })
}

fn compile(pattern: &[u8]) -> Cached {
    let translated = syntax::translate(pattern).map_err(|error| CallError::new(error.to_string()))?;
    let regex = RegexBuilder::new(&translated.pattern).nest_limit(1_000).build().map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "expression too large",
            _ => "invalid character class range",
        };
        let place = translated.unicode_class.as_deref().filter(|_| reason != "expression too large");
        let place = place.map_or_else(|| String::from_utf8_lossy(pattern).into_owned(), str::to_string);
        CallError::new(format!("error parsing regexp: {reason}: `{place}`"))
    })?;
    Ok(Rc::new(Pattern { regex, names: translated.names }))
}

/// Returns a pattern as the `regex` crate reads it.
///
/// # Errors
/// With Go's message.
pub(crate) fn for_crate(pattern: &str) -> Result<String, String> {
    compiled(pattern.as_bytes())
        .map(|pattern| pattern.regex.as_str().to_owned())
        .map_err(|error| error.message)
}

/// Returns a compiled pattern, or the panic of Go's `MustCompile`.
fn panicking(pattern: &[u8]) -> Cached {
    compiled(pattern).map_err(|error| {
        let shown = if can_backquote(pattern) {
            format!("`{}`", String::from_utf8_lossy(pattern))
        } else {
            quote(pattern)
        };
        CallError::new(format!("regexp: Compile({shown}): {}", error.message))
    })
}

fn charge(context: &mut Context<'_>, args: &[Value]) -> Result<(), CallError> {
    context.charge(1 + bytes(args, 1).len() as u64 / 8)
}

fn is_match(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    charge(context, args)?;
    Ok(Value::bool(compiled(bytes(args, 0)).is_ok_and(|pattern| pattern.regex.is_match(bytes(args, 1)))))
}

fn must_match(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    charge(context, args)?;
    Ok(Value::bool(compiled(bytes(args, 0))?.regex.is_match(bytes(args, 1))))
}

fn first(context: &mut Context<'_>, args: &[Value], compile: Compile) -> Outcome {
    charge(context, args)?;
    let found = compile(bytes(args, 0))?.regex.find(bytes(args, 1)).map(|found| found.as_bytes().to_vec());
    Ok(Value::text(found.unwrap_or_default()))
}

fn all(context: &mut Context<'_>, args: &[Value], compile: Compile) -> Outcome {
    charge(context, args)?;
    let pattern = compile(bytes(args, 0))?;
    let text = bytes(args, 1);
    let found = matches(context, &pattern, text, integer(args, 2))?;
    if found.is_empty() {
        return Ok(Data::List(List::nil(ElementType::String)).into());
    }
    Ok(Value::strings(found.into_iter().map(|(start, end)| &text[start..end])))
}

/// Returns the places of at most `limit` matches, of all if it is negative.
fn matches(
    context: &mut Context<'_>,
    pattern: &Pattern,
    text: &[u8],
    limit: i64,
) -> Result<Vec<(usize, usize)>, CallError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    let (mut at, mut previous_end) = (0, None);
    while found.len() < limit && at <= text.len() {
        let Some(next) = pattern.regex.find_at(text, at) else { break };
        let (start, end) = (next.start(), next.end());
        let mut counts = true;
        if end == at {
            counts = previous_end != Some(start);
            at += decode_rune(&text[at..]).1.max(1);
        } else {
            at = end;
        }
        previous_end = Some(end);
        if counts {
            context.charge(1)?;
            found.push((start, end));
        }
    }
    context.charge_value(found.len().saturating_mul(24))?;
    Ok(found)
}

fn replaced(context: &mut Context<'_>, args: &[Value], compile: Compile) -> Outcome {
    let pattern = compile(bytes(args, 0))?;
    let (text, template) = (bytes(args, 1), bytes(args, 2));
    replace_all(context, &pattern, text, |out, groups| expand(out, &pattern.names, template, text, groups))
}

fn literal(context: &mut Context<'_>, args: &[Value], compile: Compile) -> Outcome {
    let pattern = compile(bytes(args, 0))?;
    let (text, template) = (bytes(args, 1), bytes(args, 2));
    replace_all(context, &pattern, text, |out, _| out.extend_from_slice(template))
}

fn replace_all(
    context: &mut Context<'_>,
    pattern: &Pattern,
    text: &[u8],
    mut insert: impl FnMut(&mut Vec<u8>, &CaptureLocations),
) -> Outcome {
    context.charge(1 + text.len() as u64 / 8)?;
    let mut out = Vec::with_capacity(text.len());
    let mut groups = pattern.regex.capture_locations();
    let (mut at, mut last_end) = (0, 0);
    while at <= text.len() {
        let Some(found) = pattern.regex.captures_read_at(&mut groups, text, at) else { break };
        out.extend_from_slice(&text[last_end.min(found.start())..found.start()]);
        if found.end() > last_end || found.start() == 0 {
            let length = out.len();
            insert(&mut out, &groups);
            charge_growth(context, length, out.len() - length)?;
        }
        last_end = found.end();
        let width = decode_rune(&text[at..]).1;
        at = if at + width > last_end {
            at + width
        } else {
            last_end.max(at + usize::from(at + 1 > last_end))
        };
    }
    out.extend_from_slice(&text[last_end.min(text.len())..]);
    charge_growth(context, out.len(), 0)?;
    Ok(Value::text(out))
}

/// Writes a replacement template: `$name`, `${name}` and `$1` are groups, `$$` is a dollar.
fn expand(out: &mut Vec<u8>, names: &[String], template: &[u8], text: &[u8], groups: &CaptureLocations) {
    let mut rest = template;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        out.extend_from_slice(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        if rest.first() == Some(&b'$') {
            out.push(b'$');
            rest = &rest[1..];
            continue;
        }
        let Some((name, behind)) = group_name(rest) else {
            out.push(b'$');
            continue;
        };
        rest = behind;
        let place = match group_number(name) {
            Some(number) => groups.get(number),
            None => (0..names.len()).filter(|at| names[*at].as_bytes() == name).find_map(|at| groups.get(at)),
        };
        if let Some((start, end)) = place {
            out.extend_from_slice(&text[start..end]);
        }
    }
    out.extend_from_slice(rest);
}

/// Splits a name, bare or in braces, from what follows; none if it is empty or its brace is missing.
fn group_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let braced = text.first() == Some(&b'{');
    let text = if braced { &text[1..] } else { text };
    let mut end = 0;
    while let (rune, width @ 1..) = decode_rune(&text[end..]) {
        if !is_letter(rune) && !is_digit(rune) && rune != '_' {
            break;
        }
        end += width;
    }
    if end == 0 || braced && text.get(end) != Some(&b'}') {
        return None;
    }
    Some((&text[..end], &text[end + usize::from(braced)..]))
}

fn group_number(name: &[u8]) -> Option<usize> {
    if name.first() == Some(&b'0') && name.len() > 1 || name.len() > 9 {
        return None;
    }
    std::str::from_utf8(name).ok().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn split(context: &mut Context<'_>, args: &[Value], compile: Compile) -> Outcome {
    charge(context, args)?;
    let pattern = compile(bytes(args, 0))?;
    let (text, limit) = (bytes(args, 1), integer(args, 2));
    if limit == 0 {
        return Ok(Data::List(List::nil(ElementType::String)).into());
    }
    if !bytes(args, 0).is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let found = matches(context, &pattern, text, limit)?;
    let mut parts: Vec<&[u8]> = Vec::with_capacity(found.len() + 1);
    let (mut begin, mut end) = (0, 0);
    for (match_start, match_end) in found {
        if limit > 0 && parts.len() as i64 >= limit - 1 {
            break;
        }
        end = match_start;
        if match_end != 0 {
            parts.push(&text[begin..end]);
        }
        begin = match_end;
    }
    if end != text.len() {
        parts.push(&text[begin..]);
    }
    Ok(Value::strings(parts))
}

fn quote_meta(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = bytes(args, 0);
    context.charge_value(text.len().saturating_mul(2))?;
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    Ok(Value::text(out))
}
