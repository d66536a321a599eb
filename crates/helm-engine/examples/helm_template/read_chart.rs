//! Reads a chart from disk into the list of files that the engine takes: a directory, symbolic links followed as Helm
//! does, or a `.tgz`.

use std::fs;
use std::io;
use std::path::Path;

use helm_engine::{Chart, Mode, SourceFile};

/// Loads the chart at a path.
///
/// # Errors
/// With Helm's message, or the reason why a file cannot be read.
pub(crate) fn read_chart(path: &Path, mode: Mode) -> Result<Chart, String> {
    let describe = |error: io::Error| format!("{}: {error}", path.display());
    if path.is_file() {
        let archive = fs::read(path).map_err(describe)?;
        return Chart::load_archive(&archive, mode).map_err(|error| error.to_string());
    }
    let mut files = Vec::new();
    read_directory(path, "", &mut files).map_err(describe)?;
    Chart::load(files, mode).map_err(|error| error.to_string())
}

fn read_directory(directory: &Path, prefix: &str, files: &mut Vec<SourceFile>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if fs::metadata(&path)?.is_dir() {
            read_directory(&path, &format!("{name}/"), files)?;
        } else {
            files.push(SourceFile::new(name, fs::read(&path)?));
        }
    }
    Ok(())
}
