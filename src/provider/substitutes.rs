//! What stands in for a repository while it is read: a work tree or another reference, said by the block or from outside.

use std::collections::BTreeMap;
use std::path::{Path as FilePath, PathBuf};

use tf_provider::schema::{Diagnostic, Diagnostics};

use super::configuration::Repository;
use crate::source::repositories::{Instead, Substitute};

/// Names folders: `NAME=FOLDER`, or `NAME@REF=FOLDER`.
pub(super) const WORK_TREES: &str = "STRATA_WORK_TREES";
/// Names references: `NAME=REF`, or `NAME@REF=REF`.
pub(super) const REFS: &str = "STRATA_REFS";

/// Adds what the environment says; it comes before what blocks say. Folders of blocks start from `root`.
///
/// # Errors
/// When a variable cannot be read, or names a repository that is not there.
pub(super) fn add(
    repositories: &mut BTreeMap<String, Repository>,
    root: &FilePath,
) -> Result<(), Diagnostics> {
    for one in repositories.values_mut().flat_map(|one| one.substitutes_mut()) {
        if let Instead::WorkTree(folder) = &mut one.with {
            *folder = root.join(&*folder);
        }
    }
    for variable in [REFS, WORK_TREES] {
        let Ok(text) = std::env::var(variable) else { continue };
        for (name, substitute) in read(variable, &text)? {
            let known: Vec<String> = repositories.keys().cloned().collect();
            let repository = repositories.get_mut(&name).ok_or_else(|| {
                Diagnostic::error(format!(
                    "{variable} names a repository {name:?} that the provider does not have"
                ))
                .detail(format!(
                    "Known: {}.",
                    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                ))
                .hint(format!("correct the variable {variable}, or unset it"))
            })?;
            repository.substitutes_mut().insert(0, substitute);
        }
    }
    Ok(())
}

/// Says that something else is read.
pub(super) fn warning(repository: &str, substitute: &Substitute) -> Diagnostic {
    let of = if substitute.of.is_empty() { String::new() } else { format!(" at {:?}", substitute.of) };
    let with = match &substitute.with {
        Instead::WorkTree(folder) => format!("the work tree {}", folder.display()),
        Instead::Reference(reference) => format!("{reference:?}"),
    };
    Diagnostic::warning(format!("repository {repository:?}{of} is read from {with}")).detail(
        "Layers and charts may hold what is not published. Deliveries go to the repository all the same.",
    )
}

fn read(variable: &str, text: &str) -> Result<Vec<(String, Substitute)>, Diagnostic> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| read_one(variable, part)).collect()
}

fn read_one(variable: &str, part: &str) -> Result<(String, Substitute), Diagnostic> {
    let form = if variable == WORK_TREES { "NAME=FOLDER" } else { "NAME=REF" };
    let refused = || {
        Diagnostic::error(format!("{variable} cannot be read: {part:?}"))
            .hint(format!("write {form} with commas between them; NAME@REF= stands in for that ref alone"))
    };
    let (name, with) = part.split_once('=').ok_or_else(refused)?;
    let (name, of) = name.split_once('@').unwrap_or((name, ""));
    if name.is_empty() || with.is_empty() {
        return Err(refused());
    }
    let with = if variable == WORK_TREES {
        Instead::WorkTree(PathBuf::from(with))
    } else {
        Instead::Reference(with.to_owned())
    };
    Ok((name.to_owned(), Substitute { of: of.to_owned(), with }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_repositories_and_what_stands_in() {
        let check = |variable: &str, text: &str, expected: &str| {
            let shown = match read(variable, text) {
                Ok(found) => {
                    found.iter().map(|(name, one)| format!("{name}@{} {:?}", one.of, one.with)).collect()
                }
                Err(diagnostic) => vec![diagnostic.summary],
            };
            assert_eq!(shown.join("; "), expected);
        };
        check(WORK_TREES, "a=../x, b@main=/y", "a@ WorkTree(\"../x\"); b@main WorkTree(\"/y\")");
        check(REFS, "a=feature/x,", "a@ Reference(\"feature/x\")");
        check(REFS, "", "");
        check(REFS, "a", "STRATA_REFS cannot be read: \"a\"");
        check(WORK_TREES, "=x", "STRATA_WORK_TREES cannot be read: \"=x\"");
    }
}
