//! The functions a template may call: sprig's, Helm's and `text/template`'s own.
//!
//! A family is a file with a list of [`Function`]s; the evaluator checks the arguments against `params` with Go's rules
//! and messages before it calls, and marks the result with the arguments' marks unless the function does so itself.

mod address;
mod arguments;
mod builtin;
mod compare;
pub mod convert;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod helm;
mod joins;
mod letters;
mod lists;
mod marks;
mod math;
mod merge;
mod paths;
mod random;
pub mod reflection;
mod regex;
mod semver;
mod serial;
mod strings;
#[cfg(test)]
mod tests;
mod url;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::OnceLock;

use crate::context::{Context, Mode};
use crate::error::CallError;
use crate::value::Value;

pub(crate) use address::{Address, parse_address};
pub(crate) use dates::local_date;
pub(crate) use regex::for_crate as regex_for_crate;
pub(crate) use url::{UrlShape, parse_url};

/// A function as templates know it.
pub struct Function {
    /// The name in templates.
    pub name: &'static str,
    /// One line for the reference page.
    pub doc: &'static str,
    /// The parameters' Go types; the last one repeats if `variadic`.
    pub params: &'static [Param],
    /// Whether the last parameter takes any number of arguments.
    pub variadic: bool,
    /// Which Helm has it.
    pub since: Since,
    /// How the result gets its marks.
    pub marks: MarkRule,
    /// What it does. The arguments have passed the checks of `params`.
    pub call: fn(&mut Context<'_>, &[Value]) -> Result<Value, CallError>,
}

/// A parameter's Go type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// `interface {}`: anything, nil included.
    Any,
    /// `string`.
    String,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `float64`.
    Float,
    /// `map[string]interface {}` (a named map of the same shape is assignable).
    Map,
    /// `[]interface {}`.
    List,
    /// `[]string`.
    Strings,
    /// `time.Time`.
    Time,
    /// A named struct or pointer type, by Go's name.
    Named(&'static str),
    /// `reflect.Value`, as the built-ins of `text/template` take: anything, checked by the function.
    Reflect,
}

/// Which Helm has a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// Both.
    #[default]
    Helm3,
    /// Helm 4 only.
    Helm4,
}

/// How a result gets its marks in a traced render.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkRule {
    /// The evaluator adds the marks of all arguments, read as a whole, to the result.
    #[default]
    Union,
    /// The function keeps marks by piece itself; the evaluator adds nothing.
    Own,
}

impl Param {
    /// Returns Go's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Param::Any => "interface {}",
            Param::String => "string",
            Param::Bool => "bool",
            Param::Int => "int",
            Param::Int64 => "int64",
            Param::Uint32 => "uint32",
            Param::Float => "float64",
            Param::Map => "map[string]interface {}",
            Param::List => "[]interface {}",
            Param::Strings => "[]string",
            Param::Time => "time.Time",
            Param::Named(name) => name,
            Param::Reflect => "reflect.Value",
        }
    }
}

impl Function {
    /// Starts a function of fixed parameters; the remaining fields have the usual values.
    pub const fn new(
        name: &'static str,
        params: &'static [Param],
        call: fn(&mut Context<'_>, &[Value]) -> Result<Value, CallError>,
        doc: &'static str,
    ) -> Self {
        Function { name, doc, params, variadic: false, since: Since::Helm3, marks: MarkRule::Union, call }
    }

    /// Makes the last parameter take any number of arguments.
    pub const fn variadic(mut self) -> Self {
        self.variadic = true;
        self
    }

    /// Makes the function known to Helm 4 only.
    pub const fn helm4(mut self) -> Self {
        self.since = Since::Helm4;
        self
    }

    /// Says that the function keeps marks by piece itself.
    pub const fn own_marks(mut self) -> Self {
        self.marks = MarkRule::Own;
        self
    }
}

/// Every family of functions; `find` searches them by name. The evaluator's own (`include`, `tpl`, …) are in it too.
pub const FAMILIES: &[&[Function]] = &[
    crypto::FUNCTIONS,
    dates::DURATIONS,
    dates::FUNCTIONS,
    builtin::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    joins::FUNCTIONS,
    lists::FUNCTIONS,
    math::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    reflection::FUNCTIONS,
    regex::FUNCTIONS,
    semver::FUNCTIONS,
    serial::FUNCTIONS,
    strings::FUNCTIONS,
    url::FUNCTIONS,
    helm::FUNCTIONS,
];

/// Finds a function by name, as far as that Helm has it.
pub fn find(name: &str, mode: Mode) -> Option<&'static Function> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Function, BuildHasherDefault<NameHasher>>> =
        OnceLock::new();
    let by_name = BY_NAME.get_or_init(|| {
        FAMILIES.iter().flat_map(|family| family.iter()).map(|function| (function.name, function)).collect()
    });
    let function = *by_name.get(name)?;
    (function.since == Since::Helm3 || mode == Mode::Helm4).then_some(function)
}

/// FNV-1a: the names that are kept are known, so nobody can make them collide, and they are short.
struct NameHasher(u64);

impl Default for NameHasher {
    fn default() -> Self {
        NameHasher(0xCBF2_9CE4_8422_2325)
    }
}

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
