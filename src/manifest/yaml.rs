//! Reads one document of a rendered manifest, with Helm's YAML rules, and what is known of the text it came from.
//!
//! Splitting a manifest into documents is the engine's part; so is what a document that cannot be read means. Whole
//! numbers stay exact, as on the way to the API server.

use std::ops::Range;

use helm_engine::yaml::{self, Field, FieldKind, ReadError};
use serde_json::{Number, Value};

use super::mask::{Mark, ObjectMarks};

/// Levels of nesting that an object may have; no kind of Kubernetes' own has more than some thirty.
const DEEPEST: usize = 400;

/// Says why a document is no object's data.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// It is no YAML; the message is that of Go's library.
    #[error("{}", .0.message)]
    Read(ReadError),
    /// It nests too deeply.
    #[error("line {line}: the manifest nests deeper than {DEEPEST} levels")]
    TooDeep {
        /// The line, from one.
        line: u32,
    },
}

/// Reads a document; an empty one is null.
///
/// # Errors
/// When the document is no YAML, or nests too deeply to be worked with.
pub fn read(document: &str) -> Result<Value, YamlError> {
    read_marked(document, |_| None).map(|(value, _)| value)
}

/// Reads a document and marks its values: `mark` is asked for the bytes that each scalar, and each key, was read from.
/// What is known of a key holds for its value.
///
/// # Errors
/// When the document is no YAML, or nests too deeply to be worked with.
pub fn read_marked(
    document: &str,
    mark: impl Fn(Range<usize>) -> Option<Mark>,
) -> Result<(Value, ObjectMarks), YamlError> {
    let Some(root) = yaml::read_with_spans(document.as_bytes()).map_err(YamlError::Read)? else {
        return Ok((Value::Null, ObjectMarks::default()));
    };
    if let Some(line) = too_deep(&root) {
        return Err(YamlError::TooDeep { line });
    }
    let mut reading = Reading { mark, pointer: String::new(), marks: ObjectMarks::default() };
    let value = reading.value(&root);
    Ok((value, reading.marks))
}

/// Reads a document as YAML 1.2 does where the two differ in words: `yes`, `no`, `on`, `off`, `y` and `n` are texts.
///
/// # Errors
/// When the document is no YAML, or nests too deeply to be worked with.
pub fn read_words_as_texts(document: &str) -> Result<Value, YamlError> {
    let Some(root) = yaml::read_with_spans(document.as_bytes()).map_err(YamlError::Read)? else {
        return Ok(Value::Null);
    };
    if let Some(line) = too_deep(&root) {
        return Err(YamlError::TooDeep { line });
    }
    Ok(value_of(&root, document))
}

fn value_of(field: &Field, document: &str) -> Value {
    match &field.kind {
        FieldKind::List(items) => items.iter().map(|item| value_of(item, document)).collect(),
        FieldKind::Map(map) => {
            let field = |(key, value): (&String, &Field)| {
                let key = word(document, &value.key_span).map_or_else(|| key.clone(), str::to_owned);
                (key, value_of(value, document))
            };
            Value::Object(map.iter().map(field).collect())
        }
        FieldKind::Bool(_) => word(document, &field.span).map_or_else(|| scalar(field), Value::from),
        FieldKind::Float(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            Value::from(*number as i64)
        }
        _ => scalar(field),
    }
}

/// Gives the word that stands somewhere, where it is one that only older YAML takes for a truth.
fn word<'a>(document: &'a str, span: &Range<usize>) -> Option<&'a str> {
    const WORDS: [&str; 6] = ["y", "n", "yes", "no", "on", "off"];
    document.get(span.clone()).filter(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}

struct Reading<F> {
    mark: F,
    pointer: String,
    marks: ObjectMarks,
}

impl<F: Fn(Range<usize>) -> Option<Mark>> Reading<F> {
    fn value(&mut self, field: &Field) -> Value {
        match &field.kind {
            FieldKind::List(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| self.below(&index.to_string(), item)).collect()
            }
            FieldKind::Map(map) => {
                Value::Object(map.iter().map(|(key, value)| (key.clone(), self.below(key, value))).collect())
            }
            _ => {
                self.note(field.span.clone());
                scalar(field)
            }
        }
    }

    fn below(&mut self, part: &str, field: &Field) -> Value {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        if !field.key_span.is_empty() {
            self.note(field.key_span.clone());
        }
        let value = self.value(field);
        self.pointer.truncate(length);
        value
    }

    fn note(&mut self, span: Range<usize>) {
        if let Some(mark) = (self.mark)(span) {
            self.marks.at.insert(self.pointer.clone(), mark);
        }
    }
}

fn scalar(field: &Field) -> Value {
    match &field.kind {
        FieldKind::Bool(value) => Value::Bool(*value),
        FieldKind::Int(value) => Value::from(*value),
        FieldKind::Uint(value) => Value::from(*value),
        FieldKind::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        FieldKind::String(text) => Value::from(text.as_str()),
        FieldKind::Null | FieldKind::List(_) | FieldKind::Map(_) => Value::Null,
    }
}

/// Gives the line of a field below the deepest level; walks with a stack of its own.
fn too_deep(root: &Field) -> Option<u32> {
    let mut rest = vec![(root, 0)];
    while let Some((field, depth)) = rest.pop() {
        match &field.kind {
            _ if depth > DEEPEST => return Some(field.line),
            FieldKind::Map(map) => rest.extend(map.values().map(|value| (value, depth + 1))),
            FieldKind::List(list) => rest.extend(list.iter().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::mask::Reason;

    fn check(document: &str, expected: &str) {
        let read = read(document).map(|value| value.to_string());
        assert_eq!(read.unwrap_or_else(|error| format!("error: {error}")), expected);
    }

    #[test]
    fn documents_are_read_as_helm_reads_them() {
        check("a: 1\nb: 1.5\nc: yes\nd: '1'\n", r#"{"a":1,"b":1.5,"c":true,"d":"1"}"#);
        check("big: 9007199254740993\n", r#"{"big":9007199254740993}"#);
        check("# nothing\n", "null");
        check(
            "a: [",
            "error: error converting YAML to JSON: yaml: line 1: did not find expected node content",
        );
    }

    #[test]
    fn hostile_nesting_is_refused_with_its_line() {
        let nest = format!("a:\n  {}{}", "[".repeat(5_000), "]".repeat(5_000));
        check(&nest, "error: line 2: the manifest nests deeper than 400 levels");
    }

    #[test]
    fn marks_of_the_text_become_marks_of_the_values() {
        let document = "spec:\n  list: [a, SECRET]\n  KEY/x: {b: 1}\n";
        let marks = |span: Range<usize>| {
            let secret = document[span].contains(['S', 'K']);
            secret.then_some(Mark::Hidden(Reason::Sensitive))
        };
        let (_, marks) = read_marked(document, marks).expect("the document is YAML");
        let pointers: Vec<&str> = marks.at.keys().map(String::as_str).collect();
        assert_eq!(pointers, ["/spec/KEY~1x", "/spec/list/1"]);
    }
}
