//! Classic Helm repositories: an index and archives behind plain HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::super::SourceError;
use super::Charts;
use super::address::Address;
use super::cache::{Fetched, RECENT};
use super::choose;
use super::digest::Digest;
use super::http::{Answer, Question};
use super::index::{self, Entry, Found};
use super::verify::{LARGEST_PROOF_BYTES, Package};

const LARGEST_INDEX_BYTES: u64 = 256 << 20;

/// Fetches a chart's archive.
///
/// # Errors
/// When the repository cannot be read, has no such chart or version, or what comes is not what the index promises.
pub(super) fn fetch(
    charts: &Charts,
    repository: &str,
    name: &str,
    wanted: &str,
) -> Result<Vec<u8>, SourceError> {
    let (archive, digest, what) = find(charts, repository, name, wanted)?;
    fetch_from(charts, &archive, digest.as_ref(), &what)
}

/// Fetches a chart's archive with its provenance file.
///
/// # Errors
/// As [`fetch`].
pub(super) fn package(
    charts: &Charts,
    repository: &str,
    name: &str,
    wanted: &str,
) -> Result<Package, SourceError> {
    let (address, digest, what) = find(charts, repository, name, wanted)?;
    let archive = fetch_from(charts, &address, digest.as_ref(), &what)?;
    let file = address.file().to_owned();
    let beside = address.with_ending(".prov")?;
    // It may have been put there a moment ago.
    let provenance = charts.cache.answer(&beside.whole(), Duration::ZERO, |known| {
        let answer = ask(charts, &beside, known, LARGEST_PROOF_BYTES)?;
        match answer.status {
            404 => Err(SourceError::Unknown {
                what: format!("provenance file of {what}"),
                place: format!("`{beside}`"),
                nearest: String::new(),
            }),
            _ => fetched(answer, &beside),
        }
    });
    let provenance = match provenance {
        Err(SourceError::Unknown { .. }) => None,
        other => Some(other?.to_vec()),
    };
    Ok(Package { archive, file, provenance, manifest: None, signatures: Vec::new() })
}

/// Finds where a chart's archive is, the digest that the index promises, and how to call it.
fn find(
    charts: &Charts,
    repository: &str,
    name: &str,
    wanted: &str,
) -> Result<(Address, Option<Digest>, String), SourceError> {
    let base = Address::parse(repository)?.folder();
    let index = base.join("index.yaml")?;
    let first = look_up(charts, &base, &index, name, wanted, RECENT);
    // What was published a moment ago is not in an index that was kept.
    let entry = match first {
        Err(SourceError::Unknown { .. }) if !charts.offline => {
            look_up(charts, &base, &index, name, wanted, Duration::ZERO)?
        }
        other => other?,
    };
    let what = format!("chart `{name}` {}", entry.version);
    let link = entry.urls.iter().flatten().next().ok_or_else(|| SourceError::Refused {
        url: index.to_string(),
        message: format!("it names no address for {what}"),
    })?;
    Ok((base.join(link)?, Digest::parse(&entry.digest), what))
}

fn fetch_from(
    charts: &Charts,
    archive: &Address,
    digest: Option<&Digest>,
    what: &str,
) -> Result<Vec<u8>, SourceError> {
    let ask = |known: Option<&str>| ask(charts, archive, known, super::LARGEST_CHART_BYTES);
    match digest {
        Some(digest) => charts.cache.content(digest, what, || ask(None)?.into_content(archive)),
        // Without a digest in the index, the archive's own entity tag says whether it is still the same.
        None => {
            Ok(charts.cache.answer(&archive.whole(), RECENT, |known| fetched(ask(known)?, archive))?.to_vec())
        }
    }
}

fn ask(
    charts: &Charts,
    address: &Address,
    known: Option<&str>,
    most_bytes: u64,
) -> Result<Answer, SourceError> {
    let login = charts.logins.of_host(address.host());
    charts.client.ask(&Question {
        address,
        accept: "application/gzip, application/x-gzip, application/octet-stream, */*;q=0.1",
        authorization: login.as_ref().and_then(|login| login.basic()),
        authority: login.as_ref().and_then(|login| login.authority()),
        known,
        form: None,
        most_bytes,
    })
}

fn look_up(
    charts: &Charts,
    base: &Address,
    index: &Address,
    name: &str,
    wanted: &str,
    longest_age: Duration,
) -> Result<Entry, SourceError> {
    let text: Arc<[u8]> = charts.cache.answer(&index.whole(), longest_age, |known| {
        let login = charts.logins.of_host(index.host());
        let answer = charts.client.ask(&Question {
            address: index,
            accept: "application/yaml, text/yaml, application/json, */*;q=0.1",
            authorization: login.as_ref().and_then(|login| login.basic()),
            authority: login.as_ref().and_then(|login| login.authority()),
            known,
            form: None,
            most_bytes: LARGEST_INDEX_BYTES,
        })?;
        fetched(answer, index)
    })?;
    let place = format!("`{base}`");
    let found = index::find(&text, name);
    match found.map_err(|reason| SourceError::Refused {
        url: index.to_string(),
        message: format!("it is no index of charts: {reason}"),
    })? {
        Found::OtherCharts(names) => Err(choose::no_chart(name, names.iter().map(String::as_str), &place)),
        Found::Versions(entries) => {
            let versions: Vec<&str> = entries.iter().map(|entry| entry.version.as_str()).collect();
            let chosen = choose::choose(&versions, wanted)
                .map_err(|reason| choose::no_constraint(name, wanted, &reason))?;
            let chosen = chosen.ok_or_else(|| choose::no_version(name, wanted, &versions, &place))?;
            let entry = entries.iter().find(|entry| entry.version == chosen);
            entry.cloned().ok_or_else(|| choose::no_version(name, wanted, &versions, &place))
        }
    }
}

/// Tells a current answer from a new one.
pub(super) fn fetched(answer: super::http::Answer, address: &Address) -> Result<Fetched, SourceError> {
    if answer.status == 304 {
        return Ok(Fetched::Unchanged);
    }
    let tag = answer.header("etag").map(str::to_owned);
    Ok(Fetched::New { content: answer.into_content(address)?, tag })
}
