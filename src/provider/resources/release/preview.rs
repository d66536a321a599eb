//! What data sources read of a release: the resource's arguments, rendered or explained, delivered nowhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use helm_engine::Mode;
use helm_engine::tree::Node;
use serde_json::Value as Json;
use tf_provider::schema::{Attribute, Diagnostic, Diagnostics, NestedBlock, Object, Schema, Type, Value};

use super::super::super::{Shared, patches};
use super::super::objects::shown;
use super::arguments::Arguments;
use super::private::Private;
use super::{attributes, desired, layers, schema, validate};
use crate::layers::layer::Layer;
use crate::layers::provenance::{self, Decision, Written};
use crate::layers::stack::Stack;
use crate::manifest::mask::{Mark, Masker, Reason, Revisions, conceal};
use crate::manifest::surface::Desired as DesiredObject;
use crate::release::objects;

/// Adds the arguments that the resource has too, its delivery aside.
pub(crate) fn with_arguments(described: Schema) -> Schema {
    let described = described
        .attribute(
            "name",
            Attribute::required(Type::String)
                .description("Name of the release, `.Release.Name` in templates."),
        )
        .attribute(
            "namespace",
            Attribute::optional(Type::String).default_value("default").description(
                "Namespace of the release, `.Release.Namespace` in templates. Default: `default`.",
            ),
        )
        .attribute(
            "cluster",
            Attribute::required(Type::String).description("Name of a `cluster` block of the provider."),
        );
    schema::rendering(described)
        .block("chart", NestedBlock::required(schema::chart_block()))
        .block("layer", NestedBlock::list(schema::layer_block()))
        .block("patch", NestedBlock::list(patches::block()))
}

/// Adds what shows the result of a render.
pub(crate) fn with_objects(described: Schema) -> Schema {
    schema::shown(described)
}

/// Checks what the schema cannot say; unknown values may stand anywhere.
pub(crate) fn validate(config: &Object) -> Diagnostics {
    validate::validate(config)
}

/// Renders what a data source's configuration says, with secrets out of sight unless it asks for them.
///
/// # Errors
/// As planning the release would fail.
pub(crate) async fn render(
    shared: &Arc<Shared>,
    config: Object,
) -> Result<(Object, Diagnostics), Diagnostics> {
    let arguments = Arguments::read(&config).without_late();
    let desired = desired::desired(shared, &arguments, &Private::default()).await?;
    let reveal = config.bool("reveal_secrets") == Some(true);
    let mut state = config
        .with("values", attributes::maybe_texts(&desired.values))
        .with("chart_metadata", shown::texts(&desired.chart));
    shown::set(&mut state, &desired.surface);
    state.set("yaml", yaml(&desired.objects, masked));
    state.set(
        "revealed_yaml",
        if reveal { Value::from(yaml(&desired.objects, revealed)) } else { Value::Null },
    );
    Ok((state, desired.warnings))
}

fn yaml(objects: &[DesiredObject], shown: fn(&DesiredObject) -> Json) -> String {
    objects.iter().map(|one| format!("---\n{}", document(&shown(one)))).collect()
}

fn document(value: &Json) -> String {
    format!("{}\n", objects::to_yaml(value).trim_end())
}

fn masked(desired: &DesiredObject) -> Json {
    let revisions = Revisions::default();
    conceal(&desired.id.key(), &desired.object, &desired.marks, true, &mut Masker::new(None, &revisions))
        .object
        .into_owned()
}

/// Gives an object with its secrets; what the chart draws from chance is not drawn yet, so no value would be the one.
fn revealed(desired: &DesiredObject) -> Json {
    let mut object = desired.object.clone();
    let drawn = desired.marks.at.iter().filter(|(_, mark)| **mark == Mark::Hidden(Reason::Generated));
    for (place, _) in drawn {
        if let Some(value) = object.pointer_mut(place) {
            *value = Json::from("(generated)");
        }
    }
    object
}

/// Reads the values that a data source's configuration says, and who decided them.
///
/// # Errors
/// As planning the release would fail.
pub(crate) async fn values(shared: &Arc<Shared>, config: Object) -> Result<Object, Diagnostics> {
    let arguments = Arguments::read(&config).without_late();
    // The render tells which values end in Secrets.
    let desired = desired::desired(shared, &arguments, &Private::default()).await?;
    let config = config.with("values", attributes::maybe_texts(&desired.values));
    let (shared, permit) = (Arc::clone(shared), shared.rendering().await);
    let work = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        Ok(with_stack(config, &stack(&shared, &arguments)?))
    });
    work.await.unwrap_or_else(|_| Err(Diagnostic::error("reading the values stopped unexpectedly").into()))
}

fn stack(shared: &Shared, arguments: &Arguments) -> Result<Stack, Diagnostics> {
    let origin = desired::origin(shared, arguments)?;
    let chart = shared.chart(&origin)?.chart;
    let path = arguments.chart.path.as_deref().map(|path| path.trim_end_matches('/').to_owned());
    let file = format!("{}/values.yaml", path.unwrap_or_else(|| origin.to_string()));
    let defaults = Layer::new("chart", Some(&file), Node::map(chart.default_values().clone()));
    let mut stack = layers::read(shared, arguments)?;
    stack.chart = Some(defaults.map_err(|error| Diagnostic::error(error.to_string()).at("chart"))?);
    Ok(stack)
}

fn with_stack(config: Object, stack: &Stack) -> Object {
    let effective = objects::to_json(&stack.effective(Mode::Helm4));
    let decisions = provenance::decisions(stack).into_iter().filter(|decision| !decision.by_chart);
    let origins: BTreeMap<String, String> =
        decisions.map(|decision| (decision.path.clone(), origin(&decision))).collect();
    config
        .with("provenance", shown::texts(&origins))
        .with("merged_yaml", document(&effective))
        .with("merged_json", effective.to_string())
}

fn origin(decision: &Decision<'_>) -> String {
    let winner = place(&decision.winner);
    if decision.shadowed.is_empty() {
        return winner;
    }
    let shadowed: Vec<String> = decision.shadowed.iter().map(place).collect();
    format!("{winner} (shadows {})", shadowed.join(", "))
}

fn place(written: &Written<'_>) -> String {
    let origin = written.origin();
    match (origin.file, origin.position.line) {
        (Some(file), 0) => format!("{} {file}", origin.layer),
        (Some(file), line) => format!("{} {file}:{line}", origin.layer),
        (None, 0) => origin.layer.to_owned(),
        (None, line) => format!("{} line {line}", origin.layer),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::mask::ObjectMarks;
    use crate::manifest::object::ObjectId;

    fn layer(name: &str, file: Option<&str>, yaml: &str) -> Layer {
        Layer::read(name, file, yaml.as_bytes(), 0).expect("a map")
    }

    #[test]
    fn values_say_who_decided_them_and_what_they_shadow() {
        let stack = Stack {
            chart: Some(layer("chart", Some("web/values.yaml"), "replicas: 1\nport: 80\nold: x\n")),
            layers: vec![
                layer("global", Some("global.yaml"), "\nreplicas: 2\n"),
                layer("inline", None, "replicas: 3\nnew: [1]\nold: null\n"),
            ],
        };
        let state = with_stack(Object::new(), &stack);
        let json = |name: &str| state.get(name).to_json().expect("nothing is unknown");
        assert_eq!(
            json("provenance"),
            json!({
                "replicas": "inline line 1 (shadows global global.yaml:2, chart web/values.yaml:1)",
                "new": "inline line 2",
                "old": "inline line 3 (shadows chart web/values.yaml:3)",
            })
        );
        assert_eq!(json("merged_json"), json!(r#"{"new":[1],"port":80,"replicas":3}"#));
        assert_eq!(json("merged_yaml"), json!("new:\n- 1\nport: 80\nreplicas: 3\n"));
    }

    #[test]
    fn texts_hide_secrets_and_nothing_shows_what_was_not_drawn_yet() {
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "hunter2", "b": "drawn"}});
        let marks =
            ObjectMarks { at: [("/stringData/b".to_owned(), Mark::Hidden(Reason::Generated))].into() };
        let id = ObjectId {
            api_version: "v1".into(),
            kind: "Secret".into(),
            namespace: Some("d".into()),
            name: "s".into(),
        };
        let objects = [DesiredObject { id, object, marks }];
        let (hidden, shown) = (yaml(&objects, masked), yaml(&objects, revealed));
        assert!(!hidden.contains("hunter2") && hidden.contains("(sensitive, revision 1)"), "{hidden}");
        assert!(
            shown.contains("hunter2") && shown.contains("(generated)") && !shown.contains("drawn"),
            "{shown}"
        );
    }
}
