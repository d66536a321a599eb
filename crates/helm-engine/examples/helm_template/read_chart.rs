//! Reads a chart from disk into the list of files that the engine takes: a directory, symbolic links followed as Helm
//! does, or a `.tgz`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

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
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_symlink() && fs::metadata(&path)?.is_dir() {
            read_directory(&path, &format!("{name}/"), files)?;
        } else {
            files.push(SourceFile::new(name, read_file(&path)?));
        }
    }
    Ok(())
}

/// Reads a file into the memory that the engine keeps it in.
fn read_file(path: &Path) -> io::Result<Arc<[u8]>> {
    let mut file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or_default();
    let mut content: Arc<[u8]> = std::iter::repeat_n(0, size).collect();
    match Arc::get_mut(&mut content).map(|content| file.read_exact(content)) {
        Some(Ok(())) => Ok(content),
        // Something else is writing it: take what is there.
        _ => fs::read(path).map(Arc::from),
    }
}
