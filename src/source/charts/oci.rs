//! Charts in an OCI registry: a manifest under a tag, whose chart layer is the archive.
//!
//! Follows the distribution protocol and Helm's use of it: an exact version is the tag (`+` written as `_`), anything else is
//! chosen among all tags. Credentials that are refused are left out once, for registries that let anybody read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use helm_engine::semver::Version;

use super::super::SourceError;
use super::address::{Address, is_loopback};
use super::cache::RECENT;
use super::digest::Digest;
use super::http::{Answer, Question};
use super::login::Login;
use super::oci_token::{Challenge, token};
use super::verify::{LARGEST_PROOF_BYTES, Package, SIGNATURE_LAYER, Signature, Verify};
use super::{Charts, choose, classic};

const CHART_LAYERS: [&str; 2] =
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
/// What is wrong with a manifest that has none of them.
const NO_CHART: &str = "it is no chart: it has no layer with one";
/// The layers that hold an archive of files: Flux's own, and what other tools push.
const FILE_LAYERS: [&str; 3] = [
    "application/vnd.cncf.flux.content.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/tar+gzip",
];
/// The layer in which Helm keeps a chart's provenance file.
const PROVENANCE_LAYER: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// The annotation in which cosign keeps a signature.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
const MANIFESTS: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
const LARGEST_MANIFEST_BYTES: u64 = 4 << 20;
const MOST_PAGES: usize = 100;

/// A repository of a registry, and how to log in there.
struct Place<'a> {
    charts: &'a Charts,
    /// `host/path/name`.
    shown: String,
    name: &'a str,
    base: Address,
    login: Login,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

/// Fetches a chart's archive; `repository` starts with `oci://`.
///
/// # Errors
/// When the registry cannot be read, has no such chart or version, or what comes is not what its digest promises.
pub(super) fn fetch(
    charts: &Charts,
    repository: &str,
    name: &str,
    wanted: &str,
) -> Result<Vec<u8>, SourceError> {
    let place = Place::open(charts, repository, name)?;
    let tag = place.tag(wanted)?;
    let digest = place.chart_layer(&tag)?;
    place.blob(&digest, &format!("chart `{name}` {tag}"), super::LARGEST_CHART_BYTES)
}

/// Fetches a chart's archive with what can prove it.
///
/// # Errors
/// As [`fetch`].
pub(super) fn package(
    charts: &Charts,
    repository: &str,
    name: &str,
    wanted: &str,
    verify: &Verify,
) -> Result<Package, SourceError> {
    let place = Place::open(charts, repository, name)?;
    let tag = place.tag(wanted)?;
    let what = format!("chart `{name}` {tag}");
    let (address, text) = place.manifest(&tag)?;
    let manifest = read_manifest(&address, &text)?;
    let digest = place.layer(&address, &text, &CHART_LAYERS, NO_CHART)?;
    let archive = place.blob(&digest, &what, super::LARGEST_CHART_BYTES)?;
    let provenance = manifest.layers.iter().find(|layer| layer.media_type == PROVENANCE_LAYER);
    let provenance = match provenance.and_then(|layer| Digest::parse(&layer.digest)) {
        Some(digest) if verify.keyring.is_some() => {
            Some(place.blob(&digest, &format!("the provenance file of {what}"), LARGEST_PROOF_BYTES)?)
        }
        _ => None,
    };
    let digest = Digest::of(&text);
    let signatures = if verify.cosign_key.is_some() { place.signatures(&digest, &what)? } else { Vec::new() };
    Ok(Package { archive, file: format!("{name}-{tag}.tgz"), provenance, manifest: Some(digest), signatures })
}

fn read_manifest(address: &Address, text: &[u8]) -> Result<Manifest, SourceError> {
    serde_json::from_slice(text).map_err(|error| refused(address, &error.to_string()))
}

/// Fetches the archive of an artifact, and the digest of the artifact's manifest; `repository` starts with `oci://`.
///
/// # Errors
/// As [`fetch`]; [`SourceError::Digest`] where the artifact is not the pinned one.
pub(super) fn fetch_artifact(
    charts: &Charts,
    repository: &str,
    tag: &str,
    what: &str,
    pinned: Option<&Digest>,
) -> Result<(Vec<u8>, Digest), SourceError> {
    let place = Place::open(charts, repository, "")?;
    let address = place.base.join(&format!("manifests/{tag}"))?;
    let missing = || SourceError::Unknown {
        what: what.to_owned(),
        place: format!("`{repository}:{tag}`"),
        nearest: String::new(),
    };
    let text: Arc<[u8]> = match pinned {
        Some(pinned) => {
            let ask = || place.ask_manifest(&address, None, missing)?.into_content(&address);
            charts.cache.content(pinned, what, ask)?.into()
        }
        None => charts.cache.answer(&address.whole(), RECENT, |known| {
            classic::fetched(place.ask_manifest(&address, known, missing)?, &address)
        })?,
    };
    let digest = place.layer(&address, &text, &FILE_LAYERS, "it is no archive of files")?;
    let blob = place.base.join(&format!("blobs/{digest}"))?;
    let bytes = charts.cache.content(&digest, what, || {
        place.ask(&blob, "*/*", None, super::LARGEST_CHART_BYTES)?.into_content(&blob)
    })?;
    Ok((bytes, Digest::of(&text)))
}

impl<'a> Place<'a> {
    fn open(charts: &'a Charts, repository: &str, name: &'a str) -> Result<Self, SourceError> {
        let rest = repository.strip_prefix("oci://").unwrap_or(repository).trim_end_matches('/');
        let shown = if name.is_empty() { rest.to_owned() } else { format!("{rest}/{name}") };
        let refuse =
            |reason: &str| SourceError::Url { url: format!("oci://{shown}"), reason: reason.to_owned() };
        let (host, path) = shown.split_once('/').ok_or_else(|| refuse("it needs a host and a path"))?;
        let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
        if path.is_empty()
            || !path.chars().all(legal)
            || path.split('/').any(|part| part.is_empty() || part.starts_with('.'))
        {
            return Err(refuse("its path may hold lowercase letters, digits, `.`, `_`, `-` and `/` only"));
        }
        let login = charts.logins.of_registry(host);
        // A registry on this machine that nobody gave an authority for speaks plain http.
        let scheme = if is_loopback(host) && login.authority().is_none() { "http" } else { "https" };
        let real = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let base = Address::parse(&format!("{scheme}://{real}/v2/{path}/"))?;
        Ok(Place { charts, shown, name, base, login })
    }

    fn choose(&self, wanted: &str, longest_age: Duration) -> Result<String, SourceError> {
        let first = self.base.join("tags/list")?;
        let text: Arc<[u8]> = self.charts.cache.answer(&first.whole(), longest_age, |_| {
            let tags = self.all_tags(&first)?;
            Ok(super::cache::Fetched::New {
                content: serde_json::to_vec(&tags).unwrap_or_default(),
                tag: None,
            })
        })?;
        let tags: Vec<String> = serde_json::from_slice(&text).unwrap_or_default();
        let versions: Vec<String> = tags
            .iter()
            .map(|tag| tag.replace('_', "+"))
            .filter(|tag| Version::parse_strict(tag).is_ok())
            .collect();
        let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
        let chosen = choose::choose(&versions, wanted)
            .map_err(|reason| choose::no_constraint(self.name, wanted, &reason))?;
        chosen
            .map(str::to_owned)
            .ok_or_else(|| choose::no_version(self.name, wanted, &versions, &self.title()))
    }

    fn all_tags(&self, first: &Address) -> Result<Vec<String>, SourceError> {
        let (mut all, mut page) = (Vec::new(), first.clone());
        for _ in 0..MOST_PAGES {
            let answer = self.ask(&page, "application/json", None, LARGEST_MANIFEST_BYTES)?;
            if answer.status == 404 {
                return Err(SourceError::Unknown {
                    what: format!("chart `{}`", self.name),
                    place: self.title(),
                    nearest: String::new(),
                });
            }
            let next = answer.header("link").and_then(next_page).map(str::to_owned);
            let tags: Tags = serde_json::from_slice(&answer.into_content(&page)?)
                .map_err(|error| refused(&page, &error.to_string()))?;
            all.extend(tags.tags.unwrap_or_default());
            match next {
                Some(next) => page = page.join(&next)?,
                None => return Ok(all),
            }
            if !page.same_peer(first) {
                return Err(refused(first, "its list of tags goes on at another host"));
            }
        }
        Err(SourceError::TooLarge {
            what: format!("the list of tags of {}", self.title()),
            limit: format!("{MOST_PAGES} pages"),
        })
    }

    /// Returns the tag of the version that is wanted.
    fn tag(&self, wanted: &str) -> Result<String, SourceError> {
        match Version::parse_strict(wanted) {
            Ok(_) => Ok(wanted.to_owned()),
            Err(_) => match self.choose(wanted, RECENT) {
                Err(SourceError::Unknown { .. }) if !self.charts.offline => {
                    self.choose(wanted, Duration::ZERO)
                }
                other => other,
            },
        }
    }

    /// Returns the content of a digest.
    fn blob(&self, digest: &Digest, what: &str, most_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let blob = self.base.join(&format!("blobs/{digest}"))?;
        self.charts
            .cache
            .content(digest, what, || self.ask(&blob, "*/*", None, most_bytes)?.into_content(&blob))
    }

    /// Returns the digest of the layer that holds the chart.
    fn chart_layer(&self, version: &str) -> Result<Digest, SourceError> {
        let (address, text) = self.manifest(version)?;
        self.layer(&address, &text, &CHART_LAYERS, NO_CHART)
    }

    /// Returns a version's manifest and its address.
    fn manifest(&self, version: &str) -> Result<(Address, Arc<[u8]>), SourceError> {
        self.manifest_of_tag(&version.replace('+', "_"), RECENT, || self.no_version(version))
    }

    /// Returns the manifest under a tag; `absent` explains that there is none.
    fn manifest_of_tag(
        &self,
        tag: &str,
        longest_age: Duration,
        absent: impl Fn() -> SourceError,
    ) -> Result<(Address, Arc<[u8]>), SourceError> {
        let address = self.base.join(&format!("manifests/{tag}"))?;
        let text = self.charts.cache.answer(&address.whole(), longest_age, |known| {
            classic::fetched(self.ask_manifest(&address, known, &absent)?, &address)
        })?;
        Ok((address, text))
    }

    /// Returns the signatures of a manifest that cosign has put beside it; none where there are none. They may have been
    /// put there a moment ago.
    fn signatures(&self, manifest: &Digest, what: &str) -> Result<Vec<Signature>, SourceError> {
        let tag = format!("sha256-{}.sig", manifest.digits());
        let absent = || SourceError::Unknown {
            what: format!("signature of {what}"),
            place: self.title(),
            nearest: String::new(),
        };
        let (address, text) = match self.manifest_of_tag(&tag, Duration::ZERO, absent) {
            Err(SourceError::Unknown { .. }) => return Ok(Vec::new()),
            other => other?,
        };
        let layers = read_manifest(&address, &text)?.layers.into_iter();
        let signed = layers.filter(|layer| layer.media_type == SIGNATURE_LAYER);
        let signature = |layer: Layer| {
            let digest = Digest::parse(&layer.digest)?;
            Some((digest, layer.annotations.get(SIGNATURE)?.clone()))
        };
        let payload = |(digest, signature)| {
            let payload = self.blob(&digest, &format!("a signature of {what}"), LARGEST_PROOF_BYTES)?;
            Ok(Signature { payload, signature })
        };
        signed.filter_map(signature).map(payload).collect()
    }

    /// Asks for a manifest and holds it against the digest that the registry says it has.
    fn ask_manifest(
        &self,
        address: &Address,
        known: Option<&str>,
        missing: impl Fn() -> SourceError,
    ) -> Result<Answer, SourceError> {
        let answer = self.ask(address, MANIFESTS, known, LARGEST_MANIFEST_BYTES)?;
        if answer.status == 404 {
            return Err(missing());
        }
        let promised = answer.header("docker-content-digest").and_then(Digest::parse);
        let found = Digest::of(&answer.content);
        match promised.filter(|promised| answer.status == 200 && *promised != found) {
            Some(promised) => Err(SourceError::Digest {
                what: format!("the manifest `{address}`"),
                expected: promised.to_string(),
                found: found.to_string(),
            }),
            None => Ok(answer),
        }
    }

    /// Returns the digest of the first layer of one of these types.
    fn layer(
        &self,
        address: &Address,
        manifest: &[u8],
        types: &[&str],
        none: &str,
    ) -> Result<Digest, SourceError> {
        let manifest = read_manifest(address, manifest)?;
        let layer = manifest.layers.iter().find(|layer| types.contains(&layer.media_type.as_str()));
        let layer = layer.ok_or_else(|| refused(address, none))?;
        Digest::parse(&layer.digest).ok_or_else(|| refused(address, "the digest of its layer is not SHA-256"))
    }

    /// Explains a missing version with the tags there are, where they can be listed.
    fn no_version(&self, version: &str) -> SourceError {
        match self.base.join("tags/list").and_then(|first| self.all_tags(&first)) {
            Ok(tags) => {
                let versions: Vec<&str> = tags.iter().map(String::as_str).collect();
                choose::no_version(self.name, version, &versions, &self.title())
            }
            Err(_) => SourceError::Unknown {
                what: format!("version {version} of chart `{}`", self.name),
                place: self.title(),
                nearest: String::new(),
            },
        }
    }

    fn title(&self) -> String {
        format!("`oci://{}`", self.shown)
    }

    /// Asks as the registry wants it: as nobody, then with the login, then as nobody again if the login is refused.
    fn ask(
        &self,
        address: &Address,
        accept: &str,
        known: Option<&str>,
        most_bytes: u64,
    ) -> Result<Answer, SourceError> {
        let question = |authorization| Question {
            address,
            accept,
            authorization,
            authority: self.login.authority(),
            known,
            form: None,
            most_bytes,
        };
        let client = &self.charts.client;
        let key = format!("{}{}", self.base.host(), self.shown);
        let kept =
            self.charts.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&key).cloned();
        let answer = client.ask(&question(kept))?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let Some(challenge) = answer.header("www-authenticate").and_then(Challenge::parse) else {
            return Ok(answer);
        };
        let mut last = answer;
        let anonymous = self.login.is_named().then(|| self.login.anonymous());
        for login in [Some(&self.login), anonymous.as_ref()].into_iter().flatten() {
            let authorization = match token(client, &challenge, login, &self.base) {
                Ok(authorization) => authorization,
                Err(refused @ SourceError::Forbidden { .. }) if !login.is_named() => {
                    return last_word(last, refused);
                }
                Err(SourceError::Forbidden { .. }) => continue,
                Err(error) => return Err(error),
            };
            let Some(authorization) = authorization else { continue };
            let answer = client.ask(&question(Some(authorization.clone())))?;
            if !matches!(answer.status, 401 | 403) {
                self.charts
                    .tokens
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner)
                    .insert(key, authorization);
                return Ok(answer);
            }
            last = answer;
        }
        Ok(last)
    }
}

/// A refusal of the registry itself says more than one of its token server.
fn last_word(last: Answer, refused: SourceError) -> Result<Answer, SourceError> {
    if matches!(last.status, 401 | 403) { Ok(last) } else { Err(refused) }
}

/// Reads `<ADDRESS>; rel="next"`.
fn next_page(link: &str) -> Option<&str> {
    let (address, relation) = link.strip_prefix('<')?.split_once('>')?;
    relation.contains("next").then_some(address)
}

fn refused(address: &Address, message: &str) -> SourceError {
    SourceError::Refused { url: address.to_string(), message: message.to_owned() }
}
