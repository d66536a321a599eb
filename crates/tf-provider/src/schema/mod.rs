//! What a resource author writes against: values, schemas, diagnostics and the traits of a provider's parts.
//!
//! Nothing here knows protobuf, sockets or processes, and nothing differs between protocol versions.

mod action;
mod attribute;
mod block;
mod context;
mod data_source;
mod diagnostic;
mod ephemeral_resource;
mod function;
mod identity;
mod json;
mod list_resource;
mod markdown;
mod number;
mod object;
mod path;
mod plan;
mod provider;
mod raw_state;
mod resource;
mod types;
mod value;
mod walk;

pub use action::{Action, InvokeActionRequest, PlanActionRequest, Progress};
pub use attribute::{Attribute, Presence};
pub use block::{Block, NestedBlock, Nesting, Schema};
pub use context::{Context, Deferral};
pub use data_source::{DataSource, DataSourceRequest, DataSourceState};
pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use ephemeral_resource::{
    CloseEphemeralRequest, EphemeralResource, OpenEphemeralRequest, OpenedEphemeral, RenewEphemeralRequest,
    RenewedEphemeral,
};
pub use function::{Function, FunctionError, FunctionRequest, Parameter, Signature};
pub use identity::{IdentityAttribute, IdentitySchema};
pub use json::NotThisType;
pub use list_resource::{Found, FoundSender, ListRequest, ListResource};
pub use markdown::{PageKind, function_page, schema_page};
pub use number::{NotANumber, Number};
pub use object::Object;
pub use path::{Path, Step};
pub use plan::{Plan, PlanRequest};
pub use provider::{ConfigureRequest, Provider, ValidateRequest};
pub use raw_state::RawState;
pub use resource::{
    CreateRequest, DeleteRequest, ImportRequest, Imported, MoveRequest, NewState, PlanDestroyRequest,
    ReadRequest, Resource, UpdateRequest, UpgradeIdentityRequest, UpgradeRequest,
};
pub use types::{NotAType, ObjectType, Type};
pub use value::{Dynamic, Refinement, Value};

pub(crate) use json::DEEPEST_DYNAMIC;
pub(crate) use number::Form as NumberForm;
pub(crate) use plan::{propose, with_defaults};
pub(crate) use walk::{check_against_schema, check_config, clear_write_only};
