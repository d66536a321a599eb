//! Helm's own functions: calls between templates, required values, refusals, and the look into a cluster.
//!
//! `include` and `tpl` need the evaluator and are performed there; they stand here for the list of functions.

use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::{WARNING_END, WARNING_START};
use crate::value::{Data, Value};

use Param::{Any, String as Str};

type Called = Result<Value, CallError>;

/// Helm's functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("include", &[Str, Any], of_evaluator, "Runs a named template and returns its output.")
        .own_marks(),
    Function::new("tpl", &[Str, Any], of_evaluator, "Runs a text as a template and returns its output.")
        .own_marks(),
    Function::new(
        "required",
        &[Str, Any],
        required,
        "Returns the value, or refuses with the message if it is empty.",
    )
    .own_marks(),
    Function::new("fail", &[Str], fail, "Refuses to render, with a message."),
    Function::new(
        "lookup",
        &[Str, Str, Str, Str],
        lookup,
        "Returns an object of the cluster: never one offline.",
    ),
];

fn of_evaluator(_: &mut Context<'_>, _: &[Value]) -> Called {
    Err(CallError::new("this function can only be called by a template"))
}

fn refusal(message: &Value) -> CallError {
    let text = String::from_utf8_lossy(message.as_bytes().unwrap_or_default());
    CallError::new(format!("{WARNING_START}{text}{WARNING_END}"))
}

fn required(_: &mut Context<'_>, args: &[Value]) -> Called {
    match &args[1].data {
        Data::Nil => Err(refusal(&args[0])),
        Data::Text(text) if text.bytes().is_empty() => Err(refusal(&args[0])),
        _ => Ok(args[1].clone()),
    }
}

fn fail(_: &mut Context<'_>, args: &[Value]) -> Called {
    Err(refusal(&args[0]))
}

fn lookup(_: &mut Context<'_>, _: &[Value]) -> Called {
    Ok(Value::map(Default::default()))
}
