//! `annotations:` with nothing behind it, as templates leave it, is no field at all.

use super::{Apply, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    name: "absent",
    doc: "Leaves out labels and annotations that are null; the API server drops them.",
    apply: Apply::Field(|_, path, key, value| {
        let absent = value.is_null() && matches!(key, "labels" | "annotations") && path.contains("metadata.");
        if absent { Outcome::Hide } else { Outcome::Keep }
    }),
};
