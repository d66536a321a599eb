//! What a render gives back.

use super::{RenderError, TraceReport};
use crate::Mode;
use crate::chart::CrdFile;
use crate::manifests::{self, Hook, Manifest, PrintOptions};
use crate::tree::Node;

/// A rendered release.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The documents of the release, in the order in which Helm installs them.
    pub manifests: Vec<Manifest>,
    /// The documents that run at events.
    pub hooks: Vec<Hook>,
    /// The files under `crds/`, which are not templates.
    pub crds: Vec<CrdFile>,
    /// The output of the root chart's NOTES.txt, empty without one.
    pub notes: Vec<u8>,
    /// What Helm would have written to its standard error, without time stamps.
    pub warnings: Vec<String>,
    /// Whether a template asked for the time or for chance: with another seed and time the output may differ.
    pub used_chance: bool,
    /// The values that the templates saw, each leaf with the position of the file or flag that decided it.
    pub values: Node,
    /// Where output came from, as far as the request asked.
    pub trace: TraceReport,
    pub(super) mode: Mode,
}

impl Rendered {
    /// Returns the standard output of `helm template`.
    ///
    /// # Errors
    /// When `show_only` names a template that printed nothing.
    pub fn to_helm_text(&self, options: &PrintOptions) -> Result<Vec<u8>, RenderError> {
        manifests::print(&self.manifests, &self.hooks, &self.crds, options, self.mode)
    }
}
