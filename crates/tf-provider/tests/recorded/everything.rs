//! A provider whose resource has every kind of attribute and block; what it creates is what was planned.

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::*;

pub struct Everything;

impl Provider for Everything {
    fn address(&self) -> &str {
        "registry.terraform.io/example/everything"
    }

    fn schema(&self) -> Schema {
        let cluster = Block::new().attribute("name", Attribute::required(Type::String));
        Schema::new().block("cluster", NestedBlock::list(cluster))
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Thing)]
    }
}

struct Thing;

fn part() -> Block {
    Block::new()
        .attribute("a", Attribute::optional(Type::String))
        .attribute("n", Attribute::optional(Type::Number).default_value(3))
        .attribute("c", Attribute::computed(Type::String).keeps_prior())
}

#[async_trait]
impl Resource for Thing {
    fn type_name(&self) -> &str {
        "everything_thing"
    }

    fn schema(&self) -> Schema {
        let object =
            Type::object([("x", Type::String), ("y", Type::list(Type::Number))]).with_optional(["y"]);
        Schema::new()
            .version(1)
            .attribute("id", Attribute::computed(Type::String).keeps_prior())
            .attribute("string", Attribute::optional(Type::String))
            .attribute("number", Attribute::optional(Type::Number))
            .attribute("numbers", Attribute::optional(Type::list(Type::Number)))
            .attribute("bool", Attribute::optional(Type::Bool))
            .attribute("set", Attribute::optional(Type::set(Type::String)))
            .attribute("map", Attribute::optional(Type::map(Type::String)))
            .attribute("dynamic", Attribute::optional(Type::Dynamic))
            .attribute("object", Attribute::optional(object))
            .attribute("write_only", Attribute::optional(Type::String).write_only())
            .attribute("copy", Attribute::computed(Type::map(Type::String)))
            .block("single", NestedBlock::single(part()))
            .block("list", NestedBlock::list(part()))
            .block("any", NestedBlock::list(Block::new().attribute("v", Attribute::optional(Type::Dynamic))))
            .block("bag", NestedBlock::set(Block::new().attribute("a", Attribute::optional(Type::String))))
            .block("keyed", NestedBlock::map(part()))
            .block("group", NestedBlock::group(part()))
    }

    async fn plan(&self, mut request: PlanRequest) -> Result<Plan, Diagnostics> {
        if !request.config.is_unknown("string") {
            let string = request.config.get("string").clone();
            request.planned.set("copy", Value::map([("string", string)]));
        }
        Ok(request.into())
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        let mut state = filled(request.planned);
        let string = state.get("string").clone();
        state.set("copy", Value::map([("string", string)]));
        Ok(NewState::of(state).private("created"))
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::of(request.state))
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::of(filled(request.planned)))
    }

    async fn delete(&self, _: DeleteRequest) -> Result<NewState, Diagnostics> {
        Ok(NewState::gone())
    }
}

/// Puts a text in the place of what is unknown, on every level.
fn filled(object: Object) -> Object {
    object.into_iter().map(|(name, value)| (name, filled_value(value))).collect()
}

fn filled_value(value: Value) -> Value {
    match value {
        Value::Unknown(_) => Value::from("made"),
        Value::Object(object) => Value::Object(filled(object)),
        Value::List(elements) => Value::List(elements.into_iter().map(filled_value).collect()),
        Value::Map(elements) => {
            Value::Map(elements.into_iter().map(|(key, one)| (key, filled_value(one))).collect())
        }
        other => other,
    }
}
