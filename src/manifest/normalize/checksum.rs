//! `checksum/config: 64 digits` restarts pods when a file changes; the first digits say as much.

use serde_json::Value;

use super::{Apply, Outcome, Rule};

const KEPT_DIGITS: usize = 12;

pub(super) const RULE: Rule = Rule {
    name: "checksum",
    doc: "Shortens checksum annotations to their first twelve digits.",
    apply: Apply::Field(|_, _, key, value| match value {
        Value::String(text) if key.starts_with("checksum/") && is_digest(text) => {
            Outcome::Show(Value::String(format!("{}…", &text[..KEPT_DIGITS])))
        }
        _ => Outcome::Keep,
    }),
};

fn is_digest(text: &str) -> bool {
    text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
