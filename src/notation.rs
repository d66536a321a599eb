//! How paths and scalars are written wherever a plan, a review or an error shows them.
//!
//! Field paths as people read them: `spec.template.spec.containers[app].env[LOG_LEVEL].value`. Dots stand between fields;
//! brackets hold what is not a plain field name: keys with dots or slashes, merge keys and indexes. Two places of one
//! document never share a path: inside brackets `[`, `]`, `\` and control characters are escaped. Paths stay short
//! whatever the input: a very long key is cut and ends in a digest. This is not a query language, nothing here looks a
//! path up.

use std::collections::HashSet;

use helm_engine::tree::{Node, NodeKind};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

/// Keys longer than this many bytes are cut, so that a path's length is bounded by its depth.
const LONGEST_KEY_BYTES: usize = 128;
const KEPT_OF_A_LONG_KEY_BYTES: usize = 72;

const HEAD_BYTES: usize = 48;

/// Builds the text of a path while a tree is walked.
#[derive(Debug, Default, Clone)]
pub struct FieldPath {
    text: String,
}

impl FieldPath {
    /// Starts at the root of a document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Starts at a place whose path was written before.
    pub fn below(path: &str) -> Self {
        Self { text: path.to_owned() }
    }

    /// Gives the path's text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Gives the length to hand to [`FieldPath::truncate`] when the walk leaves what it enters next.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Says whether this is the root.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Leaves what was entered since [`FieldPath::len`] gave `length`.
    pub fn truncate(&mut self, length: usize) {
        self.text.truncate(length);
    }

    /// Enters a map's field: `.name`, or `[name]` where the name is not a plain one.
    pub fn push_field(&mut self, name: &str) {
        if !is_plain(name) {
            return self.push_key(name);
        }
        if !self.text.is_empty() {
            self.text.push('.');
        }
        self.text.push_str(name);
    }

    /// Enters a list's element by its merge key: `[key]`.
    pub fn push_key(&mut self, key: &str) {
        self.text.push('[');
        if key.len() > LONGEST_KEY_BYTES {
            push_escaped(&mut self.text, &cut_key(key));
        } else {
            push_escaped(&mut self.text, key);
        }
        self.text.push(']');
    }

    /// Enters a list's element by its index, counted from zero.
    pub fn push_index(&mut self, index: usize) {
        self.text.push_str(&format!("[{index}]"));
    }
}

/// Finds a node below a number of levels; walks with a stack of its own, so any depth will do.
pub fn deeper_than(root: &Node, levels: usize) -> Option<&Node> {
    let mut rest = vec![(root, 0)];
    while let Some((node, depth)) = rest.pop() {
        match &node.kind {
            _ if depth > levels => return Some(node),
            NodeKind::Map(map) => rest.extend(map.values().map(|value| (value, depth + 1))),
            NodeKind::List(list) => rest.extend(list.iter().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    None
}

/// Gives a value without its positions, as JSON; whole floats, as Helm reads all numbers, get no fraction.
pub fn json_of(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(value) => Value::Bool(*value),
        NodeKind::Int(value) => Value::from(*value),
        NodeKind::Float(value) => number(*value),
        NodeKind::String(text) => Value::from(&**text),
        NodeKind::List(list) => list.iter().map(json_of).collect(),
        NodeKind::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.to_string(), json_of(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

/// Gives the values of `key` in a list of maps when they can address its elements: every element has one, it is
/// a non-empty text or a number, and none occurs twice.
pub fn unique_keys(items: &[Value], key: &str) -> Option<Vec<String>> {
    let keys: Option<Vec<String>> =
        items.iter().map(|item| scalar_key(item.as_object()?.get(key)?)).collect();
    keys.filter(|keys| all_different(keys.iter().map(String::as_str)))
}

/// Says whether no text occurs twice.
pub fn all_different<'a>(mut texts: impl ExactSizeIterator<Item = &'a str> + Clone) -> bool {
    const FEW: usize = 12;
    if texts.len() <= FEW {
        while let Some(text) = texts.next() {
            if texts.clone().any(|other| other == text) {
                return false;
            }
        }
        return true;
    }
    let mut seen = HashSet::with_capacity(texts.len());
    texts.all(|text| seen.insert(text))
}

/// Gives the first eight hexadecimal digits of a text's SHA-256: enough to make a change visible.
pub fn short_digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Gives the longest prefix of `text` that fits into `bytes` and ends between characters.
pub fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// Counts the letters to change from one text to another (Levenshtein); takes the product of their lengths.
pub fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

/// Says whether a text would read as another type if it stood without quotes.
pub fn looks_typed(text: &str) -> bool {
    matches!(
        text,
        "" | "~" | "null" | "Null" | "NULL" | "true" | "false" | "True" | "False" | "TRUE" | "FALSE"
    ) || text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '+' | '.'))
        && text.parse::<f64>().is_ok()
}

/// Shortens a text to the head of its first telling line, its size and a digest, so that any change is still visible.
pub fn head(text: &str) -> String {
    const TELLING_CHARACTERS: usize = 6;
    let is_telling = |line: &&str| {
        line.chars().filter(|character| character.is_alphanumeric()).count() >= TELLING_CHARACTERS
    };
    let line = text.lines().find(is_telling).or(text.lines().next()).unwrap_or_default();
    let digest = short_digest(text.as_bytes());
    format!("{}… ({} bytes, sha256:{digest})", prefix(line.trim_start(), HEAD_BYTES), text.len())
}

fn number(value: f64) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Value::from(value as i64);
    }
    Number::from_f64(value).map_or_else(|| Value::from(value.to_string()), Value::Number)
}

fn scalar_key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_plain(name: &str) -> bool {
    let plain_byte = |byte: u8| !matches!(byte, b'.' | b'[' | b']' | b'/' | b'\\' | b'"' | 0..=b' ' | 0x7f);
    !name.is_empty() && name.len() <= LONGEST_KEY_BYTES && name.bytes().all(plain_byte)
}

fn cut_key(key: &str) -> String {
    format!("{}…{}", prefix(key, KEPT_OF_A_LONG_KEY_BYTES), short_digest(key.as_bytes()))
}

fn push_escaped(text: &mut String, key: &str) {
    if key.bytes().all(|byte| matches!(byte, 0x20..0x7f) && !matches!(byte, b'[' | b']' | b'\\')) {
        return text.push_str(key);
    }
    for character in key.chars() {
        match character {
            '[' | ']' | '\\' => text.extend(['\\', character]),
            _ if character.is_control() => text.extend(character.escape_default()),
            _ => text.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fields: &[&str], expected: &str) {
        let mut path = FieldPath::root();
        fields.iter().for_each(|field| path.push_field(field));
        assert_eq!(path.as_str(), expected);
    }

    #[test]
    fn fields_are_joined_by_dots_and_odd_keys_stand_in_brackets() {
        check(&["spec", "replicas"], "spec.replicas");
        check(&["metadata", "labels", "app.kubernetes.io/name"], "metadata.labels[app.kubernetes.io/name]");
        check(&["data", ""], "data[]");
        check(&["data", "a]b[c\\d"], "data[a\\]b\\[c\\\\d]");
        check(&["data", "two words"], "data[two words]");
        check(&["data", "a\nb"], "data[a\\nb]");
        check(&["a.b"], "[a.b]");
    }

    #[test]
    fn keys_that_look_alike_have_different_paths() {
        let keys = ["a", "a.b", "a]", "a\\]", "[a]", "", " ", "a ", "\\n", "\n", "a/b"];
        let paths: Vec<String> = keys
            .iter()
            .map(|key| {
                let mut path = FieldPath::root();
                path.push_field("x");
                path.push_field(key);
                path.as_str().to_owned()
            })
            .collect();
        assert!(all_different(paths.iter().map(String::as_str)), "{paths:?}");
    }

    #[test]
    fn a_long_key_is_cut_and_still_told_apart() {
        let (one, other) = ("k".repeat(5000) + "1", "k".repeat(5000) + "2");
        let mut paths = [FieldPath::root(), FieldPath::root()];
        paths[0].push_field(&one);
        paths[1].push_field(&other);
        assert!(paths[0].len() < 100);
        assert_ne!(paths[0].as_str(), paths[1].as_str());
    }

    #[test]
    fn texts_that_look_like_other_types_are_known() {
        for text in ["1", "-1.5", "1e3", "true", "null", "", "0123", "+1"] {
            assert!(looks_typed(text), "{text:?}");
        }
        for text in ["v1", "1.2.3", "10m", "inf", "nan", "-", "yes"] {
            assert!(!looks_typed(text), "{text:?}");
        }
    }
}
