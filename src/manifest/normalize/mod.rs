//! What a plan leaves out or shortens, one rule per file, all of them in [`RULES`].
//!
//! A rule must never hide what reaches the cluster and matters there: the digest of a release covers the full objects,
//! so whatever a rule folds away still makes a plan non-empty.

mod absent;
mod checksum;
mod common_label;
mod custom_resource_definition;
mod default_protocol;
mod identity;
mod server_fields;

use serde_json::Value;

use super::common_labels::CommonLabels;

/// Where a rule looks: the object as a whole.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The object's API version; empty where it has none.
    pub api_version: &'a str,
    /// The object's kind; empty where it has none.
    pub kind: &'a str,
    /// What is stamped on all objects of the set.
    pub common: &'a CommonLabels,
}

impl<'a> Place<'a> {
    /// Reads what rules know of an object.
    pub fn of(object: &'a Value, common: &'a CommonLabels) -> Self {
        let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
        Self { api_version: text("apiVersion"), kind: text("kind"), common }
    }
}

/// What becomes of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is shown as it is; other rules are asked.
    Keep,
    /// It is left out.
    Hide,
    /// This is shown in its stead.
    Show(Value),
}

/// How a rule applies.
#[derive(Clone, Copy)]
pub enum Apply {
    /// To the whole object, which it may replace by a reduced one.
    Object(fn(&Place<'_>, &Value) -> Option<Value>),
    /// To one field, by its path and key.
    Field(fn(&Place<'_>, path: &str, key: &str, &Value) -> Outcome),
}

/// A rule, as the code and the reference name it.
pub struct Rule {
    /// The rule's name.
    pub name: &'static str,
    /// What it does and why nothing is lost, in one line.
    pub doc: &'static str,
    /// What it does.
    pub apply: Apply,
}

/// All rules, in the order in which they are asked.
pub const RULES: &[Rule] = &[
    custom_resource_definition::RULE,
    identity::RULE,
    server_fields::RULE,
    absent::RULE,
    common_label::RULE,
    checksum::RULE,
    default_protocol::RULE,
];

/// Gives the reduced object where a rule replaces it.
pub(crate) fn object(place: &Place<'_>, object: &Value) -> Option<Value> {
    RULES.iter().find_map(|rule| match rule.apply {
        Apply::Object(reduce) => reduce(place, object),
        Apply::Field(_) => None,
    })
}

/// Gives what becomes of a field.
pub(crate) fn field(place: &Place<'_>, path: &str, key: &str, value: &Value) -> Outcome {
    for rule in RULES {
        if let Apply::Field(apply) = rule.apply {
            match apply(place, path, key, value) {
                Outcome::Keep => {}
                decided => return decided,
            }
        }
    }
    Outcome::Keep
}
