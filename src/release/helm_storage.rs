//! What Helm writes down of a release in its cluster: a Secret or ConfigMap for each revision, with the release as JSON, packed and
//! encoded; in a Secret once more. Read by who takes the release over.
//!
//! Hostile until read: what is unpacked is bounded.

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::record::{ChartRecord, LayerRecord, Record};

/// A record holds 1 MiB at most; what unpacks to more than this is no release.
const LARGEST: u64 = 64 << 20;

/// The name of the layer that holds what a user gave to Helm.
pub const LAYER: &str = "values";

/// One revision of a release, as Helm keeps it; only what is taken over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct HelmRelease {
    /// Name of the release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision.
    pub version: u64,
    /// How it went.
    info: Info,
    /// The chart that it was made of.
    chart: Chart,
    /// The values that the user gave.
    config: Option<Map<String, Value>>,
    /// The objects, as YAML.
    pub manifest: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    status: String,
    last_deployed: Option<Timestamp>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Chart {
    metadata: Metadata,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    version: String,
}

/// Reads the record of a revision.
///
/// # Errors
/// With what is wrong with it; never with what is in it.
pub fn read(record: &Value) -> Result<HelmRelease, String> {
    let stored = record.pointer("/data/release").and_then(Value::as_str).ok_or("it has no `release`")?;
    let encoded = match record["kind"].as_str() {
        Some("ConfigMap") => stored.as_bytes().to_vec(),
        _ => STANDARD.decode(stored).map_err(|_| "`release` is no base64")?,
    };
    let packed = STANDARD.decode(encoded).map_err(|_| "`release` is not encoded as Helm does it")?;
    let json = if packed.starts_with(&[0x1f, 0x8b]) { unpack(&packed)? } else { packed };
    let release: HelmRelease = serde_json::from_slice(&json).map_err(|error| {
        format!("`release` holds no release, in line {}, column {}", error.line(), error.column())
    })?;
    if release.name.is_empty() || release.chart.metadata.name.is_empty() {
        return Err("`release` names no release or no chart".to_owned());
    }
    Ok(release)
}

fn unpack(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut json = Vec::new();
    GzDecoder::new(packed)
        .take(LARGEST + 1)
        .read_to_end(&mut json)
        .map_err(|_| "`release` cannot be unpacked, or was cut off")?;
    if json.len() as u64 > LARGEST {
        return Err(format!("`release` unpacks to more than {} MiB", LARGEST >> 20));
    }
    Ok(json)
}

impl HelmRelease {
    /// Says how the revision went: `deployed`, `failed`, `pending-upgrade`, …
    pub fn status(&self) -> &str {
        &self.info.status
    }

    /// Says when the revision was deployed, in seconds since 1970.
    pub fn last_deployed(&self) -> Option<i64> {
        self.info.last_deployed.map(Timestamp::as_second)
    }

    /// Names the chart and its version.
    pub fn chart(&self) -> (&str, &str) {
        (&self.chart.metadata.name, &self.chart.metadata.version)
    }

    /// Gives the arguments of the same release here. Where the chart is fetched from is not written down by Helm.
    pub fn to_record(&self, cluster: &str, crds: &str) -> Record {
        let given = self.config.as_ref().filter(|config| !config.is_empty());
        let layer = given.map(|config| LayerRecord {
            name: LAYER.to_owned(),
            values: serde_yaml::to_string(config).ok().map(Value::String),
            ..LayerRecord::default()
        });
        let (name, version) = self.chart();
        Record {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            cluster: cluster.to_owned(),
            chart: ChartRecord {
                name: Some(name.to_owned()),
                version: Some(version.to_owned()),
                ..ChartRecord::default()
            },
            layout: None,
            captures: Default::default(),
            layers: layer.into_iter().collect(),
            kube_version: None,
            api_versions: Vec::new(),
            crds: crds.to_owned(),
            hooks: "skip".to_owned(),
            patches: Vec::new(),
            format: Default::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;
    use std::io::Write;

    fn encoded(content: &[u8]) -> String {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(content).expect("memory takes it");
        STANDARD.encode(packer.finish().expect("memory takes it"))
    }

    fn secret(content: &[u8]) -> Value {
        json!({"data": {"release": STANDARD.encode(encoded(content))}})
    }

    #[test]
    fn a_revision_gives_the_arguments_of_the_same_release() {
        let release = json!({
            "name": "web", "namespace": "shop", "version": 3, "info": {"status": "deployed", "last_deployed": "2026-11-26T20:00:01.5+01:00"},
            "chart": {"metadata": {"name": "podinfo", "version": "6.9.0"}, "templates": [{"name": "a", "data": "eA=="}]},
            "config": {"color": "green"}, "manifest": "---\n"
        });
        let config_map =
            json!({"kind": "ConfigMap", "data": {"release": encoded(release.to_string().as_bytes())}});
        assert_eq!(read(&config_map).expect("it is a release").version, 3);
        let read = read(&secret(release.to_string().as_bytes())).expect("it is a release");
        assert_eq!((read.status(), read.version, read.chart()), ("deployed", 3, ("podinfo", "6.9.0")));
        assert_eq!(read.last_deployed(), Some(1_795_719_601));
        let record = read.to_record("one", "skip");
        assert_eq!(record.layers[0].values, Some(Value::from("color: green\n")));
        let silent = HelmRelease { config: None, ..read };
        assert!(silent.to_record("one", "skip").layers.is_empty());
    }

    #[test]
    fn what_is_no_release_is_told_without_its_content() {
        let check = |secret: Value, expected: &str| {
            let told = read(&secret).expect_err("it is none");
            assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
        };
        check(json!({}), "has no `release`");
        check(json!({"data": {"release": "?"}}), "no base64");
        check(json!({"data": {"release": STANDARD.encode("?")}}), "not encoded");
        check(secret(b"hunter2"), "in line 1");
        check(secret(br#"{"config": "hunter2"}"#), "in line 1");
        check(secret(b"{}"), "names no release");
        let cut = json!({"data": {"release": STANDARD.encode(STANDARD.encode([0x1f, 0x8b, 8]))}});
        check(cut, "cut off");
        check(secret(&vec![b' '; (LARGEST + 1) as usize]), "more than 64 MiB");
    }
}
