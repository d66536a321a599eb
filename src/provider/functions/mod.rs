//! The functions, one file each: pure, callable before the provider is configured.

pub(crate) mod diff_manifests;
pub(crate) mod merge_values;
pub(crate) mod parse_manifests;

use tf_provider::schema::{FunctionError, FunctionRequest, Value};

use crate::release::documents::{self, Documents};

/// Reads the text of a rendered manifest that is the argument at a position.
///
/// # Errors
/// When it is no set of objects; the argument is to blame.
fn manifest(request: &FunctionRequest, position: usize) -> Result<Documents, FunctionError> {
    let text = request.arguments.get(position).and_then(Value::as_str).unwrap_or_default();
    documents::read(text.as_bytes(), "default")
        .map_err(|error| FunctionError::at(position, error.to_string()))
}
