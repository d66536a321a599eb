//! Reads one document of a rendered manifest, with Helm's YAML rules.
//!
//! Splitting a manifest into documents is the engine's part; so is what a document that cannot be read means.

use helm_engine::yaml::{self, Duplicates, ReadError, Target};
use serde_json::Value;

use crate::notation::json_of;

/// Reads a document; an empty one is null.
///
/// # Errors
/// With the message of Go's YAML library, and the line.
pub fn read(document: &str) -> Result<Value, ReadError> {
    yaml::read(document.as_bytes(), 0, Target::Any, Duplicates::LastWins).map(|node| json_of(&node))
}
