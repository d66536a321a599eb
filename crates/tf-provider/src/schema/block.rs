//! Blocks: the inner nodes of a schema, and the schema itself as the outermost one.
//!
//! Attributes and blocks keep the order in which they were declared; documentation follows it.

use super::{Attribute, ObjectType, Type};

/// Describes a resource, data source, provider and so on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schema {
    /// Rises when the shape of the state changes; older states come to `upgrade`.
    pub version: u64,
    /// Attributes and nested blocks.
    pub block: Block,
}

/// Lists the attributes and nested blocks of a block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Attributes in their declared order.
    pub attributes: Vec<(String, Attribute)>,
    /// Nested blocks in their declared order.
    pub blocks: Vec<(String, NestedBlock)>,
    /// What the block means, in Markdown.
    pub description: String,
    /// Why it should not be used any more.
    pub deprecation: Option<String>,
}

/// Describes a block inside another.
#[derive(Clone, Debug, PartialEq)]
pub struct NestedBlock {
    /// How often it may stand and how its values are held.
    pub nesting: Nesting,
    /// Fewest times it must stand; 0 for no limit.
    pub min: u64,
    /// Most times it may stand; 0 for no limit.
    pub max: u64,
    /// Whether adding, removing or changing one means another resource.
    pub requires_replace: bool,
    /// What is inside.
    pub block: Block,
}

/// Says how a nested block's values are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// One object or null.
    Single,
    /// A list of objects.
    List,
    /// A set of objects.
    Set,
    /// A map of objects by label.
    Map,
    /// One object, never null.
    Group,
}

impl Schema {
    /// A schema without attributes, version 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version.
    #[must_use]
    pub fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Explains what the schema describes, in Markdown.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.block = self.block.description(description);
        self
    }

    /// Discourages its use and says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, message: impl Into<String>) -> Self {
        self.block = self.block.deprecated(message);
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.block = self.block.attribute(name, attribute);
        self
    }

    /// Adds a nested block.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: NestedBlock) -> Self {
        self.block = self.block.block(name, block);
        self
    }

    /// Returns the type of values that the schema describes.
    pub fn ty(&self) -> Type {
        self.block.ty()
    }
}

impl Block {
    /// A block without attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Explains the block, in Markdown.
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

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, attribute: Attribute) -> Self {
        self.attributes.push((name.into(), attribute));
        self
    }

    /// Adds a nested block.
    #[must_use]
    pub fn block(mut self, name: impl Into<String>, block: NestedBlock) -> Self {
        self.blocks.push((name.into(), block));
        self
    }

    /// Finds an attribute by name.
    pub fn find_attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, attribute)| attribute)
    }

    /// Finds a nested block by name.
    pub fn find_block(&self, name: &str) -> Option<&NestedBlock> {
        self.blocks.iter().find(|(known, _)| known == name).map(|(_, block)| block)
    }

    /// Returns the type of values that the block describes.
    pub fn ty(&self) -> Type {
        let attributes = self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.ty.clone()));
        let blocks = self.blocks.iter().map(|(name, block)| (name.clone(), block.ty()));
        Type::Object(ObjectType { attributes: attributes.chain(blocks).collect(), ..ObjectType::default() })
    }
}

impl NestedBlock {
    /// A block that may stand once.
    pub fn single(block: Block) -> Self {
        Self::new(Nesting::Single, block)
    }

    /// A block that must stand once.
    pub fn required(block: Block) -> Self {
        Self::new(Nesting::Single, block).min(1).max(1)
    }

    /// A block whose order matters.
    pub fn list(block: Block) -> Self {
        Self::new(Nesting::List, block)
    }

    /// A block whose order does not matter.
    pub fn set(block: Block) -> Self {
        Self::new(Nesting::Set, block)
    }

    /// A block with a label that is its key.
    pub fn map(block: Block) -> Self {
        Self::new(Nesting::Map, block)
    }

    /// A block that reads as an object of nulls when it is left out.
    pub fn group(block: Block) -> Self {
        Self::new(Nesting::Group, block)
    }

    /// Demands at least so many.
    #[must_use]
    pub fn min(mut self, min: u64) -> Self {
        self.min = min;
        self
    }

    /// Allows at most so many.
    #[must_use]
    pub fn max(mut self, max: u64) -> Self {
        self.max = max;
        self
    }

    /// Makes any change in it mean another resource.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// Returns the type of the block's values.
    ///
    /// Where a list or map block holds a dynamic attribute, its elements may differ in type, so that
    /// Terraform makes the whole block dynamic.
    pub fn ty(&self) -> Type {
        let element = self.block.ty();
        match self.nesting {
            Nesting::Single | Nesting::Group => element,
            Nesting::Set => Type::set(element),
            Nesting::List | Nesting::Map if element.has_dynamic() => Type::Dynamic,
            Nesting::List => Type::list(element),
            Nesting::Map => Type::map(element),
        }
    }

    fn new(nesting: Nesting, block: Block) -> Self {
        Self { nesting, min: 0, max: 0, requires_replace: false, block }
    }
}
