//! Why a patch cannot be read or applied. No message holds a value of a patch or an object: it might be secret.

use super::json::OperationError;

/// The part of a `patch` block that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The patch's text.
    Patch,
    /// The target as a whole.
    Target,
    /// A part of the target.
    Group,
    /// A part of the target.
    Version,
    /// A part of the target.
    Kind,
    /// A part of the target.
    Name,
    /// A part of the target.
    Namespace,
    /// A part of the target.
    LabelSelector,
    /// A part of the target.
    AnnotationSelector,
}

/// A patch that failed, by its place among the patches.
#[derive(Debug, thiserror::Error)]
#[error("patch {} {error}", .index + 1)]
pub struct PatchFailure {
    /// Its number, from zero.
    pub index: usize,
    /// Why.
    #[source]
    pub error: PatchError,
}

/// Why a patch cannot be read or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatchError {
    /// The text is longer than anything that is a patch.
    #[error("is longer than {longest_bytes} bytes")]
    TooLong {
        /// The limit.
        longest_bytes: usize,
    },
    /// The text says nothing.
    #[error("is empty")]
    Empty,
    /// The text is no YAML.
    #[error("is no YAML: {reason}{}", in_document(*.first_line))]
    Unreadable {
        /// What the reader says, with a line of the document.
        reason: String,
        /// The line of the text at which the document begins, from zero.
        first_line: usize,
    },
    /// The text is YAML, but neither objects nor operations.
    #[error("is neither an object to merge nor a list of operations")]
    NotAPatch,
    /// An operation of a JSON patch is none.
    #[error("has a wrong operation {}: {}", .0.index + 1, .0.reason)]
    Operation(OperationError),
    /// A JSON patch does not say what it is for.
    #[error("is a JSON patch without a target")]
    NoTarget,
    /// Several objects to merge share a target.
    #[error("has several objects to merge and a target")]
    ManyForOneTarget,
    /// A merge patch does not say what it is for.
    #[error("has neither a target nor {field}")]
    Nameless {
        /// The field that would name the object.
        field: &'static str,
    },
    /// A part of the target cannot be read.
    #[error("has a target that cannot be read: {reason}")]
    Selector {
        /// The part.
        field: Field,
        /// Why.
        reason: String,
    },
    /// No object is meant.
    #[error("matches no object: {wanted}")]
    NoMatch {
        /// What was looked for.
        wanted: String,
        /// Whether a target said so, and not the patch itself.
        by_target: bool,
        /// The objects there are.
        known: Vec<String>,
    },
    /// Object and patch do not fit.
    #[error("cannot be merged into {object} at `{path}`: {reason}")]
    Merge {
        /// The object.
        object: String,
        /// The field.
        path: String,
        /// Why.
        reason: String,
    },
    /// An operation cannot be done.
    #[error("cannot be applied to {object}: operation {}: {}", .error.index + 1, .error.reason)]
    OperationFailed {
        /// The object.
        object: String,
        /// The operation and why.
        error: OperationError,
    },
    /// Operations change what an object is called.
    #[error("would rename {object} or change its kind")]
    Renames {
        /// The object.
        object: String,
    },
}

fn in_document(first_line: usize) -> String {
    if first_line == 0 {
        String::new()
    } else {
        format!(" (of the document that begins at line {})", first_line + 1)
    }
}

impl PatchError {
    /// Gives the part of the block to blame.
    pub fn field(&self) -> Field {
        match self {
            PatchError::Selector { field, .. } => *field,
            PatchError::ManyForOneTarget | PatchError::NoMatch { by_target: true, .. } => Field::Target,
            _ => Field::Patch,
        }
    }

    /// Says more, where there is more to say.
    pub fn detail(&self) -> Option<String> {
        const MOST_SHOWN: usize = 20;
        let PatchError::NoMatch { known, .. } = self else { return None };
        let more = known.len().saturating_sub(MOST_SHOWN);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let shown: Vec<&str> = known.iter().take(MOST_SHOWN).map(String::as_str).collect();
        Some(format!("The objects are {}{more}.", shown.join(", ")))
    }

    /// Says what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            PatchError::TooLong { .. } => "make several patches of it",
            PatchError::Empty => "write the fields to merge or the operations to do, or leave the block out",
            PatchError::Unreadable { .. } => "check the indentation and quotes around that line",
            PatchError::NotAPatch => {
                "write an object with the fields to merge, or a list of operations such as `- {op: add, path: /spec/x, value: 1}`"
            }
            PatchError::Operation(_) | PatchError::OperationFailed { .. } => {
                "see RFC 6902; in a path, `~1` stands for a slash in a name and `-` for the end of a list"
            }
            PatchError::NoTarget => "say what it is for: `target { kind = \"Deployment\" name = \"web\" }`",
            PatchError::ManyForOneTarget => {
                "make a block of each, or leave the target out and let each object name the one it is for"
            }
            PatchError::Nameless { .. } => {
                "write apiVersion, kind and metadata.name of the object into the patch, or add a `target` block"
            }
            PatchError::Selector { .. } => {
                "group, version, kind, name and namespace are regular expressions for the whole text, selectors are written as for kubectl -l"
            }
            PatchError::NoMatch { .. } => "take what to look for from the list, or remove the patch",
            PatchError::Merge { .. } => {
                "write the field as it is in the object, or replace what is there with `$patch: replace` or a JSON patch"
            }
            PatchError::Renames { .. } => {
                "set the name by the chart's values; others refer to the object by it"
            }
        }
    }
}
