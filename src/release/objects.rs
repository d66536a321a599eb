//! From rendered documents to objects, and from objects to the text that is delivered.
//!
//! Numbers follow Helm's JSON step: what is whole is written whole.

use helm_engine::trace::Trace;
use helm_engine::tree::{Node, NodeKind};
use helm_engine::value::Value as EngineValue;
use helm_engine::yaml;
use serde_json::{Map, Number, Value};

/// The largest whole number that every float up to it tells apart from its neighbours.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Turns a document into plain data.
pub fn to_json(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(truth) => Value::Bool(*truth),
        NodeKind::Int(whole) => Value::from(*whole),
        NodeKind::Float(number) => float_to_json(*number),
        NodeKind::String(text) => Value::from(&**text),
        NodeKind::List(items) => Value::Array(items.iter().map(to_json).collect()),
        NodeKind::Map(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.to_string(), to_json(node))).collect())
        }
    }
}

fn float_to_json(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        // In range, as just checked; a negative zero becomes zero, as Go's JSON reader has it for integers.
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// Writes an object as YAML, in the form that Helm's `toYaml` has: what an agent's Go library reads back as the same object.
pub fn to_yaml(object: &Value) -> String {
    let text = yaml::to_yaml(&to_value(object), Trace::Off);
    // Only values of Go's own making cannot be written; plain data always can.
    text.map(|text| text.to_str_lossy().into_owned()).unwrap_or_default()
}

fn to_value(data: &Value) -> EngineValue {
    match data {
        Value::Null => EngineValue::NIL,
        Value::Bool(truth) => EngineValue::bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => EngineValue::int64(whole),
            None => EngineValue::float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => EngineValue::from(text.as_str()),
        Value::Array(items) => EngineValue::list(items.iter().map(to_value).collect()),
        Value::Object(entries) => EngineValue::map(
            entries.iter().map(|(key, value)| (key.as_bytes().into(), to_value(value))).collect(),
        ),
    }
}

/// Puts a label or annotation on an object, where it has none of that name.
pub fn annotate(object: &mut Value, name: &str, value: &str) {
    let Some(object) = object.as_object_mut() else { return };
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if annotations.is_null() {
        *annotations = Value::Object(Map::new());
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.entry(name).or_insert_with(|| Value::from(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn whole_floats_become_whole_numbers() {
        let check =
            |number: f64, expected: Value| assert_eq!(to_json(&Node::new(NodeKind::Float(number))), expected);
        check(3.0, json!(3));
        check(-0.0, json!(0));
        check(1.5, json!(1.5));
        check(1e20, json!(1e20));
        check(f64::INFINITY, json!(null));
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_object() {
        let object = json!({"a": [1, "yes", null, true, 2.5, "1e3", "multi\nline\n", "on: off"], "b": {"c": {}, "0x1F": "~"}});
        let read = yaml::read_documents(to_yaml(&object).as_bytes(), 0).expect("it is YAML");
        assert_eq!(read.iter().map(to_json).collect::<Vec<_>>(), [object]);
    }

    #[test]
    fn an_annotation_never_replaces_the_charts_own() {
        let mut object = json!({"metadata": {"name": "x", "annotations": {"a": "chart"}}});
        annotate(&mut object, "a", "ours");
        annotate(&mut object, "b", "ours");
        assert_eq!(object["metadata"]["annotations"], json!({"a": "chart", "b": "ours"}));
        let mut bare = json!({"kind": "X"});
        annotate(&mut bare, "b", "ours");
        assert_eq!(bare["metadata"]["annotations"], json!({"b": "ours"}));
    }
}
