//! The directives of a format: flags, widths, precisions and argument indexes.

use super::super::unicode::{decode_rune, push_rune};
use super::{Flags, Printer};
use crate::value::{Data, Value};

impl Printer {
    pub(super) fn print_format(&mut self, format: &[u8], values: &[Value]) {
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
