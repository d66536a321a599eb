//! Labels and annotations that stand in `common_labels` are not shown again on each object.

use super::{Apply, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    name: "common_label",
    doc: "Leaves out labels and annotations that all objects have in common; common_labels shows them once.",
    apply: Apply::Field(|place, path, key, value| {
        let said = (path.starts_with("metadata.labels") && place.common.says_label(key, value))
            || (path.starts_with("metadata.annotations") && place.common.says_annotation(key, value));
        if said { Outcome::Hide } else { Outcome::Keep }
    }),
};
