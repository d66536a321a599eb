//! `semver`, `semverCompare` and the version object with its methods.

use std::any::Any;
use std::cmp::Ordering;

use super::arguments::{Outcome, string};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::semver::{Constraints, SemverError, Version, check_metadata, check_prerelease};
use crate::value::{Data, IntType, Object, Value};

/// The functions on versions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("semver", &[Param::String], semver, "Reads a semantic version."),
    Function::new(
        "semverCompare",
        &[Param::String, Param::String],
        semver_compare,
        "Says whether a version satisfies a constraint.",
    ),
];

impl From<SemverError> for CallError {
    fn from(error: SemverError) -> Self {
        CallError::new(error.to_string())
    }
}

fn semver(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let version = Version::parse(&string(args, 0))?;
    Ok(Value::object(VersionObject { version, pointer: true }))
}

fn semver_compare(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.charge(16)?;
    let constraint = Constraints::parse(&string(args, 0))?;
    Ok(Value::bool(constraint.check(&Version::parse(&string(args, 1))?)))
}

/// A version as templates hold it: behind a pointer from `semver`, as a struct from `IncMajor` and its like.
struct VersionObject {
    version: Version,
    pointer: bool,
}

impl Object for VersionObject {
    fn type_name(&self) -> &str {
        if self.pointer { "*semver.Version" } else { "semver.Version" }
    }

    fn kind(&self) -> &str {
        if self.pointer { "ptr" } else { "struct" }
    }

    fn call(&self, name: &str, args: &[Value], _: &mut Context<'_>) -> Option<Outcome> {
        let own = &self.version;
        let number = |number: u64| Ok(Data::Int(IntType::Uint64, number as i64).into());
        let result = match name {
            "Major" => number(own.major),
            "Minor" => number(own.minor),
            "Patch" => number(own.patch),
            "Prerelease" => Ok(own.prerelease.clone().into()),
            "Metadata" => Ok(own.metadata.clone().into()),
            "String" => Ok(own.to_string().into()),
            "MarshalText" => Ok(Data::Bytes(crate::value::Text::new(own.to_string())).into()),
            "MarshalJSON" => Ok(Data::Bytes(crate::value::Text::new(format!("\"{own}\""))).into()),
            "IncMajor" | "IncMinor" | "IncPatch" => incremented(own, name),
            "SetPrerelease" | "SetMetadata" => replaced(own, name, &string(args, 0)),
            "Original" if self.pointer => Ok(own.original.clone().into()),
            "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual"
                if self.pointer =>
            {
                compared(own, name, args)
            }
            _ => return None,
        };
        let wanted = match name {
            "SetPrerelease" | "SetMetadata" | "Compare" | "Equal" => 1,
            _ => usize::from(name.ends_with("Than") || name.ends_with("ThanEqual")),
        };
        if args.len() != wanted {
            let message = format!("wrong number of args for {name}: want {wanted} got {}", args.len());
            return Some(Err(CallError::new(message)));
        }
        Some(result)
    }

    fn print(&self) -> String {
        self.version.to_string()
    }

    fn to_plain(&self) -> Value {
        self.version.to_string().into()
    }

    fn deep_copy(&self) -> Option<Value> {
        let version = Version::parse("0.0.0").ok()?;
        Some(Value::object(VersionObject { version, pointer: self.pointer }))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn changed(version: Version) -> Outcome {
    Ok(Value::object(VersionObject { version, pointer: false }))
}

fn incremented(own: &Version, name: &str) -> Outcome {
    let part = name.trim_start_matches("Inc").to_lowercase();
    let number = match name {
        "IncMajor" => own.major.checked_add(1),
        "IncMinor" => own.minor.checked_add(1),
        _ if own.prerelease.is_empty() => own.patch.checked_add(1),
        _ => Some(own.patch),
    };
    let message = || CallError::new(format!("{part} version increment would overflow uint64"));
    let number = number.ok_or_else(message)?;
    changed(own.respelled(|version| {
        version.prerelease.clear();
        version.metadata.clear();
        match name {
            "IncMajor" => (version.major, version.minor, version.patch) = (number, 0, 0),
            "IncMinor" => (version.minor, version.patch) = (number, 0),
            _ => version.patch = number,
        }
    }))
}

fn replaced(own: &Version, name: &str, text: &str) -> Outcome {
    if name == "SetPrerelease" {
        check_prerelease(text)?;
        return changed(own.respelled(|version| version.prerelease = text.to_string()));
    }
    check_metadata(text)?;
    changed(own.respelled(|version| version.metadata = text.to_string()))
}

fn compared(own: &Version, name: &str, args: &[Value]) -> Outcome {
    let other = match args.first().map(|value| &value.data) {
        Some(Data::Object(object)) => {
            object.as_any().downcast_ref::<VersionObject>().filter(|other| other.pointer)
        }
        _ => None,
    };
    let Some(other) = other else {
        let message = "wrong type for value; expected *semver.Version";
        return Err(CallError::new(message));
    };
    let order = own.compare(&other.version);
    Ok(match name {
        "Compare" => Value::int(order as i64),
        "Equal" => Value::bool(order == Ordering::Equal),
        "LessThan" => Value::bool(order.is_lt()),
        "LessThanEqual" => Value::bool(order.is_le()),
        "GreaterThan" => Value::bool(order.is_gt()),
        _ => Value::bool(order.is_ge()),
    })
}
