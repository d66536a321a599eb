//! What was fetched, kept by its digest, and what peers answered, kept by their address.
//!
//! Every file is written aside and renamed, and compared with its digest when read: a broken one counts as absent and is
//! fetched anew. One of all threads and processes fetches; the others wait and read what it brought.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::SourceError;
use super::super::directory::read_bounded;
use super::digest::Digest;

/// How long an answer is taken for current without asking again, so that a plan and its apply see the same.
pub(crate) const RECENT: Duration = Duration::from_secs(300);

const LARGEST_BYTES: u64 = 512 << 20;
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// The cache folder.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    offline: bool,
    flights: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    answers: Mutex<HashMap<String, Arc<[u8]>>>,
}

/// What a peer said when asked for something that may be known.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// What is known is current.
    Unchanged,
    /// This is current.
    New {
        /// The content.
        content: Vec<u8>,
        /// Its entity tag.
        tag: Option<String>,
    },
}

/// What is kept of an answer beside its content.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    address: String,
    tag: Option<String>,
    digest: String,
}

impl Cache {
    /// Opens a cache below `folder`; `offline` never fetches.
    pub(crate) fn new(folder: impl Into<PathBuf>, offline: bool) -> Self {
        Cache { folder: folder.into(), offline, flights: Mutex::default(), answers: Mutex::default() }
    }

    /// Returns the content with a digest, fetched if it is not here. What is fetched must have the digest.
    ///
    /// # Errors
    /// [`SourceError::Digest`], [`SourceError::Offline`], and what fetching ends in.
    pub(crate) fn content(
        &self,
        digest: &Digest,
        what: &str,
        fetch: impl FnOnce() -> Result<Vec<u8>, SourceError>,
    ) -> Result<Vec<u8>, SourceError> {
        if let Some(content) = self.read(digest) {
            return Ok(content);
        }
        self.once(digest.digits(), || {
            if let Some(content) = self.read(digest) {
                return Ok(content);
            }
            self.online(what)?;
            let content = fetch()?;
            let found = Digest::of(&content);
            if found != *digest {
                return Err(SourceError::Digest {
                    what: what.to_owned(),
                    expected: digest.to_string(),
                    found: found.to_string(),
                });
            }
            self.write(digest, &content)?;
            Ok(content)
        })
    }

    /// Returns what a peer answers at an address: what is kept if it is younger than `longest_age`, else what `fetch`
    /// brings, given the entity tag of what is kept. One process sees one answer, unless `longest_age` is zero.
    ///
    /// # Errors
    /// [`SourceError::Offline`], and what fetching ends in.
    pub(crate) fn answer(
        &self,
        address: &str,
        longest_age: Duration,
        fetch: impl FnOnce(Option<&str>) -> Result<Fetched, SourceError>,
    ) -> Result<Arc<[u8]>, SourceError> {
        self.once(address, || {
            let known = || self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(address).cloned();
            if let Some(content) = known().filter(|_| !longest_age.is_zero() || self.offline) {
                return Ok(content);
            }
            let content: Arc<[u8]> = self.current(address, longest_age, fetch)?.into();
            self.answers
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(address.to_owned(), Arc::clone(&content));
            Ok(content)
        })
    }

    fn current(
        &self,
        address: &str,
        longest_age: Duration,
        fetch: impl FnOnce(Option<&str>) -> Result<Fetched, SourceError>,
    ) -> Result<Vec<u8>, SourceError> {
        let path =
            self.folder.join("answers").join(format!("{}.json", Digest::of(address.as_bytes()).digits()));
        let kept =
            read_bounded(&path, 1 << 20).ok().and_then(|text| serde_json::from_slice::<Kept>(&text).ok());
        let kept = kept.filter(|kept| kept.address == address);
        let kept = kept.and_then(|kept| Some((self.read(&Digest::parse(&kept.digest)?)?, kept)));
        if let Some((content, _)) = &kept
            && (self.offline || age(&path) < longest_age)
        {
            return Ok(content.clone());
        }
        self.online(&format!("the answer of `{address}`"))?;
        let tag = kept.as_ref().and_then(|(_, kept)| kept.tag.clone());
        match (fetch(tag.as_deref())?, kept) {
            (Fetched::Unchanged, Some((content, kept))) => {
                self.keep(&path, &kept)?;
                Ok(content)
            }
            (Fetched::Unchanged, None) => Err(SourceError::Refused {
                url: address.to_owned(),
                message: "it says `not modified` of what was never asked".to_owned(),
            }),
            (Fetched::New { content, tag }, kept) => {
                let digest = Digest::of(&content);
                self.write(&digest, &content)?;
                self.keep(&path, &Kept { address: address.to_owned(), tag, digest: digest.to_string() })?;
                if let Some(old) =
                    kept.and_then(|(_, kept)| Digest::parse(&kept.digest)).filter(|old| *old != digest)
                {
                    // The space of an outdated answer; failing to free it harms nobody.
                    let _ = fs::remove_file(self.path(&old));
                }
                Ok(content)
            }
        }
    }

    fn keep(&self, path: &Path, kept: &Kept) -> Result<(), SourceError> {
        write_atomically(path, &serde_json::to_vec(kept).unwrap_or_default())
    }

    fn online(&self, what: &str) -> Result<(), SourceError> {
        if self.offline { Err(SourceError::Offline { what: what.to_owned() }) } else { Ok(()) }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("sha256").join(&digest.digits()[..2]).join(digest.digits())
    }

    fn read(&self, digest: &Digest) -> Option<Vec<u8>> {
        let path = self.path(digest);
        let content = read_bounded(&path, LARGEST_BYTES).ok()?;
        if Digest::of(&content) == *digest {
            return Some(content);
        }
        tracing::warn!(path = %path.display(), "a file of the cache is broken and will be fetched anew");
        let _ = fs::remove_file(&path);
        None
    }

    fn write(&self, digest: &Digest, content: &[u8]) -> Result<(), SourceError> {
        write_atomically(&self.path(digest), content)
    }

    /// Runs `work` while no other thread or process runs it for the same key.
    fn once<T>(&self, key: &str, work: impl FnOnce() -> Result<T, SourceError>) -> Result<T, SourceError> {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(flights.entry(key.to_owned()).or_default())
        };
        let _alone = flight.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = lock(&self.folder.join("locks").join(Digest::of(key.as_bytes()).digits()))?;
        work()
    }
}

fn age(path: &Path) -> Duration {
    let written = fs::metadata(path).and_then(|about| about.modified()).ok();
    written.and_then(|then| SystemTime::now().duration_since(then).ok()).unwrap_or(Duration::MAX)
}

fn write_atomically(path: &Path, content: &[u8]) -> Result<(), SourceError> {
    let failed = |error| SourceError::io("writing", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn lock(path: &Path) -> Result<File, SourceError> {
    let failed = |error| SourceError::io("locking", path, error);
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    let begun = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if begun.elapsed() > LONGEST_WAIT => {
                let action = format!("waiting for another process to release `{}`", path.display());
                return Err(SourceError::Timeout { action, seconds: LONGEST_WAIT.as_secs() });
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const WHAT: &str = "chart `web` 1.2.3";

    #[test]
    fn content_is_fetched_once_by_all_threads_and_again_when_it_broke() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), false);
        let digest = Digest::of(b"chart");
        let fetches = AtomicUsize::new(0);
        let fetch = || {
            fetches.fetch_add(1, Ordering::SeqCst);
            Ok(b"chart".to_vec())
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(cache.content(&digest, WHAT, fetch).unwrap(), b"chart"));
            }
        });
        assert_eq!(fetches.load(Ordering::SeqCst), 1);
        fs::write(cache.path(&digest), "broken").unwrap();
        assert_eq!(cache.content(&digest, WHAT, fetch).unwrap(), b"chart");
        assert_eq!(fetches.load(Ordering::SeqCst), 2);
        let offline = Cache::new(folder.path(), true);
        assert_eq!(offline.content(&digest, WHAT, || unreachable!()).unwrap(), b"chart");
    }

    #[test]
    fn what_has_another_digest_is_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), false);
        let digest = Digest::of(b"chart");
        let error = cache.content(&digest, WHAT, || Ok(b"other".to_vec())).unwrap_err();
        assert!(matches!(&error, SourceError::Digest { what, .. } if what == WHAT), "{error}");
        assert!(cache.read(&digest).is_none() && cache.read(&Digest::of(b"other")).is_none());
    }

    #[test]
    fn offline_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), true);
        let error = cache.content(&Digest::of(b"x"), WHAT, || unreachable!()).unwrap_err();
        assert!(error.to_string().contains(WHAT), "{error}");
        let error = cache.answer("https://a/index.yaml", RECENT, |_| unreachable!()).unwrap_err();
        assert!(error.to_string().contains("https://a/index.yaml"), "{error}");
    }

    #[test]
    fn an_answer_is_asked_for_again_with_its_tag_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let new = |content: &str| Fetched::New { content: content.into(), tag: Some("t1".into()) };
        let ask = |longest, fetch: &dyn Fn(Option<&str>) -> Result<Fetched, SourceError>| {
            // As another process would: nothing is remembered but the files.
            Cache::new(folder.path(), false).answer("https://a/", longest, fetch).unwrap()
        };
        assert_eq!(
            &*ask(RECENT, &|tag| {
                assert_eq!(tag, None);
                Ok(new("one"))
            }),
            b"one"
        );
        assert_eq!(&*ask(RECENT, &|_| unreachable!()), b"one");
        assert_eq!(
            &*ask(Duration::ZERO, &|tag| {
                assert_eq!(tag, Some("t1"));
                Ok(Fetched::Unchanged)
            }),
            b"one"
        );
        assert_eq!(&*ask(Duration::ZERO, &|_| Ok(new("two"))), b"two");
        assert_eq!(
            &*Cache::new(folder.path(), true).answer("https://a/", RECENT, |_| unreachable!()).unwrap(),
            b"two"
        );
    }
}
