//! Paths to a place inside a value: what diagnostics and replacements point at.
//!
//! Terraform resolves a path through blocks to `file:line`. It cannot point into the elements of a set, and
//! before 1.15 not into object attributes: stop at the attribute there and name the field in the text.

use std::fmt;

/// Leads from a resource's configuration to one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

/// Takes one step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an attribute or block.
    Attribute(String),
    /// Into a map's element.
    Key(String),
    /// Into a list's element.
    Index(usize),
}

impl Path {
    /// The value as a whole.
    pub fn root() -> Self {
        Self::default()
    }

    /// One step further, into an attribute or block.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.then(Step::Attribute(name.into()))
    }

    /// One step further, into an element of a list.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.then(Step::Index(index))
    }

    /// One step further, into an element of a map.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.then(Step::Key(key.into()))
    }

    /// Returns the steps from the root down.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Tells whether this is the whole value.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn extend_with(&mut self, step: Option<Step>) {
        self.0.extend(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

impl From<&str> for Path {
    fn from(attribute: &str) -> Self {
        Self::root().attribute(attribute)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for Path {
    /// Writes the path as an HCL reference does: `layer[0].files["a"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_an_hcl_reference() {
        let path = Path::from("layer").index(0).attribute("files").key("a b");
        assert_eq!(path.to_string(), r#"layer[0].files["a b"]"#);
        assert_eq!(Path::root().to_string(), "");
    }
}
