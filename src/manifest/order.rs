//! In which order objects are written, and in the reverse of it removed.
//!
//! Definitions and namespaces come before what lives in them, accounts and configuration before the workloads
//! that use them, custom resources after the workloads that serve their webhooks, and webhooks last, when what answers
//! them is there. Within a step the order is Helm's install order by kind, then the given one. This is not the order in
//! which `helm template` prints; that belongs to the engine.

use super::object::ObjectId;

/// What must be finished before the next step begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// CustomResourceDefinitions, namespaces and other things the rest stands on.
    Foundation,
    /// Everything that Kubernetes serves itself.
    BuiltIn,
    /// Objects of kinds that a definition brings.
    Custom,
    /// Admission webhooks and aggregated APIs: from now on others answer for the API server.
    Interception,
}

/// Gives the step of an object.
pub fn step(id: &ObjectId) -> Step {
    match (id.group(), id.kind.as_str()) {
        ("", "Namespace") | ("apiextensions.k8s.io", _) | ("scheduling.k8s.io", _) => Step::Foundation,
        ("admissionregistration.k8s.io" | "apiregistration.k8s.io", _) => Step::Interception,
        (group, _) if is_built_in(group) => Step::BuiltIn,
        _ => Step::Custom,
    }
}

/// Gives the indexes of `ids` in the order in which the objects are written.
pub fn for_apply(ids: &[ObjectId]) -> Vec<usize> {
    let mut indexes: Vec<usize> = (0..ids.len()).collect();
    indexes.sort_by_key(|index| (step(&ids[*index]), rank(&ids[*index].kind)));
    indexes
}

/// Gives the indexes of `ids` in the order in which the objects are removed.
pub fn for_removal(ids: &[ObjectId]) -> Vec<usize> {
    let mut indexes = for_apply(ids);
    indexes.reverse();
    indexes
}

fn is_built_in(group: &str) -> bool {
    !group.contains('.') || BUILT_IN_GROUPS.contains(&group)
}

fn rank(kind: &str) -> usize {
    KINDS.iter().position(|known| *known == kind).unwrap_or(KINDS.len())
}

/// Kubernetes' own groups with a dot in their name; custom groups must have one, so those without are its own.
const BUILT_IN_GROUPS: &[&str] = &[
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Helm's install order; other kinds follow.
const KINDS: &[&str] = &[
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(objects: &[&str], expected: &[&str]) {
        let ids: Vec<ObjectId> = objects
            .iter()
            .map(|object| {
                let (api_version, kind) = object.rsplit_once('/').expect("apiVersion/Kind");
                let (api_version, kind, name) = (api_version.to_owned(), kind.to_owned(), "x".to_owned());
                ObjectId { api_version, kind, namespace: None, name }
            })
            .collect();
        let kinds: Vec<&str> = for_apply(&ids).into_iter().map(|index| ids[index].kind.as_str()).collect();
        assert_eq!(kinds, expected);
    }

    #[test]
    fn what_others_stand_on_comes_first_and_webhooks_come_last() {
        check(
            &[
                "admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration",
                "cert-manager.io/v1/Issuer",
                "apps/v1/Deployment",
                "networking.k8s.io/v1/Ingress",
                "v1/ConfigMap",
                "v1/ServiceAccount",
                "apiextensions.k8s.io/v1/CustomResourceDefinition",
                "v1/Namespace",
            ],
            &[
                "Namespace",
                "CustomResourceDefinition",
                "ServiceAccount",
                "ConfigMap",
                "Deployment",
                "Ingress",
                "Issuer",
                "ValidatingWebhookConfiguration",
            ],
        );
    }
}
