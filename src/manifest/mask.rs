//! Takes out of objects what a plan must not show, or does not know yet.
//!
//! A secret becomes `(sensitive, revision N)`, a drawn value `(generated, revision N)`; N rises by one when the value
//! changes. Whether it changed is decided by a keyed digest (HMAC-SHA256) against the table of the previous revision;
//! key and table live in the resource's private state. What is shown depends on the value in no other way, so nothing
//! can be guessed from it. Where there is no key yet, on create, everything is revision 1.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::Sha256;

use super::{canonical, flatten, object};

/// Stands in lists for an element that is shown in `late` instead.
pub const LATE: &str = "(late)";

/// Says why a value is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is secret, or derived from a secret.
    Sensitive,
    /// It was drawn at random or from the clock.
    Generated,
}

/// What the caller knows about a value of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It must not be shown.
    Hidden(Reason),
    /// It must not be shown, and a number that the user counts up says whether it changed.
    Pinned,
    /// It may be known later than the rest: it leaves the object and stands in `late`.
    Late,
    /// It leaves the object and stands in `late`, and is not known yet.
    Unknown,
}

/// Marks of one object's values, by JSON pointer (`/spec/template/metadata/labels/app.kubernetes.io~1name`); a mark on
/// a map or list covers all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectMarks {
    /// Pointer → mark.
    pub at: BTreeMap<String, Mark>,
}

/// The revision of one hidden value.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    number: u32,
    /// The keyed digest of the value; empty where there was no key.
    fingerprint: String,
}

/// The revisions of all hidden values of a resource, by place; kept in private state.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revisions(BTreeMap<String, Revision>);

impl Revisions {
    /// Tells whether a value at this place was shown before.
    pub fn knows(&self, place: &str) -> bool {
        self.0.contains_key(place)
    }

    /// Takes over the revisions of another table; those of places that it does not have stay.
    pub fn take_from(&mut self, newer: Revisions) {
        self.0.extend(newer.0);
    }
}

impl fmt::Debug for Revisions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_map()
            .entries(self.0.iter().map(|(place, revision)| (place, revision.number)))
            .finish()
    }
}

/// Decides which revision of each hidden value is shown, and collects the table for the next time.
pub struct Masker<'a> {
    key: Option<&'a [u8]>,
    previous: &'a Revisions,
    next: Revisions,
    pin: &'a [u8],
}

impl<'a> Masker<'a> {
    /// Starts with the key and the table from private state; both are absent on create.
    pub fn new(key: Option<&'a [u8]>, previous: &'a Revisions) -> Self {
        Self { key, previous, next: Revisions::default(), pin: b"" }
    }

    /// Lets pinned values count as changed when `pin` does.
    #[must_use]
    pub fn pinned(mut self, pin: &'a str) -> Self {
        self.pin = pin.as_bytes();
        self
    }

    /// Gives what is shown for a hidden value that counts as changed when its pin does.
    pub fn shown_pinned(&mut self, place: &str) -> String {
        self.shown(place, Reason::Sensitive, self.pin)
    }

    /// Gives what is shown for a hidden value. The place names the value across revisions: an object's key and a
    /// pointer, or the path of a value.
    pub fn shown(&mut self, place: &str, reason: Reason, value: &[u8]) -> String {
        let fingerprint = self.key.map(|key| fingerprint(key, place, value)).unwrap_or_default();
        let number = match self.previous.0.get(place) {
            None => 1,
            Some(previous) if self.key.is_none() || previous.fingerprint == fingerprint => previous.number,
            Some(previous) => previous.number.saturating_add(1),
        };
        self.next.0.insert(place.to_owned(), Revision { number, fingerprint });
        match reason {
            Reason::Sensitive => format!("(sensitive, revision {number})"),
            Reason::Generated => format!("(generated, revision {number})"),
        }
    }

    /// Gives the table to keep: every value shown since the start, and none that is gone.
    pub fn finish(self) -> Revisions {
        self.next
    }
}

/// An object as a plan may show it.
#[derive(Debug)]
pub struct Concealed<'a> {
    /// The object without what is hidden or late.
    pub object: Cow<'a, Value>,
    /// What may be known later than the rest: display path → value; none where it is not known yet.
    pub late: BTreeMap<String, Option<Value>>,
}

/// Takes out of an object what is marked, the content of Secrets, and private keys wherever they stand. `private_key`
/// says whether any text of the object [holds one](holds_private_key).
pub fn conceal<'a>(
    key: &str,
    desired: &'a Value,
    marks: &ObjectMarks,
    private_key: bool,
    masker: &mut Masker<'_>,
) -> Concealed<'a> {
    let secret = object::is_secret(desired);
    let mut concealed = Concealed { object: Cow::Borrowed(desired), late: BTreeMap::new() };
    if !secret && !private_key && marks.at.is_empty() {
        return concealed;
    }
    let private_keys = if private_key { pointers_to(desired, holds_private_key) } else { Vec::new() };
    let place = |pointer: &str| format!("{key} {pointer}");
    let skeleton = without_late(desired, marks);
    let shown = concealed.object.to_mut();
    for (pointer, mark) in marks.at.iter().rev().filter(|(pointer, _)| !secret || !is_secret_content(pointer))
    {
        match mark {
            Mark::Hidden(reason) => {
                hide(shown, pointer, |value| masker.shown(&place(pointer), *reason, &bytes(value)))
            }
            Mark::Pinned => hide(shown, pointer, |_| masker.shown_pinned(&place(pointer))),
            Mark::Late | Mark::Unknown => {
                let Some((path, value)) = take(shown, pointer, &skeleton) else { continue };
                let value = match (mark, pointers_to(&value, holds_private_key).is_empty()) {
                    (Mark::Unknown, _) => None,
                    (_, true) => Some(value),
                    _ => Some(masker.shown(&place(pointer), Reason::Sensitive, &bytes(&value)).into()),
                };
                concealed.late.insert(path, value);
            }
        }
    }
    for pointer in &private_keys {
        let unmarked = shown.pointer(pointer) == desired.pointer(pointer);
        if unmarked && !(secret && is_secret_content(pointer)) {
            hide(shown, pointer, |value| masker.shown(&place(pointer), Reason::Sensitive, &bytes(value)));
        }
    }
    if secret {
        hide_secret_content(shown, |name, value| {
            let pointer = format!("/data/{}", escape(name));
            let mark =
                marks.at.get(&pointer).or_else(|| marks.at.get(&format!("/stringData/{}", escape(name))));
            match mark {
                Some(Mark::Hidden(reason)) => masker.shown(&place(&pointer), *reason, value),
                Some(Mark::Pinned) => masker.shown_pinned(&place(&pointer)),
                _ => masker.shown(&place(&pointer), Reason::Sensitive, value),
            }
        });
    }
    concealed
}

fn hide(object: &mut Value, pointer: &str, mut shown: impl FnMut(&Value) -> String) {
    if let Some(value) = object.pointer_mut(pointer) {
        *value = Value::String(shown(value));
    }
}

/// Returns an object with a placeholder for everything late: what its paths are called must not depend on it.
fn without_late(desired: &Value, marks: &ObjectMarks) -> Value {
    let is_late = |mark: &Mark| matches!(mark, Mark::Late | Mark::Unknown);
    if !marks.at.values().any(is_late) {
        return Value::Null;
    }
    let mut skeleton = desired.clone();
    for (pointer, _) in marks.at.iter().filter(|(_, mark)| is_late(mark)) {
        if let Some(value) = skeleton.pointer_mut(pointer) {
            *value = Value::String(LATE.to_owned());
        }
    }
    skeleton
}

/// Removes a value from a map, or leaves a placeholder in a list, and gives its display path and itself. A name by which
/// an element of a list is addressed leaves a placeholder too.
fn take(object: &mut Value, pointer: &str, skeleton: &Value) -> Option<(String, Value)> {
    let (parent, last) = pointer.rsplit_once('/')?;
    let names_element = last == "name" && parent.ends_with(|letter: char| letter.is_ascii_digit());
    let placeholder = || Value::String(LATE.to_owned());
    let value = match object.pointer_mut(parent)? {
        Value::Object(map) if names_element => std::mem::replace(map.get_mut(last)?, placeholder()),
        Value::Object(map) => map.remove(&unescape(last))?,
        Value::Array(list) => std::mem::replace(list.get_mut(last.parse::<usize>().ok()?)?, placeholder()),
        _ => return None,
    };
    Some((flatten::path_of(skeleton, pointer), value))
}

/// Puts `stringData` and `data` of a Secret together, as the API server does, and hides each value; the same bytes
/// count as the same value in both.
fn hide_secret_content(secret: &mut Value, mut shown: impl FnMut(&str, &[u8]) -> String) {
    let mut content: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for field in ["data", "stringData"] {
        match secret.get(field) {
            Some(Value::Object(map)) => {
                content.extend(map.iter().map(|(name, value)| (name.clone(), secret_bytes(field, value))));
            }
            Some(Value::Null) | None => {}
            Some(odd) => drop(content.insert(field.to_owned(), bytes(odd).into_owned())),
        }
    }
    let Some(fields) = secret.as_object_mut() else { return };
    fields.remove("stringData");
    if content.is_empty() {
        return;
    }
    let hidden =
        content.iter().map(|(name, value)| (name.clone(), Value::String(shown(name, value)))).collect();
    fields.insert("data".to_owned(), Value::Object(hidden));
}

fn secret_bytes(field: &str, value: &Value) -> Vec<u8> {
    let written = bytes(value);
    let decoded = (field == "data").then(|| {
        let compact: Vec<u8> = written.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        base64::engine::general_purpose::STANDARD.decode(compact).ok()
    });
    decoded.flatten().unwrap_or_else(|| written.into_owned())
}

fn bytes(value: &Value) -> Cow<'_, [u8]> {
    match value {
        Value::String(text) => Cow::Borrowed(text.as_bytes()),
        other => Cow::Owned(canonical::to_string(other).into_bytes()),
    }
}

fn is_secret_content(pointer: &str) -> bool {
    ["/data", "/stringData"]
        .iter()
        .any(|field| pointer.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Says whether a text holds a private key; short texts are not looked at, which makes asking cheap.
pub fn holds_private_key(text: &str) -> bool {
    const SHORTEST_BYTES: usize = 60;
    text.len() >= SHORTEST_BYTES && text.contains("PRIVATE KEY-----")
}

fn pointers_to(object: &Value, wanted: fn(&str) -> bool) -> Vec<String> {
    const DEEPEST: usize = 1000;
    let (mut found, mut rest) = (Vec::new(), vec![(String::new(), 0, object)]);
    while let Some((pointer, depth, value)) = rest.pop() {
        match value {
            // So deep down nothing is shown but a digest of the whole; hide the whole.
            Value::Object(_) | Value::Array(_) if depth >= DEEPEST => found.push(pointer),
            Value::Object(map) => rest.extend(
                map.iter().map(|(key, value)| (format!("{pointer}/{}", escape(key)), depth + 1, value)),
            ),
            Value::Array(list) => rest.extend(
                list.iter()
                    .enumerate()
                    .map(|(index, value)| (format!("{pointer}/{index}"), depth + 1, value)),
            ),
            Value::String(text) if wanted(text) => found.push(pointer),
            _ => {}
        }
    }
    found.sort_unstable();
    found
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn fingerprint(key: &[u8], place: &str, value: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(&(place.len() as u64).to_be_bytes());
    mac.update(place.as_bytes());
    mac.update(value);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KEY: &[u8] = b"a key from private state";

    /// Conceals a row of states of one object, each with the table of the one before.
    fn check(marks: &[(&str, Mark)], states: &[Value], expected: &[Value]) {
        let marks = ObjectMarks { at: marks.iter().map(|(at, mark)| ((*at).to_owned(), *mark)).collect() };
        let mut revisions = Revisions::default();
        for (state, expected) in states.iter().zip(expected) {
            let mut masker = Masker::new(Some(KEY), &revisions);
            assert_eq!(&*conceal("v1/Secret/ns/s", state, &marks, true, &mut masker).object, expected);
            revisions = masker.finish();
        }
    }

    fn secret(content: Value) -> Value {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret"});
        secret.as_object_mut().expect("a map").extend(content.as_object().expect("a map").clone());
        secret
    }

    #[test]
    fn a_revision_rises_when_the_value_changes_and_only_then() {
        check(
            &[],
            &[
                secret(json!({"data": {"a": "eA=="}, "stringData": {"b": "1"}})),
                secret(json!({"stringData": {"a": "x", "b": "1"}})),
                secret(json!({"data": {"a": "eQ==", "b": "MQ=="}})),
                secret(json!({"data": {"b": "MQ=="}})),
            ],
            &[
                secret(json!({"data": {"a": "(sensitive, revision 1)", "b": "(sensitive, revision 1)"}})),
                secret(json!({"data": {"a": "(sensitive, revision 1)", "b": "(sensitive, revision 1)"}})),
                secret(json!({"data": {"a": "(sensitive, revision 2)", "b": "(sensitive, revision 1)"}})),
                secret(json!({"data": {"b": "(sensitive, revision 1)"}})),
            ],
        );
    }

    #[test]
    fn marked_values_are_hidden_with_all_below_them() {
        check(
            &[
                ("/spec/a", Mark::Hidden(Reason::Generated)),
                ("/spec/list/0", Mark::Hidden(Reason::Sensitive)),
            ],
            &[json!({"spec": {"a": {"b": 1}, "list": ["x", "y"]}})],
            &[json!({"spec": {"a": "(generated, revision 1)", "list": ["(sensitive, revision 1)", "y"]}})],
        );
    }

    #[test]
    fn private_keys_are_hidden_wherever_they_stand() {
        let pem =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", "A".repeat(64));
        check(
            &[],
            &[json!({"kind": "ConfigMap", "data": {"tls/key": pem, "x": "1"}})],
            &[json!({"kind": "ConfigMap", "data": {"tls/key": "(sensitive, revision 1)", "x": "1"}})],
        );
    }

    #[test]
    fn odd_secrets_are_hidden_too() {
        check(
            &[],
            &[secret(json!({"data": "x"}))],
            &[secret(json!({"data": {"data": "(sensitive, revision 1)"}}))],
        );
        check(
            &[],
            &[secret(json!({"data": {"a": 5, "b": null, "c": "no base64!"}}))],
            &[secret(json!({"data": {"a": "(sensitive, revision 1)", "b": "(sensitive, revision 1)",
                "c": "(sensitive, revision 1)"}}))],
        );
        check(&[], &[secret(json!({"data": null}))], &[secret(json!({"data": null}))]);
    }

    #[test]
    fn late_values_leave_the_object_with_the_path_they_are_shown_under() {
        let object = json!({"spec": {"containers": [{"name": "app", "env": [{"name": "IP", "value": "10.0.0.1"}],
            "args": ["--ip", "10.0.0.1"]}]}});
        let marks = ["/spec/containers/0/env/0/value", "/spec/containers/0/args/1"];
        let marks = ObjectMarks { at: marks.iter().map(|at| ((*at).to_owned(), Mark::Late)).collect() };
        let revisions = Revisions::default();
        let concealed = conceal("k", &object, &marks, false, &mut Masker::new(None, &revisions));
        assert_eq!(
            *concealed.object,
            json!({"spec": {"containers": [{"name": "app", "env": [{"name": "IP"}], "args": ["--ip", "(late)"]}]}})
        );
        let paths: Vec<&str> = concealed.late.keys().map(String::as_str).collect();
        assert_eq!(paths, ["spec.containers[app].args[1]", "spec.containers[app].env[IP].value"]);
    }

    #[test]
    fn without_a_key_everything_is_revision_one() {
        let revisions = Revisions::default();
        let mut masker = Masker::new(None, &revisions);
        assert_eq!(masker.shown("x", Reason::Sensitive, b"secret"), "(sensitive, revision 1)");
        assert!(!format!("{:?}", masker.finish()).contains("secret"));
    }
}
