//! Whose an object in the cluster is, as its labels, annotations and managed fields say. Pure.

use serde_json::Value;

use super::inventory::PART_OF;

/// Names who else looks after a live object, who writes it first; nobody where it is ours, or where the desired object says the same
/// of itself. What Flux's helm-controller writes is a release of Helm as well.
pub(super) fn other_owners(live: &Value, desired: &Value, set_id: &str) -> Vec<String> {
    let label = |name: &str| text(live, "labels", name).filter(|_| text(desired, "labels", name).is_none());
    let annotation =
        |name: &str| text(live, "annotations", name).filter(|_| text(desired, "annotations", name).is_none());
    if let Some(set) = label(PART_OF) {
        return if set == set_id { Vec::new() } else { vec![format!("another set, {set}")] };
    }
    let mut owners = Vec::new();
    for (group, what) in [
        ("kustomize.toolkit.fluxcd.io", "Flux Kustomization"),
        ("helm.toolkit.fluxcd.io", "Flux HelmRelease"),
        ("fluxcd.controlplane.io", "Flux Operator"),
        ("resourceset.fluxcd.controlplane.io", "Flux ResourceSet"),
    ] {
        if let Some(name) = label(&format!("{group}/name")) {
            let namespace = label(&format!("{group}/namespace")).unwrap_or_default();
            owners.push(format!("{what} {namespace}/{name}"));
        }
    }
    if let Some(name) = annotation("meta.helm.sh/release-name") {
        let namespace = annotation("meta.helm.sh/release-namespace").unwrap_or_default();
        owners.push(format!("Helm release {namespace}/{name}"));
    }
    if let Some(tracked) =
        annotation("argocd.argoproj.io/tracking-id").or(label("argocd.argoproj.io/instance"))
    {
        let name = tracked.split(':').next().unwrap_or(tracked);
        owners.push(format!("Argo CD application {name}"));
    }
    if let Some(name) = annotation("objectset.rio.cattle.io/owner-name") {
        let namespace = annotation("objectset.rio.cattle.io/owner-namespace").unwrap_or_default();
        let kind = annotation("objectset.rio.cattle.io/owner-gvk").and_then(|gvk| gvk.split_once("Kind="));
        owners.push(format!("Rancher {} {namespace}/{name}", kind.map_or("object", |(_, kind)| kind)));
    }
    if let Some(app) = label("kapp.k14s.io/app") {
        owners.push(format!("kapp app {app}"));
    }
    if annotation("configmanagement.gke.io/managed") == Some("enabled") {
        owners.push("Config Sync".to_owned());
    }
    if label("addonmanager.kubernetes.io/mode") == Some("Reconcile") {
        owners.push("the addon manager".to_owned());
    }
    let references =
        live.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
    let controllers = references.filter(|one| one["controller"] == true);
    let part = |controller: &Value, name: &str| controller[name].as_str().unwrap_or_default().to_owned();
    owners
        .extend(controllers.map(|one| format!("its controller {} {}", part(one, "kind"), part(one, "name"))));
    owners
}

/// Tells whether a live object carries the label of the set.
pub(super) fn is_ours(live: &Value, set_id: &str) -> bool {
    text(live, "labels", PART_OF) == Some(set_id)
}

/// Tells whether somebody asked that an object never be pruned, in the words of tools that users come from.
pub(super) fn is_kept(live: &Value) -> bool {
    const KEEP: [(&str, &str); 6] = [
        ("helm.sh/resource-policy", "keep"),
        ("strata.dev/prune", "disabled"),
        ("kustomize.toolkit.fluxcd.io/prune", "disabled"),
        ("fluxcd.controlplane.io/prune", "disabled"),
        ("argocd.argoproj.io/sync-options", "Prune=false"),
        ("client.lifecycle.config.k8s.io/deletion", "detach"),
    ];
    KEEP.iter().any(|(name, value)| {
        text(live, "annotations", name).is_some_and(|text| text.split(',').any(|one| one.trim() == *value))
    })
}

/// The field managers of clients that wrote whole objects before: what they own passes to us with the first apply, or what
/// is later removed from the desired object would stay.
pub(super) fn is_client_side_writer(manager: &str, operation: &str) -> bool {
    operation == "Update"
        && (matches!(manager, "helm" | "before-first-apply" | "Terraform")
            || manager.starts_with("terraform-provider-helm")
            || manager.starts_with("kubectl-client-side-apply"))
}

/// Tells whether what a field manager owns of an object that is taken over passes to us: who wrote whole objects, who writes for the
/// owners before, and, where the user says that objects are taken over, tools that people apply with.
pub(super) fn passes_on(manager: &str, operation: &str, owners: &[String], adopts: bool) -> bool {
    is_client_side_writer(manager, operation)
        || owners.iter().any(|owner| writes_for(owner, manager))
        || (adopts && operation == "Apply" && matches!(manager, "kubectl" | "Terraform"))
}

/// Tells whether a field manager is the program of an owner, as [`other_owners`] names it.
pub(super) fn writes_for(owner: &str, manager: &str) -> bool {
    let is = |what: &str| owner.starts_with(what);
    (is("Helm release") && (manager == "helm" || manager.starts_with("terraform-provider-helm")))
        || (is("Flux Kustomization") && manager == "kustomize-controller")
        || ((is("Flux HelmRelease") || is("Helm release")) && manager == "helm-controller")
        || ((is("Flux Operator") || is("Flux ResourceSet")) && manager == "flux-operator")
        || (is("Argo CD") && manager.starts_with("argocd"))
}

/// Tells a change that somebody made by hand from the work of a controller. A field of ours that was changed by hand is
/// drift, which the plan shows and an apply heals; who applies, or comes back to it like a controller, owns it.
pub(super) fn is_change_by_hand(manager: &str, operation: &str) -> bool {
    const CONTROLLERS: [&str; 6] =
        ["controller", "operator", "cainjector", "autoscaler", "kubelet", "scheduler"];
    operation == "Update" && !CONTROLLERS.iter().any(|word| manager.contains(word))
}

fn text<'a>(object: &'a Value, field: &str, name: &str) -> Option<&'a str> {
    object.get("metadata")?.get(field)?.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(metadata: Value, expected: Option<&str>) {
        let live = json!({ "metadata": metadata });
        let owners = other_owners(&live, &json!({}), "applyset-ours-v1");
        assert_eq!(owners.first().map(String::as_str), expected);
    }

    #[test]
    fn others_are_known_by_their_labels() {
        check(json!({}), None);
        check(json!({"labels": {PART_OF: "applyset-ours-v1"}}), None);
        check(json!({"labels": {PART_OF: "applyset-x-v1"}}), Some("another set, applyset-x-v1"));
        check(
            json!({"annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}}),
            Some("Helm release shop/web"),
        );
        check(
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
            Some("Flux Kustomization flux-system/apps"),
        );
        // Its records are those of Helm, and Flux writes them.
        check(
            json!({"annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
                "labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "apps"}}),
            Some("Flux HelmRelease apps/web"),
        );
        check(
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}),
            Some("Argo CD application shop"),
        );
        check(
            json!({"labels": {"resourceset.fluxcd.controlplane.io/name": "apps", "resourceset.fluxcd.controlplane.io/namespace": "flux-system"}}),
            Some("Flux ResourceSet flux-system/apps"),
        );
        check(
            json!({"annotations": {"objectset.rio.cattle.io/owner-name": "local-storage", "objectset.rio.cattle.io/owner-namespace": "kube-system",
                "objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon"}}),
            Some("Rancher Addon kube-system/local-storage"),
        );
        check(
            json!({"labels": {"kapp.k14s.io/app": "1557433075084066000"}}),
            Some("kapp app 1557433075084066000"),
        );
        check(json!({"annotations": {"configmanagement.gke.io/managed": "enabled"}}), Some("Config Sync"));
        check(json!({"annotations": {"configmanagement.gke.io/managed": "disabled"}}), None);
        check(json!({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}), Some("the addon manager"));
        check(json!({"labels": {"addonmanager.kubernetes.io/mode": "EnsureExists"}}), None);
        check(
            json!({"ownerReferences": [{"kind": "Deployment", "name": "web", "controller": true}]}),
            Some("its controller Deployment web"),
        );
        // Ours stays ours whatever else stands on it.
        check(
            json!({"labels": {PART_OF: "applyset-ours-v1"}, "annotations": {"meta.helm.sh/release-name": "web"}}),
            None,
        );
    }

    #[test]
    fn a_label_that_the_chart_itself_writes_names_nobody_else() {
        let labelled = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "web"}}});
        assert_eq!(other_owners(&labelled, &labelled, "x"), [""; 0]);
    }

    #[test]
    fn controllers_own_what_they_change_and_people_do_not() {
        assert!(is_change_by_hand("kubectl-edit", "Update") && is_change_by_hand("k9s", "Update"));
        assert!(
            !is_change_by_hand("kubectl", "Apply") && !is_change_by_hand("kube-controller-manager", "Update")
        );
    }

    #[test]
    fn what_the_owner_before_wrote_passes_on_and_nothing_else() {
        let check = |manager: &str, operation: &str, owner: Option<&str>, adopts: bool, expected: bool| {
            let owners: Vec<String> = owner.into_iter().map(str::to_owned).collect();
            assert_eq!(passes_on(manager, operation, &owners, adopts), expected, "{manager} {operation}");
        };
        let helm = Some("Helm release shop/web");
        check("helm", "Update", None, false, true);
        check("helm", "Apply", helm, true, true);
        check("helm", "Apply", Some("Flux Kustomization flux-system/apps"), true, false);
        check("terraform-provider-helm_v3.1.0_x5", "Update", None, false, true);
        check("helm-controller", "Apply", helm, true, true);
        check("kustomize-controller", "Apply", Some("Flux Kustomization flux-system/apps"), true, true);
        check("kustomize-controller", "Apply", None, true, false);
        check("argocd-controller", "Apply", Some("Argo CD application shop"), true, true);
        check("flux-operator", "Apply", Some("Flux Operator flux-system/flux"), true, true);
        check("flux-operator", "Apply", Some("Flux ResourceSet flux-system/apps"), true, true);
        check("kubectl", "Apply", None, true, true);
        check("kubectl", "Apply", None, false, false);
        check("horizontal-pod-autoscaler", "Update", helm, true, false);
    }

    #[test]
    fn what_is_to_be_kept_says_so() {
        let check = |annotations: Value, expected: bool| {
            assert_eq!(is_kept(&json!({"metadata": {"annotations": annotations}})), expected);
        };
        check(json!({"helm.sh/resource-policy": "keep"}), true);
        check(json!({"argocd.argoproj.io/sync-options": "Validate=false, Prune=false"}), true);
        check(json!({"helm.sh/resource-policy": "other"}), false);
        check(json!({}), false);
    }
}
