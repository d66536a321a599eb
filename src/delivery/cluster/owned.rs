//! What of a live object is ours: the fields that the server notes for our field manager, and a keyed digest over their
//! values. Equal digests mean that nobody changed, took over or removed a field of ours, whatever others and the server's
//! own defaults add around them. Pure.

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::preview::fields_of;
use crate::manifest::canonical;

/// Gives the keyed digest of what a manager applied to an object; none where it applied nothing.
pub fn fingerprint(live: &Value, manager: &str, key: &[u8]) -> Option<String> {
    let fields = fields_of(live, manager)?;
    let text = canonical::to_string(&Value::from(vec![fields.clone(), project(live, fields)]));
    // A key of any length is one.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes()[..12].iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Takes those fields of a value that a set of managed fields names.
fn project(value: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object().filter(|fields| fields.keys().any(|key| key != ".")) else {
        return value.clone();
    };
    let mut taken = Map::new();
    for (key, below) in fields.iter().filter(|(key, _)| *key != ".") {
        let found = match key.split_once(':') {
            Some(("f", name)) => value.get(name),
            Some(("k", keys)) => by_keys(value, keys),
            Some(("v", item)) => by_value(value, item),
            Some(("i", index)) => index.parse::<usize>().ok().and_then(|index| value.get(index)),
            _ => None,
        };
        taken.insert(key.clone(), found.map_or(Value::Null, |found| project(found, below)));
    }
    Value::Object(taken)
}

fn by_keys<'a>(list: &'a Value, keys: &str) -> Option<&'a Value> {
    let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
    let fits = |item: &&Value| keys.iter().all(|(name, value)| item.get(name) == Some(value));
    list.as_array()?.iter().find(fits)
}

fn by_value<'a>(list: &'a Value, item: &str) -> Option<&'a Value> {
    let wanted: Value = serde_json::from_str(item).ok()?;
    list.as_array()?.iter().find(|item| **item == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(replicas: i64, image: &str, owned: Value) -> Value {
        json!({
            "metadata": {"labels": {"a": "b"}, "finalizers": ["x", "y"], "managedFields": [
                {"manager": "other", "operation": "Update", "fieldsV1": {"f:spec": {"f:other": {}}}},
                {"manager": "strata", "operation": "Apply", "fieldsV1": owned}]},
            "spec": {"replicas": replicas, "other": 1, "containers": [{"name": "side"}, {"name": "app", "image": image, "pull": "Always"}]},
        })
    }

    fn ours() -> Value {
        json!({"f:metadata": {"f:finalizers": {"v:\"y\"": {}}}, "f:spec": {"f:replicas": {},
            "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:name": {}, "f:image": {}}}}})
    }

    #[test]
    fn only_what_is_ours_counts() {
        let one = fingerprint(&live(1, "a", ours()), "strata", b"key");
        assert!(one.is_some());
        let mut other = live(1, "a", ours());
        other["spec"]["other"] = json!(2);
        other["spec"]["containers"][1]["pull"] = json!("Never");
        other["metadata"]["labels"]["more"] = json!("x");
        assert_eq!(fingerprint(&other, "strata", b"key"), one);
        assert_ne!(fingerprint(&live(2, "a", ours()), "strata", b"key"), one);
        assert_ne!(fingerprint(&live(1, "b", ours()), "strata", b"key"), one);
        assert_ne!(fingerprint(&live(1, "a", ours()), "strata", b"other key"), one);
    }

    #[test]
    fn a_field_that_was_taken_over_counts_even_where_its_value_is_the_same() {
        let mut fewer = ours();
        fewer["f:spec"].as_object_mut().expect("a map").remove("f:replicas");
        let (one, other) = (live(1, "a", ours()), live(1, "a", fewer));
        assert_ne!(fingerprint(&one, "strata", b"k"), fingerprint(&other, "strata", b"k"));
        assert_eq!(fingerprint(&one, "nobody", b"k"), None);
    }
}
