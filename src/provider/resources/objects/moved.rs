//! The states of resources of other providers that `moved` blocks bring here. Terraform asks before it configures the provider, so
//! nothing but the state itself can be looked at.

use helm_engine::yaml;
use serde_json::Value as Json;
use tf_provider::schema::{Diagnostic, Diagnostics, MoveRequest};

use crate::manifest::object::{ObjectId, Scopes};
use crate::release::objects;

/// Resources of the provider for Kubernetes by the objects that they manage; versions behind the names (`_v1`) are the same.
const TYPED: [(&str, &str, &str); 27] = [
    ("kubernetes_cluster_role", "rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("kubernetes_cluster_role_binding", "rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("kubernetes_config_map", "v1", "ConfigMap"),
    ("kubernetes_cron_job", "batch/v1", "CronJob"),
    ("kubernetes_daemonset", "apps/v1", "DaemonSet"),
    ("kubernetes_daemon_set", "apps/v1", "DaemonSet"),
    ("kubernetes_deployment", "apps/v1", "Deployment"),
    ("kubernetes_endpoints", "v1", "Endpoints"),
    ("kubernetes_horizontal_pod_autoscaler", "autoscaling/v2", "HorizontalPodAutoscaler"),
    ("kubernetes_ingress", "networking.k8s.io/v1", "Ingress"),
    ("kubernetes_ingress_class", "networking.k8s.io/v1", "IngressClass"),
    ("kubernetes_job", "batch/v1", "Job"),
    ("kubernetes_limit_range", "v1", "LimitRange"),
    ("kubernetes_namespace", "v1", "Namespace"),
    ("kubernetes_network_policy", "networking.k8s.io/v1", "NetworkPolicy"),
    ("kubernetes_persistent_volume", "v1", "PersistentVolume"),
    ("kubernetes_persistent_volume_claim", "v1", "PersistentVolumeClaim"),
    ("kubernetes_pod_disruption_budget", "policy/v1", "PodDisruptionBudget"),
    ("kubernetes_priority_class", "scheduling.k8s.io/v1", "PriorityClass"),
    ("kubernetes_resource_quota", "v1", "ResourceQuota"),
    ("kubernetes_role", "rbac.authorization.k8s.io/v1", "Role"),
    ("kubernetes_role_binding", "rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("kubernetes_secret", "v1", "Secret"),
    ("kubernetes_service", "v1", "Service"),
    ("kubernetes_service_account", "v1", "ServiceAccount"),
    ("kubernetes_stateful_set", "apps/v1", "StatefulSet"),
    ("kubernetes_storage_class", "storage.k8s.io/v1", "StorageClass"),
];

/// An object that a resource had, with what its state says of it.
pub(in super::super) type Had = (ObjectId, Option<Json>);

/// Reads the stored state.
///
/// # Errors
/// When it is no JSON object.
pub(in super::super) fn state(request: &MoveRequest) -> Result<Json, Diagnostics> {
    let state = request.source_state.to_json().ok().filter(Json::is_object);
    state.ok_or_else(|| unreadable(request, "it is no object").into())
}

/// Says that a state is not what a provider of that type writes; never with what is in it.
pub(in super::super) fn unreadable(request: &MoveRequest, reason: &str) -> Diagnostic {
    Diagnostic::error(format!("the state of {} cannot be taken over", request.source_type))
        .detail(format!("Schema version {} of {}: {reason}.", request.source_version, request.source_provider))
        .hint("run `terraform apply -refresh-only` with its own provider first, or take the moved block out and import the object")
}

/// Reads which objects a resource of another provider has: with what it says of them, where the state holds that; none where the
/// type is not one that manages objects.
///
/// # Errors
/// When the state names none.
pub(in super::super) fn objects(
    request: &MoveRequest,
    state: &Json,
) -> Result<Option<Vec<Had>>, Diagnostics> {
    let known = match request.source_type.as_str() {
        "kubectl_manifest" => of_text(state["yaml_body"].as_str().unwrap_or_default()),
        "kubernetes_manifest" => of_dynamic(&state["manifest"]),
        typed => match kind_of(typed) {
            Some((api_version, kind)) => of_metadata(api_version, kind, &state["metadata"]),
            None => return Ok(None),
        },
    };
    match known {
        Some(objects) => Ok(Some(objects)),
        None => Err(unreadable(request, "it names no object").into()),
    }
}

fn kind_of(resource: &str) -> Option<(&'static str, &'static str)> {
    let (name, version) = resource.rsplit_once("_v").unwrap_or((resource, "1"));
    let name = if version.bytes().all(|byte| byte.is_ascii_alphanumeric()) { name } else { resource };
    TYPED.into_iter().find(|(typed, ..)| *typed == name).map(|(_, api_version, kind)| (api_version, kind))
}

/// Reads the text of `kubectl_manifest`.
fn of_text(text: &str) -> Option<Vec<Had>> {
    let documents = yaml::read_documents(text.as_bytes(), 0).ok()?;
    let found: Vec<_> =
        documents.iter().map(objects::to_json).filter(Json::is_object).map(known).collect::<Option<_>>()?;
    (!found.is_empty()).then_some(found)
}

/// Reads an attribute of any type, which stands beside the name of its type.
fn of_dynamic(attribute: &Json) -> Option<Vec<Had>> {
    let value = if attribute["value"].is_object() { &attribute["value"] } else { attribute };
    Some(vec![known(without_nulls(value.clone()))?])
}

fn known(object: Json) -> Option<Had> {
    let namespace =
        object.pointer("/metadata/namespace").and_then(Json::as_str).unwrap_or("default").to_owned();
    let id = ObjectId::read(&object, &namespace, &Scopes::from_objects([&object])).ok()?;
    Some((id, Some(object)))
}

/// Reads the `metadata` block of a resource with a schema of its own.
fn of_metadata(api_version: &str, kind: &str, metadata: &Json) -> Option<Vec<Had>> {
    let metadata = metadata.get(0).unwrap_or(metadata);
    let text = |name: &str| metadata[name].as_str().filter(|text| !text.is_empty());
    let object = serde_json::json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": text("name")?, "namespace": text("namespace")},
    });
    let (id, _) = known(without_nulls(object))?;
    Some(vec![(id, None)])
}

/// Terraform fills in what a value of an object type leaves out.
fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key, without_nulls(value)))
            .collect(),
        Json::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tf_provider::schema::{Context, RawState};

    fn request(source_type: &str, state: &Json) -> MoveRequest {
        MoveRequest {
            source_provider: "registry.terraform.io/x/y".into(),
            source_type: source_type.into(),
            source_version: 1,
            source_state: RawState::from_json(state.to_string()),
            source_private: Vec::new(),
            source_identity: None,
            source_identity_version: 0,
            context: Context::default(),
        }
    }

    fn check(source_type: &str, written: &Json, expected: &[&str]) {
        let request = request(source_type, written);
        let found = objects(&request, &state(&request).expect("it is one")).expect("it names objects");
        let keys: Vec<String> = found.into_iter().flatten().map(|(id, _)| id.key()).collect();
        assert_eq!(keys, expected, "{source_type}");
    }

    #[test]
    fn objects_are_read_from_the_states_of_other_providers() {
        let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: shop\n";
        check("kubectl_manifest", &json!({"yaml_body": config_map}), &["v1/ConfigMap/shop/web"]);
        let dynamic = json!({"manifest": {"type": ["object", {}], "value": {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": null}}}});
        check("kubernetes_manifest", &dynamic, &["v1/Namespace/shop"]);
        let metadata = json!({"metadata": [{"name": "web", "namespace": "shop"}]});
        check("kubernetes_deployment_v1", &metadata, &["apps/v1/Deployment/shop/web"]);
        check("kubernetes_service", &metadata, &["v1/Service/shop/web"]);
        check("kubernetes_pod_disruption_budget_v1", &metadata, &["policy/v1/PodDisruptionBudget/shop/web"]);
        check(
            "kubernetes_cluster_role",
            &json!({"metadata": [{"name": "web"}]}),
            &["rbac.authorization.k8s.io/v1/ClusterRole/web"],
        );
        check("aws_instance", &json!({}), &[]);
    }

    #[test]
    fn what_names_no_object_is_told_without_its_content() {
        for (source_type, written) in [
            ("kubectl_manifest", json!({"yaml_body": "hunter2"})),
            ("kubernetes_manifest", json!({"manifest": {"value": {"kind": "hunter2"}}})),
            ("kubernetes_secret", json!({"metadata": [{"annotations": "hunter2"}]})),
        ] {
            let request = request(source_type, &written);
            let told = objects(&request, &written).expect_err("it names none").to_string();
            assert!(told.contains("names no object") && !told.contains("hunter2"), "{told}");
        }
        let request = request("helm_release", &json!("hunter2"));
        let told = state(&request).expect_err("it is none").to_string();
        assert!(told.contains("it is no object") && !told.contains("hunter2"), "{told}");
    }
}
