//! Go's `fmt`: how a value looks in `{{ }}`, `print`, `println` and `printf`.
//!
//! A port of the rules of `fmt.Sprint` and `fmt.Sprintf` for the kinds of values that templates meet, bad verbs, widths
//! and argument indexes included. It does not escape or encode; that is what `html`, `toJson` and `toYaml` are for.

use super::complex::Complex;
use super::float::push_float;
use super::unicode::{
    Quoting, RUNE_ERROR, can_backquote, decode_rune, is_print, push_quoted, push_quoted_rune, push_rune,
    rune_count,
};
use crate::context::{Context, Mode};
use crate::error::CallError;
use crate::limits::Limits;
use crate::value::{Data, List, Map, Text, Value};

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

    fn print_format(&mut self, format: &[u8], values: &[Value]) {
        let mut scan = Directives { format, values, at: 0, argument: 0, reordered: false, good: true };
        while let Some(percent) = format[scan.at..].iter().position(|byte| *byte == b'%') {
            self.literal(&format[scan.at..scan.at + percent]);
            scan.at += percent + 1;
            self.directive(&mut scan);
            if !self.may_go_on(0) {
                return;
            }
        }
        self.literal(&format[scan.at..]);
        if !scan.reordered && scan.argument < values.len() {
            self.extra(values, scan.argument);
        }
    }

    fn directive(&mut self, scan: &mut Directives<'_>) {
        self.flags = Flags::default();
        scan.good = true;
        self.read_flags(scan);
        let mut after_index = scan.index();
        self.read_width(scan, &mut after_index);
        self.read_precision(scan, &mut after_index);
        if !after_index {
            scan.index();
        }
        if scan.at >= scan.format.len() {
            self.literal(b"%!(NOVERB)");
            return;
        }
        let (verb, width) = decode_rune(&scan.format[scan.at..]);
        scan.at += width;
        self.verb(scan, verb);
    }

    fn verb(&mut self, scan: &mut Directives<'_>, verb: char) {
        if verb == '%' {
            self.literal(b"%");
        } else if !scan.good {
            self.complaint(verb, "(BADINDEX)");
        } else if scan.argument >= scan.values.len() {
            self.complaint(verb, "(MISSING)");
        } else {
            if verb == 'v' || verb == 'w' {
                self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                self.flags.plus_v = std::mem::take(&mut self.flags.plus);
            }
            self.argument(&scan.values[scan.argument], verb);
            self.pieces.push((self.out.len(), Some(scan.argument)));
            scan.argument += 1;
        }
    }

    fn complaint(&mut self, verb: char, text: &str) {
        self.out.extend_from_slice(b"%!");
        push_rune(&mut self.out, verb);
        self.literal(text.as_bytes());
    }

    fn read_flags(&mut self, scan: &mut Directives<'_>) {
        while let Some(byte) = scan.format.get(scan.at) {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => return,
            }
            scan.at += 1;
        }
    }

    fn read_width(&mut self, scan: &mut Directives<'_>, after_index: &mut bool) {
        if scan.format.get(scan.at) == Some(&b'*') {
            scan.at += 1;
            let width = scan.integer_argument();
            if width.is_none() {
                self.literal(b"%!(BADWIDTH)");
            }
            if width.is_some_and(|width| width < 0) {
                self.flags.minus = true;
                self.flags.zero = false;
            }
            self.flags.width = width.map(|width| width.unsigned_abs() as usize);
            *after_index = false;
        } else {
            self.flags.width = scan.number();
            if *after_index && self.flags.width.is_some() {
                scan.good = false;
            }
        }
    }

    fn read_precision(&mut self, scan: &mut Directives<'_>, after_index: &mut bool) {
        if scan.format.get(scan.at) != Some(&b'.') || scan.at + 1 >= scan.format.len() {
            return;
        }
        scan.at += 1;
        if *after_index {
            scan.good = false;
        }
        *after_index = scan.index();
        if scan.format.get(scan.at) == Some(&b'*') {
            scan.at += 1;
            let precision = scan.integer_argument().filter(|precision| *precision >= 0);
            self.flags.precision = precision.map(|precision| precision as usize);
            if precision.is_none() {
                self.literal(b"%!(BADPREC)");
            }
            *after_index = false;
        } else {
            self.flags.precision = Some(scan.number().unwrap_or(0));
        }
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
                let text = object.print();
                if matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') {
                    self.string(text.as_bytes(), if verb == 'v' { 's' } else { verb }, value);
                } else {
                    self.bad_verb(value, verb);
                }
            }
        }
    }

    fn complex(&mut self, number: &Complex, verb: char, value: &Value) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(value, verb);
        }
        let plus = self.flags.plus;
        self.out.push(b'(');
        self.float(number.real, verb, value);
        self.flags.plus = true;
        self.float(number.imaginary, verb, value);
        self.out.extend_from_slice(b"i)");
        self.flags.plus = plus;
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

    fn address(&mut self, value: &Value) {
        let address = match &value.data {
            Data::Map(map) => std::ptr::from_ref(&*map.entries()) as usize,
            Data::List(list) => list.items().as_ptr() as usize,
            Data::Bytes(text) => text.bytes().as_ptr() as usize,
            _ => 0,
        };
        let sharp = std::mem::replace(&mut self.flags.sharp, true);
        self.digits(address as u64, 16, false, 'x');
        self.flags.sharp = sharp;
    }

    fn integer(&mut self, number: u64, signed: bool, verb: char, value: &Value) {
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(number, 16, false, 'v');
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.digits(number, 10, signed, verb),
            'b' => self.digits(number, 2, signed, verb),
            'o' | 'O' => self.digits(number, 8, signed, verb),
            'x' | 'X' => self.digits(number, 16, signed, verb),
            'c' => {
                let mut text = Vec::new();
                push_rune(&mut text, rune_of(number));
                self.pad(&text);
            }
            'q' => {
                let mut text = Vec::new();
                push_quoted_rune(&mut text, rune_of(number), self.quoting());
                self.pad(&text);
            }
            'U' => self.unicode(number),
            _ => self.bad_verb(value, verb),
        }
    }

    fn digits(&mut self, number: u64, base: u32, signed: bool, verb: char) {
        let negative = signed && (number as i64) < 0;
        let magnitude = if negative { number.wrapping_neg() } else { number };
        let flags = self.flags;
        let mut wanted = 0;
        if let Some(precision) = flags.precision {
            wanted = precision;
            if precision == 0 && magnitude == 0 {
                self.fill(flags.width.unwrap_or(0), b' ');
                return;
            }
        } else if let Some(width) = flags.width.filter(|_| flags.zero && !flags.minus) {
            wanted = width.saturating_sub(usize::from(negative || flags.plus || flags.space));
        }
        let mut text = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        if text.len() < wanted {
            text.insert_str(0, &"0".repeat(wanted - text.len()));
        }
        let prefix = match base {
            2 if flags.sharp => "0b",
            8 if flags.sharp && !text.starts_with('0') => "0",
            16 if flags.sharp && verb == 'X' => "0X",
            16 if flags.sharp => "0x",
            _ => "",
        };
        let octal = if verb == 'O' { "0o" } else { "" };
        let sign = match (negative, flags.plus, flags.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        self.pad_with_blanks(format!("{sign}{octal}{prefix}{text}").as_bytes());
    }

    fn unicode(&mut self, number: u64) {
        let places = self.flags.precision.filter(|places| *places > 4).unwrap_or(4);
        let mut text = format!("U+{number:0places$X}").into_bytes();
        let rune = u32::try_from(number).ok().and_then(char::from_u32);
        if let Some(rune) = rune.filter(|rune| self.flags.sharp && is_print(*rune)) {
            text.extend_from_slice(b" '");
            push_rune(&mut text, rune);
            text.push(b'\'');
        }
        self.pad_with_blanks(&text);
    }

    fn float(&mut self, number: f64, verb: char, value: &Value) {
        let (form, precision) = match verb {
            'v' => (b'g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb as u8, None),
            'f' | 'e' | 'E' => (verb as u8, Some(6)),
            'F' => (b'f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(precision);
        let mut text = vec![b'+'];
        push_float(&mut text, number, form, precision);
        if matches!(text[1], b'-' | b'+') {
            text.remove(0);
        }
        if self.flags.space && text[0] == b'+' && !self.flags.plus {
            text[0] = b' ';
        }
        if matches!(text[1], b'I' | b'N') {
            if text[1] == b'N' && !self.flags.space && !self.flags.plus {
                text.remove(0);
            }
            return self.pad_with_blanks(&text);
        }
        if self.flags.sharp && form != b'b' {
            keep_zeros(&mut text, verb, precision);
        }
        self.signed_float(&text);
    }

    fn signed_float(&mut self, text: &[u8]) {
        if !self.flags.plus && text[0] == b'+' {
            return self.pad(&text[1..]);
        }
        match self.flags.width {
            Some(width) if self.flags.zero && !self.flags.minus && width > text.len() => {
                self.out.push(text[0]);
                self.fill(width - text.len(), b'0');
                self.out.extend_from_slice(&text[1..]);
            }
            _ => self.pad(text),
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

/// The place in a format and its arguments.
struct Directives<'a> {
    format: &'a [u8],
    values: &'a [Value],
    at: usize,
    argument: usize,
    reordered: bool,
    good: bool,
}

/// The largest width, precision or index that Go accepts.
const LARGEST: i64 = 1_000_000;

impl Directives<'_> {
    fn number(&mut self) -> Option<usize> {
        let (number, behind) = number_at(self.format, self.at, self.format.len());
        self.at = behind;
        number
    }

    /// Reads an argument index such as `[2]`, if one stands here.
    fn index(&mut self) -> bool {
        if self.format.get(self.at) != Some(&b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at..];
        let close = if rest.len() < 3 { None } else { rest.iter().position(|byte| *byte == b']') };
        let Some(close) = close else {
            self.at += 1;
            self.good = false;
            return false;
        };
        let (number, behind) = number_at(rest, 1, close);
        self.at += close + 1;
        let well_formed = number.is_some() && behind == close;
        match number.filter(|number| well_formed && (1..=self.values.len()).contains(number)) {
            Some(number) => self.argument = number - 1,
            None => self.good = false,
        }
        well_formed
    }

    fn integer_argument(&mut self) -> Option<i64> {
        let value = self.values.get(self.argument)?;
        self.argument += 1;
        match &value.data {
            Data::Int(kind, number) if kind.is_signed() || *number >= 0 => Some(*number),
            _ => None,
        }
        .filter(|number| (-LARGEST..=LARGEST).contains(number))
    }
}

fn number_at(format: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = start;
    while at < end && format[at].is_ascii_digit() {
        let so_far = number.unwrap_or(0);
        if so_far > LARGEST as usize {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(format[at] - b'0'));
        at += 1;
    }
    (number, at)
}

fn rune_of(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(RUNE_ERROR)
}

fn truncated(bytes: &[u8], runes: Option<usize>) -> &[u8] {
    let Some(runes) = runes else { return bytes };
    let end = super::unicode::runes(bytes).nth(runes).map_or(bytes.len(), |(offset, ..)| offset);
    &bytes[..end]
}

/// Puts back the zeros and the point that the `#` flag asks for.
fn keep_zeros(text: &mut Vec<u8>, verb: char, precision: Option<usize>) {
    let mut missing = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |places| places as i64),
        _ => 0,
    };
    let mark = |byte: &u8| match byte {
        b'p' | b'P' => true,
        b'e' | b'E' => !matches!(verb, 'x' | 'X'),
        _ => false,
    };
    let tail = text.iter().position(mark).map_or(Vec::new(), |at| text.split_off(at));
    let mut significant = false;
    for byte in &text[1..] {
        significant |= !matches!(byte, b'0' | b'.');
        missing -= i64::from(significant && *byte != b'.');
    }
    if !text.contains(&b'.') {
        if text[1..] == *b"0" {
            missing -= 1;
        }
        text.push(b'.');
    }
    text.extend(std::iter::repeat_n(b'0', missing.max(0) as usize));
    text.extend_from_slice(&tail);
}
