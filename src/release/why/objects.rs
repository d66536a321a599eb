//! The objects of a traced render, each field as a plan shows it, with the reasons for it.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{FieldReasons, Reason, Rendered, TemplateStep};
use serde_json::Value;

use super::super::documents;
use super::super::secrets::SecretValues;
use super::origins::is_within;
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::display::{DisplayForm, path_of};
use crate::manifest::mask::{
    Mark, Masker, ObjectMarks, Reason as Hidden, Revisions, conceal, holds_private_key,
};
use crate::manifest::object::{ObjectId, Scopes, is_secret};

/// An object with the reasons for its fields.
#[derive(Clone, Debug)]
pub struct Explained {
    /// What the object is called.
    pub id: ObjectId,
    /// The template it came from, with the chart's full path before it.
    pub template: String,
    /// Whether it is a hook.
    pub is_hook: bool,
    /// Its fields, by path. What is secret is hidden.
    pub fields: Vec<ExplainedField>,
}

/// A field with its reasons.
#[derive(Clone, Debug, Default)]
pub struct ExplainedField {
    /// The path, as a plan shows it.
    pub path: String,
    /// The value, as a plan shows it.
    pub value: Value,
    /// What its text came from.
    pub data: BTreeSet<Reason>,
    /// What decided that it is there.
    pub control: BTreeSet<Reason>,
    /// What the templates did to write it.
    pub steps: Vec<TemplateStep>,
}

impl Explained {
    /// Gives the fields at a path and below it; all where the path is empty.
    pub fn fields_at<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a ExplainedField> {
        self.fields.iter().filter(move |field| path.is_empty() || is_within(&field.path, path))
    }
}

/// Explains all objects of a render that recorded steps, hooks among them, in the order of their keys.
///
/// # Errors
/// When a document is no YAML or no object, in words.
pub fn explain_objects(
    output: &Rendered,
    namespace: &str,
    secrets: &SecretValues,
    is_secret_value: &dyn Fn(&str) -> bool,
) -> Result<Vec<Explained>, String> {
    let documents = documents_of(output)?;
    let scopes = Scopes::from_objects(documents.iter().map(|document| &document.object));
    let mut found = Vec::with_capacity(documents.len());
    for document in &documents {
        let id = ObjectId::read(&document.object, namespace, &scopes)
            .map_err(|error| format!("{}: {error}", document.template))?;
        let fields = fields(document, &id, secrets, is_secret_value);
        found.push(Explained { id, template: document.template.clone(), is_hook: document.is_hook, fields });
    }
    found.sort_by_cached_key(|object| object.id.key());
    Ok(found)
}

/// Collects the values that reach Secrets from a fully traced render.
///
/// # Errors
/// When a document is no YAML, in words.
pub fn secret_values(output: &Rendered) -> Result<SecretValues, String> {
    let documents = documents_of(output)?;
    Ok(SecretValues::of(documents.iter().map(|document| (&document.object, document.fields.as_slice()))))
}

struct Document {
    template: String,
    is_hook: bool,
    object: Value,
    fields: Vec<FieldReasons>,
}

fn documents_of(output: &Rendered) -> Result<Vec<Document>, String> {
    let manifests = output.manifests.iter().zip(&output.trace.manifests).map(|pair| (pair, false));
    let hooks = output.hooks.iter().map(|hook| &hook.manifest).zip(&output.trace.hooks);
    let mut found = Vec::new();
    for ((manifest, fields), is_hook) in manifests.chain(hooks.map(|pair| (pair, true))) {
        let read = documents::read_documents(&manifest.text)
            .map_err(|error| format!("{}: {error}", manifest.path))?;
        for object in read {
            let template = manifest.path.clone();
            expand(Document { template, is_hook, object, fields: fields.clone() }, &mut found);
        }
    }
    Ok(found)
}

/// Takes a `List` apart, with the reasons of each item.
fn expand(mut document: Document, found: &mut Vec<Document>) {
    let is_list =
        document.object.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    let items = document.object.get_mut("items").filter(|_| is_list).and_then(Value::as_array_mut);
    let Some(items) = items.map(std::mem::take) else { return found.push(document) };
    for (index, object) in items.into_iter().enumerate() {
        let index = index.to_string();
        let own = document
            .fields
            .iter()
            .filter(|field| field.path.len() > 2 && &*field.path[0] == "items" && *field.path[1] == *index);
        let fields = own.map(|field| FieldReasons { path: field.path[2..].to_vec(), ..field.clone() });
        found.push(Document {
            template: document.template.clone(),
            is_hook: document.is_hook,
            object,
            fields: fields.collect(),
        });
    }
}

fn fields(
    document: &Document,
    id: &ObjectId,
    secrets: &SecretValues,
    is_secret_value: &dyn Fn(&str) -> bool,
) -> Vec<ExplainedField> {
    let reasons = by_display_path(document);
    let shown = shown(document, id, secrets, is_secret_value);
    shown
        .fields
        .into_iter()
        .map(|field| {
            let told = of_path(&reasons, &field.path);
            let mut explained =
                ExplainedField { path: field.path, value: unnumbered(field.value), ..Default::default() };
            for one in told {
                explained.data.extend(one.data.iter().cloned());
                explained.control.extend(one.reasons.iter().cloned());
                for step in &one.steps {
                    if !explained.steps.contains(step) {
                        explained.steps.push(step.clone());
                    }
                }
            }
            explained.control.retain(|reason| !explained.data.contains(reason));
            explained
        })
        .collect()
}

/// Gives an object's display form, with nothing folded away and nothing secret in it.
fn shown(
    document: &Document,
    id: &ObjectId,
    secrets: &SecretValues,
    is_secret_value: &dyn Fn(&str) -> bool,
) -> DisplayForm {
    let mut marks = ObjectMarks::default();
    secrets.hide_checksums(&document.object, &document.fields, &mut marks);
    for field in &document.fields {
        let hidden = field.reasons.iter().find_map(|reason| match reason {
            Reason::Generated(_) => Some(Hidden::Generated),
            Reason::Sensitive(_) => Some(Hidden::Sensitive),
            Reason::Value(path) if is_secret_value(path) => Some(Hidden::Sensitive),
            _ => None,
        });
        if let Some(hidden) = hidden {
            marks.at.insert(pointer(&field.path), Mark::Hidden(hidden));
        }
    }
    let revisions = Revisions::default();
    let mut masker = Masker::new(None, &revisions);
    let private_key = holds_private_key(&document.object.to_string());
    let concealed = conceal(&id.key(), &document.object, &marks, private_key, &mut masker);
    DisplayForm::of(&concealed.object, &CommonLabels::default())
}

/// Leaves out the revision of what is hidden: it says nothing where there is no other one.
fn unnumbered(value: Value) -> Value {
    match value.as_str() {
        Some("(sensitive, revision 1)") => Value::from("(sensitive)"),
        Some("(generated, revision 1)") => Value::from("(generated)"),
        _ => value,
    }
}

fn by_display_path(document: &Document) -> BTreeMap<String, Vec<&FieldReasons>> {
    let secret = is_secret(&document.object);
    let mut found: BTreeMap<String, Vec<&FieldReasons>> = BTreeMap::new();
    for field in &document.fields {
        let mut path = path_of(&document.object, &pointer(&field.path));
        if secret && let Some(rest) = path.strip_prefix("stringData") {
            path = format!("data{rest}");
        }
        found.entry(path).or_default().push(field);
    }
    found
}

fn pointer(path: &[std::sync::Arc<str>]) -> String {
    path.iter().map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
}

/// Finds the reasons of what a plan shows at a path: of the field, of the items of a list on one line, of the text
/// that a document stands in, or of the nearest place around.
fn of_path<'a>(reasons: &BTreeMap<String, Vec<&'a FieldReasons>>, path: &str) -> Vec<&'a FieldReasons> {
    let mut around = path;
    loop {
        let exact = reasons.get(around).into_iter();
        let below = || {
            let from = reasons.range(around.to_owned()..).take_while(|(other, _)| other.starts_with(around));
            from.filter(|(other, _)| is_within(other, around)).map(|(_, told)| told)
        };
        let told: Vec<&FieldReasons> = exact.chain(below()).flatten().copied().collect();
        if !told.is_empty() || around.is_empty() {
            return told;
        }
        around = around.rfind(['.', '[']).map_or("", |at| &around[..at]);
    }
}
