//! Charts that live elsewhere: classic Helm repositories, OCI registries and git repositories, through one cache.
//!
//! What is fetched is pinned by its SHA-256 digest and compared with it whenever it is read. Where a place answers with less
//! than it promised, nothing is used. Rendering is not done here, nor is it known here who asks.

mod address;
mod bundle;
mod cache;
mod choose;
mod classic;
mod dependencies;
mod digest;
mod git;
mod http;
mod index;
mod login;
mod oci;
mod oci_token;
#[cfg(test)]
mod tests;
mod verify;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use helm_engine::{Chart, Mode, SourceFile};

use super::chart::ChartError;
use super::directory::{ChartBytes, read_chart_now};
use super::repositories::Repositories;
use super::{RelativePath, Secret, SourceError};
use cache::Cache;
use dependencies::Home;
use digest::Digest;
use http::Client;
use login::Logins;

pub use bundle::{Bundle, BundleOrigin};
pub use login::Registry;
pub use verify::Verify;

/// Above the engine's own limit, so that its message, which is Helm's, comes first.
const LARGEST_CHART_BYTES: u64 = 256 << 20;

/// Where a chart is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// In a folder or a `.tgz` file of this machine.
    Path(PathBuf),
    /// In a Helm repository (`https://…`) or an OCI registry (`oci://…`).
    Repository {
        /// The address.
        repository: String,
        /// The chart's name.
        name: String,
        /// A version or a constraint; empty for the newest release.
        version: String,
    },
    /// In a folder of a git repository.
    Git {
        /// The repository's name among [`Places::repositories`].
        repository: String,
        /// A branch, tag or commit; empty for the default branch.
        reference: String,
        /// The chart's folder.
        path: String,
    },
    /// At one of the other places, and used only if it is what its publisher signed.
    Verified(Box<Origin>, Verify),
}

/// What finding charts depends on.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The folder for all that is fetched.
    pub cache: PathBuf,
    /// Hosts with what it takes to be let in.
    pub registries: Vec<Registry>,
    /// Git repositories by name.
    pub repositories: Repositories,
    /// Whether nothing may be fetched.
    pub offline: bool,
}

/// Path within the chart and content of each file.
type Files = Vec<(String, Vec<u8>)>;

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Path(path) => write!(formatter, "{}", path.display()),
            Origin::Repository { repository, name, .. } => write!(formatter, "`{name}` of {repository}"),
            Origin::Git { repository, path, .. } => write!(formatter, "`{path}` of repository {repository}"),
            Origin::Verified(origin, _) => origin.fmt(formatter),
        }
    }
}

/// A chart with what pins it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The chart, loaded.
    pub chart: Chart,
    /// The digest of its archive or its files; none for a chart of this machine that nothing was fetched for.
    pub digest: Option<String>,
}

/// Finds charts, wherever they are.
#[derive(Debug)]
pub struct Charts {
    cache: Cache,
    client: Client,
    logins: Logins,
    repositories: Repositories,
    tokens: Mutex<HashMap<String, Secret>>,
    offline: bool,
}

impl Charts {
    /// Prepares finding charts; nothing is done yet.
    pub fn new(places: Places) -> Self {
        Charts {
            cache: Cache::new(places.cache.join("charts"), places.offline),
            client: Client::default(),
            logins: Logins::new(places.registries, login::usual_files()),
            repositories: places.repositories,
            tokens: Mutex::default(),
            offline: places.offline,
        }
    }

    /// Finds and loads a chart. Blocks while it is fetched.
    ///
    /// # Errors
    /// When it cannot be had, or what was had is no chart.
    pub fn load(&self, origin: &Origin, mode: Mode) -> Result<Found, ChartError> {
        match origin {
            Origin::Path(path) => match read_chart_now(path)? {
                ChartBytes::Archive(archive) => {
                    Ok(Found { chart: Chart::load_archive(&archive, mode)?, digest: None })
                }
                ChartBytes::Files(files) => {
                    let own = files.len();
                    let files = dependencies::complete(self, files, &Home::Folder(path.clone()), 0)?;
                    let digest = (files.len() > own).then(|| Digest::of(&git::pack(&files)).to_string());
                    Ok(Found { chart: load_files(files, mode)?, digest })
                }
            },
            Origin::Git { repository, reference, path } => {
                if let Some(folder) = self.repositories.work_tree(repository, reference)? {
                    let path = if matches!(path.as_str(), "" | ".") {
                        folder.to_owned()
                    } else {
                        folder.join(RelativePath::new(path)?.as_str())
                    };
                    return self.load(&Origin::Path(path), mode);
                }
                let files = git::fetch(self, repository, reference, path)?;
                let digest = Digest::of(&git::pack(&files)).to_string();
                Ok(Found { chart: load_files(files, mode)?, digest: Some(digest) })
            }
            Origin::Repository { repository, name, version } => {
                load_archive(&self.archive(repository, name, version)?, mode)
            }
            Origin::Verified(origin, verify) => load_archive(&verify.archive(self, origin)?, mode),
        }
    }

    /// Fetches the archive of a chart.
    fn archive(&self, repository: &str, name: &str, version: &str) -> Result<Vec<u8>, SourceError> {
        if repository.starts_with("oci://") {
            oci::fetch(self, repository, name, version.trim())
        } else {
            classic::fetch(self, repository, name, version.trim())
        }
    }
}

fn load_archive(archive: &[u8], mode: Mode) -> Result<Found, ChartError> {
    let chart = Chart::load_archive(archive, mode)?;
    Ok(Found { chart, digest: Some(Digest::of(archive).to_string()) })
}

fn load_files(files: Files, mode: Mode) -> Result<Chart, ChartError> {
    let file = |(path, data): (String, Vec<u8>)| SourceFile { path: path.into(), data: data.into() };
    Ok(Chart::load(files.into_iter().map(file).collect(), mode)?)
}
