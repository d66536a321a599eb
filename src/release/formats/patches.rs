//! Patches in the form of Flux's `postRenderers`: Kustomize's own, one object each, with a target that says what strata's
//! does.
//!
//! Flux patches what Helm rendered before anything is put in the release's namespace, so no patch there may depend on it.

use serde_json::{Value, json};

use super::FormatError;
use crate::manifest::patch::{AgentPatch, Written};
use crate::manifest::yaml;
use crate::release::objects;

/// Why a patch has no equal there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchProblem {
    /// It chooses by a namespace that objects do not have yet.
    #[error("chooses objects by the release's namespace, which they do not have yet when Flux patches them")]
    Namespace,
    /// It holds a directive that Kustomize does not know.
    #[error("holds a directive that Kustomize leaves in the object")]
    Directive,
    /// It is no patch.
    #[error("cannot be read")]
    Unreadable,
}

impl PatchProblem {
    /// Says what to do next.
    pub(super) fn hint(self) -> &'static str {
        match self {
            PatchProblem::Namespace => "leave `namespace` out of the target",
            PatchProblem::Directive => {
                "write the patch without `$setElementOrder`, `$deleteFromPrimitiveList` and `$retainKeys`"
            }
            PatchProblem::Unreadable => "see the patch's own error",
        }
    }
}

/// Gives the entries of `postRenderers[].kustomize.patches`.
pub(super) fn for_flux(patches: &[Written], release_namespace: &str) -> Result<Vec<Value>, FormatError> {
    let mut entries = Vec::new();
    for (index, written) in patches.iter().enumerate() {
        let problem = |problem| FormatError::Patch { index, problem };
        let patch = written.read().map_err(|_| problem(PatchProblem::Unreadable))?;
        if patch.holds_directives_of_kubectl() {
            return Err(problem(PatchProblem::Directive));
        }
        if written.target.as_ref().is_some_and(|target| target.namespace.is_some()) {
            return Err(problem(PatchProblem::Namespace));
        }
        let patches = patch.for_agent(release_namespace);
        entries.extend(
            patches.into_iter().map(|patch| json!({"patch": text(&patch, written), "target": patch.target})),
        );
    }
    Ok(entries)
}

/// Writes a patch: as the user did where that is possible, else anew.
fn text(patch: &AgentPatch, written: &Written) -> String {
    if patch.as_written {
        return written.patch.trim_end().to_owned();
    }
    let text = objects::to_yaml(&patch.content);
    // Kustomize takes the last line break away, which may be one of a text's own.
    let same = yaml::read_words_as_texts(text.trim_end()).is_ok_and(|read| read == patch.content);
    if same { text } else { patch.content.to_string() }
}
