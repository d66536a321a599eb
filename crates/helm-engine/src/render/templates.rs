//! Running the templates of a chart and everything below it, in Helm's order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cluster::capabilities;
use super::scope::{Renderable, Surroundings, map_value, release, scope};
use super::values::{self, Marking};
use super::{
    Location, Prepared, Reason, RenderError, TemplateReads, TraceReport, Undecided, inputs, reasons,
};
use crate::capabilities::KubeVersion;
use crate::chart::{Chart, base_name};
use crate::context::Context;
use crate::error::TemplateError;
use crate::manifests::{Hook, Manifest};
use crate::request::Request;
use crate::template::{TemplateFile, TemplateSet};
use crate::trace::{Marks, Trace};
use crate::value::{Entries, Map, MapType, Text};

/// What the templates printed.
#[derive(Default)]
pub(super) struct Outputs {
    /// By path, in byte order; notes left out.
    pub(super) files: Vec<(String, Text)>,
    /// The output of the root chart's NOTES.txt.
    pub(super) notes: Vec<u8>,
    /// Whether a template asked for the time or for chance.
    pub(super) used_chance: bool,
    /// The output with its segments, by path.
    texts: BTreeMap<String, Text>,
    reads: Vec<TemplateReads>,
    subcharts: BTreeSet<Reason>,
    undecided: Vec<Undecided>,
}

/// Parses all templates, then runs those that are no partials.
pub(super) fn run(
    chart: &Chart,
    prepared: &Prepared,
    request: &Request,
    version: &KubeVersion,
) -> Result<Outputs, RenderError> {
    Marks::forget_all();
    let mode = chart.mode();
    let marking = if request.trace == Trace::Off { Marking::Off } else { Marking::On };
    let mut templates = BTreeMap::new();
    let switches = match marking {
        Marking::On => reasons::switches_of(chart.root(), ""),
        Marking::Off => Marks::NONE,
    };
    let mut around = Surroundings {
        mode,
        marking,
        switches,
        release: release(request, marking),
        capabilities: capabilities(version, &request.api_versions, mode, marking),
        templates: &mut templates,
    };
    let values = values::root(&prepared.values, marking);
    scope(&prepared.chart, &prepared.chart.name, values, true, &mut around);
    let order = in_helms_order(&templates);
    let set = parsed(chart, prepared, &templates, &order)?;
    let mut context =
        Context::new(mode, request.trace, request.limits, request.seed, request.now_unix_nanoseconds);
    context.outcomes.clone_from(&request.outcomes);
    let mut outputs = Outputs::default();
    let mut printed_bytes = 0;
    for name in order.iter().filter(|name| !base_name(name).starts_with('_')) {
        let template = &templates[*name];
        template.scope.set("Template", map_value(place(name, template)));
        let dot = map_value(template.scope.as_kind(MapType::Values));
        let rendered = set.execute(name, dot, &mut context).map_err(|error| {
            let undecided = std::mem::take(&mut context.undecided);
            failed(&error).after(undecided.into_values().collect())
        })?;
        printed_bytes += rendered.text.bytes().len();
        if printed_bytes > request.limits.output_bytes {
            let limit = request.limits.output_bytes;
            return Err(RenderError::rendering(format!("the templates print more than {limit} bytes")));
        }
        if request.trace != Trace::Off {
            outputs
                .reads
                .push(TemplateReads { template: (*name).to_owned(), reads: Reason::all(rendered.reads) });
        }
        outputs.texts.insert((*name).to_owned(), rendered.text);
    }
    outputs.subcharts = Reason::all(switches);
    outputs.used_chance = context.used_chance();
    outputs.undecided = std::mem::take(&mut context.undecided).into_values().collect();
    outputs.set_notes_apart(&prepared.chart.name);
    Ok(outputs)
}

/// Makes `.Template`.
fn place(name: &str, template: &Renderable) -> Map {
    let entries = [("Name", name), ("BasePath", &template.base_path)];
    let entries = entries.map(|(key, text)| (std::rc::Rc::from(key.as_bytes()), text.into()));
    Map::typed(MapType::Values, Entries::from(entries))
}

/// Sorts by number of slashes and then bytes, and turns that around: the deepest files first.
fn in_helms_order(templates: &BTreeMap<String, Renderable>) -> Vec<&str> {
    let mut names: Vec<&str> = templates.keys().map(String::as_str).collect();
    names.sort_by_cached_key(|name| (name.bytes().filter(|byte| *byte == b'/').count(), *name));
    names.reverse();
    names
}

/// Returns the parsed templates, which depend on the charts that take part and on nothing else of the request.
fn parsed(
    chart: &Chart,
    prepared: &Prepared,
    templates: &BTreeMap<String, Renderable>,
    order: &[&str],
) -> Result<Arc<TemplateSet>, RenderError> {
    let mut key = String::new();
    prepared.chart.visit(&prepared.chart.name, &mut |chart, path| {
        key.push_str(&format!("{path} {:p}\n", Arc::as_ptr(&chart.unit)));
    });
    chart.templates(key, || {
        let files = order
            .iter()
            .map(|name| TemplateFile { name: Arc::from(*name), text: Arc::clone(&templates[*name].source) });
        TemplateSet::parse(chart.mode(), files).map_err(|error| failed(&error))
    })
}

fn failed(error: &TemplateError) -> RenderError {
    let location = error.places.last().map(|place| Location {
        template: place.file.clone(),
        line: u32::try_from(place.line).unwrap_or_default(),
        column: u32::try_from(place.column).unwrap_or_default(),
    });
    RenderError::rendering(error.message.clone()).within(location, error.display())
}

impl Outputs {
    /// Takes out every NOTES.txt and keeps the root chart's; the rest becomes the files.
    fn set_notes_apart(&mut self, root: &str) {
        let own = format!("{root}/templates/NOTES.txt");
        for (name, text) in &self.texts {
            if *name == own {
                self.notes = text.bytes().to_vec();
            } else if !name.ends_with("NOTES.txt") {
                self.files.push((name.clone(), text.clone()));
            }
        }
    }

    /// Tells where the output came from, as far as it was asked.
    pub(super) fn trace(mut self, level: Trace, manifests: &[Manifest], hooks: &[Hook]) -> TraceReport {
        self.reads.sort_by(|a, b| a.template.cmp(&b.template));
        let mut report = TraceReport {
            templates: self.reads,
            subcharts: self.subcharts,
            undecided: self.undecided,
            ..TraceReport::default()
        };
        if level >= Trace::Full {
            let text = |manifest: &Manifest| self.texts.get(&manifest.path);
            let fields = |manifest: &Manifest| {
                text(manifest).map(|text| reasons::of_manifest(manifest, text)).unwrap_or_default()
            };
            let places = |manifest: &Manifest| {
                text(manifest).map(|text| inputs::of_manifest(manifest, text)).unwrap_or_default()
            };
            report.manifests = manifests.iter().map(fields).collect();
            report.hooks = hooks.iter().map(|hook| fields(&hook.manifest)).collect();
            report.manifest_inputs = manifests.iter().map(places).collect();
            report.hook_inputs = hooks.iter().map(|hook| places(&hook.manifest)).collect();
        }
        report
    }
}
