//! Go's `time.Duration`: nanoseconds, with their text form and the functions that Helm 4 adds.

use std::any::Any;

use super::super::arguments::{Outcome, any};
use super::super::{Function, Param};
use super::reading::quote;
use crate::context::{Context, Mode};
use crate::error::CallError;
use crate::number::parse_float;
use crate::template::format_float;
use crate::template::unicode;
use crate::value::{Data, Object, Value};

const ONE: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];

/// The functions on durations, which only Helm 4 has.
pub(in super::super) const FUNCTIONS: &[Function] = &[
    Function::new("mustToDuration", ONE, must_to_duration, "Reads a duration, or seconds.").helm4(),
    Function::new("durationSeconds", ONE, |c, args| float(c, args, 1e9, 1.0), "Returns seconds.").helm4(),
    Function::new("durationMilliseconds", ONE, |c, args| whole(c, args, 1_000_000), "Returns milliseconds.")
        .helm4(),
    Function::new("durationMicroseconds", ONE, |c, args| whole(c, args, 1_000), "Returns microseconds.")
        .helm4(),
    Function::new("durationNanoseconds", ONE, |c, args| whole(c, args, 1), "Returns nanoseconds.").helm4(),
    Function::new("durationMinutes", ONE, |c, args| float(c, args, 60e9, 1.0), "Returns minutes.").helm4(),
    Function::new("durationHours", ONE, |c, args| float(c, args, 3600e9, 1.0), "Returns hours.").helm4(),
    Function::new("durationDays", ONE, |c, args| float(c, args, 3600e9, 24.0), "Returns days.").helm4(),
    Function::new("durationWeeks", ONE, weeks, "Returns weeks.").helm4(),
    Function::new(
        "durationRoundTo",
        TWO,
        |c, args| stepped(c, args, Duration::rounded),
        "Rounds to a multiple.",
    )
    .helm4(),
    Function::new(
        "durationTruncateTo",
        TWO,
        |c, args| stepped(c, args, Duration::truncated),
        "Truncates to a multiple.",
    )
    .helm4(),
];

/// A duration in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Duration(pub(crate) i64);

const SECOND: i64 = 1_000_000_000;
const LIMIT: u64 = 1 << 63;

impl Duration {
    /// Reads a text such as `1h2m3.5s` as `time.ParseDuration` does.
    ///
    /// # Errors
    /// Go's message for a text that is no duration or too long a one.
    pub(super) fn parse(text: &str) -> Result<Duration, String> {
        let invalid = || format!("time: invalid duration {}", quote(text));
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Duration(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (part, behind) = duration_part(text, rest)?;
            rest = behind;
            total = total.checked_add(part).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
        }
        if negative {
            return Ok(Duration((total as i64).wrapping_neg()));
        }
        i64::try_from(total).map(Duration).map_err(|_| invalid())
    }

    /// Rounds to a multiple of `step`, half away from zero.
    pub(super) fn rounded(self, step: Duration) -> Duration {
        if step.0 <= 0 {
            return self;
        }
        let (number, step) = (i128::from(self.0), i128::from(step.0));
        let rest = (number % step).abs();
        let size = number.abs() + if rest * 2 < step { -rest } else { step - rest };
        let signed = if number < 0 { -size } else { size };
        Duration(signed.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    fn truncated(self, step: Duration) -> Duration {
        if step.0 <= 0 { self } else { Duration(self.0 - self.0 % step.0) }
    }

    fn float(self, unit: f64) -> f64 {
        let unit = unit as i64;
        (self.0 / unit) as f64 + (self.0 % unit) as f64 / unit as f64
    }
}

/// Reads one number with its unit, in nanoseconds.
fn duration_part<'t>(whole: &str, text: &'t str) -> Result<(u64, &'t str), String> {
    let invalid = || format!("time: invalid duration {}", quote(whole));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, mut rest) = text.split_at(digits);
    let mut fraction = "";
    if let Some(behind) = rest.strip_prefix('.') {
        (fraction, rest) = behind.split_at(behind.bytes().take_while(u8::is_ascii_digit).count());
    }
    if number.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let number = if number.is_empty() { Ok(0) } else { number.parse::<u64>() };
    let number = number.ok().filter(|number| *number <= LIMIT).ok_or_else(invalid)?;
    let letters = rest.bytes().take_while(|byte| *byte != b'.' && !byte.is_ascii_digit()).count();
    let (unit, behind) = rest.split_at(letters);
    let scale: u64 = match unit {
        "" => return Err(format!("time: missing unit in duration {}", quote(whole))),
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        other => return Err(format!("time: unknown unit {} in duration {}", quote(other), quote(whole))),
    };
    let whole_part = number.checked_mul(scale).filter(|part| *part <= LIMIT).ok_or_else(invalid)?;
    let total = whole_part.saturating_add(fraction_of(fraction, scale));
    if total > LIMIT { Err(invalid()) } else { Ok((total, behind)) }
}

/// Returns a fraction of a unit, computed in floats as Go does.
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0u64, 1f64);
    for digit in digits.bytes() {
        let next = number.checked_mul(10).and_then(|next| next.checked_add(u64::from(digit - b'0')));
        let Some(next) = next.filter(|next| number <= (LIMIT - 1) / 10 && *next <= LIMIT) else { break };
        number = next;
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

impl Object for Duration {
    fn type_name(&self) -> &str {
        "time.Duration"
    }

    fn kind(&self) -> &str {
        "int64"
    }

    fn call(&self, name: &str, args: &[Value], _: &mut Context<'_>) -> Option<Outcome> {
        let step = || {
            args.first().and_then(|value| match &value.data {
                Data::Int(_, number) => Some(Duration(*number)),
                Data::Object(object) => object.as_any().downcast_ref::<Duration>().copied(),
                _ => None,
            })
        };
        Some(Ok(match name {
            "Seconds" => Value::float(self.float(1e9)),
            "Minutes" => Value::float(self.float(60e9)),
            "Hours" => Value::float(self.float(3600e9)),
            "Milliseconds" => Value::int64(self.0 / 1_000_000),
            "Microseconds" => Value::int64(self.0 / 1_000),
            "Nanoseconds" => Value::int64(self.0),
            "String" => self.print().into(),
            "Abs" => Value::object(Duration(self.0.saturating_abs())),
            "Round" => Value::object(self.rounded(step()?)),
            "Truncate" => Value::object(self.truncated(step()?)),
            _ => return None,
        }))
    }

    fn toml_literal(&self) -> Option<String> {
        Some(format!("\"{}\"", self.print()))
    }

    fn print(&self) -> String {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if size == 0 {
            return "0s".to_string();
        }
        if size < SECOND as u64 {
            let (unit, name) = match size {
                ..1_000 => (1, "ns"),
                1_000..1_000_000 => (1_000, "µs"),
                _ => (1_000_000, "ms"),
            };
            return format!("{sign}{}{name}", fixed(size, unit));
        }
        let (minutes, rest) = (size / (60 * SECOND as u64), size % (60 * SECOND as u64));
        let seconds = fixed(rest, SECOND as u64);
        match (minutes / 60, minutes % 60) {
            (0, 0) => format!("{sign}{seconds}s"),
            (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
            (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
        }
    }

    fn to_plain(&self) -> Value {
        Value::int64(self.0)
    }

    fn is_true(&self) -> bool {
        self.0 != 0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Writes `size / unit` with all digits that are not trailing zeros.
fn fixed(size: u64, unit: u64) -> String {
    let places = unit.ilog10() as usize;
    let fraction = format!("{:0places$}", size % unit);
    let fraction = if places == 0 { "" } else { fraction.trim_end_matches('0') };
    if fraction.is_empty() { (size / unit).to_string() } else { format!("{}.{fraction}", size / unit) }
}

fn seconds(number: i64, shown: &str) -> Result<Duration, String> {
    number.checked_mul(SECOND).map(Duration).ok_or_else(|| format!("duration seconds overflow: {shown}"))
}

fn float_seconds(number: f64) -> Result<Duration, String> {
    const LONGEST: f64 = i64::MAX as f64 / 1e9;
    if !number.is_finite() {
        return Err(format!("invalid duration seconds: {}", format_float(number)));
    }
    if !(-LONGEST..=LONGEST).contains(&number) {
        return Err(format!("duration seconds overflow: {}", format_float(number)));
    }
    Ok(Duration((number * 1e9) as i64))
}

/// Reads a duration of anything: a text, or a number of seconds.
fn as_duration(mode: Mode, value: &Value) -> Result<Duration, String> {
    match &value.data {
        Data::Nil => Err("invalid duration".to_string()),
        Data::Text(text) => text_duration(&text.to_str_lossy(), text.bytes()),
        Data::Int(kind, number) if kind.is_signed() => seconds(*number, &number.to_string()),
        Data::Int(_, number) => match i64::try_from(*number as u64) {
            Ok(number) => seconds(number, &number.to_string()),
            Err(_) => Err(format!("duration seconds overflow: {}", *number as u64)),
        },
        Data::Float(number) => float_seconds(*number),
        Data::Object(object) => match object.as_any().downcast_ref::<Duration>() {
            Some(duration) => Ok(*duration),
            None if object.kind() == "int" => as_duration(mode, &object.to_plain()),
            None => Err(format!("unsupported duration type {}", object.type_name())),
        },
        _ => Err(format!("unsupported duration type {}", value.type_name(mode))),
    }
}

fn text_duration(text: &str, raw: &[u8]) -> Result<Duration, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("empty duration".to_string());
    }
    if let Ok(duration) = Duration::parse(trimmed) {
        return Ok(duration);
    }
    match parse_float(trimmed) {
        Some(number) => float_seconds(number),
        None => Err(format!("could not parse duration {}", unicode::quote(raw))),
    }
}

fn must_to_duration(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    as_duration(context.mode, any(args, 0)).map(Value::object).map_err(CallError::new)
}

fn float(context: &mut Context<'_>, args: &[Value], unit: f64, divisor: f64) -> Outcome {
    Ok(Value::float(
        as_duration(context.mode, any(args, 0)).map_or(0.0, |duration| duration.float(unit) / divisor),
    ))
}

fn weeks(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let duration = as_duration(context.mode, any(args, 0));
    Ok(Value::float(duration.map_or(0.0, |duration| duration.float(3600e9) / 24.0 / 7.0)))
}

fn whole(context: &mut Context<'_>, args: &[Value], unit: i64) -> Outcome {
    Ok(Value::int64(as_duration(context.mode, any(args, 0)).map_or(0, |duration| duration.0 / unit)))
}

fn stepped(context: &mut Context<'_>, args: &[Value], change: fn(Duration, Duration) -> Duration) -> Outcome {
    let Ok(duration) = as_duration(context.mode, any(args, 0)) else { return Ok(Value::object(Duration(0))) };
    Ok(Value::object(match as_duration(context.mode, any(args, 1)) {
        Ok(step) => change(duration, step),
        Err(_) => duration,
    }))
}
