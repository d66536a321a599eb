//! What a chart is: metadata, templates, files, defaults, a schema, and the charts it brings along.
//!
//! A chart is loaded once from files that the caller read, is immutable and shared between renders and threads, and
//! keeps its templates parsed. It follows one Helm, chosen at loading, because the two read `values.yaml` differently.
//!
//! Dependencies must be in `charts/`, as for `helm template`: this crate fetches nothing. A dependency with a `file://`
//! repository that is not there yet is added by the caller, as files under `charts/NAME/` ([`Chart::requirements`] says
//! which are missing).

mod archive;
mod coalesce;
mod crds;
pub(crate) mod dependencies;
pub(crate) mod fields;
pub(crate) mod glob;
mod ignore;
mod load;
mod metadata;
pub(crate) mod path_match;
pub(crate) mod scoped;
pub(crate) mod values_file;
mod values_schema;
mod versions;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

pub use load::SourceFile;
pub use metadata::{Dependency, Maintainer, Metadata};

pub use crds::CrdFile;
pub(crate) use crds::custom_resource_definitions;
pub(crate) use load::base_name;
pub(crate) use values_schema::validate;
pub(crate) use versions::is_in_range;

use crate::render::RenderError;
use crate::template::TemplateSet;
use crate::tree::{NodeMap, Position};
use crate::{Mode, chart::load::Loading};

/// Positions with a source from here on are in a file of the chart; see [`Chart::source_name`].
pub const CHART_SOURCES: u32 = 1 << 31;

/// A loaded chart with its subcharts. A clone is the same chart.
#[derive(Clone)]
pub struct Chart {
    root: Arc<Unit>,
    shared: Arc<Shared>,
}

/// What belongs to the chart as a whole.
struct Shared {
    mode: Mode,
    warnings: Vec<String>,
    sources: Vec<Arc<str>>,
    /// Parsed templates by the set of charts that took part.
    parsed: Mutex<HashMap<String, Arc<TemplateSet>>>,
}

/// One chart of the tree, as loaded.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    pub(crate) metadata: Metadata,
    pub(crate) templates: Vec<ChartFile>,
    pub(crate) values: Arc<NodeMap>,
    pub(crate) schema: Option<Arc<[u8]>>,
    pub(crate) files: Vec<ChartFile>,
    pub(crate) dependencies: Vec<Arc<Unit>>,
}

/// A file of a chart.
#[derive(Clone, Debug)]
pub(crate) struct ChartFile {
    /// The path within the chart.
    pub(crate) name: Arc<str>,
    pub(crate) data: Arc<[u8]>,
}

/// How many sets of parsed templates a chart keeps.
const KEPT_SETS: usize = 16;

impl Chart {
    /// Loads a chart from all files of its directory, with paths relative to it; `.helmignore` is applied here.
    ///
    /// # Errors
    /// With Helm's message, when the files are no valid chart.
    pub fn load(files: Vec<SourceFile>, mode: Mode) -> Result<Chart, RenderError> {
        let files = load::prepare_directory(files, mode).map_err(RenderError::plain)?;
        Chart::from_files(files, mode)
    }

    /// Loads a packaged chart: the bytes of a `.tgz`.
    ///
    /// # Errors
    /// With Helm's message, when the archive is unsafe or holds no valid chart.
    pub fn load_archive(bytes: &[u8], mode: Mode) -> Result<Chart, RenderError> {
        let files = archive::read(bytes, mode).map_err(RenderError::plain)?;
        Chart::from_files(files, mode)
    }

    fn from_files(files: Vec<SourceFile>, mode: Mode) -> Result<Chart, RenderError> {
        let mut loading = Loading::new(mode);
        let root = load::load_files(files, &mut loading).map_err(RenderError::plain)?;
        let version = root.metadata.api_version.as_str();
        if mode == Mode::Helm4 && !matches!(version, "v1" | "v2") {
            let message =
                if version == "v3" { "invalid chart apiVersion" } else { "unsupported chart version" };
            return Err(RenderError::plain(message));
        }
        let Loading { warnings, sources, .. } = loading;
        let shared = Shared { mode, warnings, sources, parsed: Mutex::default() };
        Ok(Chart { root: Arc::new(root), shared: Arc::new(shared) })
    }

    /// Returns what Chart.yaml says.
    pub fn metadata(&self) -> &Metadata {
        &self.root.metadata
    }

    /// Returns which Helm the chart was loaded for.
    pub fn mode(&self) -> Mode {
        self.shared.mode
    }

    /// Returns the chart's own defaults, without its subcharts'.
    pub fn default_values(&self) -> &NodeMap {
        &self.root.values
    }

    /// Returns the defaults of every subchart, at any depth, with the keys under which its parents' values hold them.
    pub fn subchart_values(&self) -> Vec<(Vec<&str>, &NodeMap)> {
        let mut found = Vec::new();
        collect_values(&self.root, &mut Vec::new(), &mut found);
        found
    }

    /// Returns the dependencies of Chart.yaml, each with whether it is among the loaded subcharts.
    pub fn requirements(&self) -> impl Iterator<Item = (&Dependency, bool)> {
        self.root.metadata.dependencies.iter().flatten().map(|wanted| {
            let loaded = |unit: &&Arc<Unit>| unit.metadata.name == wanted.name;
            (wanted, self.root.dependencies.iter().find(loaded).is_some())
        })
    }

    /// Returns the path, within the chart, of the file that a position is in; `None` if it is in no chart file.
    pub fn source_name(&self, position: Position) -> Option<&str> {
        let index = position.source.checked_sub(CHART_SOURCES)?;
        self.shared.sources.get(index as usize).map(|name| &**name)
    }

    pub(crate) fn root(&self) -> &Arc<Unit> {
        &self.root
    }

    pub(crate) fn load_warnings(&self) -> &[String] {
        &self.shared.warnings
    }

    /// Returns the parsed templates for a set of charts, parsing them the first time.
    pub(crate) fn templates(
        &self,
        key: String,
        parse: impl FnOnce() -> Result<TemplateSet, RenderError>,
    ) -> Result<Arc<TemplateSet>, RenderError> {
        let lock = || self.shared.parsed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(set) = lock().get(&key) {
            return Ok(Arc::clone(set));
        }
        let set = Arc::new(parse()?);
        let mut parsed = lock();
        if parsed.len() >= KEPT_SETS {
            parsed.clear();
        }
        parsed.insert(key, Arc::clone(&set));
        Ok(set)
    }
}

impl fmt::Debug for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Metadata { name, version, .. } = self.metadata();
        f.debug_struct("Chart")
            .field("name", name)
            .field("version", version)
            .field("mode", &self.mode())
            .finish()
    }
}

fn collect_values<'a>(unit: &'a Unit, keys: &mut Vec<&'a str>, found: &mut Vec<(Vec<&'a str>, &'a NodeMap)>) {
    for subchart in &unit.dependencies {
        let own = subchart.metadata.name.as_str();
        let listed = unit.metadata.dependencies.iter().flatten().filter(|one| one.name == own);
        let mut names: Vec<&str> = listed.map(Dependency::effective_name).collect();
        if names.is_empty() {
            names.push(own);
        }
        for name in names {
            keys.push(name);
            found.push((keys.clone(), &*subchart.values));
            collect_values(subchart, keys, found);
            keys.pop();
        }
    }
}

/// Builds the values that templates see, from defaults and what the user gave.
pub(crate) fn coalesce_values(
    chart: &scoped::Scoped,
    user: NodeMap,
    mode: Mode,
    warnings: &mut Vec<String>,
) -> Result<NodeMap, String> {
    coalesce::Coalesce { mode, warnings }.chart(chart, user, coalesce::Nulls::Drop)
}

/// Go's `path.Clean`.
pub(crate) fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests;
