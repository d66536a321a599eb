//! The `--set` family of flags: one line of `path=value` pairs, written into a tree of values.
//!
//! Follows Helm's `pkg/strvals`, errors included: integers become `int64`, everything that does not look like one, a
//! boolean or null stays text, `{a,b}` is a list, `\` escapes, `[i]` indexes. Which flag is merged in which order is
//! decided in [`crate::request`].

mod literal;
mod parser;
mod scanner;

use std::sync::Arc;

use scanner::Scanner;

use crate::Mode;
use crate::tree::{Node, NodeKind, NodeMap, Position};

/// How a flag reads its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// `--set`: integers, booleans and null are recognised.
    Typed,
    /// `--set-string`: every value is text.
    Text,
    /// `--set-json`: every value is JSON.
    Json,
    /// `--set-file`: every value names a file whose content, given by the caller, becomes the value.
    File,
    /// `--set-literal`: one value that runs to the end of the line, nothing escaped.
    Literal,
}

impl SetKind {
    /// Returns the name of the flag.
    pub fn flag(self) -> &'static str {
        match self {
            SetKind::Typed => "--set",
            SetKind::Text => "--set-string",
            SetKind::Json => "--set-json",
            SetKind::File => "--set-file",
            SetKind::Literal => "--set-literal",
        }
    }
}

/// Gives the content of a file named by `--set-file`, or Go's message why it cannot be read.
pub type FileLookup<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Writes one flag's line into `into`; `source` is the number that the positions of the new values carry.
///
/// # Errors
/// With the words of Helm's parser, without the flag's name.
pub fn parse_into(
    line: &str,
    kind: SetKind,
    into: &mut NodeMap,
    source: u32,
    mode: Mode,
    files: FileLookup<'_>,
) -> Result<(), String> {
    let scanner = Scanner::new(line, source, mode);
    match kind {
        SetKind::Literal => literal::parse(scanner, into),
        _ => parser::parse(scanner, kind, into, files),
    }
}

/// Starts a position within a flag's line.
fn position(source: u32, offset: usize) -> Position {
    Position { source, line: 1, column: u32::try_from(offset + 1).unwrap_or(u32::MAX) }
}

/// Makes a tree of a JSON value; every node gets the place of the whole.
pub(crate) fn from_json(value: serde_json::Value, source: u32, offset: usize) -> Node {
    use serde_json::Value as Json;
    let kind = match value {
        Json::Null => NodeKind::Null,
        Json::Bool(value) => NodeKind::Bool(value),
        Json::Number(number) => NodeKind::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => NodeKind::String(text.into()),
        Json::Array(items) => {
            NodeKind::List(Arc::new(items.into_iter().map(|item| from_json(item, source, offset)).collect()))
        }
        Json::Object(entries) => NodeKind::Map(Arc::new(
            entries.into_iter().map(|(key, value)| (key.into(), from_json(value, source, offset))).collect(),
        )),
    };
    let position = position(source, offset);
    Node { position, key_position: position, ..Node::new(kind) }
}

#[cfg(test)]
mod tests;
