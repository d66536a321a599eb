//! YAML as Helm's Go libraries read and write it.
//!
//! Reading is `sigs.k8s.io/yaml` 1.6.0 over `go.yaml.in/yaml/v2` 2.4.4: YAML 1.1 scalars, merge keys, the last of
//! several equal keys wins, keys become strings, numbers become `float64`, errors in Go's words. Every value of a
//! [`Node`] knows its line and column.
//!
//! Writing is the same pair for `toYaml`, and `go.yaml.in/yaml/v3` 3.0.5 for `toYamlPretty`.
//!
//! Not here: what values files mean together, which documents of a manifest are which.
//!
//! The way of a text: `input` (characters) → `scanner` (tokens) → `parser` (events) → `compose` (nodes as written) →
//! `construct` (values, by one of the builders). Most texts are so plain that `simple` gets to the nodes at once.

mod build;
mod chars;
mod compose;
mod construct;
mod error;
mod go_syntax;
mod head;
mod input;
mod parser;
mod resolve;
mod scan_scalar;
mod scan_tag;
mod scanner;
mod simple;
#[cfg(test)]
mod simple_tests;
mod spans;
#[cfg(test)]
mod tests;
mod token;
mod write;

pub use build::marks_between;
pub use construct::Duplicates;
pub use error::ReadError;
pub use spans::{Field, FieldKind};
pub use write::{to_yaml, to_yaml_pretty};

use std::borrow::Cow;

use crate::tree::{Node, NodeKind, NodeMap};
use crate::value::{Text, Value};
use build::{NodeBuilder, ValueBuilder};
use compose::Document;
use construct::{Builder, construct};
use input::Input;
use parser::Parser;
use scanner::Scanner;

/// What Go decodes into, which decides what else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `interface {}`: anything.
    Any,
    /// A map type of that Go name; null is an empty map.
    Map(&'static str),
    /// `[]interface {}`; null is an empty list.
    List,
}

impl Target {
    /// `map[string]interface {}`.
    pub const MAP: Target = Target::Map("map[string]interface {}");
}

/// Reads the first document as a values file is read: a map, empty if the document is.
///
/// `source` goes into every position.
///
/// # Errors
/// With Go's message, for example `error converting YAML to JSON: yaml: line 2: did not find expected key`.
pub fn read_map(bytes: &[u8], source: u32) -> Result<Node, ReadError> {
    read(bytes, source, Target::MAP, Duplicates::LastWins)
}

/// Reads the first document; an empty text is null, or empty for a [`Target`] that demands a map or list.
///
/// # Errors
/// With Go's message.
pub fn read(bytes: &[u8], source: u32, target: Target, duplicates: Duplicates) -> Result<Node, ReadError> {
    read_at(bytes, source, 0, target, duplicates)
}

fn read_at(
    bytes: &[u8],
    source: u32,
    lines_before: u32,
    target: Target,
    duplicates: Duplicates,
) -> Result<Node, ReadError> {
    let mut builder = NodeBuilder { source, lines_before };
    let node = read_first(bytes, duplicates, &mut builder).map_err(|error| ReadError {
        line: if error.line == 0 { 0 } else { error.line + lines_before },
        ..error
    })?;
    let Some(node) = node else {
        return Ok(Node::new(empty(target)));
    };
    let found = match node.kind {
        NodeKind::Null => return Ok(Node { kind: empty(target), ..node }),
        NodeKind::Bool(_) => "bool",
        NodeKind::Int(_) | NodeKind::Float(_) => "number",
        NodeKind::String(_) => "string",
        NodeKind::List(_) => "array",
        NodeKind::Map(_) => "object",
    };
    check_type(found, target).map_err(|error| ReadError {
        line: node.position.line,
        column: node.position.column,
        ..error
    })?;
    Ok(node)
}

fn empty(target: Target) -> NodeKind {
    match target {
        Target::Any => NodeKind::Null,
        Target::Map(_) => NodeKind::Map(NodeMap::new().into()),
        Target::List => NodeKind::List(Vec::new().into()),
    }
}

fn check_type(found: &str, target: Target) -> Result<(), ReadError> {
    let go_type = match (target, found) {
        (Target::Any, _) | (Target::Map(_), "object") | (Target::List, "array") => return Ok(()),
        (Target::Map(go_type), _) => go_type,
        (Target::List, _) => "[]interface {}",
    };
    Err(ReadError::new(format!(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type {go_type}"
    )))
}

/// Reads every document of a values file as Helm 4 does; the caller merges them in order.
///
/// # Errors
/// With Helm's message.
pub fn read_documents(bytes: &[u8], source: u32) -> Result<Vec<Node>, ReadError> {
    let mut documents = Vec::new();
    for (lines_before, text) in split_documents(bytes)? {
        let node = read_at(&text, source, lines_before, Target::MAP, Duplicates::LastWins)
            .map_err(|error| error.prefixed("cannot unmarshal yaml document: "))?;
        documents.push(node);
    }
    Ok(documents)
}

/// The text of a document and the number of lines before it in its file.
pub type Part<'t> = (u32, Cow<'t, [u8]>);

/// Splits at lines that start with `---`, as the YAML reader of Kubernetes does; with the number of lines before each.
///
/// # Errors
/// With Helm's message, when something but a comment follows the dashes.
pub fn split_documents(bytes: &[u8]) -> Result<Vec<Part<'_>>, ReadError> {
    if is_one_document(bytes) {
        return Ok(vec![(0, Cow::Borrowed(bytes))]);
    }
    let mut documents = Vec::new();
    let (mut text, mut first_line) = (Vec::new(), 0);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = if bytes.is_empty() { 0 } else { usize::MAX };
    for (number, line) in (0_u32..).zip(bytes.split(|b| *b == b'\n').take(lines)) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let Some(rest) = line.strip_prefix(b"---") {
            let rest = String::from_utf8_lossy(rest);
            let rest = rest.trim();
            if !rest.is_empty() && !rest.starts_with('#') {
                let message = format!("error reading yaml document: invalid Yaml document separator: {rest}");
                return Err(ReadError { message, line: number + 1, column: 1 });
            }
            if !text.is_empty() {
                documents.push((first_line, Cow::Owned(std::mem::take(&mut text))));
                continue;
            }
        }
        if text.is_empty() {
            first_line = number;
        }
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    if !text.is_empty() {
        documents.push((first_line, Cow::Owned(text)));
    }
    Ok(documents)
}

/// Says whether nothing has to be split, and no line ends otherwise than the splitter would end it.
fn is_one_document(bytes: &[u8]) -> bool {
    bytes.len() > 1
        && bytes.ends_with(b"\n")
        && !bytes.starts_with(b"---")
        && memchr::memchr(b'\r', bytes).is_none()
        && memchr::memmem::find(bytes, b"\n---").is_none()
}

/// Reads the first document as an engine value, with the marks of the text's segments on what they made.
///
/// # Errors
/// With Go's message.
pub fn read_value(text: &Text, target: Target) -> Result<Value, ReadError> {
    let value =
        read_first(text.bytes(), Duplicates::LastWins, &mut ValueBuilder { segments: text.segments() })?;
    let value = value.unwrap_or_default();
    let found = match &value.data {
        crate::value::Data::Nil => {
            return Ok(match target {
                Target::Any => value,
                Target::Map(_) => Value::map(Default::default()),
                Target::List => Value::list(Vec::new()),
            }
            .marked(value_marks(text)));
        }
        crate::value::Data::Bool(_) => "bool",
        crate::value::Data::Text(_) => "string",
        crate::value::Data::List(_) => "array",
        crate::value::Data::Map(_) => "object",
        _ => "number",
    };
    check_type(found, target)?;
    Ok(value)
}

/// An empty value depends on all of the text it was read from.
fn value_marks(text: &Text) -> crate::trace::Marks {
    text.segment_marks()
}

/// Reads the first document of a rendered manifest with the bytes each field came from; none if it holds no value.
///
/// # Errors
/// With Go's message.
pub fn read_with_spans(bytes: &[u8]) -> Result<Option<Field>, ReadError> {
    read_first(bytes, Duplicates::LastWins, &mut spans::FieldBuilder)
}

/// Reads the first document of a rendered manifest, and refuses it, like [`read_with_spans`], but builds only the
/// fields that its head is read from.
pub(crate) fn read_head(bytes: &[u8]) -> Result<Option<Field>, ReadError> {
    let root = read_first(bytes, Duplicates::LastWins, &mut head::HeadBuilder::default())?;
    Ok(root.flatten().map(|field| *field))
}

fn read_first<B: Builder>(
    bytes: &[u8],
    duplicates: Duplicates,
    builder: &mut B,
) -> Result<Option<B::Out>, ReadError> {
    let (bytes, utf16_failure) = input::decode(bytes);
    if utf16_failure.is_none()
        && let Ok(text) = std::str::from_utf8(&bytes)
        && let Some(document) = simple::compose(text, &|key| builder.keeps(key))
    {
        return construct(&document, duplicates, builder).map(Some);
    }
    let mut parser = Parser::new(Scanner::new(Input::new(&bytes, utf16_failure)));
    let document = Document::compose(&mut parser)
        .map_err(|error| error.prefixed("error converting YAML to JSON: yaml: "))?;
    match document {
        Some(document) => construct(&document, duplicates, builder).map(Some),
        None => Ok(None),
    }
}
