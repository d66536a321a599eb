//! The walk from an object's tree to its list of `path = value` lines.
//!
//! Bounded whatever the input: below [`DEEPEST`] levels a subtree is shown by a digest, so the walk's own recursion and
//! the length of paths are bounded, and time and output are linear in the object's size.

use serde_json::{Map, Value};

use super::display::Field;
use super::normalize::{self, Outcome, Place};
use super::text;
use super::{canonical, embedded, merge_keys};
use crate::notation::{FieldPath, looks_typed, short_digest};

/// Levels of nesting that are shown field by field.
const DEEPEST: usize = 48;

/// Texts inside texts (a JSON in a YAML in a ConfigMap) that are opened.
const DEEPEST_DOCUMENT: usize = 2;

const LONGEST_INLINE_LIST_BYTES: usize = 72;
const LONGEST_LISTED_TEXT_BYTES: usize = 160;
const MOST_LISTED_SCALARS: usize = 256;

/// Flattens an object; `place` says what is known about it as a whole.
pub(crate) fn fields(object: &Value, place: Place<'_>) -> Vec<Field> {
    let mut walk =
        Walk { place, path: FieldPath::root(), fields: Vec::with_capacity(64), depth: 0, documents: 0 };
    walk.value("", object, &[]);
    walk.fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    walk.fields
}

/// Gives the display path of the value at a JSON pointer.
pub(crate) fn path_of(object: &Value, pointer: &str) -> String {
    let (mut path, mut field, mut value) = (FieldPath::root(), String::new(), Some(object));
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match value {
            Some(Value::Array(list)) => {
                let index = part.parse::<usize>().ok();
                let address = merge_keys::addresses(&field, list)
                    .zip(index)
                    .and_then(|(all, at)| all.into_iter().nth(at));
                match address {
                    Some(address) => path.push_key(&address.key),
                    None => path.push_key(&part),
                }
                value = index.and_then(|index| list.get(index));
                field.clear();
            }
            _ => {
                path.push_field(&part);
                value = value.and_then(|map| map.get(&part));
                field = part;
            }
        }
    }
    path.as_str().to_owned()
}

struct Walk<'a> {
    place: Place<'a>,
    path: FieldPath,
    fields: Vec<Field>,
    depth: usize,
    documents: usize,
}

impl Walk<'_> {
    /// Shows the value of `field`, a map's fields except those that its address says.
    fn value(&mut self, field: &str, value: &Value, said: &[&str]) {
        match value {
            Value::Object(map) if map.is_empty() => self.show(Value::Object(Map::new())),
            Value::Array(list) if list.is_empty() => self.show(Value::Array(Vec::new())),
            Value::Object(_) | Value::Array(_) if self.depth >= DEEPEST => {
                let digest = short_digest(canonical::to_string(value).as_bytes());
                self.show(Value::String(format!("(nested deeper than {DEEPEST} levels, sha256:{digest})")));
            }
            Value::Object(map) => self.nested(|walk| walk.map(map, said)),
            Value::Array(list) => self.nested(|walk| walk.list(field, list)),
            Value::String(text) => self.text(text),
            scalar => self.show(scalar.clone()),
        }
    }

    fn nested(&mut self, inside: impl FnOnce(&mut Self)) {
        self.depth += 1;
        inside(self);
        self.depth -= 1;
    }

    fn map(&mut self, map: &Map<String, Value>, said: &[&str]) {
        if map.len() == said.len() {
            return self.show(Value::Object(Map::new()));
        }
        for (key, value) in map.iter().filter(|(key, _)| !said.contains(&key.as_str())) {
            let length = self.path.len();
            self.path.push_field(key);
            match self.outcome(key, value) {
                Outcome::Keep => self.value(key, value, &[]),
                Outcome::Show(shown) => self.show(shown),
                Outcome::Hide => {}
            }
            self.path.truncate(length);
        }
    }

    fn outcome(&self, key: &str, value: &Value) -> Outcome {
        if self.documents > 0 {
            Outcome::Keep
        } else {
            normalize::field(&self.place, self.path.as_str(), key, value)
        }
    }

    fn list(&mut self, field: &str, list: &[Value]) {
        if list.iter().all(is_listed_scalar) {
            return self.show(scalars(list));
        }
        let addresses = merge_keys::addresses(field, list);
        let length = self.path.len();
        if addresses.is_some() {
            self.order(field, list);
        }
        for (index, item) in list.iter().enumerate() {
            let said = match addresses.as_deref().map(|addresses| &addresses[index]) {
                Some(address) => {
                    self.path.push_key(&address.key);
                    address.said
                }
                None => {
                    self.path.push_index(index);
                    &[]
                }
            };
            self.value("", item, said);
            self.path.truncate(length);
        }
    }

    fn order(&mut self, field: &str, list: &[Value]) {
        if let Some(order) = merge_keys::meaningful_order(field, list) {
            let order: Vec<Value> = order.into_iter().map(Value::from).collect();
            let length = self.path.len();
            self.path.push_key("");
            self.show(scalars(&order));
            self.path.truncate(length);
        }
    }

    fn text(&mut self, text: &str) {
        if self.documents < DEEPEST_DOCUMENT {
            match embedded::open(self.path.as_str(), text) {
                Some(embedded::Document::Fields(document)) => {
                    self.documents += 1;
                    self.value("", &document, &[]);
                    self.documents -= 1;
                    return;
                }
                Some(embedded::Document::Lines(lines)) => return self.show(text::shown(&lines)),
                None => {}
            }
        }
        self.show(if reads_as_list(text) { Value::String(format!("\"{text}\"")) } else { text::shown(text) });
    }

    fn show(&mut self, value: Value) {
        self.fields.push(Field { path: self.path.as_str().to_owned(), value });
    }
}

fn is_listed_scalar(value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() <= LONGEST_LISTED_TEXT_BYTES && !text.contains('\n'),
        Value::Object(_) | Value::Array(_) => false,
        _ => true,
    }
}

/// Shows a list of scalars: on one line as `[get, list]` where it is short and cannot be misread, else as a list,
/// of which Terraform prints what changed and its neighbours.
fn scalars(list: &[Value]) -> Value {
    if let Some(line) = inline(list) {
        return Value::String(line);
    }
    if list.len() > MOST_LISTED_SCALARS {
        let lines: String = list.iter().map(|item| canonical::to_string(item) + "\n").collect();
        return text::shown(&lines);
    }
    Value::Array(list.to_vec())
}

fn inline(list: &[Value]) -> Option<String> {
    let mut line = String::from("[");
    for (position, item) in list.iter().enumerate() {
        let text = item.as_str().filter(|text| is_plain(text))?;
        if position > 0 {
            line.push_str(", ");
        }
        line.push_str(text);
        if line.len() > LONGEST_INLINE_LIST_BYTES {
            return None;
        }
    }
    line.push(']');
    Some(line)
}

/// Says whether a text could be taken for a list on one line; its quotes stay visible then.
fn reads_as_list(text: &str) -> bool {
    let inner = text.trim_matches('"');
    text.len() <= LONGEST_INLINE_LIST_BYTES && inner.starts_with('[') && inner.ends_with(']')
}

fn is_plain(text: &str) -> bool {
    let plain_byte =
        |byte: u8| byte > b' ' && !matches!(byte, b',' | b'[' | b']' | b'{' | b'}' | b'"' | 0x7f);
    !looks_typed(text) && text.bytes().all(plain_byte)
}
