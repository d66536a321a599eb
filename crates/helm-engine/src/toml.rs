//! TOML as `github.com/BurntSushi/toml` 1.6.0 writes it for `toToml`; reading for `fromToml` gives the same values.
//!
//! Reading is the `toml` crate's: what is refused is the same, the messages are its own words behind Go's
//! `toml: line N: `.

use std::fmt::Write;
use std::rc::Rc;

use ::toml as crate_toml;

use crate::error::CallError;
use crate::json::replace_invalid_utf8;
use crate::number::format_g;
use crate::value::{Data, Entries, IntType, Value};

/// How deep a value may nest.
const MAX_DEPTH: usize = 1_000;

/// Writes a map, with values before tables, both in byte order of their keys.
///
/// # Errors
/// With Go's message.
pub fn to_toml(value: &Value) -> Result<Vec<u8>, CallError> {
    let mut writer = Writer { out: String::new() };
    match plain(value) {
        value if is_nil(&value) => {
            // Go's encoder asks nil for its type.
            return match value.data {
                Data::Nil => Err(CallError::new("reflect: call of reflect.Value.Type on zero Value")),
                _ => writer.element(&value, 0).map(|()| writer.out.into_bytes()),
            };
        }
        value => writer.encode(&mut Vec::new(), &value)?,
    }
    Ok(writer.out.into_bytes())
}

struct Writer {
    out: String,
}

type Written = Result<(), CallError>;

/// What a value is to TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Plain,
    Table,
    TableList,
}

fn plain(value: &Value) -> Value {
    match &value.data {
        Data::Object(object) => object.to_plain(),
        Data::Bytes(bytes) => Value::list(bytes.bytes().iter().map(|b| Value::int(i64::from(*b))).collect()),
        _ => value.clone(),
    }
}

fn is_nil(value: &Value) -> bool {
    match &value.data {
        Data::Nil => true,
        Data::List(list) => list.is_nil(),
        _ => false,
    }
}

fn kind(value: &Value, depth: usize) -> Result<Kind, CallError> {
    if depth > MAX_DEPTH {
        return Err(CallError::new(format!("toml: nested deeper than {MAX_DEPTH} levels")));
    }
    let value = plain(value);
    match &value.data {
        _ if is_nil(&value) => Ok(Kind::Nil),
        Data::Map(_) => Ok(Kind::Table),
        Data::List(list) if !list.items().is_empty() => {
            let mut tables = true;
            for item in list.items() {
                match kind(item, depth + 1)? {
                    Kind::Nil => return Err(CallError::new("toml: cannot encode array with nil element")),
                    found => tables &= found == Kind::Table,
                }
            }
            Ok(if tables { Kind::TableList } else { Kind::Plain })
        }
        _ => Ok(Kind::Plain),
    }
}

/// The direct entries of a map and its tables, each in byte order.
type Divided = (Vec<(String, Value)>, Vec<(String, Value)>);

/// Divides the entries of a map; those that are nil stay, because they count where commas are set.
fn divide(entries: &Entries, depth: usize) -> Result<Divided, CallError> {
    let (mut direct, mut tables) = (Vec::new(), Vec::new());
    for (key, value) in entries {
        let entry = (replace_invalid_utf8(key).into_owned(), plain(value));
        match kind(value, depth)? {
            Kind::Table | Kind::TableList => tables.push(entry),
            Kind::Nil | Kind::Plain => direct.push(entry),
        }
    }
    Ok((direct, tables))
}

impl Writer {
    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn encode(&mut self, path: &mut Vec<String>, value: &Value) -> Written {
        match (kind(value, path.len())?, &value.data) {
            (Kind::Nil, _) => Ok(()),
            (Kind::Table, Data::Map(map)) => {
                if path.len() == 1 {
                    self.new_line();
                }
                if !path.is_empty() {
                    let _ = write!(self.out, "{}[{}]", indent(path), joined(path));
                    self.new_line();
                }
                let entries = map.entries().clone();
                self.table(path, &entries)
            }
            (Kind::TableList, Data::List(list)) => self.table_list(path, list.items()),
            _ if path.is_empty() => self.element(value, 0),
            _ => {
                let key = path.last().map(|key| quoted_key(key)).unwrap_or_default();
                let _ = write!(self.out, "{}{key} = ", indent(path));
                self.element(value, path.len())?;
                self.new_line();
                Ok(())
            }
        }
    }

    fn table_list(&mut self, path: &mut Vec<String>, items: &[Value]) -> Written {
        if path.is_empty() {
            return Err(CallError::new("toml: top-level values must be Go maps or structs"));
        }
        for item in items {
            self.new_line();
            let _ = write!(self.out, "{}[[{}]]", indent(path), joined(path));
            self.new_line();
            if let Data::Map(map) = &plain(item).data {
                let entries = map.entries().clone();
                self.table(path, &entries)?;
            }
        }
        Ok(())
    }

    fn table(&mut self, path: &mut Vec<String>, entries: &Entries) -> Written {
        let (direct, tables) = divide(entries, path.len())?;
        for (key, value) in direct.into_iter().chain(tables) {
            path.push(key);
            let written = self.encode(path, &value);
            path.pop();
            written?;
        }
        Ok(())
    }

    /// Writes a value behind `=` or in an array.
    fn element(&mut self, value: &Value, depth: usize) -> Written {
        match &plain(value).data {
            Data::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Data::Int(IntType::Uint64, bits) => self.out.push_str(&(*bits as u64).to_string()),
            Data::Int(_, value) => self.out.push_str(&value.to_string()),
            Data::Float(value) => self.out.push_str(&float(*value)),
            Data::Text(text) => push_quoted(&mut self.out, &replace_invalid_utf8(text.bytes())),
            Data::List(list) => {
                self.out.push('[');
                for (at, item) in list.items().iter().enumerate() {
                    self.out.push_str(if at == 0 { "" } else { ", " });
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Data::Map(map) => {
                let entries = map.entries().clone();
                self.inline_table(&entries, depth)?;
            }
            Data::Nil | Data::Bytes(_) | Data::Object(_) => {
                return Err(CallError::new("reflect: call of reflect.Value.Interface on zero Value"));
            }
        }
        Ok(())
    }

    fn inline_table(&mut self, entries: &Entries, depth: usize) -> Written {
        let (direct, tables) = divide(entries, depth)?;
        self.out.push('{');
        let comma_after_direct = !tables.is_empty();
        for (group, trailing) in [(direct, comma_after_direct), (tables, false)] {
            let count = group.len();
            for (at, (key, value)) in group.iter().enumerate().filter(|(_, (_, value))| !is_nil(value)) {
                let _ = write!(self.out, "{} = ", quoted_key(key));
                self.element(value, depth + 1)?;
                if trailing || at + 1 != count {
                    self.out.push_str(", ");
                }
            }
        }
        self.out.push('}');
        Ok(())
    }
}

fn indent(path: &[String]) -> String {
    "  ".repeat(path.len().saturating_sub(1))
}

fn joined(path: &[String]) -> String {
    path.iter().map(|key| quoted_key(key)).collect::<Vec<_>>().join(".")
}

fn quoted_key(key: &str) -> String {
    if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return key.to_owned();
    }
    let mut out = String::new();
    push_quoted(&mut out, key);
    out
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\x08' => write!(out, "\\b"),
            '\t' => write!(out, "\\t"),
            '\n' => write!(out, "\\n"),
            '\x0C' => write!(out, "\\f"),
            '\r' => write!(out, "\\r"),
            '\0'..='\x1F' | '\x7F' => write!(out, "\\u{:04x}", u32::from(c)),
            _ => write!(out, "{c}"),
        };
    }
    out.push('"');
}

fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_g(value);
    if text.contains(['e', '.']) { text } else { text + ".0" }
}

/// Reads a document as a map; integers are `int64`, dates and times their text.
///
/// # Errors
/// With a message in Go's form.
pub fn from_toml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "toml: line 1: invalid UTF-8 byte".to_owned())?;
    let table: crate_toml::Table = text.parse().map_err(|error: crate_toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start).min(text.len());
        let line = 1 + text.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
        format!("toml: line {line}: {}", error.message())
    })?;
    Ok(table_value(table))
}

fn table_value(table: crate_toml::Table) -> Value {
    Value::map(table.into_iter().map(|(key, value)| (Rc::from(key.as_bytes()), value_of(value))).collect())
}

fn value_of(value: crate_toml::Value) -> Value {
    use crate_toml::Value as Toml;
    match value {
        Toml::String(text) => Value::text(text),
        Toml::Integer(value) => Value::int64(value),
        Toml::Float(value) => Value::float(value),
        Toml::Boolean(value) => Value::bool(value),
        Toml::Datetime(time) => Value::text(time.to_string()),
        Toml::Array(items) => Value::list(items.into_iter().map(value_of).collect()),
        Toml::Table(table) => table_value(table),
    }
}
