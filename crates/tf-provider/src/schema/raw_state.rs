//! State in the JSON in which Terraform stores it, from an older schema or from another provider.

use super::json::{self, NotThisType};
use super::{Object, Schema, Type, Value};

/// Holds stored state whose schema the server does not know.
#[derive(Clone, Debug, Default)]
pub struct RawState {
    json: Vec<u8>,
}

impl RawState {
    /// Wraps a state's JSON text.
    pub fn from_json(json: impl Into<Vec<u8>>) -> Self {
        Self { json: json.into() }
    }

    /// Returns the JSON text.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// Parses the JSON freely; numbers lose digits beyond a 64-bit float's.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }

    /// Reads the state with the schema that wrote it. Attributes the state lacks are null.
    ///
    /// # Errors
    /// When the state does not fit the schema; the error names the attribute.
    pub fn decode(&self, schema: &Schema) -> Result<Object, NotThisType> {
        match json::decode(&self.json, &schema.ty())? {
            Value::Object(object) => Ok(object),
            _ => Err(NotThisType::at_root("an object is required")),
        }
    }

    pub(crate) fn decode_type(&self, ty: &Type) -> Result<Value, NotThisType> {
        json::decode(&self.json, ty)
    }
}
