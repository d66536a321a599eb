//! The inventory of a fleet: a file that names clusters and layers, and the folders that name the services.
//!
//! ```yaml
//! chart: charts/{service}
//! namespace: shop
//! layers:
//!   - {name: global, file: "values/{service}/global.yaml"}
//!   - {name: environment, file: "values/{service}/{environment}.yaml", optional: true}
//! clusters:
//!   prod-eu: {kube_version: 1.34.0, labels: {environment: prod}}
//! ```
//!
//! No list of services is kept: a service is what the paths of the repository say it is. Which services run on which
//! clusters is all of them, or what `releases` says, a list of path templates one of which must match.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::layers::layout::{Captures, LayerTemplate, Layout, LayoutError, PathTemplate};

/// A fleet, as its file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Where the chart of a release is.
    pub chart: PathTemplate,
    /// The namespace of a release.
    pub namespace: PathTemplate,
    /// The layers of a release.
    pub layout: Layout,
    /// The clusters by name.
    pub clusters: BTreeMap<String, FleetCluster>,
    /// Paths that tell that a release exists; empty where every service runs everywhere.
    pub releases: Vec<PathTemplate>,
}

/// A cluster of a fleet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetCluster {
    /// Its labels, which captures stand for.
    pub labels: BTreeMap<String, String>,
    /// Its Kubernetes version.
    pub kube_version: Option<String>,
    /// What it serves beside Kubernetes' own API.
    pub api_versions: Vec<String>,
}

/// A release of a fleet: a service on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRelease {
    /// The service, which is the release's name.
    pub service: String,
    /// The cluster's name.
    pub cluster: String,
    /// What the captures of its paths stand for.
    pub captures: Captures,
    /// The chart's path.
    pub chart: String,
    /// The namespace.
    pub namespace: String,
}

impl FleetRelease {
    /// Returns `SERVICE@CLUSTER`.
    pub fn title(&self) -> String {
        format!("{}@{}", self.service, self.cluster)
    }
}

/// A file that describes no fleet.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// It is no YAML, or has other keys.
    #[error("{0}")]
    Unreadable(#[from] serde_yaml::Error),
    /// A path is no template, or wants what no release has.
    #[error("{0}")]
    Layout(#[from] LayoutError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    chart: String,
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default)]
    layers: Vec<FileLayer>,
    #[serde(default)]
    clusters: BTreeMap<String, Option<FleetCluster>>,
    #[serde(default)]
    releases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLayer {
    name: String,
    file: String,
    #[serde(default)]
    optional: bool,
}

fn default_namespace() -> String {
    "default".to_owned()
}

impl Fleet {
    /// Reads a fleet's file.
    ///
    /// # Errors
    /// With line and column, when the text is no such file; with the template, when a path is none.
    pub fn read(text: &[u8]) -> Result<Self, FleetError> {
        let file: File = serde_yaml::from_slice(text)?;
        let layer = |layer: FileLayer| {
            let file = PathTemplate::parse(&layer.file)?;
            Ok(LayerTemplate { name: layer.name, file, optional: layer.optional, repository: None })
        };
        let layers = file.layers.into_iter().map(layer).collect::<Result<_, LayoutError>>()?;
        let releases = file.releases.iter().map(|path| PathTemplate::parse(path));
        let clusters = file.clusters.into_iter().map(|(name, one)| (name, one.unwrap_or_default()));
        Ok(Fleet {
            chart: PathTemplate::parse(&file.chart)?,
            namespace: PathTemplate::parse(&file.namespace)?,
            layout: Layout { name: "fleet".to_owned(), layers },
            clusters: clusters.collect(),
            releases: releases.collect::<Result<_, _>>()?,
        })
    }

    /// Lists the releases that the paths of a repository's files tell of, by service and cluster.
    ///
    /// # Errors
    /// When a path wants a capture that no release has.
    pub fn releases(&self, paths: &[String]) -> Result<Vec<FleetRelease>, FleetError> {
        let clusters = self.all_clusters(paths);
        let told = self.told(paths);
        let mut found = Vec::new();
        for service in self.services(paths) {
            for (cluster, labels) in &clusters {
                let mut captures = labels.clone();
                captures.insert("service".to_owned(), service.clone());
                captures.insert("cluster".to_owned(), cluster.clone());
                captures.insert("namespace".to_owned(), self.namespace.expand(&captures)?);
                if self.releases.is_empty() || told.iter().any(|told| agree(told, &captures)) {
                    found.push(FleetRelease {
                        chart: self.chart.expand(&captures)?,
                        namespace: captures["namespace"].clone(),
                        service: service.clone(),
                        cluster: cluster.clone(),
                        captures,
                    });
                }
            }
        }
        Ok(found)
    }

    /// Lists the services: those whose chart is there, or, of a chart that all share, those that have a layer.
    fn services(&self, paths: &[String]) -> BTreeSet<String> {
        let from_charts = self.chart.captures().contains(&"service");
        let mut found = BTreeSet::new();
        for path in paths {
            let matches: Vec<Captures> = if from_charts {
                let chart =
                    path.strip_suffix("/Chart.yaml").or_else(|| path.ends_with(".tgz").then_some(path));
                chart.map(|chart| self.chart.read(chart)).unwrap_or_default()
            } else {
                self.layout.matches(path).into_iter().map(|one| one.captures).collect()
            };
            found.extend(matches.into_iter().filter_map(|mut captures| captures.remove("service")));
        }
        found
    }

    /// Gives each cluster's labels: of those that the file names, or, where it names none, those that layers tell of.
    fn all_clusters(&self, paths: &[String]) -> BTreeMap<String, Captures> {
        if !self.clusters.is_empty() {
            return self.clusters.iter().map(|(name, one)| (name.clone(), one.labels.clone())).collect();
        }
        let mut found: BTreeMap<String, Captures> = BTreeMap::new();
        for path in paths {
            for mut captures in self.layout.matches(path).into_iter().map(|one| one.captures) {
                captures.remove("service");
                if let Some(cluster) = captures.remove("cluster") {
                    found.entry(cluster).or_default().extend(captures);
                }
            }
        }
        found
    }

    /// Gives what captures stand for in every path that tells that a release exists, folders among them.
    fn told(&self, paths: &[String]) -> Vec<Captures> {
        let folders = paths.iter().flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
        let all: BTreeSet<&str> = paths.iter().map(String::as_str).chain(folders).collect();
        self.releases.iter().flat_map(|release| all.iter().flat_map(|path| release.read(path))).collect()
    }
}

fn agree(told: &Captures, captures: &Captures) -> bool {
    told.iter().all(|(name, value)| captures.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "chart: charts/{service}\nnamespace: \"{service}\"\nlayers:\n\
        - {name: global, file: \"values/{service}/global.yaml\"}\n\
        - {name: cluster, file: \"values/{service}/{environment}/{cluster}.yaml\", optional: true}\n";
    const PATHS: &[&str] = &[
        "charts/web/Chart.yaml",
        "charts/web/charts/sub/Chart.yaml",
        "charts/dns/Chart.yaml",
        "values/web/global.yaml",
        "values/web/prod/eu.yaml",
        "values/dns/prod/eu.yaml",
        "values/web/dev/one.yaml",
    ];

    fn check(more: &str, expected: &[&str]) {
        let fleet = Fleet::read(format!("{FILE}{more}").as_bytes()).expect("it is a fleet");
        let paths: Vec<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
        let releases = fleet.releases(&paths).expect("all captures are known");
        let shown = |one: &FleetRelease| {
            let environment = one.captures.get("environment").map_or("", String::as_str);
            format!("{} {} {} {environment}", one.title(), one.chart, one.namespace)
        };
        assert_eq!(releases.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_service_with_a_chart_runs_on_every_cluster() {
        check(
            "clusters: {eu: {labels: {environment: prod}}, one: {labels: {environment: dev}}}\n",
            &[
                "dns@eu charts/dns dns prod",
                "dns@one charts/dns dns dev",
                "web@eu charts/web web prod",
                "web@one charts/web web dev",
            ],
        );
    }

    #[test]
    fn folders_tell_of_clusters_and_releases_where_the_file_does_not() {
        check(
            "releases: [\"values/{service}/{environment}/{cluster}.yaml\"]\n",
            &["dns@eu charts/dns dns prod", "web@eu charts/web web prod", "web@one charts/web web dev"],
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| match Fleet::read(text.as_bytes()) {
            Ok(fleet) => fleet.releases(&[]).map(drop).expect_err("it is no fleet").to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error("chart: c\nlayer: []\n").contains("unknown field `layer`"));
        assert!(error("chart: charts/{service\n").contains("is not closed"));
        let paths = ["charts/web/Chart.yaml".to_owned()];
        let fleet = Fleet::read(b"chart: charts/{service}\nnamespace: \"{team}\"\nclusters: {a: {}}\n");
        let error = fleet.expect("it is a fleet").releases(&paths).expect_err("there is no team");
        assert!(error.to_string().contains("there is no `{team}`"), "{error}");
    }
}
