//! Writing: values before tables, both in byte order of their keys; a struct's fields keep Go's order.

use std::rc::Rc;

use crate::error::CallError;
use crate::number::format_g;
use crate::stack;
use crate::value::{Data, FieldNames, IntType, Value};

/// How deep a value may nest.
const MAX_DEPTH: usize = 1_000;

/// Writes a map; any other value as it would stand behind an equals sign.
///
/// # Errors
/// With Go's message.
pub fn to_toml(value: &Value) -> Result<Vec<u8>, CallError> {
    let mut writer = Writer { out: Vec::new() };
    let value = plain(value);
    match &value.data {
        // Go's encoder asks nil for its type.
        Data::Nil => return Err(CallError::new("reflect: call of reflect.Value.Type on zero Value")),
        Data::Object(object) if object.kind() == "complex128" => {
            return Err(CallError::new("unsupported type for key '': complex128"));
        }
        Data::List(list) if list.is_nil() => writer.element(&value, 0)?,
        _ => writer.encode(&mut Vec::new(), &value)?,
    }
    Ok(writer.out)
}

struct Writer {
    out: Vec<u8>,
}

type Written = Result<(), CallError>;
type Key = Rc<[u8]>;

/// What a value is to TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Nil,
    Plain,
    Table,
    TableList,
}

/// Returns a value without its Go type, unless TOML has its own form or order for that.
fn plain(value: &Value) -> Value {
    match &value.data {
        Data::Object(object) if object.kind() == "complex128" || object.toml_literal().is_some() => {
            value.clone()
        }
        Data::Object(object) if object.fields_in_order(FieldNames::Go).is_some() => value.clone(),
        Data::Object(object) => object.to_plain(),
        Data::Bytes(bytes) => Value::list(bytes.bytes().iter().map(|b| Value::int(i64::from(*b))).collect()),
        _ => value.clone(),
    }
}

fn is_nil(value: &Value) -> bool {
    match &value.data {
        Data::Nil => true,
        Data::List(list) => list.is_nil(),
        Data::Map(map) => map.is_nil(),
        _ => false,
    }
}

fn kind(value: &Value, depth: usize) -> Result<Kind, CallError> {
    if depth > MAX_DEPTH || stack::is_exhausted() {
        return Err(CallError::new(format!("toml: nested deeper than {MAX_DEPTH} levels")));
    }
    let value = plain(value);
    match &value.data {
        _ if is_nil(&value) => Ok(Kind::Nil),
        Data::Map(_) => Ok(Kind::Table),
        Data::Object(object) if object.kind() == "complex128" => {
            Err(CallError::new("unsupported type: complex128"))
        }
        Data::Object(object) if object.toml_literal().is_none() => Ok(Kind::Table),
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

/// A field or entry: its place among the fields of a struct, its key, its value.
type Entry = (usize, Key, Value);

/// What a table holds.
struct Members {
    /// Those that stand directly below its name, and then its tables.
    groups: [Vec<Entry>; 2],
    is_struct: bool,
}

impl Members {
    /// Divides the members of a table; those that are nil stay, because they count where commas are set.
    fn of(table: &Value, depth: usize) -> Result<Members, CallError> {
        let (entries, is_struct): (Vec<_>, _) = match &table.data {
            Data::Map(map) => {
                (map.entries().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect(), false)
            }
            Data::Object(object) => (object.fields_in_order(FieldNames::Go).unwrap_or_default(), true),
            _ => (Vec::new(), false),
        };
        let mut groups = [Vec::new(), Vec::new()];
        let places = match &table.data {
            Data::Object(object) => object.fields_to_print().unwrap_or_default(),
            _ => Vec::new(),
        };
        for (key, value) in entries {
            // An embedded struct's fields have its place, the first.
            let at = places.iter().position(|(name, _)| name.as_bytes() == &*key).unwrap_or(0);
            let is_table = matches!(kind(&value, depth)?, Kind::Table | Kind::TableList);
            groups[usize::from(is_table)].push((at, key, plain(&value)));
        }
        Ok(Members { groups, is_struct })
    }
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn new_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn encode(&mut self, path: &mut Vec<Key>, value: &Value) -> Written {
        match kind(value, path.len())? {
            Kind::Nil => Ok(()),
            Kind::Table => {
                if path.len() == 1 {
                    self.new_line();
                }
                if !path.is_empty() {
                    self.heading(path, "[", "]");
                }
                self.table(path, value)
            }
            Kind::TableList => match &value.data {
                Data::List(list) => self.table_list(path, list.items()),
                _ => Ok(()),
            },
            Kind::Plain if path.is_empty() => self.element(value, 0),
            Kind::Plain => {
                self.push(&indent(path));
                push_key(&mut self.out, path.last().map(|key| &key[..]).unwrap_or_default());
                self.push(" = ");
                self.element(value, path.len())?;
                self.new_line();
                Ok(())
            }
        }
    }

    fn heading(&mut self, path: &[Key], before: &str, after: &str) {
        self.push(&indent(path));
        self.push(before);
        for (at, key) in path.iter().enumerate() {
            self.push(if at == 0 { "" } else { "." });
            push_key(&mut self.out, key);
        }
        self.push(after);
        self.new_line();
    }

    fn table_list(&mut self, path: &mut Vec<Key>, items: &[Value]) -> Written {
        if path.is_empty() {
            return Err(CallError::new("toml: top-level values must be Go maps or structs"));
        }
        for item in items {
            self.new_line();
            self.heading(path, "[[", "]]");
            self.table(path, &plain(item))?;
        }
        Ok(())
    }

    fn table(&mut self, path: &mut Vec<Key>, table: &Value) -> Written {
        for (_, key, value) in Members::of(table, path.len())?.groups.into_iter().flatten() {
            path.push(key);
            let written = self.encode(path, &value);
            path.pop();
            written?;
        }
        Ok(())
    }

    /// Writes a value behind `=` or in an array.
    fn element(&mut self, value: &Value, depth: usize) -> Written {
        let value = plain(value);
        match &value.data {
            Data::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Data::Int(IntType::Uint64, bits) => self.push(&(*bits as u64).to_string()),
            Data::Int(_, value) => self.push(&value.to_string()),
            Data::Float(value) => self.push(&float(*value)),
            Data::Text(text) => push_quoted(&mut self.out, text.bytes()),
            Data::List(list) => {
                self.push("[");
                for (at, item) in list.items().iter().enumerate() {
                    self.push(if at == 0 { "" } else { ", " });
                    self.element(item, depth + 1)?;
                }
                self.push("]");
            }
            Data::Map(_) => self.inline_table(&value, depth)?,
            Data::Object(object) => match object.toml_literal() {
                Some(literal) => self.push(&literal),
                None => self.inline_table(&value, depth)?,
            },
            Data::Nil | Data::Bytes(_) => {
                return Err(CallError::new("reflect: call of reflect.Value.Interface on zero Value"));
            }
        }
        Ok(())
    }

    fn inline_table(&mut self, table: &Value, depth: usize) -> Written {
        let Members { groups, is_struct } = Members::of(table, depth)?;
        let total = groups[0].len() + groups[1].len();
        let has_tables = !groups[1].is_empty();
        self.push("{");
        for (is_direct, group) in [(true, &groups[0]), (false, &groups[1])] {
            for (at, (field, key, value)) in group.iter().enumerate().filter(|(_, entry)| !is_nil(&entry.2)) {
                push_key(&mut self.out, key);
                self.push(" = ");
                self.element(value, depth + 1)?;
                let has_comma = match is_struct {
                    true => field + 1 != total,
                    false => is_direct && has_tables || at + 1 != group.len(),
                };
                self.push(if has_comma { ", " } else { "" });
            }
        }
        self.push("}");
        Ok(())
    }
}

fn indent(path: &[Key]) -> String {
    "  ".repeat(path.len().saturating_sub(1))
}

/// Writes a part of a key, with quotes unless all of it may stand bare.
pub(super) fn push_key(out: &mut Vec<u8>, key: &[u8]) {
    if !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        out.extend_from_slice(key);
        return;
    }
    push_quoted(out, key);
}

fn push_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1F | 0x7F => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn float(value: f64) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() { "-nan" } else { "nan" }.to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_g(value);
    if text.contains(['e', '.']) { text } else { text + ".0" }
}
