//! Dates read by a layout, with Go's rules and messages.

use std::fmt::Write;
use std::rc::Rc;

use super::layout::{Element, next_element};
use super::time::{DAYS, MONTHS, Time, Zone, days_in};

/// What has been read of a date.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: i64,
    after_noon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

/// Why an element could not be read.
enum Bad {
    /// The text does not fit.
    Text,
    /// A number is out of its range, by name.
    Range(&'static str),
}

type Read<'t, T> = Result<(T, &'t str), Bad>;

/// Reads a date as `time.ParseInLocation(layout, value, time.Local)` does.
///
/// # Errors
/// Go's message.
pub(super) fn parse(layout: &str, value: &str) -> Result<Time, String> {
    let wrong = |message: &str| format!("parsing time {}{message}", quote(value));
    let mut found = Found::default();
    let (mut rest_layout, mut rest) = (layout, value);
    loop {
        let (before, element) = next_element(rest_layout);
        let mismatch = |text: &str, element: &str| {
            let shown = format!(" as {}: cannot parse {} as {}", quote(layout), quote(text), quote(element));
            wrong(&shown)
        };
        rest = skip(rest, before).map_err(|at| mismatch(at, before))?;
        let Some((element, length)) = element else { break };
        let name = &rest_layout[before.len()..before.len() + length];
        rest_layout = &rest_layout[before.len() + length..];
        rest = found.read(element, rest, rest_layout).map_err(|bad| match bad {
            Bad::Text => mismatch(rest, name),
            Bad::Range(what) => wrong(&format!(": {what} out of range")),
        })?;
    }
    if !rest.is_empty() {
        return Err(wrong(&format!(": extra text: {}", quote(rest))));
    }
    found.finish().map_err(|message| wrong(&format!(": {message}")))
}

/// Quotes as Go's `time` package does: what is no plain ASCII is escaped byte by byte.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for rune in text.chars() {
        if !rune.is_ascii() || rune < ' ' {
            let mut buffer = [0; 4];
            for byte in rune.encode_utf8(&mut buffer).bytes() {
                let _ = write!(out, "\\x{byte:02x}");
            }
            continue;
        }
        if rune == '"' || rune == '\\' {
            out.push('\\');
        }
        out.push(rune);
    }
    out.push('"');
    out
}

/// Skips literal text; a run of blanks matches any run of blanks. The error is where it stopped.
fn skip<'t>(mut value: &'t str, mut prefix: &str) -> Result<&'t str, &'t str> {
    while let Some(wanted) = prefix.chars().next() {
        if wanted == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(value);
            }
            prefix = prefix.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(wanted).ok_or(value)?;
        prefix = &prefix[wanted.len_utf8()..];
    }
    Ok(value)
}

fn digit(text: &str, at: usize) -> Option<i64> {
    text.as_bytes().get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'))
}

/// Reads one or two digits; exactly two if `fixed`.
fn two_digits(text: &str, fixed: bool) -> Read<'_, i64> {
    match (digit(text, 0), digit(text, 1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &text[2..])),
        (Some(only), None) if !fixed => Ok((only, &text[1..])),
        _ => Err(Bad::Text),
    }
}

fn limited<'t>(
    text: &'t str,
    fixed: bool,
    range: std::ops::RangeInclusive<i64>,
    what: &'static str,
) -> Read<'t, i64> {
    let (number, rest) = two_digits(text, fixed)?;
    if range.contains(&number) { Ok((number, rest)) } else { Err(Bad::Range(what)) }
}

fn name_in<'t>(names: &[&str], length: Option<usize>, text: &'t str) -> Read<'t, i64> {
    for (at, name) in names.iter().enumerate() {
        let name = &name[..length.unwrap_or(name.len())];
        if text.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            return Ok((at as i64, &text[name.len()..]));
        }
    }
    Err(Bad::Text)
}

/// Reads a separator and digits behind it as nanoseconds.
fn nanoseconds(text: &str, length: usize) -> Read<'_, i64> {
    let digits = text.get(1..length).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let digits = digits.filter(|_| text.starts_with(['.', ','])).ok_or(Bad::Text)?;
    let kept = &digits[..digits.len().min(9)];
    let number = format!("{kept:0<9}").parse().map_err(|_| Bad::Text)?;
    Ok((number, &text[length..]))
}

impl Found {
    fn read<'t>(&mut self, element: Element, text: &'t str, layout: &str) -> Result<&'t str, Bad> {
        use Element::*;
        let unpadded = |text: &'t str| text.strip_prefix(' ').unwrap_or(text);
        let rest;
        match element {
            LongMonth | Month => {
                let (at, behind) = name_in(&MONTHS, (element == Month).then_some(3), text)?;
                (self.month, rest) = (Some(at + 1), behind);
            }
            NumberMonth | ZeroMonth => {
                let (number, behind) = limited(text, element == ZeroMonth, 1..=12, "month")?;
                (self.month, rest) = (Some(number), behind);
            }
            LongWeekday | Weekday => rest = name_in(&DAYS, (element == Weekday).then_some(3), text)?.1,
            Day | UnderDay | ZeroDay => {
                let text = if element == UnderDay { unpadded(text) } else { text };
                let (number, behind) = two_digits(text, element == ZeroDay)?;
                (self.day, rest) = (Some(number), behind);
            }
            UnderYearDay | ZeroYearDay => {
                let fixed = element == ZeroYearDay;
                let text = if fixed { text } else { unpadded(unpadded(text)) };
                let digits = (0..3).take_while(|at| digit(text, *at).is_some()).count();
                if digits == 0 || fixed && digits != 3 {
                    return Err(Bad::Text);
                }
                (self.year_day, rest) = (text[..digits].parse().ok(), &text[digits..]);
            }
            Hour => (self.hour, rest) = limited(text, false, 0..=23, "hour")?,
            Hour12 | ZeroHour12 => (self.hour, rest) = limited(text, element == ZeroHour12, 0..=12, "hour")?,
            Minute | ZeroMinute => {
                (self.minute, rest) = limited(text, element == ZeroMinute, 0..=59, "minute")?
            }
            Second | ZeroSecond => rest = self.read_second(text, element == ZeroSecond, layout)?,
            LongYear => {
                let digits = text.get(..4).filter(|_| digit(text, 0).is_some()).ok_or(Bad::Text)?;
                (self.year, rest) = (digits.parse().map_err(|_| Bad::Text)?, &text[4..]);
            }
            Year => {
                let digits = text.get(..2).ok_or(Bad::Text)?;
                let number: i64 = digits.parse().map_err(|_| Bad::Text)?;
                (self.year, rest) = (number + if number >= 69 { 1_900 } else { 2_000 }, &text[2..]);
            }
            UpperHalf | LowerHalf => {
                let (before, after) = if element == UpperHalf { ("AM", "PM") } else { ("am", "pm") };
                let half = text.get(..2).filter(|half| *half == before || *half == after).ok_or(Bad::Text)?;
                (self.after_noon, rest) = (Some(half == after), &text[2..]);
            }
            ZoneName => rest = self.read_zone_name(text)?,
            Offset { z, colon, parts } => rest = self.read_offset(text, (z, colon, parts))?,
            Fraction { trimmed: false, digits, .. } => {
                (self.nanoseconds, rest) = nanoseconds(text, digits + 1)?;
            }
            Fraction { trimmed: true, .. } => rest = self.read_optional_fraction(text)?,
        }
        Ok(rest)
    }

    /// A fraction may follow the seconds even if the layout has none.
    fn read_second<'t>(&mut self, text: &'t str, fixed: bool, layout: &str) -> Result<&'t str, Bad> {
        let (number, rest) = limited(text, fixed, 0..=59, "second")?;
        self.second = number;
        let fraction_follows = matches!(next_element(layout).1, Some((Element::Fraction { .. }, _)));
        if fraction_follows { Ok(rest) } else { self.read_optional_fraction(rest) }
    }

    fn read_optional_fraction<'t>(&mut self, text: &'t str) -> Result<&'t str, Bad> {
        if !text.starts_with(['.', ',']) || digit(text, 1).is_none() {
            return Ok(text);
        }
        let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = nanoseconds(text, digits + 1)?;
        self.nanoseconds = number;
        Ok(rest)
    }

    fn read_offset<'t>(
        &mut self,
        text: &'t str,
        (z, colon, parts): (bool, bool, u8),
    ) -> Result<&'t str, Bad> {
        if let (true, Some(rest)) = (z, text.strip_prefix('Z')) {
            self.utc = true;
            return Ok(rest);
        }
        let step = if colon { 3 } else { 2 };
        let length = 3 + step * usize::from(parts - 1);
        let shown = text.get(..length).ok_or(Bad::Text)?;
        let mut numbers = [0; 3];
        for (at, number) in numbers.iter_mut().enumerate().take(usize::from(parts)) {
            let start = 1 + at * step;
            if colon && at > 0 && shown.as_bytes()[start - 1] != b':' {
                return Err(Bad::Text);
            }
            *number = two_digits(shown.get(start..start + 2).ok_or(Bad::Text)?, true)?.0;
        }
        let [hours, minutes, seconds] = numbers;
        let names = ["time zone offset hour", "time zone offset minute", "time zone offset second"];
        for (number, (limit, name)) in numbers.iter().zip([24, 60, 60].iter().zip(names)) {
            if number > limit {
                return Err(Bad::Range(name));
            }
        }
        let size = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match shown.as_bytes()[0] {
            b'+' => size,
            b'-' => -size,
            _ => return Err(Bad::Text),
        });
        Ok(&text[length..])
    }

    fn read_zone_name<'t>(&mut self, text: &'t str) -> Result<&'t str, Bad> {
        if let Some(rest) = text.strip_prefix("UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(text).ok_or(Bad::Text)?;
        self.zone_name = Some(text[..length].to_string());
        Ok(&text[length..])
    }

    fn finish(mut self) -> Result<Time, &'static str> {
        match self.after_noon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.date()?;
        if day < 1 || day > days_in(self.year, month) {
            return Err("day out of range");
        }
        let wall = Time::of_civil(self.year, month, day, (self.hour, self.minute, self.second));
        let mut time = wall.plus(i128::from(self.nanoseconds));
        if self.utc {
            return Ok(time);
        }
        if let Some(offset) = self.offset {
            time.seconds -= offset;
            let named = self.zone_name.as_deref().is_some_and(|name| name != "UTC");
            if offset != 0 || named {
                time.zone = Zone::Fixed(Rc::from(self.zone_name.unwrap_or_default()), offset as i32);
            }
        } else if let Some(name) = self.zone_name {
            let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok()).unwrap_or(0);
            time.zone = Zone::Fixed(Rc::from(name), hours * 3_600);
        }
        Ok(time)
    }

    fn date(&self) -> Result<(i64, i64), &'static str> {
        let Some(year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let length: i64 = (1..=12).map(|month| days_in(self.year, month)).sum();
        if year_day < 1 || year_day > length {
            return Err("day-of-year out of range");
        }
        let (mut month, mut day) = (1, year_day);
        while day > days_in(self.year, month) {
            day -= days_in(self.year, month);
            month += 1;
        }
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }
}

/// Returns the length of what looks like a time zone's abbreviation.
fn zone_name_length(text: &str) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return Some(4);
    }
    if let Some(behind) = text.strip_prefix("GMT") {
        return Some(3 + signed_offset_length(behind));
    }
    if text.starts_with(['+', '-']) {
        return Some(signed_offset_length(text)).filter(|length| *length > 0);
    }
    let capitals = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    match capitals {
        5 if text.as_bytes()[4] == b'T' => Some(5),
        4 if text.as_bytes()[3] == b'T' || text.starts_with("WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}

fn signed_offset_length(text: &str) -> usize {
    if !text.starts_with(['+', '-']) {
        return 0;
    }
    let digits = text[1..].bytes().take_while(u8::is_ascii_digit).count();
    let hours = text[1..1 + digits].parse::<u64>();
    if hours.is_ok_and(|hours| hours <= 23) { 1 + digits } else { 0 }
}
