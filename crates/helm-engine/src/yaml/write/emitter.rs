//! The layout: indentation, indicators, folding. Lists and maps are walked with an explicit stack.

use std::borrow::Cow;
use std::rc::Rc;

use super::scalar::{Analysis, Style, analyze, is_printable, style};
use super::{Dialect, Leaf, key_leaf, keys, leaf};
use crate::error::CallError;
use crate::marked::MarkedText;
use crate::trace::Marks;
use crate::value::{Data, FieldNames, Value};
use crate::yaml::chars::{break_width, char_width};

/// The width past which v2 folds at the next blank.
const BEST_WIDTH: usize = 80;

/// How many bytes a key may have before it is written with `?`.
const MAX_SIMPLE_KEY: usize = 128;

/// How deep a value may nest: go-yaml refuses to read deeper JSON.
const MAX_DEPTH: usize = 10_000;

/// Writes one document.
pub(super) struct Emitter {
    out: MarkedText,
    dialect: Dialect,
    column: usize,
    /// The indentation; -1 outside of everything.
    indent: isize,
    /// Whether the last character written was a blank or an indicator that needs none after it.
    whitespace: bool,
    /// Whether the line so far holds only indentation and indicators.
    indention: bool,
    frames: Vec<Frame>,
}

struct Frame {
    outer_indent: isize,
    marks: Marks,
    rest: Rest,
}

/// A key as it sorts, and the entry.
type Entry = (Box<str>, (Rc<[u8]>, Value));

enum Rest {
    List(Value, usize),
    Map(std::vec::IntoIter<Entry>),
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    MapValue,
}

type Emit<T = ()> = Result<T, CallError>;

impl Emitter {
    /// Starts a document.
    pub(super) fn new(dialect: Dialect, out: MarkedText) -> Self {
        Emitter { out, dialect, column: 0, indent: -1, whitespace: true, indention: true, frames: Vec::new() }
    }

    /// Returns what has been written.
    pub(super) fn finish(self) -> MarkedText {
        self.out
    }

    /// Writes a value as a document.
    pub(super) fn write_document(&mut self, value: &Value) -> Emit {
        self.node(value, Marks::NONE, Place::Root)?;
        while let Some(frame) = self.frames.last_mut() {
            let marks = frame.marks;
            match &mut frame.rest {
                Rest::List(list, next) => {
                    let at = *next;
                    *next += 1;
                    match list.as_list().and_then(|list| list.items().get(at)).cloned() {
                        Some(item) => self.item(&item, marks)?,
                        None => self.leave(),
                    }
                }
                Rest::Map(entries) => match entries.next() {
                    Some((_, (key, value))) => self.entry(&key, &value, marks)?,
                    None => self.leave(),
                },
            }
        }
        self.write_indent();
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.indent = frame.outer_indent;
        }
    }

    fn item(&mut self, item: &Value, marks: Marks) -> Emit {
        self.out.switch_to(marks);
        self.write_indent();
        self.write_indicator("-", true, false, true);
        self.node(item, marks, Place::Item)
    }

    fn entry(&mut self, key: &[u8], value: &Value, marks: Marks) -> Emit {
        self.out.switch_to(marks);
        self.write_indent();
        let leaf = key_leaf(key, self.dialect)?;
        let analysis = analyze_leaf(&leaf, self.dialect);
        let tag_length = if matches!(leaf, Leaf::Binary(_)) { "!!binary".len() } else { 0 };
        if !analysis.multiline && leaf_text(&leaf).len() + tag_length <= MAX_SIMPLE_KEY {
            self.scalar(&leaf, &analysis, true);
            self.write_indicator(":", false, false, false);
        } else {
            self.write_indicator("?", true, false, true);
            self.scalar(&leaf, &analysis, false);
            self.write_indent();
            self.write_indicator(":", true, false, true);
        }
        self.node(value, marks, Place::MapValue)
    }

    fn node(&mut self, value: &Value, around: Marks, place: Place) -> Emit {
        let plain;
        let value = match &value.data {
            Data::Object(object) if object.type_name() == "complex128" => {
                return Err(CallError::new(match self.dialect {
                    Dialect::Plain => "error marshaling into JSON: json: unsupported type: complex128",
                    Dialect::Pretty => "cannot marshal type: complex128",
                }));
            }
            Data::Object(object) if self.dialect == Dialect::Pretty && object.type_name() == "time.Time" => {
                let marks = self.out.marks_of(around, value);
                self.out.switch_to(marks);
                let text = object.to_plain();
                let text = String::from_utf8_lossy(text.as_bytes().unwrap_or_default());
                self.bare(text.into_owned());
                return Ok(());
            }
            Data::Object(object) => {
                let fields = object.fields_in_order(FieldNames::Lower);
                if let Some(fields) = fields.filter(|_| self.dialect == Dialect::Pretty) {
                    let marks = self.out.marks_of(around, value);
                    self.out.switch_to(marks);
                    let entries: Vec<Entry> = fields.into_iter().map(|field| ("".into(), field)).collect();
                    return self.enter(Rest::Map(entries.into_iter()), marks, place);
                }
                plain = object.to_plain().marked(value.marks);
                &plain
            }
            Data::Bytes(bytes) if self.dialect == Dialect::Pretty => {
                plain = Value::list(bytes.bytes().iter().map(|byte| Value::int(i64::from(*byte))).collect())
                    .marked(value.marks);
                &plain
            }
            _ => value,
        };
        let marks = self.out.marks_of(around, value);
        self.out.switch_to(marks);
        match &value.data {
            // Go's nil slice or map is null in JSON, and empty for v3.
            Data::List(list) if list.is_nil() && self.dialect == Dialect::Plain => {
                self.bare("null");
                Ok(())
            }
            Data::Map(map) if map.is_nil() && self.dialect == Dialect::Plain => {
                self.bare("null");
                Ok(())
            }
            Data::List(list) if list.items().is_empty() => {
                self.write_indicator("[", true, true, false);
                self.write_indicator("]", false, false, false);
                Ok(())
            }
            Data::Map(map) if map.entries().is_empty() => {
                self.write_indicator("{", true, true, false);
                self.write_indicator("}", false, false, false);
                Ok(())
            }
            Data::List(_) => self.enter(Rest::List(value.clone(), 0), marks, place),
            Data::Map(map) => {
                let entries = map
                    .entries()
                    .iter()
                    .map(|(key, value)| {
                        let text: Box<str> = String::from_utf8_lossy(key).into();
                        (text, (Rc::clone(key), value.clone()))
                    })
                    .collect();
                let entries = keys::sort(entries, self.dialect);
                self.enter(Rest::Map(entries.into_iter()), marks, place)
            }
            _ => {
                let leaf = leaf(value, self.dialect)?;
                let analysis = analyze_leaf(&leaf, self.dialect);
                self.scalar(&leaf, &analysis, false);
                Ok(())
            }
        }
    }

    fn enter(&mut self, rest: Rest, marks: Marks, place: Place) -> Emit {
        if self.frames.len() >= MAX_DEPTH {
            return Err(CallError::new(format!("yaml: exceeded max depth of {MAX_DEPTH}")));
        }
        let same_indent = self.dialect == Dialect::Plain
            && matches!(rest, Rest::List(..))
            && place == Place::MapValue
            && !self.indention;
        self.frames.push(Frame { outer_indent: self.indent, marks, rest });
        if self.indent < 0 {
            self.indent = 0;
        } else if !same_indent {
            self.indent += 2;
        }
        Ok(())
    }

    fn bare(&mut self, text: impl Into<Cow<'static, str>>) {
        let leaf = Leaf::Bare(text.into());
        let analysis = analyze_leaf(&leaf, self.dialect);
        self.scalar(&leaf, &analysis, false);
    }

    fn scalar(&mut self, leaf: &Leaf<'_>, analysis: &Analysis, is_simple_key: bool) {
        let outer = self.indent;
        self.indent = self.indent.max(0) + 2;
        if matches!(leaf, Leaf::Binary(_)) {
            self.write_indicator("!!binary", true, false, false);
        }
        let text = leaf_text(leaf);
        match style(leaf, analysis, is_simple_key, self.dialect) {
            Style::Plain => self.write_plain(text, !is_simple_key),
            Style::Single => self.write_single(text, !is_simple_key),
            Style::Double => self.write_double(text, !is_simple_key),
            Style::Literal => self.write_literal(text),
        }
        self.indent = outer;
    }

    fn put(&mut self, byte: u8) {
        self.out.bytes.push(byte);
        self.column += 1;
    }

    fn put_char(&mut self, text: &str, at: usize) -> usize {
        let width = char_width(text.as_bytes()[at]);
        self.out.bytes.extend_from_slice(&text.as_bytes()[at..at + width]);
        self.column += 1;
        width
    }

    /// Writes the ASCII characters of a kind at the start of a text and returns how many there are.
    #[inline]
    fn put_run(&mut self, bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> usize {
        let count = bytes.iter().take_while(|byte| is_wanted(**byte)).count();
        self.out.bytes.extend_from_slice(&bytes[..count]);
        self.column += count;
        count
    }

    fn put_break(&mut self) {
        self.out.bytes.push(b'\n');
        self.column = 0;
        self.indention |= self.dialect == Dialect::Pretty;
    }

    /// Writes the line break at a place of a text and returns its width.
    fn put_break_of(&mut self, text: &str, at: usize) -> usize {
        let width = break_width(&text.as_bytes()[at..]);
        if text.as_bytes()[at] == b'\n' {
            self.put_break();
        } else {
            self.out.bytes.extend_from_slice(&text.as_bytes()[at..at + width]);
            self.column = 0;
        }
        self.indention = true;
        width
    }

    fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(b' ');
        }
        self.whitespace = true;
        self.indention |= self.dialect == Dialect::Plain;
    }

    fn write_indicator(&mut self, text: &str, needs_blank: bool, is_whitespace: bool, is_indention: bool) {
        if needs_blank && !self.whitespace {
            self.put(b' ');
        }
        self.out.bytes.extend_from_slice(text.as_bytes());
        self.column += text.len();
        self.whitespace = is_whitespace;
        self.indention &= is_indention;
    }

    /// Says whether a blank at this place becomes the end of a line.
    fn folds(&self, may_fold: bool, after_blank: bool) -> bool {
        may_fold && !after_blank && self.dialect == Dialect::Plain && self.column > BEST_WIDTH
    }

    fn write_plain(&mut self, text: &str, may_fold: bool) {
        if !self.whitespace {
            self.put(b' ');
        }
        self.write_words(text, may_fold, true);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single(&mut self, text: &str, may_fold: bool) {
        self.write_indicator("'", true, false, false);
        self.write_words(text, may_fold, false);
        self.write_indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes a text plain, or inside single quotes.
    fn write_words(&mut self, text: &str, may_fold: bool, plain: bool) {
        let bytes = text.as_bytes();
        let (mut after_blank, mut after_break) = (false, false);
        let mut at = 0;
        while at < bytes.len() {
            let single_blank = bytes.get(at + 1) != Some(&b' ');
            let inside = plain || (at > 0 && at + 1 < bytes.len());
            if bytes[at] == b' ' {
                if self.folds(may_fold, after_blank) && inside && single_blank {
                    self.write_indent();
                    at += 1;
                } else {
                    at += self.put_char(text, at);
                }
                after_blank = true;
            } else if break_width(&bytes[at..]) > 0 {
                if !after_break && bytes[at] == b'\n' {
                    self.put_break();
                }
                at += self.put_break_of(text, at);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if bytes[at] == b'\'' && !plain {
                    self.put(b'\'');
                }
                at += self.put_char(text, at);
                at += self.put_run(&bytes[at..], |byte| byte.is_ascii_graphic() && (plain || byte != b'\''));
                self.indention = false;
                (after_blank, after_break) = (false, false);
            }
        }
    }

    fn write_double(&mut self, text: &str, may_fold: bool) {
        self.write_indicator("\"", true, false, false);
        let mut after_blank = false;
        // Go looks for a byte order mark at the start of the text, whichever character it is at.
        let escape_all = text.starts_with('\u{FEFF}');
        for (at, c) in text.char_indices() {
            let breaks = matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
            if escape_all || !is_printable(c) || breaks || c == '"' || c == '\\' {
                self.write_escape(c);
                after_blank = false;
            } else if c == ' ' {
                if self.folds(may_fold, after_blank) && at > 0 && at + 1 < text.len() {
                    self.write_indent();
                    if text.as_bytes()[at + 1] == b' ' {
                        self.put(b'\\');
                    }
                } else {
                    self.put(b' ');
                }
                after_blank = true;
            } else {
                self.put_char(text, at);
                after_blank = false;
            }
        }
        self.write_indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_escape(&mut self, c: char) {
        let code = u32::from(c);
        let escape = match c {
            '\0' => "\\0".to_owned(),
            '\x07' => "\\a".to_owned(),
            '\x08' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\x0B' => "\\v".to_owned(),
            '\x0C' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\x1B' => "\\e".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{85}' => "\\N".to_owned(),
            '\u{A0}' => "\\_".to_owned(),
            '\u{2028}' => "\\L".to_owned(),
            '\u{2029}' => "\\P".to_owned(),
            '\0'..='\u{FF}' => format!("\\x{code:02X}"),
            '\0'..='\u{FFFF}' => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        self.out.bytes.extend_from_slice(escape.as_bytes());
        self.column += escape.len();
    }

    fn write_literal(&mut self, text: &str) {
        self.write_indicator("|", true, false, false);
        let bytes = text.as_bytes();
        if bytes.first() == Some(&b' ') || break_width(bytes) > 0 {
            self.write_indicator("2", false, false, false);
        }
        let mut ends =
            text.chars().rev().map(|c| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}'));
        match (ends.next().unwrap_or(false), ends.next()) {
            (false, _) => self.write_indicator("-", false, false, false),
            (true, None | Some(true)) => self.write_indicator("+", false, false, false),
            (true, Some(false)) => {}
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut after_break = true;
        let mut at = 0;
        while at < bytes.len() {
            if break_width(&bytes[at..]) > 0 {
                at += self.put_break_of(text, at);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                at += self.put_char(text, at);
                at += self.put_run(&bytes[at..], |byte| byte.is_ascii_graphic() || byte == b' ');
                self.indention = false;
                after_break = false;
            }
        }
    }
}

fn leaf_text<'l>(leaf: &'l Leaf<'_>) -> &'l str {
    match leaf {
        Leaf::Bare(text) => text,
        Leaf::Text(text) => text,
        Leaf::Binary(text) => text,
    }
}

fn analyze_leaf(leaf: &Leaf<'_>, dialect: Dialect) -> Analysis {
    analyze(leaf_text(leaf), dialect)
}
