//! Values in wire form, and their reading and writing by a schema.

use bytes::Bytes;

use super::catalog::Described;
use crate::protocol::dynamic_value;
use crate::schema::{
    Diagnostic, Diagnostics, NotThisType, Object, RawState, Type, Value, check_against_schema,
    clear_write_only,
};

/// Holds a value as it travels: msgpack, or JSON from old clients. Empty is null.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireValue {
    pub(crate) msgpack: Bytes,
    pub(crate) json: Bytes,
}

impl WireValue {
    pub(crate) fn of_msgpack(msgpack: Vec<u8>) -> Self {
        Self { msgpack: msgpack.into(), json: Bytes::new() }
    }

    pub(crate) fn read(&self, ty: &Type) -> Result<Value, NotThisType> {
        if !self.msgpack.is_empty() {
            dynamic_value::decode(&self.msgpack, ty)
        } else if !self.json.is_empty() {
            RawState::from_json(self.json.to_vec()).decode_type(ty)
        } else {
            Ok(Value::Null)
        }
    }
}

impl Described {
    /// Reads an object, or nothing for null; `what` names it in the error.
    pub(crate) fn read(&self, value: &WireValue, what: &str) -> Result<Option<Object>, Diagnostics> {
        match value.read(&self.ty) {
            Ok(Value::Object(object)) => Ok(Some(object)),
            Ok(Value::Null) => Ok(None),
            Ok(_) => Err(unreadable(what, &NotThisType::at_root("it is unknown as a whole"))),
            Err(error) => Err(unreadable(what, &error)),
        }
    }

    /// Reads an object that must be there.
    pub(crate) fn read_some(&self, value: &WireValue, what: &str) -> Result<Object, Diagnostics> {
        let missing = || unreadable(what, &NotThisType::at_root("it is missing"));
        self.read(value, what)?.ok_or_else(missing)
    }

    /// Writes an author's object; write-only attributes stay behind.
    pub(crate) fn write(&self, object: Option<Object>) -> Result<WireValue, Diagnostics> {
        let mut object = object;
        if let Some(object) = &mut object {
            clear_write_only(&self.schema.block, object);
            check_against_schema(&self.schema.block, object).map_err(|path| {
                unwritable(&NotThisType { path, reason: "the schema has no such attribute".to_owned() })
            })?;
        }
        let msgpack = dynamic_value::encode_block(&self.schema.block, object.as_ref());
        msgpack.map(WireValue::of_msgpack).map_err(|error| unwritable(&error))
    }
}

fn unreadable(what: &str, error: &NotThisType) -> Diagnostics {
    Diagnostic::error(format!("The provider cannot read the {what}"))
        .detail(format!("{error}."))
        .hint("provider and Terraform disagree about the schema; this is a bug in one of them")
        .into()
}

pub(crate) fn unwritable(error: &NotThisType) -> Diagnostics {
    Diagnostic::error("The provider gave an answer that does not fit its schema")
        .detail(format!("{error}."))
        .hint("this is a bug in the provider; please report it")
        .into()
}
