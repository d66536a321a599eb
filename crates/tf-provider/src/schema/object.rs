//! Objects: a configuration, state or plan, and each block in one.
//!
//! Readers are forgiving: an absent attribute reads as null, and a reader of a string answers nothing for null
//! and unknown alike. Ask [`Object::is_unknown`] where the difference matters, as it does in validate and plan.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::value::NULL;
use super::{Path, Step, Value};

/// Holds named attributes and blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(BTreeMap<String, Value>);

impl Object {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an attribute while building.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets an attribute or block.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Marks an attribute as known only after apply.
    pub fn set_unknown(&mut self, name: impl Into<String>) {
        self.set(name, Value::unknown());
    }

    /// Takes an attribute out; null when absent.
    pub fn take(&mut self, name: &str) -> Value {
        self.0.remove(name).unwrap_or_default()
    }

    /// Returns an attribute or block; null when absent.
    pub fn get(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&NULL)
    }

    /// Returns an attribute or block for changing it.
    pub fn get_mut(&mut self, name: &str) -> &mut Value {
        self.0.entry(name.to_owned()).or_default()
    }

    /// Returns the value at a path; null when the path leads nowhere.
    pub fn at(&self, path: &Path) -> &Value {
        let mut steps = path.steps().iter();
        let Some(Step::Attribute(first)) = steps.next() else { return &NULL };
        steps.fold(self.get(first), |value, step| match (step, value.undressed()) {
            (Step::Attribute(name), Value::Object(object)) => object.get(name),
            (Step::Key(key), Value::Map(elements)) => elements.get(key).unwrap_or(&NULL),
            (Step::Key(key), Value::Object(object)) => object.get(key),
            (Step::Index(index), value) => value.elements().get(*index).unwrap_or(&NULL),
            _ => &NULL,
        })
    }

    /// Tells whether an attribute is null or absent.
    pub fn is_null(&self, name: &str) -> bool {
        self.get(name).is_null()
    }

    /// Tells whether an attribute is unknown as a whole.
    pub fn is_unknown(&self, name: &str) -> bool {
        self.get(name).is_unknown()
    }

    /// Tells whether nothing inside is unknown.
    pub fn is_wholly_known(&self) -> bool {
        self.0.values().all(Value::is_wholly_known)
    }

    /// Reads a string; nothing when null or unknown.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.get(name).as_str()
    }

    /// Reads a truth value; nothing when null or unknown.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name).as_bool()
    }

    /// Reads a whole number; nothing when null, unknown or too large.
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).as_i64()
    }

    /// Reads the known strings of a list, set or tuple.
    pub fn strings(&self, name: &str) -> Vec<&str> {
        self.get(name).elements().iter().filter_map(Value::as_str).collect()
    }

    /// Reads the known strings of a map or object.
    pub fn string_map(&self, name: &str) -> BTreeMap<&str, &str> {
        let entries = match self.get(name).undressed() {
            Value::Map(elements) => elements,
            Value::Object(object) => &object.0,
            _ => return BTreeMap::new(),
        };
        entries.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    /// Reads a block that stands once at most, whatever its nesting; nothing when it is absent.
    pub fn block(&self, name: &str) -> Option<&Object> {
        match self.get(name).undressed() {
            Value::Object(object) => Some(object),
            value => value.elements().first().and_then(Value::as_object),
        }
    }

    /// Reads the blocks of a list or set in their order.
    ///
    /// With `dynamic` blocks over an unknown collection, the block as a whole is unknown and reads as none.
    pub fn blocks(&self, name: &str) -> Vec<&Object> {
        match self.get(name).undressed() {
            Value::Object(object) => vec![object],
            value => value.elements().iter().filter_map(Value::as_object).collect(),
        }
    }

    /// Looks at each attribute and block in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Counts attributes and blocks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl PartialOrd for Object {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Object {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl FromIterator<(String, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Object {
        Object::new()
            .with("name", "web")
            .with("replicas", 2)
            .with("late", Value::unknown())
            .with("tags", Value::map([("a", "x")]))
            .with("layer", Value::list([Object::new().with("file", "base.yaml"), Object::new()]))
            .with("chart", Object::new().with("path", "./chart"))
    }

    #[test]
    fn reads_typed_attributes_and_blocks() {
        let object = sample();
        assert_eq!(object.string("name"), Some("web"));
        assert_eq!(object.integer("replicas"), Some(2));
        assert_eq!(object.string("absent"), None);
        assert!(object.is_null("absent") && object.is_unknown("late"));
        assert_eq!(object.string_map("tags"), BTreeMap::from([("a", "x")]));
        assert_eq!(object.block("chart").and_then(|chart| chart.string("path")), Some("./chart"));
        assert_eq!(object.blocks("layer").len(), 2);
        assert!(!object.is_wholly_known());
    }

    #[test]
    fn follows_paths() {
        let object = sample();
        let check = |path: Path, expected: Value| assert_eq!(object.at(&path), &expected, "{path}");
        check(Path::from("layer").index(0).attribute("file"), Value::from("base.yaml"));
        check(Path::from("tags").key("a"), Value::from("x"));
        check(Path::from("tags").key("b"), Value::Null);
        check(Path::from("layer").index(9).attribute("file"), Value::Null);
        check(Path::root(), Value::Null);
    }
}
