//! Charts that live elsewhere: classic Helm repositories and OCI registries, through one cache.
//!
//! What is fetched is pinned by its SHA-256 digest and compared with it whenever it is read. Where a place answers with less
//! than it promised, nothing is used. Rendering is not done here, nor is it known here who asks.

mod address;
mod cache;
mod choose;
mod classic;
mod digest;
mod http;
mod index;
mod login;
mod oci;
mod oci_token;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use helm_engine::{Chart, Mode};

use super::chart::{self, ChartError};
use super::{Secret, SourceError};
use cache::Cache;
use digest::Digest;
use http::Client;
use login::Logins;

pub use login::Registry;

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
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Path(path) => write!(formatter, "{}", path.display()),
            Origin::Repository { repository, name, .. } => write!(formatter, "`{name}` of {repository}"),
        }
    }
}

/// A chart with what pins it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The chart, loaded.
    pub chart: Chart,
    /// The digest of its archive; none for a chart of this machine.
    pub digest: Option<String>,
}

/// Finds charts, wherever they are.
#[derive(Debug)]
pub struct Charts {
    cache: Cache,
    client: Client,
    logins: Logins,
    tokens: Mutex<HashMap<String, Secret>>,
    offline: bool,
}

impl Charts {
    /// Prepares finding charts through a cache below `folder`; nothing is done yet. `offline` uses only the cache.
    pub fn new(folder: impl Into<PathBuf>, registries: Vec<Registry>, offline: bool) -> Self {
        Charts {
            cache: Cache::new(folder, offline),
            client: Client::default(),
            logins: Logins::new(registries, login::usual_files()),
            tokens: Mutex::default(),
            offline,
        }
    }

    /// Finds and loads a chart. Blocks while it is fetched.
    ///
    /// # Errors
    /// When it cannot be had, or what was had is no chart.
    pub fn load(&self, origin: &Origin, mode: Mode) -> Result<Found, ChartError> {
        match origin {
            Origin::Path(path) => Ok(Found { chart: chart::load(path, mode)?, digest: None }),
            Origin::Repository { repository, name, version } => {
                let archive = self.archive(repository, name, version)?;
                let chart = Chart::load_archive(&archive, mode)?;
                Ok(Found { chart, digest: Some(Digest::of(&archive).to_string()) })
            }
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
