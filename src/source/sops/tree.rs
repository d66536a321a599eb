//! From an encrypted document to values: decrypted in place, with the positions of the encrypted file, and checked against the
//! message authentication code.
//!
//! Follows getsops/sops 3.13 (`sops.go`): values in the order in which they are written, each bound to the keys above it (list
//! items to those of their list), nulls left out.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use helm_engine::tree::{InputMark, Node, NodeKind, Position};
use helm_engine::yaml::{Field, FieldKind};
use sha2::{Digest, Sha512};

use super::cipher::{self, DataKey, Plain, float_bytes};
use super::error::SopsError;
use super::metadata::Metadata;

/// What the code begins with where it covers encrypted values only: the SHA-256 of `sops`.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b,
    0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// One document of a file, with where it begins.
pub(super) struct Document {
    pub(super) lines_before: u32,
    pub(super) text: Vec<u8>,
    pub(super) root: Field,
}

impl Document {
    /// Finds the place of a byte.
    pub(super) fn position(&self, at: usize) -> Position {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let line = number(1 + before.iter().filter(|byte| **byte == b'\n').count());
        Position { source: 0, line: self.lines_before + line, column: number(1 + before.len() - line_start) }
    }

    /// Returns the positions of a field: of its value, and of its key.
    pub(super) fn positions(&self, field: &Field) -> (Position, Position) {
        let value = self.position(field.span.start);
        let key = if field.key_span.is_empty() { value } else { self.position(field.key_span.start) };
        (value, key)
    }
}

/// Decrypts all documents of a file.
///
/// # Errors
/// When a value or the whole is not what was encrypted.
pub(super) fn decrypt(
    file: &str,
    documents: &[Document],
    metadata: &Metadata,
    key: &DataKey,
) -> Result<Vec<Node>, SopsError> {
    let mut code = Sha512::new();
    if metadata.mac_only_encrypted {
        code.update(ONLY_ENCRYPTED);
    }
    let mut values = Vec::new();
    for document in documents {
        let mut walk = Walk { file, document, metadata, key, code, path: Vec::new() };
        values.push(walk.node(&document.root)?);
        code = walk.code;
    }
    let found = code.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02X}");
        text
    });
    match cipher::decrypt(&metadata.mac, key, &metadata.last_modified) {
        Ok(Plain::Text(expected)) if expected == found => Ok(values),
        _ => Err(SopsError::Mac { file: file.to_owned() }),
    }
}

/// Returns the entries of a map in the order in which they are written, without the part of SOPS itself.
fn entries(map: &BTreeMap<String, Field>, depth: usize) -> Vec<(&str, &Field)> {
    let own = map.iter().filter(|(key, _)| depth > 0 || *key != "sops");
    let mut entries: Vec<(&str, &Field)> = own.map(|(key, field)| (key.as_str(), field)).collect();
    entries.sort_by_key(|(_, field)| field.key_span.start);
    entries
}

struct Walk<'a> {
    file: &'a str,
    document: &'a Document,
    metadata: &'a Metadata,
    key: &'a DataKey,
    code: Sha512,
    path: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn node(&mut self, field: &'a Field) -> Result<Node, SopsError> {
        let (position, key_position) = self.document.positions(field);
        let (kind, mark) = match &field.kind {
            FieldKind::Map(map) => {
                let mut nodes = BTreeMap::new();
                for (key, value) in entries(map, self.path.len()) {
                    self.path.push(key);
                    nodes.insert(Arc::from(key), self.node(value)?);
                    self.path.pop();
                }
                (NodeKind::Map(Arc::new(nodes)), InputMark::PLAIN)
            }
            FieldKind::List(items) => {
                let items = items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?;
                (NodeKind::List(Arc::new(items)), InputMark::PLAIN)
            }
            FieldKind::Null => (NodeKind::Null, InputMark::PLAIN),
            _ => self.leaf(field)?,
        };
        Ok(Node { kind, position, key_position, mark })
    }

    fn leaf(&mut self, field: &Field) -> Result<(NodeKind, InputMark), SopsError> {
        let text = match &field.kind {
            FieldKind::String(text) => Some(text.as_str()),
            _ => None,
        };
        let looks_encrypted = text.is_some_and(cipher::is_encrypted);
        if !self.metadata.rule.covers(&self.path, looks_encrypted) {
            let (kind, bytes) = plain(&field.kind);
            if !self.metadata.mac_only_encrypted {
                self.code.update(bytes);
            }
            return Ok((kind, InputMark::PLAIN));
        }
        let bound_to = self.path.iter().fold(String::new(), |all, key| format!("{all}{key}:"));
        let value = text.ok_or("should be encrypted and is not");
        let value = value
            .and_then(|text| cipher::decrypt(text, self.key, &bound_to))
            .map_err(|why| self.refused(field, why))?;
        self.code.update(value.bytes());
        let kind = match value {
            Plain::Text(text) => NodeKind::String(Arc::from(text)),
            // Numbers of values files are floats, as in Helm.
            Plain::Int(number) => NodeKind::Float(number as f64),
            Plain::Float(number) => NodeKind::Float(number),
            Plain::Bool(truth) => NodeKind::Bool(truth),
        };
        Ok((kind, InputMark::SENSITIVE))
    }

    fn refused(&self, field: &Field, why: &'static str) -> SopsError {
        let (_, at) = self.document.positions(field);
        let (file, path) = (self.file.to_owned(), self.path.join("."));
        SopsError::Value { file, line: at.line, column: at.column, path, why }
    }
}

/// Returns a value that is not encrypted, and what the code covers of it.
fn plain(kind: &FieldKind) -> (NodeKind, Vec<u8>) {
    match kind {
        FieldKind::Bool(truth) => (NodeKind::Bool(*truth), Plain::Bool(*truth).bytes()),
        FieldKind::Int(number) => (NodeKind::Float(*number as f64), number.to_string().into_bytes()),
        FieldKind::Uint(number) => (NodeKind::Float(*number as f64), float_bytes(*number as f64)),
        FieldKind::Float(number) => (NodeKind::Float(*number), float_bytes(*number)),
        FieldKind::String(text) => (NodeKind::String(Arc::from(text.as_str())), text.clone().into_bytes()),
        FieldKind::Null | FieldKind::List(_) | FieldKind::Map(_) => (NodeKind::Null, Vec::new()),
    }
}
