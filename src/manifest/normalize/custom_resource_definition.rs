//! A CustomResourceDefinition is thousands of lines of schema; a reviewer wants to know which versions change.

use serde_json::{Map, Value, json};

use super::{Apply, Place, Rule};
use crate::manifest::canonical;
use crate::notation::short_digest;

pub(super) const RULE: Rule = Rule {
    name: "custom_resource_definition",
    doc: "Reduces a CustomResourceDefinition to group, names, scope and, by version, what is served and a digest.",
    apply: Apply::Object(reduce),
};

fn reduce(place: &Place<'_>, object: &Value) -> Option<Value> {
    let defines =
        place.kind == "CustomResourceDefinition" && place.api_version.starts_with("apiextensions.k8s.io/");
    let spec = object.get("spec").filter(|_| defines)?.as_object()?;
    let versions = spec.get("versions")?.as_array()?;
    let mut reduced = Map::new();
    for field in ["group", "scope", "preserveUnknownFields"] {
        copy(spec, field, &mut reduced);
    }
    reduced.insert("names".to_owned(), names(spec.get("names")));
    reduced.insert("versions".to_owned(), versions.iter().map(version).collect());
    if let Some(conversion) = spec.get("conversion") {
        reduced.insert("conversion".to_owned(), conversion.clone());
    }
    Some(json!({"metadata": object.get("metadata"), "spec": reduced}))
}

fn names(names: Option<&Value>) -> Value {
    let mut shown = Map::new();
    if let Some(names) = names.and_then(Value::as_object) {
        for field in ["kind", "plural", "shortNames"] {
            copy(names, field, &mut shown);
        }
    }
    Value::Object(shown)
}

fn version(version: &Value) -> Value {
    let digest = Value::String(format!("sha256:{}", short_digest(canonical::to_string(version).as_bytes())));
    let Some(version) = version.as_object() else { return digest };
    let mut shown = Map::new();
    for field in ["name", "served", "storage", "deprecated"] {
        copy(version, field, &mut shown);
    }
    shown.insert("digest".to_owned(), digest);
    Value::Object(shown)
}

fn copy(from: &Map<String, Value>, field: &str, into: &mut Map<String, Value>) {
    if let Some(value) = from.get(field) {
        into.insert(field.to_owned(), value.clone());
    }
}
