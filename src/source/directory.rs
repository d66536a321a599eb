//! A chart on disk as bytes: the files of its directory, or its archive. What they mean is the engine's work.
//!
//! Follows Helm's directory loader: a walk in sorted order that follows symbolic links to files and directories, also out of the
//! chart; a dangling link is an error. Ours are the bounds: no cycle, no special file, limited count, depth and size.

use std::fs;
use std::path::{Path, PathBuf};

use super::SourceError;

/// Above the engine's own limits, so that its message, which is Helm's, comes first.
const LARGEST_CHART_BYTES: u64 = 256 << 20;
const MOST_FILES: usize = 50_000;
const DEEPEST: usize = 64;

/// A chart as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartBytes {
    /// Path within the chart (with `/`) and content of each file, in the order of the walk.
    Files(Vec<(String, Vec<u8>)>),
    /// A packed chart (`.tgz`).
    Archive(Vec<u8>),
}

/// Reads a chart's directory or archive without blocking the runtime.
///
/// # Errors
/// [`SourceError::Absent`], [`SourceError::TooLarge`], or a file cannot be read.
pub async fn read_chart(path: PathBuf) -> Result<ChartBytes, SourceError> {
    let shown = path.clone();
    match tokio::task::spawn_blocking(move || read_chart_now(&path)).await {
        Ok(chart) => chart,
        Err(error) => Err(SourceError::io("reading", shown, std::io::Error::other(error))),
    }
}

/// Reads a chart's directory or archive.
///
/// # Errors
/// As [`read_chart`].
pub fn read_chart_now(path: &Path) -> Result<ChartBytes, SourceError> {
    let about = fs::metadata(path).map_err(|error| absent_or_failed(path, error))?;
    if !about.is_dir() {
        return Ok(ChartBytes::Archive(read_bounded(path, LARGEST_CHART_BYTES)?));
    }
    let mut walk = Walk { files: Vec::new(), room: LARGEST_CHART_BYTES, above: Vec::new() };
    walk.enter(path, "")?;
    Ok(ChartBytes::Files(walk.files))
}

struct Walk {
    files: Vec<(String, Vec<u8>)>,
    room: u64,
    /// The real paths of the directories that are being walked, to find cycles.
    above: Vec<PathBuf>,
}

impl Walk {
    fn enter(&mut self, directory: &Path, prefix: &str) -> Result<(), SourceError> {
        let failed = |error| SourceError::io("reading directory", directory, error);
        let real = directory.canonicalize().map_err(failed)?;
        if self.above.contains(&real) || self.above.len() >= DEEPEST {
            let reason = "its directories form a cycle or are nested deeper than 64";
            return Err(SourceError::Path { path: directory.display().to_string(), reason });
        }
        self.above.push(real);
        let mut entries = Vec::new();
        for entry in fs::read_dir(directory).map_err(failed)? {
            entries.push(entry.map_err(failed)?.file_name());
        }
        entries.sort();
        for name in entries {
            let path = directory.join(&name);
            let Some(name) = name.to_str() else {
                let reason = "the name of a chart's file is not UTF-8";
                return Err(SourceError::Path { path: path.display().to_string(), reason });
            };
            self.take(&path, format!("{prefix}{name}"))?;
        }
        self.above.pop();
        Ok(())
    }

    fn take(&mut self, path: &Path, name: String) -> Result<(), SourceError> {
        let about = fs::metadata(path).map_err(|error| SourceError::io("reading", path, error))?;
        if about.is_dir() {
            return self.enter(path, &format!("{name}/"));
        }
        let too_large =
            |limit: String| SourceError::TooLarge { what: format!("the chart with `{name}`"), limit };
        if self.files.len() >= MOST_FILES {
            return Err(too_large(format!("{MOST_FILES} files")));
        }
        let content = read_bounded(path, self.room).map_err(|error| match error {
            SourceError::TooLarge { .. } => too_large(format!("{} MiB", LARGEST_CHART_BYTES >> 20)),
            other => other,
        })?;
        self.room -= content.len() as u64;
        self.files.push((name, content));
        Ok(())
    }
}

/// Reads a plain file of at most `limit` bytes.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, SourceError> {
    use std::io::Read;
    let failed = |error| absent_or_failed(path, error);
    // Opening a pipe or device may block for ever, so its kind is looked at first.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(SourceError::Path { path: path.display().to_string(), reason: "it is not a plain file" });
    }
    let mut content = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(limit + 1).read_to_end(&mut content).map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(SourceError::TooLarge {
            what: format!("`{}`", path.display()),
            limit: format!("{limit} bytes"),
        });
    }
    Ok(content)
}

pub(super) fn absent_or_failed(path: &Path, error: std::io::Error) -> SourceError {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            let place = "the file system".to_owned();
            SourceError::Absent { what: "file or folder", path: path.display().to_string(), place }
        }
        _ => SourceError::io("reading", path, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        folder
    }

    fn names(chart: ChartBytes) -> Vec<String> {
        match chart {
            ChartBytes::Files(files) => files.into_iter().map(|(name, _)| name).collect(),
            ChartBytes::Archive(_) => panic!("an archive"),
        }
    }

    #[tokio::test]
    async fn walks_in_sorted_order_and_takes_a_file_for_an_archive() {
        let folder =
            chart(&[("templates/b.yaml", ""), ("Chart.yaml", "x"), ("templates/a.yaml", ""), (".h", "")]);
        let chart = read_chart(folder.path().to_owned()).await.unwrap();
        assert_eq!(names(chart), [".h", "Chart.yaml", "templates/a.yaml", "templates/b.yaml"]);
        let archive = read_chart(folder.path().join("Chart.yaml")).await.unwrap();
        assert_eq!(archive, ChartBytes::Archive(b"x".to_vec()));
        let error = read_chart(folder.path().join("absent")).await.unwrap_err();
        assert!(matches!(error, SourceError::Absent { .. }), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_out_of_the_chart_and_refuses_cycles_dangling_links_and_devices() {
        use std::os::unix::fs::symlink;
        let outside = chart(&[("f/x.yaml", "x")]);
        let folder = chart(&[("Chart.yaml", "")]);
        let link = folder.path().join("l");
        symlink(outside.path().join("f"), &link).unwrap();
        assert_eq!(names(read_chart_now(folder.path()).unwrap()), ["Chart.yaml", "l/x.yaml"]);
        for (target, part) in [("/nonexistent", "reading"), ("/dev/zero", "plain file"), (".", "cycle")] {
            fs::remove_file(&link).unwrap();
            symlink(target, &link).unwrap();
            let error = read_chart_now(folder.path()).unwrap_err().to_string();
            assert!(error.contains(part), "{target}: {error}");
        }
    }
}
