//! Dates and durations. The local zone is UTC, time zones come from a bundled database, `now` from the caller.

mod duration;
mod layout;
mod reading;
mod time;

use self::duration::Duration;
use self::time::{Time, Zone, as_time};
use super::arguments::{Outcome, any, string};
use super::convert::{NumberError, parse_int};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::trace::{Mark, Marks, Trace};
use crate::value::{Data, IntType, Object, Value};

pub(super) use duration::FUNCTIONS as DURATIONS;

const LAYOUT_AND_DATE: &[Param] = &[Param::String, Param::Any];
const WITH_ZONE: &[Param] = &[Param::String, Param::Any, Param::String];
const MODIFY: &[Param] = &[Param::String, Param::Time];
const TEXTS: &[Param] = &[Param::String, Param::String];

/// The functions on dates.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], now, "Returns the current time."),
    Function::new("date", LAYOUT_AND_DATE, date, "Formats a date by an example."),
    Function::new("dateInZone", WITH_ZONE, date_in_zone, "Formats a date as seen in a time zone."),
    Function::new("date_in_zone", WITH_ZONE, date_in_zone, "Formats a date as seen in a time zone."),
    Function::new("htmlDate", &[Param::Any], html_date, "Formats a date for a date picker."),
    Function::new("htmlDateInZone", LAYOUT_AND_ZONE, html_date_in_zone, "Formats a date for a date picker."),
    Function::new("dateModify", MODIFY, date_modify, "Adds a duration to a date."),
    Function::new("date_modify", MODIFY, date_modify, "Adds a duration to a date."),
    Function::new("mustDateModify", MODIFY, must_date_modify, "Adds a duration to a date."),
    Function::new("must_date_modify", MODIFY, must_date_modify, "Adds a duration to a date."),
    Function::new("ago", &[Param::Any], ago, "Returns the duration since a date."),
    Function::new("duration", &[Param::Any], duration_text, "Writes seconds as a duration."),
    Function::new("durationRound", &[Param::Any], duration_round, "Writes the largest unit of a duration."),
    Function::new("toDate", TEXTS, to_date, "Reads a date by an example; the year 1 if it is none."),
    Function::new("mustToDate", TEXTS, must_to_date, "Reads a date by an example."),
    Function::new("unixEpoch", &[Param::Time], unix_epoch, "Returns the seconds since 1970."),
];

const LAYOUT_AND_ZONE: &[Param] = &[Param::Any, Param::String];

fn clock(context: &mut Context<'_>) -> (Time, Marks) {
    let marks = if context.trace == Trace::Off { Marks::NONE } else { Marks::one(Mark::Generated("now")) };
    (Time::now(context), marks)
}

fn now(context: &mut Context<'_>, _: &[Value]) -> Outcome {
    let (time, marks) = clock(context);
    Ok(Value::object(time).marked(marks))
}

fn date(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    formatted(context, &string(args, 0), any(args, 1), "Local")
}

fn date_in_zone(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    formatted(context, &string(args, 0), any(args, 1), &string(args, 2))
}

fn html_date(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    formatted(context, "2006-01-02", any(args, 0), "Local")
}

fn html_date_in_zone(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    formatted(context, "2006-01-02", any(args, 0), &string(args, 1))
}

/// Formats a time, or seconds since 1970; anything else counts as now.
fn formatted(context: &mut Context<'_>, layout: &str, date: &Value, zone: &str) -> Outcome {
    context.charge_value(layout.len().saturating_mul(4))?;
    let (time, marks) = match &date.data {
        Data::Int(IntType::Int | IntType::Int64 | IntType::Int32, seconds) => {
            (Time::unix(*seconds), Marks::NONE)
        }
        _ => as_time(date).map_or_else(|| clock(context), |time| (time, Marks::NONE)),
    };
    let zone = Zone::load(zone).unwrap_or(Zone::Utc);
    Ok(Value::from(layout::format(&time.within(zone), layout)).marked(marks))
}

fn time_at(args: &[Value], at: usize) -> Time {
    as_time(any(args, at)).unwrap_or(Time::ZERO)
}

fn date_modify(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let time = time_at(args, 1);
    Ok(match Duration::parse(&string(args, 0)) {
        Ok(duration) => Value::object(time.plus(i128::from(duration.0))),
        Err(_) => any(args, 1).clone(),
    })
}

fn must_date_modify(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let duration = Duration::parse(&string(args, 0)).map_err(CallError::new)?;
    Ok(Value::object(time_at(args, 1).plus(i128::from(duration.0))))
}

fn ago(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let (now, marks) = clock(context);
    let then = match &any(args, 0).data {
        Data::Int(IntType::Int | IntType::Int64, seconds) => Time::unix(*seconds),
        _ => as_time(any(args, 0)).unwrap_or_else(|| now.clone()),
    };
    let distance = now.since(&then).rounded(Duration(1_000_000_000));
    Ok(Value::from(distance.print()).marked(marks))
}

fn duration_text(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let seconds = match &any(args, 0).data {
        Data::Text(text) => match parse_int(text.bytes(), 10) {
            Ok(number) | Err(NumberError::Range(number)) => number,
            Err(NumberError::Syntax) => 0,
        },
        Data::Int(IntType::Int64, number) => *number,
        _ => 0,
    };
    Ok(Duration(seconds.wrapping_mul(1_000_000_000)).print().into())
}

fn duration_round(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let value = any(args, 0);
    let (duration, marks) = match &value.data {
        Data::Text(text) => (Duration::parse(&text.to_str_lossy()).unwrap_or(Duration(0)), Marks::NONE),
        Data::Int(IntType::Int64, number) => (Duration(*number), Marks::NONE),
        _ => match as_time(value) {
            Some(then) => {
                let (now, marks) = clock(context);
                (now.since(&then), marks)
            }
            None => (Duration(0), Marks::NONE),
        },
    };
    let size = duration.0.unsigned_abs();
    const HOUR: u64 = 3_600_000_000_000;
    let units = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
    ];
    let text =
        units.iter().find(|(unit, _)| size > *unit).map(|(unit, name)| format!("{}{name}", size / unit));
    Ok(Value::from(text.unwrap_or_else(|| "0s".to_string())).marked(marks))
}

fn to_date(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::object(reading::parse(&string(args, 0), &string(args, 1)).unwrap_or(Time::ZERO)))
}

fn must_to_date(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    reading::parse(&string(args, 0), &string(args, 1)).map(Value::object).map_err(CallError::new)
}

/// Reads a date; a given zone is that of dates without one, which TOML names so that it can tell them.
///
/// # Errors
/// With Go's message.
pub(crate) fn local_date(layout: &str, text: &str, zone: Option<&str>) -> Result<Value, String> {
    let time = reading::parse(layout, text)?;
    Ok(Value::object(match zone {
        Some(name) => time.within(Zone::Fixed(name.into(), 0)),
        None => time,
    }))
}

fn unix_epoch(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(time_at(args, 0).seconds.to_string().into())
}
