//! The layers of a release: those of its layout first, then its own blocks; read and put in order.

use tf_provider::schema::{Diagnostic, Diagnostics, Path};

use super::super::super::{Shared, diagnostics};
use super::arguments::{Arguments, Layer as Argument, LayerSource, SENSITIVE_VALUES};
use super::hcl;
use crate::layers::layer::{Layer, LayerError};
use crate::layers::layout::{Captures, LayerFile, LayoutError, RepositoryAt};
use crate::layers::stack::Stack;
use crate::layers::template::{self, Facts};

/// Reads all layers of a release, lowest first.
///
/// # Errors
/// With one diagnostic for every layer that cannot be read.
pub(super) fn read(shared: &Shared, arguments: &Arguments) -> Result<Stack, Diagnostics> {
    let of_layout = of_layout(shared, arguments)?;
    let facts = facts(shared, arguments)?;
    let mut found = Diagnostics::new();
    let mut stack = Stack::default();
    let mut closed: Vec<&RepositoryAt> = Vec::new();
    for (index, argument) in of_layout.iter().chain(&arguments.layers).enumerate() {
        let at = match index.checked_sub(of_layout.len()) {
            None => Path::from("layout"),
            Some(number) => Path::from("layer").index(number).attribute(match argument.source {
                LayerSource::File { .. } => "file",
                LayerSource::Text(_) | LayerSource::Object(_) => "values",
            }),
        };
        // A repository that cannot be opened is told of once, and not as a lack of files.
        if let LayerSource::File { repository: Some(repository), .. } = &argument.source {
            if closed.contains(&repository) {
                continue;
            }
            if let Err(diagnostic) = shared.repository(repository, &argument.name) {
                closed.push(repository);
                found.push(diagnostic.at(at));
                continue;
            }
        }
        match read_layer(shared, argument, index, &facts, &stack) {
            Ok(layer) => stack.layers.extend(layer),
            Err(diagnostic) => found.push(diagnostic.at(at)),
        }
    }
    match sensitive_values(arguments, stack.layers.len()) {
        Ok(layer) => stack.layers.extend(layer),
        Err(diagnostic) => found.push(diagnostic.at(SENSITIVE_VALUES)),
    }
    if closed.is_empty() {
        check_layout(arguments, &of_layout, &stack, &mut found);
    }
    check_names(&of_layout, arguments, &mut found);
    found.into_result().map(|_| stack)
}

/// Reads one layer over those below it: decrypted where it is encrypted, rendered where it is a template.
fn read_layer(
    shared: &Shared,
    argument: &Argument,
    index: usize,
    facts: &Facts,
    below: &Stack,
) -> Result<Option<Layer>, Diagnostic> {
    let source = u32::try_from(index).unwrap_or_default();
    let name = argument.name.as_str();
    let (text, file) = match &argument.source {
        LayerSource::Text(text) => (text.clone().into_bytes(), None),
        LayerSource::Object(value) => {
            return marked(argument, Layer::new(name, None, hcl::node(value))).map(Some);
        }
        LayerSource::File { path, optional, repository } => {
            let (name, path, repository) = (argument.name.clone(), path.clone(), repository.clone());
            let file = LayerFile { name, path, optional: optional.unwrap_or(false), repository };
            match shared.layer(&file)? {
                Some(read) => (read.text, Some(read.name)),
                None => return Ok(None),
            }
        }
    };
    if let Some(file) = file.as_deref().filter(|file| template::is_template(file)) {
        return match Layer::render(name, file, &text, source, facts, below) {
            Err(error) if argument.sensitive != Some(true) => Err(diagnostics::of_template(name, &error)),
            layer => marked(argument, layer).map(Some),
        };
    }
    let shown = file.clone().unwrap_or_else(|| format!("layer {name}"));
    let decrypted = shared.sops()?.values(&shown, &text, source);
    let layer = match decrypted.map_err(|error| diagnostics::of_sops(name, &error))? {
        Some(values) => Layer::new(name, file.as_deref(), values),
        None => Layer::read(name, file.as_deref(), &text, source),
    };
    marked(argument, layer).map(Some)
}

/// Puts on a layer what its block says of its values.
fn marked(argument: &Argument, read: Result<Layer, LayerError>) -> Result<Layer, Diagnostic> {
    let sensitive = argument.sensitive == Some(true);
    let mut layer = read.map_err(|error| match sensitive {
        true => diagnostics::of_secret_values(&argument.name, &error),
        false => diagnostics::of_values(&argument.name, &error),
    })?;
    layer.sensitive = sensitive;
    layer.values.mark.late |= argument.is_late();
    Ok(layer)
}

/// Returns the layer of the values that only the configuration holds.
fn sensitive_values(arguments: &Arguments, index: usize) -> Result<Option<Layer>, Diagnostic> {
    if arguments.sensitive_values.is_null() {
        return Ok(None);
    }
    let source = u32::try_from(index).unwrap_or_default();
    let read = match LayerSource::read(&arguments.sensitive_values) {
        LayerSource::Object(value) => Layer::new(SENSITIVE_VALUES, None, hcl::node(&value)),
        LayerSource::Text(text) => Layer::read(SENSITIVE_VALUES, None, text.as_bytes(), source),
        LayerSource::File { .. } => return Ok(None),
    };
    let layer = read.map_err(|error| diagnostics::of_secret_values(SENSITIVE_VALUES, &error))?;
    Ok(Some(layer.sensitive().pinned(arguments.sensitive_values_version.as_deref())))
}

/// Gives what a layer that is a template is told.
fn facts(shared: &Shared, arguments: &Arguments) -> Result<Facts, Diagnostics> {
    let mut facts = Facts {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone(),
        cluster: arguments.cluster.clone(),
        captures: captures(shared, arguments)?,
        ..Facts::default()
    };
    if !arguments.cluster.is_empty() {
        let cluster = shared.configuration()?.cluster(&arguments.cluster).map_err(|one| one.at("cluster"))?;
        facts.labels.clone_from(&cluster.labels);
        let version = arguments.kube_version.as_ref().or(cluster.kube_version.as_ref());
        facts.kube_version = version.cloned().unwrap_or_default();
    }
    Ok(facts)
}

/// Names the files of the release's layout; nothing where it has none.
fn of_layout(shared: &Shared, arguments: &Arguments) -> Result<Vec<Argument>, Diagnostics> {
    let Some(name) = &arguments.layout else { return Ok(Vec::new()) };
    let layout = shared.configuration()?.layout(name).map_err(|one| one.at("layout"))?;
    let captures = captures(shared, arguments)?;
    let files = layout.files(&captures).map_err(|error| of_layout_error(arguments, name, &error))?;
    shared.read_ahead(layout, &files);
    let layer = |file: LayerFile| {
        let (path, optional, repository) = (file.path, Some(file.optional), file.repository);
        let source = LayerSource::File { path, optional, repository };
        Argument { name: file.name, source, sensitive: None, late: None }
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
        LayerSource::File { path, repository: Some(at), .. } => {
            let reference = at.reference.as_ref().map(|reference| format!("@{reference}"));
            Some(format!("{}{}:{path}", at.name, reference.unwrap_or_default()))
        }
        LayerSource::File { path, .. } => Some(path.clone()),
        LayerSource::Text(_) | LayerSource::Object(_) => None,
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
