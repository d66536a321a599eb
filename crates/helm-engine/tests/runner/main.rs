//! Renders the whole corpus and compares with what the real Helm answered, byte by byte, in both modes.
//!
//!     cargo test -p helm-engine --test runner                       everything; fails on any difference
//!     cargo test -p helm-engine --test runner -- functions/strings  one family, with its first differences
//!     UPDATE=1 cargo test -p helm-engine --test runner              writes docs/helm-compatibility.md
//!
//! Differences named in `known_gaps.txt` are allowed as long as they exist; one that is gone must leave the list.

#![allow(clippy::print_stdout, reason = "a test program reports")]

mod cases;
mod charts;
mod compatibility;
#[path = "../../examples/helm_template/flags.rs"]
mod flags;
mod gaps;
mod run;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cases::Case;

/// The outcome of one family: a file of the corpus, or all charts.
pub(crate) struct Family {
    /// Its path within the corpus.
    pub(crate) name: String,
    /// Its cases, each with what differs: in Helm 3's mode, in Helm 4's.
    pub(crate) cases: Vec<(Case, [Option<String>; 2])>,
}

fn main() -> ExitCode {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let families = run::run(read_corpus(&filter));
    let known = gaps::read(&folder().join("known_gaps.txt"));
    let mut failures = gaps::check(&families, &known, filter.is_empty());
    for family in &families {
        print_family(family, !filter.is_empty());
    }
    if filter.is_empty() {
        failures.extend(compatibility::check(&families, &known));
    }
    if failures.is_empty() {
        return ExitCode::SUCCESS;
    }
    let shown = 40;
    for failure in failures.iter().take(shown) {
        println!("{failure}\n");
    }
    println!("{} failures{}", failures.len(), if failures.len() > shown { ", the first shown" } else { "" });
    ExitCode::FAILURE
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Reads the families whose path contains `filter`.
fn read_corpus(filter: &str) -> Vec<(String, Vec<Case>)> {
    let corpus = folder().join("corpus");
    let mut families = Vec::new();
    for room in charts::sorted_names(&corpus).into_iter().filter(|room| corpus.join(room).is_dir()) {
        if room == "charts" {
            let mut cases = charts::read(&corpus.join(&room));
            cases.retain(|case| case.name.contains(filter));
            families.push((room, cases));
            continue;
        }
        for file in charts::sorted_names(&corpus.join(&room)) {
            let name = format!("{room}/{}", file.trim_end_matches(".txt"));
            if file.ends_with(".txt") && name.contains(filter) {
                let text = fs::read_to_string(corpus.join(&room).join(&file)).expect("a file of the corpus");
                families.push((name.clone(), cases::parse(&name, &text)));
            }
        }
    }
    families.retain(|(_, cases)| !cases.is_empty());
    families
}

fn print_family(family: &Family, with_differences: bool) {
    let equal = |mode: usize| family.cases.iter().filter(|(_, different)| different[mode].is_none()).count();
    let count = family.cases.len();
    println!("{:<36} helm 3: {:>5} of {count:<5}  helm 4: {:>5} of {count}", family.name, equal(0), equal(1));
    if with_differences {
        let limit = std::env::var("SHOW").ok().and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let different = family.cases.iter().filter(|(_, different)| different.iter().any(Option::is_some));
        for (case, different) in different.take(limit) {
            for (mode, difference) in ["helm 3", "helm 4"].iter().zip(different) {
                if let Some(difference) = difference {
                    println!("--- {mode}: {}\n{difference}", case.name);
                }
            }
        }
    }
}
