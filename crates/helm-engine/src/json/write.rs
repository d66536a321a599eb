//! Writing. Lists and maps are walked with an explicit stack.

use std::rc::Rc;

use super::{base64, format_float};
use crate::error::CallError;
use crate::marked::MarkedText;
use crate::number;
use crate::trace::{Marks, Trace};
use crate::value::{Data, FieldNames, IntType, Object, Text, Value};

/// How deep a value may nest before it is taken for one that holds itself.
const MAX_DEPTH: usize = 10_000;

/// How JSON is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// On one line, with HTML's characters escaped: `toJson`.
    Compact,
    /// On one line, HTML's characters as they are: `toRawJson`.
    Raw,
    /// Indented by two blanks: `toPrettyJson`.
    Pretty,
}

/// Writes a value.
///
/// # Errors
/// With Go's message, for NaN, infinities and values that hold themselves.
pub fn to_json(value: &Value, layout: Layout, trace: Trace) -> Result<Text, CallError> {
    let mut writer = Writer { out: MarkedText::new(trace), layout, frames: Vec::new() };
    writer.value(value, Marks::NONE)?;
    while let Some(frame) = writer.frames.last_mut() {
        let next = match &mut frame.rest {
            Rest::List(list, at) => {
                *at += 1;
                list.as_list().and_then(|list| list.items().get(*at - 1)).map(|item| (None, item.clone()))
            }
            Rest::Map(entries) => entries.next().map(|(key, value)| (Some(key), value)),
        };
        let (marks, first) = (frame.marks, std::mem::take(&mut frame.first));
        match next {
            Some((key, value)) => writer.member(key, &value, marks, first)?,
            None => writer.leave(marks, first),
        }
    }
    Ok(writer.out.finish())
}

/// Writes a string with its quotes.
pub fn push_string(out: &mut Vec<u8>, bytes: &[u8], escape_html: bool) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid().as_bytes();
        let mut from = 0;
        for (at, &byte) in valid.iter().enumerate() {
            let line_separator = byte == 0xE2 && matches!(valid[at..], [_, 0x80, 0xA8 | 0xA9, ..]);
            let html = escape_html && matches!(byte, b'<' | b'>' | b'&');
            if byte >= b' ' && byte != b'"' && byte != b'\\' && !html && !line_separator {
                continue;
            }
            out.extend_from_slice(&valid[from..at]);
            from = at + if line_separator { 3 } else { 1 };
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0x08 => out.extend_from_slice(b"\\b"),
                0x0C => out.extend_from_slice(b"\\f"),
                0xE2 if valid[at + 2] == 0xA8 => out.extend_from_slice(b"\\u2028"),
                0xE2 => out.extend_from_slice(b"\\u2029"),
                _ => out.extend_from_slice(&[
                    b'\\',
                    b'u',
                    b'0',
                    b'0',
                    HEX[usize::from(byte >> 4)],
                    HEX[usize::from(byte & 0xF)],
                ]),
            }
        }
        out.extend_from_slice(&valid[from..]);
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

struct Writer {
    out: MarkedText,
    layout: Layout,
    frames: Vec<Frame>,
}

struct Frame {
    marks: Marks,
    first: bool,
    rest: Rest,
}

enum Rest {
    List(Value, usize),
    Map(std::vec::IntoIter<(Rc<[u8]>, Value)>),
}

impl Writer {
    fn member(
        &mut self,
        key: Option<Rc<[u8]>>,
        value: &Value,
        marks: Marks,
        first: bool,
    ) -> Result<(), CallError> {
        self.out.switch_to(marks);
        if !first {
            self.out.bytes.push(b',');
        }
        self.new_line(self.frames.len());
        if let Some(key) = key {
            push_string(&mut self.out.bytes, &key, self.layout != Layout::Raw);
            self.out.bytes.extend_from_slice(if self.layout == Layout::Pretty { b": " } else { b":" });
        }
        self.value(value, marks)
    }

    fn new_line(&mut self, depth: usize) {
        if self.layout == Layout::Pretty {
            self.out.bytes.push(b'\n');
            self.out.bytes.extend(std::iter::repeat_n(b' ', 2 * depth));
        }
    }

    fn leave(&mut self, marks: Marks, is_empty: bool) {
        let Some(frame) = self.frames.pop() else { return };
        self.out.switch_to(marks);
        if !is_empty {
            self.new_line(self.frames.len());
        }
        self.out.bytes.push(if matches!(frame.rest, Rest::List(..)) { b']' } else { b'}' });
    }

    fn value(&mut self, value: &Value, around: Marks) -> Result<(), CallError> {
        if let Data::Object(object) = &value.data {
            return self.object(&**object, value.marks, around);
        }
        let marks = self.out.marks_of(around, value);
        self.out.switch_to(marks);
        let out = &mut self.out.bytes;
        match &value.data {
            Data::Bool(true) => out.extend_from_slice(b"true"),
            Data::Bool(false) => out.extend_from_slice(b"false"),
            Data::Int(IntType::Uint64, bits) => out.extend_from_slice((*bits as u64).to_string().as_bytes()),
            Data::Int(_, value) => out.extend_from_slice(value.to_string().as_bytes()),
            Data::Float(value) if value.is_finite() => out.extend_from_slice(format_float(*value).as_bytes()),
            Data::Float(value) => {
                return Err(CallError::new(format!("json: unsupported value: {}", number::format_g(*value))));
            }
            Data::Text(text) => push_string(out, text.bytes(), self.layout != Layout::Raw),
            Data::Bytes(bytes) => push_string(out, base64(bytes.bytes()).as_bytes(), false),
            Data::List(list) if list.is_nil() => out.extend_from_slice(b"null"),
            Data::List(_) => {
                out.push(b'[');
                return self.enter(marks, Rest::List(value.clone(), 0), value);
            }
            Data::Map(map) if map.is_nil() => out.extend_from_slice(b"null"),
            Data::Map(map) => {
                out.push(b'{');
                let entries: Vec<_> = map.entries().iter().map(|(k, v)| (Rc::clone(k), v.clone())).collect();
                return self.enter(marks, Rest::Map(entries.into_iter()), value);
            }
            Data::Nil | Data::Object(_) => out.extend_from_slice(b"null"),
        }
        Ok(())
    }

    fn object(&mut self, object: &dyn Object, own: Marks, around: Marks) -> Result<(), CallError> {
        if object.type_name() == "complex128" {
            return Err(CallError::new("json: unsupported type: complex128"));
        }
        let plain = object.to_plain().marked(own);
        let Some(fields) = object.fields_in_order(FieldNames::Json) else {
            return self.value(&plain, around);
        };
        let marks = self.out.marks_of(around, &plain);
        self.out.switch_to(marks);
        self.out.bytes.push(b'{');
        self.enter(marks, Rest::Map(fields.into_iter()), &plain)
    }

    fn enter(&mut self, marks: Marks, rest: Rest, value: &Value) -> Result<(), CallError> {
        if self.frames.len() >= MAX_DEPTH {
            let go_type = match &value.data {
                Data::List(_) => "[]interface {}",
                _ => "map[string]interface {}",
            };
            return Err(CallError::new(format!(
                "json: unsupported value: encountered a cycle via {go_type}"
            )));
        }
        self.frames.push(Frame { marks, first: true, rest });
        Ok(())
    }
}
