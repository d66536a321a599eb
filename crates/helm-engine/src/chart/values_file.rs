//! Values files: one YAML document in Helm 3, all of them merged in order in Helm 4.

use std::sync::Arc;

use crate::Mode;
use crate::tree::{Node, NodeKind, NodeMap};
use crate::yaml::{self, ReadError};

/// Reads a values file, be it a chart's own or a layer above it. `source` is the number that positions carry.
///
/// # Errors
/// With Helm's words, without the name of the file.
pub(crate) fn read(bytes: &[u8], source: u32, mode: Mode) -> Result<NodeMap, ReadError> {
    let documents = match mode {
        Mode::Helm3 => yaml::read_map(bytes, source).map(|document| vec![document]),
        Mode::Helm4 => yaml::read_documents(bytes, source),
    };
    let mut values = NodeMap::new();
    for document in documents? {
        if let NodeKind::Map(map) = document.kind {
            merge(&mut values, Arc::unwrap_or_clone(map));
        }
    }
    Ok(values)
}

/// Merges a later file over an earlier one: maps deeply, everything else replaced, null kept.
pub(crate) fn merge(into: &mut NodeMap, later: NodeMap) {
    for (key, value) in later {
        match (into.get_mut(&key).and_then(Node::as_map_mut), value) {
            (Some(existing), Node { kind: NodeKind::Map(map), .. }) => {
                merge(existing, Arc::unwrap_or_clone(map))
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
