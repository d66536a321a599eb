//! Where the items of a document begin and end: one function per state, each returning the next one.
//!
//! The states are those of the Go library, because the mistakes it tells, and those it does not see, follow from them:
//! a number, say, is any run of digits, signs and letters `e` until the parser looks at it.

use crate::template::unicode::{is_letter, quote};

use super::lexer::{END, Kind, Lexer, is_blank, is_line_end, quoted};

/// What the lexer waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Top,
    TopEnd,
    TableStart,
    TableNameStart,
    TableNameEnd,
    TableEnd,
    TableListEnd,
    BareName,
    QuotedName,
    KeyStart,
    KeyNameStart,
    KeyEnd,
    Value,
    ArrayValue,
    ArrayValueEnd,
    InlineTableValue,
    InlineTableValueEnd,
    String,
    RawString,
    MultilineString,
    RawMultilineString,
    StringEscape,
    MultilineStringEscape,
    HexEscape(u8),
    NumberOrDateStart,
    NumberOrDate,
    Date,
    Digits(Radix),
    SignedNumber,
    Float,
    Bool,
    CommentStart,
    Comment,
}

/// The digits of an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Radix {
    Two,
    Eight,
    Ten,
    Sixteen,
}

impl Radix {
    fn has(self, rune: char) -> bool {
        match self {
            Radix::Two => matches!(rune, '0' | '1'),
            Radix::Eight => matches!(rune, '0'..='7'),
            Radix::Ten => rune.is_ascii_digit(),
            Radix::Sixteen => rune.is_ascii_hexdigit(),
        }
    }
}

impl Lexer<'_> {
    /// Does the work of a state and returns the next; `None` at the end of the document or after a mistake.
    pub(super) fn step(&mut self, state: State) -> Option<State> {
        match state {
            State::Top => self.top(),
            State::TopEnd => self.top_end(),
            State::TableStart => self.table_start(),
            State::TableNameStart => self.table_name_start(),
            State::TableNameEnd => self.table_name_end(),
            State::TableEnd => {
                self.emit(Kind::TableEnd);
                Some(State::TopEnd)
            }
            State::TableListEnd => self.table_list_end(),
            State::BareName => self.bare_name(),
            State::QuotedName => self.quoted_name(),
            State::KeyStart => self.key_start(),
            State::KeyNameStart => self.key_name_start(),
            State::KeyEnd => self.key_end(),
            State::Value => self.value(),
            State::ArrayValue => self.array_value(),
            State::ArrayValueEnd => self.array_value_end(),
            State::InlineTableValue => self.inline_table_value(),
            State::InlineTableValueEnd => self.inline_table_value_end(),
            State::String => self.string(),
            State::RawString => self.raw_string(),
            State::MultilineString => self.multiline_string(),
            State::RawMultilineString => self.raw_multiline_string(),
            State::StringEscape => self.string_escape(),
            State::MultilineStringEscape => self.multiline_string_escape(),
            State::HexEscape(digits) => self.hex_escape(digits),
            State::NumberOrDateStart => self.number_or_date_start(),
            State::NumberOrDate => self.number_or_date(),
            State::Date => self.date(),
            State::Digits(radix) => self.digits(radix),
            State::SignedNumber => self.signed_number(),
            State::Float => self.float(),
            State::Bool => self.boolean(),
            State::CommentStart => {
                self.ignore();
                self.emit(Kind::CommentStart);
                Some(State::Comment)
            }
            State::Comment => self.comment(),
        }
    }

    fn skip_to(&mut self, state: State) -> Option<State> {
        self.ignore();
        Some(state)
    }

    fn comment_before(&mut self, state: State) -> Option<State> {
        self.push(state);
        Some(State::CommentStart)
    }

    fn top(&mut self) -> Option<State> {
        match self.next() {
            rune if is_blank(rune) || is_line_end(rune) => self.skip_to(State::Top),
            '#' => self.comment_before(State::Top),
            '[' => Some(State::TableStart),
            END => {
                self.emit(Kind::End);
                None
            }
            _ => {
                self.back_up();
                self.push(State::TopEnd);
                Some(State::KeyStart)
            }
        }
    }

    /// Behind a table's name or a value: nothing more on this line.
    fn top_end(&mut self) -> Option<State> {
        match self.next() {
            '#' => self.comment_before(State::Top),
            rune if is_blank(rune) => Some(State::TopEnd),
            rune if is_line_end(rune) => self.skip_to(State::Top),
            END => {
                self.emit(Kind::End);
                None
            }
            rune => self.fail(format!(
                "expected a top-level item to end with a newline, comment, or EOF, but got {} instead",
                quoted(rune)
            )),
        }
    }

    fn table_start(&mut self) -> Option<State> {
        if self.accept('[') {
            self.emit(Kind::TableListStart);
            self.push(State::TableListEnd);
        } else {
            self.emit(Kind::TableStart);
            self.push(State::TableEnd);
        }
        Some(State::TableNameStart)
    }

    fn table_list_end(&mut self) -> Option<State> {
        match self.next() {
            ']' => {
                self.emit(Kind::TableListEnd);
                Some(State::TopEnd)
            }
            rune => self.fail(format!(
                "expected end of table array name delimiter ']', but got {} instead",
                quoted(rune)
            )),
        }
    }

    fn table_name_start(&mut self) -> Option<State> {
        self.skip_blanks();
        match self.peek() {
            ']' | END => self.fail("unexpected end of table name (table names cannot be empty)"),
            '.' => self.fail("unexpected table separator (table names cannot be empty)"),
            rune => {
                self.push(State::TableNameEnd);
                Some(if matches!(rune, '"' | '\'') { State::QuotedName } else { State::BareName })
            }
        }
    }

    fn table_name_end(&mut self) -> Option<State> {
        self.skip_blanks();
        match self.next() {
            '.' => self.skip_to(State::TableNameStart),
            ']' => self.pop(),
            rune => {
                self.fail(format!("expected '.' or ']' to end table name, but got {} instead", quoted(rune)))
            }
        }
    }

    fn bare_name(&mut self) -> Option<State> {
        while is_bare_key_char(self.next()) {}
        self.back_up();
        self.emit(Kind::Text);
        self.pop()
    }

    fn quoted_name(&mut self) -> Option<State> {
        let mark = self.next();
        self.skip_to(if mark == '"' { State::String } else { State::RawString })
    }

    fn key_start(&mut self) -> Option<State> {
        self.skip_blanks();
        match self.peek() {
            '=' | END => self.fail("unexpected '=': key name appears blank"),
            '.' => self.fail("unexpected '.': keys cannot start with a '.'"),
            _ => {
                self.emit(Kind::KeyStart);
                Some(State::KeyNameStart)
            }
        }
    }

    fn key_name_start(&mut self) -> Option<State> {
        self.skip_blanks();
        match self.peek() {
            '=' | END => self.fail("unexpected '='"),
            '.' => self.fail("unexpected '.'"),
            rune => {
                self.push(State::KeyEnd);
                Some(if matches!(rune, '"' | '\'') { State::QuotedName } else { State::BareName })
            }
        }
    }

    fn key_end(&mut self) -> Option<State> {
        self.skip_blanks();
        match self.next() {
            END => self.fail("unexpected EOF; expected key separator '='"),
            '.' => self.skip_to(State::KeyNameStart),
            '=' => {
                self.emit(Kind::KeyEnd);
                self.skip_to(State::Value)
            }
            rune => {
                let message = format!("expected '.' or '=', but got {} instead", quoted(rune));
                if rune == '\n' { self.fail_before(message) } else { self.fail(message) }
            }
        }
    }

    /// A value on the same line; what is waiting on the stack comes next.
    fn value(&mut self) -> Option<State> {
        let rune = self.next();
        match rune {
            rune if is_blank(rune) => return self.skip_to(State::Value),
            '0'..='9' => {
                self.back_up();
                return Some(State::NumberOrDateStart);
            }
            '[' => {
                self.ignore();
                self.emit(Kind::ArrayStart);
                return Some(State::ArrayValue);
            }
            '{' => {
                self.ignore();
                self.emit(Kind::InlineTableStart);
                return Some(State::InlineTableValue);
            }
            '"' => return self.string_start('"', State::String, State::MultilineString),
            '\'' => return self.string_start('\'', State::RawString, State::RawMultilineString),
            '.' => return self.fail("floats must start with a digit, not '.'"),
            '-' | '+' => return Some(State::SignedNumber),
            // Either word may begin with either letter here; the parser refuses what is neither.
            'i' | 'n' if self.accept_word("nf") || self.accept_word("an") => {
                self.emit(Kind::Float);
                return self.pop();
            }
            _ => {}
        }
        if is_letter(rune) {
            self.back_up();
            return Some(State::Bool);
        }
        if rune == END {
            return self.fail("unexpected EOF; expected value");
        }
        let message = format!("expected value but found {} instead", quoted(rune));
        if rune == '\n' { self.fail_before(message) } else { self.fail(message) }
    }

    /// Takes the runes of a word one by one: those before the first that differs stay taken.
    fn accept_word(&mut self, word: &str) -> bool {
        word.chars().all(|wanted| self.accept(wanted))
    }

    fn string_start(&mut self, mark: char, line: State, lines: State) -> Option<State> {
        if self.accept(mark) {
            if self.accept(mark) {
                return self.skip_to(lines);
            }
            self.back_up();
        }
        self.skip_to(line)
    }

    fn array_value(&mut self) -> Option<State> {
        match self.next() {
            rune if is_blank(rune) || is_line_end(rune) => self.skip_to(State::ArrayValue),
            '#' => self.comment_before(State::ArrayValue),
            ',' => self.fail("unexpected comma"),
            ']' => self.container_end(Kind::ArrayEnd),
            _ => {
                self.back_up();
                self.push(State::ArrayValueEnd);
                Some(State::Value)
            }
        }
    }

    fn array_value_end(&mut self) -> Option<State> {
        match self.next() {
            rune if is_blank(rune) || is_line_end(rune) => self.skip_to(State::ArrayValueEnd),
            '#' => self.comment_before(State::ArrayValueEnd),
            ',' => self.skip_to(State::ArrayValue),
            ']' => self.container_end(Kind::ArrayEnd),
            rune => self.fail(format!(
                "expected a comma (',') or array terminator (']'), but got {}",
                rune_or_end(rune)
            )),
        }
    }

    fn inline_table_value(&mut self) -> Option<State> {
        match self.next() {
            rune if is_blank(rune) || is_line_end(rune) => self.skip_to(State::InlineTableValue),
            '#' => self.comment_before(State::InlineTableValue),
            ',' => self.fail("unexpected comma"),
            '}' => self.container_end(Kind::InlineTableEnd),
            _ => {
                self.back_up();
                self.push(State::InlineTableValueEnd);
                Some(State::KeyStart)
            }
        }
    }

    fn inline_table_value_end(&mut self) -> Option<State> {
        match self.next() {
            rune if is_blank(rune) || is_line_end(rune) => self.skip_to(State::InlineTableValueEnd),
            '#' => self.comment_before(State::InlineTableValueEnd),
            ',' => {
                self.ignore();
                self.skip_blanks();
                let is_end = self.peek() == '}';
                Some(if is_end { State::InlineTableValueEnd } else { State::InlineTableValue })
            }
            '}' => self.container_end(Kind::InlineTableEnd),
            rune => self.fail(format!(
                "expected a comma or an inline table terminator '}}', but got {} instead",
                rune_or_end(rune)
            )),
        }
    }

    fn container_end(&mut self, kind: Kind) -> Option<State> {
        self.ignore();
        self.emit(kind);
        self.pop()
    }

    fn string(&mut self) -> Option<State> {
        match self.next() {
            END => self.fail("unexpected EOF; expected '\"'"),
            rune if is_line_end(rune) => self.fail_before("strings cannot contain newlines"),
            '\\' => {
                self.push(State::String);
                Some(State::StringEscape)
            }
            '"' => {
                let has_escape = std::mem::take(&mut self.has_escape);
                self.string_end(if has_escape { Kind::EscapedString } else { Kind::String }, 1)
            }
            _ => Some(State::String),
        }
    }

    fn raw_string(&mut self) -> Option<State> {
        match self.next() {
            END => self.fail("unexpected EOF; expected \"'\""),
            rune if is_line_end(rune) => self.fail_before("strings cannot contain newlines"),
            '\'' => self.string_end(Kind::RawString, 1),
            _ => Some(State::RawString),
        }
    }

    /// Ends a string whose closing marks have just been taken.
    fn string_end(&mut self, kind: Kind, marks: usize) -> Option<State> {
        (0..marks).for_each(|_| self.back_up());
        self.emit(kind);
        for _ in 0..marks {
            self.next();
        }
        self.ignore();
        self.pop()
    }

    fn multiline_string(&mut self) -> Option<State> {
        match self.next() {
            END => self.fail("unexpected EOF; expected '\"\"\"'"),
            '\\' => Some(State::MultilineStringEscape),
            '"' if self.closes('"') => {
                if self.peek() == '"' {
                    let pending = self.pending();
                    if pending.ends_with("\"\"\"\"\"") && !pending.ends_with("\\\"\"\"\"\"") {
                        return self.fail("unexpected '\"\"\"\"\"\"'");
                    }
                    self.back_up();
                    self.back_up();
                    return Some(State::MultilineString);
                }
                self.has_escape = false;
                self.string_end(Kind::MultilineString, 3)
            }
            _ => Some(State::MultilineString),
        }
    }

    fn raw_multiline_string(&mut self) -> Option<State> {
        match self.next() {
            END => self.fail("unexpected EOF; expected \"'''\""),
            '\'' if self.closes('\'') => {
                if self.peek() == '\'' {
                    if self.pending().ends_with("'''''") {
                        return self.fail("unexpected \"''''''\"");
                    }
                    self.back_up();
                    self.back_up();
                    return Some(State::RawMultilineString);
                }
                self.string_end(Kind::RawMultilineString, 3)
            }
            _ => Some(State::RawMultilineString),
        }
    }

    /// Takes two more quote marks, or none.
    fn closes(&mut self, mark: char) -> bool {
        if !self.accept(mark) {
            return false;
        }
        if self.accept(mark) {
            return true;
        }
        self.back_up();
        false
    }

    fn multiline_string_escape(&mut self) -> Option<State> {
        if is_line_end(self.next()) {
            return Some(State::MultilineString);
        }
        self.back_up();
        self.push(State::MultilineString);
        self.string_escape()
    }

    /// A blank may be escaped here because a backslash may end a line; elsewhere the parser refuses it.
    fn string_escape(&mut self) -> Option<State> {
        self.has_escape = true;
        match self.next() {
            'e' | 'b' | 't' | 'n' | 'f' | 'r' | '"' | ' ' | '\t' | '\\' => self.pop(),
            'x' => Some(State::HexEscape(2)),
            'u' => Some(State::HexEscape(4)),
            'U' => Some(State::HexEscape(8)),
            rune => self.fail_in_escape(rune),
        }
    }

    fn hex_escape(&mut self, digits: u8) -> Option<State> {
        let (count, letter) = match digits {
            2 => ("two", 'x'),
            4 => ("four", 'u'),
            _ => ("eight", 'U'),
        };
        for _ in 0..digits {
            if !self.next().is_ascii_hexdigit() {
                let found = quote(self.pending().as_bytes());
                return self.fail(format!(
                    "expected {count} hexadecimal digits after '\\{letter}', but got {found} instead"
                ));
            }
        }
        self.pop()
    }

    fn end_number(&mut self, kind: Kind) -> Option<State> {
        self.back_up();
        self.emit(kind);
        self.pop()
    }

    fn number_or_date_start(&mut self) -> Option<State> {
        if self.next() != '0' {
            return Some(State::NumberOrDate);
        }
        match self.next() {
            '0'..='9' => Some(State::NumberOrDate),
            '_' => Some(State::Digits(Radix::Ten)),
            '.' | 'e' | 'E' => Some(State::Float),
            'b' => self.radix(Radix::Two, "a binary"),
            'o' => self.radix(Radix::Eight, "an octal"),
            'x' => self.radix(Radix::Sixteen, "a hexadecimal"),
            _ => self.end_number(Kind::Integer),
        }
    }

    fn radix(&mut self, radix: Radix, name: &str) -> Option<State> {
        let rune = self.peek();
        if !radix.has(rune) {
            return self.fail(format!("not {name} number: '{}{rune}'", self.pending()));
        }
        Some(State::Digits(radix))
    }

    fn number_or_date(&mut self) -> Option<State> {
        match self.next() {
            '0'..='9' => Some(State::NumberOrDate),
            '-' | ':' => Some(State::Date),
            '_' => Some(State::Digits(Radix::Ten)),
            '.' | 'e' | 'E' => Some(State::Float),
            _ => self.end_number(Kind::Integer),
        }
    }

    fn date(&mut self) -> Option<State> {
        match self.next() {
            '0'..='9' | '-' | ':' | 'T' | 't' | ' ' | '.' | 'Z' | 'z' | '+' => Some(State::Date),
            _ => {
                self.back_up();
                self.emit_trimmed(Kind::Date);
                self.pop()
            }
        }
    }

    fn digits(&mut self, radix: Radix) -> Option<State> {
        match self.next() {
            '_' => Some(State::Digits(radix)),
            rune if radix.has(rune) => Some(State::Digits(radix)),
            '.' | 'e' | 'E' if radix == Radix::Ten => Some(State::Float),
            _ => self.end_number(Kind::Integer),
        }
    }

    fn signed_number(&mut self) -> Option<State> {
        let rune = self.next();
        match rune {
            'i' | 'n' => {
                if !self.accept_word(if rune == 'i' { "nf" } else { "an" }) {
                    return self.fail(format!("invalid float: '{}'", self.pending()));
                }
                self.emit(Kind::Float);
                return self.pop();
            }
            '0' => {
                let letter = self.peek();
                if matches!(letter, 'b' | 'o' | 'x') {
                    let pending = self.pending();
                    return self
                        .fail(format!("cannot use sign with non-decimal numbers: '{pending}{letter}'"));
                }
            }
            '.' => return self.fail("floats must start with a digit, not '.'"),
            _ => {}
        }
        if rune.is_ascii_digit() {
            return Some(State::Digits(Radix::Ten));
        }
        self.fail(format!("expected a digit but got {}", quoted(rune)))
    }

    fn float(&mut self) -> Option<State> {
        match self.next() {
            '0'..='9' | '_' | '.' | '-' | '+' | 'e' | 'E' => Some(State::Float),
            _ => self.end_number(Kind::Float),
        }
    }

    /// `true` or `false`; any other word is refused here. A word may have begun before, as in `int`.
    fn boolean(&mut self) -> Option<State> {
        let mut word = String::new();
        loop {
            let rune = self.next();
            if !is_letter(rune) {
                self.back_up();
                break;
            }
            word.push(rune);
        }
        if word == "true" || word == "false" {
            self.emit(Kind::Bool);
            return self.pop();
        }
        self.fail(format!("expected value but found {} instead", quote(word.as_bytes())))
    }

    fn comment(&mut self) -> Option<State> {
        let rune = self.next();
        if is_line_end(rune) || rune == END {
            self.back_up();
            self.emit(Kind::Text);
            return self.pop();
        }
        Some(State::Comment)
    }
}

fn rune_or_end(rune: char) -> String {
    if rune == END { "end of file".to_owned() } else { format!("'{rune}'") }
}

fn is_bare_key_char(rune: char) -> bool {
    rune.is_ascii_alphanumeric() || matches!(rune, '_' | '-')
}
