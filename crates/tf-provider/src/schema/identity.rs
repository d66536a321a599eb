//! Resource identity: the few values that name a remote object for good, apart from its state.

use super::{Attribute, Block, Type};

/// Lists what identifies a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentitySchema {
    /// Rises when the shape changes.
    pub version: u64,
    /// Identity attributes in their declared order.
    pub attributes: Vec<IdentityAttribute>,
}

/// Describes one identity attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentityAttribute {
    /// Its name.
    pub name: String,
    /// Its type: a primitive or a list of primitives.
    pub ty: Type,
    /// Whether an import must give it; else it may.
    pub required_for_import: bool,
    /// What it means.
    pub description: String,
}

impl IdentitySchema {
    /// An identity without attributes, version 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Adds an attribute that an import must give.
    #[must_use]
    pub fn required(self, name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        self.with(name.into(), ty, true, description.into())
    }

    /// Adds an attribute that an import may give.
    #[must_use]
    pub fn optional(self, name: impl Into<String>, ty: Type, description: impl Into<String>) -> Self {
        self.with(name.into(), ty, false, description.into())
    }

    /// Returns the type of identities.
    pub fn ty(&self) -> Type {
        Type::object(self.attributes.iter().map(|attribute| (attribute.name.clone(), attribute.ty.clone())))
    }

    pub(crate) fn as_block(&self) -> Block {
        self.attributes.iter().fold(Block::new(), |block, attribute| {
            block.attribute(attribute.name.clone(), Attribute::optional(attribute.ty.clone()))
        })
    }

    fn with(mut self, name: String, ty: Type, required_for_import: bool, description: String) -> Self {
        self.attributes.push(IdentityAttribute { name, ty, required_for_import, description });
        self
    }
}
