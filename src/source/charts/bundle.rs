//! Files that are published together and are no chart, such as the manifests of an agent: an archive behind https or on this
//! machine, a folder, or an artifact of an OCI registry. Fetched, pinned and kept as charts are.

use std::path::PathBuf;

use super::super::directory::{ChartBytes, read_chart_now};
use super::super::{SourceError, archive};
use super::address::Address;
use super::cache::RECENT;
use super::digest::Digest;
use super::http::{Answer, Question};
use super::{Charts, Files, classic, git, oci};

const LARGEST_BYTES: u64 = 64 << 20;

/// Where a bundle is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BundleOrigin {
    /// A folder, a `.tar.gz` archive or a YAML file of this machine.
    Path(PathBuf),
    /// A `.tar.gz` archive or a YAML file behind `https://…`.
    Url(String),
    /// An artifact of an OCI registry.
    Oci {
        /// Its repository, `oci://HOST/PATH`.
        repository: String,
        /// Its tag.
        tag: String,
    },
}

impl std::fmt::Display for BundleOrigin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BundleOrigin::Path(path) => write!(formatter, "{}", path.display()),
            BundleOrigin::Url(url) => match Address::parse(url) {
                Ok(address) => write!(formatter, "{address}"),
                Err(_) => formatter.write_str("the address"),
            },
            BundleOrigin::Oci { repository, tag } => write!(formatter, "{repository}:{tag}"),
        }
    }
}

/// Files with what pins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Path and content of each file.
    pub files: Files,
    /// Digest of the archive, of the artifact's manifest, or of a folder's files: `sha256:…`.
    pub digest: String,
}

impl Charts {
    /// Fetches a bundle; `what` names it in errors. With `pinned`, nothing else is used, and what is kept is not asked for.
    ///
    /// # Errors
    /// [`SourceError::Unknown`] where its place does not have it, [`SourceError::Digest`] where it is not what was pinned, and
    /// whatever keeps it from being read.
    pub fn bundle(
        &self,
        origin: &BundleOrigin,
        what: &str,
        pinned: Option<&str>,
    ) -> Result<Bundle, SourceError> {
        let pinned = pinned.map(|text| parse_pin(what, text)).transpose()?;
        match origin {
            BundleOrigin::Path(path) => {
                let (files, digest) = match read_chart_now(path)? {
                    ChartBytes::Files(files) => {
                        let digest = Digest::of(&git::pack(&files));
                        (files, digest)
                    }
                    ChartBytes::Archive(bytes) => {
                        let name = path.display().to_string();
                        let digest = Digest::of(&bytes);
                        (unpack(&name, &name, bytes)?, digest)
                    }
                };
                expect(what, &digest, pinned.as_ref())?;
                Ok(Bundle { files, digest: digest.to_string() })
            }
            BundleOrigin::Url(url) => {
                let address = Address::parse(url)?;
                let bytes = self.archive_at(&address, what, pinned.as_ref())?;
                let digest = Digest::of(&bytes).to_string();
                let path = address.whole();
                let path = path.split('?').next().unwrap_or_default();
                Ok(Bundle { files: unpack(&address.to_string(), path, bytes)?, digest })
            }
            BundleOrigin::Oci { repository, tag } => {
                let (bytes, digest) = oci::fetch_artifact(self, repository, tag, what, pinned.as_ref())?;
                let name = format!("`{repository}:{tag}`");
                Ok(Bundle { files: archive::unpack(&name, &bytes)?, digest: digest.to_string() })
            }
        }
    }

    fn archive_at(
        &self,
        address: &Address,
        what: &str,
        pinned: Option<&Digest>,
    ) -> Result<Vec<u8>, SourceError> {
        let ask = |known: Option<&str>| -> Result<Answer, SourceError> {
            let login = self.logins.of_host(address.host());
            let answer = self.client.ask(&Question {
                address,
                accept: "application/gzip, application/x-gzip, application/octet-stream, */*;q=0.1",
                authorization: login.as_ref().and_then(|login| login.basic()),
                authority: login.as_ref().and_then(|login| login.authority()),
                known,
                form: None,
                most_bytes: LARGEST_BYTES,
            })?;
            if answer.status == 404 {
                let place = format!("`{address}`");
                return Err(SourceError::Unknown { what: what.to_owned(), place, nearest: String::new() });
            }
            Ok(answer)
        };
        match pinned {
            Some(digest) => self.cache.content(digest, what, || ask(None)?.into_content(address)),
            None => {
                let content = self
                    .cache
                    .answer(&address.whole(), RECENT, |known| classic::fetched(ask(known)?, address))?;
                Ok(content.to_vec())
            }
        }
    }
}

/// Reads an archive, or takes a file for what its name says.
fn unpack(shown: &str, path: &str, bytes: Vec<u8>) -> Result<Files, SourceError> {
    if path.ends_with(".yaml") || path.ends_with(".yml") {
        let name = path.rsplit('/').next().unwrap_or_default();
        return Ok(vec![(name.to_owned(), bytes)]);
    }
    archive::unpack(&format!("`{shown}`"), &bytes)
}

fn parse_pin(what: &str, text: &str) -> Result<Digest, SourceError> {
    Digest::parse(text).ok_or_else(|| SourceError::Digest {
        what: what.to_owned(),
        expected: "64 hexadecimal digits".to_owned(),
        found: format!("{text:?}"),
    })
}

fn expect(what: &str, found: &Digest, pinned: Option<&Digest>) -> Result<(), SourceError> {
    match pinned.filter(|pinned| *pinned != found) {
        Some(expected) => Err(SourceError::Digest {
            what: what.to_owned(),
            expected: expected.to_string(),
            found: found.to_string(),
        }),
        None => Ok(()),
    }
}
