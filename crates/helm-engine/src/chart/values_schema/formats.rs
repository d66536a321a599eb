//! The formats that `santhosh-tekuri/jsonschema` knows, with its rules and messages. Formats that only its sibling crate
//! knows accept everything, as an unknown format does.

use std::error::Error;

use boon::{Compiler, Format};
use serde_json::Value as Json;

use crate::functions::{Address, local_date, parse_address, parse_url};
use crate::template::unicode::quote;

use super::message::quoted_rune;

type Check = fn(&str) -> Result<(), String>;
type Checked = Result<(), String>;

/// Makes an entry that the validator takes: it wants plain functions, so each check needs one of its own.
macro_rules! known {
    ($name:expr, $check:expr) => {
        (
            Format {
                name: $name,
                func: |value| match value {
                    Json::String(text) => ($check as Check)(text).map_err(Box::<dyn Error>::from),
                    _ => Ok(()),
                },
            },
            $check as Check,
        )
    };
}

/// The name under which schemas ask for Go's regular expressions: the validator does not let go of its own.
pub(super) const GO_REGEX: &str = "regex, as Go has it";

const FORMATS: [(Format, Check); 21] = [
    known!(GO_REGEX, go_regex),
    known!("json-pointer", json_pointer),
    known!("relative-json-pointer", relative_json_pointer),
    known!("uuid", uuid),
    known!("duration", duration),
    known!("period", period),
    known!("ipv4", ipv4),
    known!("ipv6", ipv6),
    known!("hostname", hostname),
    known!("email", email),
    known!("date", date),
    known!("time", time),
    known!("date-time", date_time),
    known!("uri", uri),
    known!("iri", uri),
    known!("uri-reference", uri_reference),
    known!("iri-reference", uri_reference),
    known!("uri-template", uri_template),
    known!("semver", semver),
    known!("idn-email", |_| Ok(())),
    known!("idn-hostname", |_| Ok(())),
];

/// Makes a compiler use these formats, wherever it asks for any but those of its own metaschemas.
pub(super) fn register(compiler: &mut Compiler) {
    for (format, _) in FORMATS {
        compiler.register_format(format);
    }
}

/// Returns what is wrong with a text, by these rules.
pub(super) fn complaint(format: &str, text: &str) -> Option<String> {
    if format == "regex" {
        return go_regex(text).err();
    }
    let (_, check) = FORMATS.iter().find(|(known, _)| known.name == format)?;
    check(text).err()
}

fn go_regex(text: &str) -> Checked {
    crate::functions::regex_for_crate(text).map(|_| ())
}

fn refuse(is_bad: bool, message: &str) -> Checked {
    if is_bad { Err(message.to_owned()) } else { Ok(()) }
}

/// Refuses the first character that is not allowed.
fn all_allowed(text: &str, is_allowed: impl Fn(char) -> bool) -> Checked {
    match text.chars().find(|rune| !is_allowed(*rune)) {
        Some(rune) => Err(format!("invalid character {}", quoted_rune(rune))),
        None => Ok(()),
    }
}

fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    refuse(!text.starts_with('/'), "not starting with /")?;
    for token in text.split('/').skip(1) {
        let is_bad = token.split('~').skip(1).any(|behind| !behind.starts_with(['0', '1']));
        refuse(is_bad, "~ must be followed by 0 or 1")?;
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Checked {
    let digits = leading_digits(text);
    refuse(digits == 0, "must start with non-negative integer")?;
    refuse(digits > 1 && text.starts_with('0'), "starts with zero")?;
    if &text[digits..] == "#" { Ok(()) } else { json_pointer(&text[digits..]) }
}

fn leading_digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn uuid(text: &str) -> Checked {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    refuse(groups.len() != LENGTHS.len(), "must have 5 elements")?;
    for (at, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        if group.len() != length {
            return Err(format!("element {} must be {length} characters long", at + 1));
        }
        if let Some(rune) = group.chars().find(|rune| !rune.is_ascii_hexdigit()) {
            return Err(format!("non-hex character {}", quoted_rune(rune)));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Checked {
    const UNITS: [&str; 2] = ["YMD", "HMS"];
    let text = text.strip_prefix('P').ok_or("must start with P")?;
    refuse(text.is_empty(), "nothing after P")?;
    if let Some(weeks) = text.strip_suffix('W') {
        refuse(weeks.is_empty(), "no number in week")?;
        return refuse(!weeks.bytes().all(|byte| byte.is_ascii_digit()), "invalid week");
    }
    for (at, mut part) in text.split('T').enumerate() {
        refuse(at != 0 && part.is_empty(), "no time elements")?;
        let all = UNITS.get(at).ok_or("more than one T")?;
        let mut left = *all;
        while !part.is_empty() {
            let digits = leading_digits(part);
            refuse(digits == 0, "missing number")?;
            part = &part[digits..];
            let unit = part.bytes().next().ok_or("missing unit")?;
            let shown = || quoted_rune(char::from(unit));
            let Some(place) = left.bytes().position(|known| known == unit) else {
                return Err(match all.bytes().any(|known| known == unit) {
                    true => format!("unit {} out of order", shown()),
                    false => format!("invalid unit {}", shown()),
                });
            };
            left = &left[place + 1..];
            part = &part[1..];
        }
    }
    Ok(())
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    refuse(groups.len() != 4, "expected four decimals")?;
    for group in groups {
        refuse(group.len() > 1 && group.starts_with('0'), "leading zeros")?;
        let digits = group.strip_prefix(['+', '-']).unwrap_or(group);
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let wrong = |why: &str| format!("strconv.Atoi: parsing {}: {why}", quote(group.as_bytes()));
        if !is_number {
            return Err(wrong("invalid syntax"));
        }
        let number: i64 = group.parse().map_err(|_| wrong("value out of range"))?;
        refuse(!(0..=255).contains(&number), "decimal must be between 0 and 255")?;
    }
    Ok(())
}

fn ipv6(text: &str) -> Checked {
    refuse(!text.contains(':'), "missing colon")?;
    let address = parse_address(text)?;
    refuse(address == Address::V6 { has_zone: true }, "zone id is not a part of ipv6 address")
}

fn hostname(text: &str) -> Checked {
    let text = text.strip_suffix('.').unwrap_or(text);
    refuse(text.len() > 253, "more than 253 characters long")?;
    for label in text.split('.') {
        refuse(!(1..=63).contains(&label.len()), "label must be 1 to 63 characters long")?;
        refuse(label.starts_with('-'), "label starts with hyphen")?;
        refuse(label.ends_with('-'), "label ends with hyphen")?;
        all_allowed(label, |rune| rune.is_ascii_alphanumeric() || rune == '-')?;
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    refuse(text.len() > 254, "more than 255 characters long")?;
    let (local, domain) = text.rsplit_once('@').ok_or("missing @")?;
    refuse(local.len() > 64, "local part more than 64 characters long")?;
    if local.len() > 1 && local.starts_with('"') && local.ends_with('"') {
        let is_bad = local[1..local.len() - 1].contains(['\\', '"']);
        refuse(is_bad, "backslash and quote are not allowed within quoted local part")?;
    } else {
        refuse(local.starts_with('.'), "starts with dot")?;
        refuse(local.ends_with('.'), "ends with dot")?;
        refuse(local.contains(".."), "consecutive dots")?;
        all_allowed(local, |rune| rune.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(rune))?;
    }
    let Some(address) = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) else {
        return hostname(domain).map_err(|error| format!("invalid domain: {error}"));
    };
    match address.strip_prefix("IPv6:") {
        Some(address) => ipv6(address).map_err(|error| format!("invalid ipv6 address: {error}")),
        None => ipv4(address).map_err(|error| format!("invalid ipv4 address: {error}")),
    }
}

fn date(text: &str) -> Checked {
    local_date("2006-01-02", text, None).map(|_| ())
}

/// Reads `hh:mm` or `hh:mm:ss`; each part is a number without a sign.
fn clock<const N: usize>(text: &str, place: &str) -> Result<[u32; N], String> {
    let mut numbers = [0; N];
    let parts: Vec<&str> = text.splitn(N, ':').collect();
    for (number, part) in numbers.iter_mut().zip(&parts) {
        let value: i64 = part.parse().map_err(|_| format!("invalid {place}"))?;
        *number = u32::try_from(value).map_err(|_| format!("non-positive {place}"))?;
    }
    if parts.len() == N { Ok(numbers) } else { Err(format!("missing {place}")) }
}

fn time(text: &str) -> Checked {
    let bytes = text.as_bytes();
    refuse(bytes.len() < 9, "less than 9 characters long")?;
    refuse(bytes[2] != b':' || bytes[5] != b':', "missing colon in correct place")?;
    let invalid = "invalid hour/min/sec";
    let [mut hour, mut minute, second] = clock(text.get(..8).ok_or(invalid)?, "hour/min/sec")?;
    refuse(hour > 23 || minute > 59 || second > 60, "hour/min/sec out of range")?;
    let mut rest = &text[8..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = leading_digits(fraction);
        refuse(digits == 0, "no digits in second fraction")?;
        rest = &fraction[digits..];
    }
    if !matches!(rest, "z" | "Z") {
        refuse(rest.len() != 6, "offset must be 6 characters long")?;
        let sign = match rest.as_bytes()[0] {
            b'+' => -1,
            b'-' => 1,
            _ => return Err("offset must begin with plus/minus".to_owned()),
        };
        refuse(rest.as_bytes()[3] != b':', "missing colon in offset in correct place")?;
        let [hours, minutes] = clock(&rest[1..], "hour/min in offset")?;
        refuse(hours > 23 || minutes > 59, "hour/min in offset out of range")?;
        let moved = (hour * 60 + minute) as i32 + sign * (hours * 60 + minutes) as i32;
        let moved = if moved < 0 { moved + 24 * 60 } else { moved };
        (hour, minute) = (moved as u32 / 60, moved as u32 % 60);
    }
    refuse(second >= 60 && (hour != 23 || minute != 59), "invalid leap second")
}

fn date_time(text: &str) -> Checked {
    refuse(text.len() < 20, "less than 20 characters long")?;
    refuse(!matches!(text.as_bytes()[10], b't' | b'T'), "11th character must be t or T")?;
    date(text.get(..10).unwrap_or_default()).map_err(|error| format!("invalid date element: {error}"))?;
    time(&text[11..]).map_err(|error| format!("invalid time element: {error}"))
}

fn period(text: &str) -> Checked {
    let (start, end) = text.split_once('/').ok_or("missing slash")?;
    let named = |checked: Checked, what: &str| checked.map_err(|error| format!("invalid {what}: {error}"));
    if start.starts_with('P') {
        named(duration(start), "start duration")?;
        return named(date_time(end), "end date-time");
    }
    named(date_time(start), "start date-time")?;
    if end.starts_with('P') {
        named(duration(end), "end duration")
    } else {
        named(date_time(end), "end date-time")
    }
}

fn url(text: &str) -> Result<crate::functions::UrlShape, String> {
    let url = parse_url(text.as_bytes())?;
    if url.hostname.contains(':') {
        refuse(!url.host.contains('[') || !url.host.contains(']'), "ipv6 address not enclosed in brackets")?;
        ipv6(&url.hostname).map_err(|error| format!("invalid ipv6 address: {error}"))?;
    }
    Ok(url)
}

fn uri(text: &str) -> Checked {
    refuse(!url(text)?.is_absolute, "relative url")
}

fn uri_reference(text: &str) -> Checked {
    refuse(text.contains('\\'), "contains \\")?;
    url(text).map(|_| ())
}

fn uri_template(text: &str) -> Checked {
    for token in url(text)?.path.split('/') {
        let mut is_open = false;
        for brace in token.chars().filter(|rune| matches!(rune, '{' | '}')) {
            refuse((brace == '{') == is_open, "nested curly braces")?;
            is_open = !is_open;
        }
        refuse(is_open, "no matching closing brace")?;
    }
    Ok(())
}

fn semver(text: &str) -> Checked {
    let is_in_identifier = |rune: char| rune.is_ascii_alphanumeric() || rune == '-';
    let mut text = text;
    if let Some((before, build)) = text.split_once('+') {
        refuse(build.is_empty(), "build is empty")?;
        for identifier in build.split('.') {
            refuse(identifier.is_empty(), "build identifier is empty")?;
            all_allowed(identifier, is_in_identifier).map_err(|error| error + " in build identifier")?;
        }
        text = before;
    }
    if let Some((before, prerelease)) = text.split_once('-') {
        for identifier in prerelease.split('.') {
            refuse(identifier.is_empty(), "pre-release identifier is empty")?;
            all_allowed(identifier, is_in_identifier)
                .map_err(|error| error + " in pre-release identifier")?;
            let is_number = identifier.bytes().all(|byte| byte.is_ascii_digit());
            let starts_with_zero = is_number && identifier.len() > 1 && identifier.starts_with('0');
            refuse(starts_with_zero, "pre-release numeric identifier starts with zero")?;
        }
        text = before;
    }
    let numbers: Vec<&str> = text.split('.').collect();
    refuse(numbers.len() != 3, "versionCore must have 3 numbers separated by dot")?;
    for (number, name) in numbers.iter().zip(["major", "minor", "patch"]) {
        refuse(number.is_empty(), &format!("{name} is empty"))?;
        refuse(number.len() > 1 && number.starts_with('0'), &format!("{name} starts with zero"))?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        refuse(!is_number, &format!("{name} contains non-digit"))?;
    }
    Ok(())
}
