//! Which values end in a Secret, and what else depends on them, told from a traced render.
//!
//! Nobody has to declare a password: what a chart puts into a Secret is one. The value itself is then hidden among the
//! release's values, and so is every checksum that could confirm a guess.

use std::collections::BTreeSet;

use helm_engine::render::{FieldReasons, Reason};
use serde_json::Value;

use crate::manifest::mask::{Mark, ObjectMarks, Reason as Hidden};
use crate::manifest::object::is_secret;
use crate::notation::FieldPath;

/// The paths of values, in the notation of a plan, that reach the content of a Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretValues(BTreeSet<String>);

impl SecretValues {
    /// Collects the values that decide the content of Secrets; each document comes with the reasons of its fields.
    pub fn of<'a>(documents: impl IntoIterator<Item = (&'a Value, &'a [FieldReasons])>) -> Self {
        let secrets = documents.into_iter().filter(|(document, _)| is_secret(document));
        let fields = secrets.flat_map(|(_, fields)| fields).filter(|field| is_content(field));
        Self(fields.flat_map(|field| value_paths(&field.reasons)).collect())
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether a value, or something in it, is one of them.
    pub fn contains(&self, path: &str) -> bool {
        let below = |other: &String| {
            other.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.0.iter().any(below)
    }

    /// Marks the checksums in a document that depend on one of them.
    pub fn hide_checksums(&self, document: &Value, fields: &[FieldReasons], marks: &mut ObjectMarks) {
        if self.is_empty() || is_secret(document) {
            return;
        }
        for field in fields {
            let pointer: String = field
                .path
                .iter()
                .map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1")))
                .collect();
            let is_digest = document.pointer(&pointer).and_then(Value::as_str).is_some_and(holds_digest);
            if is_digest && value_paths(&field.reasons).any(|path| self.0.contains(&path)) {
                marks.at.entry(pointer).or_insert(Mark::Hidden(Hidden::Sensitive));
            }
        }
    }
}

/// Tells whether a text holds a digest, which confirms a guess of what it was made from.
fn holds_digest(text: &str) -> bool {
    text.split(|letter: char| !letter.is_ascii_hexdigit()).any(|run| run.len() >= 32)
}

fn is_content(field: &FieldReasons) -> bool {
    field.path.first().is_some_and(|first| matches!(&**first, "data" | "stringData"))
}

fn value_paths(reasons: &BTreeSet<Reason>) -> impl Iterator<Item = String> {
    reasons.iter().filter_map(|reason| match reason {
        Reason::Value(path) | Reason::Sensitive(path) => Some(in_plan_notation(path)),
        _ => None,
    })
}

/// Rewrites the engine's path (`a\.b.c[0]`) as a plan writes it (`[a.b].c[0]`).
pub(super) fn in_plan_notation(path: &str) -> String {
    let mut written = FieldPath::root();
    for step in steps_of(path) {
        match step.index {
            Some(index) => written.push_index(index),
            None => written.push_field(&step.name),
        }
    }
    written.as_str().to_owned()
}

/// A step of the engine's path: a key, or the index of a list's item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// The key; empty for an index.
    pub(super) name: String,
    /// The index.
    pub(super) index: Option<usize>,
}

/// Takes the engine's path apart.
pub(super) fn steps_of(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut key = String::new();
    let flush = |key: &mut String, steps: &mut Vec<Step>| {
        if !key.is_empty() {
            steps.push(Step { name: std::mem::take(key), index: None });
        }
    };
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => key.extend(letters.next()),
            '.' => flush(&mut key, &mut steps),
            '[' => {
                flush(&mut key, &mut steps);
                let index: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                steps.push(Step { name: String::new(), index: Some(index.parse().unwrap_or_default()) });
            }
            _ => key.push(letter),
        }
    }
    flush(&mut key, &mut steps);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn field(path: &[&str], value: &str) -> FieldReasons {
        let reasons = BTreeSet::from([Reason::Value(value.into())]);
        let path = path.iter().map(|step| (*step).into()).collect();
        FieldReasons { path, reasons, ..FieldReasons::default() }
    }

    #[test]
    fn paths_are_rewritten() {
        let check = |path: &str, expected: &str| assert_eq!(in_plan_notation(path), expected);
        check("a.b", "a.b");
        check("a\\.b.c", "[a.b].c");
        check("users[1].password", "users[1].password");
    }

    #[test]
    fn what_reaches_a_secret_is_secret_and_so_are_its_checksums() {
        let secret = json!({"kind": "Secret", "apiVersion": "v1", "stringData": {"token": "x"}});
        let fields = [field(&["stringData", "token"], "auth.token"), field(&["metadata", "name"], "name")];
        let values = SecretValues::of([(&secret, &fields[..])]);
        assert!(values.contains("auth.token") && values.contains("auth"));
        assert!(!values.contains("name") && !values.contains("auth.to"));

        let digest = "a".repeat(64);
        let pod =
            json!({"kind": "Pod", "metadata": {"annotations": {"checksum/secret": digest, "note": "x"}}});
        let fields = [
            field(&["metadata", "annotations", "checksum/secret"], "auth.token"),
            field(&["metadata", "annotations", "note"], "auth.token"),
        ];
        let mut marks = ObjectMarks::default();
        values.hide_checksums(&pod, &fields, &mut marks);
        assert_eq!(marks.at.keys().collect::<Vec<_>>(), ["/metadata/annotations/checksum~1secret"]);
    }
}
