//! One request to an API server, as data: what is asked, in which words, and whether asking twice is safe.

use std::fmt::Write as _;

use http::Method;
use serde_json::Value;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) content_type: &'static str,
    pub(super) accept: &'static str,
    /// What it does, for messages: `apply v1/ConfigMap/a/b`.
    pub(super) action: String,
    /// Texts that must not appear in a message although the server may quote them.
    pub(super) hidden: Vec<String>,
}

const JSON: &str = "application/json";

impl Call {
    fn new(method: Method, target: String, action: String) -> Self {
        Call { method, target, body: None, content_type: JSON, accept: JSON, action, hidden: Vec::new() }
    }

    /// Reads one object or list.
    pub(super) fn get(target: impl Into<String>, action: impl Into<String>) -> Self {
        Self::new(Method::GET, target.into(), action.into())
    }

    /// Applies an object server-side.
    pub(super) fn apply(path: &str, object: &Value, how: &Apply<'_>, action: String) -> Self {
        let mut target = format!("{path}?fieldManager={}&fieldValidation=Strict", escape(how.field_manager));
        if how.force {
            target.push_str("&force=true");
        }
        if how.dry_run {
            target.push_str("&dryRun=All");
        }
        Call {
            body: serde_json::to_vec(object).ok(),
            content_type: "application/apply-patch+yaml",
            ..Self::new(Method::PATCH, target, action)
        }
    }

    /// Creates an object.
    pub(super) fn create(path: &str, object: &Value, field_manager: &str, action: String) -> Self {
        let target = format!("{path}?fieldManager={}", escape(field_manager));
        Call { body: serde_json::to_vec(object).ok(), ..Self::new(Method::POST, target, action) }
    }

    /// Changes an object by a merge patch.
    pub(super) fn merge(path: &str, patch: &Value, field_manager: &str, action: String) -> Self {
        let target = format!("{path}?fieldManager={}", escape(field_manager));
        Call {
            body: serde_json::to_vec(patch).ok(),
            content_type: "application/merge-patch+json",
            ..Self::new(Method::PATCH, target, action)
        }
    }

    /// Deletes one object, only if it is still the one with this uid.
    pub(super) fn delete(path: &str, uid: Option<&str>, propagation: &str, action: String) -> Self {
        let mut options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation,
        });
        if let Some(uid) = uid {
            options["preconditions"] = serde_json::json!({ "uid": uid });
        }
        let body = serde_json::to_vec(&options).ok();
        Call { body, ..Self::new(Method::DELETE, path.to_owned(), action) }
    }

    /// Asks for another form of the answer.
    pub(super) fn accepting(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    /// Keeps texts out of messages.
    pub(super) fn hiding(mut self, hidden: Vec<String>) -> Self {
        self.hidden = hidden;
        self
    }

    /// Tells whether the same request twice does what it does once. A second create is refused as a duplicate, which its
    /// caller knows; everything else here is idempotent by nature.
    pub(super) fn is_idempotent(&self) -> bool {
        self.method != Method::POST
    }
}

/// How an object is applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apply<'a> {
    pub(super) field_manager: &'a str,
    pub(super) force: bool,
    pub(super) dry_run: bool,
}

/// Writes a text so that it can stand in a query or as one segment of a path.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                escaped.push(char::from(byte));
            }
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_stay_inside_their_segment() {
        assert_eq!(escape("system:admin"), "system:admin");
        assert_eq!(escape("../a?b#c d"), "..%2Fa%3Fb%23c%20d");
    }

    #[test]
    fn an_apply_is_strict_and_forces_nothing_by_itself() {
        let how = Apply { field_manager: "strata", force: false, dry_run: true };
        let call = Call::apply("/api/v1/namespaces/a", &serde_json::json!({}), &how, String::new());
        assert_eq!(call.target, "/api/v1/namespaces/a?fieldManager=strata&fieldValidation=Strict&dryRun=All");
    }
}
