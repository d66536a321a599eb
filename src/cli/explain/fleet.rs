//! Questions about a fleet: one release of it, or which releases of which clusters a line reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use helm_engine::chart::Chart;
use serde::Serialize;

use super::lines::LineAnswer;
use super::question::{self, What};
use super::subject::Subject;
use super::{Answer, Arguments, answers, explain, lines, write};
use crate::cli::inputs;
use crate::fleet::{Fleet, FleetRelease};
use crate::layers::layer::Layer;
use crate::layers::nearest::nearest;
use crate::layers::stack::Stack;

/// Answers a question about a fleet.
pub(super) fn run(arguments: &Arguments, file: &str) -> Result<Vec<u8>, String> {
    let mut catalog = Catalog::open(arguments, file)?;
    let (first, rest) = arguments.given.split_first().ok_or("Error: nothing to explain is given")?;
    if let (Some((file, line)), []) = (question::file_and_line(first), rest) {
        return catalog.line(&file, line).and_then(|answer| write(arguments.output, &answer));
    }
    let release = catalog.release(first)?;
    let what = question::read(rest)?;
    let subject = catalog.subject(&release)?;
    let what = match what {
        What::Line { file, line } => What::Line { file: catalog.shown(&catalog.relative(&file)), line },
        other => other,
    };
    explain(&subject, &what, arguments.output)
}

/// A fleet with the files of its folder, and the charts that were loaded so far.
struct Catalog<'a> {
    arguments: &'a Arguments,
    fleet: Fleet,
    root: PathBuf,
    releases: Vec<FleetRelease>,
    charts: BTreeMap<String, Chart>,
}

impl<'a> Catalog<'a> {
    fn open(arguments: &'a Arguments, file: &str) -> Result<Self, String> {
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

    fn release(&self, title: &str) -> Result<FleetRelease, String> {
        if let Some(found) = self.releases.iter().find(|release| release.title() == title) {
            return Ok(found.clone());
        }
        let titles: Vec<String> = self.releases.iter().map(FleetRelease::title).collect();
        let near = nearest(title, titles.iter().map(String::as_str), 3, usize::MAX);
        let error = format!("Error: the fleet has no release {title:?}");
        Err(answers::with_nearest(error, "releases", &near))
    }

    /// Loads chart and layers of a release, and renders it.
    fn subject(&mut self, release: &FleetRelease) -> Result<Subject, String> {
        let chart_path = self.shown(&release.chart);
        let chart = match self.charts.get(&chart_path) {
            Some(chart) => chart.clone(),
            None => {
                let chart = inputs::chart(Path::new(&chart_path), self.arguments.rendering.mode())?;
                self.charts.insert(chart_path.clone(), chart.clone());
                chart
            }
        };
        let stack = self.stack(release)?;
        let mut request = self.arguments.rendering.request(&release.service, Vec::new())?;
        request.namespace.clone_from(&release.namespace);
        if let Some(cluster) = self.fleet.clusters.get(&release.cluster) {
            if let Some(version) = &cluster.kube_version {
                request.kube_version.clone_from(version);
            }
            request.api_versions.extend(cluster.api_versions.iter().cloned());
        }
        Subject::new(chart, &chart_path, stack, request)
            .map_err(|error| format!("{}: {error}", release.title()))
    }

    fn stack(&self, release: &FleetRelease) -> Result<Stack, String> {
        let files = self.fleet.layout.files(&release.captures);
        let files = files.map_err(|error| format!("Error: {}: {error}", release.title()))?;
        let mut stack = Stack::default();
        for file in files {
            let shown = self.shown(&file.path);
            if file.optional && !Path::new(&shown).exists() {
                continue;
            }
            let source = u32::try_from(stack.layers.len()).unwrap_or_default();
            let read = Layer::read(&file.name, Some(&shown), &inputs::file(&shown)?, source);
            stack.layers.push(read.map_err(|error| format!("Error: {error}"))?);
        }
        Ok(stack)
    }

    /// Gives a path of the fleet as a person at the command line would write it.
    fn shown(&self, path: &str) -> String {
        let joined = self.root.join(path).display().to_string();
        joined.strip_prefix("./").map_or(joined.clone(), str::to_owned)
    }

    /// Gives a file's path in the fleet's folder.
    fn relative(&self, file: &str) -> String {
        let real = |path: &Path| path.canonicalize().ok();
        let inside = real(Path::new(file))
            .zip(real(&self.root))
            .and_then(|(file, root)| file.strip_prefix(root).ok().and_then(Path::to_str).map(str::to_owned));
        inside.unwrap_or_else(|| file.trim_start_matches("./").to_owned())
    }

    /// Finds the releases that a line of a file reaches.
    fn line(&mut self, file: &str, line: u32) -> Result<FleetAnswer, String> {
        let path = self.relative(file);
        let has_layer = |release: &&FleetRelease| {
            let files = self.fleet.layout.files(&release.captures).unwrap_or_default();
            let in_chart =
                path.strip_prefix(release.chart.as_str()).is_some_and(|rest| rest.starts_with('/'));
            in_chart || files.iter().any(|layer| layer.path == path)
        };
        let concerned: Vec<FleetRelease> = self.releases.iter().filter(has_layer).cloned().collect();
        if concerned.is_empty() {
            return Err(self.no_layer(&path));
        }
        let mut groups: BTreeMap<LineAnswer, Vec<String>> = BTreeMap::new();
        let mut failed = BTreeMap::new();
        for release in &concerned {
            let shown = self.shown(&path);
            match self.subject(release).and_then(|subject| lines::answer(&subject, &shown, line)) {
                Ok(answer) => groups.entry(answer).or_default().push(release.title()),
                Err(error) => drop(failed.insert(release.title(), error)),
            }
        }
        if let (true, Some(error)) = (groups.is_empty(), failed.values().next()) {
            return Err(error.clone());
        }
        let mut groups: Vec<Group> =
            groups.into_iter().map(|(answer, releases)| Group { releases, answer }).collect();
        groups.sort_by_key(|group| std::cmp::Reverse((group.answer.is_effective(), group.releases.len())));
        let clusters = self.releases.iter().map(|release| &release.cluster).collect::<BTreeSet<_>>().len();
        Ok(FleetAnswer {
            line: format!("{file}:{line}"),
            groups,
            failed,
            releases: self.releases.len(),
            clusters,
        })
    }

    fn no_layer(&self, path: &str) -> String {
        let files = self
            .releases
            .iter()
            .flat_map(|release| self.fleet.layout.files(&release.captures).unwrap_or_default());
        let files: BTreeSet<String> =
            files.map(|file| file.path).filter(|file| self.root.join(file).exists()).collect();
        let near = nearest(path, files.iter().map(String::as_str), 3, usize::MAX);
        answers::with_nearest(
            format!("Error: {path} is neither a layer nor part of a chart of any release"),
            "layers",
            &near,
        )
    }
}

/// Which releases a line reaches.
#[derive(Serialize)]
struct FleetAnswer {
    line: String,
    /// Releases for which the answer is the same, those that it reaches first.
    groups: Vec<Group>,
    /// Releases that cannot be rendered, with the reason.
    failed: BTreeMap<String, String>,
    /// How many releases the fleet has.
    releases: usize,
    /// How many clusters the fleet has.
    clusters: usize,
}

#[derive(Serialize)]
struct Group {
    releases: Vec<String>,
    #[serde(flatten)]
    answer: LineAnswer,
}

impl LineAnswer {
    fn is_effective(&self) -> bool {
        !self.reaches.is_empty() || !self.may_change.is_empty() || self.switches_subcharts
    }
}

impl Answer for FleetAnswer {
    fn text(&self) -> String {
        let reached: Vec<&str> = self
            .groups
            .iter()
            .filter(|group| group.answer.is_effective())
            .flat_map(|group| group.releases.iter().map(String::as_str))
            .collect();
        let clusters: BTreeSet<&str> =
            reached.iter().filter_map(|title| title.split_once('@')).map(|(_, cluster)| cluster).collect();
        let mut text = self.groups.first().map(|group| group.answer.head()).unwrap_or_default();
        let _ = writeln!(
            text,
            "reaches {} of {} releases, on {} of {} clusters",
            reached.len(),
            self.releases,
            clusters.len(),
            self.clusters
        );
        for group in &self.groups {
            let _ = writeln!(text, "\n{}", group.releases.join(", "));
            group.answer.write_reach("", &mut text);
        }
        for (release, error) in &self.failed {
            let _ = writeln!(
                text,
                "\n{release} cannot be rendered\n  {}",
                error.trim_end().replace('\n', "\n  ")
            );
        }
        text
    }
}
