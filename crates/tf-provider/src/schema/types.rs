//! Types of values, and the JSON in which Terraform writes them.
//!
//! A primitive is its name (`"string"`), a collection a pair (`["list","string"]`), an object
//! `["object",{…}]` with the names that may be left out as an optional third element. The rule is go-cty's
//! `cty.Type` JSON form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value as Json;

/// Says what kind of value an attribute, parameter or element holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// A string.
    String,
    /// A number of any size.
    Number,
    /// True or false.
    Bool,
    /// A value that carries its own type.
    Dynamic,
    /// An ordered list of elements of one type.
    List(Box<Type>),
    /// Elements of one type without order or repetition.
    Set(Box<Type>),
    /// Elements of one type under string keys.
    Map(Box<Type>),
    /// Elements that each have their own type.
    Tuple(Vec<Type>),
    /// Named attributes that each have their own type.
    Object(ObjectType),
}

/// Lists the attributes of an object type.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectType {
    /// Type by attribute name.
    pub attributes: BTreeMap<String, Type>,
    /// Names that a configuration may leave out; they are null then.
    pub optional: BTreeSet<String>,
}

/// Says why a JSON text is not a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a type: {0}")]
pub struct NotAType(String);

impl Type {
    /// A list of elements of type `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of elements of type `element`.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map from strings to elements of type `element`.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes, all of which must be given.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        let attributes = attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect();
        Self::Object(ObjectType { attributes, optional: BTreeSet::new() })
    }

    /// Lets the named attributes of an object type be left out; other types stay as they are.
    #[must_use]
    pub fn with_optional<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        if let Self::Object(object) = &mut self {
            object.optional.extend(names.into_iter().map(Into::into));
        }
        self
    }

    /// Tells whether the type is dynamic or holds a dynamic type somewhere.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Self::Dynamic => true,
            Self::List(element) | Self::Set(element) | Self::Map(element) => element.has_dynamic(),
            Self::Tuple(elements) => elements.iter().any(Self::has_dynamic),
            Self::Object(object) => object.attributes.values().any(Self::has_dynamic),
            Self::String | Self::Number | Self::Bool => false,
        }
    }

    /// Returns the JSON form.
    pub fn to_json(&self) -> Json {
        match self {
            Self::String => Json::from("string"),
            Self::Number => Json::from("number"),
            Self::Bool => Json::from("bool"),
            Self::Dynamic => Json::from("dynamic"),
            Self::List(element) => Json::from(vec![Json::from("list"), element.to_json()]),
            Self::Set(element) => Json::from(vec![Json::from("set"), element.to_json()]),
            Self::Map(element) => Json::from(vec![Json::from("map"), element.to_json()]),
            Self::Tuple(elements) => {
                let elements: Vec<Json> = elements.iter().map(Self::to_json).collect();
                Json::from(vec![Json::from("tuple"), Json::from(elements)])
            }
            Self::Object(object) => object.to_json(),
        }
    }

    /// Returns the JSON form as bytes.
    pub fn to_json_bytes(&self) -> Vec<u8> {
        self.to_json().to_string().into_bytes()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When the JSON names no type.
    pub fn from_json(json: &Json) -> Result<Self, NotAType> {
        match json {
            Json::String(name) => Self::from_name(name),
            Json::Array(parts) => Self::from_parts(parts),
            other => Err(NotAType(other.to_string())),
        }
    }

    /// Reads the JSON form from bytes.
    ///
    /// # Errors
    /// When the bytes are not JSON or name no type.
    pub fn from_json_bytes(bytes: &[u8]) -> Result<Self, NotAType> {
        let json = serde_json::from_slice(bytes).map_err(|error| NotAType(error.to_string()))?;
        Self::from_json(&json)
    }

    fn from_name(name: &str) -> Result<Self, NotAType> {
        match name {
            "string" => Ok(Self::String),
            "number" => Ok(Self::Number),
            "bool" => Ok(Self::Bool),
            "dynamic" => Ok(Self::Dynamic),
            other => Err(NotAType(format!("{other:?}"))),
        }
    }

    fn from_parts(parts: &[Json]) -> Result<Self, NotAType> {
        let not_a_type = || NotAType(Json::from(parts.to_vec()).to_string());
        let kind = parts.first().and_then(Json::as_str).ok_or_else(not_a_type)?;
        let inner = parts.get(1).ok_or_else(not_a_type)?;
        if parts.len() > 2 && kind != "object" {
            return Err(not_a_type());
        }
        match kind {
            "list" => Ok(Self::list(Self::from_json(inner)?)),
            "set" => Ok(Self::set(Self::from_json(inner)?)),
            "map" => Ok(Self::map(Self::from_json(inner)?)),
            "tuple" => {
                let elements = inner.as_array().ok_or_else(not_a_type)?;
                Ok(Self::Tuple(elements.iter().map(Self::from_json).collect::<Result<_, _>>()?))
            }
            "object" => ObjectType::from_parts(inner, parts.get(2)).map(Self::Object),
            _ => Err(not_a_type()),
        }
    }
}

impl ObjectType {
    fn to_json(&self) -> Json {
        let attributes = self.attributes.iter().map(|(name, ty)| (name.clone(), ty.to_json()));
        let mut parts = vec![Json::from("object"), Json::Object(attributes.collect())];
        if !self.optional.is_empty() {
            parts.push(self.optional.iter().map(String::as_str).collect());
        }
        Json::from(parts)
    }

    fn from_parts(attributes: &Json, optional: Option<&Json>) -> Result<Self, NotAType> {
        let not_a_type = |json: &Json| NotAType(json.to_string());
        let attributes = attributes
            .as_object()
            .ok_or_else(|| not_a_type(attributes))?
            .iter()
            .map(|(name, ty)| Ok((name.clone(), Type::from_json(ty)?)))
            .collect::<Result<_, _>>()?;
        let optional = match optional {
            None => BTreeSet::new(),
            Some(names) => names
                .as_array()
                .and_then(|names| names.iter().map(|name| name.as_str().map(str::to_owned)).collect())
                .ok_or_else(|| not_a_type(names))?,
        };
        Ok(Self { attributes, optional })
    }
}

impl fmt::Display for Type {
    /// Writes the type as HCL's type constraint does: `list(object({ name = string }))`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("number"),
            Self::Bool => f.write_str("bool"),
            Self::Dynamic => f.write_str("any"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Tuple(elements) => {
                let elements: Vec<String> = elements.iter().map(Self::to_string).collect();
                write!(f, "tuple([{}])", elements.join(", "))
            }
            Self::Object(object) => write!(f, "object({object})"),
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.attributes.is_empty() {
            return f.write_str("{}");
        }
        let attributes: Vec<String> = self
            .attributes
            .iter()
            .map(|(name, ty)| match self.optional.contains(name) {
                true => format!("{name} = optional({ty})"),
                false => format!("{name} = {ty}"),
            })
            .collect();
        write!(f, "{{ {} }}", attributes.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_reads_back_and_is_the_one_terraform_writes() {
        let check = |ty: Type, json: &str, hcl: &str| {
            assert_eq!(ty.to_json().to_string(), json);
            assert_eq!(Type::from_json_bytes(json.as_bytes()), Ok(ty.clone()));
            assert_eq!(ty.to_string(), hcl);
        };
        check(Type::String, r#""string""#, "string");
        check(Type::Dynamic, r#""dynamic""#, "any");
        check(Type::list(Type::Number), r#"["list","number"]"#, "list(number)");
        check(Type::set(Type::Bool), r#"["set","bool"]"#, "set(bool)");
        check(Type::map(Type::map(Type::String)), r#"["map",["map","string"]]"#, "map(map(string))");
        check(
            Type::Tuple(vec![Type::String, Type::Dynamic]),
            r#"["tuple",["string","dynamic"]]"#,
            "tuple([string, any])",
        );
        check(Type::object::<String>([]), r#"["object",{}]"#, "object({})");
        check(
            Type::object([("a", Type::String), ("b", Type::Bool)]).with_optional(["b"]),
            r#"["object",{"a":"string","b":"bool"},["b"]]"#,
            "object({ a = string, b = optional(bool) })",
        );
    }

    #[test]
    fn refuses_what_is_not_a_type() {
        for json in [
            "",
            "{}",
            "null",
            r#""strng""#,
            "[]",
            r#"["list"]"#,
            r#"["list","string","x"]"#,
            r#"["tuple","string"]"#,
            r#"["object",[]]"#,
            r#"["object",{"a":1}]"#,
            r#"["object",{},[1]]"#,
            r#"["capsule","x"]"#,
        ] {
            assert!(Type::from_json_bytes(json.as_bytes()).is_err(), "{json}");
        }
    }
}
