//! The layers of a release: those of its layout first, then its own blocks; read and put in order.

use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use super::super::super::{Shared, diagnostics};
use super::arguments::{Arguments, Layer as Argument, LayerSource};
use crate::layers::layer::Layer;
use crate::layers::layout::{Captures, LayoutError};
use crate::layers::stack::Stack;

/// Reads all layers of a release, lowest first.
///
/// # Errors
/// With one diagnostic for every layer that cannot be read.
pub(super) fn read(shared: &Shared, arguments: &Arguments) -> Result<Stack, Diagnostics> {
    let of_layout = of_layout(shared, arguments)?;
    let mut found = Diagnostics::new();
    let mut stack = Stack::default();
    for (index, argument) in of_layout.iter().chain(&arguments.layers).enumerate() {
        let at = match index.checked_sub(of_layout.len()) {
            None => Path::from("layout"),
            Some(number) => Path::from("layer").index(number).attribute(match argument.source {
                LayerSource::File { .. } => "file",
                LayerSource::Text(_) => "values",
            }),
        };
        match read_layer(shared, argument, index) {
            Ok(layer) => stack.layers.extend(layer),
            Err(diagnostic) => found.push(diagnostic.at(at)),
        }
    }
    check_layout(arguments, &of_layout, &stack, &mut found);
    check_names(&of_layout, arguments, &mut found);
    found.into_result().map(|_| stack)
}

fn read_layer(shared: &Shared, argument: &Argument, index: usize) -> Result<Option<Layer>, Diagnostic> {
    let (text, file) = match &argument.source {
        LayerSource::Text(text) => (text.clone().into_bytes(), None),
        LayerSource::File { path, optional } => {
            match shared.layer(path, optional.unwrap_or(false), &argument.name)? {
                Some(text) => (text, Some(path.as_str())),
                None => return Ok(None),
            }
        }
    };
    let source = u32::try_from(index).unwrap_or_default();
    Layer::read(&argument.name, file, &text, source)
        .map(Some)
        .map_err(|error| diagnostics::of_values(&argument.name, &error))
}

/// Names the files of the release's layout; nothing where it has none.
fn of_layout(shared: &Shared, arguments: &Arguments) -> Result<Vec<Argument>, Diagnostics> {
    let Some(name) = &arguments.layout else { return Ok(Vec::new()) };
    let layout = shared.configuration()?.layout(name).map_err(|one| one.at("layout"))?;
    let captures = captures(shared, arguments)?;
    let files = layout.files(&captures).map_err(|error| of_layout_error(arguments, name, &error))?;
    let layer = |file: crate::layers::layout::LayerFile| Argument {
        name: file.name,
        source: LayerSource::File { path: file.path, optional: Some(file.optional) },
    };
    Ok(files.into_iter().map(layer).collect())
}

/// Gives what captures stand for: labels of the cluster, over them what names the release, over all what it says itself.
fn captures(shared: &Shared, arguments: &Arguments) -> Result<Captures, Diagnostics> {
    let mut captures = Captures::new();
    if !arguments.cluster.is_empty() {
        let cluster = shared.configuration()?.cluster(&arguments.cluster).map_err(|one| one.at("cluster"))?;
        captures.clone_from(&cluster.labels);
    }
    let named =
        [("service", &arguments.name), ("namespace", &arguments.namespace), ("cluster", &arguments.cluster)];
    let named = named.into_iter().filter(|(_, value)| !value.is_empty());
    captures.extend(named.map(|(name, value)| (name.to_owned(), value.clone())));
    captures.extend(arguments.captures.clone());
    Ok(captures)
}

fn of_layout_error(arguments: &Arguments, name: &str, error: &LayoutError) -> Diagnostic {
    let diagnostic =
        Diagnostic::error(format!("layout {name:?} gives no files for release {}", arguments.title()))
            .detail(error.to_string());
    let diagnostic = match error {
        LayoutError::UnknownCapture { capture, .. } => diagnostic.hint(format!(
            "give the cluster a label {capture:?}, or the release `captures = {{ {capture} = … }}`"
        )),
        _ => diagnostic.hint("`captures` of the release can say another value"),
    };
    diagnostic.at("layout")
}

/// Refuses a layout none of whose files is there, unless all of them may be absent.
fn check_layout(arguments: &Arguments, of_layout: &[Argument], read: &Stack, found: &mut Diagnostics) {
    let Some(name) = &arguments.layout else { return };
    let may_be_absent =
        |layer: &Argument| matches!(layer.source, LayerSource::File { optional: Some(true), .. });
    let is_there = |layer: &&Argument| read.layers.iter().any(|one| one.name == layer.name);
    if of_layout.iter().all(may_be_absent) || of_layout.iter().any(|layer| is_there(&layer)) {
        return;
    }
    let paths = of_layout.iter().filter_map(|layer| match &layer.source {
        LayerSource::File { path, .. } => Some(path.as_str()),
        LayerSource::Text(_) => None,
    });
    found.push(
        Diagnostic::error(format!("layout {name:?} matches no file for release {}", arguments.title()))
            .detail(format!("Looked for {}.", paths.collect::<Vec<_>>().join(", ")))
            .hint("check the release's name and its cluster's labels, or say `captures`")
            .at("layout"),
    );
}

/// Refuses a layer block with the name of a layer of the layout.
fn check_names(of_layout: &[Argument], arguments: &Arguments, found: &mut Diagnostics) {
    for (index, layer) in arguments.layers.iter().enumerate() {
        if of_layout.iter().any(|other| other.name == layer.name) {
            found.push(
                Diagnostic::error(format!("two layers are named {:?}", layer.name))
                    .detail("The layout has a layer of that name.")
                    .hint("the plan shows a layer's name beside every value it decides, so names must be unique")
                    .at(Path::from("layer").index(index).attribute("name")),
            );
        }
    }
}
