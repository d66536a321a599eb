//! A single file that a configuration names, such as a layer of values.

use std::path::Path;

use super::SourceError;
use super::directory::read_bounded;
use super::tree::LARGEST_FILE_BYTES;

/// Reads a plain file of bounded size.
///
/// # Errors
/// [`SourceError::Absent`], [`SourceError::TooLarge`], or the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    read_bounded(path, LARGEST_FILE_BYTES)
}
