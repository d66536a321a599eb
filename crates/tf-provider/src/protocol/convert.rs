//! Between protocol 5's messages and the server's own types, field by field.

use std::time::SystemTime;

use super::tfplugin5 as proto;
use crate::schema::{
    Attribute, Block, Deferral, Diagnostic, Diagnostics, FunctionError, IdentitySchema, NestedBlock, Nesting,
    Parameter, Path, Presence, RawState, Schema, Severity, Signature, Step,
};
use crate::server::{Capabilities, WireValue};

impl From<proto::DynamicValue> for WireValue {
    fn from(value: proto::DynamicValue) -> Self {
        Self { msgpack: value.msgpack, json: value.json }
    }
}

impl From<WireValue> for proto::DynamicValue {
    fn from(value: WireValue) -> Self {
        Self { msgpack: value.msgpack, json: value.json }
    }
}

impl From<WireValue> for proto::ResourceIdentityData {
    fn from(value: WireValue) -> Self {
        Self { identity_data: Some(value.into()) }
    }
}

/// Reads a value; an absent one is null.
pub(crate) fn value(value: Option<proto::DynamicValue>) -> WireValue {
    value.map(WireValue::from).unwrap_or_default()
}

/// Reads an identity.
pub(crate) fn identity(identity: Option<proto::ResourceIdentityData>) -> Option<WireValue> {
    identity.and_then(|identity| identity.identity_data).map(WireValue::from)
}

/// Writes a value that is there; an empty one is left out.
pub(crate) fn some_value(value: WireValue) -> Option<proto::DynamicValue> {
    let is_empty = value.msgpack.is_empty() && value.json.is_empty();
    (!is_empty).then(|| value.into())
}

/// Reads stored state.
pub(crate) fn raw_state(raw: proto::RawState) -> RawState {
    RawState::from_json(raw.json)
}

/// Reads what the caller can do.
pub(crate) fn capabilities(capabilities: Option<proto::ClientCapabilities>) -> Capabilities {
    let capabilities = capabilities.unwrap_or_default();
    Capabilities {
        deferral_allowed: capabilities.deferral_allowed,
        write_only_allowed: capabilities.write_only_attributes_allowed,
    }
}

/// Writes what the provider can do.
pub(crate) fn server_capabilities() -> proto::ServerCapabilities {
    proto::ServerCapabilities {
        plan_destroy: true,
        get_provider_schema_optional: true,
        move_resource_state: true,
        generate_resource_config: true,
    }
}

/// Writes diagnostics.
pub(crate) fn diagnostics(diagnostics: Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

/// Writes the diagnostics of a call that answers nothing else.
pub(crate) fn outcome(outcome: Result<Diagnostics, Diagnostics>) -> Vec<proto::Diagnostic> {
    diagnostics(outcome.unwrap_or_else(with_error))
}

/// Writes the diagnostics of a call that failed.
pub(crate) fn failure(errors: Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics(with_error(errors))
}

/// A failure without an error would pass for a success.
fn with_error(mut errors: Diagnostics) -> Diagnostics {
    if !errors.has_errors() {
        errors.push(
            Diagnostic::error("The provider failed without saying why").hint("this is a bug in the provider"),
        );
    }
    errors
}

fn diagnostic(diagnostic: Diagnostic) -> proto::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => proto::diagnostic::Severity::Error,
        Severity::Warning => proto::diagnostic::Severity::Warning,
    };
    proto::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: diagnostic.path.filter(|path| !path.is_root()).map(|place| path(&place)),
    }
}

/// Writes a path.
pub(crate) fn path(path: &Path) -> proto::AttributePath {
    use proto::attribute_path::step::Selector;
    let selector = |step: &Step| match step {
        Step::Attribute(name) => Selector::AttributeName(name.clone()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(index) => Selector::ElementKeyInt(i64::try_from(*index).unwrap_or(i64::MAX)),
    };
    let step = |step| proto::attribute_path::Step { selector: Some(selector(step)) };
    proto::AttributePath { steps: path.steps().iter().map(step).collect() }
}

/// Writes why a change is postponed.
pub(crate) fn deferral(deferral: Deferral) -> proto::Deferred {
    use proto::deferred::Reason;
    let reason = match deferral {
        Deferral::Unspecified => Reason::Unknown,
        Deferral::ResourceConfigUnknown => Reason::ResourceConfigUnknown,
        Deferral::ProviderConfigUnknown => Reason::ProviderConfigUnknown,
        Deferral::AbsentPrerequisite => Reason::AbsentPrereq,
    };
    proto::Deferred { reason: reason.into() }
}

/// Writes a moment; one before 1970 is 1970.
pub(crate) fn timestamp(time: SystemTime) -> prost_types::Timestamp {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    prost_types::Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or_default(),
    }
}

/// Writes a schema.
pub(crate) fn schema(schema: &Schema) -> proto::Schema {
    let version = i64::try_from(schema.version).unwrap_or(i64::MAX);
    proto::Schema { version, block: Some(block(&schema.block, version)) }
}

fn block(source: &Block, version: i64) -> proto::schema::Block {
    let nested = |(name, nested): &(String, NestedBlock)| nested_block(name, nested);
    proto::schema::Block {
        version,
        attributes: source.attributes.iter().map(|(name, one)| attribute(name, one)).collect(),
        block_types: source.blocks.iter().map(nested).collect(),
        description: source.description.clone(),
        description_kind: proto::StringKind::Markdown.into(),
        deprecated: source.deprecation.is_some(),
        deprecation_message: source.deprecation.clone().unwrap_or_default(),
    }
}

fn attribute(name: &str, attribute: &Attribute) -> proto::schema::Attribute {
    proto::schema::Attribute {
        name: name.to_owned(),
        r#type: attribute.ty.to_json_bytes(),
        description: attribute.description.clone(),
        required: attribute.presence == Presence::Required,
        optional: attribute.is_optional(),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        description_kind: proto::StringKind::Markdown.into(),
        deprecated: attribute.deprecation.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}

fn nested_block(name: &str, nested: &NestedBlock) -> proto::schema::NestedBlock {
    use proto::schema::nested_block::NestingMode;
    let nesting = match nested.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
        Nesting::Group => NestingMode::Group,
    };
    // A single block stands once at most by nature; Terraform wants both limits equal there.
    let max = if nested.nesting == Nesting::Single { nested.min } else { nested.max };
    proto::schema::NestedBlock {
        type_name: name.to_owned(),
        block: Some(block(&nested.block, 0)),
        nesting: nesting.into(),
        min_items: i64::try_from(nested.min).unwrap_or(i64::MAX),
        max_items: i64::try_from(max).unwrap_or(i64::MAX),
    }
}

/// Writes an identity schema.
pub(crate) fn identity_schema(schema: &IdentitySchema) -> proto::ResourceIdentitySchema {
    use proto::resource_identity_schema::IdentityAttribute;
    let attributes = schema.attributes.iter().map(|attribute| IdentityAttribute {
        name: attribute.name.clone(),
        r#type: attribute.ty.to_json_bytes(),
        required_for_import: attribute.required_for_import,
        optional_for_import: !attribute.required_for_import,
        description: attribute.description.clone(),
    });
    proto::ResourceIdentitySchema {
        version: i64::try_from(schema.version).unwrap_or(i64::MAX),
        identity_attributes: attributes.collect(),
    }
}

/// Writes a function's signature.
pub(crate) fn function(signature: &Signature) -> proto::Function {
    proto::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(proto::function::Return { r#type: signature.returns.to_json_bytes() }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: proto::StringKind::Markdown.into(),
        deprecation_message: signature.deprecation.clone().unwrap_or_default(),
    }
}

fn parameter(parameter: &Parameter) -> proto::function::Parameter {
    proto::function::Parameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_json_bytes(),
        allow_null_value: parameter.allows_null,
        allow_unknown_values: parameter.allows_unknown,
        description: parameter.description.clone(),
        description_kind: proto::StringKind::Markdown.into(),
    }
}

/// Writes why a function has no result.
pub(crate) fn function_error(error: FunctionError) -> proto::FunctionError {
    let argument = error.argument.and_then(|position| i64::try_from(position).ok());
    proto::FunctionError { text: error.text, function_argument: argument }
}
