//! Errors of releases with sensitive layers: what they say must not depend on a secret.
//!
//! A template's message, a schema's, an excerpt of what was printed: each may hold a value, changed in any way. So the
//! release is rendered again with stand-ins for its secrets. If that fails at the same place, its words are shown; they
//! cannot hold what was never there. Otherwise only the place is.

use helm_engine::tree::{Node, NodeKind, NodeMap};

use super::{Release, ReleaseError, render};
use crate::layers::layer::Layer;

/// What stands in for a secret text.
const STAND_IN: &str = "(sensitive)";

/// Returns the error to show for a release that failed.
pub fn without_secrets(release: &Release<'_>, error: ReleaseError) -> ReleaseError {
    let is_secret = |layer: &Layer| layer.sensitive;
    if !release.layers.layers.iter().any(is_secret) || matches!(error, ReleaseError::Conflicts { .. }) {
        return error;
    }
    let mut layers = release.layers.clone();
    for layer in layers.layers.iter_mut().filter(|layer| layer.sensitive) {
        layer.values = stand_in(&layer.values);
    }
    let place = place(&error);
    match render(&Release { layers: &layers, ..*release }, None) {
        Err(other) if self::place(&other) == place => other,
        _ => ReleaseError::Hidden { chart: super::render::chart_name(release), place },
    }
}

/// Says where a render failed, where that is known.
fn place(error: &ReleaseError) -> Option<String> {
    let ReleaseError::Render { source, .. } = error else { return None };
    source.location().map(|at| format!("{}:{}", at.template, at.line))
}

fn stand_in(node: &Node) -> Node {
    let kind = match &node.kind {
        NodeKind::Int(_) => NodeKind::Int(1),
        NodeKind::Float(_) => NodeKind::Float(1.0),
        NodeKind::String(_) => NodeKind::String(STAND_IN.into()),
        NodeKind::List(items) => NodeKind::List(items.iter().map(stand_in).collect::<Vec<_>>().into()),
        NodeKind::Map(map) => {
            let entries = map.iter().map(|(key, value)| (key.clone(), stand_in(value)));
            NodeKind::Map(entries.collect::<NodeMap>().into())
        }
        other => other.clone(),
    };
    Node { kind, ..node.clone() }
}
