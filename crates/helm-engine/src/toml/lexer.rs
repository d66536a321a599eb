//! The text of a document cut into items. The states that decide where to cut are in [`super::states`].
//!
//! Only the first mistake counts: what is found behind it is dropped. Lines are counted the way the Go library counts
//! them, which is one less than an editor does where a document ends, or a carriage return stands, too early.

use std::collections::VecDeque;

use crate::template::unicode::{RUNE_ERROR, decode_rune, push_quoted_rune};

use super::states::State;

/// What stands for the end of the document; a real NUL is refused before anyone sees it.
pub(super) const END: char = '\0';

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    End,
    /// A bare part of a key, or a comment.
    Text,
    String,
    /// A string of one line with escapes in it.
    EscapedString,
    RawString,
    MultilineString,
    RawMultilineString,
    Bool,
    Integer,
    Float,
    Date,
    ArrayStart,
    ArrayEnd,
    TableStart,
    TableEnd,
    /// `[[`.
    TableListStart,
    /// `]]`.
    TableListEnd,
    KeyStart,
    /// `=`.
    KeyEnd,
    /// `#`; the comment follows as text.
    CommentStart,
    InlineTableStart,
    InlineTableEnd,
}

/// A piece of the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// The line on which the item ends, from one.
    pub(super) line: i64,
}

/// Why a document was refused, and on which line.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    pub(super) line: i64,
    pub(super) message: String,
}

/// Reads items from a document.
pub(super) struct Lexer<'a> {
    input: &'a [u8],
    /// How much of the input is UTF-8: nothing behind it is read.
    text: &'a str,
    start: usize,
    position: usize,
    line: i64,
    is_at_end: bool,
    state: Option<State>,
    /// The states to go back to.
    stack: Vec<State>,
    items: VecDeque<Result<Item<'a>, Mistake>>,
    has_failed: bool,
    /// Whether the string being read has an escape.
    pub(super) has_escape: bool,
}

impl<'a> Lexer<'a> {
    /// Starts at a document.
    pub(super) fn new(input: &'a [u8]) -> Self {
        let text = match std::str::from_utf8(input) {
            Ok(text) => text,
            Err(bad) => std::str::from_utf8(&input[..bad.valid_up_to()]).unwrap_or_default(),
        };
        Lexer {
            input,
            text,
            start: 0,
            position: 0,
            line: 1,
            is_at_end: false,
            state: Some(State::Top),
            stack: Vec::new(),
            items: VecDeque::new(),
            has_failed: false,
            has_escape: false,
        }
    }

    /// Returns the next item; after the end or a mistake there is none, which is a mistake too.
    pub(super) fn next_item(&mut self) -> Result<Item<'a>, Mistake> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return item;
            }
            let Some(state) = self.state.take() else {
                return Err(Mistake { line: self.line, message: "unexpected EOF".to_owned() });
            };
            self.state = self.step(state);
        }
    }

    /// Takes the next rune; [`END`] if there is none.
    pub(super) fn next(&mut self) -> char {
        if self.position >= self.input.len() {
            self.is_at_end = true;
            return END;
        }
        let (rune, width) = decode_rune(&self.input[self.position..]);
        if rune == '\n' {
            self.line += 1;
        }
        if rune == RUNE_ERROR && width == 1 {
            self.refuse(self.line, format!("invalid UTF-8 byte: 0x{:02x}", self.input[self.position]));
            return RUNE_ERROR;
        }
        let is_lone_return = rune == '\r' && self.input.get(self.position + 1) != Some(&b'\n');
        if is_control(rune) || is_lone_return {
            let code = u32::from(rune);
            self.refuse(self.line, format!("TOML files cannot contain control characters: '0x{code:02x}'"));
            return RUNE_ERROR;
        }
        self.position += width;
        rune
    }

    /// Steps back behind the last rune.
    pub(super) fn back_up(&mut self) {
        if self.is_at_end {
            self.is_at_end = false;
            return;
        }
        let before = self.text.get(..self.position).unwrap_or_default();
        let Some(rune) = before.chars().next_back() else { return };
        self.position -= rune.len_utf8();
        if rune == '\n' {
            self.line -= 1;
        }
    }

    /// Takes the next rune if it is the given one.
    pub(super) fn accept(&mut self, wanted: char) -> bool {
        if self.next() == wanted {
            return true;
        }
        self.back_up();
        false
    }

    /// Looks at the next rune.
    pub(super) fn peek(&mut self) -> char {
        let rune = self.next();
        self.back_up();
        rune
    }

    /// Drops blanks and tabs, and everything pending.
    pub(super) fn skip_blanks(&mut self) {
        while is_blank(self.next()) {}
        self.back_up();
        self.ignore();
    }

    /// Drops what is pending.
    pub(super) fn ignore(&mut self) {
        self.start = self.position;
    }

    /// Returns what is pending.
    pub(super) fn pending(&self) -> &'a str {
        self.text.get(self.start..self.position).unwrap_or_default()
    }

    /// Ends an item with what is pending.
    pub(super) fn emit(&mut self, kind: Kind) {
        self.emit_text(kind, self.pending());
    }

    /// Ends an item with what is pending, without the blanks around it.
    pub(super) fn emit_trimmed(&mut self, kind: Kind) {
        self.emit_text(kind, self.pending().trim());
    }

    fn emit_text(&mut self, kind: Kind, text: &'a str) {
        if !self.has_failed {
            self.items.push_back(Ok(Item { kind, text, line: self.line }));
        }
        self.start = self.position;
    }

    /// Refuses the document; the line is the last one that has text if the document ended too early.
    pub(super) fn fail(&mut self, message: impl Into<String>) -> Option<State> {
        let is_behind_line = self.position >= 1 && self.input[self.position - 1] == b'\n';
        self.refuse(self.line - i64::from(self.is_at_end && is_behind_line), message);
        None
    }

    /// Refuses the document on the line before.
    pub(super) fn fail_before(&mut self, message: impl Into<String>) -> Option<State> {
        self.refuse(self.line - 1, message);
        None
    }

    /// Refuses an escape; the line is wrong by one at the end of the document, as in Go.
    pub(super) fn fail_in_escape(&mut self, rune: char) -> Option<State> {
        self.refuse(self.line - i64::from(self.is_at_end), format!("invalid escape in string '\\{rune}'"));
        None
    }

    fn refuse(&mut self, line: i64, message: impl Into<String>) {
        if !self.has_failed {
            self.items.push_back(Err(Mistake { line, message: message.into() }));
            self.has_failed = true;
        }
    }

    pub(super) fn push(&mut self, state: State) {
        self.stack.push(state);
    }

    pub(super) fn pop(&mut self) -> Option<State> {
        self.stack.pop()
    }
}

/// Returns Go's `%q` of a rune.
pub(super) fn quoted(rune: char) -> String {
    let mut out = Vec::new();
    push_quoted_rune(&mut out, rune, crate::template::unicode::Quoting::Printable);
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn is_blank(rune: char) -> bool {
    matches!(rune, '\t' | ' ')
}

pub(super) fn is_line_end(rune: char) -> bool {
    matches!(rune, '\n' | '\r')
}

fn is_control(rune: char) -> bool {
    !matches!(rune, '\t' | '\r' | '\n') && (rune < ' ' || rune == '\x7F')
}
