//! `parse_manifests`: the objects of a rendered manifest, by the keys that plans show.

use tf_provider::async_trait;
use tf_provider::schema::{
    Function, FunctionError, FunctionRequest, Object, Parameter, Signature, Type, Value,
};

/// The function `parse_manifests`.
pub(crate) struct ParseManifests;

#[async_trait]
impl Function for ParseManifests {
    fn name(&self) -> &str {
        "parse_manifests"
    }

    fn signature(&self) -> Signature {
        let yaml = Parameter::new("yaml", Type::String)
            .description("One or more YAML documents, as `helm template` or `kustomize build` print them; `List` objects are taken apart.");
        Signature::returning(Type::Dynamic)
            .parameter(yaml)
            .summary("Reads the Kubernetes objects of a rendered manifest.")
            .description(
                "Reads the Kubernetes objects of a rendered manifest: an object with one attribute for each of them, under the \
                 key that plans use, `apiVersion/Kind/namespace/name`. Objects without a namespace count to `default`; cluster-scoped ones have no such part.",
            )
    }

    async fn call(&self, request: FunctionRequest) -> Result<Value, FunctionError> {
        let objects = super::manifest(&request, 0)?;
        let entries = objects.iter().map(|(id, object)| (id.key(), Value::from(object)));
        Ok(Value::Object(entries.collect::<Object>()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    async fn call(yaml: &str) -> Result<Json, FunctionError> {
        let request = FunctionRequest { arguments: vec![yaml.into()], context: Default::default() };
        ParseManifests.call(request).await.map(|value| value.to_json().expect("nothing is unknown"))
    }

    #[tokio::test]
    async fn objects_stand_under_their_keys() {
        let check = async |yaml: &str, expected: Json| assert_eq!(call(yaml).await, Ok(expected), "{yaml}");
        check("", json!({})).await;
        check("---\n# nothing\n---\n", json!({})).await;
        check(
            "---\n# Source: x\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\ndata: {size: 1}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n",
            json!({
                "v1/ConfigMap/default/a": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"size": 1}},
                "v1/Namespace/b": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}},
            }),
        )
        .await;
        let list =
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: c}}\n";
        check(
            list,
            json!({"v1/Namespace/c": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}}),
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_no_object_is_refused() {
        let check = async |yaml: &str, part: &str| {
            let error = call(yaml).await.expect_err("it is refused");
            assert_eq!(error.argument, Some(0), "{error}");
            assert!(error.text.contains(part), "{part:?} is not in {error}");
        };
        check("a: [1", "line").await;
        check("- 1", "array").await;
        check("apiVersion: v1\nkind: ConfigMap\n", "no metadata.name").await;
        let twice = "apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n";
        check(&format!("{twice}---\n{twice}"), "v1/Namespace/b is defined twice").await;
    }
}
