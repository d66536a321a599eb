//! Which values of the objects were drawn from chance: those that differ between two renders with two seeds.
//!
//! This trusts nothing that a chart says or does, and holds for structure as well as for text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Finds the places that differ, as JSON pointers. A map or list whose keys or length differ counts as a whole.
pub fn differing_places(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(one, other, &mut String::new(), &mut found);
    found
}

fn compare(one: &Value, other: &Value, pointer: &mut String, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for ((key, a), b) in a.iter().zip(b.values()) {
                descend(a, b, &key.replace('~', "~0").replace('/', "~1"), pointer, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                descend(a, b, &index.to_string(), pointer, found);
            }
        }
        (a, b) if a == b => {}
        _ => found.push(pointer.clone()),
    }
}

fn descend(a: &Value, b: &Value, step: &str, pointer: &mut String, found: &mut Vec<String>) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(step);
    compare(a, b, pointer, found);
    pointer.truncate(length);
}

/// Says whether two renders have the same objects; where chance names objects, no plan can list them before apply.
pub fn same_objects<T>(one: &BTreeMap<String, T>, other: &BTreeMap<String, T>) -> bool {
    let keys = |map: &BTreeMap<String, T>| map.keys().cloned().collect::<BTreeSet<_>>();
    keys(one) == keys(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_generated() {
        let check = |one: Value, other: Value, expected: &[&str]| {
            assert_eq!(differing_places(&one, &other), expected)
        };
        check(json!({"a": 1, "b": {"c": "x"}}), json!({"a": 1, "b": {"c": "y"}}), &["/b/c"]);
        check(json!({"a/b~c": 1}), json!({"a/b~c": 2}), &["/a~1b~0c"]);
        check(json!({"a": [1, 2, 3]}), json!({"a": [1, 5, 3]}), &["/a/1"]);
        check(json!({"a": [1, 2, 3]}), json!({"a": [1, 2]}), &["/a"]);
        check(json!({"a": {"x": 1}}), json!({"a": {"y": 1}}), &["/a"]);
        check(json!({"a": null}), json!({"a": null}), &[]);
    }
}
