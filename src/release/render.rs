//! From chart and layers to objects.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{FieldReasons, Rendered as Output};
use helm_engine::trace::Trace;
use helm_engine::tree::InputMark;
use helm_engine::{Request, manifests, yaml};
use serde_json::Value;

use super::generated::{differing_places, same_objects};
use super::patched::patched;
use super::secrets::SecretValues;
use super::unknown::{Unknown, explore};
use super::{Definitions, Draw, Hooks, Release, ReleaseError, Rendered, documents, hooks, inputs, objects};
use crate::layers::layer::Layer;
use crate::manifest::mask::{Mark, ObjectMarks, Reason};
use crate::manifest::object::{self, ObjectId};
use crate::manifest::surface::Desired;

/// Tells Flux to create an object where there is none, and to leave it alone afterwards.
const IF_NOT_PRESENT: (&str, &str) = ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent");

/// What chance draws as long as nothing was drawn.
pub(super) const UNDRAWN: Draw = Draw { seed: [0; 32], now_unix_nanoseconds: 0 };

/// The second source of chance: what comes out differently with it was drawn.
const PROBE: Draw =
    Draw { seed: *b"strata looks for what was drawn.", now_unix_nanoseconds: 3_456_789_012_345_678_901 };

/// Renders a release. Without a source of chance (it is made at create), drawn values are some values, all marked.
///
/// # Errors
/// When the chart refuses the values, the layers contradict each other, or the output is no set of objects.
pub fn render(release: &Release<'_>, draw: Option<Draw>) -> Result<Rendered, ReleaseError> {
    let conflicts: Vec<_> =
        release.layers.conflicts().into_iter().filter(|conflict| !conflict.with_chart).collect();
    if !conflicts.is_empty() {
        return Err(ReleaseError::Conflicts { conflicts });
    }
    let draw = draw.unwrap_or(UNDRAWN);
    let marks = inputs::marks_of(release.layers);
    let (output, mut unknown) = first_render(release, draw, marks)?;
    let Some(output) = output else { return Ok(Rendered { unknown, ..Rendered::default() }) };
    let objects = read_objects(release, &output)?;
    let mut hooks = hooks::read(release, &output)?;
    let (mut drawn, mut drawn_hooks) = (None, None);
    if output.used_chance {
        let other = run(release, PROBE, Trace::Off)?;
        drawn = Some(read_objects(release, &other)?);
        drawn_hooks = Some(hooks::read(release, &other)?);
    }
    let all: BTreeMap<String, &Value> = objects
        .iter()
        .map(|(key, (_, object))| (key.clone(), object))
        .chain(hooks.iter().map(|hook| (hook.desired.id.key(), &hook.desired.object)))
        .collect();
    let is_traced = marks != InputMark::PLAIN;
    let (secret_values, mut marks) = if !all.values().any(|object| holds_secrets(object)) {
        Default::default()
    } else if is_traced {
        secrets(release, &output)?
    } else {
        secrets(release, &run(release, draw, Trace::Full)?)?
    };
    let mut holding_secrets = BTreeSet::new();
    if is_traced {
        holding_secrets = add_input_marks(release, &output, &all, &mut marks, &mut unknown)?;
    }
    hooks::mark(&mut hooks, &mut marks, drawn_hooks.as_deref());
    let objects_by_chance = drawn.as_ref().is_some_and(|drawn| !same_objects(&objects, drawn));
    let desired = objects.into_iter().map(|(key, (id, object))| {
        let mut marks = marks.remove(&key).unwrap_or_default();
        if let Some((_, other)) = drawn.as_ref().and_then(|drawn| drawn.get(&key)) {
            let places = differing_places(&object, other).into_iter();
            marks.at.extend(places.map(|place| (place, Mark::Hidden(Reason::Generated))));
        }
        Desired { id, object, marks }
    });
    let objects = patched(release, desired.collect())?;
    holding_secrets.retain(|key| objects.iter().any(|one| one.id.key() == *key));
    Ok(Rendered {
        objects,
        hooks,
        skipped_hooks: skipped_hooks(release, &output),
        warnings: output.warnings,
        objects_by_chance,
        secret_values,
        unknown,
        holding_secrets,
    })
}

/// Renders once, with as much of a trace as the layers' marks need; with values that are not known yet, as often as their
/// conditions have outcomes.
fn first_render(
    release: &Release<'_>,
    draw: Draw,
    marks: InputMark,
) -> Result<(Option<Output>, Unknown), ReleaseError> {
    if marks.unknown {
        let explored = explore(release, draw)?;
        return Ok((explored.output, explored.unknown));
    }
    let trace = if marks == InputMark::PLAIN { Trace::Off } else { Trace::Full };
    Ok((Some(run(release, draw, trace)?), Unknown::default()))
}

/// Adds what of the objects depends on secret, late and unknown values; returns those that hold secret ones.
fn add_input_marks(
    release: &Release<'_>,
    output: &Output,
    objects: &BTreeMap<String, &Value>,
    marks: &mut BTreeMap<String, ObjectMarks>,
    unknown: &mut Unknown,
) -> Result<BTreeSet<String>, ReleaseError> {
    let scopes = object::Scopes::from_objects(objects.values().copied());
    let pinned = release.layers.pinned();
    let mut holding_secrets = BTreeSet::new();
    for (key, found) in inputs::of_objects(release, output, &scopes)? {
        let Some(object) = objects.get(&key) else { continue };
        if !found.sensitive.is_empty() {
            holding_secrets.insert(key.clone());
        }
        let marks = marks.entry(key.clone()).or_default();
        let checksums = std::mem::replace(marks, found.to_marks(object, |path| pinned.contains(path)));
        for (pointer, mark) in checksums.at {
            // A checksum of a secret is hidden before it is late; what is hidden already stays as it is.
            match marks.at.get(&pointer) {
                Some(Mark::Hidden(_) | Mark::Pinned) => continue,
                Some(Mark::Unknown) => {
                    unknown.hidden.entry(key.clone()).or_default().insert(pointer.clone());
                }
                Some(Mark::Late) | None => {}
            }
            marks.at.insert(pointer, mark);
        }
    }
    Ok(holding_secrets)
}

fn holds_secrets(object: &Value) -> bool {
    object::is_secret(object)
        && ["data", "stringData"].iter().any(|field| object.get(field).is_some_and(Value::is_object))
}

/// Finds which values reach Secrets, and which checksums depend on them, by the key of each object.
fn secrets(
    release: &Release<'_>,
    output: &Output,
) -> Result<(SecretValues, BTreeMap<String, ObjectMarks>), ReleaseError> {
    let mut documents: Vec<(Value, &[FieldReasons])> = Vec::new();
    let rendered = output.manifests.iter().zip(&output.trace.manifests);
    let hooks = output.hooks.iter().map(|hook| &hook.manifest).zip(&output.trace.hooks);
    for (manifest, fields) in rendered.chain(hooks) {
        documents.extend(
            read_documents(release, &manifest.text)?
                .into_iter()
                .next()
                .map(|document| (document, &fields[..])),
        );
    }
    let values = SecretValues::of(documents.iter().map(|(document, fields)| (document, *fields)));
    let mut marks = BTreeMap::new();
    let scopes = object::Scopes::from_objects(documents.iter().map(|(document, _)| document));
    for (document, fields) in &documents {
        let mut found = ObjectMarks::default();
        values.hide_checksums(document, fields, &mut found);
        if !found.at.is_empty()
            && let Ok(id) = ObjectId::read(document, release.namespace, &scopes)
        {
            marks.insert(id.key(), found);
        }
    }
    Ok((values, marks))
}

/// Renders to documents, with as much of their origin as is asked for.
pub(super) fn run(release: &Release<'_>, draw: Draw, trace: Trace) -> Result<Output, ReleaseError> {
    render_request(release, &request(release, draw, trace))
}

/// Renders with placeholders for values that are not known yet, and with the outcomes of conditions on them. A schema that
/// refuses a placeholder does not count: the values are held against it in the apply.
pub(super) fn run_with(
    release: &Release<'_>,
    draw: Draw,
    outcomes: &BTreeMap<String, bool>,
) -> Result<Output, ReleaseError> {
    let mut request = request(release, draw, Trace::Full);
    request.outcomes.clone_from(outcomes);
    render_request(release, &request).or_else(|_| {
        request.skip_schema = true;
        render_request(release, &request)
    })
}

fn render_request(release: &Release<'_>, request: &Request) -> Result<Output, ReleaseError> {
    helm_engine::render::render(release.chart, request)
        .map_err(|source| ReleaseError::Render { chart: chart_name(release), source: Box::new(source) })
}

pub(super) fn request(release: &Release<'_>, draw: Draw, trace: Trace) -> Request {
    let mut request = Request::new(release.name, release.kube_version);
    request.namespace = release.namespace.to_owned();
    request.api_versions = release.api_versions.to_vec();
    request.layers = release.layers.layers.iter().map(Layer::marked_values).collect();
    request.seed = draw.seed;
    request.now_unix_nanoseconds = i128::from(draw.now_unix_nanoseconds);
    request.trace = trace;
    request
}

pub(super) type Objects = BTreeMap<String, (ObjectId, Value)>;

pub(super) fn read_objects(release: &Release<'_>, output: &Output) -> Result<Objects, ReleaseError> {
    let mut documents = definitions(release, output)?;
    for manifest in &output.manifests {
        documents.extend(read_documents(release, &manifest.text)?);
    }
    if release.hooks == Hooks::Include {
        for hook in output.hooks.iter().filter(|hook| hooks::is_taken(release, hook)) {
            documents.extend(read_documents(release, &hook.manifest.text)?);
        }
    }
    let mut documents = object::expand_lists(documents);
    let ids = object::identify(&documents, release.namespace)
        .map_err(|errors| ReleaseError::Objects { chart: chart_name(release), errors })?;
    for (id, document) in ids.iter().zip(&mut documents) {
        place_in_namespace(id, document);
    }
    Ok(ids.into_iter().zip(documents).map(|(id, document)| (id.key(), (id, document))).collect())
}

/// Writes the namespace into the object, as Helm's installation does; without Helm, nobody else would.
pub(super) fn place_in_namespace(id: &ObjectId, document: &mut Value) {
    if let (Some(namespace), Some(metadata)) =
        (&id.namespace, document.get_mut("metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("namespace".to_owned(), Value::from(namespace.as_str()));
    }
}

fn definitions(release: &Release<'_>, output: &Output) -> Result<Vec<Value>, ReleaseError> {
    if release.definitions == Definitions::Skip {
        return Ok(Vec::new());
    }
    let mut documents = Vec::new();
    for file in &output.crds {
        documents.extend(read_documents(release, &file.data)?);
    }
    if release.definitions == Definitions::Create {
        documents
            .iter_mut()
            .for_each(|document| objects::annotate(document, IF_NOT_PRESENT.0, IF_NOT_PRESENT.1));
    }
    Ok(documents)
}

pub(super) fn read_documents(release: &Release<'_>, text: &[u8]) -> Result<Vec<Value>, ReleaseError> {
    let unreadable = |error: yaml::ReadError| ReleaseError::Unreadable {
        chart: chart_name(release),
        message: error.to_string(),
    };
    documents::read_documents(text).map_err(unreadable)
}

fn skipped_hooks(release: &Release<'_>, output: &Output) -> Vec<String> {
    let skipped = output.hooks.iter().filter(|hook| !is_test(hook) && !hooks::is_taken(release, hook));
    skipped.map(|hook| format!("{}/{}", hook.manifest.head.kind, hook.manifest.head.name)).collect()
}

pub(super) fn is_test(hook: &manifests::Hook) -> bool {
    hook.events.iter().all(|event| *event == manifests::HookEvent::Test)
}

pub(super) fn chart_name(release: &Release<'_>) -> String {
    let metadata = release.chart.metadata();
    format!("{} {}", metadata.name, metadata.version)
}
