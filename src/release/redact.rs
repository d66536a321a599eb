//! Errors of releases with sensitive layers: what they say must not depend on a secret.
//!
//! A template's message, a schema's, an excerpt of what was printed: each may hold a value, changed in any way. So the
//! release is rendered again with stand-ins for its secrets. If that fails at the same place, its words are shown; they
//! cannot hold what was never there. Otherwise only the place is.

use super::{Release, ReleaseError, render};
use crate::layers::layer::Layer;
use crate::layers::secrets::{holds_secrets, stand_in};

/// Returns the error to show for a release that failed.
pub fn without_secrets(release: &Release<'_>, error: ReleaseError) -> ReleaseError {
    let is_secret = |layer: &Layer| holds_secrets(&layer.marked_values());
    if !release.layers.layers.iter().any(is_secret) || matches!(error, ReleaseError::Conflicts { .. }) {
        return error;
    }
    let mut layers = release.layers.clone();
    for layer in layers.layers.iter_mut().filter(|layer| is_secret(layer)) {
        layer.values = stand_in(&layer.marked_values());
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
