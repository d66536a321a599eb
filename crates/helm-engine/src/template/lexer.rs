//! Template text to tokens, one at a time: a port of the rules of `text/template/parse`'s lexer.
//!
//! Trim markers and comments end here; the parser never sees them.

use super::unicode::{decode_last_rune, decode_rune, is_digit, is_letter, is_print, quote};

/// What a token is. Keywords follow `Keyword` in no special order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// The scan failed; [`Lexer::error`] says why.
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    #[default]
    Eof,
    Field,
    Identifier,
    LeftDelim,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelim,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl Kind {
    /// Says whether messages show the token in angle brackets.
    pub(crate) fn is_keyword(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Block | Break | Continue | Dot | Define | Else | End | If | Nil | Range | Template | With
        )
    }

    fn of_word(word: &[u8]) -> Kind {
        match word {
            b"block" => Kind::Block,
            b"break" => Kind::Break,
            b"continue" => Kind::Continue,
            b"define" => Kind::Define,
            b"else" => Kind::Else,
            b"end" => Kind::End,
            b"if" => Kind::If,
            b"range" => Kind::Range,
            b"nil" => Kind::Nil,
            b"template" => Kind::Template,
            b"with" => Kind::With,
            b"true" | b"false" => Kind::Bool,
            _ => Kind::Identifier,
        }
    }
}

/// A token: its kind and place. Lines count from one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) line: u32,
}

/// The scanner of a text of at most 4 GiB.
pub(crate) struct Lexer<'t> {
    input: &'t [u8],
    /// Why the scan failed.
    pub(crate) error: String,
    at: usize,
    start: usize,
    at_eof: bool,
    parens: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    failed: bool,
}

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";
/// A trim marker: a minus sign and a blank.
const MARKER: usize = 2;

enum Step {
    Emit(Token),
    Text,
    LeftDelim,
}

impl<'t> Lexer<'t> {
    /// Starts at the beginning of a text.
    pub(crate) fn new(input: &'t [u8]) -> Self {
        Lexer {
            input,
            error: String::new(),
            at: 0,
            start: 0,
            at_eof: false,
            parens: 0,
            line: 1,
            start_line: 1,
            inside_action: false,
            failed: false,
        }
    }

    /// Returns the next token; `Eof` for ever at the end or behind an error.
    pub(crate) fn next_token(&mut self) -> Token {
        if self.failed {
            return Token { kind: Kind::Eof, start: 0, end: 0, line: self.start_line as u32 };
        }
        if self.inside_action {
            return self.inside_action();
        }
        let mut step = Step::Text;
        loop {
            step = match step {
                Step::Emit(token) => return token,
                Step::Text => self.text(),
                Step::LeftDelim => self.left_delim(),
            };
        }
    }

    /// Goes past a space between two words of an action, if that is all there is between them.
    #[inline]
    pub(crate) fn skip_single_space(&mut self) {
        if self.inside_action
            && let [b' ', next, ..] = self.input[self.at..]
            && !is_blank(&next)
            && next != b'-'
        {
            self.at += 1;
            self.start = self.at;
            self.start_line = self.line;
        }
    }

    fn text(&mut self) -> Step {
        let Some(distance) = find(&self.input[self.at..], *b"{{") else {
            self.at = self.input.len();
            if self.at > self.start {
                self.line += newlines(&self.input[self.start..]);
                return Step::Emit(self.token(Kind::Text));
            }
            return Step::Emit(self.token(Kind::Eof));
        };
        if distance > 0 {
            self.at += distance;
            let trimmed = if has_left_marker(&self.input[self.at + LEFT.len()..]) {
                trailing_blanks(&self.input[self.start..self.at])
            } else {
                0
            };
            self.at -= trimmed;
            self.line += newlines(&self.input[self.start..self.at]);
            let token = self.token(Kind::Text);
            self.at += trimmed;
            self.ignore();
            if token.end > token.start {
                return Step::Emit(token);
            }
        }
        Step::LeftDelim
    }

    fn left_delim(&mut self) -> Step {
        self.at += LEFT.len();
        let marker = if has_left_marker(&self.input[self.at..]) { MARKER } else { 0 };
        if self.input[self.at + marker..].starts_with(b"/*") {
            self.at += marker;
            self.ignore();
            return self.comment();
        }
        let token = self.token(Kind::LeftDelim);
        self.inside_action = true;
        self.at += marker;
        self.ignore();
        self.parens = 0;
        Step::Emit(token)
    }

    fn comment(&mut self) -> Step {
        self.at += 2;
        let Some(distance) = find(&self.input[self.at..], *b"*/") else {
            return Step::Emit(self.fail("unclosed comment"));
        };
        self.at += distance + 2;
        let Some(trims) = self.right_delim_here() else {
            return Step::Emit(self.fail("comment ends before closing delimiter"));
        };
        self.line += newlines(&self.input[self.start..self.at]);
        self.start = self.at;
        self.at += RIGHT.len() + if trims { MARKER } else { 0 };
        if trims {
            self.at += leading_blanks(&self.input[self.at..]);
        }
        self.ignore();
        Step::Text
    }

    /// Says whether a right delimiter stands here, and if so, whether it trims.
    #[inline]
    fn right_delim_here(&self) -> Option<bool> {
        let rest = &self.input[self.at..];
        if !matches!(rest.first(), Some(b'}' | b' ' | b'\t' | b'\r' | b'\n')) {
            return None;
        }
        if has_right_marker(rest) && rest[MARKER..].starts_with(RIGHT) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    fn right_delim(&mut self) -> Token {
        let trims = self.right_delim_here() == Some(true);
        if trims {
            self.at += MARKER;
            self.ignore();
        }
        self.at += RIGHT.len();
        let token = self.token(Kind::RightDelim);
        if trims {
            self.at += leading_blanks(&self.input[self.at..]);
            self.ignore();
        }
        self.inside_action = false;
        token
    }

    fn inside_action(&mut self) -> Token {
        if self.right_delim_here().is_some() {
            if self.parens == 0 {
                return self.right_delim();
            }
            return self.fail("unclosed left paren");
        }
        if let Some(token) = self.usual_token() {
            return token;
        }
        let Some(rune) = self.next() else { return self.fail("unclosed action") };
        match rune {
            ' ' | '\t' | '\r' | '\n' => {
                self.back();
                self.space()
            }
            '=' => self.token(Kind::Assign),
            ':' if self.next() == Some('=') => self.token(Kind::Declare),
            ':' => self.fail("expected :="),
            '|' => self.token(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string"),
            '`' => self.raw(),
            '$' => self.field_or_variable(Kind::Variable),
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant"),
            '.' if self.input.get(self.at).is_some_and(|byte| !byte.is_ascii_digit()) => {
                self.field_or_variable(Kind::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.back();
                self.number()
            }
            rune if is_alphanumeric(rune) => {
                self.back();
                self.identifier()
            }
            '(' => {
                self.parens += 1;
                self.token(Kind::LeftParen)
            }
            ')' if self.parens == 0 => self.fail("unexpected right paren"),
            ')' => {
                self.parens -= 1;
                self.token(Kind::RightParen)
            }
            rune if rune.is_ascii() && is_print(rune) => self.token(Kind::Char),
            rune => {
                let message = format!("unrecognized character in action: {}", unicode_form(Some(rune)));
                self.fail(&message)
            }
        }
    }

    /// Reads what most tokens are, looking at nothing but their bytes; none for everything else.
    #[inline]
    fn usual_token(&mut self) -> Option<Token> {
        let byte = *self.input.get(self.at)?;
        match byte {
            b' ' | b'\n' => Some(self.space()),
            b'|' => {
                self.at += 1;
                Some(self.token(Kind::Pipe))
            }
            b'"' => {
                self.at += 1;
                Some(self.quoted(b'"', Kind::String, "unterminated quoted string"))
            }
            b'$' => {
                self.at += 1;
                Some(self.field_or_variable(Kind::Variable))
            }
            b'.' if self.input.get(self.at + 1).is_some_and(|next| !next.is_ascii_digit()) => {
                self.at += 1;
                Some(self.field_or_variable(Kind::Field))
            }
            b'0'..=b'9' => self.digits(),
            byte if is_word_byte(byte) => Some(self.identifier()),
            _ => None,
        }
    }

    /// Reads a number of nothing but digits; none if there may be more to it.
    fn digits(&mut self) -> Option<Token> {
        let rest = &self.input[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let is_ended = matches!(rest.get(count), Some(b' ' | b')' | b'}' | b'|' | b'\n'));
        if !is_ended {
            return None;
        }
        self.at += count;
        Some(self.token(Kind::Number))
    }

    fn space(&mut self) -> Token {
        let rest = &self.input[self.at..];
        if let [b' ', next, ..] = rest
            && !is_blank(next)
            && *next != b'-'
        {
            self.at += 1;
            return self.token(Kind::Space);
        }
        let count = leading_blanks(rest);
        self.line += newlines(&rest[..count]);
        self.at += count;
        let tail = &self.input[self.at - 1..];
        if has_right_marker(tail) && tail[MARKER..].starts_with(RIGHT) {
            self.back();
            if count == 1 {
                return self.right_delim();
            }
        }
        self.token(Kind::Space)
    }

    fn identifier(&mut self) -> Token {
        let rune = self.skip_alphanumeric();
        let kind = Kind::of_word(&self.input[self.start..self.at]);
        if !self.at_terminator() {
            return self.bad_character(rune);
        }
        self.token(kind)
    }

    fn field_or_variable(&mut self, kind: Kind) -> Token {
        if self.at_terminator() {
            return self.token(if kind == Kind::Variable { kind } else { Kind::Dot });
        }
        let rune = self.skip_alphanumeric();
        if !self.at_terminator() {
            return self.bad_character(rune);
        }
        self.token(kind)
    }

    /// Skips letters, digits and underscores; returns what follows them.
    fn skip_alphanumeric(&mut self) -> Option<char> {
        loop {
            let rest = &self.input[self.at..];
            self.at += rest.iter().take_while(|byte| is_word_byte(**byte)).count();
            if let Some(byte) = self.input.get(self.at).filter(|byte| byte.is_ascii()) {
                return Some(char::from(*byte));
            }
            match self.next() {
                Some(rune) if is_alphanumeric(rune) => {}
                other => {
                    self.back();
                    return other;
                }
            }
        }
    }

    fn bad_character(&mut self, rune: Option<char>) -> Token {
        let message = format!("bad character {}", unicode_form(rune));
        self.fail(&message)
    }

    fn at_terminator(&mut self) -> bool {
        match self.input.get(self.at) {
            Some(b' ' | b'.' | b')' | b'|' | b'\n' | b'(' | b',' | b':') => return true,
            Some(b'}') => return self.input[self.at..].starts_with(RIGHT),
            Some(byte) if is_word_byte(*byte) => return false,
            _ => {}
        }
        match self.peek() {
            None => true,
            Some(rune) if is_space(rune) => true,
            Some('.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.input[self.at..].starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, mark: u8, kind: Kind, unterminated: &str) -> Token {
        // Most are short and plain: looking at byte after byte is faster than searching.
        let rest = &self.input[self.at..];
        let plain = rest.iter().take_while(|byte| is_plain_quoted(**byte)).count();
        self.at += plain;
        if rest.get(plain) == Some(&mark) {
            self.at += 1;
            return self.token(kind);
        }
        loop {
            let rest = &self.input[self.at..];
            self.at += memchr::memchr3(mark, b'\\', b'\n', rest).unwrap_or(rest.len());
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.fail(unterminated);
                    }
                }
                None | Some('\n') => return self.fail(unterminated),
                Some(rune) if rune == char::from(mark) => return self.token(kind),
                Some(_) => {}
            }
        }
    }

    fn raw(&mut self) -> Token {
        loop {
            let rest = &self.input[self.at..];
            let inside = &rest[..memchr::memchr(b'`', rest).unwrap_or(rest.len())];
            self.at += inside.len();
            self.line += newlines(inside);
            match self.next() {
                None => return self.fail("unterminated raw quoted string"),
                Some('`') => return self.token(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Token {
        if !self.scan_number() {
            return self.bad_number();
        }
        if !matches!(self.peek(), Some('+' | '-')) {
            return self.token(Kind::Number);
        }
        if !self.scan_number() || self.input[self.at - 1] != b'i' {
            return self.bad_number();
        }
        self.token(Kind::Complex)
    }

    fn bad_number(&mut self) -> Token {
        let message = format!("bad number syntax: {}", quote(&self.input[self.start..self.at]));
        self.fail(&message)
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        let exponent = match digits.len() {
            11 => "eE",
            23 => "pP",
            _ => "",
        };
        if !exponent.is_empty() && self.accept(exponent) {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }

    fn accept(&mut self, valid: &str) -> bool {
        if self.next().is_some_and(|rune| valid.contains(rune)) {
            return true;
        }
        self.back();
        false
    }

    fn accept_run(&mut self, valid: &str) {
        while self.accept(valid) {}
    }

    #[inline]
    fn next(&mut self) -> Option<char> {
        if let Some(&byte) = self.input.get(self.at)
            && byte.is_ascii()
        {
            self.at += 1;
            self.line += usize::from(byte == b'\n');
            return Some(char::from(byte));
        }
        let (rune, width) = decode_rune(&self.input[self.at..]);
        if width == 0 {
            self.at_eof = true;
            return None;
        }
        self.at += width;
        if rune == '\n' {
            self.line += 1;
        }
        Some(rune)
    }

    fn back(&mut self) {
        if !self.at_eof && self.at > 0 {
            let byte = self.input[self.at - 1];
            if byte.is_ascii() {
                self.at -= 1;
                self.line -= usize::from(byte == b'\n');
                return;
            }
            let (rune, width) = decode_last_rune(&self.input[..self.at]);
            self.at -= width;
            if rune == '\n' {
                self.line -= 1;
            }
        }
    }

    fn peek(&mut self) -> Option<char> {
        let rune = self.next();
        self.back();
        rune
    }

    #[inline]
    fn token(&mut self, kind: Kind) -> Token {
        let token =
            Token { kind, start: self.start as u32, end: self.at as u32, line: self.start_line as u32 };
        self.start = self.at;
        self.start_line = self.line;
        token
    }

    fn ignore(&mut self) {
        self.line += newlines(&self.input[self.start..self.at]);
        self.start = self.at;
        self.start_line = self.line;
    }

    fn fail(&mut self, message: &str) -> Token {
        self.error = message.to_string();
        self.failed = true;
        Token {
            kind: Kind::Error,
            start: self.start as u32,
            end: self.start as u32,
            line: self.start_line as u32,
        }
    }
}

fn unicode_form(rune: Option<char>) -> String {
    let Some(rune) = rune else { return "U+FFFFFFFFFFFFFFFF".to_string() };
    let code = format!("U+{:04X}", u32::from(rune));
    if is_print(rune) { format!("{code} '{rune}'") } else { code }
}

/// Finds two bytes in a row.
fn find(haystack: &[u8], needle: [u8; 2]) -> Option<usize> {
    let mut from = 0;
    while let Some(distance) = memchr::memchr(needle[0], &haystack[from..]) {
        if haystack.get(from + distance + 1) == Some(&needle[1]) {
            return Some(from + distance);
        }
        from += distance + 1;
    }
    None
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'\n').count()
}

fn is_space(rune: char) -> bool {
    matches!(rune, ' ' | '\t' | '\r' | '\n')
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Says whether the byte stands for itself in any quotes.
#[inline]
fn is_plain_quoted(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\'' | b'\\' | b'\n') && byte.is_ascii()
}

/// Says whether the byte is a letter, digit or underscore of ASCII.
#[inline]
fn is_word_byte(byte: u8) -> bool {
    WORD[usize::from(byte)]
}

const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || byte == b'_';
        byte += 1;
    }
    table
};

fn is_alphanumeric(rune: char) -> bool {
    rune == '_' || is_letter(rune) || is_digit(rune)
}

fn has_left_marker(text: &[u8]) -> bool {
    text.first() == Some(&b'-') && text.get(1).is_some_and(is_blank)
}

fn has_right_marker(text: &[u8]) -> bool {
    text.first().is_some_and(is_blank) && text.get(1) == Some(&b'-')
}

fn trailing_blanks(text: &[u8]) -> usize {
    text.iter().rev().take_while(|byte| is_blank(byte)).count()
}

fn leading_blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_blank(byte)).count()
}
