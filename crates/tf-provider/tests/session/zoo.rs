//! A provider with one of everything, whose resource behaves as its configuration says.

use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::*;

pub struct Zoo;

#[async_trait]
impl Provider for Zoo {
    fn address(&self) -> &str {
        "registry.terraform.io/example/zoo"
    }

    fn schema(&self) -> Schema {
        Schema::new().attribute("city", Attribute::optional(Type::String))
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Animal)]
    }

    fn data_sources(&self) -> Vec<Arc<dyn DataSource>> {
        vec![Arc::new(Visitors)]
    }

    fn functions(&self) -> Vec<Arc<dyn Function>> {
        vec![Arc::new(Join)]
    }

    fn ephemeral_resources(&self) -> Vec<Arc<dyn EphemeralResource>> {
        vec![Arc::new(Ticket)]
    }

    fn list_resources(&self) -> Vec<Arc<dyn ListResource>> {
        vec![Arc::new(AnimalList)]
    }

    fn actions(&self) -> Vec<Arc<dyn Action>> {
        vec![Arc::new(Feed)]
    }

    async fn configure(&self, request: ConfigureRequest) -> Result<Diagnostics, Diagnostics> {
        match request.config.string("city") {
            Some("Atlantis") => Err(Diagnostic::error("Atlantis is under water").at("city").into()),
            _ => Ok(Diagnostic::warning("it rains").into()),
        }
    }
}

pub struct Animal;

impl Animal {
    fn obey(mood: Option<&str>, planned: Object, prior: Option<Object>) -> Result<NewState, Diagnostics> {
        let full = planned.with("id", "animal-1");
        match mood {
            Some("panic") => panic!("the lion is loose"),
            Some("refuse") => Err(Diagnostic::error("the animal refuses").at("name").into()),
            Some("half") => {
                let state = prior.unwrap_or(full.with("food", Value::Null));
                Ok(NewState::of(state).diagnostic(Diagnostic::error("only half done")))
            }
            Some("stray") => Ok(NewState::of(full.with("wings", 2))),
            _ => Ok(NewState::of(full).private("kept")),
        }
    }
}

#[async_trait]
impl Resource for Animal {
    fn type_name(&self) -> &str {
        "zoo_animal"
    }

    fn schema(&self) -> Schema {
        let food = Block::new().attribute("kind", Attribute::required(Type::String).one_of(["hay", "meat"]));
        Schema::new()
            .version(2)
            .attribute("id", Attribute::computed(Type::String).keeps_prior())
            .attribute("name", Attribute::required(Type::String).requires_replace())
            .attribute("mood", Attribute::optional(Type::String))
            .attribute("secret", Attribute::optional(Type::String).write_only())
            .block("food", NestedBlock::list(food))
    }

    fn identity(&self) -> Option<IdentitySchema> {
        Some(IdentitySchema::new().required("id", Type::String, "The animal's number."))
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        if request.config.string("mood") == Some("wait") {
            request.context.cancel.cancelled().await;
            return Err(Diagnostic::error("interrupted").into());
        }
        let mood = request.config.string("mood").map(str::to_owned);
        let state = Self::obey(mood.as_deref(), request.planned, None)?;
        Ok(state.identity(Object::new().with("id", "animal-1")))
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        match request.state.string("mood") {
            Some("gone") => Ok(NewState::gone()),
            Some("panic") => panic!("the lion is loose"),
            _ => Ok(NewState::of(request.state)),
        }
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        let mood = request.config.string("mood").map(str::to_owned);
        Self::obey(mood.as_deref(), request.planned, Some(request.prior))
    }

    async fn delete(&self, request: DeleteRequest) -> Result<NewState, Diagnostics> {
        match request.prior.string("mood") {
            Some("refuse") => Err(Diagnostic::error("the animal stays").into()),
            Some("half") => Ok(NewState::of(request.prior).diagnostic(Diagnostic::error("only half gone"))),
            _ => Ok(NewState::gone()),
        }
    }

    async fn plan_destroy(&self, _: PlanDestroyRequest) -> Result<Diagnostics, Diagnostics> {
        Ok(Diagnostic::warning("it will be missed").into())
    }

    async fn import(&self, request: ImportRequest) -> Result<Vec<Imported>, Diagnostics> {
        let known = request.identity.as_ref().and_then(|identity| identity.string("id"));
        let id = known.unwrap_or(&request.id).to_owned();
        Ok(vec![Imported::of(Object::new().with("id", id))])
    }

    async fn upgrade(&self, request: UpgradeRequest) -> Result<Object, Diagnostics> {
        let old = Schema::new().attribute("title", Attribute::required(Type::String));
        let old = request.raw.decode(&old).map_err(|error| Diagnostic::error(error.to_string()))?;
        Ok(Object::new().with("name", old.get("title").clone()))
    }

    async fn move_state(&self, request: MoveRequest) -> Result<Option<NewState>, Diagnostics> {
        if request.source_type != "old_animal" {
            return Ok(None);
        }
        let old = Schema::new().attribute("label", Attribute::required(Type::String));
        let old = request.source_state.decode(&old).map_err(|error| Diagnostic::error(error.to_string()))?;
        Ok(Some(NewState::of(Object::new().with("name", old.get("label").clone()))))
    }
}

struct Visitors;

#[async_trait]
impl DataSource for Visitors {
    fn type_name(&self) -> &str {
        "zoo_visitors"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .attribute("day", Attribute::required(Type::String))
            .attribute("count", Attribute::computed(Type::Number))
    }

    async fn read(&self, request: DataSourceRequest) -> Result<DataSourceState, Diagnostics> {
        Ok(DataSourceState::of(request.config.with("count", 7)))
    }
}

struct Join;

#[async_trait]
impl Function for Join {
    fn name(&self) -> &str {
        "join"
    }

    fn signature(&self) -> Signature {
        Signature::returning(Type::String)
            .variadic(Parameter::new("parts", Type::String))
            .summary("Joins parts.")
    }

    async fn call(&self, request: FunctionRequest) -> Result<Value, FunctionError> {
        let parts: Vec<&str> = request.arguments.iter().filter_map(Value::as_str).collect();
        match parts.iter().position(|part| part.is_empty()) {
            Some(position) => Err(FunctionError::at(position, "a part is empty")),
            None => Ok(parts.join("-").into()),
        }
    }
}

struct Ticket;

#[async_trait]
impl EphemeralResource for Ticket {
    fn type_name(&self) -> &str {
        "zoo_ticket"
    }

    fn schema(&self) -> Schema {
        Schema::new().attribute("code", Attribute::computed(Type::String))
    }

    async fn open(&self, request: OpenEphemeralRequest) -> Result<OpenedEphemeral, Diagnostics> {
        let result = request.config.with("code", "1234");
        Ok(OpenedEphemeral { result, private: b"seat".to_vec(), ..OpenedEphemeral::default() })
    }
}

struct AnimalList;

#[async_trait]
impl ListResource for AnimalList {
    fn type_name(&self) -> &str {
        "zoo_animal"
    }

    fn schema(&self) -> Schema {
        Schema::new()
    }

    async fn list(&self, _: ListRequest, found: FoundSender) -> Result<(), Diagnostics> {
        for number in 1.. {
            let identity = Object::new().with("id", format!("animal-{number}"));
            if !found.send(Found { identity, display_name: number.to_string(), ..Found::default() }).await {
                break;
            }
        }
        Ok(())
    }
}

struct Feed;

#[async_trait]
impl Action for Feed {
    fn type_name(&self) -> &str {
        "zoo_feed"
    }

    fn schema(&self) -> Schema {
        Schema::new()
    }

    async fn invoke(&self, _: InvokeActionRequest, progress: Progress) -> Result<Diagnostics, Diagnostics> {
        progress.report("feeding").await;
        Ok(Diagnostic::warning("they are still hungry").into())
    }
}
