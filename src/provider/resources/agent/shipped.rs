//! What a version of an agent ships, fetched once for all clusters of a plan and pinned by its digest.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tf_provider::schema::{Diagnostic, Path};

use super::super::super::{Shared, diagnostics};
use super::arguments::{Arguments, Kind};
use crate::argocd;
use crate::flux::manifests as flux;
use crate::source::SourceError;
use crate::source::charts::BundleOrigin;

/// What the agents' makers publish.
fn official(kind: Kind) -> &'static str {
    match kind {
        Kind::Flux => "https://github.com/fluxcd/flux2/releases/download/v{version}/manifests.tar.gz",
        Kind::ArgoCd => {
            "https://raw.githubusercontent.com/argoproj/argo-cd/v{version}/manifests/install.yaml"
        }
    }
}

/// A version's manifests with what pins them.
#[derive(Debug)]
pub(crate) struct Shipped {
    /// The manifests.
    pub(super) manifests: Manifests,
    /// `sha256:…`.
    pub(super) digest: String,
}

/// The manifests of an agent, as its makers publish them.
#[derive(Debug)]
pub(super) enum Manifests {
    /// Flux.
    Flux(flux::Manifests),
    /// Argo CD.
    ArgoCd(argocd::Manifests),
}

type Key = (Kind, BundleOrigin, Option<String>);
type Slot = Arc<OnceLock<Result<Arc<Shipped>, Diagnostic>>>;

/// What was fetched by this process; whoever asks first fetches, the others wait.
#[derive(Debug, Default)]
pub(crate) struct Releases(Mutex<HashMap<Key, Slot>>);

/// Returns where an agent's manifests are.
pub(super) fn origin(shared: &Shared, arguments: &Arguments) -> Result<BundleOrigin, Diagnostic> {
    let version = arguments.options.version.trim_start_matches('v');
    let fill = |text: &str| text.replace("{version}", version).replace("{kind}", arguments.kind.word());
    let configuration = shared.configuration().map_err(|_| diagnostics::not_configured())?;
    if let Some(path) = &arguments.source.path {
        return Ok(BundleOrigin::Path(configuration.resolve(&fill(path))));
    }
    let url =
        arguments.source.url.as_deref().or(configuration.agent_source()).unwrap_or(official(arguments.kind));
    let url = fill(url);
    if !url.contains("://") {
        return Ok(BundleOrigin::Path(configuration.resolve(&url)));
    }
    let Some(rest) = url.strip_prefix("oci://") else { return Ok(BundleOrigin::Url(url)) };
    let name = rest.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) = match rest[name..].split_once(':') {
        Some((last, tag)) => (format!("oci://{}{last}", &rest[..name]), tag.to_owned()),
        None => (url.clone(), format!("v{version}")),
    };
    Ok(BundleOrigin::Oci { repository, tag })
}

/// Fetches and reads an agent's manifests; with `pinned`, nothing else is used. Blocks while they are fetched.
///
/// # Errors
/// With the argument to blame.
pub(super) fn load(
    shared: &Shared,
    arguments: &Arguments,
    pinned: Option<String>,
) -> Result<Arc<Shipped>, Diagnostic> {
    let origin = origin(shared, arguments)?;
    let pinned = arguments.source.sha256.clone().or(pinned);
    let slot = {
        let mut known = shared.agents.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry((arguments.kind, origin.clone(), pinned.clone())).or_default())
    };
    slot.get_or_init(|| read(shared, arguments, &origin, pinned.as_deref())).clone()
}

fn read(
    shared: &Shared,
    arguments: &Arguments,
    origin: &BundleOrigin,
    pinned: Option<&str>,
) -> Result<Arc<Shipped>, Diagnostic> {
    let what = format!("{} {}", arguments.kind.title(), arguments.options.version.trim_start_matches('v'));
    let bundle = shared.bundles()?.bundle(origin, &what, pinned);
    let bundle = bundle.map_err(|error| of_source(arguments, &what, &error))?;
    let no_release = |reason: String, hint: &str| {
        Diagnostic::error(format!("{origin} is no release of {}", arguments.kind.title()))
            .detail(reason)
            .hint(hint)
            .at(place_of(arguments, None))
    };
    let manifests = match arguments.kind {
        Kind::Flux => flux::Manifests::read(&bundle.files)
            .map(Manifests::Flux)
            .map_err(|error| no_release(error.to_string(), error.hint()))?,
        Kind::ArgoCd => argocd::Manifests::read(&bundle.files)
            .map(Manifests::ArgoCd)
            .map_err(|error| no_release(error.to_string(), "a release of Argo CD is its install.yaml"))?,
    };
    Ok(Arc::new(Shipped { manifests, digest: bundle.digest }))
}

fn of_source(arguments: &Arguments, what: &str, error: &SourceError) -> Diagnostic {
    let diagnostic = diagnostics::of_source(error).at(place_of(arguments, Some(error)));
    match error {
        SourceError::Unknown { place, .. } => Diagnostic::error(format!("there is no {what}"))
            .detail(format!("{place} does not exist."))
            .hint("correct `version`, or the address in `source`")
            .at(Path::from("version")),
        _ => diagnostic,
    }
}

/// Returns the argument to blame.
fn place_of(arguments: &Arguments, error: Option<&SourceError>) -> Path {
    let source = &arguments.source;
    let name = match error {
        Some(SourceError::Digest { .. }) if source.sha256.is_some() => "sha256",
        _ if source.path.is_some() => "path",
        _ if source.url.is_some() => "url",
        _ => return Path::from("version"),
    };
    Path::from("source").attribute(name)
}

/// Names a place for people, without what the machine's folders are called above the provider's root.
pub(super) fn shown(arguments: &Arguments, origin: &BundleOrigin) -> String {
    match (origin, &arguments.source.path) {
        (BundleOrigin::Path(_), Some(path)) => PathBuf::from(path).display().to_string(),
        _ => origin.to_string(),
    }
}
