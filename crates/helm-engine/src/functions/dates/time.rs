//! A point in time with a place: Go's `time.Time`, with the methods that templates call.

use std::any::Any;
use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::super::arguments::{Outcome, integer, string};
use super::duration::Duration;
use super::layout;
use crate::context::Context;
use crate::error::CallError;
use crate::value::{Data, Object, Value};

/// Seconds from the start of the year 1, which is Go's zero time, to 1970.
const EPOCH: i64 = 62_135_596_800;
const NANOS: i128 = 1_000_000_000;

/// A point in time with the zone that it is shown in.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
    pub(super) zone: Zone,
}

/// Where a time is shown.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    /// UTC, which is the local zone here too.
    Utc,
    /// A fixed offset in seconds, as read from a text.
    Fixed(Rc<str>, i32),
    /// A zone of the bundled database.
    Named(TimeZone),
}

/// A date of the Gregorian calendar and a time of the day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) weekday: i64,
    pub(super) year_day: i64,
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const DAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Zone {
    /// Returns the zone of a name as `time.LoadLocation` does.
    pub(super) fn load(name: &str) -> Option<Zone> {
        if matches!(name, "" | "UTC" | "Local") {
            return Some(Zone::Utc);
        }
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        (zone.iana_name() == Some(name)).then_some(Zone::Named(zone))
    }

    /// Returns the zone's abbreviation and offset in seconds at a time.
    pub(super) fn at(&self, seconds: i64) -> (String, i64) {
        match self {
            Zone::Utc => ("UTC".to_string(), 0),
            Zone::Fixed(name, offset) => (name.to_string(), i64::from(*offset)),
            Zone::Named(zone) => match Timestamp::from_second(seconds) {
                Ok(at) => {
                    let found = zone.to_offset_info(at);
                    (found.abbreviation().to_string(), i64::from(found.offset().seconds()))
                }
                Err(_) => ("UTC".to_string(), 0),
            },
        }
    }

    fn name(&self) -> String {
        match self {
            Zone::Utc => "UTC".to_string(),
            Zone::Fixed(name, _) => name.to_string(),
            Zone::Named(zone) => zone.iana_name().unwrap_or_default().to_string(),
        }
    }
}

impl Time {
    /// Go's zero time.
    pub(super) const ZERO: Time = Time { seconds: -EPOCH, nanoseconds: 0, zone: Zone::Utc };

    /// Returns the time of a number of seconds since 1970.
    pub(super) fn unix(seconds: i64) -> Time {
        Time { seconds, nanoseconds: 0, zone: Zone::Utc }
    }

    /// Returns the time that `now` answers.
    pub(super) fn now(context: &mut Context<'_>) -> Time {
        Time::unix(0).plus(context.now_unix_nanoseconds())
    }

    /// Returns the time of a date in UTC.
    pub(super) fn of_civil(year: i64, month: i64, day: i64, (hour, minute, second): (i64, i64, i64)) -> Time {
        let months = (month - 1).rem_euclid(12);
        let year = year.saturating_add((month - 1).div_euclid(12));
        let days = days_of(year, months + 1).saturating_add(day - 1);
        let clock =
            hour.saturating_mul(3_600).saturating_add(minute.saturating_mul(60)).saturating_add(second);
        Time::unix(days.saturating_mul(86_400).saturating_add(clock))
    }

    /// Returns the same time shown elsewhere.
    pub(super) fn within(&self, zone: Zone) -> Time {
        Time { zone, ..self.clone() }
    }

    fn total(&self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanoseconds)
    }

    /// Adds nanoseconds.
    pub(super) fn plus(&self, nanoseconds: i128) -> Time {
        let total = self.total() + nanoseconds;
        let seconds = i64::try_from(total.div_euclid(NANOS)).unwrap_or(i64::MAX);
        Time { seconds, nanoseconds: total.rem_euclid(NANOS) as u32, zone: self.zone.clone() }
    }

    /// Returns the duration since an earlier time, limited to what a duration can hold.
    pub(super) fn since(&self, earlier: &Time) -> Duration {
        let distance = self.total() - earlier.total();
        Duration(distance.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    /// Returns the zone's abbreviation and offset at this time.
    pub(super) fn offset(&self) -> (String, i64) {
        self.zone.at(self.seconds)
    }

    /// Returns date and clock where the time is shown.
    pub(super) fn civil(&self) -> Civil {
        let local = self.seconds.saturating_add(self.offset().1);
        let (days, clock) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = date_of(days);
        Civil {
            year,
            month,
            day,
            hour: clock / 3_600,
            minute: clock / 60 % 60,
            second: clock % 60,
            weekday: (days + 4).rem_euclid(7),
            year_day: days - days_of(year, 1) + 1,
        }
    }

    fn multiple(&self, step: i64) -> (i128, i128) {
        let step = i128::from(step);
        (((self.total() + i128::from(EPOCH) * NANOS).rem_euclid(step)), step)
    }

    fn truncated(&self, step: i64) -> Time {
        if step <= 0 { self.clone() } else { self.plus(-self.multiple(step).0) }
    }

    fn rounded(&self, step: i64) -> Time {
        if step <= 0 {
            return self.clone();
        }
        let (rest, step) = self.multiple(step);
        self.plus(if rest * 2 < step { -rest } else { step - rest })
    }

    /// Moves the date and keeps the clock where the time is shown.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Time {
        let now = self.civil();
        let clock = (now.hour, now.minute, now.second);
        let wall = Time::of_civil(
            now.year.saturating_add(years),
            now.month.saturating_add(months),
            now.day.saturating_add(days),
            clock,
        );
        let seconds = instant_of_wall(&self.zone, wall.seconds);
        Time { seconds, nanoseconds: self.nanoseconds, zone: self.zone.clone() }
    }
}

/// Returns the time at which the clocks of a zone show `wall`, with Go's choice where there are two or none.
pub(super) fn instant_of_wall(zone: &Zone, wall: i64) -> i64 {
    let offset = zone.at(wall).1;
    if offset == 0 {
        return wall;
    }
    let guess = wall - offset;
    let at_guess = zone.at(guess).1;
    if at_guess == offset { guess } else { wall - at_guess }
}

/// Returns the days from 1970 to the first of a month.
fn days_of(year: i64, month: i64) -> i64 {
    let year = year.clamp(-1_000_000_000_000, 1_000_000_000_000) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

/// Returns the number of days of a month.
pub(super) fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 { days_of(year + 1, 1) } else { days_of(year, month + 1) };
    next - days_of(year, month)
}

impl Object for Time {
    fn type_name(&self) -> &str {
        "time.Time"
    }

    fn call(&self, name: &str, args: &[Value], _: &mut Context<'_>) -> Option<Outcome> {
        let wanted = match name {
            "AddDate" => 3,
            "Format" | "Add" | "Sub" | "Before" | "After" | "Equal" | "Compare" | "Round" | "Truncate"
            | "In" => 1,
            _ => 0,
        };
        let result = self.number(name).map(Value::int).map(Ok).or_else(|| self.method(name, args))?;
        if args.len() != wanted {
            let message = format!("wrong number of args for {name}: want {wanted} got {}", args.len());
            return Some(Err(CallError::new(message)));
        }
        Some(result)
    }

    fn print(&self) -> String {
        layout::format(self, "2006-01-02 15:04:05.999999999 -0700 MST")
    }

    fn to_plain(&self) -> Value {
        layout::format(self, "2006-01-02T15:04:05.999999999Z07:00").into()
    }

    fn toml_literal(&self) -> Option<String> {
        let layout = match &self.zone {
            Zone::Fixed(name, _) if &**name == "datetime-local" => "2006-01-02T15:04:05.999999999",
            Zone::Fixed(name, _) if &**name == "date-local" => "2006-01-02",
            Zone::Fixed(name, _) if &**name == "time-local" => "15:04:05.999999999",
            _ => "2006-01-02T15:04:05.999999999Z07:00",
        };
        Some(layout::format(self, layout))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Time {
    fn number(&self, name: &str) -> Option<i64> {
        let civil = self.civil();
        Some(match name {
            "Year" => civil.year,
            "Day" => civil.day,
            "Hour" => civil.hour,
            "Minute" => civil.minute,
            "Second" => civil.second,
            "Nanosecond" => i64::from(self.nanoseconds),
            "YearDay" => civil.year_day,
            _ => return None,
        })
    }

    fn method(&self, name: &str, args: &[Value]) -> Option<Outcome> {
        let long = |number: i128| Ok(Value::int64(number as i64));
        Some(match name {
            "Unix" => long(i128::from(self.seconds)),
            "UnixMilli" => long(self.total().div_euclid(1_000_000)),
            "UnixMicro" => long(self.total().div_euclid(1_000)),
            "UnixNano" => long(self.total()),
            "Month" => Ok(Value::object(Named { kind: NamedNumber::Month, number: self.civil().month })),
            "Weekday" => {
                Ok(Value::object(Named { kind: NamedNumber::Weekday, number: self.civil().weekday }))
            }
            "String" => Ok(self.print().into()),
            "Format" => Ok(layout::format(self, &string(args, 0)).into()),
            "IsZero" => Ok(Value::bool(self.total() == Time::ZERO.total())),
            "UTC" | "Local" => Ok(Value::object(self.within(Zone::Utc))),
            "Location" => Ok(Value::object(Location(self.zone.clone()))),
            "In" => location_of(args).map(|zone| Value::object(self.within(zone))),
            "Add" => duration_of(args).map(|by| Value::object(self.plus(i128::from(by)))),
            "Round" => duration_of(args).map(|by| Value::object(self.rounded(by))),
            "Truncate" => duration_of(args).map(|by| Value::object(self.truncated(by))),
            "AddDate" => {
                Ok(Value::object(self.add_date(integer(args, 0), integer(args, 1), integer(args, 2))))
            }
            "Sub" => time_of(args).map(|other| Value::object(self.since(&other))),
            "Before" => time_of(args).map(|other| Value::bool(self.total() < other.total())),
            "After" => time_of(args).map(|other| Value::bool(self.total() > other.total())),
            "Equal" => time_of(args).map(|other| Value::bool(self.total() == other.total())),
            "Compare" => time_of(args).map(|other| Value::int(self.total().cmp(&other.total()) as i64)),
            "Date" | "Clock" => many_results(name, 3),
            "ISOWeek" | "Zone" | "ZoneBounds" => many_results(name, 2),
            _ => return None,
        })
    }
}

fn many_results(name: &str, count: usize) -> Outcome {
    Err(CallError::new(format!("can't call method/function \"{name}\" with {count} results")))
}

/// Returns the time that a value holds.
pub(super) fn as_time(value: &Value) -> Option<Time> {
    match &value.data {
        Data::Object(object) => object.as_any().downcast_ref::<Time>().cloned(),
        _ => None,
    }
}

fn wrong_type(args: &[Value], wanted: &str) -> CallError {
    let found = args.first().map_or("nothing", Value::kind_name);
    CallError::new(format!("wrong type for value; expected {wanted}; got {found}"))
}

fn time_of(args: &[Value]) -> Result<Time, CallError> {
    args.first().and_then(as_time).ok_or_else(|| wrong_type(args, "time.Time"))
}

fn duration_of(args: &[Value]) -> Result<i64, CallError> {
    let found = args.first().and_then(|value| match &value.data {
        Data::Int(_, number) => Some(*number),
        Data::Object(object) => object.as_any().downcast_ref::<Duration>().map(|duration| duration.0),
        _ => None,
    });
    found.ok_or_else(|| wrong_type(args, "time.Duration"))
}

fn location_of(args: &[Value]) -> Result<Zone, CallError> {
    let found = match args.first().map(|value| &value.data) {
        Some(Data::Object(object)) => object.as_any().downcast_ref::<Location>().map(|place| place.0.clone()),
        _ => None,
    };
    found.ok_or_else(|| wrong_type(args, "*time.Location"))
}

/// Go's `*time.Location`.
struct Location(Zone);

impl Object for Location {
    fn type_name(&self) -> &str {
        "*time.Location"
    }

    fn kind(&self) -> &str {
        "ptr"
    }

    fn call(&self, name: &str, _: &[Value], _: &mut Context<'_>) -> Option<Outcome> {
        (name == "String").then(|| Ok(self.0.name().into()))
    }

    fn print(&self) -> String {
        self.0.name()
    }

    fn to_plain(&self) -> Value {
        Value::map(Default::default())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Go's `time.Month` and `time.Weekday`: integers that print as names.
struct Named {
    kind: NamedNumber,
    number: i64,
}

enum NamedNumber {
    Month,
    Weekday,
}

impl Object for Named {
    fn type_name(&self) -> &str {
        match self.kind {
            NamedNumber::Month => "time.Month",
            NamedNumber::Weekday => "time.Weekday",
        }
    }

    fn kind(&self) -> &str {
        "int"
    }

    fn call(&self, name: &str, _: &[Value], _: &mut Context<'_>) -> Option<Outcome> {
        (name == "String").then(|| Ok(self.print().into()))
    }

    fn print(&self) -> String {
        match self.kind {
            NamedNumber::Month => MONTHS[(self.number - 1).rem_euclid(12) as usize].to_string(),
            NamedNumber::Weekday => DAYS[self.number.rem_euclid(7) as usize].to_string(),
        }
    }

    fn to_plain(&self) -> Value {
        Value::int(self.number)
    }

    fn is_true(&self) -> bool {
        self.number != 0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
