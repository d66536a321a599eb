//! Arguments of a call as Rust types, after the evaluator has checked them, and what Go says where a list is no list.

use std::borrow::Cow;

use super::marks::shape;
use crate::context::Context;
use crate::error::CallError;
use crate::trace::Marks;
use crate::value::{Data, IntType, Map, Value};

/// The result of every function.
pub(super) type Outcome = Result<Value, CallError>;

/// Returns the bytes of a `string` argument.
pub(super) fn bytes(args: &[Value], at: usize) -> &[u8] {
    match args.get(at).map(|value| &value.data) {
        Some(Data::Text(text) | Data::Bytes(text)) => text.bytes(),
        _ => b"",
    }
}

/// Returns a `string` argument as text; bytes that are no UTF-8 become U+FFFD.
pub(super) fn string(args: &[Value], at: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes(args, at))
}

/// Returns an `int` or `int64` argument.
pub(super) fn integer(args: &[Value], at: usize) -> i64 {
    match args.get(at).map(|value| &value.data) {
        Some(Data::Int(_, number)) => *number,
        _ => 0,
    }
}

/// Returns a `map[string]interface {}` argument.
pub(super) fn map(args: &[Value], at: usize) -> Map {
    args.get(at).and_then(Value::as_map).cloned().unwrap_or_default()
}

/// Returns an argument, nil where there is none.
pub(super) fn any(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::NIL)
}

/// Returns the marks that an argument has as a whole, without what it holds.
pub(super) fn own_marks(args: &[Value], at: usize) -> Marks {
    args.get(at).map_or(Marks::NONE, shape)
}

/// Returns the items of anything that Go's reflection calls a slice.
///
/// # Errors
/// A nil argument ends as Go's nil dereference; any other kind as `complaint` with the kind.
pub(super) fn items<'v>(
    value: &'v Value,
    complaint: impl FnOnce(&str) -> String,
) -> Result<Cow<'v, [Value]>, CallError> {
    match &value.data {
        Data::List(list) => Ok(Cow::Borrowed(list.items())),
        Data::Bytes(text) => Ok(Cow::Owned(
            text.bytes().iter().map(|byte| Data::Int(IntType::Uint8, i64::from(*byte)).into()).collect(),
        )),
        Data::Nil => Err(nil_dereference()),
        _ => Err(CallError::new(complaint(value.kind_name()))),
    }
}

/// Returns the error of Go's nil dereference, which functions on lists meet when the list is nil.
pub(super) fn nil_dereference() -> CallError {
    CallError::new("runtime error: invalid memory address or nil pointer dereference")
}

/// How deeply nested values may be that functions walk through: far beyond any chart, within a small thread's stack.
pub(super) const DEPTH: usize = 1_000;

/// Counts one level of nesting.
///
/// # Errors
/// When there is none left, as in a map that holds itself.
pub(super) fn depth_left(depth: usize) -> Result<usize, CallError> {
    depth
        .checked_sub(1)
        .ok_or_else(|| CallError::new(format!("the value is nested deeper than {DEPTH} levels")))
}

/// Accounts for `added` bytes at the end of a value of `length` bytes.
///
/// # Errors
/// As [`Context::charge_value`].
pub(super) fn charge_growth(context: &mut Context<'_>, length: usize, added: usize) -> Result<(), CallError> {
    let total = length.saturating_add(added);
    if total > context.limits.value_bytes {
        context.charge_value(total)
    } else {
        context.charge(1 + added as u64 / 64)
    }
}
