//! Texts that are documents themselves: a ConfigMap's JSON, properties or YAML file, a dashboard, a JSON annotation.
//!
//! A small document is opened and shown field by field (its comments only count for the digest); a large JSON document is laid out line by line first, so
//! that it can be shown in pieces as other long texts are. What is no document for sure stays text.

use helm_engine::yaml::{self, Duplicates, Target};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value};

use crate::notation::{deeper_than, json_of};

/// Documents with more scalars than this, or more bytes, are shown in pieces.
const MOST_FIELDS: usize = 200;
const MOST_BYTES: usize = 16 * 1024;
const DEEPEST: usize = 64;
const MOST_JSON_BYTES: usize = 4 * 1024 * 1024;

/// What a text turned out to hold.
#[derive(Debug, PartialEq)]
pub(crate) enum Document {
    /// A tree whose fields are shown.
    Fields(Value),
    /// A text that reads better than the given one.
    Lines(String),
}

/// Opens a text that is a document; `path` may end in the name of a file.
pub(crate) fn open(path: &str, text: &str) -> Option<Document> {
    if text.len() > MOST_JSON_BYTES {
        return None;
    }
    if let Some(document) = json(text) {
        let small = text.len() <= MOST_BYTES && count_fields(&document, MOST_FIELDS) <= MOST_FIELDS;
        return if small { Some(Document::Fields(document)) } else { pretty(&document).map(Document::Lines) };
    }
    if text.len() > MOST_BYTES || !text.contains('\n') {
        return None;
    }
    let document = if is_properties_file(path) { properties(text) } else { yaml(text) };
    document.filter(|document| count_fields(document, MOST_FIELDS) <= MOST_FIELDS).map(Document::Fields)
}

fn json(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    let bracketed = (trimmed.starts_with('{') && trimmed.ends_with('}'))
        || (trimmed.starts_with('[') && trimmed.ends_with(']'));
    if !bracketed {
        return None;
    }
    serde_json::from_str(trimmed).ok().filter(|document| !is_empty(document))
}

/// Lays a document out with a field per line; narrowly, since it stands in plans and state.
fn pretty(document: &Value) -> Option<String> {
    let mut bytes = Vec::new();
    let mut serializer =
        serde_json::Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" "));
    document.serialize(&mut serializer).ok()?;
    bytes.push(b'\n');
    String::from_utf8(bytes).ok()
}

/// Reads a single YAML document that is a map or a list, if its first line looks like one.
fn yaml(text: &str) -> Option<Value> {
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.by_ref().find(|line| *line != "---")?;
    let looks_like_one = !first.starts_with([' ', '\t'])
        && (first.ends_with(':') || first.contains(": ") || first.starts_with("- "));
    if !looks_like_one || lines.any(|line| line == "---") {
        return None;
    }
    let node = yaml::read(text.as_bytes(), 0, Target::Any, Duplicates::Refused).ok()?;
    if deeper_than(&node, DEEPEST).is_some() {
        return None;
    }
    Some(json_of(&node)).filter(|document| !is_empty(document))
}

fn is_properties_file(path: &str) -> bool {
    let path = path.trim_end_matches(']');
    [".properties", ".env", ".conf", ".ini", ".cfg"].iter().any(|ending| path.ends_with(ending))
}

/// Reads `key = value` lines with `#` and `!` comments; anything else, a key given twice included, is no such file.
fn properties(text: &str) -> Option<Value> {
    let mut fields = Map::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', '!'])) {
        let (key, value) = line.split_once('=')?;
        let key = key.trim_end();
        if key.is_empty() || key.contains(char::is_whitespace) {
            return None;
        }
        if fields.insert(key.to_owned(), Value::String(value.trim_start().to_owned())).is_some() {
            return None;
        }
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

fn is_empty(document: &Value) -> bool {
    match document {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    }
}

/// Counts scalars, and stops once there are more than `most`.
fn count_fields(document: &Value, most: usize) -> usize {
    let (mut rest, mut count) = (vec![document], 0);
    while let Some(value) = rest.pop() {
        match value {
            Value::Object(map) => rest.extend(map.values()),
            Value::Array(list) => rest.extend(list),
            _ => count += 1,
        }
        if count > most {
            break;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(path: &str, text: &str, expected: Option<Value>) {
        assert_eq!(open(path, text), expected.map(Document::Fields), "{text}");
    }

    #[test]
    fn documents_are_told_from_text() {
        check("data.x", "a: 1\nb: [x]\n", Some(json!({"a": 1, "b": ["x"]})));
        check("data.x", "# c\n---\n- a\n- b\n", Some(json!(["a", "b"])));
        check("data.x", "{\"a\": 1}", Some(json!({"a": 1})));
        check("data[x.env]", "A=1\n# c\nB=x=y\n", Some(json!({"A": "1", "B": "x=y"})));
        for text in [
            "a: 1",
            "server {\n  listen 80;\n}\n",
            "#!/bin/sh\necho: x\nif true; then\n",
            "",
            "\n\n",
            "a: 1\na: 2\n",
        ] {
            check("data.x", text, None);
        }
        check("data.x", "a: 1\n---\nb: 2\n", None);
        check("data[x.env]", "A=1\nA=2\n", None);
    }

    #[test]
    fn large_documents_are_laid_out_line_by_line() {
        let large = Value::Array((0..300).map(Value::from).collect());
        match open("data.x", &large.to_string()) {
            Some(Document::Lines(lines)) => assert!(lines.starts_with("[\n 0,\n 1,\n")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bombs_stay_text() {
        let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned()
            + &(b'b'..=b'i')
                .map(|key| {
                    let (key, below) = (key as char, (key - 1) as char);
                    format!("{key}: &{key} [{}]\n", vec![format!("*{below}"); 9].join(", "))
                })
                .collect::<String>();
        check("data.x", &bomb, None);
        check("data.x", &format!("a: {}", "[".repeat(9_000)), None);
        check("data.x", &"[".repeat(100_000), None);
        check("data.x", &format!("a:\n  {}{}\n", "[".repeat(3_000), "]".repeat(3_000)), None);
    }
}
