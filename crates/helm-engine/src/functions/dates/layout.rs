//! Go's layouts: a date written as an example (`2006-01-02 15:04:05`) says how dates are written.

use std::fmt::Write;

use super::time::{DAYS, MONTHS, Time};

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongMonth,
    Month,
    NumberMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperHalf,
    LowerHalf,
    ZoneName,
    Offset { z: bool, colon: bool, parts: u8 },
    Fraction { trimmed: bool, digits: usize, separator: char },
}

/// Splits a layout at its first element: the text before, the element with its length, the rest.
pub(super) fn next_element(layout: &str) -> (&str, Option<(Element, usize)>) {
    for (at, _) in layout.char_indices() {
        if let Some((element, skip, length)) = element_at(&layout[at..]) {
            return (&layout[..at + skip], Some((element, length)));
        }
    }
    (layout, None)
}

/// Returns the element at the start of a text, how many bytes before it are literal, and its length.
fn element_at(text: &str) -> Option<(Element, usize, usize)> {
    use Element::*;
    let lower_follows = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_lowercase);
    let simple: &[(&str, Element)] = match text.as_bytes().first()? {
        b'J' => &[("January", LongMonth), ("Jan", Month)],
        b'M' => &[("Monday", LongWeekday), ("Mon", Weekday), ("MST", ZoneName)],
        b'0' => &[
            ("01", ZeroMonth),
            ("02", ZeroDay),
            ("03", ZeroHour12),
            ("04", ZeroMinute),
            ("05", ZeroSecond),
            ("06", Year),
            ("002", ZeroYearDay),
        ],
        b'1' => &[("15", Hour), ("1", NumberMonth)],
        b'2' => &[("2006", LongYear), ("2", Day)],
        b'_' if text.starts_with("_2006") => return Some((LongYear, 1, 4)),
        b'_' => &[("_2", UnderDay), ("__2", UnderYearDay)],
        b'3' => &[("3", Hour12)],
        b'4' => &[("4", Minute)],
        b'5' => &[("5", Second)],
        b'P' => &[("PM", UpperHalf)],
        b'p' => &[("pm", LowerHalf)],
        b'-' | b'Z' => return offset_at(text).map(|(element, length)| (element, 0, length)),
        b'.' | b',' => return fraction_at(text).map(|(element, length)| (element, 0, length)),
        _ => return None,
    };
    let found = simple.iter().find(|(name, element)| {
        text.starts_with(name) && !(matches!(element, Month | Weekday) && lower_follows(3))
    })?;
    Some((found.1, 0, found.0.len()))
}

fn offset_at(text: &str) -> Option<(Element, usize)> {
    let z = text.starts_with('Z');
    let forms = [
        ("070000", false, 3),
        ("07:00:00", true, 3),
        ("0700", false, 2),
        ("07:00", true, 2),
        ("07", false, 1),
    ];
    let (form, colon, parts) = forms.into_iter().find(|(form, ..)| text[1..].starts_with(form))?;
    Some((Element::Offset { z, colon, parts }, 1 + form.len()))
}

fn fraction_at(text: &str) -> Option<(Element, usize)> {
    let bytes = text.as_bytes();
    let digit = *bytes.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = bytes[1..].iter().take_while(|byte| **byte == digit).count();
    if bytes.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let separator = char::from(bytes[0]);
    Some((Element::Fraction { trimmed: digit == b'9', digits, separator }, 1 + digits))
}

/// Writes a time as `Time.Format` does.
pub(super) fn format(time: &Time, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (before, element) = next_element(rest);
        out.push_str(before);
        let Some((element, length)) = element else { return out };
        write_element(&mut out, time, element);
        rest = &rest[before.len() + length..];
    }
}

fn write_element(out: &mut String, time: &Time, element: Element) {
    let civil = time.civil();
    let month = MONTHS[(civil.month - 1) as usize];
    let weekday = DAYS[civil.weekday as usize];
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    // Writing to a String cannot fail.
    let _ = match element {
        Element::LongMonth => out.write_str(month),
        Element::Month => out.write_str(&month[..3]),
        Element::NumberMonth => write!(out, "{}", civil.month),
        Element::ZeroMonth => write!(out, "{:02}", civil.month),
        Element::LongWeekday => out.write_str(weekday),
        Element::Weekday => out.write_str(&weekday[..3]),
        Element::Day => write!(out, "{}", civil.day),
        Element::UnderDay => write!(out, "{:2}", civil.day),
        Element::ZeroDay => write!(out, "{:02}", civil.day),
        Element::UnderYearDay => write!(out, "{:3}", civil.year_day),
        Element::ZeroYearDay => write!(out, "{:03}", civil.year_day),
        Element::Hour => write!(out, "{:02}", civil.hour),
        Element::Hour12 => write!(out, "{hour12}"),
        Element::ZeroHour12 => write!(out, "{hour12:02}"),
        Element::Minute => write!(out, "{}", civil.minute),
        Element::ZeroMinute => write!(out, "{:02}", civil.minute),
        Element::Second => write!(out, "{}", civil.second),
        Element::ZeroSecond => write!(out, "{:02}", civil.second),
        Element::LongYear if civil.year < 0 => write!(out, "-{:04}", -civil.year),
        Element::LongYear => write!(out, "{:04}", civil.year),
        Element::Year => write!(out, "{:02}", civil.year.abs() % 100),
        Element::UpperHalf => out.write_str(if civil.hour >= 12 { "PM" } else { "AM" }),
        Element::LowerHalf => out.write_str(if civil.hour >= 12 { "pm" } else { "am" }),
        Element::ZoneName => return write_zone_name(out, time),
        Element::Offset { z, colon, parts } => return write_offset(out, time.offset().1, (z, colon, parts)),
        Element::Fraction { trimmed, digits, separator } => {
            return write_fraction(out, time.nanoseconds, (trimmed, digits, separator));
        }
    };
}

fn write_zone_name(out: &mut String, time: &Time) {
    let (name, offset) = time.offset();
    if name.is_empty() {
        write_offset(out, offset, (false, false, 2));
    } else {
        out.push_str(&name);
    }
}

fn write_offset(out: &mut String, offset: i64, (z, colon, parts): (bool, bool, u8)) {
    if z && offset == 0 {
        out.push('Z');
        return;
    }
    let minutes = (offset / 60).abs();
    let separator = if colon { ":" } else { "" };
    out.push(if offset / 60 < 0 { '-' } else { '+' });
    let _ = write!(out, "{:02}", minutes / 60);
    if parts > 1 {
        let _ = write!(out, "{separator}{:02}", minutes % 60);
    }
    if parts > 2 {
        let _ = write!(out, "{separator}{:02}", offset.abs() % 60);
    }
}

fn write_fraction(out: &mut String, nanoseconds: u32, (trimmed, digits, separator): (bool, usize, char)) {
    if trimmed && nanoseconds == 0 {
        return;
    }
    let all = format!("{nanoseconds:09}");
    let shown = &all[..digits.min(9)];
    let shown = if trimmed { shown.trim_end_matches('0') } else { shown };
    if !shown.is_empty() {
        out.push(separator);
        out.push_str(shown);
    }
}
