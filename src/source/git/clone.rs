//! The bare clone of a repository in the cache folder: shallow, without blobs, shared by all processes that use the cache.
//!
//! One folder per address, `git/HASH.git`, with `git/HASH.lock` beside it: making the folder and fetching into it are done under
//! the lock, reading needs none (git writes objects atomically). Nothing in it is precious: it can be deleted at any time.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::super::SourceError;
use super::command::Answer;
use super::failure::classify;
use super::lock::{FolderLock, lock};
use super::objects::{self, Listing, ObjectId};
use super::session::Session;

/// Longer than a fetch, a commit and a push usually take for all that may wait in line.
const LONGEST_TURN: Duration = Duration::from_secs(15);

/// What to read of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// The branch that the repository's HEAD names.
    DefaultBranch,
    /// A branch by its short name.
    Branch(String),
    /// A tag by its short name.
    Tag(String),
    /// A commit by its full id.
    Commit(String),
}

impl Reference {
    /// Lists what a text may mean, most likely first: `refs/heads/…`, `refs/tags/…`, a full commit id, a tag, a branch; the
    /// default branch where it is empty.
    pub fn meanings(text: &str) -> Vec<Self> {
        match (text.strip_prefix("refs/heads/"), text.strip_prefix("refs/tags/")) {
            (Some(name), _) => vec![Self::Branch(name.to_owned())],
            (_, Some(name)) => vec![Self::Tag(name.to_owned())],
            _ if text.is_empty() => vec![Self::DefaultBranch],
            _ if ObjectId::parse(text).is_some() => vec![Self::Commit(text.to_owned())],
            _ => vec![Self::Tag(text.to_owned()), Self::Branch(text.to_owned())],
        }
    }

    /// Gives what to ask the remote for.
    fn wanted(&self) -> String {
        match self {
            Self::DefaultBranch => "HEAD".to_owned(),
            Self::Branch(name) => format!("refs/heads/{name}"),
            Self::Tag(name) => format!("refs/tags/{name}"),
            Self::Commit(id) => id.clone(),
        }
    }

    /// Checks the name by git's rules (`git check-ref-format`).
    ///
    /// # Errors
    /// [`SourceError::NoReference`]: nothing can have such a name.
    pub fn check(&self, url: &str) -> Result<(), SourceError> {
        let valid = match self {
            Self::DefaultBranch => true,
            Self::Branch(name) | Self::Tag(name) => is_reference_name(name),
            Self::Commit(id) => ObjectId::parse(id).is_some(),
        };
        if valid {
            return Ok(());
        }
        let present = ": the name breaks git's rules".to_owned();
        Err(SourceError::NoReference { url: url.to_owned(), reference: self.to_string(), present })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultBranch => formatter.write_str("default branch"),
            Self::Branch(name) => write!(formatter, "branch `{}`", name.escape_debug()),
            Self::Tag(name) => write!(formatter, "tag `{}`", name.escape_debug()),
            Self::Commit(id) => write!(formatter, "commit `{}`", id.escape_debug()),
        }
    }
}

fn is_reference_name(name: &str) -> bool {
    let forbidden = |letter: char| letter.is_control() || " ~^:?*[\\".contains(letter);
    !name.is_empty()
        && name.len() <= 255
        && name != "@"
        && !name.starts_with('-')
        && !name.chars().any(forbidden)
        && !["..", "@{", "//"].iter().any(|part| name.contains(part))
        && !name.ends_with(['.', '/'])
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock"))
}

/// A bare clone in the cache.
#[derive(Clone, Debug)]
pub(crate) struct BareClone {
    directory: PathBuf,
    lock_file: PathBuf,
}

impl BareClone {
    /// Opens the clone for the session's remote, making it where it does not exist.
    ///
    /// # Errors
    /// The cache folder cannot be written.
    pub(crate) async fn open(cache: &Path, session: &Session) -> Result<Self, SourceError> {
        let folder = cache.join("git");
        let key = folder_key(session.remote().url());
        let clone = Self {
            directory: folder.join(format!("{key}.git")),
            lock_file: folder.join(format!("{key}.lock")),
        };
        std::fs::create_dir_all(&folder).map_err(|error| SourceError::io("creating", &folder, error))?;
        if !clone.is_complete() {
            let _lock = clone.lock(session).await?;
            if !clone.is_complete() {
                clone.create(session).await?;
            }
        }
        Ok(clone)
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn is_complete(&self) -> bool {
        self.directory.join("HEAD").is_file() && self.directory.join("config").is_file()
    }

    /// Takes the lock; locks that a killed git left behind inside are void then.
    async fn lock(&self, session: &Session) -> Result<FolderLock, SourceError> {
        let held = lock(&self.lock_file, session.deadline()).await?;
        for stale in ["shallow.lock", "config.lock", "packed-refs.lock"] {
            let _ = std::fs::remove_file(self.directory.join(stale));
        }
        Ok(held)
    }

    /// Waits a while for other processes of this machine that are writing to the same branch. Taking turns saves all of them
    /// being overtaken; it is a courtesy and no guard, so a process that is stuck does not stop the others.
    pub(crate) async fn turn(&self, session: &Session, branch: &str) -> Option<FolderLock> {
        let file = self.lock_file.with_extension(format!("{}.turn", folder_key(branch)));
        let longest = session.deadline().min(Instant::now() + LONGEST_TURN);
        lock(&file, longest).await.ok()
    }

    async fn create(&self, session: &Session) -> Result<(), SourceError> {
        let folder = self.directory.parent().unwrap_or(&self.directory);
        let fresh = tempfile::Builder::new().prefix("new-").tempdir_in(folder);
        let fresh = fresh.map_err(|error| SourceError::io("creating a folder in", folder, error))?;
        let action = format!("preparing a clone of `{}`", session.remote());
        let run = |arguments: &[&str]| {
            session.invocation(fresh.path(), &action).args(arguments.iter().copied()).run()
        };
        run(&["init", "--quiet", "--bare", "--template=", "--object-format=sha1"]).await?;
        for (key, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.url", session.remote().url()),
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialCloneFilter", "blob:none"),
        ] {
            run(&["config", key, value]).await?;
        }
        // What lies there is not a repository: a process was killed here, or someone cleaned by hand.
        let _ = std::fs::remove_dir_all(&self.directory);
        let failed = |error| SourceError::io("moving a new clone to", &self.directory, error);
        std::fs::rename(fresh.path(), &self.directory).map_err(failed)
    }

    /// Fetches the tip of `reference`; `None` when the repository has no commit at all.
    ///
    /// # Errors
    /// All that a conversation with a remote can end in; [`SourceError::NoReference`] when it has other references.
    pub(crate) async fn fetch(
        &self,
        session: &Session,
        reference: &Reference,
    ) -> Result<Option<ObjectId>, SourceError> {
        reference.check(session.remote().url())?;
        let action = format!("fetching {reference} of `{}`", session.remote());
        let kept = kept_as(reference);
        let refspec = format!("+{}:{kept}", reference.wanted());
        let held = self.lock(session).await?;
        let fetch = session.invocation(&self.directory, &action).args(FETCH).args(["origin", &refspec]);
        let answer = fetch.answer().await?;
        if answer.status.success() {
            let commit = format!("{kept}^{{commit}}");
            let run = session.invocation(&self.directory, &action).args(["rev-parse", "--verify", &commit]);
            return Ok(ObjectId::parse(&run.run().await?.text()));
        }
        drop(held);
        self.explain(session, reference, &action, &answer).await
    }

    /// Tells an empty repository from a missing reference from any other failure.
    async fn explain(
        &self,
        session: &Session,
        reference: &Reference,
        action: &str,
        answer: &Answer,
    ) -> Result<Option<ObjectId>, SourceError> {
        let message = answer.message();
        if !is_missing_reference(&message) {
            return Err(classify(session.remote(), action, &message));
        }
        let heads = self.heads(session).await?;
        if heads.is_empty() && !matches!(reference, Reference::Tag(_) | Reference::Commit(_)) {
            return Ok(None);
        }
        let present = if heads.is_empty() {
            "; it is empty".to_owned()
        } else {
            let shown: Vec<_> = heads.iter().take(5).map(|head| format!("`{head}`")).collect();
            let more = if heads.len() > 5 { ", …" } else { "" };
            format!("; its branches: {}{more}", shown.join(", "))
        };
        let url = session.remote().url().to_owned();
        Err(SourceError::NoReference { url, reference: reference.to_string(), present })
    }

    async fn heads(&self, session: &Session) -> Result<Vec<String>, SourceError> {
        let action = format!("listing the branches of `{}`", session.remote());
        let run = session.invocation(&self.directory, &action).args(["ls-remote", "--heads", "origin"]);
        let answer = run.answer().await?;
        if !answer.status.success() {
            return Err(classify(session.remote(), &action, &answer.message()));
        }
        let text = answer.text();
        let names = text.lines().filter_map(|line| line.split_once("refs/heads/")).map(|(_, name)| name);
        Ok(names.map(super::printable).collect())
    }

    /// Lists all files of a commit.
    ///
    /// # Errors
    /// The commit is not in the clone.
    pub(crate) async fn listing(&self, session: &Session, commit: &ObjectId) -> Result<Listing, SourceError> {
        let action = format!("listing commit {commit} of `{}`", session.remote());
        let run = session.invocation(&self.directory, action);
        let answer = run.args(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()]).run().await?;
        Ok(objects::parse_listing(&answer.output))
    }

    /// Gives the commit that `reference` meant when it was fetched last; none where it never was.
    ///
    /// # Errors
    /// Git cannot be run.
    pub(crate) async fn kept(
        &self,
        session: &Session,
        reference: &Reference,
    ) -> Result<Option<ObjectId>, SourceError> {
        reference.check(session.remote().url())?;
        let action = format!("looking for {reference} of `{}` in the cache", session.remote());
        let commit = format!("{}^{{commit}}", kept_as(reference));
        let run = session.invocation(&self.directory, action);
        let answer = run.args(["rev-parse", "--verify", "--quiet", &commit]).answer().await?;
        Ok(answer.status.success().then(|| ObjectId::parse(&answer.text())).flatten())
    }

    /// Reads blobs that the clone holds, without asking the remote; nothing where one of them is missing.
    ///
    /// # Errors
    /// Git cannot be run.
    pub(crate) async fn present(
        &self,
        session: &Session,
        ids: &std::collections::BTreeSet<ObjectId>,
    ) -> Result<Option<objects::Blobs>, SourceError> {
        let action = format!("reading {} files of `{}`", ids.len(), session.remote());
        let run = session.invocation(&self.directory, action).args(["cat-file", "--batch", "--buffer"]);
        // Git before 2.45 asks the remote all the same, by a transport that does not exist.
        let run = run.variable("GIT_NO_LAZY_FETCH", "1").variable("GIT_ALLOW_PROTOCOL", "none");
        let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
        let answer = run.input(list).answer().await?;
        let blobs = objects::parse_blobs(&answer.output);
        Ok((answer.status.success() && ids.iter().all(|id| blobs.contains_key(id))).then_some(blobs))
    }

    /// Reads blobs, fetching in one request those that the clone does not hold.
    ///
    /// # Errors
    /// As [`BareClone::fetch`]; a blob that the remote does not give either is an error.
    pub(crate) async fn blobs(
        &self,
        session: &Session,
        ids: &std::collections::BTreeSet<ObjectId>,
    ) -> Result<objects::Blobs, SourceError> {
        if ids.is_empty() {
            return Ok(objects::Blobs::new());
        }
        let action = format!("reading {} files of `{}`", ids.len(), session.remote());
        let list: String = ids.iter().map(|id| format!("{id}\n")).collect();
        self.fetch_blobs(session, &action, &list).await?;
        let run = session.invocation(&self.directory, &action).args(["cat-file", "--batch", "--buffer"]);
        let answer = run.input(list).answer().await?;
        if !answer.status.success() {
            return Err(classify(session.remote(), &action, &answer.message()));
        }
        let blobs = objects::parse_blobs(&answer.output);
        match ids.iter().find(|id| !blobs.contains_key(id)) {
            None => Ok(blobs),
            Some(id) => Err(SourceError::Git { action, message: format!("object {id} is missing") }),
        }
    }

    async fn fetch_blobs(&self, session: &Session, action: &str, list: &str) -> Result<(), SourceError> {
        let _held = self.lock(session).await?;
        let run = session.invocation(&self.directory, action).args(["-c", "fetch.negotiationAlgorithm=noop"]);
        let fetch = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--filter=blob:none",
            "--stdin",
            "origin",
        ];
        let answer = run.args(fetch).input(list).answer().await?;
        if answer.status.success() {
            Ok(())
        } else {
            Err(classify(session.remote(), action, &answer.message()))
        }
    }
}

const FETCH: &[&str] = &[
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--depth=1",
    "--filter=blob:none",
    "--force",
];

fn is_missing_reference(message: &str) -> bool {
    ["couldn't find remote ref", "not our ref", "no such remote ref"]
        .iter()
        .any(|part| message.contains(part))
}

/// Names the reference in the clone that keeps what was fetched.
fn kept_as(reference: &Reference) -> String {
    format!("refs/strata/{}", folder_key(&reference.to_string()))
}

fn folder_key(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Reference, is_reference_name};

    #[test]
    fn a_text_means_a_tag_before_a_branch() {
        let check = |text: &str, expected: &[Reference]| assert_eq!(Reference::meanings(text), expected);
        check("", &[Reference::DefaultBranch]);
        check("v1", &[Reference::Tag("v1".into()), Reference::Branch("v1".into())]);
        check("refs/heads/v1", &[Reference::Branch("v1".into())]);
        check("refs/tags/v1", &[Reference::Tag("v1".into())]);
        let id = "0123456789012345678901234567890123456789";
        check(id, &[Reference::Commit(id.into())]);
    }

    #[test]
    fn reference_names_follow_gits_rules() {
        for (name, expected) in [
            ("main", true),
            ("env/pre-gke", true),
            ("1.2.3", true),
            ("", false),
            ("@", false),
            ("-f", false),
            ("a..b", false),
            ("a b", false),
            ("a:b", false),
            ("a^", false),
            ("a.lock", false),
            ("a/.b", false),
            ("/a", false),
            ("a/", false),
            ("a@{1}", false),
        ] {
            assert_eq!(is_reference_name(name), expected, "{name}");
        }
    }
}
