//! Custom resource definitions: the files under `crds/`, which are never templates.

use std::sync::Arc;

use super::load::extension;
use super::scoped::Scoped;

/// A file under `crds/` as `--include-crds` prints it.
#[derive(Clone, Debug)]
pub struct CrdFile {
    /// The path of the file, with the chart's full path before it.
    pub path: String,
    /// The content, unsplit.
    pub data: Arc<[u8]>,
}

/// Returns the files of a chart and then of its subcharts.
pub(crate) fn custom_resource_definitions(chart: &Scoped) -> Vec<CrdFile> {
    let mut found = Vec::new();
    chart.visit(&chart.name, &mut |chart, path| {
        for file in &chart.unit.files {
            if file.name.starts_with("crds/") && is_manifest(&file.name) {
                let path = super::clean_path(&format!("{path}/{}", file.name));
                found.push(CrdFile { path, data: Arc::clone(&file.data) });
            }
        }
    });
    found
}

fn is_manifest(name: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|wanted| extension(name).eq_ignore_ascii_case(wanted))
}
