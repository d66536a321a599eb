//! `values.schema.json`: the values of every chart against its own schema.
//!
//! Follows Helm's `jsonschema.go`: draft 2020-12 unless `$schema` says otherwise, messages in the words of
//! `santhosh-tekuri/jsonschema` (whose author wrote the validator used here). Schemas that live elsewhere are refused;
//! an unknown `urn:` accepts everything, with a warning. Helm's order of messages varies by run; here it is fixed.

mod causes;
mod formats;
mod message;
mod patterns;
mod quick;

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;

use boon::{Compiler, Schemas, UrlLoader};
use serde_json::{Map, Number, Value as Json};

use super::scoped::Scoped;
use crate::gotext::quote;
use crate::tree::{Node, NodeKind, NodeMap};

/// What Helm calls the schema of any chart.
const SCHEMA_URL: &str = "file:///values.schema.json";

/// Validates the values of a chart and of everything below it; the error lists every violation.
pub(crate) fn validate(chart: &Scoped, values: &NodeMap, warnings: &mut Vec<String>) -> Result<(), String> {
    let mut violations = String::new();
    validate_chart(chart, values, &mut violations, warnings);
    if violations.is_empty() {
        return Ok(());
    }
    Err(format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{violations}"
    ))
}

fn validate_chart(chart: &Scoped, values: &NodeMap, violations: &mut String, warnings: &mut Vec<String>) {
    if let Some(schema) = &chart.unit.schema
        && let Err(error) = validate_one(schema, values, warnings)
    {
        violations.push_str(&format!("{}:\n{error}", chart.name));
    }
    for subchart in &chart.dependencies {
        match values.get(subchart.name.as_str()).map(|node| &node.kind) {
            None | Some(NodeKind::Null) => {}
            Some(NodeKind::Map(values)) => validate_chart(subchart, values, violations, warnings),
            Some(other) => {
                let (name, found) = (&subchart.name, crate::gotext::type_name(other));
                violations.push_str(&format!(
                    "{name}:\ninvalid type for values: expected object (map), got {found}\n"
                ));
            }
        }
    }
}

fn validate_one(text: &[u8], values: &NodeMap, warnings: &mut Vec<String>) -> Result<(), String> {
    let mut reader = serde_json::Deserializer::from_slice(text).into_iter::<Json>();
    let schema = match reader.next() {
        None => return Err("EOF".to_owned()),
        Some(Err(error)) if error.is_eof() => return Err("unexpected EOF".to_owned()),
        Some(Err(error)) => return Err(message::of_syntax(text, &error)),
        Some(Ok(schema)) => schema,
    };
    if reader.next().is_some() {
        return Err("invalid character after top-level value".to_owned());
    }
    if quick::accepts(&schema, values) {
        return Ok(());
    }
    validate_slowly(schema, text, values, warnings)
}

fn validate_slowly(
    schema: Json,
    text: &[u8],
    values: &NodeMap,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    let (schema, patterns) = patterns::translate(schema, text);
    let unknown = Rc::new(RefCell::new(Vec::new()));
    let mut compiler = Compiler::new();
    formats::register(&mut compiler);
    compiler.use_loader(Box::new(Refusing { unknown: Rc::clone(&unknown) }));
    compiler.add_resource(SCHEMA_URL, schema).map_err(|error| message::of_schema(&error, &patterns))?;
    let mut schemas = Schemas::new();
    let compiled =
        compiler.compile(SCHEMA_URL, &mut schemas).map_err(|error| message::of_schema(&error, &patterns));
    for urn in unknown.take() {
        warnings.push(format!("unresolved URN reference ignored; using permissive schema: {urn}"));
    }
    let instance = Json::Object(object(values));
    schemas.validate(&instance, compiled?).map_err(|error| message::of_values(&error, &patterns))
}

/// Loads nothing: a `urn:` is any value, everything else an error.
struct Refusing {
    unknown: Rc<RefCell<Vec<String>>>,
}

impl UrlLoader for Refusing {
    fn load(&self, url: &str) -> Result<Json, Box<dyn Error>> {
        if url.starts_with("urn:") {
            self.unknown.borrow_mut().push(url.to_owned());
            return Ok(Json::Bool(true));
        }
        let is_known = ["file:", "http:", "https:"].iter().any(|scheme| url.starts_with(scheme));
        if !is_known {
            return Err(format!("failing loading {0}: no URLLoader registered for {0}", quote(url)).into());
        }
        Err(format!("failing loading {}: a schema must be complete in itself", quote(url)).into())
    }
}

fn object(map: &NodeMap) -> Map<String, Json> {
    map.iter().map(|(key, node)| (key.to_string(), json(node))).collect()
}

fn json(node: &Node) -> Json {
    match &node.kind {
        NodeKind::Null => Json::Null,
        NodeKind::Bool(value) => Json::Bool(*value),
        NodeKind::Int(value) => Json::Number((*value).into()),
        NodeKind::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => {
            Json::Number((*value as i64).into())
        }
        NodeKind::Float(value) => Number::from_f64(*value).map_or(Json::Null, Json::Number),
        NodeKind::String(text) => Json::String(text.to_string()),
        NodeKind::List(items) => Json::Array(items.iter().map(json).collect()),
        NodeKind::Map(map) => Json::Object(object(map)),
    }
}
