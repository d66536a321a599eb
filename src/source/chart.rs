//! A chart on disk, loaded.

use std::path::Path;

use helm_engine::{Chart, Mode, RenderError, SourceFile};

use super::SourceError;
use super::directory::{ChartBytes, read_chart_now};

/// Why a chart on disk cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChartError {
    /// It cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// What was read is no chart.
    #[error(transparent)]
    Broken(#[from] RenderError),
}

/// Loads a chart from its folder or `.tgz` file.
///
/// # Errors
/// When there is nothing to read, or what was read is no chart.
pub fn load(path: &Path, mode: Mode) -> Result<Chart, ChartError> {
    match read_chart_now(path)? {
        ChartBytes::Files(files) => {
            let file = |(path, data): (String, Vec<u8>)| SourceFile { path: path.into(), data: data.into() };
            Ok(Chart::load(files.into_iter().map(file).collect(), mode)?)
        }
        ChartBytes::Archive(bytes) => Ok(Chart::load_archive(&bytes, mode)?),
    }
}
