//! Carries what is known of an object's values through a patch.
//!
//! A patch moves elements of lists, so a mark's pointer says nothing afterwards. A second copy of the object, in which a
//! token stands for every marked value, is patched in the same way; where a token ends, its mark is.

use serde_json::Value;

use super::Subject;
use crate::manifest::mask::{Mark, ObjectMarks};

const TOKEN: &str = "\u{1}marked value ";

/// The object with tokens, and the marks that they stand for.
pub(super) struct Shadow {
    object: Value,
    marks: Vec<Mark>,
}

/// Makes the second copy of an object; none where nothing is marked.
pub(super) fn shadow(subject: &Subject) -> Option<Shadow> {
    if subject.marks.at.is_empty() {
        return None;
    }
    let mut shadow = Shadow { object: subject.object.clone(), marks: Vec::new() };
    for (pointer, mark) in &subject.marks.at {
        let token = format!("{TOKEN}{}", shadow.marks.len());
        if let Some(value) = shadow.object.pointer_mut(pointer) {
            replace_scalars(value, &token);
            shadow.marks.push(*mark);
        }
    }
    Some(shadow)
}

/// Gives the marks of a patched object.
pub(super) fn after(
    shadow: Option<Shadow>,
    patched: &Subject,
    patch: impl FnOnce(&Value) -> Option<Value>,
) -> ObjectMarks {
    let Some(shadow) = shadow else { return ObjectMarks::default() };
    let Some(object) = patch(&shadow.object) else {
        // What depends on a marked value cannot be followed: keep what still has its place.
        let there = patched.marks.at.iter().filter(|(pointer, _)| patched.object.pointer(pointer).is_some());
        return ObjectMarks { at: there.map(|(pointer, mark)| (pointer.clone(), *mark)).collect() };
    };
    let mut found = ObjectMarks::default();
    collect(&object, &mut String::new(), &shadow.marks, &mut found);
    found
}

fn replace_scalars(value: &mut Value, token: &str) {
    match value {
        Value::Object(map) => map.values_mut().for_each(|value| replace_scalars(value, token)),
        Value::Array(list) => list.iter_mut().for_each(|value| replace_scalars(value, token)),
        scalar => *scalar = Value::from(token),
    }
}

fn collect(value: &Value, pointer: &mut String, marks: &[Mark], found: &mut ObjectMarks) {
    let length = pointer.len();
    let mut below = |step: &str, value: &Value, pointer: &mut String| {
        pointer.push('/');
        pointer.push_str(step);
        collect(value, pointer, marks, found);
        pointer.truncate(length);
    };
    match value {
        Value::Object(map) => {
            map.iter()
                .for_each(|(name, value)| below(&name.replace('~', "~0").replace('/', "~1"), value, pointer));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| below(&index.to_string(), value, pointer));
        }
        Value::String(text) => {
            let number = text.strip_prefix(TOKEN).and_then(|number| number.parse::<usize>().ok());
            if let Some(mark) = number.and_then(|number| marks.get(number)) {
                found.at.insert(pointer.clone(), *mark);
            }
        }
        _ => {}
    }
}
