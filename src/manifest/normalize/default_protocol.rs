//! `protocol: TCP` on a port is what the API server assumes anyway.

use super::{Apply, Outcome, Rule};

pub(super) const RULE: Rule = Rule {
    name: "default_protocol",
    doc: "Leaves out the protocol of a port where it is TCP, the API server's default.",
    apply: Apply::Field(|_, path, key, value| {
        let default = key == "protocol" && value == "TCP" && path.contains("ports[");
        if default { Outcome::Hide } else { Outcome::Keep }
    }),
};
