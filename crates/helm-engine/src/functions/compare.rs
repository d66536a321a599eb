//! `text/template`'s comparison: what is equal, what is less, and what cannot be compared at all.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::context::Context;
use crate::error::CallError;
use crate::template::format::sprintf;
use crate::value::{Data, Value};

/// The answer to whether two values are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Equality {
    Equal,
    Different,
}

/// What Go calls a basic kind, with the value as that kind.
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(&'v [u8]),
    None,
}

fn basic(value: &Value) -> Basic<'_> {
    match &value.data {
        Data::Bool(truth) => Basic::Bool(*truth),
        Data::Int(kind, number) if kind.is_signed() => Basic::Int(*number),
        Data::Int(_, number) => Basic::Uint(*number as u64),
        Data::Float(number) => Basic::Float(*number),
        Data::Text(text) => Basic::String(text.bytes()),
        Data::Object(object) if matches!(object.kind(), "int" | "int64") => match object.to_plain().data {
            Data::Int(_, number) => Basic::Int(number),
            _ => Basic::None,
        },
        Data::Nil | Data::Bytes(_) | Data::List(_) | Data::Map(_) | Data::Object(_) => Basic::None,
    }
}

/// Compares as `eq` does.
pub(super) fn equality(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<Equality, CallError> {
    let equal = match (basic(a), basic(b)) {
        (Basic::Bool(a), Basic::Bool(b)) => a == b,
        (Basic::Int(a), Basic::Int(b)) => a == b,
        (Basic::Uint(a), Basic::Uint(b)) => a == b,
        (Basic::Float(a), Basic::Float(b)) => a == b,
        (Basic::String(a), Basic::String(b)) => a == b,
        (Basic::Int(a), Basic::Uint(b)) | (Basic::Uint(b), Basic::Int(a)) => u64::try_from(a) == Ok(b),
        (Basic::None, Basic::None) => equal_containers(context, a, b)?,
        _ if a.is_nil() || b.is_nil() => false,
        _ => return Err(incompatible(context, a, b)),
    };
    Ok(if equal { Equality::Equal } else { Equality::Different })
}

fn incompatible(context: &Context<'_>, a: &Value, b: &Value) -> CallError {
    let (a, b) = (a.type_name(context.mode), b.type_name(context.mode));
    CallError::new(format!("incompatible types for comparison: {a} and {b}"))
}

fn equal_containers(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<bool, CallError> {
    if a.kind_name() != b.kind_name() && !a.is_nil() && !b.is_nil() {
        let args = [
            a.clone(),
            Value::from(a.type_name(context.mode)),
            Value::from(b.type_name(context.mode)),
            b.clone(),
        ];
        let text = sprintf(context, b"non-comparable types %s: %v, %s: %v", &args)?;
        return Err(CallError::new(String::from_utf8_lossy(&text.bytes)));
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (&a.data, &b.data) {
        (Data::Object(a), Data::Object(b))
            if !matches!(b.kind(), "map" | "slice" | "func") && b.is_comparable() =>
        {
            Ok(Rc::ptr_eq(a, b)
                || a.kind() == "struct" && a.type_name() == b.type_name() && a.print() == b.print())
        }
        _ => {
            let args = [b.clone(), Value::from(b.type_name(context.mode))];
            let text = sprintf(context, b"non-comparable type %s: %v", &args)?;
            Err(CallError::new(String::from_utf8_lossy(&text.bytes)))
        }
    }
}

fn is_nil(value: &Value) -> bool {
    match &value.data {
        Data::Nil => true,
        Data::List(list) => list.is_nil(),
        Data::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// Compares as `lt` does; `None` where a float is no number.
pub(super) fn order(context: &Context<'_>, a: &Value, b: &Value) -> Result<Option<Ordering>, CallError> {
    let invalid = || CallError::new("invalid type for comparison");
    match (basic(a), basic(b)) {
        (Basic::None, _) | (_, Basic::None) | (Basic::Bool(_), Basic::Bool(_)) => Err(invalid()),
        (Basic::Int(a), Basic::Int(b)) => Ok(Some(a.cmp(&b))),
        (Basic::Uint(a), Basic::Uint(b)) => Ok(Some(a.cmp(&b))),
        (Basic::Float(a), Basic::Float(b)) => Ok(a.partial_cmp(&b)),
        (Basic::String(a), Basic::String(b)) => Ok(Some(a.cmp(b))),
        (Basic::Int(a), Basic::Uint(b)) => Ok(Some(i128::from(a).cmp(&i128::from(b)))),
        (Basic::Uint(a), Basic::Int(b)) => Ok(Some(i128::from(a).cmp(&i128::from(b)))),
        _ => Err(incompatible(context, a, b)),
    }
}
