//! What a Terraform provider in Rust stands on: the plugin protocol, values, schemas, diagnostics.
//!
//! A provider is a type that implements [`schema::Provider`] and lists its parts; each part is a type that
//! implements a trait of a few methods. [`serve`] does the rest: handshake, socket, TLS, protobuf, msgpack,
//! logs, cancellation. The same binary works with Terraform and OpenTofu.
//!
//! ```no_run
//! use std::sync::Arc;
//! use tf_provider::async_trait;
//! use tf_provider::schema::*;
//!
//! struct Pets;
//!
//! impl Provider for Pets {
//!     fn address(&self) -> &str {
//!         "registry.terraform.io/example/pets"
//!     }
//!     fn resources(&self) -> Vec<Arc<dyn Resource>> {
//!         vec![Arc::new(Pet)]
//!     }
//! }
//!
//! struct Pet;
//!
//! #[async_trait]
//! impl Resource for Pet {
//!     fn type_name(&self) -> &str {
//!         "pets_pet"
//!     }
//!     fn schema(&self) -> Schema {
//!         Schema::new()
//!             .attribute("name", Attribute::required(Type::String).requires_replace())
//!             .attribute("id", Attribute::computed(Type::String).keeps_prior())
//!     }
//!     async fn create(&self, request: CreateRequest) -> Result<NewState, Diagnostics> {
//!         let name = request.planned.string("name").unwrap_or_default().to_owned();
//!         if name.is_empty() {
//!             return Err(Diagnostic::error("A pet needs a name").at("name").into());
//!         }
//!         Ok(NewState::of(request.planned.with("id", format!("pet/{name}"))))
//!     }
//!     async fn read(&self, request: ReadRequest) -> Result<NewState, Diagnostics> {
//!         Ok(NewState::of(request.state))
//!     }
//!     async fn update(&self, request: UpdateRequest) -> Result<NewState, Diagnostics> {
//!         Ok(NewState::of(request.planned))
//!     }
//!     async fn delete(&self, _: DeleteRequest) -> Result<NewState, Diagnostics> {
//!         Ok(NewState::gone())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     tf_provider::serve(Pets)
//! }
//! ```
//!
//! `examples/pets.rs` is a whole provider over files. To try it, name the folder of the binary, called
//! `terraform-provider-pets`, in a `dev_overrides` block of the file that `TF_CLI_CONFIG_FILE` points to.
//!
//! # What follows from the schema alone
//! - **Plan**: defaults take the place of nulls; when something changes, computed attributes become unknown,
//!   except those with [`schema::Attribute::keeps_prior`]; changed attributes with
//!   [`schema::Attribute::requires_replace`] replace the resource. [`schema::Resource::plan`] gets this draft and
//!   may set what it knows better. Terraform plans a second time inside apply, in another process, and demands
//!   the same known values.
//! - **Validate**: [`schema::Attribute::one_of`], and write-only attributes where Terraform cannot keep them out
//!   of its state.
//! - **State and plan never hold write-only values**, whatever an author returns.
//! - **An answer that does not fit its schema** is a diagnostic that names the attribute.
//!
//! # What an answer means
//! `Err` says that nothing happened: a create saves nothing, an update or delete keeps the prior state. Work that
//! stopped half-way answers `Ok` with what is really there and the error among its diagnostics: Terraform taints
//! a half create, and takes a half update or delete for the new truth. A panic is a diagnostic, and the
//! process goes on.
//!
//! # Unknown values
//! [`schema::Object::string`] and its like answer nothing for null and unknown alike; in `validate` and `plan`,
//! ask [`schema::Object::is_unknown`] where it matters. What is known of an unknown value can be read
//! ([`schema::Refinement`]); it is never sent back, since that would be a promise.
//!
//! # Cancellation
//! Every request carries [`schema::Context::cancel`], which fires when the user presses Ctrl-C. A call ends soon
//! then and answers what is true by then. Work goes on when Terraform hangs up.
//!
//! # Logs
//! `tracing` events become Terraform's own log lines, with the call and the resource type beside them. `TF_LOG`,
//! `TF_LOG_PROVIDER` and `TF_LOG_PROVIDER_<NAME>` choose the level. Stdout belongs to the handshake.
//!
//! # Debugging
//! Started with `--debug`, the binary prints the `TF_REATTACH_PROVIDERS` that lets Terraform attach to it.
//!
//! # Documentation
//! [`schema::schema_page`] and [`schema::function_page`] render reference pages in the registry's form.
//!
//! # What is not supported
//! - Protocol 6, and with it nested attributes and state stores. Terraform from 0.12 and every OpenTofu speak
//!   protocol 5; objects and blocks say the same. The server behind the service knows nothing of the version.
//! - State that Terraform 0.11 or older wrote (flat maps).
//! - Values of dynamic type inside list and map blocks are read, but an attribute of dynamic type beside the
//!   blocks serves authors better: Terraform makes the whole block dynamic.
//! - The plugin host's multiplexing of several brokers over one connection, which Terraform does not use.
//! - Groups of `PLUGIN_UNIX_SOCKET_GROUP` that are named but not in `/etc/group`.

pub mod protocol;
pub mod schema;
mod server;

pub use async_trait::async_trait;
pub use protocol::{Mode, is_started_by_terraform, serve, serve_as, serve_with};
pub use tokio_util::sync::CancellationToken;
