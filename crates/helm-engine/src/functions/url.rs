//! `urlParse` and `urlJoin`, with the rules of Go's `net/url`; and `getHostByName`, which never asks the network.

use std::rc::Rc;

use super::arguments::{Outcome, bytes, map};
use super::strings::find;
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::unicode::quote;
use crate::value::{Data, Entries, Map, Value};

/// The functions on URLs.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("urlParse", &[Param::String], url_parse, "Splits a URL into a map of its parts."),
    Function::new("urlJoin", &[Param::Map], url_join, "Makes a URL of a map of its parts."),
    Function::new(
        "getHostByName",
        &[Param::String],
        |_, _| Ok("".into()),
        "Returns nothing: Helm asks no DNS unless told.",
    ),
];

fn url_parse(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.charge_value(bytes(args, 0).len())?;
    let url = Url::parse(bytes(args, 0))
        .map_err(|error| CallError::new(format!("unable to parse url: {error}")))?;
    let hostname = url.hostname().to_vec();
    let userinfo = url.user.as_ref().map(User::written).unwrap_or_default();
    let parts = [
        ("scheme", url.scheme),
        ("host", url.host),
        ("hostname", hostname),
        ("path", url.path),
        ("query", url.query),
        ("opaque", url.opaque),
        ("fragment", url.fragment),
        ("userinfo", userinfo),
    ];
    Ok(Value::map(
        parts
            .into_iter()
            .map(|(key, part)| (Rc::from(key.as_bytes()), Value::text(part)))
            .collect::<Entries>(),
    ))
}

/// What others than templates want to know of a URL.
pub(crate) struct UrlShape {
    pub(crate) is_absolute: bool,
    pub(crate) host: String,
    pub(crate) hostname: String,
    pub(crate) path: String,
}

/// Reads a URL as Go's `url.Parse` does.
///
/// # Errors
/// With Go's message.
pub(crate) fn parse_url(text: &[u8]) -> Result<UrlShape, String> {
    let url = Url::parse(text)?;
    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
    Ok(UrlShape {
        is_absolute: !url.scheme.is_empty(),
        host: text(&url.host),
        hostname: text(url.hostname()),
        path: text(&url.path),
    })
}

fn url_join(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let parts = map(args, 0);
    let mut url = Url {
        scheme: text_under(&parts, "scheme")?,
        host: text_under(&parts, "host")?,
        path: text_under(&parts, "path")?,
        query: text_under(&parts, "query")?,
        opaque: text_under(&parts, "opaque")?,
        fragment: text_under(&parts, "fragment")?,
        ..Url::default()
    };
    let userinfo = text_under(&parts, "userinfo")?;
    if !userinfo.is_empty() {
        let whole = [b"proto://", &userinfo[..], b"@host"].concat();
        url.user = Url::parse(&whole)
            .map_err(|error| CallError::new(format!("unable to parse userinfo in dict: {error}")))?
            .user;
    }
    Ok(Value::text(url.written()))
}

fn text_under(parts: &Map, key: &str) -> Result<Vec<u8>, CallError> {
    let Some(value) = parts.get(key) else { return Ok(Vec::new()) };
    match &value.data {
        Data::Text(text) => Ok(text.bytes().to_vec()),
        Data::Nil => Err(super::arguments::nil_dereference()),
        _ => Err(CallError::new(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            value.kind_name()
        ))),
    }
}

/// The parts of a URL, decoded but for the query and the opaque part.
#[derive(Default)]
struct Url {
    scheme: Vec<u8>,
    opaque: Vec<u8>,
    user: Option<User>,
    host: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    fragment: Vec<u8>,
}

struct User {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

impl User {
    fn written(&self) -> Vec<u8> {
        let mut out = escape(&self.name, Part::User);
        if let Some(password) = &self.password {
            out.push(b':');
            out.extend(escape(password, Part::User));
        }
        out
    }
}

/// Which part of a URL a text stands in; each allows other characters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

impl Url {
    fn parse(text: &[u8]) -> Result<Url, String> {
        let (before, fragment) = cut(text, b'#');
        let wrapped = |shown: &[u8], error: String| format!("parse {}: {error}", quote(shown));
        let mut url = Url::parse_before_fragment(before).map_err(|error| wrapped(before, error))?;
        if let Some(fragment) = fragment {
            url.fragment = unescape(fragment, Part::Fragment).map_err(|error| wrapped(text, error))?;
        }
        Ok(url)
    }

    fn parse_before_fragment(text: &[u8]) -> Result<Url, String> {
        if text.iter().any(|byte| *byte < b' ' || *byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_string());
        }
        let mut url = Url::default();
        if text == b"*" {
            url.path = b"*".to_vec();
            return Ok(url);
        }
        let (scheme, rest) = split_scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = cut(rest, b'?');
        url.query = query.unwrap_or_default().to_vec();
        if !rest.starts_with(b"/") {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_vec();
                return Ok(url);
            }
            if cut(rest, b'/').0.contains(&b':') {
                return Err("first path segment in URL cannot contain colon".to_string());
            }
        }
        if rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///")) {
            let behind = &rest[2..];
            let end = behind.iter().position(|byte| *byte == b'/').unwrap_or(behind.len());
            (url.user, url.host) = parse_authority(&url.scheme, &behind[..end])?;
            rest = &behind[end..];
        }
        url.path = unescape(rest, Part::Path)?;
        Ok(url)
    }

    fn hostname(&self) -> &[u8] {
        let mut host = &self.host[..];
        if let Some(colon) = host.iter().rposition(|byte| *byte == b':')
            && is_optional_port(&host[colon..])
        {
            host = &host[..colon];
        }
        match host {
            [b'[', inside @ .., b']'] => inside,
            _ => host,
        }
    }

    /// Writes a URL that was made of parts: there is no remembered spelling.
    fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend(escape(&self.fragment, Part::Fragment));
        }
        out
    }

    fn write_hierarchy(&self, out: &mut Vec<u8>) {
        let authority = !self.host.is_empty() || self.user.is_some();
        if authority || !self.scheme.is_empty() && !self.path.is_empty() {
            out.extend_from_slice(b"//");
        }
        if let Some(user) = &self.user {
            out.extend(user.written());
            out.push(b'@');
        }
        out.extend(escape(&self.host, Part::Host));
        let path = if self.path == b"*" { self.path.clone() } else { escape(&self.path, Part::Path) };
        if !path.is_empty() && path[0] != b'/' && !self.host.is_empty() {
            out.push(b'/');
        }
        if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
            out.extend_from_slice(b"./");
        }
        out.extend(path);
    }
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(place) => (&text[..place], Some(&text[place + 1..])),
        None => (text, None),
    }
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_string()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn parse_authority(scheme: &[u8], authority: &[u8]) -> Result<(Option<User>, Vec<u8>), String> {
    let Some(at) = authority.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(scheme, authority)?));
    };
    let host = parse_host(scheme, &authority[at + 1..])?;
    let userinfo = &authority[..at];
    if !userinfo.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte)) {
        return Err("net/url: invalid userinfo".to_string());
    }
    let (name, password) = cut(userinfo, b':');
    let name = unescape(name, Part::User)?;
    let password = password.map(|password| unescape(password, Part::User)).transpose()?;
    Ok((Some(User { name, password }), host))
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let bad_port = |port: &[u8]| Err(format!("invalid port {} after host", quote(port)));
    match host.iter().rposition(|byte| *byte == b'[') {
        Some(0) => {
            let close = host.iter().rposition(|byte| *byte == b']').ok_or("missing ']' in host")?;
            let port = &host[close + 1..];
            if !is_optional_port(port) {
                return bad_port(port);
            }
            return parse_address(&host[1..close], &unescape(port, Part::Host)?);
        }
        Some(_) => return Err("invalid IP-literal".to_string()),
        None => {}
    }
    let first = host.iter().position(|byte| *byte == b':');
    let last = host.iter().rposition(|byte| *byte == b':');
    let strict = scheme == b"http" || scheme == b"https";
    if let Some(colon) = if strict { first } else { last }
        && !is_optional_port(&host[colon..])
    {
        return bad_port(&host[colon..]);
    }
    unescape(host, Part::Host)
}

fn parse_address(address: &[u8], port: &[u8]) -> Result<Vec<u8>, String> {
    let address = match find(address, b"%25") {
        Some(zone) => {
            [unescape(&address[..zone], Part::Host)?, unescape(&address[zone..], Part::Zone)?].concat()
        }
        None => unescape(address, Part::Host)?,
    };
    let found = super::parse_address(&String::from_utf8_lossy(&address));
    if found.map_err(|error| format!("invalid host: {error}"))? == super::Address::V4 {
        return Err("invalid IP-literal".to_string());
    }
    Ok([b"[", &address[..], b"]", port].concat())
}

fn is_optional_port(text: &[u8]) -> bool {
    match text {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Says whether a byte must be written as `%XX` in that part.
fn must_escape(byte: u8, part: Part) -> bool {
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        byte if byte.is_ascii_alphanumeric() => false,
        byte if matches!(part, Part::Host | Part::Zone) => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte == b'?',
            Part::User => b"@/?:".contains(&byte),
            _ => false,
        },
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        _ => true,
    }
}

fn escape(text: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if must_escape(*byte, part) {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        if byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && must_escape(byte, part) {
                return Err(format!("invalid character {} in host name", quote(&[byte])));
            }
            out.push(byte);
            rest = behind;
            continue;
        }
        let code = &rest[..rest.len().min(3)];
        let bad = || format!("invalid URL escape {}", quote(code));
        let digits = std::str::from_utf8(&code[1..]).ok().filter(|digits| !digits.starts_with('+'));
        let value =
            digits.filter(|digits| digits.len() == 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let value = value.ok_or_else(bad)?;
        let forbidden = match part {
            Part::Host => value < 0x80 && code != b"%25",
            Part::Zone => code != b"%25" && value != b' ' && must_escape(value, Part::Host),
            _ => false,
        };
        if forbidden {
            return Err(bad());
        }
        out.push(value);
        rest = &rest[3..];
    }
    Ok(out)
}
