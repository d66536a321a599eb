//! Functions on lists. Every result is a new list: sprig never changes one in place.
//!
//! Anything that Go's reflection calls a slice is a list here; most results are `[]interface {}` whatever came in.

use super::arguments::{Outcome, any, charge_growth, integer, items, nil_dereference, own_marks};
use super::convert::to_int64;
use super::defaults::is_empty;
use super::marks::{shape, whole};
use super::reflection::deep_equal;
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::value::{Data, ElementType, List, Text, Value};

const LIST: &[Param] = &[Param::Any];
const LIST_AND_VALUE: &[Param] = &[Param::Any, Param::Any];

/// The functions on lists.
pub(super) const FUNCTIONS: &[Function] = &[
    own("list", LIST, list, "Makes a list of its arguments.").variadic(),
    own("tuple", LIST, list, "Makes a list of its arguments.").variadic(),
    own("append", LIST_AND_VALUE, push, "Returns a list with a value added at the end."),
    own("push", LIST_AND_VALUE, push, "Returns a list with a value added at the end."),
    own("mustAppend", LIST_AND_VALUE, push, "Returns a list with a value added at the end."),
    own("mustPush", LIST_AND_VALUE, push, "Returns a list with a value added at the end."),
    own("prepend", LIST_AND_VALUE, prepend, "Returns a list with a value added in front."),
    own("mustPrepend", LIST_AND_VALUE, prepend, "Returns a list with a value added in front."),
    own("first", LIST, first, "Returns the first item, nil for an empty list."),
    own("mustFirst", LIST, first, "Returns the first item, nil for an empty list."),
    own("rest", LIST, rest, "Returns all items but the first."),
    own("mustRest", LIST, rest, "Returns all items but the first."),
    own("last", LIST, last, "Returns the last item, nil for an empty list."),
    own("mustLast", LIST, last, "Returns the last item, nil for an empty list."),
    own("initial", LIST, initial, "Returns all items but the last."),
    own("mustInitial", LIST, initial, "Returns all items but the last."),
    own("reverse", LIST, reverse, "Returns the items in opposite order."),
    own("mustReverse", LIST, reverse, "Returns the items in opposite order."),
    own("uniq", LIST, uniq, "Returns the items without repetitions."),
    own("mustUniq", LIST, uniq, "Returns the items without repetitions."),
    own("compact", LIST, compact, "Returns the items that are not empty."),
    own("mustCompact", LIST, compact, "Returns the items that are not empty."),
    own("without", LIST_AND_VALUE, without, "Returns the items that equal none of the further arguments.")
        .variadic(),
    own(
        "mustWithout",
        LIST_AND_VALUE,
        without,
        "Returns the items that equal none of the further arguments.",
    )
    .variadic(),
    Function::new("has", LIST_AND_VALUE, has, "Says whether a value is in a list."),
    Function::new("mustHas", LIST_AND_VALUE, has, "Says whether a value is in a list."),
    own("slice", LIST_AND_VALUE, slice, "Returns the items from one index up to another.").variadic(),
    own("mustSlice", LIST_AND_VALUE, slice, "Returns the items from one index up to another.").variadic(),
    own("concat", LIST, concat, "Joins lists into one.").variadic(),
    own("chunk", &[Param::Int, Param::Any], chunk, "Cuts a list into lists of a given length."),
    own("mustChunk", &[Param::Int, Param::Any], chunk, "Cuts a list into lists of a given length."),
];

const fn own(
    name: &'static str,
    params: &'static [Param],
    call: fn(&mut Context<'_>, &[Value]) -> Outcome,
    doc: &'static str,
) -> Function {
    Function::new(name, params, call, doc).own_marks()
}

fn list(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    made(context, args.to_vec(), &Value::NIL)
}

/// Ends a list that was made from `source`.
fn made(context: &mut Context<'_>, items: Vec<Value>, source: &Value) -> Outcome {
    context.charge_value(items.len().saturating_mul(24))?;
    Ok(Value::list(items).marked(shape(source)))
}

fn push(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot push on type {kind}"))?;
    context.charge_value(found.len().saturating_mul(24))?;
    let mut all = Vec::with_capacity(found.len() + 1);
    all.extend_from_slice(&found);
    all.push(any(args, 1).clone());
    made(context, all, list)
}

fn prepend(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot prepend on type {kind}"))?;
    context.charge_value(found.len().saturating_mul(24))?;
    let mut all = Vec::with_capacity(found.len() + 1);
    all.push(any(args, 1).clone());
    all.extend_from_slice(&found);
    made(context, all, list)
}

fn first(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let found = items(any(args, 0), |kind| format!("Cannot find first on type {kind}"))?;
    Ok(found.first().cloned().unwrap_or_default().marked(own_marks(args, 0)))
}

fn last(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let found = items(any(args, 0), |kind| format!("Cannot find last on type {kind}"))?;
    Ok(found.last().cloned().unwrap_or_default().marked(own_marks(args, 0)))
}

fn rest(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot find rest on type {kind}"))?;
    match found.split_first() {
        Some((_, rest)) => made(context, rest.to_vec(), list),
        None => Ok(nil_list(list)),
    }
}

fn initial(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot find initial on type {kind}"))?;
    match found.split_last() {
        Some((_, initial)) => made(context, initial.to_vec(), list),
        None => Ok(nil_list(list)),
    }
}

fn nil_list(source: &Value) -> Value {
    Value::from(Data::List(List::nil(ElementType::Any))).marked(shape(source))
}

fn reverse(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot find reverse on type {kind}"))?;
    made(context, found.iter().rev().cloned().collect(), list)
}

fn compact(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot compact on type {kind}"))?;
    let mut marks = shape(list);
    let mut full = Vec::with_capacity(found.len());
    for item in found.iter() {
        marks = marks.union(shape(item));
        if !is_empty(item) {
            full.push(item.clone());
        }
    }
    Ok(made(context, full, list)?.marked(marks))
}

fn uniq(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot find uniq on type {kind}"))?;
    let marks = whole(context, list);
    let mut unique: Vec<Value> = Vec::with_capacity(found.len());
    for item in found.iter() {
        if !contains(context, &unique, item)? {
            unique.push(item.clone());
        }
    }
    Ok(made(context, unique, list)?.marked(marks))
}

fn contains(context: &mut Context<'_>, items: &[Value], needle: &Value) -> Result<bool, CallError> {
    for item in items {
        if deep_equal(context, needle, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn without(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("Cannot find without on type {kind}"))?;
    let omitted = args.get(1..).unwrap_or_default();
    let mut marks = whole(context, list);
    for value in omitted {
        marks = marks.union(whole(context, value));
    }
    let mut kept = Vec::with_capacity(found.len());
    for item in found.iter() {
        if !contains(context, omitted, item)? {
            kept.push(item.clone());
        }
    }
    Ok(made(context, kept, list)?.marked(marks))
}

fn has(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let haystack = any(args, 1);
    if haystack.is_nil() {
        return Ok(Value::bool(false));
    }
    let found = items(haystack, |kind| format!("Cannot find has on type {kind}"))?;
    contains(context, &found, any(args, 0)).map(Value::bool)
}

fn slice(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 0);
    let found = items(list, |kind| format!("list should be type of slice or array but {kind}"))?;
    if found.is_empty() {
        return Ok(Value::NIL.marked(shape(list)));
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or(found.len() as i64, to_int64);
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some((start, end)) = bounds.filter(|(start, end)| start <= end && *end <= found.len()) else {
        return Err(CallError::new("reflect.Value.Slice: slice index out of bounds"));
    };
    let marks = args.iter().skip(1).fold(shape(list), |all, index| all.union(shape(index)));
    let part = found[start..end].to_vec();
    context.charge_value(part.len().saturating_mul(24))?;
    let part = match &list.data {
        Data::Bytes(text) => Data::Bytes(Text::new(&text.bytes()[start..end])).into(),
        Data::List(list) => Data::List(List::typed(list.element(), part)).into(),
        _ => Value::list(part),
    };
    Ok(part.marked(marks))
}

fn concat(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut all = Vec::new();
    let mut marks = crate::trace::Marks::NONE;
    for list in args {
        let found = items(list, |kind| format!("Cannot concat type {kind} as list"))?;
        charge_growth(context, all.len() * 24, found.len() * 24)?;
        all.extend_from_slice(&found);
        marks = marks.union(shape(list));
    }
    let joined = if all.is_empty() { List::nil(ElementType::Any) } else { List::new(all) };
    Ok(Value::from(Data::List(joined)).marked(marks))
}

fn chunk(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let list = any(args, 1);
    if list.is_nil() {
        return Err(nil_dereference());
    }
    let found = items(list, |kind| format!("Cannot chunk type {kind}"))?;
    let size = integer(args, 0);
    let marks = shape(list).union(own_marks(args, 0));
    if found.is_empty() && size > 0 {
        return Ok(chunks(Vec::new()).marked(marks));
    }
    let Some(size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        return chunk_oddly(size, found.len()).map(|value| value.marked(marks));
    };
    context.charge_value(found.len().saturating_mul(24))?;
    Ok(chunks(found.chunks(size).map(|part| Value::list(part.to_vec())).collect()).marked(marks))
}

fn chunks(items: Vec<Value>) -> Value {
    Data::List(List::typed(ElementType::List, items)).into()
}

/// What sprig's float arithmetic makes of a size below one: mostly a panic of Go's `make` or indexing.
fn chunk_oddly(size: i64, length: usize) -> Outcome {
    let count = ((length as f64 - 1.0) / size as f64).floor() + 1.0;
    if size < 0 && count == 0.0 {
        return Ok(chunks(Vec::new()));
    }
    Err(CallError::new("runtime error: makeslice: len out of range"))
}
