//! Go's reflection as templates see it: names of types and kinds, deep equality.

use super::arguments::{DEPTH, Outcome, any, bytes, depth_left};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::value::{Data, Map, Value};

/// The functions about types.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "typeOf",
        &[Param::Any],
        |context, args| Ok(any(args, 0).type_name(context.mode).into()),
        "Returns Go's name of a value's type.",
    ),
    Function::new(
        "typeIs",
        &[Param::String, Param::Any],
        type_is,
        "Says whether a value's type has that name.",
    ),
    Function::new(
        "typeIsLike",
        &[Param::String, Param::Any],
        type_is_like,
        "Says whether a value's type, or the type it points to, has that name.",
    ),
    Function::new(
        "kindOf",
        &[Param::Any],
        |_, args| Ok(any(args, 0).kind_name().into()),
        "Returns Go's name of a value's kind.",
    ),
    Function::new(
        "kindIs",
        &[Param::String, Param::Any],
        |_, args| Ok(Value::bool(bytes(args, 0) == any(args, 1).kind_name().as_bytes())),
        "Says whether a value's kind has that name.",
    ),
    Function::new(
        "deepEqual",
        &[Param::Any, Param::Any],
        equal,
        "Says whether two values are equal in type and content.",
    ),
];

fn type_is(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::bool(bytes(args, 0) == any(args, 1).type_name(context.mode).as_bytes()))
}

fn type_is_like(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let target = String::from_utf8_lossy(bytes(args, 0)).into_owned();
    let name = any(args, 1).type_name(context.mode);
    Ok(Value::bool(name == target || name.strip_prefix('*') == Some(&target)))
}

fn equal(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    deep_equal(context, any(args, 0), any(args, 1)).map(Value::bool)
}

/// Says whether two values are equal as `reflect.DeepEqual` sees it: types count, a nil slice differs from an empty one.
///
/// # Errors
/// When the values are nested too deeply or the comparison takes too many steps.
pub fn deep_equal(context: &mut Context<'_>, a: &Value, b: &Value) -> Result<bool, CallError> {
    equal_to(context, DEPTH, a, b)
}

fn equal_to(context: &mut Context<'_>, depth: usize, a: &Value, b: &Value) -> Result<bool, CallError> {
    context.charge(1)?;
    let depth = depth_left(depth)?;
    Ok(match (&a.data, &b.data) {
        (Data::Nil, Data::Nil) => true,
        (Data::Bool(a), Data::Bool(b)) => a == b,
        (Data::Int(ta, a), Data::Int(tb, b)) => ta == tb && a == b,
        (Data::Float(a), Data::Float(b)) => a == b,
        (Data::Text(a), Data::Text(b)) | (Data::Bytes(a), Data::Bytes(b)) => a.bytes() == b.bytes(),
        (Data::List(a), Data::List(b)) => {
            if a.element() != b.element() || a.is_nil() != b.is_nil() || a.items().len() != b.items().len() {
                return Ok(false);
            }
            for (a, b) in a.items().iter().zip(b.items()) {
                if !equal_to(context, depth, a, b)? {
                    return Ok(false);
                }
            }
            true
        }
        (Data::Map(a), Data::Map(b)) => return equal_maps(context, depth, a, b),
        (Data::Object(a), Data::Object(b)) => {
            std::rc::Rc::ptr_eq(a, b)
                || (a.type_name() == b.type_name()
                    && a.print() == b.print()
                    && equal_to(context, depth, &a.to_plain(), &b.to_plain())?)
        }
        _ => false,
    })
}

fn equal_maps(context: &mut Context<'_>, depth: usize, a: &Map, b: &Map) -> Result<bool, CallError> {
    if a.kind() != b.kind() || a.is_nil() != b.is_nil() {
        return Ok(false);
    }
    if a.same(b) {
        return Ok(true);
    }
    let (a, b) = (a.entries(), b.entries());
    if a.len() != b.len() {
        return Ok(false);
    }
    for ((key_a, value_a), (key_b, value_b)) in a.iter().zip(b.iter()) {
        if key_a != key_b || !equal_to(context, depth, value_a, value_b)? {
            return Ok(false);
        }
    }
    Ok(true)
}
