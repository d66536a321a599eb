//! Flux that an operator installed becomes an agent, once the operator has let go of it.

use acceptance_tests::charts::HelmRepository;
use acceptance_tests::cluster::ControlPlane;
use acceptance_tests::flux::{answer, archive};
use acceptance_tests::flux_controllers::install_as;
use acceptance_tests::terraform::Workspace;
use serde_json::{Value, json};

use crate::shop::changes;
use crate::site::{agents_from, connection};

#[test]
fn flux_of_an_operator_is_taken_over_once_the_operator_lets_go() {
    let control = ControlPlane::start(1, &["--controllers", "namespace-controller"]);
    let cluster = control.cluster(0);
    let labels =
        json!({"fluxcd.controlplane.io/name": "flux", "fluxcd.controlplane.io/namespace": "flux-system"});
    install_as(cluster, &answer("install/v2.9.4/default.yaml"), "flux-operator", &labels);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "fluxinstances.fluxcd.controlplane.io"},
        "spec": {"group": "fluxcd.controlplane.io", "scope": "Namespaced",
            "names": {"kind": "FluxInstance", "listKind": "FluxInstanceList", "plural": "fluxinstances", "singular": "fluxinstance"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
    let instances = "/apis/fluxcd.controlplane.io/v1/namespaces/flux-system/fluxinstances";
    let instance = json!({"apiVersion": "fluxcd.controlplane.io/v1", "kind": "FluxInstance",
        "metadata": {"name": "flux"}, "spec": {"distribution": {"version": "2.9.x"}}});
    cluster.eventually("the kind is served", |cluster| {
        let (status, _) = cluster.request("POST", instances, "application/json", Some(&instance));
        (status < 300).then_some(())
    });
    let identities = || {
        let found = cluster.get("/apis/apps/v1/namespaces/flux-system/deployments").expect("they are there");
        let items = found["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|one| (one["metadata"]["uid"].clone(), one["spec"].clone())).collect::<Vec<_>>()
    };
    let before = identities();

    let (mirror, terraform) = (HelmRepository::start(), Workspace::new());
    mirror.put("/flux/2.9.4/manifests.tar.gz", &archive("v2.9.4"));
    let provider = agents_from(mirror.host(), &connection(cluster), "");
    let configuration = format!(
        r#"{provider}
resource "strata_agent" "flux" {{
  cluster = "one"
  version = "2.9.4"
  delivery {{
    cluster {{
      wait            = false
      adopt           = true
      force_conflicts = true
    }}
  }}
}}
"#
    );
    terraform.write("main.tf", &configuration);
    terraform.run(&["import", "-no-color", "strata_agent.flux", "one"]).expect_success();
    let refused = terraform.plan().expect_failure().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(refused.contains("would have two writers"), "{refused}");
    assert!(refused.contains("Flux Operator flux-system/flux is live"), "{refused}");
    assert!(refused.contains("fluxcd.controlplane.io/reconcile=disabled"), "{refused}");

    let disabled = json!({"metadata": {"annotations": {"fluxcd.controlplane.io/reconcile": "disabled"}}});
    cluster.patch(&format!("{instances}/flux"), &disabled);
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_agent.flux update"]);
    assert!(!plan.stdout.contains("+ \"apps/v1/Deployment"), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(identities(), before, "nothing is made anew or restarts");
    let controller = cluster.get("/apis/apps/v1/namespaces/flux-system/deployments/source-controller");
    let metadata = controller.expect("it stays")["metadata"].clone();
    assert_eq!(
        metadata["labels"]["fluxcd.controlplane.io/name"],
        Value::Null,
        "it is no longer the operator's"
    );
    let managers = metadata["managedFields"].as_array().cloned().unwrap_or_default();
    assert!(managers.iter().all(|one| one["manager"] != "flux-operator"), "{managers:?}");
}
