//! From characters to tokens, with the simple keys and indentation rules of YAML 1.1 as libyaml and its Go port apply
//! them.
//!
//! A token that may turn out to be a key (`a` in `a: 1`) waits in the queue until its line has shown whether a `:`
//! follows. The texts of scalars, tags and directives are read in `scan_scalar` and `scan_tag`.

use std::collections::VecDeque;

use super::chars::{break_width, char_width, is_blank, is_break_or_end, is_space_or_end};
use super::error::ReadError;
use super::input::Input;
use super::token::{Mark, Token, TokenKind};

/// How deep flow collections, and apart from them indentation, may nest.
const MAX_DEPTH: usize = 10_000;

/// How many characters a key without `?` may be away from its `:`.
const MAX_KEY_DISTANCE: usize = 1024;

/// The scanner of one text.
pub(super) struct Scanner<'a> {
    pub(super) input: Input<'a>,
    pub(super) text: &'a str,
    pub(super) mark: Mark,
    pub(super) flow_level: usize,
    pub(super) indent: isize,
    pub(super) simple_key_allowed: bool,
    indents: Vec<isize>,
    keys: Vec<SimpleKey>,
    queue: VecDeque<Token<'a>>,
    taken: usize,
    ready: bool,
    started: bool,
}

/// A token of one flow level that may turn out to be a key.
#[derive(Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    /// Whether the head of the queue waits for this key.
    awaited: bool,
    token: usize,
    mark: Mark,
}

type Scan<T = ()> = Result<T, ReadError>;

impl<'a> Scanner<'a> {
    /// Starts at the beginning of an input.
    pub(super) fn new(input: Input<'a>) -> Self {
        let text = input.text();
        let offset = input.mark_width();
        Scanner {
            input,
            text,
            mark: Mark { offset, line_start: offset, ..Mark::default() },
            flow_level: 0,
            indent: -1,
            simple_key_allowed: true,
            indents: Vec::new(),
            keys: vec![SimpleKey::default()],
            queue: VecDeque::new(),
            taken: 0,
            ready: false,
            started: false,
        }
    }

    /// Returns the next token without taking it.
    pub(super) fn peek(&mut self) -> Scan<&Token<'a>> {
        if !self.ready {
            self.fill_queue()?;
        }
        self.queue
            .front()
            .ok_or_else(|| ReadError::new("attempted to go past the end of stream; corrupted value?"))
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Scan<Token<'a>> {
        self.peek()?;
        self.ready = false;
        self.taken += 1;
        self.queue
            .pop_front()
            .ok_or_else(|| ReadError::new("attempted to go past the end of stream; corrupted value?"))
    }

    /// Makes a scanner error at the current place, in the words and line count of Go.
    pub(super) fn error(&self, context: Mark, problem: impl Into<String>) -> ReadError {
        let problem = problem.into();
        let line = if self.mark.line != 0 { self.mark.line + 1 } else { context.line };
        located(line, &problem, self.mark)
    }

    /// Returns the bytes from the current place on.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.mark.offset..).unwrap_or_default()
    }

    /// Returns the current byte, or zero at the end.
    #[inline]
    pub(super) fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.mark.offset).copied().unwrap_or(0)
    }

    /// Returns the byte that many bytes ahead, or zero behind the end.
    #[inline]
    pub(super) fn byte_at(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.mark.offset + ahead).copied().unwrap_or(0)
    }

    /// Makes sure that so many characters can be looked at.
    #[inline]
    pub(super) fn ensure(&mut self, count: usize) -> Scan {
        self.input.ensure(self.mark.offset, count)
    }

    /// Goes one character on within a line.
    #[inline]
    pub(super) fn skip(&mut self) {
        if let Some(&byte) = self.text.as_bytes().get(self.mark.offset) {
            self.mark.offset += char_width(byte);
        }
        self.mark.index += 1;
        self.mark.column += 1;
    }

    /// Goes past ASCII characters of a kind within a line, as far as nothing can be found wrong with them; the caller
    /// takes what is left character by character.
    #[inline]
    pub(super) fn skip_while(&mut self, at_most: usize, is_wanted: impl Fn(u8) -> bool) {
        let from = self.mark.offset;
        let end = self.input.free_until().min(from.saturating_add(at_most));
        let Some(free) = self.text.as_bytes().get(from..end) else { return };
        let count = free.iter().position(|byte| !is_wanted(*byte)).unwrap_or(free.len());
        self.advance(count);
    }

    /// Goes past ASCII characters up to a line break, as far as nothing can be found wrong with them.
    fn skip_ascii_line(&mut self) {
        let from = self.mark.offset;
        let Some(free) = self.text.as_bytes().get(from..self.input.free_until()) else { return };
        let line = &free[..memchr::memchr2(b'\n', b'\r', free).unwrap_or(free.len())];
        let ascii =
            if line.is_ascii() { line.len() } else { line.iter().take_while(|b| b.is_ascii()).count() };
        self.advance(ascii);
    }

    #[inline]
    fn advance(&mut self, characters: usize) {
        self.mark.offset += characters;
        self.mark.index += characters;
        self.mark.column += characters;
    }

    /// Goes past a line break, if there is one.
    pub(super) fn skip_line(&mut self) {
        let rest = self.rest();
        let width = break_width(rest);
        if width == 0 {
            return;
        }
        let pair = usize::from(rest.starts_with(b"\r\n"));
        self.mark.offset += width + pair;
        self.mark.index += 1 + pair;
        self.mark.column = 0;
        self.mark.line += 1;
        self.mark.line_start = self.mark.offset;
    }

    /// Says whether the rest of the line starts with a document marker.
    pub(super) fn at_document_marker(&self) -> bool {
        if self.mark.column != 0 {
            return false;
        }
        let rest = self.rest();
        (rest.starts_with(b"---") || rest.starts_with(b"...")) && is_space_or_end(&rest[3..])
    }

    fn fill_queue(&mut self) -> Scan {
        while self.queue.is_empty() || self.head_may_be_key()? {
            self.fetch()?;
        }
        self.ready = true;
        Ok(())
    }

    /// Says whether the token at the head of the queue may still turn out to be a key.
    fn head_may_be_key(&mut self) -> Scan<bool> {
        let from = self.keys.partition_point(|key| key.token < self.taken);
        for at in from..self.keys.len() {
            if self.keys[at].token != self.taken {
                break;
            }
            if self.keys[at].awaited {
                return self.key_is_valid(at);
            }
        }
        Ok(false)
    }

    fn fetch(&mut self) -> Scan {
        self.ensure(1)?;
        if !self.started {
            self.started = true;
            self.push(TokenKind::StreamStart, self.mark);
            return Ok(());
        }
        self.skip_to_token()?;
        self.unroll_indent(isize::try_from(self.mark.column).unwrap_or(isize::MAX));
        self.ensure(4)?;
        let (byte, in_flow) = (self.byte(), self.flow_level > 0);
        if byte == 0 {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 && byte == b'%' {
            self.end_block()?;
            return self.scan_directive();
        }
        if self.at_document_marker() {
            return self.fetch_document_marker();
        }
        let blank_follows = is_space_or_end(self.rest().get(1..).unwrap_or_default());
        match byte {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if blank_follows => self.fetch_block_entry(),
            b'?' if in_flow || blank_follows => self.fetch_key(),
            b':' if in_flow || blank_follows => self.fetch_value(),
            b'*' => self.fetch_word(Self::scan_alias),
            b'&' => self.fetch_word(Self::scan_anchor),
            b'!' => self.fetch_word(Self::scan_tag),
            b'|' | b'>' if !in_flow => {
                self.remove_key()?;
                self.simple_key_allowed = true;
                self.scan_block_scalar()
            }
            b'\'' | b'"' => self.fetch_word(Self::scan_quoted_scalar),
            _ if self.starts_plain_scalar() => self.fetch_word(Self::scan_plain_scalar),
            _ => Err(self.error(self.mark, "found character that cannot start any token")),
        }
    }

    fn starts_plain_scalar(&self) -> bool {
        let next = self.rest().get(1..).unwrap_or_default();
        match self.byte() {
            b'-' => !is_blank(next.first().copied().unwrap_or(0)),
            b'?' | b':' => self.flow_level == 0 && !is_space_or_end(next),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"'
            | b'%' | b'@' | b'`' => false,
            _ => !is_space_or_end(self.rest()),
        }
    }

    fn skip_to_token(&mut self) -> Scan {
        loop {
            self.ensure(1)?;
            if self.mark.column == 0 && self.input.buffer_starts_with_mark() {
                self.skip();
            }
            self.ensure(1)?;
            let tab_allowed = self.flow_level > 0 || !self.simple_key_allowed;
            self.skip_while(usize::MAX, |byte| byte == b' ');
            while self.byte() == b' ' || (tab_allowed && self.byte() == b'\t') {
                self.skip();
                self.ensure(1)?;
            }
            if self.byte() == b'#' {
                self.skip_to_line_end()?;
            }
            if break_width(self.rest()) == 0 {
                return Ok(());
            }
            self.ensure(2)?;
            self.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Goes to the end of the line.
    pub(super) fn skip_to_line_end(&mut self) -> Scan {
        self.skip_ascii_line();
        while !is_break_or_end(self.rest()) {
            self.skip();
            self.ensure(1)?;
            self.skip_ascii_line();
        }
        Ok(())
    }

    fn key_is_valid(&mut self, at: usize) -> Scan<bool> {
        let key = self.keys[at];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + MAX_KEY_DISTANCE < self.mark.index {
            if key.required {
                return Err(self.error(key.mark, "could not find expected ':'"));
            }
            self.keys[at].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn next_token_number(&self) -> usize {
        self.taken + self.queue.len()
    }

    fn save_key(&mut self) -> Scan {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column();
        self.remove_key()?;
        let key = SimpleKey {
            possible: true,
            required,
            awaited: true,
            token: self.next_token_number(),
            mark: self.mark,
        };
        if let Some(top) = self.keys.last_mut() {
            *top = key;
        }
        Ok(())
    }

    fn remove_key(&mut self) -> Scan {
        let Some(key) = self.keys.last().copied().filter(|key| key.possible) else {
            return Ok(());
        };
        if key.required {
            return Err(self.error(key.mark, "could not find expected ':'"));
        }
        if let Some(top) = self.keys.last_mut() {
            top.possible = false;
            top.awaited = false;
        }
        Ok(())
    }

    fn enter_flow(&mut self) -> Scan {
        let key = SimpleKey { token: self.next_token_number(), mark: self.mark, ..SimpleKey::default() };
        self.keys.push(key);
        self.flow_level += 1;
        if self.flow_level > MAX_DEPTH {
            return Err(self.error(self.mark, format!("exceeded max depth of {MAX_DEPTH}")));
        }
        Ok(())
    }

    fn leave_flow(&mut self) {
        if self.flow_level == 0 {
            return;
        }
        self.flow_level -= 1;
        let Some(top) = self.keys.pop() else { return };
        // Go forgets whichever key waits for the token of that number, which need not be this one.
        for key in self.keys.iter_mut().rev().take_while(|key| key.token >= top.token) {
            key.awaited &= key.token != top.token;
        }
    }

    fn column(&self) -> isize {
        isize::try_from(self.mark.column).unwrap_or(isize::MAX)
    }

    /// Starts a block collection if the column is deeper than the block around it; `number` is the token it is put
    /// before, or none for the end of the queue.
    fn roll_indent(&mut self, column: isize, number: Option<usize>, kind: TokenKind<'a>, mark: Mark) -> Scan {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            let context = self.keys.last().map_or(self.mark, |key| key.mark);
            return Err(self.error(context, format!("exceeded max depth of {MAX_DEPTH}")));
        }
        self.insert(number, Token { kind, start: mark, end: mark });
        Ok(())
    }

    fn unroll_indent(&mut self, column: isize) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push(TokenKind::BlockEnd, self.mark);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Puts a token before the token of that number, or at the end if that has been taken already.
    fn insert(&mut self, number: Option<usize>, token: Token<'a>) {
        match number.and_then(|number| number.checked_sub(self.taken)).filter(|at| *at <= self.queue.len()) {
            Some(at) => self.queue.insert(at, token),
            None => self.queue.push_back(token),
        }
    }

    /// Puts a token that reaches from `start` to the current place at the end of the queue.
    pub(super) fn push(&mut self, kind: TokenKind<'a>, start: Mark) {
        self.queue.push_back(Token { kind, start, end: self.mark });
    }

    /// Moves the end of the token pushed last back to a place before blanks and line breaks.
    pub(super) fn end_last_token(&mut self, end: Mark) {
        if let Some(token) = self.queue.back_mut() {
            token.end = end;
        }
    }

    fn push_indicator(&mut self, kind: TokenKind<'a>, width: usize) {
        let start = self.mark;
        for _ in 0..width {
            self.skip();
        }
        self.push(kind, start);
    }

    fn end_block(&mut self) -> Scan {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        Ok(())
    }

    fn fetch_stream_end(&mut self) -> Scan {
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
            self.mark.line_start = self.mark.offset;
        }
        self.end_block()?;
        self.push(TokenKind::StreamEnd, self.mark);
        Ok(())
    }

    fn fetch_document_marker(&mut self) -> Scan {
        let kind = if self.byte() == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
        self.end_block()?;
        self.push_indicator(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Scan {
        self.save_key()?;
        self.enter_flow()?;
        self.simple_key_allowed = true;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Scan {
        self.remove_key()?;
        self.leave_flow();
        self.simple_key_allowed = false;
        self.push_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Scan {
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error(self.mark, "block sequence entries are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockSequenceStart, self.mark)?;
        }
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Scan {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return Err(self.error(self.mark, "mapping keys are not allowed in this context"));
            }
            self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark)?;
        }
        self.remove_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Scan {
        let top = self.keys.len() - 1;
        if self.key_is_valid(top)? {
            let key = self.keys[top];
            self.insert(Some(key.token), Token { kind: TokenKind::Key, start: key.mark, end: key.mark });
            let column = isize::try_from(key.mark.column).unwrap_or(isize::MAX);
            self.roll_indent(column, Some(key.token), TokenKind::BlockMappingStart, key.mark)?;
            self.keys[top].possible = false;
            self.keys[top].awaited = false;
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return Err(self.error(self.mark, "mapping values are not allowed in this context"));
                }
                self.roll_indent(self.column(), None, TokenKind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_indicator(TokenKind::Value, 1);
        Ok(())
    }

    /// Reads something that may be a key and is not followed by another key on the same level.
    fn fetch_word(&mut self, scan: fn(&mut Self) -> Scan) -> Scan {
        self.save_key()?;
        self.simple_key_allowed = false;
        scan(self)
    }
}

/// Makes an error with Go's line before the problem (none if zero) and the true place beside it.
pub(super) fn located(go_line: usize, problem: &str, mark: Mark) -> ReadError {
    let message = if go_line == 0 { problem.to_owned() } else { format!("line {go_line}: {problem}") };
    ReadError {
        message,
        line: u32::try_from(mark.line + 1).unwrap_or(u32::MAX),
        column: u32::try_from(mark.offset - mark.line_start + 1).unwrap_or(u32::MAX),
    }
}
