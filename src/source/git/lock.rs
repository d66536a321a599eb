//! A lock between processes on one folder of the cache: a file beside it, locked by the operating system, so that a process
//! that dies leaves nothing behind.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use super::super::SourceError;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Holds the lock until dropped.
#[derive(Debug)]
pub(crate) struct FolderLock(#[allow(dead_code, reason = "closing the file gives the lock back")] File);

/// Waits for the lock file at `path` until `deadline`.
///
/// # Errors
/// [`SourceError::Timeout`], or the file cannot be made or locked.
pub(crate) async fn lock(path: &Path, deadline: Instant) -> Result<FolderLock, SourceError> {
    let failed = |error| SourceError::io("locking", path, error);
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(FolderLock(file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() + pause > deadline => {
                let action = format!("waiting for another process to release `{}`", path.display());
                return Err(SourceError::Timeout { action, seconds: begun.elapsed().as_secs() });
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_holder_waits_and_gives_up_at_its_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let first = lock(&path, Instant::now()).await.unwrap();
        let error = lock(&path, Instant::now() + Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, SourceError::Timeout { .. }), "{error}");
        drop(first);
        lock(&path, Instant::now() + Duration::from_secs(5)).await.unwrap();
    }
}
