//! Functions: pure computations that a configuration calls as `provider::NAME::FUNCTION(…)` (Terraform 1.8).
//!
//! Terraform calls them at any time, before the provider is configured too, and expects the same result for
//! the same arguments.

use async_trait::async_trait;

use super::{Context, Type, Value};

/// Computes a value from arguments.
#[async_trait]
pub trait Function: Send + Sync + 'static {
    /// Returns the name, without the provider's prefix.
    fn name(&self) -> &str;

    /// Describes parameters and result.
    fn signature(&self) -> Signature;

    /// Computes the result.
    ///
    /// # Errors
    /// When the arguments do not allow one.
    async fn call(&self, request: FunctionRequest) -> Result<Value, FunctionError>;
}

/// Asks for a computation.
#[derive(Clone, Debug)]
pub struct FunctionRequest {
    /// One value for each parameter, then those of the variadic one.
    pub arguments: Vec<Value>,
    /// What every call carries.
    pub context: Context,
}

/// Describes a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Parameters in order.
    pub parameters: Vec<Parameter>,
    /// The parameter that takes all further arguments.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
    /// What it does, in a line.
    pub summary: String,
    /// What it does, in Markdown.
    pub description: String,
    /// Why it should not be used any more.
    pub deprecation: Option<String>,
}

/// Describes a function's parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, for documentation and error messages.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Whether null may be given; else Terraform refuses it.
    pub allows_null: bool,
    /// Whether the function wants to see unknown values; else Terraform answers unknown for it.
    pub allows_unknown: bool,
    /// What it means, in Markdown.
    pub description: String,
}

impl Signature {
    /// A function without parameters.
    pub fn returning(returns: Type) -> Self {
        Self {
            parameters: Vec::new(),
            variadic: None,
            returns,
            summary: String::new(),
            description: String::new(),
            deprecation: None,
        }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Sets the parameter that takes all further arguments.
    #[must_use]
    pub fn variadic(mut self, parameter: Parameter) -> Self {
        self.variadic = Some(parameter);
        self
    }

    /// Says what it does, in a line.
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = summary.into();
        self
    }

    /// Says what it does, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Discourages its use and says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.deprecation = Some(message.into());
        self
    }

    /// Finds the parameter that takes the argument at a position.
    pub fn parameter_at(&self, position: usize) -> Option<&Parameter> {
        self.parameters.get(position).or(self.variadic.as_ref())
    }
}

impl Parameter {
    /// A parameter that takes known values other than null.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self { name: name.into(), ty, allows_null: false, allows_unknown: false, description: String::new() }
    }

    /// Explains the parameter, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Lets null be given.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.allows_null = true;
        self
    }

    /// Lets unknown values reach the function.
    #[must_use]
    pub fn allow_unknown(mut self) -> Self {
        self.allows_unknown = true;
        self
    }
}

/// Says why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// The reason, for the user.
    pub text: String,
    /// The position of the argument to blame, from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// An error that no single argument is to blame for.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: None }
    }

    /// An error in the argument at a position, from 0.
    pub fn at(argument: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(argument) }
    }
}
