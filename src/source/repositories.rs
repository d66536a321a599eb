//! Git repositories by name, each read at a branch, tag or commit, or from a work tree that stands in for it.
//!
//! A process opens a repository at a reference once, whoever asks first; the others get the same tree, or the same error.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::git::{CommitTree, GitSource, Reach, Reference, Remote};
use super::{RelativePath, SourceError, Tree};

/// Opening a repository may take this long.
const LONGEST: Duration = Duration::from_secs(300);

/// What is known of a repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// Address and credentials; none while they are not known.
    pub remote: Option<Remote>,
    /// What is read where nobody says a reference; the remote's default branch without it.
    pub reference: Option<String>,
    /// What is read instead, by the reference it stands in for.
    pub substitutes: Vec<Substitute>,
}

/// What stands in for a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute {
    /// The reference that it stands in for; every one where it is empty.
    pub of: String,
    /// What is read instead.
    pub with: Instead,
}

/// What is read instead of a repository at a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// A folder of this machine.
    WorkTree(PathBuf),
    /// Another reference.
    Reference(String),
}

/// A repository that is open at one state.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its files.
    pub tree: Tree,
    /// What stands before the path of a file, for people: `clusters@v1:`, or the work tree's folder.
    prefix: String,
}

impl Opened {
    /// Names a file as a person would open it: `clusters@v1:values/web.yaml`.
    pub fn name(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }
}

type Slot = Arc<OnceCell<Result<Opened, SourceError>>>;

/// All repositories that are known.
#[derive(Clone, Debug)]
pub struct Repositories {
    git: GitSource,
    known: BTreeMap<String, Repository>,
    opened: Arc<Mutex<HashMap<(String, String), Slot>>>,
}

impl Default for Repositories {
    fn default() -> Self {
        Self::new(PathBuf::new(), Reach::Cache)
    }
}

impl Repositories {
    /// Prepares reading through clones below `cache`; nothing is done yet.
    pub fn new(cache: impl Into<PathBuf>, reach: Reach) -> Self {
        Self { git: GitSource::new(cache, reach), known: BTreeMap::new(), opened: Arc::default() }
    }

    /// Makes a repository known.
    pub fn insert(&mut self, name: &str, repository: Repository) {
        self.known.insert(name.to_owned(), repository);
    }

    /// Opens a repository at a reference (empty: what the repository says, else its default branch). Blocks meanwhile.
    ///
    /// # Errors
    /// When there is no such repository or reference, and all that a conversation with a remote can end in.
    pub fn open(&self, name: &str, reference: &str) -> Result<Opened, SourceError> {
        let slot = {
            let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(opened.entry((name.to_owned(), reference.to_owned())).or_default())
        };
        block_on(async { slot.get_or_init(|| self.open_now(name, reference)).await.clone() })?
    }

    async fn open_now(&self, name: &str, reference: &str) -> Result<Opened, SourceError> {
        if let Some(folder) = self.work_tree(name, reference)? {
            let shown = folder.display().to_string();
            let prefix = format!("{}/", shown.trim_end_matches('/'));
            return Ok(Opened { tree: Tree::open(folder)?, prefix });
        }
        let (remote, reference) = self.remote(name, reference)?;
        let tree = Tree::Commit(self.commit(remote, &reference).await?);
        let at = if reference.is_empty() { String::new() } else { format!("@{reference}") };
        Ok(Opened { tree, prefix: format!("{name}{at}:") })
    }

    /// Reads a file. Blocks meanwhile.
    ///
    /// # Errors
    /// As [`Tree::read`].
    pub fn read(&self, opened: &Opened, path: &str) -> Result<Vec<u8>, SourceError> {
        block_on(opened.tree.read(&RelativePath::new(path.strip_prefix("./").unwrap_or(path))?))?
    }

    /// Reads the files whose paths are wanted at once, where that saves conversations. Blocks meanwhile.
    pub fn read_ahead(&self, opened: &Opened, wanted: impl Fn(&str) -> bool) {
        if let Tree::Commit(tree) = &opened.tree {
            // What cannot be read now says so when it is read.
            let _ = block_on(tree.read_ahead(wanted));
        }
    }

    /// Returns the folder that stands in for a repository at a reference.
    ///
    /// # Errors
    /// When there is no such repository.
    pub(super) fn work_tree(&self, name: &str, reference: &str) -> Result<Option<&Path>, SourceError> {
        Ok(match self.substitute(name, reference)? {
            Some(Instead::WorkTree(folder)) => Some(folder),
            _ => None,
        })
    }

    /// Returns where a repository is, and what is read of it where somebody says `reference`.
    ///
    /// # Errors
    /// When there is no such repository, or its address is not known.
    pub(super) fn remote(&self, name: &str, reference: &str) -> Result<(&Remote, String), SourceError> {
        let known = self.known(name)?;
        let remote = known.remote.as_ref().ok_or_else(|| unknown(name))?;
        let reference = match self.substitute(name, reference)? {
            Some(Instead::Reference(other)) => other.clone(),
            _ if reference.is_empty() => known.reference.clone().unwrap_or_default(),
            _ => reference.to_owned(),
        };
        Ok((remote, reference))
    }

    /// Gives the commit that a text means now, as every caller of the process sees it.
    ///
    /// # Errors
    /// All that a conversation with a remote can end in.
    pub(super) async fn commit(&self, remote: &Remote, text: &str) -> Result<CommitTree, SourceError> {
        let deadline = Instant::now() + LONGEST;
        let mut last = None;
        for reference in Reference::meanings(text) {
            match self.git.at(remote, &reference, deadline).await {
                Err(error @ (SourceError::NoReference { .. } | SourceError::Offline { .. })) => {
                    last = Some(error);
                }
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| SourceError::NoReference {
            url: remote.url().to_owned(),
            reference: text.to_owned(),
            present: String::new(),
        }))
    }

    fn known(&self, name: &str) -> Result<&Repository, SourceError> {
        self.known.get(name).ok_or_else(|| unknown(name))
    }

    /// Finds what stands in for a reference: what names it comes before what stands in for all.
    fn substitute(&self, name: &str, reference: &str) -> Result<Option<&Instead>, SourceError> {
        let substitutes = &self.known(name)?.substitutes;
        let find = |of: &str| substitutes.iter().find(|one| one.of == of).map(|one| &one.with);
        Ok(find(reference).or_else(|| find("")))
    }
}

fn unknown(name: &str) -> SourceError {
    SourceError::Unknown {
        what: format!("repository `{name}` whose address is known"),
        place: "the provider".to_owned(),
        nearest: String::new(),
    }
}

/// Waits for a conversation with git. Charts and layers are read on threads that may wait.
pub(super) fn block_on<T>(work: impl Future<Output = T>) -> Result<T, SourceError> {
    let handle = Handle::try_current()
        .map_err(|error| SourceError::io("reading", "git", std::io::Error::other(error)))?;
    Ok(handle.block_on(work))
}

#[cfg(test)]
mod tests {
    use super::super::git::fixture::Fixture;
    use super::*;

    fn repositories(fixture: &Fixture, reach: Reach, substitutes: Vec<Substitute>) -> Repositories {
        let mut repositories = Repositories::new(fixture.cache(), reach);
        let repository = Repository { remote: Some(fixture.remote()), reference: None, substitutes };
        repositories.insert("clusters", repository);
        repositories
    }

    /// Reads on a thread that may wait.
    async fn read(repositories: &Repositories, reference: &str, path: &str) -> Result<String, String> {
        let (repositories, reference, path) = (repositories.clone(), reference.to_owned(), path.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let opened = repositories.open("clusters", &reference)?;
            let content = repositories.read(&opened, &path)?;
            Ok(format!("{} = {}", opened.name(&path), String::from_utf8_lossy(&content)))
        });
        work.await.unwrap().map_err(|error: SourceError| error.to_string())
    }

    #[tokio::test]
    async fn a_file_is_named_with_its_repository_and_reference() {
        let fixture =
            Fixture::with_files(&[("values/a.yaml", "one"), ("out", "->../../x"), ("values/.keep", "")]);
        fixture.git(&["tag", "v1", "main"]);
        fixture.commit(&[("values/a.yaml", "two")]);
        let all = repositories(&fixture, Reach::Remote, Vec::new());
        assert_eq!(read(&all, "v1", "values/a.yaml").await.unwrap(), "clusters@v1:values/a.yaml = one");
        assert_eq!(read(&all, "", "./values/a.yaml").await.unwrap(), "clusters:./values/a.yaml = two");
        for (reference, path, part) in [
            ("v9", "a", "has no branch `v9`; its branches: `main`"),
            ("v1", "values/b.yaml", "there is no file or folder `values/b.yaml`"),
            ("v1", "values", "it is a folder, not a file"),
            ("v1", "../x", "leaves the repository through `..`"),
            ("v1", "out", "leads out of the tree"),
        ] {
            let error = read(&all, reference, path).await.unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[tokio::test]
    async fn a_work_tree_or_another_reference_stands_in() {
        let fixture = Fixture::with_files(&[("a.yaml", "published")]);
        fixture.git(&["tag", "v1", "main"]);
        fixture.commit(&[("a.yaml", "newer")]);
        let work = tempfile::tempdir().unwrap();
        std::fs::write(work.path().join("a.yaml"), "unpublished").unwrap();
        let folder = Instead::WorkTree(work.path().to_owned());
        let shown = format!("{}/a.yaml = unpublished", work.path().display());
        let of = |of: &str, with: Instead| vec![Substitute { of: of.to_owned(), with }];
        let all = repositories(&fixture, Reach::Remote, of("", folder.clone()));
        assert_eq!(read(&all, "v1", "a.yaml").await.unwrap(), shown);
        let some = repositories(&fixture, Reach::Remote, of("main", folder));
        assert_eq!(read(&some, "main", "a.yaml").await.unwrap(), shown);
        assert_eq!(read(&some, "v1", "a.yaml").await.unwrap(), "clusters@v1:a.yaml = published");
        let other = repositories(&fixture, Reach::Remote, of("", Instead::Reference("v1".into())));
        assert_eq!(read(&other, "main", "a.yaml").await.unwrap(), "clusters@v1:a.yaml = published");
    }

    #[tokio::test]
    async fn what_was_read_once_is_read_offline_and_the_rest_is_named() {
        let fixture = Fixture::with_files(&[("a.yaml", "a"), ("b.yaml", "b")]);
        let online = repositories(&fixture, Reach::Remote, Vec::new());
        read(&online, "main", "a.yaml").await.unwrap();
        let offline = repositories(&fixture, Reach::Cache, Vec::new());
        assert_eq!(read(&offline, "main", "a.yaml").await.unwrap(), "clusters@main:a.yaml = a");
        let error = read(&offline, "main", "b.yaml").await.unwrap_err();
        assert!(error.contains("a file of commit") && error.contains("offline"), "{error}");
        let error = read(&offline, "other", "a.yaml").await.unwrap_err();
        assert!(error.contains("branch `other`") && error.contains("offline"), "{error}");
    }

    #[tokio::test]
    async fn files_that_are_read_ahead_need_no_remote() {
        let fixture = Fixture::with_files(&[("a/1.yaml", "1"), ("a/2.yaml", "2"), ("b", "b")]);
        let all = repositories(&fixture, Reach::Remote, Vec::new());
        let ahead = all.clone();
        let work = tokio::task::spawn_blocking(move || {
            let opened = ahead.open("clusters", "main").unwrap();
            ahead.read_ahead(&opened, |path| path.ends_with(".yaml"));
        });
        work.await.unwrap();
        std::fs::remove_dir_all(fixture.bare()).unwrap();
        for (path, content) in [("a/1.yaml", "1"), ("a/2.yaml", "2")] {
            let expected = format!("clusters@main:{path} = {content}");
            assert_eq!(read(&all, "main", path).await.unwrap(), expected);
        }
        assert!(read(&all, "main", "b").await.is_err());
    }
}
