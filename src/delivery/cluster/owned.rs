//! What of a live object is ours: the fields that the server notes for our field manager, and a keyed digest over their
//! values. Equal digests mean that nobody changed, took over or removed a field of ours, whatever others and the server's
//! own defaults add around them. Pure.

use hmac::{Hmac, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

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

/// Gives what is noted of what a manager applied.
pub(super) fn applied_by<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    let all = object.pointer("/metadata/managedFields")?.as_array()?;
    let applied = |one: &&Value| {
        one["manager"] == manager && one["operation"] == "Apply" && one["subresource"].is_null()
    };
    all.iter().find(applied)
}

/// Gives the fields that a manager applied.
pub(super) fn fields_of<'a>(object: &'a Value, manager: &str) -> Option<&'a Value> {
    applied_by(object, manager).map(|one| &one["fieldsV1"])
}

/// Takes out of an object what the server writes.
pub(super) fn decided(object: &Value) -> Value {
    const SERVERS: [&str; 6] =
        ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        SERVERS.iter().for_each(|name| drop(metadata.remove(*name)));
    }
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    object
}
/// Tells whether what a manager applied to a live object is exactly what is desired, each field with its value: applying it again would
/// change nothing. Where that cannot be told, because the server writes a value in another way, the answer is no.
pub(super) fn is_as_applied(live: &Value, desired: &Value, manager: &str) -> bool {
    /// What the server notes for nobody.
    const UNNOTED: [&str; 2] = ["apiVersion", "kind"];
    const UNNOTED_METADATA: [&str; 2] = ["name", "namespace"];
    let Some(entry) = applied_by(live, manager) else { return false };
    let mut desired = desired.clone();
    let same_version = entry["apiVersion"] == desired["apiVersion"];
    if let Some(map) = desired.as_object_mut() {
        UNNOTED.iter().for_each(|name| drop(map.remove(*name)));
    }
    if let Some(map) = desired.get_mut("metadata").and_then(Value::as_object_mut) {
        UNNOTED_METADATA.iter().for_each(|name| drop(map.remove(*name)));
    }
    same_version && is_noted(&desired, live, &entry["fieldsV1"])
}

/// Compares a desired value with a live one by the fields that are noted below it.
fn is_noted(desired: &Value, live: &Value, fields: &Value) -> bool {
    let Some(fields) = fields.as_object() else { return false };
    let noted: Vec<(&str, &str, &Value)> = fields
        .iter()
        .filter_map(|(key, below)| key.split_once(':').map(|(sort, rest)| (sort, rest, below)))
        .collect();
    let Some((first, ..)) = noted.first() else {
        // A whole value, or a map or list that was noted to be there and empty.
        return if fields.is_empty() { desired == live } else { is_empty(desired) };
    };
    if noted.iter().any(|(sort, ..)| sort != first) {
        return false;
    }
    match (*first, desired) {
        ("f", Value::Object(map)) => {
            map.len() == noted.len()
                && noted.iter().all(|(_, name, below)| match (map.get(*name), live.get(*name)) {
                    (Some(desired), Some(live)) => is_noted(desired, live, below),
                    _ => false,
                })
        }
        ("k", Value::Array(items)) => {
            items.len() == noted.len()
                && noted.iter().all(|(_, keys, below)| match (only_with(items, keys), by_keys(live, keys)) {
                    (Some(desired), Some(live)) => is_noted_item(desired, live, keys, below),
                    _ => false,
                })
        }
        ("v", Value::Array(items)) => {
            items.len() == noted.len()
                && noted
                    .iter()
                    .all(|(_, item, _)| by_value(desired, item).is_some() && by_value(live, item).is_some())
        }
        _ => false,
    }
}

/// Finds the only item that can be the one of these keys; a key that it leaves out is filled in by the server.
fn only_with<'a>(items: &'a [Value], keys: &str) -> Option<&'a Value> {
    let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
    let fits =
        |item: &&Value| keys.iter().all(|(name, value)| item.get(name).is_none_or(|found| found == value));
    let mut fitting = items.iter().filter(fits);
    let found = fitting.next()?;
    fitting.next().is_none().then_some(found)
}

/// Compares an item of a list with keys, of which those that the item leaves out are noted all the same.
fn is_noted_item(desired: &Value, live: &Value, keys: &str, below: &Value) -> bool {
    let Ok(keys) = serde_json::from_str::<Map<String, Value>>(keys) else { return false };
    let mut whole = desired.clone();
    let Some(map) = whole.as_object_mut() else { return false };
    for (name, value) in keys {
        if below.get(format!("f:{name}")).is_some() {
            map.entry(name).or_insert(value);
        }
    }
    is_noted(&whole, live, below)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
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

    /// A Service as it is applied, and as it is then.
    fn service() -> (Value, Value) {
        let desired = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}, "annotations": {}, "finalizers": ["y"]},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP"}]}});
        let mut live = desired.clone();
        live["metadata"]["finalizers"] = json!(["x", "y"]);
        live["spec"]["clusterIP"] = json!("10.0.0.1");
        live["spec"]["ports"][0]["protocol"] = json!("TCP");
        live["spec"]["ports"][0]["targetPort"] = json!(80);
        live["metadata"]["managedFields"] = json!([{"manager": "strata", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {
            "f:metadata": {"f:labels": {"f:app": {}}, "f:annotations": {".": {}}, "f:finalizers": {"v:\"y\"": {}}},
            "f:spec": {"f:selector": {}, "f:ports": {
                "k:{\"port\":53,\"protocol\":\"UDP\"}": {".": {}, "f:port": {}, "f:protocol": {}},
                "k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}, "f:port": {}}}}}}]);
        (desired, live)
    }

    #[test]
    fn what_is_as_it_was_applied_needs_no_other_look() {
        let (desired, live) = service();
        assert!(is_as_applied(&live, &desired, "strata"));
        assert!(!is_as_applied(&live, &desired, "other"));
        let check = |pointer: &str, value: Value, of_live: bool| {
            let (mut desired, mut live) = service();
            let place = if of_live { live.pointer_mut(pointer) } else { desired.pointer_mut(pointer) };
            *place.expect("it is there") = value;
            assert!(!is_as_applied(&live, &desired, "strata"), "{pointer} {of_live}");
        };
        check("/spec/ports/0/name", json!("web"), true);
        check("/spec/selector", json!({"app": "other"}), true);
        check("/metadata/finalizers", json!(["x"]), true);
        check("/metadata/labels", json!({"app": "web", "tier": "one"}), false);
        check("/metadata/labels", json!({}), false);
        check("/metadata/annotations", json!({"a": "b"}), false);
        check("/spec/ports", json!([{"port": 80, "name": "http"}]), false);
        check("/spec/ports/0", json!({"port": 80, "name": "http", "targetPort": 80}), false);
        // Which of the two is meant cannot be told.
        check("/spec/ports/1", json!({"port": 80, "name": "http"}), false);
        check("/apiVersion", json!("v2"), false);
        // Somebody took a field over, or gave one up.
        let (desired, mut live) = service();
        let fields = &mut live["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"];
        fields.as_object_mut().expect("a map").remove("f:labels");
        assert!(!is_as_applied(&live, &desired, "strata"));
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
