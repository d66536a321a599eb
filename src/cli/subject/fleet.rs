//! A fleet at the command line: its file, the files of its folder, and one release of it at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use helm_engine::Request;
use helm_engine::chart::Chart;

use super::{Parts, ReleaseArguments, Subject};
use crate::cli::inputs;
use crate::fleet::{Fleet, FleetRelease};
use crate::layers::nearest::nearest;
use crate::layers::stack::Stack;

/// A fleet with the files of its folder, and the charts that were loaded so far.
pub(in crate::cli) struct Catalog<'a> {
    arguments: &'a ReleaseArguments,
    pub(in crate::cli) fleet: Fleet,
    root: PathBuf,
    pub(in crate::cli) releases: Vec<FleetRelease>,
    charts: BTreeMap<String, Chart>,
}

impl<'a> Catalog<'a> {
    /// Reads a fleet's file and lists the files of its folder.
    pub(in crate::cli) fn open(arguments: &'a ReleaseArguments, file: &str) -> Result<Self, String> {
        let text = inputs::file(file)?;
        let fleet = Fleet::read(&text).map_err(|error| format!("Error: {file}: {error}"))?;
        let parent = Path::new(file).parent().unwrap_or(Path::new(""));
        let root = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent.to_path_buf() };
        let paths = inputs::list(&root)?;
        let releases = fleet.releases(&paths).map_err(|error| format!("Error: {file}: {error}"))?;
        if releases.is_empty() {
            let hint = format!("hint: a chart is looked for as {}, from the folder of {file}", fleet.chart);
            return Err(format!("Error: {file} describes no release\n{hint}"));
        }
        Ok(Catalog { arguments, fleet, root, releases, charts: BTreeMap::new() })
    }

    /// Finds a release by its title.
    pub(in crate::cli) fn release(&self, title: &str) -> Result<FleetRelease, String> {
        if let Some(found) = self.releases.iter().find(|release| release.title() == title) {
            return Ok(found.clone());
        }
        let titles: Vec<String> = self.releases.iter().map(FleetRelease::title).collect();
        let near = nearest(title, titles.iter().map(String::as_str), 3, usize::MAX);
        let error = format!("Error: the fleet has no release {title:?}");
        Err(inputs::with_nearest(error, "releases", &near))
    }

    /// Loads chart and layers of a release, and renders it.
    pub(in crate::cli) fn subject(&mut self, release: &FleetRelease) -> Result<Subject, String> {
        let chart_path = self.shown(&release.chart);
        let chart = match self.charts.get(&chart_path) {
            Some(chart) => chart.clone(),
            None => {
                let chart = inputs::chart(Path::new(&chart_path), self.arguments.rendering.mode())?;
                self.charts.insert(chart_path.clone(), chart.clone());
                chart
            }
        };
        let mut request = self.arguments.rendering.request(&release.service, Vec::new())?;
        request.namespace.clone_from(&release.namespace);
        if let Some(cluster) = self.fleet.clusters.get(&release.cluster) {
            if let Some(version) = &cluster.kube_version {
                request.kube_version.clone_from(version);
            }
            request.api_versions.extend(cluster.api_versions.iter().cloned());
        }
        let stack = self.stack(release, &request)?;
        Subject::new(Parts { chart, chart_path, stack, request }, self.arguments)
            .map_err(|error| format!("{}: {error}", release.title()))
    }

    fn stack(&self, release: &FleetRelease, request: &Request) -> Result<Stack, String> {
        let mut facts = inputs::facts(request, &release.captures);
        if let Some(cluster) = self.fleet.clusters.get(&release.cluster) {
            facts.labels.clone_from(&cluster.labels);
        }
        let files = self.fleet.layout.files(&release.captures);
        let files = files.map_err(|error| format!("Error: {}: {error}", release.title()))?;
        let mut stack = Stack::default();
        for file in files {
            let shown = self.shown(&file.path);
            if file.optional && !Path::new(&shown).exists() {
                continue;
            }
            stack.layers.push(inputs::layer(&file.name, &shown, &facts, &stack)?);
        }
        Ok(stack)
    }

    /// Gives a path of the fleet as a person at the command line would write it.
    pub(in crate::cli) fn shown(&self, path: &str) -> String {
        let joined = self.root.join(path).display().to_string();
        joined.strip_prefix("./").map_or(joined.clone(), str::to_owned)
    }

    /// Gives a file's path in the fleet's folder.
    pub(in crate::cli) fn relative(&self, file: &str) -> String {
        let real = |path: &Path| path.canonicalize().ok();
        let inside = real(Path::new(file))
            .zip(real(&self.root))
            .and_then(|(file, root)| file.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned));
        inside.unwrap_or_else(|| file.trim_start_matches("./").to_owned())
    }

    /// Says that a file is part of no release, and which layers are near.
    pub(in crate::cli) fn no_layer(&self, path: &str) -> String {
        let files = self
            .releases
            .iter()
            .flat_map(|release| self.fleet.layout.files(&release.captures).unwrap_or_default());
        let files: BTreeSet<String> =
            files.map(|file| file.path).filter(|file| self.root.join(file).exists()).collect();
        let near = nearest(path, files.iter().map(String::as_str), 3, usize::MAX);
        inputs::with_nearest(
            format!("Error: {path} is neither a layer nor part of a chart of any release"),
            "layers",
            &near,
        )
    }
}
