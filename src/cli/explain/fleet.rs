//! Questions about a fleet: one release of it, or which releases of which clusters a line reaches.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;

use super::lines::LineAnswer;
use super::question::{self, What};
use super::{Answer, Arguments, explain, lines, write};
use crate::cli::subject::fleet::Catalog;
use crate::fleet::FleetRelease;

/// Answers a question about a fleet.
pub(super) fn run(arguments: &Arguments, file: &str) -> Result<Vec<u8>, String> {
    let mut catalog = Catalog::open(&arguments.release, file)?;
    let (first, rest) = arguments.given.split_first().ok_or("Error: nothing to explain is given")?;
    if let (Some((file, line)), []) = (question::file_and_line(first), rest) {
        return self::line(&mut catalog, &file, line).and_then(|answer| write(arguments.output, &answer));
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

/// Finds the releases that a line of a file reaches.
fn line(catalog: &mut Catalog<'_>, file: &str, line: u32) -> Result<FleetAnswer, String> {
    let path = catalog.relative(file);
    let has_layer = |release: &&FleetRelease| {
        let files = catalog.fleet.layout.files(&release.captures).unwrap_or_default();
        let in_chart = path.strip_prefix(release.chart.as_str()).is_some_and(|rest| rest.starts_with('/'));
        in_chart || files.iter().any(|layer| layer.path == path)
    };
    let concerned: Vec<FleetRelease> = catalog.releases.iter().filter(has_layer).cloned().collect();
    if concerned.is_empty() {
        return Err(catalog.no_layer(&path));
    }
    let mut groups: BTreeMap<LineAnswer, Vec<String>> = BTreeMap::new();
    let mut failed = BTreeMap::new();
    for release in &concerned {
        let shown = catalog.shown(&path);
        match catalog.subject(release).and_then(|subject| lines::answer(&subject, &shown, line)) {
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
    let clusters = catalog.releases.iter().map(|release| &release.cluster).collect::<BTreeSet<_>>().len();
    Ok(FleetAnswer {
        line: format!("{file}:{line}"),
        groups,
        failed,
        releases: catalog.releases.len(),
        clusters,
    })
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
        !self.reaches.is_empty()
            || !self.may_change.is_empty()
            || self.switches_subcharts
            || !self.read_by.is_empty()
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
