//! The standard output of `helm template`.

use super::{Hook, HookEvent, Manifest, split};
use crate::Mode;
use crate::chart::{CrdFile, path_match};
use crate::render::RenderError;

/// What `helm template` prints; the default is its default.
#[derive(Clone, Debug, Default)]
pub struct PrintOptions {
    /// `--include-crds`: the files under `crds/` first.
    pub include_crds: bool,
    /// `--no-hooks`: no hooks.
    pub no_hooks: bool,
    /// `--skip-tests`: no hooks that run on the test event.
    pub skip_tests: bool,
    /// `--show-only`: the documents of these templates, in this order; shell patterns below the chart's name.
    pub show_only: Vec<String>,
}

/// Prints manifests, hooks and definitions the way `helm template` does.
pub(crate) fn print(
    manifests: &[Manifest],
    hooks: &[Hook],
    crds: &[CrdFile],
    options: &PrintOptions,
    mode: Mode,
) -> Result<Vec<u8>, RenderError> {
    let mut text = Vec::new();
    if options.include_crds {
        crds.iter().for_each(|crd| push(&mut text, &crd.path, &crd.data));
    }
    manifests.iter().for_each(|manifest| push(&mut text, &manifest.path, &manifest.text));
    let trimmed = split::trim(&text, 0..text.len());
    let mut printed = text;
    printed.truncate(trimmed.end);
    printed.drain(..trimmed.start);
    printed.push(b'\n');
    if !options.no_hooks {
        let shown =
            hooks.iter().filter(|hook| !(options.skip_tests && hook.events.contains(&HookEvent::Test)));
        shown.for_each(|hook| push(&mut printed, &hook.manifest.path, &hook.manifest.text));
    }
    if options.show_only.is_empty() { Ok(printed) } else { show_only(&printed, &options.show_only, mode) }
}

fn push(text: &mut Vec<u8>, path: &str, content: &[u8]) {
    text.extend_from_slice(b"---\n# Source: ");
    text.extend_from_slice(path.as_bytes());
    text.push(b'\n');
    text.extend_from_slice(content);
    text.push(b'\n');
}

/// Splits the printed text again and keeps what comes from the wanted templates.
fn show_only(printed: &[u8], wanted: &[String], mode: Mode) -> Result<Vec<u8>, RenderError> {
    let documents = split::documents(printed, mode);
    let named: Vec<(&[u8], &[u8])> = documents
        .iter()
        .filter_map(|range| Some((source_path(&printed[range.clone()])?, &printed[range.clone()])))
        .collect();
    let mut shown = Vec::new();
    for pattern in wanted {
        let matching =
            named.iter().filter(|(path, _)| path_match::matches(pattern.as_bytes(), path) == Ok(true));
        let mut missing = true;
        for (_, document) in matching {
            missing = false;
            shown.extend_from_slice(b"---\n");
            shown.extend_from_slice(document);
            shown.push(b'\n');
        }
        if missing {
            return Err(RenderError::plain(format!("could not find template {pattern} in chart")));
        }
    }
    Ok(shown)
}

/// Finds the first `# Source: CHART/PATH` and returns its path.
fn source_path(document: &[u8]) -> Option<&[u8]> {
    const MARKER: &[u8] = b"# Source: ";
    let starts = document.windows(MARKER.len()).enumerate().filter(|(_, window)| *window == MARKER);
    starts.map(|(start, _)| &document[start + MARKER.len()..]).find_map(|rest| {
        let slash = rest.iter().position(|byte| *byte == b'/').filter(|slash| *slash > 0)?;
        let path = rest[slash + 1..].split(|byte| *byte == b'\n').next()?;
        (!path.is_empty()).then_some(path)
    })
}
