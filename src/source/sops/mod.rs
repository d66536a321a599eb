//! Values files that are encrypted with SOPS: recognised by their `sops` part, decrypted, checked, never written anywhere.
//!
//! Files for age keys are decrypted here; all other keys through the `sops` command. What is encrypted in the file is marked as
//! secret in the values; what its rules leave plain is not.

mod cipher;
mod command;
mod error;
mod identities;
mod metadata;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use helm_engine::tree::{InputMark, Node, NodeKind, NodeMap};
use helm_engine::yaml::{self, Field, FieldKind};
use sha2::{Digest, Sha256};

pub use error::SopsError;
pub use identities::KeySources;
use metadata::{Metadata, Rule};
use tree::Document;

/// A file's name and the SHA-256 of its content.
type Key = (String, [u8; 32]);

/// Decrypts files, each once in a process.
#[derive(Debug, Default)]
pub struct Sops {
    keys: KeySources,
    known: Mutex<HashMap<Key, Result<Node, SopsError>>>,
}

impl Sops {
    /// Prepares decrypting with these keys; nothing is done yet.
    pub fn new(keys: KeySources) -> Self {
        Self { keys, known: Mutex::default() }
    }

    /// Decrypts a file of values; nothing where it is no SOPS file. `source` is the number that positions carry. May block while
    /// the `sops` command runs.
    ///
    /// # Errors
    /// When it cannot be decrypted, or is not what was encrypted.
    pub fn values(&self, file: &str, text: &[u8], source: u32) -> Result<Option<Node>, SopsError> {
        if !may_be_encrypted(text) {
            return Ok(None);
        }
        let key = (file.to_owned(), Sha256::digest(text).into());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let found = match known {
            Some(found) => found,
            None => {
                let Some(found) = decrypt(file, text, &self.keys) else { return Ok(None) };
                self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, found.clone());
                found
            }
        };
        found.map(|mut node| {
            renumber(&mut node, source);
            Some(node)
        })
    }
}

/// Tells cheaply that most files are none.
fn may_be_encrypted(text: &[u8]) -> bool {
    let holds = |part: &[u8]| text.windows(part.len()).any(|window| window == part);
    holds(b"sops") && holds(b"lastmodified")
}

fn decrypt(file: &str, text: &[u8], keys: &KeySources) -> Option<Result<Node, SopsError>> {
    // What is no YAML is refused by who reads it as plain values, with its place.
    let documents: Vec<Document> = yaml::split_documents(text)
        .ok()?
        .into_iter()
        .map(|(lines_before, text)| {
            let root = yaml::read_with_spans(&text).ok().flatten()?;
            Some(Document { lines_before, text: text.into_owned(), root })
        })
        .collect::<Option<_>>()?;
    let metadata = match Metadata::of(&documents.first()?.root)? {
        Ok(metadata) => metadata,
        Err(why) => return Some(Err(SopsError::Metadata { file: file.to_owned(), why })),
    };
    Some(open(file, text, &documents, &metadata, keys).map(merged))
}

fn open(
    file: &str,
    text: &[u8],
    documents: &[Document],
    metadata: &Metadata,
    keys: &KeySources,
) -> Result<Vec<Node>, SopsError> {
    if needs_command(metadata) {
        return through_command(file, text, documents, metadata, keys);
    }
    match keys.open(file, &metadata.age) {
        Ok(key) => tree::decrypt(file, documents, metadata, &key),
        // Somebody else may hold a key of another kind.
        Err(_) if !metadata.others.is_empty() => through_command(file, text, documents, metadata, keys),
        Err(error) => Err(error),
    }
}

/// Tells whether there is no way here: the data key is in parts, no recipient's key is age's own, or comments decide alone
/// what the code covers.
fn needs_command(metadata: &Metadata) -> bool {
    let is_native = |recipient: &String| recipient.starts_with("age1") && recipient.matches('1').count() == 1;
    metadata.has_groups
        || !metadata.age.iter().any(|(recipient, _)| is_native(recipient))
        || metadata.mac_only_encrypted && matches!(metadata.rule, Rule::Comments)
}

fn through_command(
    file: &str,
    text: &[u8],
    documents: &[Document],
    metadata: &Metadata,
    keys: &KeySources,
) -> Result<Vec<Node>, SopsError> {
    let plain = command::decrypt(file, text, metadata, keys)?;
    let nodes = yaml::read_documents(&plain, 0).unwrap_or_default();
    if nodes.len() != documents.len() {
        let message = "what it prints is no map of values".to_owned();
        return Err(SopsError::Command { file: file.to_owned(), message });
    }
    let placed = nodes.into_iter().zip(documents).map(|(mut node, document)| {
        place(&mut node, &document.root, document);
        node
    });
    Ok(placed.collect())
}

/// Gives decrypted values the places and marks of the encrypted file.
fn place(node: &mut Node, field: &Field, document: &Document) {
    (node.position, node.key_position) = document.positions(field);
    match (&mut node.kind, &field.kind) {
        (NodeKind::Map(nodes), FieldKind::Map(fields)) => {
            for (key, node) in Arc::make_mut(nodes) {
                match fields.get(&**key) {
                    Some(field) => place(node, field, document),
                    None => node.mark = InputMark::SENSITIVE,
                }
            }
        }
        (NodeKind::List(nodes), FieldKind::List(fields)) => {
            for (node, field) in Arc::make_mut(nodes).iter_mut().zip(fields) {
                place(node, field, document);
            }
        }
        (_, FieldKind::String(text)) if cipher::is_encrypted(text) => node.mark = InputMark::SENSITIVE,
        _ => {}
    }
}

/// Puts documents together, later ones over earlier ones, as Helm reads a values file.
fn merged(documents: Vec<Node>) -> Node {
    let mut documents = documents.into_iter();
    let Some(first) = documents.next() else { return Node::map(NodeMap::new()) };
    documents.fold(first, |mut below, above| {
        put_over(&mut below, above);
        below
    })
}

fn put_over(below: &mut Node, above: Node) {
    match (&mut below.kind, above.kind) {
        (NodeKind::Map(lower), NodeKind::Map(upper)) => {
            let lower = Arc::make_mut(lower);
            for (key, node) in Arc::unwrap_or_clone(upper) {
                match lower.get_mut(&key) {
                    Some(under) => put_over(under, node),
                    None => drop(lower.insert(key, node)),
                }
            }
        }
        (_, kind) => *below = Node { kind, ..above },
    }
}

fn renumber(node: &mut Node, source: u32) {
    node.position.source = source;
    node.key_position.source = source;
    match &mut node.kind {
        NodeKind::Map(map) => Arc::make_mut(map).values_mut().for_each(|node| renumber(node, source)),
        NodeKind::List(items) => Arc::make_mut(items).iter_mut().for_each(|node| renumber(node, source)),
        _ => {}
    }
}
