//! The folder of a git repository that somebody's objects go to, and what a delivery there tells its user.

use std::sync::Arc;
use std::time::Duration;

use tf_provider::CancellationToken;
use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use super::super::super::{Shared, diagnostics};
use super::description::{Files, Limits};
use crate::delivery::git::{Author, GitFolder, Target};
use crate::delivery::{Delivery, DeliveryError, Existing, FileIds, Instant, Owner, Parcel, Reading};

/// What a block says of the folder that it delivers to.
pub(in super::super) struct Folder {
    /// Name of the repository, and the folder in it.
    pub(in super::super) place: (String, String),
    /// Whom the files name.
    pub(in super::super) owner: Owner,
    /// What becomes of files that are there.
    pub(in super::super) existing: Existing,
}

/// A folder, and who delivers to it.
pub(in super::super) struct GitPlace {
    folder: GitFolder,
    title: String,
    owner: Owner,
    existing: Existing,
}

impl GitPlace {
    /// Opens a folder of one of the provider's repositories; none where the repository is not known yet. `title` names who
    /// delivers for people.
    ///
    /// # Errors
    /// With the attribute that names a repository or path that cannot be.
    pub(in super::super) fn open(
        shared: &Arc<Shared>,
        Folder { place: (repository, folder), owner, existing }: Folder,
        title: String,
    ) -> Result<Option<Self>, Diagnostics> {
        let at = |name: &str| Path::from("delivery").attribute("git").attribute(name);
        let configuration = shared.configuration()?;
        let repository = configuration.repository(&repository).map_err(|one| one.at(at("repository")))?;
        let Some(remote) = repository.remote.clone() else { return Ok(None) };
        let author = Author { name: repository.author.name.clone(), email: repository.author.email.clone() };
        let target = Target::new(remote, &repository.branch, author)
            .map_err(|error| diagnostics::of_source(&error).at(at("repository")))?;
        let folder = shared
            .git()?
            .folder(target, &folder)
            .map_err(|error| diagnostics::of_source(&error).at(at("path")))?;
        Ok(Some(GitPlace { folder, title, owner, existing }))
    }

    /// Returns the folder itself.
    pub(in super::super) fn folder(&self) -> &GitFolder {
        &self.folder
    }

    /// Returns whom the files name.
    pub(in super::super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Returns what becomes of files that are there.
    pub(in super::super) fn existing(&self) -> Existing {
        self.existing
    }

    /// Names the one who delivers for people.
    pub(in super::super) fn title(&self) -> &str {
        &self.title
    }

    /// Finds out, while planning, whether somebody else writes the same files.
    ///
    /// # Errors
    /// When somebody does.
    pub(in super::super) fn claim(&self, files: &Files) -> Result<(), Diagnostics> {
        let claimed = self.folder.claim(&self.owner, files.keys().map(String::as_str));
        claimed.map_err(|error| self.not_delivered(&error).into())
    }

    /// Puts the files there and returns their ids.
    ///
    /// # Errors
    /// When nothing was delivered, or it is not known whether it was.
    pub(in super::super) async fn deliver(
        &self,
        files: Files,
        delivered: &FileIds,
        Limits { longest, cancel }: Limits<'_>,
    ) -> Result<FileIds, Diagnostics> {
        let parcel = Parcel {
            owner: self.owner.clone(),
            files,
            delivered: delivered.clone(),
            existing: self.existing,
        };
        let work = self.folder.deliver(parcel, Instant::now() + longest);
        Ok(self.unless_cancelled(cancel, work).await?.files)
    }

    /// Deletes what was delivered.
    ///
    /// # Errors
    /// When nothing was deleted, or it is not known whether it was.
    pub(in super::super) async fn withdraw(
        &self,
        delivered: &FileIds,
        Limits { longest, cancel }: Limits<'_>,
    ) -> Result<(), Diagnostics> {
        let work = self.folder.withdraw(&self.owner, delivered, Instant::now() + longest);
        self.unless_cancelled(cancel, work).await
    }

    /// Reads all that was delivered if a part of it is not what it was.
    ///
    /// # Errors
    /// With a warning: a place that cannot be read says nothing about what is there.
    pub(in super::super) async fn read(
        &self,
        delivered: &FileIds,
        longest: Duration,
    ) -> Result<Option<Reading>, Diagnostic> {
        let deadline = Instant::now() + longest;
        let reading = self.folder.read(delivered, deadline).await.map_err(|error| unreadable(&error))?;
        let same =
            reading.files.values().all(|found| found.as_ref().is_some_and(|found| found.changed.is_none()));
        if same {
            return Ok(None);
        }
        // Labels that all objects share can only be told from all of them: read the unchanged files as well.
        self.read_whole(delivered.keys().cloned(), deadline).await.map(Some)
    }

    /// Reads files whoever wrote them.
    ///
    /// # Errors
    /// As [`GitPlace::read`].
    pub(in super::super) async fn read_whole(
        &self,
        names: impl Iterator<Item = String>,
        deadline: Instant,
    ) -> Result<Reading, Diagnostic> {
        let reading = self.folder.read(&unseen(names), deadline).await;
        reading.map_err(|error| unreadable(&error))
    }

    /// Says that nothing was delivered, and why.
    pub(in super::super) fn not_delivered(&self, error: &DeliveryError) -> Diagnostic {
        let diagnostic =
            Diagnostic::error(format!("{} is not delivered", self.title)).detail(error.to_string());
        let diagnostic = diagnostic.at(Path::from("delivery").attribute("git").attribute("path"));
        match error.hint() {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    /// Waits for a delivery unless Terraform is told to stop.
    async fn unless_cancelled<T>(
        &self,
        cancel: &CancellationToken,
        work: impl Future<Output = Result<T, DeliveryError>>,
    ) -> Result<T, Diagnostics> {
        tokio::select! {
            done = work => done.map_err(|error| self.not_delivered(&error).into()),
            () = cancel.cancelled() => Err(Diagnostic::error(format!("{} was interrupted", self.title))
                .detail("It was not confirmed whether its objects are delivered.")
                .hint("plan again to see; applying again is always safe")
                .into()),
        }
    }
}

/// Names files of which nothing is known, so that a reading brings what they hold.
pub(in super::super) fn unseen(names: impl Iterator<Item = String>) -> FileIds {
    names.map(|name| (name, String::new())).collect()
}

/// Says that a place could not be read, which says nothing about what is there.
fn unreadable(error: &DeliveryError) -> Diagnostic {
    let diagnostic = Diagnostic::warning("drift could not be looked for")
        .detail(format!("{error}. The plan goes by what was delivered last."));
    match error.hint() {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}
