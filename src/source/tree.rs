//! A tree of files to read layers, layouts and charts from: a folder of this machine, or a commit of a repository.
//!
//! Both answer alike: paths are relative and cannot leave the tree, neither by their names nor through symbolic links; absent is an
//! answer of its own, never mixed up with unreadable.

use std::path::{Path, PathBuf};

use super::directory::{absent_or_failed, read_bounded};
use super::git::CommitTree;
use super::{RelativePath, SourceError};

/// The largest file that is read from a tree.
pub(super) const LARGEST_FILE_BYTES: u64 = 64 << 20;
const MOST_FILES: usize = 500_000;
const DEEPEST: usize = 128;

/// Where files come from.
#[derive(Clone, Debug)]
pub enum Tree {
    /// A folder of this machine.
    Work(WorkTree),
    /// A commit of a repository.
    Commit(CommitTree),
}

impl Tree {
    /// Opens a folder of this machine.
    ///
    /// # Errors
    /// [`SourceError::Absent`] where there is no folder.
    pub fn open(root: &Path) -> Result<Self, SourceError> {
        WorkTree::open(root).map(Self::Work)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`SourceError::Absent`], [`SourceError::Path`] for a link that leaves the tree, [`SourceError::TooLarge`].
    pub async fn read(&self, path: &RelativePath) -> Result<Vec<u8>, SourceError> {
        match self {
            Self::Work(tree) => tree.run(path.clone(), |tree, path| tree.read(&path)).await,
            Self::Commit(tree) => tree.read(path).await,
        }
    }

    /// Tells whether a file or folder is there.
    ///
    /// # Errors
    /// Only when that cannot be known.
    pub async fn exists(&self, path: &RelativePath) -> Result<bool, SourceError> {
        let found = match self {
            Self::Work(tree) => tree.run(path.clone(), |tree, path| tree.resolve(&path).map(drop)).await,
            Self::Commit(tree) => return Ok(tree.holds(path)),
        };
        match found {
            Ok(()) => Ok(true),
            Err(SourceError::Absent { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lists the paths of all files below a folder (or of the whole tree), sorted; `.git` is left out and links to folders are
    /// not entered.
    ///
    /// # Errors
    /// [`SourceError::Absent`] for a missing folder, [`SourceError::TooLarge`] for an endless one.
    pub async fn list(&self, folder: Option<&RelativePath>) -> Result<Vec<String>, SourceError> {
        match self {
            Self::Work(tree) => tree.run(folder.cloned(), |tree, folder| tree.list(folder.as_ref())).await,
            Self::Commit(tree) => tree.list(folder),
        }
    }
}

/// A folder of this machine.
#[derive(Clone, Debug)]
pub struct WorkTree {
    root: PathBuf,
}

impl WorkTree {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`SourceError::Absent`] where there is no folder.
    pub fn open(root: &Path) -> Result<Self, SourceError> {
        let real = root.canonicalize().map_err(|error| absent_or_failed(root, error))?;
        if real.is_dir() {
            return Ok(Self { root: real });
        }
        let place = "the file system".to_owned();
        Err(SourceError::Absent { what: "folder", path: root.display().to_string(), place })
    }

    async fn run<I: Send + 'static, T: Send + 'static>(
        &self,
        input: I,
        work: impl FnOnce(&Self, I) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let tree = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&tree, input)).await;
        done.map_err(|error| SourceError::io("reading", &self.root, std::io::Error::other(error)))?
    }

    /// Gives the real path of something in the tree.
    fn resolve(&self, path: &RelativePath) -> Result<PathBuf, SourceError> {
        let joined = self.root.join(path.as_str());
        let real = joined.canonicalize().map_err(|error| match absent_or_failed(&joined, error) {
            SourceError::Absent { .. } => self.absent(path),
            other => other,
        })?;
        if real.starts_with(&self.root) {
            return Ok(real);
        }
        Err(SourceError::Path { path: path.to_string(), reason: "a symbolic link leads out of the tree" })
    }

    fn read(&self, path: &RelativePath) -> Result<Vec<u8>, SourceError> {
        let real = self.resolve(path)?;
        if real.is_dir() {
            return Err(SourceError::Path { path: path.to_string(), reason: "it is a folder, not a file" });
        }
        read_bounded(&real, LARGEST_FILE_BYTES)
    }

    /// Lists the paths of all files below a folder, as [`Tree::list`] does.
    ///
    /// # Errors
    /// As [`Tree::list`].
    pub fn list(&self, folder: Option<&RelativePath>) -> Result<Vec<String>, SourceError> {
        let (start, prefix) = match folder {
            None => (self.root.clone(), String::new()),
            Some(folder) => (self.resolve(folder)?, format!("{folder}/")),
        };
        if !start.is_dir() {
            return Err(folder.map_or_else(
                || absent_or_failed(&start, std::io::ErrorKind::NotFound.into()),
                |path| self.absent(path),
            ));
        }
        let mut found = Vec::new();
        let mut open = vec![(start, prefix, 0)];
        while let Some((directory, prefix, depth)) = open.pop() {
            let failed = |error| SourceError::io("reading directory", &directory, error);
            for entry in std::fs::read_dir(&directory).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
                let kind = entry.file_type().map_err(failed)?;
                let path = format!("{prefix}{name}");
                if kind.is_dir() && name != ".git" && depth < DEEPEST {
                    open.push((entry.path(), format!("{path}/"), depth + 1));
                } else if kind.is_file() || kind.is_symlink() && entry.path().is_file() {
                    found.push(path);
                }
            }
            if found.len() > MOST_FILES {
                let what = format!("the folder `{}`", self.root.display());
                return Err(SourceError::TooLarge { what, limit: format!("{MOST_FILES} files") });
            }
        }
        found.sort();
        Ok(found)
    }

    fn absent(&self, path: &RelativePath) -> SourceError {
        let place = format!("`{}`", self.root.display());
        SourceError::Absent { what: "file or folder", path: path.to_string(), place }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::super::git::fixture::Fixture;
    use super::super::git::{GitSource, Reach, Reference};
    use super::*;

    const FILES: &[(&str, &str)] = &[
        ("a.yaml", "a: 1"),
        ("values/web/global.yaml", "b: 1"),
        ("inside", "->values/web/global.yaml"),
        ("folder", "->values/web"),
        ("values/up", "->../a.yaml"),
        ("outside", "->../remote.git/HEAD"),
        ("absolute", "->/etc/passwd"),
        ("dangling", "->nowhere"),
        ("loop", "->loop"),
    ];

    /// The same files as a work tree and as a commit.
    async fn both() -> (Fixture, [Tree; 2]) {
        let fixture = Fixture::with_files(FILES);
        let work = fixture.folder.path().join("work");
        for (path, content) in FILES {
            let path = work.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            match content.strip_prefix("->") {
                #[cfg(unix)]
                Some(target) => std::os::unix::fs::symlink(target, path).unwrap(),
                _ => std::fs::write(path, content).unwrap(),
            }
        }
        let source = GitSource::new(fixture.cache(), Reach::Remote);
        let deadline = Instant::now() + Duration::from_secs(60);
        let commit = source.at(&fixture.remote(), &Reference::Branch("main".into()), deadline).await.unwrap();
        (fixture, [Tree::open(&work).unwrap(), Tree::Commit(commit)])
    }

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).unwrap()
    }

    #[tokio::test]
    async fn a_work_tree_and_a_commit_answer_alike() {
        let (_fixture, trees) = both().await;
        for tree in &trees {
            for (name, expected) in [
                ("a.yaml", "a: 1"),
                ("values/web/global.yaml", "b: 1"),
                ("inside", "b: 1"),
                ("folder/global.yaml", "b: 1"),
                ("values/up", "a: 1"),
            ] {
                assert_eq!(tree.read(&path(name)).await.unwrap(), expected.as_bytes(), "{name}");
                assert!(tree.exists(&path(name)).await.unwrap(), "{name}");
            }
            for name in ["absent", "values/absent", "a.yaml/below", "dangling"] {
                let error = tree.read(&path(name)).await.unwrap_err();
                assert!(matches!(error, SourceError::Absent { .. }), "{name}: {error}");
            }
            for name in ["values", "folder"] {
                let error = tree.read(&path(name)).await.unwrap_err();
                assert!(error.to_string().contains("it is a folder"), "{name}: {error}");
            }
            assert!(tree.exists(&path("values/web")).await.unwrap());
            assert!(!tree.exists(&path("absent")).await.unwrap());
            for name in ["outside", "absolute", "loop"] {
                let error = tree.read(&path(name)).await.unwrap_err();
                assert!(
                    matches!(error, SourceError::Path { .. } | SourceError::Io { .. }),
                    "{name}: {error}"
                );
            }
            let listed = tree.list(Some(&path("values"))).await.unwrap();
            assert_eq!(listed, ["values/up", "values/web/global.yaml"]);
            assert!(matches!(tree.list(Some(&path("absent"))).await, Err(SourceError::Absent { .. })));
            assert!(tree.list(None).await.unwrap().contains(&"a.yaml".to_owned()));
        }
    }
}
