//! `merge_values`: layers of values, put together as Helm does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use helm_engine::tree::{Node, NodeKind};
use serde_json::Value as Json;
use tf_provider::async_trait;
use tf_provider::schema::{Function, FunctionError, FunctionRequest, Parameter, Signature, Type, Value};

use crate::layers::layer::Layer;
use crate::layers::stack::Stack;
use crate::release::objects;

/// The function `merge_values`.
pub(crate) struct MergeValues;

#[async_trait]
impl Function for MergeValues {
    fn name(&self) -> &str {
        "merge_values"
    }

    fn signature(&self) -> Signature {
        let layers = Parameter::new("layers", Type::Dynamic).allow_null().description(
            "Layers, lowest first: YAML texts or objects, in any mixture. A null is an empty layer.",
        );
        Signature::returning(Type::Dynamic)
            .variadic(layers)
            .summary("Merges layers of values by Helm's rules.")
            .description(
                "Merges layers of values by Helm's rules, as it does with several `-f` files: maps merge, lists and scalars of a \
                 later layer replace those of an earlier one. A null of a layer stays null, because it removes the chart's default later.",
            )
    }

    async fn call(&self, request: FunctionRequest) -> Result<Value, FunctionError> {
        let layers =
            request.arguments.iter().enumerate().map(|(position, argument)| layer(position, argument));
        let stack = Stack { chart: None, layers: layers.collect::<Result<_, _>>()? };
        Ok(Value::from(&objects::to_json(&stack.merged())))
    }
}

fn layer(position: usize, argument: &Value) -> Result<Layer, FunctionError> {
    let (name, source) = ((position + 1).to_string(), u32::try_from(position).unwrap_or_default());
    let layer = match argument.undressed() {
        Value::Null => Layer::new(&name, None, Node::default()),
        Value::String(text) => Layer::read(&name, None, text.as_bytes(), source),
        value => Layer::new(&name, None, node(&value.to_json().unwrap_or_default())),
    };
    layer.map_err(|error| FunctionError::at(position, error.to_string()))
}

fn node(value: &Json) -> Node {
    Node::new(match value {
        Json::Null => NodeKind::Null,
        Json::Bool(truth) => NodeKind::Bool(*truth),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => NodeKind::Int(whole),
            None => NodeKind::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => NodeKind::String(text.as_str().into()),
        Json::Array(items) => return Node::list(items.iter().map(node).collect()),
        Json::Object(map) => {
            let entries: BTreeMap<Arc<str>, Node> =
                map.iter().map(|(key, value)| (key.as_str().into(), node(value))).collect();
            return Node::map(entries);
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn call(arguments: Vec<Value>) -> Result<Json, FunctionError> {
        let request = FunctionRequest { arguments, context: Default::default() };
        MergeValues.call(request).await.map(|value| value.to_json().expect("nothing is unknown"))
    }

    async fn check(arguments: Vec<Value>, expected: Json) {
        assert_eq!(call(arguments).await, Ok(expected));
    }

    #[tokio::test]
    async fn later_layers_win_key_by_key() {
        let object = |json: Json| Value::dynamic(Type::Dynamic, Value::from(&json));
        check(vec![], json!({})).await;
        check(
            vec!["a: {b: 1, c: [1, 2]}".into(), "a: {c: [3]}\nd: x".into()],
            json!({"a": {"b": 1, "c": [3]}, "d": "x"}),
        )
        .await;
        check(
            vec!["a: 1.5\nb: yes".into(), object(json!({"a": 2, "c": {"d": null}}))],
            json!({"a": 2, "b": true, "c": {"d": null}}),
        )
        .await;
        check(vec![Value::Null, "".into(), "a: {b: 1}".into(), "a: null".into()], json!({"a": null})).await;
        check(
            vec![object(json!({"big": 9_007_199_254_740_993_i64}))],
            json!({"big": 9_007_199_254_740_993_i64}),
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_no_map_is_refused_with_its_place() {
        let check = async |arguments: Vec<Value>, position: usize, part: &str| {
            let error = call(arguments).await.expect_err("it is refused");
            assert_eq!(error.argument, Some(position), "{error}");
            assert!(error.text.contains(part), "{part:?} is not in {error}");
        };
        check(vec!["a: 1".into(), "a: [1".into()], 1, "layer 2").await;
        check(vec![Value::list(["x"])], 0, "must be a map").await;
        check(vec![Value::Bool(true)], 0, "a boolean").await;
        check(vec!["- 1".into()], 0, "layer 1").await;
    }
}
