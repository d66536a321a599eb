//! A whole provider: a pet is a file with a name in it.

use std::fs;
use std::process::ExitCode;
use std::sync::Arc;

use tf_provider::async_trait;
use tf_provider::schema::*;

struct Pets;

impl Provider for Pets {
    fn address(&self) -> &str {
        "registry.terraform.io/example/pets"
    }

    fn resources(&self) -> Vec<Arc<dyn Resource>> {
        vec![Arc::new(Pet)]
    }
}

struct Pet;

#[async_trait]
impl Resource for Pet {
    fn type_name(&self) -> &str {
        "pets_pet"
    }

    fn schema(&self) -> Schema {
        Schema::new()
            .description("A pet that lives in a file.")
            .attribute(
                "path",
                Attribute::required(Type::String).requires_replace().description("Where it lives."),
            )
            .attribute(
                "name",
                Attribute::optional(Type::String).default_value("Rex").description("What it answers to."),
            )
            .attribute("letters", Attribute::computed(Type::Number).description("How long the name is."))
    }

    async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
        write(request.planned)
    }

    async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
        write(request.planned)
    }

    async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
        let path = request.state.string("path").unwrap_or_default().to_owned();
        match fs::read_to_string(&path) {
            Ok(name) => Ok(NewState::of(request.state.with("letters", name.len() as u64).with("name", name))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(NewState::gone()),
            Err(error) => Err(cannot("read", &path, &error)),
        }
    }

    async fn delete(&self, request: DeleteRequest) -> Result<NewState, Diagnostics> {
        let path = request.prior.string("path").unwrap_or_default();
        fs::remove_file(path).map(|()| NewState::gone()).map_err(|error| cannot("remove", path, &error))
    }

    async fn import(&self, request: ImportRequest) -> Result<Vec<Imported>, Diagnostics> {
        Ok(vec![Imported::of(Object::new().with("path", request.id))])
    }
}

fn write(planned: Object) -> Result<NewState, Diagnostics> {
    let (path, name) =
        (planned.string("path").unwrap_or_default(), planned.string("name").unwrap_or_default());
    fs::write(path, name).map_err(|error| cannot("write", path, &error))?;
    let letters = name.len() as u64;
    Ok(NewState::of(planned.with("letters", letters)))
}

fn cannot(verb: &str, path: &str, error: &std::io::Error) -> Diagnostics {
    Diagnostic::error(format!("Cannot {verb} {path}")).detail(error.to_string()).at("path").into()
}

fn main() -> ExitCode {
    tf_provider::serve(Pets)
}
