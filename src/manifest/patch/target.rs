//! Which objects a patch is for: Kustomize's `target`.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::labels::Labels;
use super::{Field, PatchError};
use crate::manifest::object::{Scope, Scopes};

/// What Kustomize takes for the namespace of an object that stands in none.
const NO_NAMESPACE: &str = "_non_namespaceable_";

/// What Kustomize takes for the namespace of an object that names none.
const UNSAID_NAMESPACE: &str = "default";

/// What a user wrote to say which objects a patch is for; group, version, kind, name and namespace are regular expressions
/// that must match as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// API group; empty for the core group too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// API version without its group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Selector over labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// Selector over annotations, in the same notation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
}

/// A selector, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Target {
    written: Selector,
    patterns: [(Part, Regex); 5],
    labels: Labels,
    annotations: Labels,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Group,
    Version,
    Kind,
    Name,
    Namespace,
}

/// Who an object is, as Kustomize sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

impl Identity {
    /// Reads who an object is.
    pub(super) fn of(object: &Value, scopes: &Scopes) -> Self {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let api_version = text("/apiVersion");
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let namespace = match (scopes.of(group, text("/kind")), text("/metadata/namespace")) {
            (Scope::Cluster, _) => NO_NAMESPACE,
            (Scope::Namespaced, "") => UNSAID_NAMESPACE,
            (Scope::Namespaced, namespace) => namespace,
        };
        Identity {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: text("/kind").to_owned(),
            name: text("/metadata/name").to_owned(),
            namespace: namespace.to_owned(),
        }
    }
}

impl Identity {
    /// Gives the other name of an object in the release's namespace, which may be said or not.
    pub(super) fn elsewhere(&self, release_namespace: &str) -> Option<Self> {
        let namespace = match self.namespace.as_str() {
            UNSAID_NAMESPACE => release_namespace,
            namespace if namespace == release_namespace => UNSAID_NAMESPACE,
            _ => return None,
        };
        Some(Identity { namespace: namespace.to_owned(), ..self.clone() })
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Identity { group, version, kind, name, namespace } = self;
        let group = if group.is_empty() { String::new() } else { format!("{group}/") };
        write!(formatter, "{group}{version} {kind} {name}")?;
        match namespace.as_str() {
            NO_NAMESPACE | UNSAID_NAMESPACE => Ok(()),
            namespace => write!(formatter, " in {namespace}"),
        }
    }
}

impl Target {
    /// Reads a selector.
    ///
    /// # Errors
    /// With the part that is no regular expression, or no selector.
    pub(super) fn read(written: &Selector) -> Result<Self, PatchError> {
        let pattern = |part: Part, field: Field, text: &Option<String>| {
            let text = text.as_deref().filter(|text| !text.is_empty()).unwrap_or(".*");
            // A name never holds a line break, so the dot need not match one.
            let regex = Regex::new(&format!("^(?:{text})$"));
            regex
                .map(|regex| (part, regex))
                .map_err(|error| PatchError::Selector { field, reason: last_line(&error.to_string()) })
        };
        let labels = |field: Field, text: &Option<String>| {
            Labels::read(text.as_deref().unwrap_or_default())
                .map_err(|reason| PatchError::Selector { field, reason })
        };
        Ok(Target {
            patterns: [
                pattern(Part::Group, Field::Group, &written.group)?,
                pattern(Part::Version, Field::Version, &written.version)?,
                pattern(Part::Kind, Field::Kind, &written.kind)?,
                pattern(Part::Name, Field::Name, &written.name)?,
                pattern(Part::Namespace, Field::Namespace, &written.namespace)?,
            ],
            labels: labels(Field::LabelSelector, &written.label_selector)?,
            annotations: labels(Field::AnnotationSelector, &written.annotation_selector)?,
            written: written.clone(),
        })
    }

    /// Gives the selector as it was written.
    pub(super) fn written(&self) -> &Selector {
        &self.written
    }

    /// Tells whether an object is meant.
    pub(super) fn selects(&self, object: &Value, identity: &Identity) -> bool {
        let part = |part: &Part| match part {
            Part::Group => &identity.group,
            Part::Version => &identity.version,
            Part::Kind => &identity.kind,
            Part::Name => &identity.name,
            Part::Namespace => &identity.namespace,
        };
        self.patterns.iter().all(|(of, regex)| regex.is_match(part(of)))
            && self.labels.select(&texts(object, "/metadata/labels"))
            && self.annotations.select(&texts(object, "/metadata/annotations"))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Selector { group, version, kind, name, namespace, label_selector, annotation_selector } =
            &self.written;
        let parts = [
            ("group", group),
            ("version", version),
            ("kind", kind),
            ("name", name),
            ("namespace", namespace),
            ("labels", label_selector),
            ("annotations", annotation_selector),
        ];
        let said: Vec<String> =
            parts.iter().filter_map(|(part, text)| Some(format!("{part} {:?}", text.as_ref()?))).collect();
        formatter.write_str(&if said.is_empty() { "all objects".to_owned() } else { said.join(", ") })
    }
}

fn texts<'a>(object: &'a Value, pointer: &str) -> BTreeMap<&'a str, &'a str> {
    let map = object.pointer(pointer).and_then(Value::as_object);
    map.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
