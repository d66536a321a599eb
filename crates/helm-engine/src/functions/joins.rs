//! Texts made of values, joined, quoted, and split again.

use super::arguments::{Outcome, any, bytes, charge_growth, integer, own_marks};
use super::marks::{Pieces, map_pieces, part, shape, whole};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::format::{print, text_of};
use crate::template::unicode::{Quoting, push_quoted, runes};
use crate::trace::Marks;
use crate::value::{Data, ElementType, Entries, List, Map, MapType, Text, Value};

const TEXTS: &[Param] = &[Param::String, Param::String];

/// The functions between values, lists and text.
pub(super) const FUNCTIONS: &[Function] = &[
    own("quote", &[Param::Any], quote, "Puts values in double quotes.").variadic(),
    own("squote", &[Param::Any], squote, "Puts values in single quotes.").variadic(),
    own("cat", &[Param::Any], cat, "Joins values by blanks.").variadic(),
    own("toString", &[Param::Any], to_string, "Returns a value as text."),
    own("toStrings", &[Param::Any], to_strings, "Returns the items of a list as texts."),
    own("join", &[Param::String, Param::Any], join, "Joins the items of a list."),
    own("sortAlpha", &[Param::Any], sort_alpha, "Sorts the items of a list as texts."),
    own("split", TEXTS, split, "Splits a text into a map of _0, _1 and so on."),
    own(
        "splitn",
        &[Param::String, Param::Int, Param::String],
        splitn,
        "Splits a text into a map of a limited size.",
    ),
    own("splitList", TEXTS, split_list, "Splits a text into a list."),
];

const fn own(
    name: &'static str,
    params: &'static [Param],
    call: fn(&mut Context<'_>, &[Value]) -> Outcome,
    doc: &'static str,
) -> Function {
    Function::new(name, params, call, doc).own_marks()
}

fn quote(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut pieces = Pieces::default();
    for value in args.iter().filter(|value| !value.is_nil()) {
        if pieces.len() > 0 {
            pieces.push(b" ", Marks::NONE);
        }
        let quoted = match &value.data {
            Data::Text(_) => value.clone(),
            _ => Value::from(text_of(context, value)?).marked(whole(context, value)),
        };
        charge_growth(context, pieces.len(), bytes(std::slice::from_ref(&quoted), 0).len())?;
        pieces.push(b"\"", Marks::NONE);
        let inner = map_pieces(&quoted, quoted_inside);
        if let Data::Text(text) = &inner.data {
            pieces.push_text(text, inner.marks);
        }
        pieces.push(b"\"", Marks::NONE);
    }
    Ok(nils_noted(pieces, args))
}

fn quoted_inside(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_quoted(&mut out, text, Quoting::Printable);
    out[1..out.len() - 1].to_vec()
}

/// A nil that was skipped leaves its marks on the whole.
fn nils_noted(pieces: Pieces, args: &[Value]) -> Value {
    let marks = args.iter().filter(|value| value.is_nil()).fold(Marks::NONE, |all, nil| all.union(nil.marks));
    pieces.finish().marked(marks)
}

fn squote(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut pieces = Pieces::default();
    for value in args.iter().filter(|value| !value.is_nil()) {
        if pieces.len() > 0 {
            pieces.push(b" ", Marks::NONE);
        }
        pieces.push(b"'", Marks::NONE);
        push_printed(context, &mut pieces, value)?;
        pieces.push(b"'", Marks::NONE);
    }
    Ok(nils_noted(pieces, args))
}

fn push_printed(context: &mut Context<'_>, pieces: &mut Pieces, value: &Value) -> Result<(), CallError> {
    if let Data::Text(text) = &value.data {
        charge_growth(context, pieces.len(), text.bytes().len())?;
        pieces.push_text(text, value.marks);
        return Ok(());
    }
    let printed = print(context, value)?;
    charge_growth(context, pieces.len(), printed.len())?;
    pieces.push(&printed, whole(context, value));
    Ok(())
}

fn cat(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut pieces = Pieces::default();
    for (at, value) in args.iter().filter(|value| !value.is_nil()).enumerate() {
        if at > 0 {
            pieces.push(b" ", Marks::NONE);
        }
        push_printed(context, &mut pieces, value)?;
    }
    Ok(nils_noted(pieces, args))
}

fn to_string(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    string_of(context, any(args, 0))
}

/// Returns a value as text with its marks.
pub(super) fn string_of(context: &mut Context<'_>, value: &Value) -> Outcome {
    match &value.data {
        Data::Text(_) => Ok(value.clone()),
        _ => Ok(Value::from(text_of(context, value)?).marked(whole(context, value))),
    }
}

/// Returns what sprig's `strslice` makes of a value: its items as texts without nils, or itself as the only one.
fn strings_of(context: &mut Context<'_>, value: &Value) -> Result<Vec<Value>, CallError> {
    if value.kind_name() != "slice" {
        return Ok(if value.is_nil() { Vec::new() } else { vec![string_of(context, value)?] });
    }
    let items = super::arguments::items(value, str::to_string)?;
    context.charge_value(items.len().saturating_mul(24))?;
    items.iter().filter(|item| !item.is_nil()).map(|item| string_of(context, item)).collect()
}

fn string_list(items: Vec<Value>, marks: Marks) -> Value {
    Value::from(Data::List(List::typed(ElementType::String, items))).marked(marks)
}

fn to_strings(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(string_list(strings_of(context, any(args, 0))?, shape(any(args, 0))))
}

fn sort_alpha(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let value = any(args, 0);
    if value.kind_name() != "slice" {
        return Ok(string_list(vec![string_of(context, value)?], value.marks));
    }
    let mut items = strings_of(context, value)?;
    items.sort_by(|a, b| a.as_bytes().cmp(&b.as_bytes()));
    Ok(string_list(items, whole(context, value)))
}

fn join(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (separator, list) = (any(args, 0), any(args, 1));
    let mut pieces = Pieces::new(if matches!(list.data, Data::List(_)) { shape(list) } else { Marks::NONE });
    for (at, item) in strings_of(context, list)?.iter().enumerate() {
        if let (true, Data::Text(text)) = (at > 0, &separator.data) {
            pieces.push_text(text, separator.marks);
        }
        if let Data::Text(text) = &item.data {
            charge_growth(context, pieces.len(), text.bytes().len())?;
            pieces.push_text(text, item.marks);
        }
    }
    Ok(pieces.finish())
}

fn split(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let parts = split_parts(context, any(args, 1), bytes(args, 0), -1)?;
    Ok(numbered(parts).marked(own_marks(args, 0)).marked(shape(any(args, 1))))
}

fn splitn(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let parts = split_parts(context, any(args, 2), bytes(args, 0), integer(args, 1))?;
    let marks = own_marks(args, 0).union(own_marks(args, 1)).union(shape(any(args, 2)));
    Ok(numbered(parts).marked(marks))
}

fn split_list(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let parts = split_parts(context, any(args, 1), bytes(args, 0), -1)?;
    Ok(string_list(parts, own_marks(args, 0).union(shape(any(args, 1)))))
}

fn numbered(parts: Vec<Value>) -> Value {
    let entries =
        parts.into_iter().enumerate().map(|(at, part)| (format!("_{at}").into_bytes().into(), part));
    Data::Map(Map::typed(MapType::String, entries.collect::<Entries>())).into()
}

/// Splits as Go's `strings.SplitN` does: an empty separator gives runes, a negative limit is none.
fn split_parts(
    context: &mut Context<'_>,
    value: &Value,
    separator: &[u8],
    limit: i64,
) -> Result<Vec<Value>, CallError> {
    let empty = Text::default();
    let source = match &value.data {
        Data::Text(text) => text,
        _ => &empty,
    };
    let text = source.bytes();
    context.charge_value(text.len())?;
    let limit = match limit {
        0 => return Ok(Vec::new()),
        ..0 => usize::MAX,
        1.. => usize::try_from(limit).unwrap_or(usize::MAX),
    };
    let cuts: Vec<usize> = if separator.is_empty() {
        runes(text).map(|(at, ..)| at).skip(1).take(limit - 1).collect()
    } else {
        memchr::memmem::find_iter(text, separator).take(limit - 1).collect()
    };
    if text.is_empty() && separator.is_empty() {
        return Ok(Vec::new());
    }
    context.charge_value(cuts.len().saturating_mul(24))?;
    let mut parts = Vec::with_capacity(cuts.len() + 1);
    let mut start = 0;
    for cut in cuts.into_iter().map(Some).chain([None]) {
        parts.push(part(value, start..cut.unwrap_or(text.len())));
        start = cut.map_or(0, |cut| cut + separator.len());
    }
    Ok(parts)
}
