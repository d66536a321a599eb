//! Arithmetic: on `int64` after cast's conversions, on floats by way of decimals, and sequences of numbers.

use super::arguments::{Outcome, any, bytes, integer};
use super::convert::{NumberError, parse_int, to_float64, to_int64};
use super::decimal::Decimal;
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::format::print;
use crate::value::{Data, ElementType, List, Value};

const ONE: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];

/// The functions on numbers.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("atoi", &[Param::String], atoi, "Reads a decimal integer, 0 if the text is none."),
    Function::new("int", ONE, |_, args| Ok(Value::int(to_int64(any(args, 0)))), "Converts to int."),
    Function::new("int64", ONE, |_, args| Ok(Value::int64(to_int64(any(args, 0)))), "Converts to int64."),
    Function::new(
        "float64",
        ONE,
        |_, args| Ok(Value::float(to_float64(any(args, 0)))),
        "Converts to float64.",
    ),
    Function::new("toDecimal", ONE, to_decimal, "Reads octal digits, as of a file mode."),
    Function::new("add", ONE, |_, args| Ok(folded(args, 0, i64::wrapping_add)), "Adds integers.").variadic(),
    Function::new(
        "add1",
        ONE,
        |_, args| Ok(Value::int64(to_int64(any(args, 0)).wrapping_add(1))),
        "Adds one to an integer.",
    ),
    Function::new(
        "sub",
        TWO,
        |_, args| Ok(Value::int64(to_int64(any(args, 0)).wrapping_sub(to_int64(any(args, 1))))),
        "Subtracts integers.",
    ),
    Function::new("div", TWO, |_, args| divided(args, i64::wrapping_div), "Divides integers, towards zero."),
    Function::new(
        "mod",
        TWO,
        |_, args| divided(args, i64::wrapping_rem),
        "Returns the remainder of a division.",
    ),
    Function::new("mul", TWO, |_, args| Ok(folded(args, 1, i64::wrapping_mul)), "Multiplies integers.")
        .variadic(),
    Function::new("max", TWO, |_, args| Ok(best(args, i64::max)), "Returns the largest integer.").variadic(),
    Function::new("biggest", TWO, |_, args| Ok(best(args, i64::max)), "Returns the largest integer.")
        .variadic(),
    Function::new("min", TWO, |_, args| Ok(best(args, i64::min)), "Returns the smallest integer.").variadic(),
    Function::new("maxf", TWO, |_, args| Ok(best_float(args, larger)), "Returns the largest float.")
        .variadic(),
    Function::new("minf", TWO, |_, args| Ok(best_float(args, smaller)), "Returns the smallest float.")
        .variadic(),
    Function::new("addf", ONE, |_, args| decimals(Value::float(0.0), args, add), "Adds decimals.").variadic(),
    Function::new("add1f", ONE, |_, args| decimals(any(args, 0).clone(), &[Value::int(1)], add), "Adds one."),
    Function::new("subf", TWO, |_, args| first_and_rest(args, sub), "Subtracts decimals.").variadic(),
    Function::new("mulf", TWO, |_, args| first_and_rest(args, mul), "Multiplies decimals.").variadic(),
    Function::new("divf", TWO, |_, args| first_and_rest(args, Decimal::divide), "Divides decimals.")
        .variadic(),
    Function::new("floor", ONE, |_, args| Ok(Value::float(to_float64(any(args, 0)).floor())), "Rounds down."),
    Function::new("ceil", ONE, |_, args| Ok(Value::float(to_float64(any(args, 0)).ceil())), "Rounds up."),
    Function::new("round", &[Param::Any, Param::Int, Param::Float], round, "Rounds to a number of places.")
        .variadic(),
    Function::new("until", &[Param::Int], until, "Lists the integers from 0 up to a limit."),
    Function::new("untilStep", &[Param::Int, Param::Int, Param::Int], until_step, "Lists integers by steps."),
    Function::new("seq", &[Param::Int], seq, "Writes integers in turn, as the shell's seq does.").variadic(),
];

fn atoi(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::int(match parse_int(bytes(args, 0), 10) {
        Ok(number) | Err(NumberError::Range(number)) => number,
        Err(NumberError::Syntax) => 0,
    }))
}

fn to_decimal(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let text = print(context, any(args, 0))?;
    Ok(Value::int64(parse_int(&text, 8).unwrap_or(0)))
}

fn folded(args: &[Value], start: i64, change: fn(i64, i64) -> i64) -> Value {
    Value::int64(args.iter().fold(start, |all, value| change(all, to_int64(value))))
}

fn divided(args: &[Value], change: fn(i64, i64) -> i64) -> Outcome {
    let (number, divisor) = (to_int64(any(args, 0)), to_int64(any(args, 1)));
    if divisor == 0 {
        return Err(CallError::new("runtime error: integer divide by zero"));
    }
    Ok(Value::int64(change(number, divisor)))
}

fn best(args: &[Value], better: fn(i64, i64) -> i64) -> Value {
    Value::int64(args.iter().map(to_int64).reduce(better).unwrap_or(0))
}

fn best_float(args: &[Value], better: fn(f64, f64) -> f64) -> Value {
    Value::float(args.iter().map(to_float64).reduce(better).unwrap_or(0.0))
}

/// Go's `math.Max`: an infinity wins over NaN, NaN over numbers.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

fn smaller(a: f64, b: f64) -> f64 {
    -larger(-a, -b)
}

fn add(a: Decimal, b: Decimal) -> Result<Decimal, CallError> {
    Ok(a.add(b))
}

fn sub(a: Decimal, b: Decimal) -> Result<Decimal, CallError> {
    Ok(a.add(b.negate()))
}

fn mul(a: Decimal, b: Decimal) -> Result<Decimal, CallError> {
    Ok(a.multiply(b))
}

type Operation = fn(Decimal, Decimal) -> Result<Decimal, CallError>;

fn first_and_rest(args: &[Value], operation: Operation) -> Outcome {
    decimals(any(args, 0).clone(), args.get(1..).unwrap_or_default(), operation)
}

fn decimals(first: Value, rest: &[Value], operation: Operation) -> Outcome {
    let mut result = Decimal::from_float(to_float64(&first))?;
    for value in rest {
        result = operation(result, Decimal::from_float(to_float64(value))?)?;
    }
    Ok(Value::float(result.to_float()))
}

fn round(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let number = to_float64(any(args, 0));
    let places = integer(args, 1);
    let from = args.get(2).map_or(0.5, to_float64);
    let power = power_of_ten(places);
    let scaled = power * number;
    let rounded = if scaled.fract() >= from { scaled.ceil() } else { scaled.floor() };
    Ok(Value::float(rounded / power))
}

fn power_of_ten(places: i64) -> f64 {
    let exponent = places.unsigned_abs().min(400) as i32;
    let power = if exponent <= 22 {
        10f64.powi(exponent)
    } else {
        format!("1e{exponent}").parse().unwrap_or(f64::INFINITY)
    };
    if places < 0 { 1.0 / power } else { power }
}

fn until(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let limit = integer(args, 0);
    ints(context, 0, limit, if limit < 0 { -1 } else { 1 })
}

fn until_step(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    ints(context, integer(args, 0), integer(args, 1), integer(args, 2))
}

fn ints(context: &mut Context<'_>, start: i64, stop: i64, step: i64) -> Outcome {
    let items = steps(context, start, stop, step)?.map(Value::int).collect();
    Ok(Data::List(List::typed(ElementType::Int, items)).into())
}

/// Returns the numbers from `start` until before `stop`, none if the step leads away from it.
fn steps(
    context: &mut Context<'_>,
    start: i64,
    stop: i64,
    step: i64,
) -> Result<impl Iterator<Item = i64> + use<>, CallError> {
    let towards = if stop < start { step < 0 } else { step > 0 };
    let distance = (i128::from(stop) - i128::from(start)).unsigned_abs();
    let count = if towards { distance.div_ceil(i128::from(step).unsigned_abs()) } else { 0 };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.charge_value(count.saturating_mul(24))?;
    Ok((0..count as i64).map(move |at| start.wrapping_add(at.wrapping_mul(step))))
}

fn seq(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let number = |at| integer(args, at);
    let (start, stop, step) = match args.len() {
        1 => (1, number(0), if number(0) < 1 { -1 } else { 1 }),
        2 => (number(0), number(1), if number(1) < number(0) { -1 } else { 1 }),
        3 => (number(0), number(2), number(1)),
        _ => return Ok("".into()),
    };
    let down = stop < start;
    if args.len() == 3 && down && step > 0 {
        return Ok("".into());
    }
    let behind = stop.wrapping_add(if down { -1 } else { 1 });
    let numbers: Vec<String> =
        steps(context, start, behind, step)?.map(|number| number.to_string()).collect();
    Ok(numbers.join(" ").into())
}
