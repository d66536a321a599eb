//! What the object's key says already.

use super::{Apply, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    name: "identity",
    doc: "Leaves out apiVersion, kind, name and namespace: the object's key says them.",
    apply: Apply::Field(|_, path, _, value| {
        let said = value.is_string()
            && matches!(path, "apiVersion" | "kind" | "metadata.name" | "metadata.namespace");
        if said { Outcome::Hide } else { Outcome::Keep }
    }),
};
