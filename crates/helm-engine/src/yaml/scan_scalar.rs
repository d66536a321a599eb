//! The texts of plain, quoted and block scalars.

use std::borrow::Cow;

use super::chars::{break_width, is_blank, is_plain_inside, is_quoted_inside, is_space_or_end};
use super::error::ReadError;
use super::scanner::Scanner;
use super::token::{Mark, Style, TokenKind};

type Scan<T = ()> = Result<T, ReadError>;

/// The blanks and line breaks between two words of a scalar that goes over several lines.
#[derive(Default)]
struct Gap {
    blanks: (usize, usize),
    first_break: String,
    more_breaks: String,
    broken: bool,
}

impl Gap {
    fn is_empty(&self) -> bool {
        !self.broken && self.blanks.0 == self.blanks.1
    }

    /// Writes what the gap means: its blanks, or folded line breaks; and starts anew.
    fn fold_into(&mut self, out: &mut String, text: &str) {
        if !self.broken {
            out.push_str(&text[self.blanks.0..self.blanks.1]);
        } else if !self.first_break.starts_with('\n') {
            out.push_str(&self.first_break);
            out.push_str(&self.more_breaks);
        } else if self.more_breaks.is_empty() {
            out.push(' ');
        } else {
            out.push_str(&self.more_breaks);
        }
        self.first_break.clear();
        self.more_breaks.clear();
        self.blanks = (0, 0);
        self.broken = false;
    }
}

impl<'a> Scanner<'a> {
    /// Goes past a line break and writes what it means: LS and PS are kept, the others become LF.
    fn read_line(&mut self, out: &mut String) {
        let width = break_width(self.rest());
        match width {
            0 => return,
            3 => out.push_str(&self.text[self.mark.offset..self.mark.offset + 3]),
            _ => out.push('\n'),
        }
        self.skip_line();
    }

    /// Reads blanks and line breaks after a word.
    fn read_gap(&mut self, gap: &mut Gap, least_column: Option<usize>, start: Mark) -> Scan {
        if !gap.broken {
            gap.blanks = (self.mark.offset, self.mark.offset);
        }
        loop {
            let byte = self.byte();
            if is_blank(byte) {
                if byte == b'\t' && gap.broken && least_column.is_some_and(|least| self.mark.column < least) {
                    return Err(self.error(start, "found a tab character that violates indentation"));
                }
                self.skip();
                if !gap.broken {
                    gap.blanks.1 = self.mark.offset;
                }
            } else if break_width(self.rest()) > 0 {
                self.ensure(2)?;
                if gap.broken {
                    self.read_line(&mut gap.more_breaks);
                } else {
                    gap.broken = true;
                    self.read_line(&mut gap.first_break);
                }
            } else {
                return Ok(());
            }
            self.ensure(1)?;
        }
    }

    /// Reads a scalar without quotes.
    pub(super) fn scan_plain_scalar(&mut self) -> Scan {
        let start = self.mark;
        let mut end = self.mark;
        let least_column = usize::try_from(self.indent + 1).unwrap_or(0);
        let mut gap = Gap::default();
        let mut out = Cow::Borrowed("");
        loop {
            self.ensure(4)?;
            if self.at_document_marker() || self.byte() == b'#' {
                break;
            }
            let from = self.mark.offset;
            self.read_plain_word()?;
            if self.mark.offset > from {
                if from == start.offset {
                    out = Cow::Borrowed(&self.text[from..self.mark.offset]);
                } else if !gap.broken && matches!(out, Cow::Borrowed(_)) {
                    gap = Gap::default();
                    out = Cow::Borrowed(&self.text[start.offset..self.mark.offset]);
                } else {
                    let out = out.to_mut();
                    if !gap.is_empty() {
                        gap.fold_into(out, self.text);
                    }
                    out.push_str(&self.text[from..self.mark.offset]);
                }
                end = self.mark;
            }
            if !is_blank(self.byte()) && break_width(self.rest()) == 0 {
                break;
            }
            self.read_gap(&mut gap, Some(least_column), start)?;
            if self.flow_level == 0 && self.mark.column < least_column {
                break;
            }
        }
        if gap.broken {
            self.simple_key_allowed = true;
        }
        self.push(TokenKind::Scalar { text: out, style: Style::Plain }, start);
        self.end_last_token(end);
        Ok(())
    }

    fn read_plain_word(&mut self) -> Scan {
        loop {
            self.skip_while(usize::MAX, is_plain_inside);
            let rest = self.rest();
            if is_space_or_end(rest) {
                return Ok(());
            }
            let ends = match rest[0] {
                b':' => is_space_or_end(&rest[1..]),
                b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
                _ => false,
            };
            if ends {
                return Ok(());
            }
            self.skip();
            self.ensure(2)?;
        }
    }

    /// Reads a scalar in single or double quotes.
    pub(super) fn scan_quoted_scalar(&mut self) -> Scan {
        let start = self.mark;
        let quote = self.byte();
        self.skip();
        let mut out = Cow::Borrowed("");
        let mut gap = Gap::default();
        loop {
            self.ensure(4)?;
            if self.at_document_marker() {
                return Err(self.error(start, "found unexpected document indicator"));
            }
            if self.byte() == 0 {
                return Err(self.error(start, "found unexpected end of stream"));
            }
            let first = self.mark.offset == start.offset + 1;
            let broken = self.read_quoted_word(quote, first, &mut out, start)?;
            if self.byte() == quote {
                break;
            }
            gap.broken = broken;
            self.ensure(1)?;
            self.read_gap(&mut gap, None, start)?;
            gap.fold_into(out.to_mut(), self.text);
        }
        self.skip();
        self.push(TokenKind::Scalar { text: out, style: Style::Marked }, start);
        Ok(())
    }

    /// Reads up to a blank, line break or the closing quote; says whether an escaped line break ended the word.
    fn read_quoted_word(
        &mut self,
        quote: u8,
        first: bool,
        out: &mut Cow<'a, str>,
        start: Mark,
    ) -> Scan<bool> {
        let mut from = self.mark.offset;
        let mut whole = first;
        loop {
            self.skip_while(usize::MAX, is_quoted_inside);
            let byte = self.byte();
            let next = self.byte_at(1);
            let ends = is_space_or_end(self.rest()) || (byte == quote && (quote == b'"' || next != quote));
            let special = byte == quote || (quote == b'"' && byte == b'\\');
            if ends || special {
                if whole && ends {
                    *out = Cow::Borrowed(&self.text[from..self.mark.offset]);
                } else if from < self.mark.offset {
                    out.to_mut().push_str(&self.text[from..self.mark.offset]);
                }
            }
            if ends {
                return Ok(false);
            }
            if !special {
                self.skip();
                self.ensure(2)?;
                continue;
            }
            whole = false;
            if byte == quote {
                out.to_mut().push('\'');
                self.skip();
                self.skip();
            } else if break_width(self.rest().get(1..).unwrap_or_default()) > 0 {
                self.ensure(3)?;
                self.skip();
                self.skip_line();
                self.ensure(1)?;
                return Ok(true);
            } else {
                let character = self.read_escape(start)?;
                out.to_mut().push(character);
            }
            self.ensure(2)?;
            from = self.mark.offset;
        }
    }

    fn read_escape(&mut self, start: Mark) -> Scan<char> {
        let (character, digits) = match self.byte_at(1) {
            b'0' => ('\0', 0),
            b'a' => ('\x07', 0),
            b'b' => ('\x08', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\x0B', 0),
            b'f' => ('\x0C', 0),
            b'r' => ('\r', 0),
            b'e' => ('\x1B', 0),
            b' ' => (' ', 0),
            b'"' => ('"', 0),
            b'\'' => ('\'', 0),
            b'\\' => ('\\', 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{A0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => ('\0', 2),
            b'u' => ('\0', 4),
            b'U' => ('\0', 8),
            _ => return Err(self.error(start, "found unknown escape character")),
        };
        self.skip();
        self.skip();
        if digits == 0 {
            return Ok(character);
        }
        self.ensure(digits)?;
        let mut code: u32 = 0;
        for at in 0..digits {
            let Some(digit) = char::from(self.byte_at(at)).to_digit(16) else {
                return Err(self.error(start, "did not find expected hexdecimal number"));
            };
            code = (code << 4) + digit;
        }
        let Some(character) = char::from_u32(code) else {
            return Err(self.error(start, "found invalid Unicode character escape code"));
        };
        (0..digits).for_each(|_| self.skip());
        Ok(character)
    }

    /// Reads a literal or folded block.
    pub(super) fn scan_block_scalar(&mut self) -> Scan {
        let start = self.mark;
        let literal = self.byte() == b'|';
        self.skip();
        self.ensure(1)?;
        let (keep, increment) = self.scan_block_header(start)?;
        self.finish_line(start)?;
        let mut end = self.mark;
        let mut indent = increment.map_or(0, |more| usize::try_from(self.indent.max(0)).unwrap_or(0) + more);
        let (mut out, mut line_break, mut breaks) = (String::new(), String::new(), String::new());
        self.read_block_breaks(&mut indent, &mut breaks, start, &mut end)?;
        self.ensure(1)?;
        let mut after_blank = false;
        while self.mark.column == indent && self.byte() != 0 {
            let blank = is_blank(self.byte());
            if !literal && !after_blank && !blank && line_break.starts_with('\n') {
                if breaks.is_empty() {
                    out.push(' ');
                }
            } else {
                out.push_str(&line_break);
            }
            line_break.clear();
            out.push_str(&breaks);
            breaks.clear();
            after_blank = blank;
            let from = self.mark.offset;
            self.skip_to_line_end()?;
            out.push_str(&self.text[from..self.mark.offset]);
            self.ensure(2)?;
            self.read_line(&mut line_break);
            self.read_block_breaks(&mut indent, &mut breaks, start, &mut end)?;
        }
        if keep != Chomp::Strip {
            out.push_str(&line_break);
        }
        if keep == Chomp::Keep {
            out.push_str(&breaks);
        }
        self.push(TokenKind::Scalar { text: Cow::Owned(out), style: Style::Marked }, start);
        self.end_last_token(end);
        Ok(())
    }

    /// Reads the chomping and indentation indicators, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Scan<(Chomp, Option<usize>)> {
        let mut chomp = None;
        let mut increment = None;
        for _ in 0..2 {
            match self.byte() {
                b'+' if chomp.is_none() => chomp = Some(Chomp::Keep),
                b'-' if chomp.is_none() => chomp = Some(Chomp::Strip),
                b'0' if increment.is_none() => {
                    return Err(self.error(start, "found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => break,
            }
            self.skip();
            self.ensure(1)?;
        }
        Ok((chomp.unwrap_or(Chomp::Clip), increment))
    }

    /// Reads the indentation and empty lines before a line of a block; finds the indentation out if it is zero.
    fn read_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Scan {
        *end = self.mark;
        let mut deepest = 0;
        loop {
            self.ensure(1)?;
            let missing = if *indent == 0 { usize::MAX } else { indent.saturating_sub(self.mark.column) };
            self.skip_while(missing, |byte| byte == b' ');
            while (*indent == 0 || self.mark.column < *indent) && self.byte() == b' ' {
                self.skip();
                self.ensure(1)?;
            }
            deepest = deepest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte() == b'\t' {
                return Err(self.error(start, "found a tab character where an indentation space is expected"));
            }
            if break_width(self.rest()) == 0 {
                break;
            }
            self.ensure(2)?;
            self.read_line(breaks);
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = deepest.max(usize::try_from(self.indent + 1).unwrap_or(0)).max(1);
        }
        Ok(())
    }
}

/// What happens to the line breaks at the end of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomp {
    Strip,
    Clip,
    Keep,
}
