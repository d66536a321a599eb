//! Integers, floats and addresses under every verb and flag.

use super::super::complex::Complex;
use super::super::float::push_float;
use super::super::unicode::{RUNE_ERROR, is_print, push_quoted_rune, push_rune};
use super::Printer;
use crate::value::{Data, Value};

impl Printer {
    pub(super) fn complex(&mut self, number: &Complex, verb: char, value: &Value) {
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

    pub(super) fn address(&mut self, value: &Value) {
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

    pub(super) fn integer(&mut self, number: u64, signed: bool, verb: char, value: &Value) {
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

    pub(super) fn float(&mut self, number: f64, verb: char, value: &Value) {
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
}

fn rune_of(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(RUNE_ERROR)
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
