//! What Kubernetes fills in by itself where an object leaves it out: known fields of its own kinds, and what the schema of a custom
//! kind says. Pure.

use serde_json::{Map, Value};

use super::display::Field;
use super::live::{is_empty, is_same};

/// Tells whether Kubernetes itself fills in such a field, by the end of its path and its value.
pub fn is_default(field: &Field) -> bool {
    // What the admission of service accounts mounts into every pod.
    const OF_SERVICE_ACCOUNTS: [&str; 2] =
        ["[kube-api-access-", "[/var/run/secrets/kubernetes.io/serviceaccount]"];
    if OF_SERVICE_ACCOUNTS.iter().any(|part| field.path.contains(part)) {
        return true;
    }
    let value = match &field.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (parent, name) = names(&field.path);
    let whole = if parent.is_empty() { name } else { format!("{parent}.{name}") };
    let fits = |(known, values): &(&str, &[&str])| {
        let is_there = match known.strip_suffix(".*") {
            Some(known) => ends_with(&parent, known),
            None => ends_with(&whole, known),
        };
        is_there && values.iter().any(|one| *one == "*" || *one == value)
    };
    DEFAULTS.iter().any(fits)
}

fn ends_with(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Gives the names on the way to a path and the last: of `a[x].b[c.d]`, `a.b` and `c.d`. Which element of a list it is does not matter.
fn names(path: &str) -> (String, String) {
    let (above, name) = match path.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        Some((above, key)) => (above, key),
        None => path.rsplit_once('.').unwrap_or(("", path)),
    };
    let mut inside = false;
    let outside = |letter: &char| {
        let was = inside;
        inside = (inside || *letter == '[') && *letter != ']';
        !was && !inside
    };
    (above.chars().filter(outside).collect(), name.to_owned())
}

/// Tells whether a live value is a written one with nothing but empty values and defaults beside it; `path` leads to both.
pub fn is_only_filled_in(written: &Value, live: &Value, path: &str) -> bool {
    match (written, live) {
        (Value::Object(written), Value::Object(live)) => {
            let is_kept = |(name, value): (&String, &Value)| match live.get(name) {
                Some(live) => is_only_filled_in(value, live, &format!("{path}.{name}")),
                None => is_empty(value),
            };
            let mut added = live.iter().filter(|(name, _)| !written.contains_key(*name));
            written.iter().all(is_kept)
                && added.all(|(name, value)| is_added(value, &format!("{path}.{name}")))
        }
        (Value::Array(written), Value::Array(live)) => {
            let mut pairs = written.iter().zip(live);
            written.len() == live.len() && pairs.all(|(written, live)| is_only_filled_in(written, live, path))
        }
        _ => is_same(written, live) || (is_empty(written) && is_added(live, path)),
    }
}

/// Tells whether a value is what Kubernetes fills in, or nothing.
fn is_added(value: &Value, path: &str) -> bool {
    match value {
        Value::Object(map) => map.iter().all(|(name, value)| is_added(value, &format!("{path}.{name}"))),
        _ => is_empty(value) || is_default(&Field { path: path.to_owned(), value: value.clone() }),
    }
}

/// Gives the object with everything that the schema of its kind gives by default, as the API server fills it in.
pub fn filled(object: &Value, schema: &Value) -> Value {
    let mut object = object.clone();
    fill(&mut object, schema);
    object
}

fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => fill_map(map, schema),
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, &schema["items"])),
        _ => {}
    }
}

fn fill_map(map: &mut Map<String, Value>, schema: &Value) {
    let properties = schema["properties"].as_object();
    for (name, property) in properties.into_iter().flatten() {
        let is_left_out = match map.get(name) {
            None => true,
            Some(value) => value.is_null() && property["nullable"] != true,
        };
        if let Some(default) = property.get("default").filter(|_| is_left_out) {
            map.insert(name.clone(), default.clone());
        }
    }
    for (name, value) in map {
        let property = properties.and_then(|properties| properties.get(name));
        fill(value, property.unwrap_or(&schema["additionalProperties"]));
    }
}

/// The defaults of `k8s.io/kubernetes/pkg/apis/*/*/defaults.go` and of the admission that is always on, by the end of a path; `*` stands
/// for any name, and for a value that Kubernetes works out.
const DEFAULTS: &[(&str, &[&str])] = &[
    ("allocateLoadBalancerNodePorts", &["true"]),
    ("allowVolumeExpansion", &["false"]),
    ("apiGroup", &["rbac.authorization.k8s.io"]),
    ("apiVersion", &["v1"]),
    ("attachRequired", &["true"]),
    ("azureDisk.cachingMode", &["ReadWrite"]),
    ("azureDisk.fsType", &["ext4"]),
    ("azureDisk.kind", &["Shared"]),
    ("backoffLimit", &["6", "2147483647"]),
    ("batch.kubernetes.io/controller-uid", &["*"]),
    ("batch.kubernetes.io/job-name", &["*"]),
    ("clientIP.timeoutSeconds", &["10800"]),
    ("clusterIP", &["*"]),
    ("clusterIPs", &["*"]),
    ("completionMode", &["NonIndexed"]),
    ("completions", &["1"]),
    ("concurrencyPolicy", &["Allow"]),
    ("controller-uid", &["*"]),
    ("defaultMode", &["420"]),
    ("deprecated.daemonset.template.generation", &["*"]),
    ("dnsPolicy", &["ClusterFirst"]),
    ("enableServiceLinks", &["true"]),
    ("exactly.allocationMode", &["ExactCount"]),
    ("exactly.count", &["1"]),
    ("exempt.lendablePercent", &["0"]),
    ("exempt.nominalConcurrencyShares", &["0"]),
    ("externalTrafficPolicy", &["Cluster"]),
    ("failedJobsHistoryLimit", &["1"]),
    ("failurePolicy", &["Fail"]),
    ("failureThreshold", &["3"]),
    ("finalizers", &["[kubernetes]", "[kubernetes.io/pv-protection]", "[kubernetes.io/pvc-protection]"]),
    ("firstAvailable.allocationMode", &["ExactCount"]),
    ("firstAvailable.count", &["1"]),
    ("fsGroupPolicy", &["ReadWriteOnceWithFSType"]),
    ("globalDefault", &["false"]),
    ("httpGet.path", &["/"]),
    ("image.pullPolicy", &["IfNotPresent", "Always"]),
    ("imagePullPolicy", &["IfNotPresent", "Always"]),
    ("internalTrafficPolicy", &["Cluster"]),
    ("ipFamilies", &["*"]),
    ("ipFamilyPolicy", &["SingleStack"]),
    ("iscsi.iscsiInterface", &["default"]),
    ("job-name", &["*"]),
    ("kind", &["PersistentVolumeClaim"]),
    ("kubernetes.io/metadata.name", &["*"]),
    ("limited.lendablePercent", &["0"]),
    ("limited.nominalConcurrencyShares", &["30"]),
    ("limits.default.*", &["*"]),
    ("limits.defaultRequest.*", &["*"]),
    ("manualSelector", &["false"]),
    ("matchPolicy", &["Equivalent"]),
    ("matchingPrecedence", &["1000"]),
    ("maxReplicas", &["1"]),
    ("maxSurge", &["25%", "0"]),
    ("maxUnavailable", &["25%", "1"]),
    ("metrics.resource.name", &["cpu"]),
    ("metrics.type", &["Resource"]),
    ("minReplicas", &["1"]),
    ("nodePort", &["*"]),
    ("parallelism", &["1"]),
    ("partition", &["0"]),
    ("periodSeconds", &["10"]),
    ("persistentVolumeReclaimPolicy", &["Retain"]),
    ("phase", &["Pending"]),
    ("podManagementPolicy", &["OrderedReady"]),
    ("podReplacementPolicy", &["TerminatingOrFailed", "Failed"]),
    ("policyTypes", &["*"]),
    ("port", &["443"]),
    ("preemptionPolicy", &["PreemptLowerPriority"]),
    ("progressDeadlineSeconds", &["600"]),
    ("protocol", &["TCP"]),
    ("queuing.handSize", &["8"]),
    ("queuing.queueLengthLimit", &["50"]),
    ("queuing.queues", &["64"]),
    ("rbd.keyring", &["/etc/ceph/keyring"]),
    ("rbd.pool", &["rbd"]),
    ("rbd.user", &["admin"]),
    ("reclaimPolicy", &["Delete"]),
    ("reinvocationPolicy", &["Never"]),
    ("replicas", &["1"]),
    ("resourceFieldRef.divisor", &["0"]),
    ("restartPolicy", &["Always"]),
    ("revisionHistoryLimit", &["10"]),
    ("scaleDown.policies.periodSeconds", &["15"]),
    ("scaleDown.policies.type", &["Percent"]),
    ("scaleDown.policies.value", &["100"]),
    ("scaleIO.fsType", &["xfs"]),
    ("scaleIO.storageMode", &["ThinProvisioned"]),
    ("scaleUp.policies.periodSeconds", &["15"]),
    ("scaleUp.policies.type", &["Pods", "Percent"]),
    ("scaleUp.policies.value", &["4", "100"]),
    ("schedulerName", &["default-scheduler"]),
    ("scheme", &["HTTP"]),
    ("scope", &["*"]),
    ("selectPolicy", &["Max"]),
    ("serviceAccount", &["*"]),
    ("serviceAccountToken.expirationSeconds", &["3600"]),
    ("sessionAffinity", &["None"]),
    ("shareProcessNamespace", &["false"]),
    ("spec.priority", &["0"]),
    ("spec.serviceAccountName", &["default"]),
    ("successThreshold", &["1"]),
    ("successfulJobsHistoryLimit", &["3"]),
    ("target.averageUtilization", &["80"]),
    ("targetPort", &["*"]),
    ("terminationGracePeriodSeconds", &["30"]),
    ("terminationMessagePath", &["/dev/termination-log"]),
    ("terminationMessagePolicy", &["File"]),
    ("timeoutSeconds", &["1", "10"]),
    ("tolerations.effect", &["NoExecute"]),
    ("tolerations.key", &["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]),
    ("tolerations.operator", &["Exists"]),
    ("tolerations.tolerationSeconds", &["300"]),
    ("type", &["ClusterIP", "Opaque", "RollingUpdate", "Utilization"]),
    ("volumeBindingMode", &["Immediate"]),
    ("volumeLifecycleModes", &["[Persistent]"]),
    ("volumeMode", &["Filesystem"]),
    ("whenDeleted", &["Retain"]),
    ("whenScaled", &["Retain"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_known_by_the_end_of_its_path() {
        let check = |path: &str, value: Value, expected: bool| {
            let field = Field { path: path.to_owned(), value };
            assert_eq!(is_default(&field), expected, "{path}");
        };
        check("spec.replicas", json!(1), true);
        check("spec.replicas", json!(2), false);
        check("spec.containers[a.b].livenessProbe.httpGet.path", json!("/"), true);
        check("spec.path", json!("/"), false);
        check("metadata.labels[batch.kubernetes.io/job-name]", json!("x"), true);
        check("spec.limits[0].default.cpu", json!("1"), true);
        check("spec.limits[0].default[example.com/gpu]", json!("1"), true);
        check("spec.volumes[kube-api-access-x].projected.defaultMode", json!(1), true);
        check("spec.template.spec.serviceAccountName", json!("default"), true);
        check("serviceAccountName", json!("default"), false);
    }

    #[test]
    fn a_live_value_may_have_defaults_beside_what_was_written() {
        let check = |written: Value, live: Value, expected: bool| {
            assert_eq!(is_only_filled_in(&written, &live, "spec.x[a=\"b\"]"), expected, "{written} {live}");
        };
        check(json!({"fieldPath": "a"}), json!({"apiVersion": "v1", "fieldPath": "a"}), true);
        check(json!({"fieldPath": "a"}), json!({"apiVersion": "v2", "fieldPath": "a"}), false);
        check(json!({"fieldPath": "a"}), json!({"fieldPath": "b"}), false);
        check(
            json!([{"ports": [{"port": 80}]}]),
            json!([{"ports": [{"port": 80, "protocol": "TCP"}]}]),
            true,
        );
        check(json!([{"ports": [{"port": 80}]}]), json!([]), false);
        check(json!({"a": 1, "no": {}}), json!({"a": 1, "status": {"phase": "Pending"}}), true);
        check(json!(0), Value::Null, true);
        check(Value::Null, json!({"replicas": 1}), true);
        check(Value::Null, json!({"replicas": 2}), false);
    }

    #[test]
    fn the_schema_of_a_custom_kind_fills_in_as_the_server_does() {
        let text = json!({"type": "string", "default": "x"});
        let item = json!({"type": "object", "properties": {"b": text}});
        let schema = json!({"properties": {
            "spec": {"default": {}, "properties": {"size": {"default": 3}, "no": {"type": "string"},
                "list": {"items": item}, "map": {"additionalProperties": item}, "null": {"default": 1, "nullable": true}}},
        }});
        assert_eq!(
            filled(&json!({"kind": "A"}), &schema),
            json!({"kind": "A", "spec": {"size": 3, "null": 1}})
        );
        let object =
            json!({"spec": {"size": null, "null": null, "list": [{"a": 1}, {"b": "y"}], "map": {"k": {}}}});
        let expected = json!({"spec": {"size": 3, "null": null, "list": [{"a": 1, "b": "x"}, {"b": "y"}], "map": {"k": {"b": "x"}}}});
        assert_eq!(filled(&object, &schema), expected);
        assert_eq!(filled(&json!({"spec": 1}), &Value::Null), json!({"spec": 1}));
    }
}
