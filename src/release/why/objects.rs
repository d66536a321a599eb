//! The objects of a traced render, each field as a plan shows it, with the reasons for it.

use std::collections::{BTreeMap, BTreeSet};

use helm_engine::render::{FieldReasons, Reason, Rendered, TemplateStep};
use serde_json::Value;

use super::super::documents;
use super::super::secrets::SecretValues;
use super::origins::is_within;
use crate::manifest::common_labels::CommonLabels;
use crate::manifest::display::{DisplayForm, Field, path_of};
use crate::manifest::mask::{
    Mark, Masker, ObjectMarks, Reason as Hidden, Revisions, conceal, holds_private_key,
};
use crate::manifest::object::{ObjectId, Scopes, is_secret};
use crate::manifest::patch::{Patch, Subject, apply, touches};

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
    /// The numbers of the patches that set it, from zero, in their order; nothing else is told of what a patch sets.
    pub patches: Vec<usize>,
    /// What the templates did to write it.
    pub steps: Vec<TemplateStep>,
}

impl Explained {
    /// Gives the fields at a path and below it; all where the path is empty.
    pub fn fields_at<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a ExplainedField> {
        self.fields.iter().filter(move |field| path.is_empty() || is_within(&field.path, path))
    }
}

/// A render that recorded steps, and what happens to its objects afterwards.
#[derive(Clone, Copy)]
pub struct Traced<'a> {
    /// The render.
    pub output: &'a Rendered,
    /// The release's namespace.
    pub namespace: &'a str,
    /// The patches on its objects.
    pub patches: &'a [Patch],
    /// The values that reach a Secret.
    pub secrets: &'a SecretValues,
}

/// Explains all objects of a render, hooks among them, in the order of their keys, as its patches leave them. `is_secret_value`
/// tells which values, by the engine's path, are secret beside those that reach a Secret.
///
/// # Errors
/// When a document is no YAML or no object, or a patch cannot be applied, in words.
pub fn explain_objects(
    traced: Traced<'_>,
    is_secret_value: &dyn Fn(&str) -> bool,
) -> Result<Vec<Explained>, String> {
    let documents = documents_of(traced.output)?;
    let scopes = Scopes::from_objects(documents.iter().map(|document| &document.object));
    let mut found = Vec::with_capacity(documents.len());
    let mut patched = Patched::of(&traced, &documents, is_secret_value)?;
    for document in &documents {
        let id = ObjectId::read(&document.object, traced.namespace, &scopes)
            .map_err(|error| format!("{}: {error}", document.template))?;
        let key = id.key();
        let Some(subject) = patched.objects.remove(&key) else { continue };
        let fields = fields(document, &key, &subject, &patched.touched);
        found.push(Explained { id, template: document.template.clone(), is_hook: document.is_hook, fields });
    }
    found.sort_by_cached_key(|object| object.id.key());
    Ok(found)
}

/// The objects after all patches, and what each patch did.
struct Patched {
    /// By key; what a patch deleted is not there.
    objects: BTreeMap<String, Subject>,
    /// Object and field → the numbers of the patches that set it.
    touched: BTreeMap<(String, String), Vec<usize>>,
}

impl Patched {
    fn of(
        traced: &Traced<'_>,
        documents: &[Document],
        is_secret_value: &dyn Fn(&str) -> bool,
    ) -> Result<Self, String> {
        let mut touched: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        let subject = |document: &Document| Subject {
            object: document.object.clone(),
            marks: marks(document, traced.secrets, is_secret_value),
        };
        let mut subjects: Vec<Subject> = documents.iter().map(subject).collect();
        if !traced.patches.is_empty() {
            let objects: Vec<Value> = documents.iter().map(|document| document.object.clone()).collect();
            let all =
                touches(traced.patches, &objects, traced.namespace).map_err(|error| error.to_string())?;
            for touch in all {
                for field in touch.set {
                    touched.entry((touch.object.clone(), field)).or_default().push(touch.patch);
                }
            }
            apply(traced.patches, &mut subjects, traced.namespace).map_err(|error| error.to_string())?;
        }
        let scopes = Scopes::from_objects(subjects.iter().map(|subject| &subject.object));
        let keyed = subjects.into_iter().filter_map(|subject| {
            let id = ObjectId::read(&subject.object, traced.namespace, &scopes).ok()?;
            Some((id.key(), subject))
        });
        Ok(Patched { objects: keyed.collect(), touched })
    }
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
    key: &str,
    subject: &Subject,
    touched: &BTreeMap<(String, String), Vec<usize>>,
) -> Vec<ExplainedField> {
    let reasons = by_display_path(document);
    let explain = |field: Field| {
        let patches = touched.get(&(key.to_owned(), field.path.clone())).cloned().unwrap_or_default();
        let told = if patches.is_empty() { of_path(&reasons, &field.path) } else { Vec::new() };
        let mut explained = ExplainedField {
            path: field.path,
            value: unnumbered(field.value),
            patches,
            ..ExplainedField::default()
        };
        for one in told {
            explained.add(one);
        }
        explained.control.retain(|reason| !explained.data.contains(reason));
        explained
    };
    shown(key, subject).fields.into_iter().map(explain).collect()
}

impl ExplainedField {
    fn add(&mut self, told: &FieldReasons) {
        self.data.extend(told.data.iter().cloned());
        self.control.extend(told.reasons.iter().cloned());
        for step in &told.steps {
            if !self.steps.contains(step) {
                self.steps.push(step.clone());
            }
        }
    }
}

/// Marks what is secret or drawn in a document.
fn marks(document: &Document, secrets: &SecretValues, is_secret_value: &dyn Fn(&str) -> bool) -> ObjectMarks {
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
    marks
}

/// Gives an object's display form, with nothing folded away and nothing secret in it.
fn shown(key: &str, subject: &Subject) -> DisplayForm {
    let revisions = Revisions::default();
    let mut masker = Masker::new(None, &revisions);
    let private_key = holds_private_key(&subject.object.to_string());
    let concealed = conceal(key, &subject.object, &subject.marks, private_key, &mut masker);
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
