//! Whether a packed chart is the one that its publisher signed: Helm's provenance files and cosign's signatures.
//!
//! What is not proven is not used. A proof is looked for where the archive came from: a `.prov` file beside it, a provenance
//! layer of its manifest, or cosign's tag beside the manifest's.

mod cosign;
mod provenance;
#[cfg(test)]
mod tests;

use std::path::Path;

use super::super::SourceError;
use super::super::directory::read_bounded;
use super::digest::Digest;
use super::{Charts, LARGEST_CHART_BYTES, Origin, classic, oci};

pub(super) use cosign::SIGNATURE_LAYER;

/// A provenance file or signature is at most this long.
pub(super) const LARGEST_PROOF_BYTES: u64 = 4 << 20;

/// What proves a chart. What is named must hold, all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Verify {
    /// OpenPGP public keys, in armour or binary; one of them must have signed the chart's provenance file.
    pub keyring: Option<Vec<u8>>,
    /// A public key in PEM; it must have signed the chart's manifest with cosign.
    pub cosign_key: Option<String>,
}

/// What a registry gives together: the archive and what came with it.
pub(super) struct Package {
    /// The chart's archive.
    pub(super) archive: Vec<u8>,
    /// The name of its file, which a provenance file speaks of.
    pub(super) file: String,
    /// Its provenance file; none where there is none.
    pub(super) provenance: Option<Vec<u8>>,
    /// The digest of its manifest, where it has one.
    pub(super) manifest: Option<Digest>,
    /// Signatures of the manifest, each with what it signs.
    pub(super) signatures: Vec<Signature>,
}

/// One signature as cosign stores it.
pub(super) struct Signature {
    /// What is signed.
    pub(super) payload: Vec<u8>,
    /// The signature in base64.
    pub(super) signature: String,
}

impl Verify {
    /// Fetches a chart's archive and proves it.
    ///
    /// # Errors
    /// [`SourceError::Unverified`] where that fails, and all that fetching can end in.
    pub(super) fn archive(&self, charts: &Charts, origin: &Origin) -> Result<Vec<u8>, SourceError> {
        let refuse = |reason: String| SourceError::Unverified { what: format!("chart {origin}"), reason };
        let package = match origin {
            Origin::Path(path) => packed(path, &refuse)?,
            Origin::Repository { repository, name, version } if repository.starts_with("oci://") => {
                oci::package(charts, repository, name, version.trim(), self)?
            }
            Origin::Repository { repository, name, version } => {
                classic::package(charts, repository, name, version.trim())?
            }
            Origin::Git { .. } | Origin::Verified(..) => {
                return Err(refuse(
                    "nobody signs a folder of a repository; only packed charts can be verified".to_owned(),
                ));
            }
        };
        self.check(&package).map_err(refuse)?;
        Ok(package.archive)
    }

    fn check(&self, package: &Package) -> Result<(), String> {
        if let Some(keyring) = &self.keyring {
            let provenance = package.provenance.as_ref();
            let provenance =
                provenance.ok_or("it is not signed: there is no provenance file (.prov) for it")?;
            provenance::check(&package.archive, &package.file, provenance, keyring)?;
        }
        if let Some(key) = &self.cosign_key {
            let manifest = package.manifest.as_ref();
            let manifest = manifest.ok_or("cosign signs charts in registries (`oci://`) only")?;
            cosign::check(manifest, &package.signatures, key)?;
        }
        Ok(())
    }
}

/// Reads a packed chart of this machine, with the provenance file beside it.
fn packed(path: &Path, refuse: &dyn Fn(String) -> SourceError) -> Result<Package, SourceError> {
    if path.is_dir() {
        return Err(refuse("nobody signs a folder; only packed charts (.tgz) can be verified".to_owned()));
    }
    let archive = read_bounded(path, LARGEST_CHART_BYTES)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".prov");
    let provenance = match read_bounded(Path::new(&beside), LARGEST_PROOF_BYTES) {
        Ok(provenance) => Some(provenance),
        Err(SourceError::Absent { .. }) => None,
        Err(error) => return Err(error),
    };
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Package { archive, file, provenance, manifest: None, signatures: Vec::new() })
}
