//! Values from JSON, guided by a type: the form in which Terraform stores state.
//!
//! A dynamic value stands as `{"type": …, "value": …}`, a set as an array. As in go-cty, primitives convert
//! into each other, attributes that the type lacks are ignored, and those that the JSON lacks are null. JSON
//! knows no unknown values.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Number, ObjectType, Path, Step, Type, Value};

/// How deep dynamic values may nest; each brings a type that bounds its own levels.
pub(crate) const DEEPEST_DYNAMIC: u32 = 16;

/// Says where JSON or msgpack does not fit the type it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", at(.path))]
pub struct NotThisType {
    /// The place in the value.
    pub path: Path,
    /// What is wrong there.
    pub reason: String,
}

fn at(path: &Path) -> String {
    if path.is_root() { String::new() } else { format!("{path}: ") }
}

impl NotThisType {
    pub(crate) fn at_root(reason: impl Into<String>) -> Self {
        Self { path: Path::root(), reason: reason.into() }
    }
}

/// Reads JSON as a value of a type.
pub(crate) fn decode(json: &[u8], ty: &Type) -> Result<Value, NotThisType> {
    let path = RefCell::new(Path::root());
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    Typed { ty, path: &path, dynamic_depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| NotThisType { path: path.into_inner(), reason: error.to_string() })
}

/// Reads one value; on failure the path stays at the place.
#[derive(Clone, Copy)]
struct Typed<'a> {
    ty: &'a Type,
    path: &'a RefCell<Path>,
    dynamic_depth: u32,
}

impl<'a> Typed<'a> {
    fn element(self, ty: &'a Type, step: Step) -> Self {
        self.path.borrow_mut().push(step);
        Self { ty, ..self }
    }

    fn leave(self) {
        self.path.borrow_mut().pop();
    }

    fn read_dynamic<E: serde::de::Error>(self, raw: &RawValue) -> Result<Value, E> {
        #[derive(serde::Deserialize)]
        struct Wrapper<'j> {
            #[serde(rename = "type", borrow)]
            ty: &'j RawValue,
            #[serde(borrow)]
            value: &'j RawValue,
        }
        if raw.get() == "null" {
            return Ok(Value::Null);
        }
        let wrapper: Wrapper<'_> = serde_json::from_str(raw.get()).map_err(E::custom)?;
        let ty = Type::from_json_bytes(wrapper.ty.get().as_bytes()).map_err(E::custom)?;
        let mut inner = serde_json::Deserializer::from_str(wrapper.value.get());
        let dynamic_depth = self.dynamic_depth + 1;
        if dynamic_depth > DEEPEST_DYNAMIC {
            return Err(E::custom("dynamic values nest too deeply"));
        }
        let value =
            Typed { ty: &ty, path: self.path, dynamic_depth }.deserialize(&mut inner).map_err(E::custom)?;
        Ok(if ty == Type::Dynamic { value } else { Value::dynamic(ty, value) })
    }
}

fn read_number<E: serde::de::Error>(raw: &RawValue) -> Result<Value, E> {
    let text = match raw.get() {
        "null" => return Ok(Value::Null),
        quoted if quoted.starts_with('"') => {
            serde_json::from_str::<Cow<'_, str>>(quoted).map_err(E::custom)?
        }
        bare => Cow::Borrowed(bare),
    };
    text.parse::<Number>().map(Value::Number).map_err(|_| E::custom("a number is required"))
}

impl<'de> DeserializeSeed<'de> for Typed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.ty {
            // Numbers must keep every digit, which only their own text does.
            Type::Number => read_number(<&RawValue>::deserialize(deserializer)?),
            Type::Dynamic => self.read_dynamic(<&RawValue>::deserialize(deserializer)?),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Typed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ty)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Value, E> {
        match self.ty {
            Type::Bool => Ok(Value::Bool(truth)),
            Type::String => Ok(Value::String(truth.to_string())),
            ty => Err(E::custom(format!("{ty} is required, not a bool"))),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        match (self.ty, text) {
            (Type::String, text) => Ok(Value::from(text)),
            (Type::Bool, "true" | "1") => Ok(Value::Bool(true)),
            (Type::Bool, "false" | "0") => Ok(Value::Bool(false)),
            (ty, _) => Err(E::custom(format!("{ty} is required, not a string"))),
        }
    }

    fn visit_u64<E: serde::de::Error>(self, int: u64) -> Result<Value, E> {
        self.visit_number_text(&int.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, int: i64) -> Result<Value, E> {
        self.visit_number_text(&int.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, float: f64) -> Result<Value, E> {
        self.visit_number_text(&float.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Value, A::Error> {
        match self.ty {
            Type::List(element) => self.read_elements(&mut array, |_| Some(element)).map(Value::List),
            Type::Set(element) => self.read_elements(&mut array, |_| Some(element)).map(Value::Set),
            Type::Tuple(elements) => {
                let read = self.read_elements(&mut array, |index| elements.get(index))?;
                if read.len() == elements.len() {
                    Ok(Value::Tuple(read))
                } else {
                    Err(A::Error::custom(format!("{} elements are required", elements.len())))
                }
            }
            ty => Err(A::Error::custom(format!("{ty} is required, not an array"))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        match self.ty {
            Type::Map(element) => {
                let mut elements = BTreeMap::new();
                while let Some(key) = entries.next_key::<String>()? {
                    let value = entries.next_value_seed(self.element(element, Step::Key(key.clone())))?;
                    self.leave();
                    elements.insert(key, value);
                }
                Ok(Value::Map(elements))
            }
            Type::Object(object) => self.read_object(object, entries),
            ty => Err(A::Error::custom(format!("{ty} is required, not an object"))),
        }
    }
}

impl Typed<'_> {
    fn visit_number_text<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        match self.ty {
            Type::String => Ok(Value::from(text)),
            Type::Bool if text == "1" || text == "0" => Ok(Value::Bool(text == "1")),
            ty => Err(E::custom(format!("{ty} is required, not a number"))),
        }
    }

    fn read_elements<'de, 't, A: SeqAccess<'de>>(
        &self,
        array: &mut A,
        type_of: impl Fn(usize) -> Option<&'t Type>,
    ) -> Result<Vec<Value>, A::Error> {
        let mut elements = Vec::new();
        loop {
            let index = elements.len();
            let Some(ty) = type_of(index) else {
                return match array.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::custom("there are too many elements")),
                    None => Ok(elements),
                };
            };
            self.path.borrow_mut().push(Step::Index(index));
            let element = array.next_element_seed(Typed { ty, ..*self })?;
            self.leave();
            match element {
                Some(element) => elements.push(element),
                None => return Ok(elements),
            }
        }
    }

    fn read_object<'de, A: MapAccess<'de>>(
        &self,
        ty: &ObjectType,
        mut entries: A,
    ) -> Result<Value, A::Error> {
        let mut object: super::Object =
            ty.attributes.keys().map(|name| (name.clone(), Value::Null)).collect();
        while let Some(name) = entries.next_key::<Cow<'_, str>>()? {
            let Some(attribute) = ty.attributes.get(name.as_ref()) else {
                entries.next_value::<IgnoredAny>()?;
                continue;
            };
            let value =
                entries.next_value_seed(self.element(attribute, Step::Attribute(name.to_string())))?;
            self.leave();
            object.set(name, value);
        }
        Ok(Value::Object(object))
    }
}

impl From<&serde_json::Value> for Value {
    /// Takes JSON as HCL's `jsondecode` does: arrays become tuples, and the type follows from the value.
    fn from(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(truth) => Self::Bool(*truth),
            // JSON's numbers are all decimal.
            serde_json::Value::Number(number) => number.to_string().parse().map_or(Self::Null, Self::Number),
            serde_json::Value::String(text) => Self::from(text.as_str()),
            serde_json::Value::Array(elements) => Self::Tuple(elements.iter().map(Self::from).collect()),
            serde_json::Value::Object(entries) => {
                Self::Object(entries.iter().map(|(name, value)| (name.clone(), value.into())).collect())
            }
        }
    }
}

impl Value {
    /// Returns the value as JSON, as HCL's `jsonencode` does; nothing when something in it is unknown. Numbers
    /// lose digits beyond a 64-bit float's.
    pub fn to_json(&self) -> Option<serde_json::Value> {
        Some(match self.undressed() {
            Self::Unknown(_) => return None,
            Self::Null | Self::Dynamic(_) => serde_json::Value::Null,
            Self::Bool(truth) => serde_json::Value::from(*truth),
            Self::Number(number) => number_to_json(number),
            Self::String(text) => serde_json::Value::from(text.as_str()),
            Self::List(elements) | Self::Set(elements) | Self::Tuple(elements) => {
                elements.iter().map(Self::to_json).collect::<Option<_>>()?
            }
            Self::Map(elements) => {
                let entries = elements.iter().map(|(key, value)| Some((key.clone(), value.to_json()?)));
                serde_json::Value::Object(entries.collect::<Option<_>>()?)
            }
            Self::Object(object) => {
                let entries = object.iter().map(|(name, value)| Some((name.to_owned(), value.to_json()?)));
                serde_json::Value::Object(entries.collect::<Option<_>>()?)
            }
        })
    }
}

fn number_to_json(number: &Number) -> serde_json::Value {
    match (number.as_i64(), number.as_u64()) {
        (Some(int), _) => int.into(),
        (None, Some(int)) => int.into(),
        (None, None) => number.as_f64().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Object;

    fn check(ty: Type, json: &str, expected: Value) {
        assert_eq!(decode(json.as_bytes(), &ty), Ok(expected), "{json}");
    }

    #[test]
    fn reads_what_terraform_stores() {
        check(Type::String, r#""a\nb""#, Value::from("a\nb"));
        check(Type::String, "null", Value::Null);
        check(Type::Number, "1", Value::from(1));
        check(Type::Number, "null", Value::Null);
        check(Type::list(Type::Bool), "[true,null]", Value::List(vec![Value::from(true), Value::Null]));
        check(Type::set(Type::String), r#"["b","a"]"#, Value::set(["a", "b"]));
        check(Type::map(Type::Number), r#"{"a":1}"#, Value::map([("a", 1)]));
        check(
            Type::Tuple(vec![Type::String, Type::Number]),
            r#"["a",1]"#,
            Value::Tuple(vec!["a".into(), 1.into()]),
        );
        let object = Type::object([("a", Type::String), ("b", Type::Number)]);
        check(object, r#"{"a":"x","gone":[1]}"#, Object::new().with("a", "x").with("b", Value::Null).into());
    }

    #[test]
    fn free_json_goes_both_ways() {
        let json = serde_json::json!({"a": [1, "x", null, 0.5], "b": {"c": true}, "n": 18_446_744_073_709_551_615_u64});
        let value = Value::from(&json);
        assert_eq!(
            value.infer_type().to_string(),
            "object({ a = tuple([number, string, any, number]), b = object({ c = bool }), n = number })"
        );
        assert_eq!(value.to_json(), Some(json));
        assert_eq!(
            Value::dynamic(Type::set(Type::String), Value::set(["a"])).to_json(),
            Some(serde_json::json!(["a"]))
        );
        assert_eq!(Value::list([Value::unknown()]).to_json(), None);
    }

    #[test]
    fn converts_primitives_as_cty_does() {
        check(Type::String, "12", Value::from("12"));
        check(Type::String, "true", Value::from("true"));
        check(Type::Number, r#""12""#, Value::from(12));
        check(Type::Bool, r#""true""#, Value::from(true));
        check(Type::Bool, "0", Value::from(false));
    }

    #[test]
    fn keeps_every_digit_of_a_number() {
        for text in ["12345678901234567890123456789", "0.10", "1e400", "-0.1"] {
            let Ok(Value::Number(number)) = decode(text.as_bytes(), &Type::Number) else { panic!("{text}") };
            assert_eq!(number.to_string(), text);
        }
    }

    #[test]
    fn dynamic_values_bring_their_type() {
        let json = r#"{"value":{"a":[1]},"type":["object",{"a":["list","number"]}]}"#;
        let ty = Type::object([("a", Type::list(Type::Number))]);
        check(Type::Dynamic, json, Value::dynamic(ty, Object::new().with("a", Value::list([1]))));
        check(Type::Dynamic, "null", Value::Null);
        check(Type::Dynamic, r#"{"type":"string","value":null}"#, Value::dynamic(Type::String, Value::Null));
    }

    #[test]
    fn dynamic_values_cannot_exhaust_the_stack() {
        let json = r#"{"type":"dynamic","value":"#.repeat(20_000) + "null" + &"}".repeat(20_000);
        let error = decode(json.as_bytes(), &Type::Dynamic).expect_err("too deep");
        assert!(error.reason.starts_with("dynamic values nest too deeply"), "{error}");
    }

    #[test]
    fn errors_name_the_place() {
        let check = |ty: Type, json: &str, expected: &str| {
            let error = decode(json.as_bytes(), &ty).expect_err(json).to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        let ty = Type::object([("a", Type::list(Type::map(Type::Number)))]);
        check(ty, r#"{"a":[{},{"k":"x"}]}"#, r#"a[1]["k"]: a number is required"#);
        check(Type::String, "[]", "string is required, not an array");
        check(Type::Tuple(vec![Type::Bool]), "[]", "1 elements are required");
        check(Type::Tuple(vec![]), "[1]", "there are too many elements");
        check(Type::String, r#""a" x"#, "trailing characters");
        check(Type::list(Type::String), "[", "[0]: EOF");
        check(Type::Dynamic, r#"{"value":1}"#, "missing field `type`");
    }
}
