//! Which field addresses the elements of a list: `containers[app]` instead of `containers[0]`.
//!
//! The keys are those of Kubernetes' strategic merge (`patchMergeKey` in its API types) and of server-side apply's
//! list maps, with a readable choice where there are two (a port's name before its number), and what custom
//! resources use in practice. Where elements lack the key, the list goes by index; a key that occurs twice is told
//! apart as `[NAME#2]`.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::notation::{all_different, looks_typed};

/// How one element of a list is addressed.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    /// The text between the brackets.
    pub key: String,
    /// The element's fields that the key says in full, so that they need not be shown again.
    pub said: &'static [&'static str],
}

/// Gives the address of each element of the list in `field`, or none where they go by index.
pub fn addresses(field: &str, items: &[Value]) -> Option<Vec<Address>> {
    let maps: Vec<&Map<String, Value>> = items.iter().map(Value::as_object).collect::<Option<_>>()?;
    let known = KNOWN.iter().find(|(list, _)| *list == field).map(|(_, keys)| *keys);
    for key in known.unwrap_or_default() {
        if let Some(addresses) = by_key(&maps, key).and_then(number_repeated) {
            return Some(addresses);
        }
    }
    let about = if field == "rules" { rbac_rules(&maps).filter(|all| all_keys_differ(all)) } else { None };
    about.or_else(|| GENERIC.iter().find_map(|key| by_key(&maps, key).filter(|all| all_keys_differ(all))))
}

/// Gives the order of a keyed list's elements where it has a meaning: init containers run one after the other, and a
/// variable may use those before it as `$(NAME)`.
pub fn meaningful_order<'a>(field: &str, items: &'a [Value]) -> Option<Vec<&'a str>> {
    let names = || items.iter().filter_map(|item| item.get("name")?.as_str());
    let order: Vec<&str> = match field {
        "initContainers" => names().collect(),
        "env" => {
            let values = || items.iter().filter_map(|item| item.get("value")?.as_str());
            let used: Vec<&str> = values().flat_map(references).collect();
            let uses = |name: &str| {
                items.iter().any(|item| {
                    item["name"] == name
                        && item["value"].as_str().is_some_and(|value| references(value).next().is_some())
                })
            };
            if used.is_empty() {
                Vec::new()
            } else {
                names().filter(|name| used.contains(name) || uses(name)).collect()
            }
        }
        _ => Vec::new(),
    };
    (order.len() > 1).then_some(order)
}

/// Key fields by list; the first that all elements have is taken. An element's key is made of those of the fields that it has.
const KNOWN: &[(&str, &[&[&str]])] = &[
    ("conditions", &[&["type"]]),
    ("containers", &[&["name"]]),
    ("endpoints", &[&["port"], &["targetPort"]]),
    ("env", &[&["name"]]),
    ("ephemeralContainers", &[&["name"]]),
    ("groups", &[&["name"]]),
    ("hostAliases", &[&["ip"]]),
    ("imagePullSecrets", &[&["name"]]),
    ("initContainers", &[&["name"]]),
    ("items", &[&["key"], &["name"]]),
    ("matchExpressions", &[&["key", "operator"]]),
    ("ownerReferences", &[&["kind", "name"]]),
    ("paths", &[&["path", "pathType"]]),
    ("ports", &[&["name"], &["containerPort", "protocol"], &["port", "protocol"]]),
    ("rules", &[&["alert"], &["record"], &["host"]]),
    ("secrets", &[&["name"]]),
    ("subjects", &[&["kind", "name", "namespace"]]),
    ("tolerations", &[&["key", "effect"]]),
    ("topologySpreadConstraints", &[&["topologyKey"]]),
    ("versions", &[&["name"]]),
    ("volumeDevices", &[&["devicePath"]]),
    ("volumeMounts", &[&["mountPath"]]),
    ("volumes", &[&["name"]]),
    ("webhooks", &[&["name"]]),
];

/// Keys tried on any other list of maps; they must be unique.
const GENERIC: &[&[&str]] = &[&["name"], &["key"], &["id"], &["path"], &["host"]];

const LONGEST_COMPOSED_KEY_BYTES: usize = 100;

fn by_key(maps: &[&Map<String, Value>], fields: &'static [&'static str]) -> Option<Vec<Address>> {
    maps.iter().map(|map| address(map, fields)).collect()
}

/// Composes the key of one element; it needs the first field, and has the others where the element does. A port's
/// protocol is left out where it is the default.
fn address(map: &Map<String, Value>, fields: &'static [&'static str]) -> Option<Address> {
    let mut key = String::new();
    let mut said = 0;
    for (position, field) in fields.iter().enumerate() {
        let value = map.get(*field).filter(|value| *field != "protocol" || *value != "TCP");
        let exact = match value {
            None if position > 0 => continue,
            Some(Value::String(text)) if !text.is_empty() => {
                push_part(&mut key, text);
                !looks_typed(text) && (fields.len() == 1 || !text.contains('/'))
            }
            Some(Value::Number(number)) if matches!(*field, "port" | "containerPort") => {
                push_part(&mut key, &number.to_string());
                true
            }
            _ => return None,
        };
        if exact && said == position {
            said += 1;
        }
    }
    Some(Address { key, said: &fields[..said] })
}

fn push_part(key: &mut String, part: &str) {
    if !key.is_empty() {
        key.push('/');
    }
    key.push_str(part);
}

fn number_repeated(mut addresses: Vec<Address>) -> Option<Vec<Address>> {
    if all_keys_differ(&addresses) {
        return Some(addresses);
    }
    let mut seen: HashMap<String, usize> = HashMap::with_capacity(addresses.len());
    for address in &mut addresses {
        let times = seen.entry(address.key.clone()).or_default();
        *times += 1;
        if *times > 1 {
            address.key = format!("{}#{times}", address.key);
        }
    }
    Some(addresses).filter(|all| all_keys_differ(all))
}

fn all_keys_differ(addresses: &[Address]) -> bool {
    all_different(addresses.iter().map(|address| address.key.as_str()))
}

/// Addresses RBAC rules by what they are about, in kubectl's words: `deployments,replicasets.apps`.
fn rbac_rules(maps: &[&Map<String, Value>]) -> Option<Vec<Address>> {
    maps.iter().map(|map| rbac_rule(map)).collect()
}

fn rbac_rule(map: &Map<String, Value>) -> Option<Address> {
    let texts = |field: &str| -> Option<Vec<&str>> {
        map.get(field)?.as_array()?.iter().map(Value::as_str).collect()
    };
    let (mut key, said): (String, &'static [&'static str]) =
        match (texts("nonResourceURLs"), texts("resources")) {
            (Some(urls), None) if !urls.is_empty() => (urls.join(","), &[]),
            (None, Some(resources)) if !resources.is_empty() => {
                let groups = texts("apiGroups")?;
                let core = groups == [""];
                let plain = |text: &&str| !text.is_empty() && !text.contains([',', ':']);
                let exact = resources.iter().all(|text| plain(text) && !text.contains('.'))
                    && (core || !groups.is_empty() && groups.iter().all(plain));
                let about = resources.join(",");
                let key = if core { about } else { format!("{about}.{}", groups.join(",")) };
                (key, if exact { &["apiGroups", "resources"] } else { &[] })
            }
            _ => return None,
        };
    if let Some(names) = texts("resourceNames") {
        key = format!("{key}:{}", names.join(","));
    }
    (key.len() <= LONGEST_COMPOSED_KEY_BYTES).then_some(Address { key, said })
}

/// Gives the names that a value uses as `$(NAME)`.
fn references(value: &str) -> impl Iterator<Item = &str> {
    value.split("$(").skip(1).filter_map(|rest| rest.split_once(')').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(field: &str, items: Value, expected: Option<&[&str]>) {
        let items = items.as_array().cloned().unwrap_or_default();
        let keys = addresses(field, &items)
            .map(|found| found.into_iter().map(|address| address.key).collect::<Vec<_>>());
        let expected = expected.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>());
        assert_eq!(keys, expected);
    }

    #[test]
    fn elements_are_addressed_by_the_key_that_kubernetes_merges_by() {
        check("containers", json!([{"name": "app"}, {"name": "proxy"}]), Some(&["app", "proxy"]));
        check("volumeMounts", json!([{"name": "v", "mountPath": "/etc/x"}]), Some(&["/etc/x"]));
        check("ports", json!([{"name": "http", "port": 80}]), Some(&["http"]));
        check(
            "ports",
            json!([{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]),
            Some(&["80", "53/UDP"]),
        );
        check("ports", json!([{"protocol": "TCP"}]), None);
        check(
            "subjects",
            json!([{"kind": "ServiceAccount", "namespace": "a", "name": "b"}, {"kind": "User", "name": "c"}]),
            Some(&["ServiceAccount/b/a", "User/c"]),
        );
    }

    #[test]
    fn rules_of_roles_say_what_they_are_about() {
        check(
            "rules",
            json!([
                {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get"]},
                {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]},
                {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["x"], "verbs": ["get"]},
                {"nonResourceURLs": ["/metrics"], "verbs": ["get"]},
            ]),
            Some(&["pods,pods/log", "deployments.apps", "leases.coordination.k8s.io:x", "/metrics"]),
        );
    }

    #[test]
    fn missing_keys_fall_back_and_repeated_ones_are_numbered() {
        check("containers", json!([{"name": "app"}, {"image": "x"}]), None);
        check("env", json!([{"name": "A"}, {"name": "A"}]), Some(&["A", "A#2"]));
        check("env", json!([{"name": "A"}, {"name": "A"}, {"name": "A#2"}]), None);
        check("things", json!([{"name": "A"}, {"name": "A"}]), None);
        check("things", json!([{"name": "A", "x": 1}, {"name": "B"}]), Some(&["A", "B"]));
        check("things", json!([{"name": null}]), None);
        check("things", json!([1, {"name": "A"}]), None);
    }

    #[test]
    fn order_counts_for_init_containers_and_for_variables_that_use_others() {
        let order = |field: &str, items: Value| {
            meaningful_order(field, items.as_array().expect("a list")).map(|names| names.join(" "))
        };
        assert_eq!(order("initContainers", json!([{"name": "b"}, {"name": "a"}])), Some("b a".to_owned()));
        assert_eq!(order("containers", json!([{"name": "b"}, {"name": "a"}])), None);
        let env = json!([{"name": "HOST", "value": "h"}, {"name": "X", "value": "1"}, {"name": "URL", "value": "http://$(HOST)"}]);
        assert_eq!(order("env", env), Some("HOST URL".to_owned()));
        assert_eq!(order("env", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])), None);
    }
}
