//! IP addresses with the rules and messages of Go's `net/netip`.

use crate::template::unicode::quote;

/// An address, as far as its callers care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    V4,
    V6 { has_zone: bool },
}

/// Reads an address as `netip.ParseAddr` does.
///
/// # Errors
/// With Go's message.
pub(crate) fn parse_address(text: &str) -> Result<Address, String> {
    let bad = |message: &str| Err(format!("ParseAddr({}): {message}", quote(text.as_bytes())));
    match text.bytes().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => fields_of_v4(text, text).map(|()| Address::V4),
        Some(b':') => parse_v6(text),
        Some(_) => bad("missing IPv6 address"),
        None => bad("unable to parse IP"),
    }
}

fn bad(whole: &str, message: &str, at: &str) -> String {
    let at = if at.is_empty() { String::new() } else { format!(" (at {})", quote(at.as_bytes())) };
    format!("ParseAddr({}): {message}{at}", quote(whole.as_bytes()))
}

fn fields_of_v4(whole: &str, text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let (mut value, mut dots, mut digits) = (0u32, 0, 0);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return Err(bad(whole, "IPv4 field has octet with leading zero", ""));
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(bad(whole, "IPv4 field has value >255", ""));
                }
            }
            b'.' => {
                if at == 0 || at + 1 == bytes.len() || bytes[at - 1] == b'.' {
                    return Err(bad(whole, "IPv4 field must have at least one digit", &text[at..]));
                }
                if dots == 3 {
                    return Err(bad(whole, "IPv4 address too long", ""));
                }
                dots += 1;
                (value, digits) = (0, 0);
            }
            _ => return Err(bad(whole, "unexpected character", text.get(at..).unwrap_or_default())),
        }
    }
    if dots < 3 { Err(bad(whole, "IPv4 address too short", "")) } else { Ok(()) }
}

fn parse_v6(whole: &str) -> Result<Address, String> {
    let (mut rest, zone) = whole.split_once('%').map_or((whole, None), |(rest, zone)| (rest, Some(zone)));
    if zone == Some("") {
        return Err(bad(whole, "zone must be a non-empty string", ""));
    }
    let address = Ok(Address::V6 { has_zone: zone.is_some() });
    let mut has_gap = false;
    if let Some(behind) = rest.strip_prefix("::") {
        has_gap = true;
        rest = behind;
        if rest.is_empty() {
            return address;
        }
    }
    let mut bytes = 0;
    while bytes < 16 {
        let digits = hexadecimal_digits(whole, rest)?;
        if rest.as_bytes().get(digits) == Some(&b'.') {
            if !has_gap && bytes != 12 {
                let message = "embedded IPv4 address must replace the final 2 fields of the address";
                return Err(bad(whole, message, rest));
            }
            if bytes + 4 > 16 {
                let message = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return Err(bad(whole, message, rest));
            }
            fields_of_v4(whole, rest)?;
            rest = "";
            bytes += 4;
            break;
        }
        bytes += 2;
        rest = &rest[digits..];
        if rest.is_empty() {
            break;
        }
        let behind =
            rest.strip_prefix(':').ok_or_else(|| bad(whole, "unexpected character, want colon", rest))?;
        if behind.is_empty() {
            return Err(bad(whole, "colon must be followed by more characters", rest));
        }
        rest = behind;
        if let Some(behind) = rest.strip_prefix(':') {
            if has_gap {
                return Err(bad(whole, "multiple :: in address", rest));
            }
            has_gap = true;
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
    }
    match (rest.is_empty(), bytes < 16, has_gap) {
        (false, ..) => Err(bad(whole, "trailing garbage after address", rest)),
        (_, true, false) => Err(bad(whole, "address string too short", "")),
        (_, false, true) => Err(bad(whole, "the :: must expand to at least one field of zeros", "")),
        _ => address,
    }
}

/// Returns how many digits the next field has.
fn hexadecimal_digits(whole: &str, rest: &str) -> Result<usize, String> {
    let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
    match digits {
        0 => Err(bad(whole, "each colon-separated field must have at least one digit", rest)),
        1..=4 => Ok(digits),
        _ => Err(bad(whole, "each group must have 4 or less digits", rest)),
    }
}
