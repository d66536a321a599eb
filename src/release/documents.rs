//! A rendered manifest as text: its documents, and the objects they are.

use helm_engine::yaml;
use serde_json::Value;

use super::objects;
use crate::manifest::object::{self, ObjectError, ObjectId};

/// Objects with what they are called, in the text's order.
pub type Documents = Vec<(ObjectId, Value)>;

/// A text that is no set of objects.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// It is no YAML.
    #[error("{}{}", .0.message, at_line(.0.line))]
    Unreadable(yaml::ReadError),
    /// Some of its documents are no objects.
    #[error("{}", super::list(.0, ToString::to_string))]
    Objects(Vec<ObjectError>),
}

fn at_line(line: u32) -> String {
    if line > 0 { format!(" (line {line})") } else { String::new() }
}

/// Reads the objects of a text; those that need a namespace and have none stand in `namespace`. Lists are taken apart.
///
/// # Errors
/// When the text is no YAML, or a document is no object, or two are the same one.
pub fn read(text: &[u8], namespace: &str) -> Result<Documents, DocumentsError> {
    let documents = object::expand_lists(read_documents(text).map_err(DocumentsError::Unreadable)?);
    let ids = object::identify(&documents, namespace).map_err(DocumentsError::Objects)?;
    Ok(ids.into_iter().zip(documents).collect())
}

/// Reads the documents of a text, without the empty ones.
///
/// # Errors
/// When the text is no YAML.
pub fn read_documents(text: &[u8]) -> Result<Vec<Value>, yaml::ReadError> {
    let nodes = yaml::read_documents(text, 0)?;
    let is_empty =
        |document: &Value| document.is_null() || document.as_object().is_some_and(serde_json::Map::is_empty);
    Ok(nodes.iter().map(objects::to_json).filter(|document| !is_empty(document)).collect())
}
