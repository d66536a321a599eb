//! Reading, byte by byte like Go's scanner, so that mistakes are found at the same byte and named alike.

use std::rc::Rc;

use crate::number;
use crate::template::unicode;
use crate::trace::Marks;
use crate::value::{Data, ElementType, Entries, List, Map, MapType, Text, Value};
use crate::yaml::marks_between;

/// How deep a value may nest.
const MAX_DEPTH: usize = 10_000;

/// What Go decodes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `interface {}`.
    Any,
    /// `map[string]interface {}`.
    Map,
    /// `[]interface {}`.
    List,
}

/// What decoding gave: Go leaves a value behind even where it reports a mistake.
pub struct Decoded {
    /// The value; empty if the text is no JSON or of another type.
    pub value: Value,
    /// Go's message.
    pub error: Option<String>,
}

/// Decodes a text, with the marks of its segments on what they made.
pub fn from_json(text: &Text, target: Target) -> Decoded {
    let mut reader = Reader { text, bytes: text.bytes(), at: 0, frames: Vec::new(), range_error: None };
    let value = match reader.document() {
        Ok(value) => value,
        Err(message) => return Decoded { value: empty(target), error: Some(message) },
    };
    let is_number = text.bytes().trim_ascii_start().first().is_some_and(|b| b.is_ascii_digit() || *b == b'-');
    let found = match &value.data {
        Data::Bool(_) => "bool",
        Data::Text(_) => "string",
        Data::List(_) => "array",
        Data::Map(_) => "object",
        Data::Nil if !is_number => "null",
        _ => "number",
    };
    let go_type = match (target, found) {
        (Target::Any, _) | (Target::Map, "object") | (Target::List, "array") => {
            return Decoded { value, error: reader.range_error };
        }
        (Target::List, "null") => {
            return Decoded { value: Data::List(List::nil(ElementType::Any)).into(), error: None };
        }
        (Target::Map, "null") => {
            let nil = Value::from(Data::Map(Map::nil(MapType::Any)));
            return Decoded { value: nil.marked(value.marks), error: None };
        }
        (Target::Map, _) => "map[string]interface {}",
        (Target::List, _) => "[]interface {}",
    };
    let error = format!("json: cannot unmarshal {found} into Go value of type {go_type}");
    Decoded { value: empty(target), error: Some(error) }
}

fn empty(target: Target) -> Value {
    match target {
        Target::Any => Value::NIL,
        Target::Map => Value::map(Entries::new()),
        Target::List => Value::list(Vec::new()),
    }
}

struct Reader<'t> {
    text: &'t Text,
    bytes: &'t [u8],
    at: usize,
    frames: Vec<Frame>,
    range_error: Option<String>,
}

enum Frame {
    List(Vec<Value>),
    Map { entries: Entries, key: (Rc<[u8]>, Marks) },
}

type Read<T> = Result<T, String>;

impl Reader<'_> {
    fn document(&mut self) -> Read<Value> {
        let mut done = self.value()?;
        loop {
            // A finished value goes into the innermost open list or map, or is the document.
            let Some(mut value) = done.take() else {
                done = self.next_member(true)?;
                continue;
            };
            match self.frames.last_mut() {
                None => {
                    self.skip_space();
                    return if self.at == self.bytes.len() {
                        Ok(value)
                    } else {
                        Err(self.unexpected("after top-level value"))
                    };
                }
                Some(Frame::List(items)) => items.push(value),
                Some(Frame::Map { entries, key }) => {
                    value = value.marked(key.1);
                    entries.insert(Rc::clone(&key.0), value);
                }
            }
            done = self.next_member(false)?;
        }
    }

    fn peek(&self) -> Read<u8> {
        self.bytes.get(self.at).copied().ok_or_else(|| "unexpected end of JSON input".to_owned())
    }

    fn unexpected(&self, context: &str) -> String {
        match self.bytes.get(self.at) {
            None => "unexpected end of JSON input".to_owned(),
            Some(byte) => format!("invalid character {} {context}", quote_byte(*byte)),
        }
    }

    /// Makes the error of a place where the end counts as a blank, which is wrong there too.
    fn unexpected_or_blank(&self, context: &str) -> String {
        if self.at < self.bytes.len() {
            self.unexpected(context)
        } else {
            format!("invalid character ' ' {context}")
        }
    }

    /// Returns the byte, or zero at the end.
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn marks(&self, from: usize) -> Marks {
        let segments = self.text.segments();
        if segments.is_empty() { Marks::NONE } else { marks_between(segments, from, self.at) }
    }

    /// Reads a scalar, or opens a list or map; none for the latter.
    fn value(&mut self) -> Read<Option<Value>> {
        self.skip_space();
        let from = self.at;
        let value = match self.peek()? {
            b'[' => {
                self.open(Frame::List(Vec::new()))?;
                return Ok(None);
            }
            b'{' => {
                self.open(Frame::Map { entries: Entries::new(), key: (Rc::from(&b""[..]), Marks::NONE) })?;
                return Ok(None);
            }
            b'"' => Value::text(self.string()?),
            b't' => self.word("true", Value::bool(true))?,
            b'f' => self.word("false", Value::bool(false))?,
            b'n' => self.word("null", Value::NIL)?,
            b'-' | b'0'..=b'9' => self.number()?,
            _ => return Err(self.unexpected("looking for beginning of value")),
        };
        Ok(Some(value.marked(self.marks(from))))
    }

    fn open(&mut self, frame: Frame) -> Read<()> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(self.unexpected("exceeded max depth"));
        }
        self.at += 1;
        self.frames.push(frame);
        Ok(())
    }

    /// Goes to the next member of the innermost list or map, or ends it.
    fn next_member(&mut self, first: bool) -> Read<Option<Value>> {
        self.skip_space();
        let byte = self.peek()?;
        let is_list = matches!(self.frames.last(), Some(Frame::List(_)));
        if byte == if is_list { b']' } else { b'}' } {
            self.at += 1;
            return Ok(match self.frames.pop() {
                Some(Frame::List(items)) => Some(Value::list(items)),
                Some(Frame::Map { entries, .. }) => Some(Value::map(entries)),
                None => None,
            });
        }
        if !first {
            if byte != b',' {
                let context = if is_list { "after array element" } else { "after object key:value pair" };
                return Err(self.unexpected(context));
            }
            self.at += 1;
        }
        if !is_list {
            self.key()?;
        }
        self.value()
    }

    fn key(&mut self) -> Read<()> {
        self.skip_space();
        let from = self.at;
        if self.peek()? != b'"' {
            return Err(self.unexpected("looking for beginning of object key string"));
        }
        let text = self.string()?;
        let marks = self.marks(from);
        if let Some(Frame::Map { key, .. }) = self.frames.last_mut() {
            *key = (Rc::from(text), marks);
        }
        self.skip_space();
        if self.peek()? != b':' {
            return Err(self.unexpected("after object key"));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        for expected in word.bytes() {
            if self.byte() != expected {
                let expected = char::from(expected);
                return Err(self.unexpected_or_blank(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self, context: &str) -> Read<()> {
        if !self.byte().is_ascii_digit() {
            return Err(self.unexpected_or_blank(context));
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Read<Value> {
        let from = self.at;
        self.at += usize::from(self.bytes[self.at] == b'-');
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits("in exponent of numeric literal")?;
        }
        let text = std::str::from_utf8(&self.bytes[from..self.at]).unwrap_or_default();
        Ok(match number::parse_float(text) {
            Some(value) => Value::float(value),
            None => {
                let message = format!("json: cannot unmarshal number {text} into Go value of type float64");
                self.range_error.get_or_insert(message);
                Value::NIL
            }
        })
    }

    fn string(&mut self) -> Read<Vec<u8>> {
        self.at += 1;
        let mut raw = Vec::new();
        loop {
            let from = self.at;
            while self.bytes.get(self.at).is_some_and(|b| !matches!(b, b'"' | b'\\' | 0..=0x1F)) {
                self.at += 1;
            }
            push_valid(&mut raw, &self.bytes[from..self.at]);
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(raw);
                }
                b'\\' => self.escape(&mut raw)?,
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        self.at += 1;
        let plain = match self.byte() {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                return self.unicode_escape(out);
            }
            _ => return Err(self.unexpected_or_blank("in string escape code")),
        };
        out.push(plain);
        self.at += 1;
        Ok(())
    }

    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Read<()> {
        let high = self.hex4()?;
        let mut character = char::from_u32(high);
        if (0xD800..0xDC00).contains(&high)
            && let Some(low) = self.low_surrogate()
        {
            character = char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
            self.at += 6;
        }
        unicode::push_rune(out, character.unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex4(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.byte()).to_digit(16) else {
                return Err(self.unexpected_or_blank("in \\u hexadecimal character escape"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    /// Returns the second half of a surrogate pair if `\uXXXX` of one follows.
    fn low_surrogate(&self) -> Option<u32> {
        let digits = self.bytes.get(self.at..self.at + 6)?.strip_prefix(b"\\u")?;
        let code = digits.iter().try_fold(0, |code, b| Some(code * 16 + char::from(*b).to_digit(16)?))?;
        (0xDC00..0xE000).contains(&code).then_some(code)
    }
}

/// Adds bytes, each that is not UTF-8 as U+FFFD.
fn push_valid(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(super::replace_invalid_utf8(bytes).as_bytes());
}

/// Quotes a byte like Go's scanner: as the character of that number.
fn quote_byte(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let quoted = unicode::quote(char::from(byte).to_string().as_bytes());
            format!("'{}'", &quoted[1..quoted.len() - 1])
        }
    }
}
