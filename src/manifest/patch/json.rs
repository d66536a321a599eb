//! JSON patches (RFC 6902), with what Kustomize's library (`evanphx/json-patch` 4) allows beside: indexes that count from
//! the end, `replace` of a field that is not there, and a `test` for `null` that passes where there is nothing.

use json_patch::{Patch, PatchOperation};
use serde_json::Value;

/// One step of a patch.
pub(super) type Operation = serde_json::Map<String, Value>;

/// Says which operation failed, and why; never with the value it would have set.
#[derive(Debug)]
pub struct OperationError {
    /// Number of the operation, from zero.
    pub index: usize,
    /// Why.
    pub reason: String,
}

const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// Checks what can be checked without an object.
///
/// # Errors
/// With the first operation that is none.
pub(super) fn check(operations: &[Value]) -> Result<Vec<Operation>, OperationError> {
    let checked = operations.iter().enumerate().map(|(index, operation)| {
        let wrong = |reason: String| OperationError { index, reason };
        let operation = operation.as_object().ok_or_else(|| wrong("it is no map".to_owned()))?;
        let text = |name: &str| operation.get(name).and_then(Value::as_str);
        let op = text("op").ok_or_else(|| wrong("it has no `op`".to_owned()))?;
        if !OPERATIONS.contains(&op) {
            return Err(wrong(format!("`op` is {op:?}; it may be {}", OPERATIONS.join(", "))));
        }
        let pointer = |name: &str| match text(name) {
            None => Err(wrong(format!("it has no `{name}`"))),
            Some(path) if !path.is_empty() && !path.starts_with('/') => {
                Err(wrong(format!("`{name}` must begin with a slash: {path:?}")))
            }
            Some(_) => Ok(()),
        };
        pointer("path")?;
        match op {
            "move" | "copy" => pointer("from")?,
            "add" | "replace" | "test" if !operation.contains_key("value") => {
                return Err(wrong("it has no `value`".to_owned()));
            }
            _ => {}
        }
        Ok(operation.clone())
    });
    checked.collect()
}

/// Applies operations one after the other; `tests` says whether a failed `test` is an error.
///
/// # Errors
/// With the first operation that cannot be done.
pub(super) fn apply(operations: &[Operation], object: &mut Value, tests: bool) -> Result<(), OperationError> {
    for (index, operation) in operations.iter().enumerate() {
        let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
        let wrong = |reason: String| OperationError { index, reason };
        let (op, path) = (text("op"), text("path"));
        if op == "test" && (!tests || passes_for_nothing(operation, object, path)) {
            continue;
        }
        let mut exact = operation.clone();
        let there = counted(object, path, op);
        let op = if op == "replace" && is_missing_field(object, &there) { "add" } else { op };
        exact.insert("op".to_owned(), Value::from(op));
        exact.insert("path".to_owned(), Value::from(there));
        if operation.contains_key("from") {
            exact.insert("from".to_owned(), Value::from(counted(object, text("from"), "remove")));
        }
        let known: PatchOperation = serde_json::from_value(Value::Object(exact))
            .map_err(|_| wrong("it cannot be read".to_owned()))?;
        json_patch::patch(object, &Patch(vec![known])).map_err(|error| wrong(reason(op, path, &error)))?;
    }
    make_annotations_texts(object);
    Ok(())
}

/// Writes annotations that are numbers or truths as texts, which is what they must be.
fn make_annotations_texts(object: &mut Value) {
    let annotations = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    for value in annotations.into_iter().flat_map(serde_json::Map::values_mut) {
        if value.is_number() || value.is_boolean() {
            *value = Value::from(value.to_string());
        }
    }
}

fn reason(op: &str, path: &str, error: &json_patch::PatchError) -> String {
    match &error.kind {
        json_patch::PatchErrorKind::TestFailed => {
            format!("test of `{path}` failed: another value stands there")
        }
        _ => format!("{op} at `{path}`: there is no such place in the object"),
    }
}

fn passes_for_nothing(operation: &Operation, object: &Value, path: &str) -> bool {
    operation.get("value").is_some_and(Value::is_null) && is_missing_field(object, path)
}

/// Tells whether a pointer names a field that its map does not have.
fn is_missing_field(object: &Value, pointer: &str) -> bool {
    let parent = pointer.rsplit_once('/').and_then(|(parent, _)| object.pointer(parent));
    parent.is_some_and(Value::is_object) && object.pointer(pointer).is_none()
}

/// Rewrites the indexes of a pointer that count from the end, or have zeros in front, for the object as it is.
fn counted(object: &Value, pointer: &str, op: &str) -> String {
    let mut here = Some(object);
    let mut written = String::new();
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    for (position, step) in steps.iter().enumerate() {
        let last = position + 1 == steps.len();
        let index = here.and_then(Value::as_array).and_then(|list| {
            let length = i64::try_from(list.len()).ok()?;
            let index: i64 = step.parse().ok()?;
            let from = if last && op == "add" { length + 1 } else { length };
            let index = if index < 0 { index + from } else { index };
            (index >= 0).then(|| index.to_string())
        });
        let step = index.as_deref().unwrap_or(step);
        written.push('/');
        written.push_str(step);
        here = here.and_then(|here| here.pointer(&format!("/{step}")));
    }
    written
}
