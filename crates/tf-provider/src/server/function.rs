//! Calls of functions.

use std::sync::Arc;

use super::{Capabilities, Server, WireValue};
use crate::protocol::dynamic_value;
use crate::schema::{FunctionError, FunctionRequest, Signature, Value};

/// Asks for a result.
#[derive(Debug, Default)]
pub(crate) struct CallFunctionCall {
    pub(crate) name: String,
    pub(crate) arguments: Vec<WireValue>,
}

impl Server {
    pub(crate) async fn call_function(
        self: Arc<Self>,
        call: CallFunctionCall,
    ) -> Result<WireValue, FunctionError> {
        let no_such = || FunctionError::new(format!("the provider has no function {:?}", call.name));
        let (function, signature) = self.catalog().functions.get(&call.name).ok_or_else(no_such)?;
        let arguments = read_arguments(signature, &call.arguments)?;
        let context = self.context(Capabilities::default());
        let result = function.call(FunctionRequest { arguments, context }).await?;
        let msgpack = dynamic_value::encode(&signature.returns, &result);
        msgpack.map(WireValue::of_msgpack).map_err(|error| {
            FunctionError::new(format!("the provider gave a result of another type (a bug in it): {error}"))
        })
    }
}

fn read_arguments(signature: &Signature, arguments: &[WireValue]) -> Result<Vec<Value>, FunctionError> {
    let few = arguments.len() < signature.parameters.len();
    let many = signature.variadic.is_none() && arguments.len() > signature.parameters.len();
    if few || many {
        let text = format!("{} arguments are required, not {}", signature.parameters.len(), arguments.len());
        return Err(FunctionError::new(text));
    }
    let read = |(position, argument): (usize, &WireValue)| {
        let parameter =
            signature.parameter_at(position).ok_or_else(|| FunctionError::new("too many arguments"))?;
        argument.read(&parameter.ty).map_err(|error| FunctionError::at(position, error.to_string()))
    };
    arguments.iter().enumerate().map(read).collect()
}
