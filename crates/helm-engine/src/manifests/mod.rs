//! From rendered text to manifests: split into documents, heads parsed, hooks set apart, sorted, printed.
//!
//! Follows Helm's `releaseutil` and the printing of `helm template`. Cutting is textual and differs between the two
//! Helms; only the head of a document is understood here, the rest is the reader's business.

mod head;
mod hooks;
mod kinds;
mod printing;
mod split;

use std::ops::Range;

pub use head::Head;
pub use hooks::{DeletePolicy, Hook, HookEvent};
pub use printing::PrintOptions;

use crate::render::{Location, RenderError};
use crate::trace::Trace;
use crate::value::Text;
use crate::{Mode, yaml};

pub(crate) use printing::print;

/// A document of a rendered template.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The template it came from, with the chart's full path before it.
    pub path: String,
    /// The text as Helm prints it, without separator and source line.
    pub text: Vec<u8>,
    /// Where the text lies in the output of the template.
    pub range: Range<usize>,
    /// What it says it is.
    pub head: Head,
    /// Its fields with the bytes of `text` they came from, in a fully traced render; none if the document holds no
    /// value.
    pub fields: Option<crate::yaml::Field>,
}

/// The documents of a render, in Helm's order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) manifests: Vec<Manifest>,
    pub(crate) hooks: Vec<Hook>,
    pub(crate) warnings: Vec<String>,
}

/// Splits the output of templates, given by path in byte order, and sorts the documents by kind.
pub(crate) fn sort(outputs: &[(String, Text)], mode: Mode, trace: Trace) -> Result<Sorted, RenderError> {
    let mut sorted = Sorted::default();
    for (path, output) in outputs {
        let output = output.bytes();
        if crate::chart::base_name(path).starts_with('_') || split::is_blank(output) {
            continue;
        }
        for range in split::documents(output, mode) {
            let manifest = read(path, &output[range.clone()], range, mode, trace)?;
            match hooks::classify(&manifest.head) {
                hooks::Class::Manifest => sorted.manifests.push(manifest),
                hooks::Class::Hook(facts) => sorted.hooks.push(facts.with(manifest)),
                hooks::Class::Unknown(names) => {
                    let names = crate::gotext::quote(&names);
                    sorted.warnings.push(format!("info: skipping unknown hook: {names}"));
                }
            }
        }
    }
    sorted.manifests.sort_by(|a, b| kinds::compare(&a.head.kind, &b.head.kind, mode));
    sorted.hooks.sort_by(|a, b| kinds::compare(&a.manifest.head.kind, &b.manifest.head.kind, mode));
    Ok(sorted)
}

fn read(
    path: &str,
    text: &[u8],
    range: Range<usize>,
    mode: Mode,
    trace: Trace,
) -> Result<Manifest, RenderError> {
    let failed = |reason: String, line: u32, column: u32| {
        let location = (line > 0).then(|| Location { template: path.to_owned(), line, column });
        let error = RenderError::rendering(format!("YAML parse error on {path}: {reason}"));
        error.at(location, text)
    };
    let traced = trace >= Trace::Full;
    let fields = if traced { yaml::read_with_spans(text) } else { yaml::read_head(text) };
    let fields = fields.map_err(|error| failed(error.to_string(), error.line, error.column))?;
    let head = Head::read(fields.as_ref(), mode).map_err(|reason| failed(reason, 0, 0))?;
    let fields = fields.filter(|_| traced);
    Ok(Manifest { path: path.to_owned(), text: text.to_vec(), range, head, fields })
}

#[cfg(test)]
mod tests;
