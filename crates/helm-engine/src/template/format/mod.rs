//! Go's `fmt`: how a value looks in `{{ }}`, `print`, `println` and `printf`.
//!
//! A port of the rules of `fmt.Sprint` and `fmt.Sprintf` for the kinds of values that templates meet, bad verbs, widths
//! and argument indexes included. It does not escape or encode; that is what `html`, `toJson` and `toYaml` are for.

mod directives;
mod numbers;

use super::complex::Complex;
use super::float::push_float;
use super::unicode::{Quoting, can_backquote, push_quoted, push_rune, rune_count};
use crate::context::{Context, Mode};
use crate::error::CallError;
use crate::limits::Limits;
use crate::value::{Data, List, Map, Object, Text, Value};

/// Returns what `fmt.Sprint(value)` returns: the `%v` form, which is also what `{{ value }}` prints.
///
/// # Errors
/// When the text would be longer or nested deeper than the limits allow.
pub fn print(context: &mut Context<'_>, value: &Value) -> Result<Vec<u8>, CallError> {
    let mut out = Vec::new();
    push_value(&mut out, context.mode, &context.limits, value)?;
    context.charge_value(out.len())?;
    Ok(out)
}

/// Returns a value as text the way sprig's `strval` does: texts and bytes as they are, everything else as `%v`.
///
/// # Errors
/// When the text would be longer or nested deeper than the limits allow.
pub fn text_of(context: &mut Context<'_>, value: &Value) -> Result<Text, CallError> {
    match &value.data {
        Data::Text(text) | Data::Bytes(text) => Ok(text.clone()),
        _ => print(context, value).map(Text::new),
    }
}

/// Returns what `fmt.Sprint(values...)` returns: a blank stands only between two operands that are no strings.
///
/// # Errors
/// When the text would be longer or nested deeper than the limits allow.
pub fn sprint(context: &mut Context<'_>, values: &[Value]) -> Result<Formatted, CallError> {
    run(context, |printer| printer.print_all(values))
}

/// Returns what `fmt.Sprintln(values...)` returns.
///
/// # Errors
/// When the text would be longer or nested deeper than the limits allow.
pub fn sprintln(context: &mut Context<'_>, values: &[Value]) -> Result<Formatted, CallError> {
    run(context, |printer| printer.print_line(values))
}

/// Returns what `fmt.Sprintf(format, values...)` returns.
///
/// # Errors
/// When the text would be longer or nested deeper than the limits allow.
pub fn sprintf(context: &mut Context<'_>, format: &[u8], values: &[Value]) -> Result<Formatted, CallError> {
    run(context, |printer| printer.print_format(format, values))
}

/// A formatted text, with the argument that each piece came from.
#[derive(Debug, Default)]
pub struct Formatted {
    /// The text.
    pub bytes: Vec<u8>,
    /// For each piece, in order, where it ends and which argument it shows; the format's own text shows none.
    pub pieces: Vec<(usize, Option<usize>)>,
}

/// Appends the `%v` form of a value.
pub(crate) fn push_value(
    out: &mut Vec<u8>,
    mode: Mode,
    limits: &Limits,
    value: &Value,
) -> Result<(), CallError> {
    match &value.data {
        Data::Text(text) => out.extend_from_slice(text.bytes()),
        Data::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Data::Int(kind, number) if kind.is_signed() => push_decimal(out, *number),
        Data::Float(number) => push_float(out, *number, b'g', None),
        _ => {
            let mut printer = Printer::new(std::mem::take(out), mode, limits);
            printer.argument(value, 'v');
            *out = std::mem::take(&mut printer.out);
            return printer.outcome();
        }
    }
    Ok(())
}

fn push_decimal(out: &mut Vec<u8>, number: i64) {
    use std::io::Write;
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{number}");
}

fn run(context: &mut Context<'_>, work: impl FnOnce(&mut Printer)) -> Result<Formatted, CallError> {
    let mut printer = Printer::new(Vec::new(), context.mode, &context.limits);
    work(&mut printer);
    printer.outcome()?;
    context.charge_value(printer.out.len())?;
    Ok(Formatted { bytes: printer.out, pieces: printer.pieces })
}

#[derive(Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`, which is a form of its own and no `+`.
    plus_v: bool,
    /// `%#v`, which is a form of its own and no `#`.
    sharp_v: bool,
}

struct Printer {
    out: Vec<u8>,
    pieces: Vec<(usize, Option<usize>)>,
    mode: Mode,
    flags: Flags,
    start: usize,
    bytes_limit: usize,
    depth_limit: usize,
    failure: Option<CallError>,
}

impl Printer {
    fn new(out: Vec<u8>, mode: Mode, limits: &Limits) -> Self {
        Printer {
            start: out.len(),
            out,
            pieces: Vec::new(),
            mode,
            flags: Flags::default(),
            bytes_limit: limits.value_bytes,
            depth_limit: limits.depth,
            failure: None,
        }
    }

    fn outcome(&mut self) -> Result<(), CallError> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Says whether printing may go on; a text over the limits ends it.
    fn may_go_on(&mut self, depth: usize) -> bool {
        if self.failure.is_some() {
            return false;
        }
        if depth > self.depth_limit {
            let message = format!("the value is nested deeper than {} levels", self.depth_limit);
            self.failure = Some(CallError::new(message));
        } else if self.out.len() - self.start > self.bytes_limit {
            let message = format!("the text would be longer than {} bytes", self.bytes_limit);
            self.failure = Some(CallError::new(message));
        }
        self.failure.is_none()
    }

    fn print_all(&mut self, values: &[Value]) {
        let mut previous_is_text = false;
        for (at, value) in values.iter().enumerate() {
            let is_text = value.kind_is_string();
            if at > 0 && !is_text && !previous_is_text {
                self.literal(b" ");
            }
            self.argument(value, 'v');
            self.pieces.push((self.out.len(), Some(at)));
            previous_is_text = is_text;
        }
    }

    fn print_line(&mut self, values: &[Value]) {
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.literal(b" ");
            }
            self.argument(value, 'v');
            self.pieces.push((self.out.len(), Some(at)));
        }
        self.literal(b"\n");
    }

    fn literal(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.pieces.push((self.out.len(), None));
    }

    fn extra(&mut self, values: &[Value], first: usize) {
        self.flags = Flags::default();
        self.literal(b"%!(EXTRA ");
        for (at, value) in values.iter().enumerate().skip(first) {
            if at > first {
                self.literal(b", ");
            }
            if value.is_nil() {
                self.out.extend_from_slice(b"<nil>");
            } else {
                self.out.extend_from_slice(value.type_name(self.mode).as_bytes());
                self.out.push(b'=');
                self.argument(value, 'v');
            }
            self.pieces.push((self.out.len(), Some(at)));
        }
        self.literal(b")");
    }

    /// Prints one operand of a call.
    fn argument(&mut self, value: &Value, verb: char) {
        match (verb, &value.data) {
            ('T' | 'v', Data::Nil) => self.pad(b"<nil>"),
            (_, Data::Nil) => {
                self.out.extend_from_slice(b"%!");
                push_rune(&mut self.out, verb);
                self.out.extend_from_slice(b"(<nil>)");
            }
            ('T', _) => self.string(value.type_name(self.mode).as_bytes(), 's', value),
            ('p', Data::Map(_) | Data::List(_) | Data::Bytes(_)) => self.address(value),
            ('w', Data::List(_) | Data::Map(_) | Data::Object(_)) => self.bad_verb(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    /// Prints a value, alone or inside of a container.
    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if !self.may_go_on(depth) {
            return;
        }
        match &value.data {
            Data::Nil if self.flags.sharp_v => self.out.extend_from_slice(b"interface {}(nil)"),
            Data::Nil => self.out.extend_from_slice(b"<nil>"),
            Data::Bool(truth) if matches!(verb, 't' | 'v') => {
                self.pad(if *truth { b"true" } else { b"false" })
            }
            Data::Bool(_) => self.bad_verb(value, verb),
            Data::Int(kind, number) => self.integer(*number as u64, kind.is_signed(), verb, value),
            Data::Float(number) => self.float(*number, verb, value),
            Data::Text(text) => self.string(text.bytes(), verb, value),
            Data::Bytes(text) => self.bytes(text.bytes(), verb, depth),
            Data::List(list) => self.list(list, verb, depth, value),
            Data::Map(map) => self.map(map, verb, depth, value),
            Data::Object(object) => {
                if let Some(number) = object.as_any().downcast_ref::<Complex>() {
                    return self.complex(number, verb, value);
                }
                if let Some(fields) = object.fields_to_print() {
                    return self.fields(&**object, &fields, verb, depth);
                }
                let text = object.print();
                if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                    self.string(text.as_bytes(), if verb == 'v' { 's' } else { verb }, value);
                } else {
                    self.bad_verb(value, verb);
                }
            }
        }
    }

    /// Prints a struct; one that is pointed at from inside of another value shows an address in Go.
    fn fields(&mut self, object: &dyn Object, fields: &[(&str, Value)], verb: char, depth: usize) {
        if object.kind() == "ptr" {
            if depth > 0 {
                return self.out.extend_from_slice(b"0xc000000000");
            }
            self.out.push(b'&');
        }
        self.out.push(b'{');
        for (at, (name, value)) in fields.iter().enumerate() {
            if at > 0 {
                self.out.push(b' ');
            }
            if self.flags.plus_v {
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b':');
            }
            self.value(value, verb, depth + 1);
        }
        self.out.push(b'}');
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.out.extend_from_slice(b"%!");
        push_rune(&mut self.out, verb);
        self.out.push(b'(');
        self.out.extend_from_slice(value.type_name(self.mode).as_bytes());
        self.out.push(b'=');
        self.value(value, 'v', 0);
        self.out.push(b')');
    }

    fn list(&mut self, list: &List, verb: char, depth: usize, value: &Value) {
        let (open, between, close): (&[u8], &[u8], u8) =
            if self.flags.sharp_v { (b"{", b", ", b'}') } else { (b"[", b" ", b']') };
        if self.flags.sharp_v {
            self.out.extend_from_slice(value.type_name(self.mode).as_bytes());
        }
        self.out.extend_from_slice(open);
        for (at, item) in list.items().iter().enumerate() {
            if at > 0 {
                self.out.extend_from_slice(between);
            }
            self.value(item, verb, depth + 1);
        }
        self.out.push(close);
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize, value: &Value) {
        let (between, close): (&[u8], u8) = if self.flags.sharp_v {
            self.out.extend_from_slice(value.type_name(self.mode).as_bytes());
            self.out.push(b'{');
            (b", ", b'}')
        } else {
            self.out.extend_from_slice(b"map[");
            (b" ", b']')
        };
        for (at, (key, item)) in map.entries().iter().enumerate() {
            if at > 0 {
                self.out.extend_from_slice(between);
            }
            self.key(key, verb);
            self.out.push(b':');
            self.value(item, verb, depth + 1);
        }
        self.out.push(close);
    }

    fn key(&mut self, key: &[u8], verb: char) {
        if verb == 'v' && !self.flags.sharp_v && self.flags.width.is_none() && self.flags.precision.is_none()
        {
            self.out.extend_from_slice(key);
        } else {
            self.string(key, verb, &Value::text(key));
        }
    }

    fn string(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(bytes),
            'v' | 's' => self.pad(truncated(bytes, self.flags.precision)),
            'x' | 'X' => self.hexadecimal(bytes, verb),
            'q' => self.quoted(bytes),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, depth: usize) {
        let value = Value::from(Data::Bytes(Text::copy_of(bytes)));
        match verb {
            's' => self.pad(truncated(bytes, self.flags.precision)),
            'x' | 'X' => self.hexadecimal(bytes, verb),
            'q' => self.quoted(bytes),
            'v' | 'd' if self.flags.sharp_v => {
                self.out.extend_from_slice(if depth == 0 { b"[]byte{" } else { b"[]uint8{" });
                for (at, byte) in bytes.iter().enumerate() {
                    let between = if at > 0 { ", " } else { "" };
                    self.out.extend_from_slice(format!("{between}0x{byte:x}").as_bytes());
                }
                self.out.push(b'}');
            }
            _ => {
                self.out.push(b'[');
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.out.push(b' ');
                    }
                    self.integer(u64::from(*byte), false, verb, &value);
                }
                self.out.push(b']');
            }
        }
    }

    fn quoted(&mut self, bytes: &[u8]) {
        let bytes = truncated(bytes, self.flags.precision);
        let mut text = Vec::with_capacity(bytes.len() + 2);
        if self.flags.sharp && can_backquote(bytes) {
            text.push(b'`');
            text.extend_from_slice(bytes);
            text.push(b'`');
        } else {
            push_quoted(&mut text, bytes, self.quoting());
        }
        self.pad(&text);
    }

    fn quoting(&self) -> Quoting {
        if self.flags.plus { Quoting::Ascii } else { Quoting::Printable }
    }

    fn hexadecimal(&mut self, bytes: &[u8], verb: char) {
        let bytes = &bytes[..bytes.len().min(self.flags.precision.unwrap_or(usize::MAX))];
        let Flags { sharp, space, .. } = self.flags;
        let mut text = String::with_capacity(bytes.len() * 2);
        for (at, byte) in bytes.iter().enumerate() {
            if space && at > 0 {
                text.push(' ');
            }
            if sharp && (space || at == 0) {
                text.push_str(if verb == 'X' { "0X" } else { "0x" });
            }
            text.push_str(&if verb == 'X' { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(text.as_bytes());
    }

    fn pad_with_blanks(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    fn pad(&mut self, text: &[u8]) {
        let Some(width) = self.flags.width.filter(|width| *width > 0) else {
            self.out.extend_from_slice(text);
            return;
        };
        let missing = width.saturating_sub(rune_count(text));
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.fill(missing, b' ');
        } else {
            self.fill(missing, if self.flags.zero { b'0' } else { b' ' });
            self.out.extend_from_slice(text);
        }
    }

    fn fill(&mut self, count: usize, byte: u8) {
        self.out.resize(self.out.len() + count, byte);
    }
}

fn truncated(bytes: &[u8], runes: Option<usize>) -> &[u8] {
    let Some(runes) = runes else { return bytes };
    let end = super::unicode::runes(bytes).nth(runes).map_or(bytes.len(), |(offset, ..)| offset);
    &bytes[..end]
}
