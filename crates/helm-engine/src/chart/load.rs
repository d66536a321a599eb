//! A list of files to a chart: which file is metadata, values, template, subchart or plain file.
//!
//! Follows Helm's `loader.LoadFiles` and `LoadDir`: Chart.yaml first, requirements.yaml merged into it, `templates/` to
//! templates, `charts/` to subcharts (packed or not), the rest to `.Files`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{ChartFile, Unit, archive, ignore::Rules, metadata::Metadata};
use crate::Mode;

/// The deepest nesting of subcharts: an archive may hold itself.
const MAX_NESTING: usize = 64;
/// The most bytes of all files of a chart directory, as Helm 4 bounds them.
const MAX_DIRECTORY_BYTES: usize = 100 << 20;

/// A file of a chart as its caller hands it over: the path within the chart, with `/`, and the content.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path relative to the chart's directory.
    pub path: Arc<str>,
    /// The content.
    pub data: Arc<[u8]>,
}

impl SourceFile {
    /// Makes a file of a path and its content.
    pub fn new(path: impl Into<Arc<str>>, data: impl Into<Arc<[u8]>>) -> Self {
        SourceFile { path: path.into(), data: data.into() }
    }
}

/// Drops what `.helmignore` names, strips byte order marks, and puts the files into the order of a directory walk.
pub(super) fn prepare_directory(mut files: Vec<SourceFile>, mode: Mode) -> Result<Vec<SourceFile>, String> {
    let rules = files.iter().find(|file| &*file.path == ".helmignore");
    let rules = Rules::parse(rules.map(|file| &*file.data).unwrap_or_default())?;
    let mut directories = HashMap::new();
    let kept: Vec<bool> =
        files.iter().map(|file| !rules.ignores_file(&file.path, &mut directories)).collect();
    let mut kept = kept.into_iter();
    files.retain(|_| kept.next().unwrap_or(true));
    files.sort_by(|a, b| a.path.split('/').cmp(b.path.split('/')));
    let mut total = 0;
    for file in &mut files {
        let size = file.data.len();
        if mode == Mode::Helm3 && size as u64 > archive::MAX_FILE_BYTES {
            let (name, limit) = (base_name(&file.path), archive::MAX_FILE_BYTES);
            return Err(format!(
                "chart file {} is larger than the maximum file size {limit}",
                crate::gotext::quote(name)
            ));
        }
        total += size;
        if total > MAX_DIRECTORY_BYTES {
            let path = &file.path;
            return Err(format!(
                "error reading {path}: chart exceeds maximum decompressed size of {MAX_DIRECTORY_BYTES} bytes"
            ));
        }
    }
    Ok(files)
}

/// Makes a chart of files whose paths are relative to it.
pub(super) fn load_files(files: Vec<SourceFile>, loading: &mut Loading) -> Result<Unit, String> {
    let mut unit = Unit { metadata: Metadata::default(), ..Unit::default() };
    let mut has_metadata = false;
    for file in files.iter().filter(|file| &*file.path == "Chart.yaml") {
        has_metadata = true;
        let document = read_fields(without_bom(&file.data));
        let metadata = document.and_then(|document| unit.metadata.read(document.as_ref(), loading.mode));
        metadata.map_err(|error| format!("cannot load Chart.yaml: {error}"))?;
        if unit.metadata.api_version.is_empty() {
            unit.metadata.api_version = "v1".to_owned();
        }
    }
    let mut subcharts: BTreeMap<Arc<str>, Vec<SourceFile>> = BTreeMap::new();
    for file in files {
        let data = without_bom_shared(&file.data);
        match &*file.path {
            "Chart.yaml" => {}
            "Chart.lock" => {
                check_lock(&file.path, &data)?;
            }
            "values.yaml" => {
                let values = loading.read_values(&file.path, &data);
                unit.values = values.map_err(|error| format!("cannot load values.yaml: {error}"))?;
            }
            "values.schema.json" => unit.schema = Some(data),
            "requirements.yaml" => {
                has_metadata = true;
                let document = read_fields(&data);
                let requirements =
                    document.and_then(|document| unit.metadata.read(document.as_ref(), loading.mode));
                requirements.map_err(|error| format!("cannot load requirements.yaml: {error}"))?;
                keep_old_file(&mut unit, &file.path, data, loading);
            }
            "requirements.lock" => {
                has_metadata = true;
                check_lock(&file.path, &data)?;
                keep_old_file(&mut unit, &file.path, data, loading);
            }
            path if path.starts_with("templates/") => {
                unit.templates.push(ChartFile { name: Arc::clone(&file.path), data });
            }
            path => match path.strip_prefix("charts/") {
                Some(rest) if extension(path) != ".prov" => {
                    let name = rest.split('/').next().unwrap_or(rest);
                    subcharts.entry(name.into()).or_default().push(SourceFile::new(rest, data));
                }
                _ => unit.files.push(ChartFile { name: Arc::clone(&file.path), data }),
            },
        }
    }
    if !has_metadata {
        return Err("Chart.yaml file is missing".to_owned());
    }
    unit.metadata.validate()?;
    load_subcharts(&mut unit, subcharts, loading)?;
    Ok(unit)
}

fn load_subcharts(
    unit: &mut Unit,
    subcharts: BTreeMap<Arc<str>, Vec<SourceFile>>,
    loading: &mut Loading,
) -> Result<(), String> {
    loading.nesting += 1;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let parent = &unit.metadata.name;
        let outer = loading.enter(&name);
        let loaded = if loading.nesting > MAX_NESTING {
            Err(format!("charts are nested more than {MAX_NESTING} deep"))
        } else if extension(&name) == ".tgz" {
            let file = &files[0];
            if file.path != name {
                let got = &file.path;
                return Err(format!("error unpacking subchart tar in {parent}: expected {name}, got {got}"));
            }
            archive::read(&file.data, loading.mode).and_then(|files| load_files(files, loading))
        } else {
            let files = files.iter().filter_map(|file| {
                let (_, rest) = file.path.split_once('/')?;
                Some(SourceFile::new(rest, Arc::clone(&file.data)))
            });
            load_files(files.collect(), loading)
        };
        loading.folder = outer;
        let subchart =
            loaded.map_err(|error| format!("error unpacking subchart {name} in {parent}: {error}"))?;
        unit.dependencies.push(Arc::new(subchart));
    }
    loading.nesting -= 1;
    Ok(())
}

/// What loading carries along: the mode, the warnings, and the numbers of the files that positions name.
pub(super) struct Loading {
    pub(super) mode: Mode,
    pub(super) warnings: Vec<String>,
    pub(super) sources: Vec<Arc<str>>,
    folder: String,
    nesting: usize,
}

impl Loading {
    pub(super) fn new(mode: Mode) -> Self {
        Loading { mode, warnings: Vec::new(), sources: Vec::new(), folder: String::new(), nesting: 0 }
    }

    /// Enters the folder of a subchart and returns the one that was left.
    fn enter(&mut self, subchart: &str) -> String {
        let inner = format!("{}charts/{subchart}/", self.folder);
        std::mem::replace(&mut self.folder, inner)
    }

    fn source(&mut self, path: &str) -> u32 {
        self.sources.push(format!("{}{path}", self.folder).into());
        super::CHART_SOURCES + u32::try_from(self.sources.len() - 1).unwrap_or_default()
    }

    fn read_values(&mut self, path: &str, data: &[u8]) -> Result<Arc<crate::tree::NodeMap>, String> {
        let source = self.source(path);
        super::values_file::read(data, source, self.mode).map(Arc::new).map_err(|error| error.to_string())
    }
}

fn read_fields(data: &[u8]) -> Result<Option<crate::yaml::Field>, String> {
    crate::yaml::read_with_spans(data).map_err(|error| error.to_string())
}

/// A lock file is read for its errors only: rendering does not compare it.
fn check_lock(path: &str, data: &[u8]) -> Result<(), String> {
    let lock = read_fields(data);
    lock.map(drop).map_err(|error| format!("cannot load {path}: {error}"))
}

/// requirements.yaml and its lock stay files for charts of the first version, and draw a warning from others.
fn keep_old_file(unit: &mut Unit, path: &Arc<str>, data: Arc<[u8]>, loading: &mut Loading) {
    if unit.metadata.api_version == "v1" {
        unit.files.push(ChartFile { name: Arc::clone(path), data });
        return;
    }
    let warning = if path.ends_with(".lock") {
        "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
         We recommend migrating to Chart.lock."
    } else {
        "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
         We recommend migrating dependencies to Chart.yaml."
    };
    loading.warnings.push(warning.to_owned());
}

fn without_bom(data: &[u8]) -> &[u8] {
    data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data)
}

fn without_bom_shared(data: &Arc<[u8]>) -> Arc<[u8]> {
    match data.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => Arc::from(rest),
        None => Arc::clone(data),
    }
}

/// The extension of the last part of a path, with its dot.
pub(super) fn extension(path: &str) -> &str {
    let base = base_name(path);
    base.rfind('.').map_or("", |dot| &base[dot..])
}

pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
