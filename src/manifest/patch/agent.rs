//! Patches for somebody else's Kustomize: each with one change and a target that stands on its own.

use serde_json::{Value, json};

use super::special::is_special;
use super::target::Identity;
use super::{Change, Patch};
use crate::manifest::object::Scopes;

/// A patch with its target, in Kustomize's own words.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentPatch {
    /// An object to merge, or a list of operations.
    pub content: Value,
    /// Whether that is all that the user wrote.
    pub as_written: bool,
    /// What it is for: group, version, kind, name, namespace, labelSelector, annotationSelector.
    pub target: Value,
}

impl Patch {
    /// Gives the patch as it is written for an agent that patches objects before they are in the release's namespace.
    pub fn for_agent(&self, release_namespace: &str) -> Vec<AgentPatch> {
        let target = self.target.as_ref().map(|target| json!(target.written()));
        match &self.change {
            Change::Operations(operations) => {
                let content = operations.iter().cloned().map(Value::Object).collect();
                vec![AgentPatch { content, as_written: true, target: target.unwrap_or_default() }]
            }
            Change::Merge(documents) => {
                let patch = |document: &Value| {
                    let content = if target.is_some() { named(document) } else { document.clone() };
                    AgentPatch {
                        as_written: documents.len() == 1 && content == *document,
                        content,
                        target: target.clone().unwrap_or_else(|| exactly(document, release_namespace)),
                    }
                };
                documents.iter().map(patch).collect()
            }
        }
    }

    /// Tells whether it holds directives that Kustomize does not know.
    pub fn holds_directives_of_kubectl(&self) -> bool {
        let Change::Merge(documents) = &self.change else { return false };
        let mut rest: Vec<&Value> = documents.iter().collect();
        while let Some(value) = rest.pop() {
            match value {
                Value::Object(map) if map.keys().any(|name| is_special(name)) => return true,
                Value::Object(map) => rest.extend(map.values()),
                Value::Array(list) => rest.extend(list),
                _ => {}
            }
        }
        false
    }
}

/// Gives the object with the names that Kustomize demands; with a target they mean nothing.
fn named(document: &Value) -> Value {
    let mut document = document.clone();
    if let Some(fields) = document.as_object_mut() {
        for (name, any) in [("apiVersion", "any"), ("kind", "Any")] {
            fields.entry(name).or_insert_with(|| any.into());
        }
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.entry("name").or_insert_with(|| "any".into());
        }
    }
    document
}

/// Gives the target that means the object which a patch names. The release's namespace is not said: objects have it later.
fn exactly(document: &Value, release_namespace: &str) -> Value {
    let identity = Identity::of(document, &Scopes::default());
    let mut target = json!({
        "version": regex::escape(&identity.version),
        "kind": regex::escape(&identity.kind),
        "name": regex::escape(&identity.name),
    });
    if !identity.group.is_empty() {
        target["group"] = regex::escape(&identity.group).into();
    }
    let said = document.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    if !said.is_empty() && said != release_namespace && said != "default" {
        target["namespace"] = regex::escape(said).into();
    }
    target
}
