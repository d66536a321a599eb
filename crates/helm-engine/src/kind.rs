//! What Go's reflection says of a value: its type's name, its kind, whether it is true, empty or equal.
//!
//! Not conversion (that is the functions' own) and not printing (that is [`crate::template::format`]).

use crate::context::Mode;
use crate::value::{Data, ElementType, MapType, Value};

impl Value {
    /// Returns Go's name of the dynamic type, as `%T` and `typeOf` print it; `<nil>` for nil.
    pub fn type_name(&self, mode: Mode) -> &str {
        match &self.data {
            Data::Nil => "<nil>",
            Data::Bool(_) => "bool",
            Data::Int(kind, _) => kind.name(),
            Data::Float(_) => "float64",
            Data::Text(_) => "string",
            Data::Bytes(_) => "[]uint8",
            Data::List(list) => list.element().slice_name(mode),
            Data::Map(map) => map.kind().name(mode),
            Data::Object(object) => object.type_name(),
        }
    }

    /// Returns Go's name of the kind, as `kindOf` prints it; `invalid` for nil.
    pub fn kind_name(&self) -> &str {
        match &self.data {
            Data::Nil => "invalid",
            Data::Bool(_) => "bool",
            Data::Int(kind, _) => kind.name(),
            Data::Float(_) => "float64",
            Data::Text(_) => "string",
            Data::Bytes(_) | Data::List(_) => "slice",
            Data::Map(_) => "map",
            Data::Object(object) => object.kind(),
        }
    }

    /// Says whether the value counts as true in `if`, `and`, `or`, `not`: Go's `template.IsTrue`.
    #[inline]
    pub fn is_true(&self) -> bool {
        match &self.data {
            Data::Nil => false,
            Data::Bool(truth) => *truth,
            Data::Int(_, number) => *number != 0,
            Data::Float(number) => *number != 0.0,
            Data::Text(text) | Data::Bytes(text) => !text.bytes().is_empty(),
            Data::List(list) => !list.items().is_empty(),
            Data::Map(map) => !map.entries().is_empty(),
            Data::Object(object) => object.is_true(),
        }
    }

    /// Says whether Go's kind is `string`, which decides about blanks in `print`.
    pub fn kind_is_string(&self) -> bool {
        match &self.data {
            Data::Text(_) => true,
            Data::Object(object) => object.kind() == "string",
            _ => false,
        }
    }
}

impl ElementType {
    /// Returns Go's name of a slice of such elements.
    pub fn slice_name(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (ElementType::Any, _) => "[]interface {}",
            (ElementType::String, _) => "[]string",
            (ElementType::Int, _) => "[]int",
            (ElementType::Map, _) => "[]map[string]interface {}",
            (ElementType::List, _) => "[][]interface {}",
            (ElementType::Maintainer, _) => "[]*chart.Maintainer",
            (ElementType::Dependency, _) => "[]*chart.Dependency",
            (ElementType::VersionSet, Mode::Helm3) => "chartutil.VersionSet",
            (ElementType::VersionSet, Mode::Helm4) => "common.VersionSet",
        }
    }
}

impl MapType {
    /// Returns Go's name of the type.
    pub fn name(self, mode: Mode) -> &'static str {
        match (self, mode) {
            (MapType::Any, _) => "map[string]interface {}",
            (MapType::Values, Mode::Helm3) => "chartutil.Values",
            (MapType::Values, Mode::Helm4) => "common.Values",
            (MapType::String, _) => "map[string]string",
            (MapType::Files, _) => "engine.files",
        }
    }
}
