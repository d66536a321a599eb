//! The charts that the properties are held against, each with a request that renders.

use std::collections::BTreeMap;
use std::path::Path;

use helm_engine::manifests::PrintOptions;
use helm_engine::request::read_values;
use helm_engine::trace::Trace;
use helm_engine::{Chart, Mode, Rendered, Request, SourceFile, render};

use crate::{cases::Case, charts, flags, fragments};

/// A chart with a request.
pub(crate) struct Input {
    /// For people.
    pub(crate) name: String,
    /// The chart.
    pub(crate) chart: Chart,
    /// The request; its time and seed are fixed.
    pub(crate) request: Request,
    /// Whether there is time for every change.
    pub(crate) is_small: bool,
}

impl Input {
    /// Renders with this much trace.
    pub(crate) fn render(&self, trace: Trace) -> Rendered {
        let request = Request { trace, ..self.request.clone() };
        render(&self.chart, &request).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// Returns what `helm template` would print, with notes behind it.
pub(crate) fn printed(rendered: &Rendered) -> Vec<u8> {
    let text = rendered.to_helm_text(&PrintOptions::default()).expect("nothing is selected");
    [text, rendered.notes.clone()].concat()
}

/// Returns every chart of the corpus that renders, with each of its variants.
pub(crate) fn corpus(mode: Mode) -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/charts");
    let found: Vec<Input> =
        charts::read(&folder).iter().filter_map(|case| input(case, mode)).filter(renders).collect();
    assert!(found.len() > 40, "the corpus has lost its charts");
    found
}

fn input(case: &Case, mode: Mode) -> Option<Input> {
    let read =
        |path: &str| case.beside.get(path).or_else(|| case.files.get(path.strip_prefix("c/")?)).cloned();
    let mut request = flags::parse(&case.flags, mode, &read).ok()?.request;
    request.now_unix_nanoseconds = 1_000_000_000_000_000_000;
    let files = case.files.iter().map(|(path, text)| SourceFile::new(&**path, &**text)).collect();
    let chart = Chart::load(files, mode).ok()?;
    Some(Input { name: case.name.clone(), chart, request, is_small: false })
}

fn renders(input: &Input) -> bool {
    render(&input.chart, &input.request).is_ok()
}

/// Returns charts put together from fragments, the same ones every time.
pub(crate) fn generated() -> Vec<Input> {
    let made: Vec<Input> =
        (0..16).map(|seed| small(&format!("generated {seed}"), &fragments::files(seed))).collect();
    let refusal = |input: &Input| {
        render(&input.chart, &input.request).err().map(|error| {
            let excerpt = error.excerpt().map(|excerpt| excerpt.to_string()).unwrap_or_default();
            format!("{}: {error}\n{excerpt}", input.name)
        })
    };
    let refused: Vec<String> = made.iter().filter_map(refusal).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    made
}

/// Makes an input of a few files; `values.yaml` is a layer too, so that marks can be put on it.
pub(crate) fn small(name: &str, files: &BTreeMap<String, String>) -> Input {
    let sources = files.iter().map(|(path, text)| SourceFile::new(&**path, text.as_bytes())).collect();
    let chart = Chart::load(sources, Mode::Helm4).expect("a chart that loads");
    let mut request = Request::new("r", "v1.34.0");
    let values = files.get("values.yaml").map_or("", String::as_str);
    request.layers.push(read_values(values.as_bytes(), 0, Mode::Helm4).expect("valid values"));
    Input { name: name.to_owned(), chart, request, is_small: true }
}
