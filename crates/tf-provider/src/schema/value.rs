//! Values as a resource author sees them.
//!
//! A value does not carry its type: the schema does. Only a [`Dynamic`] brings its own. Sensitivity is not
//! part of a value either, since Terraform strips such marks before it calls a provider. Strings are compared
//! after Unicode normalisation (NFC), because Terraform normalises every string it stores; a set equals
//! another whatever the order of its elements.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization as _;

use super::{Number, Object, Type};

/// Holds one value of a configuration, state or plan.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A value that apply will bring, with what is known about it already.
    Unknown(Option<Box<Refinement>>),
    /// True or false.
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// A string.
    String(String),
    /// Elements in order.
    List(Vec<Value>),
    /// Elements without order.
    Set(Vec<Value>),
    /// Elements that each have their own type.
    Tuple(Vec<Value>),
    /// Elements under string keys.
    Map(BTreeMap<String, Value>),
    /// Named attributes; blocks are objects too.
    Object(Object),
    /// A value with its type, for attributes of type [`Type::Dynamic`].
    Dynamic(Box<Dynamic>),
}

/// Pairs a value with its type.
#[derive(Clone, Debug)]
pub struct Dynamic {
    /// The value's type.
    pub ty: Type,
    /// The value; null and unknown are typed this way.
    pub value: Value,
}

/// Says what is known of an unknown value. It is read, never sent: a promise would have to be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refinement {
    /// `Some(false)`: surely not null; `Some(true)`: surely null.
    pub null: Option<bool>,
    /// What the string will start with.
    pub prefix: Option<String>,
    /// Smallest number and whether it is included.
    pub lower_bound: Option<(Number, bool)>,
    /// Largest number and whether it is included.
    pub upper_bound: Option<(Number, bool)>,
    /// Smallest number of elements.
    pub shortest: Option<u64>,
    /// Largest number of elements.
    pub longest: Option<u64>,
}

/// The null that lookups return for what is absent.
pub(crate) static NULL: Value = Value::Null;

impl Value {
    /// A value that apply will bring.
    pub fn unknown() -> Self {
        Self::Unknown(None)
    }

    /// A map with these elements.
    pub fn map<K: Into<String>, V: Into<Value>>(elements: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(elements.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A list with these elements.
    pub fn list<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }

    /// A set with these elements.
    pub fn set<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Set(elements.into_iter().map(Into::into).collect())
    }

    /// A value that carries its type.
    pub fn dynamic(ty: Type, value: impl Into<Value>) -> Self {
        Self::Dynamic(Box::new(Dynamic { ty, value: value.into() }))
    }

    /// Returns the value itself where it is wrapped with its type.
    pub fn undressed(&self) -> &Self {
        match self {
            Self::Dynamic(dynamic) => dynamic.value.undressed(),
            other => other,
        }
    }

    /// Tells whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self.undressed(), Self::Null)
    }

    /// Tells whether the value itself is unknown.
    pub fn is_unknown(&self) -> bool {
        matches!(self.undressed(), Self::Unknown(_))
    }

    /// Tells whether neither the value nor anything inside it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self.undressed() {
            Self::Unknown(_) => false,
            Self::List(elements) | Self::Set(elements) | Self::Tuple(elements) => {
                elements.iter().all(Self::is_wholly_known)
            }
            Self::Map(elements) => elements.values().all(Self::is_wholly_known),
            Self::Object(object) => object.is_wholly_known(),
            _ => true,
        }
    }

    /// Returns the string when it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self.undressed() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the truth value when it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.undressed() {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Returns the number when it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self.undressed() {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the number when it is a whole one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// Returns the elements of a list, set or tuple; nothing for other values.
    pub fn elements(&self) -> &[Value] {
        match self.undressed() {
            Self::List(elements) | Self::Set(elements) | Self::Tuple(elements) => elements,
            _ => &[],
        }
    }

    /// Returns the elements of a map.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self.undressed() {
            Self::Map(elements) => Some(elements),
            _ => None,
        }
    }

    /// Returns the attributes of an object.
    pub fn as_object(&self) -> Option<&Object> {
        match self.undressed() {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Returns the type that fits this value best; null and unknown fit any.
    pub fn infer_type(&self) -> Type {
        match self {
            Self::Null | Self::Unknown(_) => Type::Dynamic,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(elements) => match common_type(elements) {
                Some(element) => Type::list(element),
                None => tuple_type(elements),
            },
            Self::Set(elements) => Type::set(common_type(elements).unwrap_or(Type::Dynamic)),
            Self::Tuple(elements) => tuple_type(elements),
            Self::Map(elements) => match common_type(elements.values()) {
                Some(element) => Type::map(element),
                None => Type::object(elements.iter().map(|(key, value)| (key, value.infer_type()))),
            },
            Self::Object(object) => {
                Type::object(object.iter().map(|(name, value)| (name, value.infer_type())))
            }
            Self::Dynamic(dynamic) => dynamic.ty.clone(),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Unknown(_) => 1,
            Self::Bool(_) => 2,
            Self::Number(_) => 3,
            Self::String(_) => 4,
            Self::List(_) => 5,
            Self::Set(_) => 6,
            Self::Tuple(_) => 7,
            Self::Map(_) => 8,
            Self::Object(_) => 9,
            Self::Dynamic(_) => 10,
        }
    }
}

fn tuple_type(elements: &[Value]) -> Type {
    Type::Tuple(elements.iter().map(Value::infer_type).collect())
}

/// Returns the one type that all elements have, or none when they differ.
fn common_type<'a>(elements: impl IntoIterator<Item = &'a Value>) -> Option<Type> {
    let mut elements = elements.into_iter();
    let first = elements.next().map_or(Type::Dynamic, Value::infer_type);
    elements.all(|element| element.infer_type() == first).then_some(first)
}

/// Compares strings as Terraform stores them: normalised to NFC.
fn compare_strings(a: &str, b: &str) -> Ordering {
    if a == b || (a.is_ascii() && b.is_ascii()) { a.cmp(b) } else { a.nfc().cmp(b.nfc()) }
}

fn sorted(elements: &[Value]) -> Vec<&Value> {
    let mut sorted: Vec<&Value> = elements.iter().collect();
    sorted.sort();
    sorted.dedup();
    sorted
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => compare_strings(a, b),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a.cmp(b),
            (Self::Set(a), Self::Set(b)) => sorted(a).cmp(&sorted(b)),
            (Self::Map(a), Self::Map(b)) => a.cmp(b),
            (Self::Object(a), Self::Object(b)) => a.cmp(b),
            (Self::Dynamic(a), Self::Dynamic(b)) => a.ty.cmp(&b.ty).then_with(|| a.value.cmp(&b.value)),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    /// Compares by meaning; two unknowns are equal whatever is known of them.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Value {}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Number(int.into())
    }
}

impl From<i32> for Value {
    fn from(int: i32) -> Self {
        Self::from(i64::from(int))
    }
}

impl From<u64> for Value {
    fn from(int: u64) -> Self {
        Self::Number(int.into())
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(elements: Vec<V>) -> Self {
        Self::list(elements)
    }
}

impl<V: Into<Value>> From<BTreeMap<String, V>> for Value {
    fn from(elements: BTreeMap<String, V>) -> Self {
        Self::map(elements)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    /// None is null.
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_meaning() {
        let equal = |a: Value, b: Value| assert_eq!(a, b);
        equal(Value::set(["a", "b"]), Value::set(["b", "a", "a"]));
        equal(Value::from("e\u{301}"), Value::from("\u{e9}"));
        equal(Value::unknown(), Value::Unknown(Some(Box::default())));
        equal(Value::from("1.0".parse::<Number>().expect("a number")), Value::from(1));
        assert_ne!(Value::list(["a", "b"]), Value::list(["b", "a"]));
        assert_ne!(Value::Null, Value::unknown());
        assert_ne!(Value::from("1"), Value::from(1));
    }

    #[test]
    fn infers_the_type_of_a_dynamic_value() {
        let check = |value: Value, expected: &str| assert_eq!(value.infer_type().to_string(), expected);
        check(Value::Null, "any");
        check(Value::list(["a"]), "list(string)");
        check(Value::List(vec![Value::from("a"), Value::from(1)]), "tuple([string, number])");
        check(Value::map([("a", true)]), "map(bool)");
        check(
            Value::map([("a", Value::from(true)), ("b", Value::from("x"))]),
            "object({ a = bool, b = string })",
        );
        check(Value::from(Object::new().with("n", 1)), "object({ n = number })");
        check(Value::dynamic(Type::String, Value::Null), "string");
    }
}
