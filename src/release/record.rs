//! What made a release's files, written beside them: who imports the release finds its arguments here, and who reads the
//! folder finds chart and layers.
//!
//! The record is YAML with a fixed order of keys, so that equal arguments are equal bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::formats::{ApplicationOptions, HelmReleaseOptions};
use crate::manifest::patch::Written;

/// The arguments of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Name of the release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its cluster.
    pub cluster: String,
    /// Where the chart is.
    pub chart: ChartRecord,
    /// The layout that names the first layers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// What captures of the layout stand for, where the release says so.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub captures: BTreeMap<String, String>,
    /// The layers, lowest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerRecord>,
    /// The release's own Kubernetes version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kube_version: Option<String>,
    /// The release's own API versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub api_versions: Vec<String>,
    /// What happens to definitions.
    pub crds: String,
    /// What happens to hooks.
    pub hooks: String,
    /// What changes the rendered objects, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Written>,
    /// In which form the release is delivered, where that is not the rendered objects.
    #[serde(default, skip_serializing_if = "FormatRecord::is_default")]
    pub format: FormatRecord,
}

/// In which form a release is delivered; nothing for the rendered objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormatRecord {
    /// As a HelmRelease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm_release: Option<HelmReleaseOptions>,
    /// As an Application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argocd_application: Option<ApplicationOptions>,
}

impl FormatRecord {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a chart is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChartRecord {
    /// Its path on the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The repository or registry that it is fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Its name there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version there, or a constraint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The folder of a git repository that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitChartRecord>,
    /// What proves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<VerifyRecord>,
}

/// What proves a chart: public keys.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VerifyRecord {
    /// OpenPGP keys in armour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring: Option<String>,
    /// A file of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keyring_file: Option<String>,
    /// The key of cosign's signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosign_key: Option<String>,
}

/// Where in git a chart is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GitChartRecord {
    /// Name of the repository.
    pub repository: String,
    /// Branch, tag or commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Folder in the repository.
    pub path: String,
}

/// Where a layer's values are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// The layer's name.
    pub name: String,
    /// Its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Its values, given in place: an object, or a text. Those of a sensitive layer are not written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Value>,
    /// Whether the configuration says that the file may be absent, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
    /// Whether the configuration says that the values must not be seen, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<bool>,
    /// Whether the configuration says that fields made of the values stand in `late`, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
    /// The repository that its file is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Branch, tag or commit of the repository.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// Writes a record.
pub fn write(record: &Record) -> String {
    serde_yaml::to_string(record).unwrap_or_default()
}

/// Reads a record.
///
/// # Errors
/// When the text is no record, with line and column.
pub fn read(text: &[u8]) -> Result<Record, serde_yaml::Error> {
    serde_yaml::from_slice(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_went() {
        let text = "name: web\nnamespace: shop\ncluster: one\nchart:\n  path: charts/web\nlayout: tenant\ncaptures:\n  service: shop\nlayers:\n- name: global\n  file: a.yaml\n  \
                    optional: true\n- name: more\n  values: |\n    a: 1\ncrds: create_replace\nhooks: skip\n";
        let record = read(text.as_bytes()).expect("it is a record");
        assert_eq!(record.layers[1].values, Some(Value::from("a: 1\n")));
        assert_eq!(write(&record), text);
        assert!(read(b"name: x").is_err());
    }
}
