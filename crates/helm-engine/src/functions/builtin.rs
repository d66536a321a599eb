//! `text/template`'s own functions: comparison, indexing, printing and escaping.
//!
//! `and`, `or`, `call` and the nil rules of `len` need the evaluator and are performed there; they stand here for the
//! list of functions. sprig's `slice` replaces the built-in one.

use std::cmp::Ordering;

use super::compare::{Equality, equality, order};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::format::{self, Formatted};
use crate::template::unicode::{decode_rune, is_print};
use crate::trace::{Marks, Told, Trace, absence, whole};
use crate::value::{Data, IntType, Map, MapType, Segment, Text, Value};

use Param::{Any, Reflect, String as Str};

type Called = Result<Value, CallError>;

/// The built-in functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "and",
        &[Reflect, Reflect],
        of_evaluator,
        "Returns the first empty argument, or the last one.",
    )
    .variadic()
    .own_marks(),
    Function::new(
        "or",
        &[Reflect, Reflect],
        of_evaluator,
        "Returns the first non-empty argument, or the last one.",
    )
    .variadic()
    .own_marks(),
    Function::new("not", &[Reflect], not, "Negates the truth of its argument."),
    Function::new("eq", &[Reflect, Reflect], eq, "Says whether the first equals any of the others.")
        .variadic(),
    Function::new("ne", &[Reflect, Reflect], ne, "Says whether two values differ."),
    Function::new("lt", &[Reflect, Reflect], lt, "Says whether the first is less."),
    Function::new("le", &[Reflect, Reflect], le, "Says whether the first is less or equal."),
    Function::new("gt", &[Reflect, Reflect], gt, "Says whether the first is greater."),
    Function::new("ge", &[Reflect, Reflect], ge, "Says whether the first is greater or equal."),
    Function::new("index", &[Reflect, Reflect], index, "Returns the item under a chain of keys or indexes.")
        .variadic()
        .own_marks(),
    Function::new("len", &[Reflect], len, "Returns the number of items or bytes."),
    Function::new("call", &[Reflect, Reflect], of_evaluator, "Calls a value that is a function.").variadic(),
    Function::new("print", &[Any], print, "Joins its arguments as text.").variadic().own_marks(),
    Function::new("printf", &[Str, Any], printf, "Formats its arguments as Go's Sprintf does.")
        .variadic()
        .own_marks(),
    Function::new("println", &[Any], println, "Joins its arguments with blanks and a newline.")
        .variadic()
        .own_marks(),
    Function::new("html", &[Any], html, "Escapes for HTML.").variadic(),
    Function::new("js", &[Any], js, "Escapes for a JavaScript string.").variadic(),
    Function::new("urlquery", &[Any], urlquery, "Escapes for a query of a URL.").variadic(),
];

fn of_evaluator(_: &mut Context<'_>, _: &[Value]) -> Called {
    Err(CallError::new("this function can only be called by a template"))
}

fn not(_: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(!args[0].is_true()))
}

fn eq(context: &mut Context<'_>, args: &[Value]) -> Called {
    if args.len() < 2 {
        return Err(CallError::new("missing argument for comparison"));
    }
    for other in &args[1..] {
        if equality(context, &args[0], other)? == Equality::Equal {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn ne(context: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(equality(context, &args[0], &args[1])? == Equality::Different))
}

fn lt(context: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(order(context, &args[0], &args[1])? == Some(Ordering::Less)))
}

fn le(context: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(matches!(order(context, &args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

fn gt(context: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(!matches!(order(context, &args[0], &args[1])?, Some(Ordering::Less | Ordering::Equal))))
}

fn ge(context: &mut Context<'_>, args: &[Value]) -> Called {
    Ok(Value::bool(order(context, &args[0], &args[1])? != Some(Ordering::Less)))
}

fn index(context: &mut Context<'_>, args: &[Value]) -> Called {
    let Some((first, indexes)) = args.split_first() else {
        return Err(CallError::new("index of untyped nil"));
    };
    if first.is_nil() {
        return Err(CallError::new("index of untyped nil"));
    }
    let mut item = first.clone();
    for index in indexes {
        item = index_once(context, &item, index)?;
    }
    Ok(item)
}

fn index_once(context: &Context<'_>, item: &Value, index: &Value) -> Called {
    let marks = item.marks.union(whole(context, index));
    let plain = crate::template::plain_container(item);
    let found = match &plain.data {
        Data::Nil => return Err(CallError::new("index of nil pointer")),
        Data::Map(map) => {
            let key = match &index.data {
                Data::Text(key) => key,
                Data::Nil => return Err(CallError::new("value is nil; should be of type string")),
                _ => {
                    let type_name = index.type_name(context.mode);
                    return Err(CallError::new(format!("value has type {type_name}; should be string")));
                }
            };
            map.get(key.bytes()).unwrap_or_else(|| missing(context, map, key.bytes()))
        }
        Data::List(list) => {
            let at = position(context, index, list.items().len())?;
            let out_of_range = || CallError::new("reflect: slice index out of range");
            list.items().get(at).cloned().ok_or_else(out_of_range)?
        }
        Data::Text(text) | Data::Bytes(text) => {
            let at = position(context, index, text.bytes().len())?;
            let kind = if matches!(plain.data, Data::Text(_)) { "string" } else { "slice" };
            let out_of_range = || CallError::new(format!("reflect: {kind} index out of range"));
            let byte = text.bytes().get(at).ok_or_else(out_of_range)?;
            Value::from(Data::Int(IntType::Uint8, i64::from(*byte))).marked(text.segment_marks())
        }
        _ => {
            return Err(CallError::new(format!(
                "can't index item of type {}",
                plain.type_name(context.mode).trim_start_matches('*')
            )));
        }
    };
    Ok(found.marked(marks))
}

fn missing(context: &Context<'_>, map: &Map, key: &[u8]) -> Value {
    let value = match map.kind() {
        MapType::Any | MapType::Values => Value::NIL,
        MapType::String => Value::text(""),
        MapType::Files => Data::Bytes(Text::default()).into(),
    };
    if context.trace == Trace::Off { value } else { value.marked(absence(map, key)) }
}

fn position(context: &Context<'_>, index: &Value, len: usize) -> Result<usize, CallError> {
    match &index.data {
        Data::Int(_, at) => match usize::try_from(*at) {
            Ok(position) if position <= len => Ok(position),
            _ => Err(CallError::new(format!("index out of range: {at}"))),
        },
        Data::Nil => Err(CallError::new("cannot index slice/array with nil")),
        _ => {
            let type_name = index.type_name(context.mode);
            Err(CallError::new(format!("cannot index slice/array with type {type_name}")))
        }
    }
}

fn len(context: &mut Context<'_>, args: &[Value]) -> Called {
    let plain = crate::template::plain_container(&args[0]);
    let len = match &plain.data {
        Data::Text(text) | Data::Bytes(text) => text.bytes().len(),
        Data::List(list) => list.items().len(),
        Data::Map(map) => map.entries().len(),
        Data::Nil => return Err(CallError::new("len of nil pointer")),
        _ => {
            let type_name = plain.type_name(context.mode).trim_start_matches('*');
            return Err(CallError::new(format!("len of type {type_name}")));
        }
    };
    Ok(Value::int(len as i64))
}

fn print(context: &mut Context<'_>, args: &[Value]) -> Called {
    let formatted = format::sprint(context, args)?;
    Ok(with_pieces(context, formatted, args, Marks::NONE))
}

fn println(context: &mut Context<'_>, args: &[Value]) -> Called {
    let formatted = format::sprintln(context, args)?;
    Ok(with_pieces(context, formatted, args, Marks::NONE))
}

fn printf(context: &mut Context<'_>, args: &[Value]) -> Called {
    let (form, values) = args.split_first().ok_or_else(|| CallError::new("missing format"))?;
    let formatted = format::sprintf(context, form.as_bytes().unwrap_or_default(), values)?;
    let marks = whole(context, form);
    Ok(with_pieces(context, formatted, values, marks))
}

/// Makes a text of pieces, each with the marks of the argument it shows; `marks` are those of all of it.
fn with_pieces(context: &Context<'_>, formatted: Formatted, args: &[Value], marks: Marks) -> Value {
    if context.trace == Trace::Off {
        return Value::text(formatted.bytes);
    }
    let mut segments = Vec::new();
    let mut start = 0;
    for (end, argument) in formatted.pieces {
        let shown = argument.and_then(|at| args.get(at));
        if end == start {
            // An argument that prints nothing is seen as an empty segment.
            let marks = shown.map_or(Marks::NONE, |value| whole(context, value));
            segments.extend((!marks.is_none()).then_some(Segment { end, marks, told: Told::of(marks) }));
            continue;
        }
        match shown.map(|value| (&value.data, value)) {
            Some((Data::Text(text), value))
                if !text.segments().is_empty() && text.bytes().len() == end - start =>
            {
                segments.extend(text.segments().iter().map(|segment| Segment {
                    end: start + segment.end,
                    marks: segment.marks.union(value.marks),
                    ..*segment
                }));
            }
            Some((_, value)) => {
                let marks = whole(context, value);
                segments.push(Segment { end, marks, told: Told::of(marks) });
            }
            None => segments.push(Segment { end, marks: Marks::NONE, told: Told::default() }),
        }
        start = end;
    }
    let text = Text::with_segments(formatted.bytes, segments);
    Value::from(text).marked(marks)
}

/// Joins arguments as the escaping functions do: nil is `<no value>`.
fn joined(context: &mut Context<'_>, args: &[Value]) -> Result<Vec<u8>, CallError> {
    let shown: Vec<Value> = args
        .iter()
        .map(|value| if value.is_nil() { Value::from("<no value>") } else { value.clone() })
        .collect();
    Ok(format::sprint(context, &shown)?.bytes)
}

fn html(context: &mut Context<'_>, args: &[Value]) -> Called {
    let mut out = Vec::new();
    for byte in joined(context, args)? {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
    Ok(Value::text(out))
}

fn js(context: &mut Context<'_>, args: &[Value]) -> Called {
    let text = joined(context, args)?;
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (rune, width) = decode_rune(&text[at..]);
        match rune {
            '\\' => out.extend_from_slice(br"\\"),
            '\'' => out.extend_from_slice(br"\'"),
            '"' => out.extend_from_slice(br#"\""#),
            '<' | '>' | '&' | '=' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes());
            }
            _ if is_print(rune) => out.extend_from_slice(&text[at..at + width]),
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(rune)).as_bytes()),
        }
        at += width;
    }
    Ok(Value::text(out))
}

fn urlquery(context: &mut Context<'_>, args: &[Value]) -> Called {
    let mut out = Vec::new();
    for byte in joined(context, args)? {
        match byte {
            b' ' => out.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(Value::text(out))
}
