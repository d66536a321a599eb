//! Fields that the API server owns and that generators leave in manifests.

use super::{Apply, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    name: "server_fields",
    doc: "Leaves out status and the metadata that the API server writes.",
    apply: Apply::Field(
        |_, path, _, _| if SERVER_FIELDS.contains(&path) { Outcome::Hide } else { Outcome::Keep },
    ),
};

const SERVER_FIELDS: &[&str] = &[
    "status",
    "metadata.creationTimestamp",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.resourceVersion",
    "metadata.selfLink",
    "metadata.uid",
    "metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]",
    "spec.template.metadata.creationTimestamp",
];
