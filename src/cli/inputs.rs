//! Charts and files that flags name, read for every verb in the same way.

use std::error::Error;
use std::path::Path;

use helm_engine::{Chart, Mode};

use crate::source::chart::ChartError;
use crate::source::{self, SourceError};

/// Which Helm is followed.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum HelmVersion {
    /// Helm 3 (3.22).
    #[value(name = "3")]
    Three,
    /// Helm 4 (4.3).
    #[value(name = "4")]
    Four,
}

impl From<HelmVersion> for Mode {
    fn from(version: HelmVersion) -> Mode {
        match version {
            HelmVersion::Three => Mode::Helm3,
            HelmVersion::Four => Mode::Helm4,
        }
    }
}

/// Loads a chart from a folder or archive.
pub(super) fn chart(path: &Path, mode: Mode) -> Result<Chart, String> {
    source::chart::load(path, mode).map_err(|error| match error {
        ChartError::Source(error) => of_source(&error),
        ChartError::Broken(error) => error.to_helm_text(),
    })
}

/// Reads a file, or standard input for `-`.
pub(super) fn file(path: &str) -> Result<Vec<u8>, String> {
    if path == "-" {
        use std::io::Read;
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(|error| format!("Error: standard input: {error}"))?;
        return Ok(text);
    }
    source::file::read(Path::new(path)).map_err(|error| of_source(&error))
}

/// Lists the files below a folder, by path relative to it.
pub(super) fn list(folder: &Path) -> Result<Vec<String>, String> {
    source::WorkTree::open(folder).and_then(|tree| tree.list(None)).map_err(|error| of_source(&error))
}

/// Adds `hint: the nearest … are …` to an error, where anything is near.
pub(super) fn with_nearest(error: String, what: &str, near: &[&str]) -> String {
    if near.is_empty() { error } else { format!("{error}\nhint: the nearest {what} are {}", near.join(", ")) }
}

fn of_source(error: &SourceError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
    format!("Error: {error}{cause}{hint}")
}
