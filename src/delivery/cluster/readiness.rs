//! Whether an object has become what it should be, by Kubernetes' own conventions (kstatus): the generation that its
//! controller has seen, its conditions, and for built-in kinds what their controllers count. Pure.
//!
//! Two deliberate differences: a Job is ready when it has completed, not when it has begun, for who waits for a Job waits for its
//! work; and an object with a deletion timestamp is never ready.

use serde_json::Value;

/// How far an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It is what it should be.
    Ready,
    /// It is on its way.
    InProgress(String),
    /// It will not get there by itself.
    Failed(String),
}

/// Reads how far a live object is.
pub fn readiness(object: &Value) -> Readiness {
    if object.pointer("/metadata/deletionTimestamp").is_some() {
        return Readiness::InProgress("it is being deleted".to_owned());
    }
    let group =
        object["apiVersion"].as_str().and_then(|text| text.split_once('/')).map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => seen(object).unwrap_or_else(|| deployment(object)),
        ("apps", "StatefulSet") => seen(object).unwrap_or_else(|| stateful_set(object)),
        ("apps", "DaemonSet") => seen(object).unwrap_or_else(|| daemon_set(object)),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => {
            seen(object).unwrap_or_else(|| replica_set(object))
        }
        ("batch", "Job") => job(object),
        ("batch", "CronJob") | ("", "ConfigMap" | "Secret" | "ServiceAccount" | "Namespace") => ready(),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Service") => service(object),
        ("policy", "PodDisruptionBudget") => seen(object).unwrap_or_else(ready),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => condition_true(object, "Available"),
        _ => by_conditions(object),
    }
}

/// Tells whether objects of a kind can be anything but ready, so that waiting for them makes sense.
pub(super) fn can_wait(api_version: &str, kind: &str) -> bool {
    const STILL: [&str; 7] =
        ["ConfigMap", "Secret", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"];
    let still =
        STILL.contains(&kind) || matches!(kind, "Namespace" | "CronJob" | "NetworkPolicy" | "LimitRange");
    !still || !(api_version == "v1" || api_version.contains(".k8s.io/") || api_version.starts_with("batch/"))
}

fn ready() -> Readiness {
    Readiness::Ready
}

fn progress(text: impl Into<String>) -> Readiness {
    Readiness::InProgress(text.into())
}

fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or_default()
}

/// Tells that the controller has not looked at this generation yet.
fn seen(object: &Value) -> Option<Readiness> {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    let generation = number(object, "/metadata/generation");
    match observed {
        Some(observed) if observed >= generation => None,
        _ => Some(progress("its controller has not looked at it yet")),
    }
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn says(condition: &Value) -> String {
    let text = |name: &str| condition[name].as_str().unwrap_or_default();
    match (text("reason"), text("message")) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

fn condition_true(object: &Value, kind: &str) -> Readiness {
    match condition(object, kind) {
        Some(found) if found["status"] == "True" => ready(),
        Some(found) => {
            progress(format!("{kind} is {}: {}", found["status"].as_str().unwrap_or_default(), says(found)))
        }
        None => progress(format!("it is not {kind} yet")),
    }
}

fn deployment(object: &Value) -> Readiness {
    if let Some(stuck) =
        condition(object, "Progressing").filter(|one| one["reason"] == "ProgressDeadlineExceeded")
    {
        return Readiness::Failed(says(stuck));
    }
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let updated = number(object, "/status/updatedReplicas");
    let all = number(object, "/status/replicas");
    let available = number(object, "/status/availableReplicas");
    if updated < wanted {
        let failure = condition(object, "ReplicaFailure").filter(|one| one["status"] == "True").map(says);
        let failure = failure.map(|text| format!("; {text}")).unwrap_or_default();
        return progress(format!("{updated} of {wanted} pods are of the new kind{failure}"));
    }
    if all > updated {
        return progress(format!("{} old pods are still there", all - updated));
    }
    if available < wanted {
        return progress(format!("{available} of {wanted} pods are available"));
    }
    ready()
}

fn stateful_set(object: &Value) -> Readiness {
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let pods = number(object, "/status/readyReplicas");
    if object.pointer("/spec/updateStrategy/type").is_some_and(|kind| kind == "OnDelete") {
        return ready();
    }
    if pods < wanted {
        return progress(format!("{pods} of {wanted} pods are ready"));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let updated = number(object, "/status/updatedReplicas");
    if partition > 0 {
        let needed = (wanted - partition).max(0);
        return if updated < needed {
            progress(format!("{updated} of {needed} pods are updated"))
        } else {
            ready()
        };
    }
    let (current, update) = (&object["status"]["currentRevision"], &object["status"]["updateRevision"]);
    if !update.is_null() && current != update {
        return progress(format!("{updated} of {wanted} pods are updated"));
    }
    ready()
}

fn daemon_set(object: &Value) -> Readiness {
    if object.pointer("/spec/updateStrategy/type").is_some_and(|kind| kind == "OnDelete") {
        return ready();
    }
    let wanted = number(object, "/status/desiredNumberScheduled");
    let updated = number(object, "/status/updatedNumberScheduled");
    let available = number(object, "/status/numberAvailable");
    if updated < wanted {
        return progress(format!("{updated} of {wanted} pods are of the new kind"));
    }
    if available < wanted {
        return progress(format!("{available} of {wanted} pods are available"));
    }
    ready()
}

fn replica_set(object: &Value) -> Readiness {
    let wanted = object.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let available = number(object, "/status/availableReplicas");
    if available < wanted { progress(format!("{available} of {wanted} pods are available")) } else { ready() }
}

fn job(object: &Value) -> Readiness {
    if let Some(failed) = condition(object, "Failed").filter(|one| one["status"] == "True") {
        return Readiness::Failed(says(failed));
    }
    if condition(object, "Complete").is_some_and(|one| one["status"] == "True") {
        return ready();
    }
    if object.pointer("/spec/suspend").is_some_and(|suspended| suspended == true) {
        return ready();
    }
    let (active, failed) = (number(object, "/status/active"), number(object, "/status/failed"));
    progress(format!("{active} pods run, {failed} failed"))
}

fn pod(object: &Value) -> Readiness {
    let trouble = pod_trouble(object).map(|trouble| trouble.text);
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some("Succeeded") => ready(),
        Some("Failed") => Readiness::Failed(trouble.unwrap_or_else(|| "the pod failed".to_owned())),
        Some("Running") if condition(object, "Ready").is_some_and(|one| one["status"] == "True") => ready(),
        phase => progress(trouble.unwrap_or_else(|| phase.unwrap_or("Pending").to_lowercase())),
    }
}

/// What keeps a pod from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What its container or the scheduler says.
    pub(super) text: String,
    /// The container that ended and whose log may tell more.
    pub(super) logged: Option<Logged>,
}

/// A container with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) container: String,
    /// Whether the log is that of the run before.
    pub(super) previous: bool,
}

/// Says what keeps a pod from running, where its containers or the scheduler say so.
pub(super) fn pod_trouble(pod: &Value) -> Option<Trouble> {
    let kinds = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = kinds.iter().filter_map(|kind| pod["status"][kind].as_array()).flatten();
    let of_container = statuses.find_map(container_trouble);
    of_container.or_else(|| {
        let scheduled = condition(pod, "PodScheduled").filter(|one| one["status"] == "False")?;
        Some(Trouble { text: says(scheduled), logged: None })
    })
}

fn container_trouble(status: &Value) -> Option<Trouble> {
    let name = status["name"].as_str().unwrap_or_default();
    let logged = |previous| Some(Logged { container: name.to_owned(), previous });
    let waiting = &status["state"]["waiting"];
    let quiet = ["ContainerCreating", "PodInitializing", ""];
    if let Some(reason) = waiting["reason"].as_str().filter(|reason| !quiet.contains(reason)) {
        let code = status["lastState"]["terminated"]["exitCode"].as_i64();
        let told = code.map(|code| format!(", last exit code {code}")).unwrap_or_default();
        let message = waiting["message"].as_str().map(|text| format!(": {text}")).unwrap_or_default();
        let text = format!("container {name}: {reason}{message}{told}");
        return Some(Trouble { text, logged: code.and_then(|_| logged(true)) });
    }
    let ended = &status["state"]["terminated"];
    let code = ended["exitCode"].as_i64().filter(|code| *code != 0)?;
    let reason = ended["reason"].as_str().unwrap_or("Error");
    Some(Trouble { text: format!("container {name}: {reason}, exit code {code}"), logged: logged(false) })
}

fn claim(object: &Value) -> Readiness {
    match object.pointer("/status/phase").and_then(Value::as_str) {
        Some("Bound") => ready(),
        Some("Lost") => Readiness::Failed("its volume is lost".to_owned()),
        _ => progress("no volume is bound to it yet"),
    }
}

fn service(object: &Value) -> Readiness {
    let balanced = object.pointer("/spec/type").is_some_and(|kind| kind == "LoadBalancer");
    let addresses = object.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    if balanced && addresses.is_none_or(Vec::is_empty) {
        return progress("its load balancer has no address yet");
    }
    ready()
}

fn definition(object: &Value) -> Readiness {
    if let Some(refused) = condition(object, "NamesAccepted").filter(|one| one["status"] == "False") {
        return Readiness::Failed(says(refused));
    }
    condition_true(object, "Established")
}

fn by_conditions(object: &Value) -> Readiness {
    let observed = object.pointer("/status/observedGeneration").and_then(Value::as_i64);
    if observed.is_some_and(|observed| observed < number(object, "/metadata/generation")) {
        return progress("its controller has not looked at it yet");
    }
    if let Some(stalled) = condition(object, "Stalled").filter(|one| one["status"] == "True") {
        return Readiness::Failed(says(stalled));
    }
    if let Some(busy) = condition(object, "Reconciling").filter(|one| one["status"] == "True") {
        return progress(says(busy));
    }
    match condition(object, "Ready") {
        Some(found) if found["status"] == "True" => ready(),
        Some(found) => progress(says(found)),
        None => ready(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(object: Value, expected: &str) {
        let shown = match readiness(&object) {
            Readiness::Ready => "ready".to_owned(),
            Readiness::InProgress(text) => format!("in progress: {text}"),
            Readiness::Failed(text) => format!("failed: {text}"),
        };
        assert!(shown.starts_with(expected), "{shown} is not {expected}");
    }

    fn workload(kind: &str, spec: Value, status: Value) -> Value {
        let mut status = status;
        status["observedGeneration"] = json!(2);
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status})
    }

    #[test]
    fn a_deployment_is_ready_when_all_its_pods_are_new_and_available() {
        let check_status = |status: Value, expected: &str| {
            check(workload("Deployment", json!({"replicas": 2}), status), expected)
        };
        check_status(json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}), "ready");
        check_status(
            json!({"replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}),
            "in progress: 1 of 2 pods are of the new",
        );
        check_status(
            json!({"replicas": 3, "updatedReplicas": 2, "availableReplicas": 3}),
            "in progress: 1 old pods",
        );
        check_status(
            json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
            "in progress: 1 of 2 pods are available",
        );
        let stuck = json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "m"}]});
        check_status(stuck, "failed: ProgressDeadlineExceeded: m");
        let mut unseen = workload(
            "Deployment",
            json!({}),
            json!({"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}),
        );
        check(unseen.clone(), "ready");
        unseen["metadata"]["generation"] = json!(3);
        check(unseen, "in progress: its controller");
        check(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}}),
            "in progress: its controller",
        );
    }

    #[test]
    fn other_workloads_are_counted_by_their_own_rules() {
        check(
            workload(
                "StatefulSet",
                json!({"replicas": 1}),
                json!({"readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}),
            ),
            "ready",
        );
        check(
            workload(
                "StatefulSet",
                json!({"replicas": 1}),
                json!({"readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
            ),
            "in progress",
        );
        check(
            workload(
                "StatefulSet",
                json!({"replicas": 1, "updateStrategy": {"type": "OnDelete"}}),
                json!({}),
            ),
            "ready",
        );
        check(
            workload(
                "DaemonSet",
                json!({}),
                json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}),
            ),
            "in progress: 1 of 2",
        );
        check(workload("DaemonSet", json!({}), json!({})), "ready");
        let job = |status: Value| json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "spec": {}, "status": status});
        check(job(json!({"active": 1})), "in progress: 1 pods run");
        check(job(json!({"conditions": [{"type": "Complete", "status": "True"}]})), "ready");
        check(
            job(
                json!({"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]}),
            ),
            "failed: BackoffLimitExceeded",
        );
    }

    #[test]
    fn custom_resources_speak_by_conditions() {
        let custom = |status: Value| json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"generation": 2}, "status": status});
        check(custom(Value::Null), "ready");
        check(
            custom(json!({"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]})),
            "in progress",
        );
        check(
            custom(json!({"observedGeneration": 2, "conditions": [{"type": "Ready", "status": "True"}]})),
            "ready",
        );
        check(
            custom(
                json!({"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m"}]}),
            ),
            "in progress: R: m",
        );
        check(
            custom(json!({"conditions": [{"type": "Stalled", "status": "True", "reason": "R"}]})),
            "failed: R",
        );
        let definition = |status: &str| {
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {},
            "status": {"conditions": [{"type": "Established", "status": status}]}})
        };
        check(definition("True"), "ready");
        check(definition("False"), "in progress: Established is False");
        check(
            json!({"apiVersion": "x.io/v1", "kind": "Thing", "metadata": {"deletionTimestamp": "t"}}),
            "in progress: it is being deleted",
        );
    }

    #[test]
    fn a_pod_says_what_keeps_it() {
        let waiting = json!({"status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}});
        let check = |pod: &Value, text: &str, log: Option<bool>| {
            let trouble = pod_trouble(pod).expect("it says something");
            assert_eq!((trouble.text.as_str(), trouble.logged.map(|one| one.previous)), (text, log));
        };
        check(&waiting, "container app: ImagePullBackOff: no such image", None);
        let looping = json!({"status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 3}}}]}});
        check(&looping, "container app: CrashLoopBackOff, last exit code 3", Some(true));
        let ended = json!({"status": {"containerStatuses": [{"name": "app", "state": {"terminated": {"exitCode": 1}}}]}});
        check(&ended, "container app: Error, exit code 1", Some(false));
        let unscheduled = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no nodes"}]}});
        check(&unscheduled, "Unschedulable: no nodes", None);
        let starting = json!({"status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]}});
        assert_eq!(pod_trouble(&starting), None);
    }

    #[test]
    fn what_never_changes_is_not_waited_for() {
        assert!(!can_wait("v1", "ConfigMap") && !can_wait("rbac.authorization.k8s.io/v1", "Role"));
        assert!(
            can_wait("apps/v1", "Deployment") && can_wait("x.io/v1", "Secret") && can_wait("v1", "Service")
        );
    }
}
