//! The list of differences that are known, each with its reason: `known_gaps.txt`, one per line,
//! `NAME OF THE CASE => REASON`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Family;

/// Reasons by case.
pub(crate) type Gaps = BTreeMap<String, String>;

/// Reads the list.
pub(crate) fn read(path: &Path) -> Gaps {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (case, reason) =
                line.rsplit_once(" => ").expect("a line of known_gaps.txt has `CASE => REASON`");
            (case.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Returns the differences that are not listed and, where all families ran, the listed ones that are gone.
pub(crate) fn check(families: &[Family], known: &Gaps, is_complete: bool) -> Vec<String> {
    let mut failures = Vec::new();
    let mut found = Vec::new();
    for (case, different) in families.iter().flat_map(|family| &family.cases) {
        for (mode, difference) in ["helm 3", "helm 4"].iter().zip(different) {
            match difference {
                Some(_) if known.contains_key(&case.name) => found.push(&case.name),
                Some(difference) => failures.push(format!("{mode}: {}\n{difference}", case.name)),
                None => {}
            }
        }
    }
    if is_complete {
        let gone = known.keys().filter(|case| !found.contains(case));
        failures.extend(
            gone.map(|case| format!("known_gaps.txt names a case that is equal now, or gone: {case}")),
        );
    }
    failures
}
