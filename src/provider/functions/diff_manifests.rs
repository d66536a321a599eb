//! `diff_manifests`: what differs between two rendered manifests, object by object and field by field.

use tf_provider::async_trait;
use tf_provider::schema::{Function, FunctionError, FunctionRequest, Parameter, Signature, Type, Value};

use crate::manifest::comparison;

/// The function `diff_manifests`.
pub(crate) struct DiffManifests;

#[async_trait]
impl Function for DiffManifests {
    fn name(&self) -> &str {
        "diff_manifests"
    }

    fn signature(&self) -> Signature {
        let text = |name: &str, what: &str| Parameter::new(name, Type::String).description(what);
        Signature::returning(Type::map(Type::list(Type::String)))
            .parameter(text("before", "The rendered manifest before, one or more YAML documents."))
            .parameter(text("after", "The rendered manifest after."))
            .summary("Says which objects and fields differ between two rendered manifests.")
            .description(
                "Says which objects and fields differ between two rendered manifests: a map from the key that plans use, \
                 `apiVersion/Kind/namespace/name`, to the lines that a person reads, `path: before → after`, or `created` or `deleted`. \
                 Objects that are the same are left out. The content of Secrets never shows: a changed value is \
                 `(sensitive, revision 1) → (sensitive, revision 2)`.",
            )
    }

    async fn call(&self, request: FunctionRequest) -> Result<Value, FunctionError> {
        let (before, after) = (super::manifest(&request, 0)?, super::manifest(&request, 1)?);
        let lines = comparison::lines(&before, &after);
        Ok(Value::map(lines.into_iter().map(|(key, lines)| (key, Value::list(lines)))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn two_texts_become_lines_by_object_and_the_second_can_be_to_blame() {
        let call = async |before: &str, after: &str| {
            let request =
                FunctionRequest { arguments: vec![before.into(), after.into()], context: Default::default() };
            DiffManifests.call(request).await
        };
        let map = |value: &str| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{size: {value}}}\n")
        };
        let lines = call(&map("\"1\""), &map("\"2\"")).await.expect("both are manifests");
        assert_eq!(lines.to_json(), Some(json!({"v1/ConfigMap/default/a": ["data.size: \"1\" → \"2\""]})));
        assert_eq!(call(&map("x"), &map("x")).await.map(|value| value.to_json()), Ok(Some(json!({}))));
        assert_eq!(call(&map("x"), "- 1").await.expect_err("a list is no manifest").argument, Some(1));
    }
}
