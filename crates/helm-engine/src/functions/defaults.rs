//! Choosing between values: what sprig calls empty, and the functions built on it.

use super::arguments::{Outcome, any};
use super::marks::shape;
use super::{Function, Param};
use crate::context::Context;
use crate::trace::Marks;
use crate::value::{Data, Value};

/// The functions that choose.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "default",
        &[Param::Any, Param::Any],
        default,
        "Returns the second value, or the first if that is empty.",
    )
    .variadic()
    .own_marks(),
    Function::new(
        "empty",
        &[Param::Any],
        empty,
        "Says whether a value is nil, false, zero or without content.",
    )
    .own_marks(),
    Function::new("coalesce", &[Param::Any], coalesce, "Returns the first value that is not empty.")
        .variadic()
        .own_marks(),
    Function::new("all", &[Param::Any], all, "Says whether no value is empty.").variadic().own_marks(),
    Function::new("any", &[Param::Any], any_full, "Says whether some value is not empty.")
        .variadic()
        .own_marks(),
    Function::new(
        "ternary",
        &[Param::Any, Param::Any, Param::Bool],
        ternary,
        "Returns the first value if the last is true, else the second.",
    )
    .own_marks(),
    Function::new("hello", &[], |_, _| Ok("Hello!".into()), "Returns a greeting."),
];

/// Says whether sprig calls a value empty: nil, false, zero, or a text, list or map without content. Structs never are.
pub(super) fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

fn default(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let Some(given) = args.get(1) else { return Ok(any(args, 0).clone()) };
    Ok(if is_empty(given) { any(args, 0).clone().marked(shape(given)) } else { chosen(given) })
}

/// A value that was chosen because it is not empty depends on its own shape.
fn chosen(value: &Value) -> Value {
    match value.data {
        Data::Text(_) | Data::Bytes(_) => value.clone(),
        _ => value.clone().marked(shape(value)),
    }
}

fn empty(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let value = any(args, 0);
    Ok(Value::bool(is_empty(value)).marked(shape(value)))
}

fn coalesce(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut passed = Marks::NONE;
    for value in args {
        if !is_empty(value) {
            return Ok(chosen(value).marked(passed));
        }
        passed = passed.union(shape(value));
    }
    Ok(Value::NIL.marked(passed))
}

fn all(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(decided(args, is_empty, false))
}

fn any_full(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(decided(args, |value| !is_empty(value), true))
}

/// Answers `outcome` at the first value that decides, its opposite without one; marks of what was looked at are kept.
fn decided(args: &[Value], decides: impl Fn(&Value) -> bool, outcome: bool) -> Value {
    let mut read = Marks::NONE;
    for value in args {
        read = read.union(shape(value));
        if decides(value) {
            return Value::bool(outcome).marked(read);
        }
    }
    Value::bool(!outcome).marked(read)
}

fn ternary(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let condition = any(args, 2);
    let truth = matches!(condition.data, Data::Bool(true));
    Ok(any(args, if truth { 0 } else { 1 }).clone().marked(condition.marks))
}
