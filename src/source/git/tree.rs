//! A commit of a repository as a tree of files, read from the shared bare clone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::tree::LARGEST_FILE_BYTES;
use super::super::{RelativePath, SourceError};
use super::objects::{EntryKind, Listing, ObjectId};
use super::{BareClone, Reference, Remote, Session};

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;
/// One conversation about blobs of a commit that was fetched already.
const BLOBS_LIMIT: Duration = Duration::from_secs(120);
/// Files that are read ahead at once.
const MOST_AHEAD: usize = 10_000;
/// The largest file that is kept in memory; larger ones are read from the clone again.
const LARGEST_KEPT_BYTES: usize = 1 << 20;

/// All commits that a process reads, each fetched once.
#[derive(Clone, Debug)]
pub struct GitSource {
    cache: PathBuf,
    reach: Reach,
    trees: Arc<Mutex<HashMap<(String, Reference), Slot>>>,
}

/// How far reading may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To the remote, for what the cache lacks or may have missed.
    #[default]
    Remote,
    /// To the cache and no further.
    Cache,
}

type Slot = Arc<tokio::sync::Mutex<Option<CommitTree>>>;

impl GitSource {
    /// Prepares reading through clones below `cache`; nothing is done yet.
    pub fn new(cache: impl Into<PathBuf>, reach: Reach) -> Self {
        Self { cache: cache.into(), reach, trees: Arc::default() }
    }

    /// Gives the commit that a branch, tag or id means now; later calls of the process get the same commit, so that one plan
    /// reads one state.
    ///
    /// # Errors
    /// All that a conversation with a remote can end in; an empty repository has no reference.
    pub async fn at(
        &self,
        remote: &Remote,
        reference: &Reference,
        deadline: Instant,
    ) -> Result<CommitTree, SourceError> {
        let slot = {
            let mut trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
            trees.entry((remote.url().to_owned(), reference.clone())).or_default().clone()
        };
        let begun = Instant::now();
        let Ok(mut slot) = tokio::time::timeout_at(deadline, slot.lock()).await else {
            let action = format!("fetching {reference} of `{remote}`");
            return Err(SourceError::Timeout { action, seconds: begun.elapsed().as_secs() });
        };
        if let Some(tree) = slot.as_ref() {
            return Ok(tree.clone());
        }
        let tree = self.fetch(remote, reference, deadline).await?;
        *slot = Some(tree.clone());
        Ok(tree)
    }

    async fn fetch(
        &self,
        remote: &Remote,
        reference: &Reference,
        deadline: Instant,
    ) -> Result<CommitTree, SourceError> {
        let session = Session::open(remote, deadline).await?;
        let clone = BareClone::open(&self.cache, &session).await?;
        let commit = match self.reach {
            Reach::Remote => clone.fetch(&session, reference).await?,
            Reach::Cache => Some(
                clone
                    .kept(&session, reference)
                    .await?
                    .ok_or_else(|| SourceError::Offline { what: format!("{reference} of `{remote}`") })?,
            ),
        };
        let Some(commit) = commit else {
            let present = "; it is empty".to_owned();
            let (url, reference) = (remote.url().to_owned(), reference.to_string());
            return Err(SourceError::NoReference { url, reference, present });
        };
        let listing = Arc::new(clone.listing(&session, &commit).await?);
        let (cache, remote, reach) = (self.cache.clone(), remote.clone(), self.reach);
        Ok(CommitTree { cache, remote, reach, commit, listing, loaded: Arc::default() })
    }
}

/// The files of one commit.
#[derive(Clone, Debug)]
pub struct CommitTree {
    cache: PathBuf,
    remote: Remote,
    reach: Reach,
    commit: ObjectId,
    listing: Arc<Listing>,
    loaded: Arc<Loaded>,
}

/// What was read of a commit, and what waits to be read: whoever has the turn reads for all who wait, so that many
/// readers of many files are few conversations with git.
#[derive(Debug, Default)]
struct Loaded {
    blobs: Mutex<HashMap<ObjectId, Arc<[u8]>>>,
    waiting: Mutex<BTreeSet<ObjectId>>,
    turn: tokio::sync::Mutex<()>,
}

impl Loaded {
    fn get(&self, id: &ObjectId) -> Option<Arc<[u8]>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep(&self, blobs: &BTreeMap<ObjectId, Vec<u8>>) {
        let small = blobs.iter().filter(|(_, content)| content.len() <= LARGEST_KEPT_BYTES);
        let small = small.map(|(id, content)| (id.clone(), Arc::from(content.as_slice())));
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner).extend(small);
    }

    fn wait_for(&self, id: &ObjectId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone());
    }

    fn take_waiting(&self) -> BTreeSet<ObjectId> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl CommitTree {
    /// Gives the commit's id.
    pub fn commit(&self) -> &ObjectId {
        &self.commit
    }

    /// Reads all files below a folder (or of the whole commit) in one conversation; the names are relative to it.
    ///
    /// # Errors
    /// [`SourceError::Absent`] for a missing folder, and all that reading blobs can end in.
    pub async fn read_all(
        &self,
        folder: Option<&RelativePath>,
    ) -> Result<Vec<(String, Vec<u8>)>, SourceError> {
        let prefix = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let (mut files, mut links) = (Vec::new(), BTreeMap::new());
        for path in self.list(folder)? {
            match self.listing.get(&path) {
                Some(entry) if entry.kind == EntryKind::Symlink => {
                    links.insert(path.clone(), self.read(&RelativePath::new(&path)?).await?);
                }
                Some(entry) => files.push((path, entry.id.clone())),
                None => {}
            }
        }
        let blobs = self.blobs(files.iter().map(|(_, id)| id.clone()).collect()).await?;
        let files = files.into_iter().filter_map(|(path, id)| Some((path, blobs.get(&id)?.clone())));
        let mut all: Vec<_> = files.chain(links).collect();
        all.sort();
        Ok(all.into_iter().map(|(path, content)| (path[prefix.len()..].to_owned(), content)).collect())
    }

    /// Reads the files whose paths are wanted in one conversation, so that reading each of them needs none. What cannot
    /// be read now says so when it is read.
    pub async fn read_ahead(&self, wanted: impl Fn(&str) -> bool) {
        let is_file = |kind| matches!(kind, EntryKind::File | EntryKind::Executable);
        let files = self.listing.iter().filter(|(path, entry)| is_file(entry.kind) && wanted(path));
        let missing = files.map(|(_, entry)| entry.id.clone()).filter(|id| self.loaded.get(id).is_none());
        let missing: BTreeSet<_> = missing.take(MOST_AHEAD).collect();
        let _turn = self.loaded.turn.lock().await;
        if let Ok(blobs) = self.blobs(missing).await {
            self.loaded.keep(&blobs);
        }
    }

    pub(in super::super) fn holds(&self, path: &RelativePath) -> bool {
        // A link counts as there; where it leads shows when it is read.
        self.listing.contains_key(path.as_str())
            || self.is_folder(path.as_str())
            || path.folders().any(|folder| self.is_link(folder))
    }

    pub(in super::super) fn list(&self, folder: Option<&RelativePath>) -> Result<Vec<String>, SourceError> {
        let prefix = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
        let below = self.listing.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let files =
            below.filter(|(_, entry)| entry.kind != EntryKind::Submodule).map(|(path, _)| path.clone());
        let files: Vec<_> = files.collect();
        match folder {
            Some(folder) if files.is_empty() => Err(self.absent(folder.as_str())),
            _ => Ok(files),
        }
    }

    pub(in super::super) async fn read(&self, path: &RelativePath) -> Result<Vec<u8>, SourceError> {
        let mut current = path.as_str().to_owned();
        for _ in 0..MOST_LINKS {
            let Some(link) = self.first_link(&current) else { return self.read_file(path, &current).await };
            let target = self.blob(&self.listing[&link].id).await?;
            let target = String::from_utf8_lossy(&target).into_owned();
            current = follow(&current, &link, &target).ok_or_else(|| {
                let reason = "a symbolic link leads out of the tree";
                SourceError::Path { path: path.to_string(), reason }
            })?;
        }
        Err(SourceError::Path { path: path.to_string(), reason: "its symbolic links form a cycle" })
    }

    async fn read_file(&self, asked: &RelativePath, path: &str) -> Result<Vec<u8>, SourceError> {
        if self.is_folder(path) {
            return Err(SourceError::Path { path: asked.to_string(), reason: "it is a folder, not a file" });
        }
        let entry = self.listing.get(path).filter(|entry| entry.kind != EntryKind::Submodule);
        let content = self.blob(&entry.ok_or_else(|| self.absent(asked.as_str()))?.id).await?;
        if content.len() as u64 > LARGEST_FILE_BYTES {
            let limit = format!("{} MiB", LARGEST_FILE_BYTES >> 20);
            return Err(SourceError::TooLarge { what: format!("`{asked}` of `{}`", self.remote), limit });
        }
        Ok(content)
    }

    /// Finds the first symbolic link on the way to `path`, or at it.
    fn first_link(&self, path: &str) -> Option<String> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.map(|end| &path[..end]).find(|part| self.is_link(part)).map(str::to_owned)
    }

    fn is_link(&self, path: &str) -> bool {
        self.listing.get(path).is_some_and(|entry| entry.kind == EntryKind::Symlink)
    }

    fn is_folder(&self, path: &str) -> bool {
        let prefix = format!("{path}/");
        self.listing.range(prefix.clone()..).next().is_some_and(|(first, _)| first.starts_with(&prefix))
    }

    async fn blob(&self, id: &ObjectId) -> Result<Vec<u8>, SourceError> {
        if let Some(content) = self.loaded.get(id) {
            return Ok(content.to_vec());
        }
        self.loaded.wait_for(id);
        let _turn = self.loaded.turn.lock().await;
        if let Some(content) = self.loaded.get(id) {
            return Ok(content.to_vec());
        }
        let mut ids = self.loaded.take_waiting();
        ids.insert(id.clone());
        let mut blobs = self.blobs(ids).await?;
        self.loaded.keep(&blobs);
        Ok(blobs.remove(id).unwrap_or_default())
    }

    /// Reads blobs: those that the clone holds without asking anybody.
    async fn blobs(&self, ids: BTreeSet<ObjectId>) -> Result<BTreeMap<ObjectId, Vec<u8>>, SourceError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let session = Session::open(&self.remote, Instant::now() + BLOBS_LIMIT).await?;
        let clone = BareClone::open(&self.cache, &session).await?;
        match (clone.present(&session, &ids).await?, self.reach) {
            (Some(blobs), _) => Ok(blobs),
            (None, Reach::Remote) => clone.blobs(&session, &ids).await,
            (None, Reach::Cache) => {
                let commit = &self.commit.as_str()[..12];
                Err(SourceError::Offline { what: format!("a file of commit {commit} of `{}`", self.remote) })
            }
        }
    }

    fn absent(&self, path: &str) -> SourceError {
        let place = format!("commit {} of `{}`", self.commit, self.remote);
        SourceError::Absent { what: "file or folder", path: path.to_owned(), place }
    }
}

/// Puts a link's target in the place of the link; `None` where that leaves the tree.
fn follow(path: &str, link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let above = link.rsplit_once('/').map_or("", |(above, _)| above);
    let mut names: Vec<&str> = above.split('/').filter(|name| !name.is_empty()).collect();
    for name in target.split('/').chain(path[link.len()..].split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()?),
            name => names.push(name),
        }
    }
    (!names.is_empty()).then(|| names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Fixture;
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn links_are_followed_inside_the_tree_only() {
        for (path, link, target, expected) in [
            ("a/l", "a/l", "b", Some("a/b")),
            ("a/l/x", "a/l", "../c", Some("c/x")),
            ("l", "l", "..", None),
            ("l", "l", "/etc", None),
            ("a/l", "a/l", "../../etc", None),
            ("a/l", "a/l", "..", None),
        ] {
            assert_eq!(follow(path, link, target).as_deref(), expected, "{path} {target}");
        }
    }

    #[tokio::test]
    async fn branches_tags_and_commits_are_read_and_pinned_for_the_process() {
        let fixture = Fixture::with_files(&[("c/Chart.yaml", "v1"), ("c/t/a.yaml", "t"), ("x", "x")]);
        fixture.git(&["tag", "-a", "-m", "x", "v1", "main"]);
        let first = fixture.git(&["rev-parse", "main"]);
        let source = GitSource::new(fixture.cache(), Reach::Remote);
        let branch = Reference::Branch("main".into());
        let before = source.at(&fixture.remote(), &branch, soon()).await.unwrap();
        fixture.commit(&[("c/Chart.yaml", "v2")]);
        let again = source.at(&fixture.remote(), &branch, soon()).await.unwrap();
        assert_eq!(before.commit(), again.commit());
        let chart = |tree: CommitTree| async move {
            tree.read_all(Some(&RelativePath::new("c").unwrap())).await.unwrap()
        };
        let old = [("Chart.yaml".to_owned(), b"v1".to_vec()), ("t/a.yaml".to_owned(), b"t".to_vec())];
        assert_eq!(chart(again).await, old);
        for reference in [Reference::Tag("v1".into()), Reference::Commit(first)] {
            assert_eq!(
                chart(source.at(&fixture.remote(), &reference, soon()).await.unwrap()).await,
                old,
                "{reference}"
            );
        }
        let fresh = GitSource::new(fixture.cache(), Reach::Remote);
        let now = fresh.at(&fixture.remote(), &Reference::DefaultBranch, soon()).await.unwrap();
        assert_eq!(chart(now).await[0].1, b"v2");
        let absent = fresh.at(&fixture.remote(), &Reference::Tag("v9".into()), soon()).await.unwrap_err();
        assert!(matches!(absent, SourceError::NoReference { .. }), "{absent}");
    }

    #[tokio::test]
    async fn a_head_that_names_no_branch_and_an_empty_repository_are_told_apart() {
        let fixture = Fixture::with_files(&[("x", "x")]);
        fixture.git(&["symbolic-ref", "HEAD", "refs/heads/gone"]);
        let check = async |fixture: &Fixture, reference: Reference, part: &str| {
            let source = GitSource::new(fixture.cache(), Reach::Remote);
            let error = source.at(&fixture.remote(), &reference, soon()).await.unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        };
        check(&fixture, Reference::DefaultBranch, "has no default branch; its branches: `main`").await;
        check(&Fixture::empty(), Reference::DefaultBranch, "has no default branch; it is empty").await;
        check(&Fixture::empty(), Reference::Branch("main".into()), "has no branch `main`; it is empty").await;
        let nowhere = Reference::Commit("0123456789012345678901234567890123456789".into());
        check(&fixture, nowhere, "has no commit `0123456789012345678901234567890123456789`").await;
        check(&fixture, Reference::Commit("main".into()), "breaks git's rules").await;
    }
}
