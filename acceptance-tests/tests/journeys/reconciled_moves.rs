//! An agent that changes its delivery while the real controllers of Flux run: nothing of it is deleted, nothing restarts, and what it
//! has applied for others stays.

use acceptance_tests::cluster::Cluster;
use acceptance_tests::faulty::{Fault, Faulty, Rule};
use acceptance_tests::flux_controllers::{Controllers, Fleet, control_plane, reconcile, until_ready};
use acceptance_tests::terraform::Workspace;
use serde_json::{Value, json};

use crate::reconciled_agent::{
    BY_GIT, DEPLOYMENTS, SELF, assert_no_flux, commit_workloads, configuration, identities, mirror, owners,
    workload,
};
use crate::site::connection;

const BY_CLUSTER: &str = "delivery {\n    cluster {}\n  }";
const RELEASE: &str = "/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/of-helm";
const DEFINITION: &str =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/kustomizations.kustomize.toolkit.fluxcd.io";

/// What must be the very same objects after every move.
fn uids(cluster: &Cluster) -> Vec<String> {
    const OBJECTS: [&str; 5] = [
        "/api/v1/namespaces/flux-system",
        SELF,
        RELEASE,
        DEFINITION,
        "/api/v1/namespaces/flux-system/secrets/flux-system",
    ];
    let uid = |object: Value| object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    let of = |path: &&str| uid(cluster.get(path).unwrap_or_else(|| panic!("{path} is gone")));
    let workloads = ["of-kustomize", "of-helm"].map(|name| workload(cluster, name).expect("it is there"));
    OBJECTS.iter().map(of).chain(workloads.map(uid)).collect()
}

fn controller(cluster: &Cluster) -> Value {
    cluster.get(&format!("{DEPLOYMENTS}/source-controller")).expect("it is there")
}

fn inventory(cluster: &Cluster) -> Option<Value> {
    cluster.get("/api/v1/namespaces/flux-system/configmaps/strata-agent-flux")
}

fn label(cluster: &Cluster, name: &str) -> Value {
    controller(cluster)["metadata"]["labels"][name].clone()
}

/// Checks that Flux alone owns the agent, and that nothing of ours is left on it.
#[track_caller]
fn assert_is_its_own(cluster: &Cluster) {
    assert_eq!(owners(&controller(cluster)), ["kustomize-controller"]);
    assert_eq!(label(cluster, "kustomize.toolkit.fluxcd.io/name"), "flux-system");
    assert_eq!(label(cluster, "kustomize.toolkit.fluxcd.io/reconcile"), Value::Null);
    assert_eq!(label(cluster, "applyset.kubernetes.io/part-of"), Value::Null);
    assert!(inventory(cluster).is_none(), "nothing is written down any more");
}

/// Makes Flux fetch and apply its folder, twice, so that what it would prune is gone by then.
fn settle(cluster: &Cluster, fleet: &Fleet<'_>) {
    fleet.reconciled("flux-system");
    reconcile(cluster, SELF);
}

#[test]
fn an_agent_moves_from_git_to_its_cluster_and_back_while_it_runs() {
    let control = control_plane(1);
    let cluster = control.cluster(0);
    let (mirror, _controllers) = (mirror(), Controllers::start(cluster));
    let fleet = Fleet::without_sync(cluster, "flux-system".to_owned());
    commit_workloads(&fleet);
    let terraform = Workspace::new();
    terraform.write("main.tf", &configuration(cluster, &fleet, &mirror, BY_GIT));
    terraform.apply().expect_success();
    fleet.reconciled("flux-system");
    until_ready(cluster, RELEASE, |_| true);
    let (first, same) = (identities(cluster), uids(cluster));

    // To the cluster. The git server refuses the commit that takes the files away: the objects are ours by then, the state says that
    // the move is not done, and the next apply does the rest.
    terraform.replace("main.tf", BY_GIT, BY_CLUSTER);
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("will be updated in-place"), "{}", plan.stdout);
    assert!(plan.stdout.contains("of Flux Kustomization flux-system/flux-system"), "{}", plan.stdout);
    let half_way = || {
        fleet.repository.hook("pre-receive", "echo 'the folder is frozen' >&2; exit 1");
        let message = terraform.apply().expect_failure();
        assert!(message.contains("the folder is frozen"), "{message}");
        fleet.repository.remove_hook("pre-receive");
        let attributes = terraform.attributes("strata_agent.flux").expect("it is in the state");
        assert_eq!(attributes["status"], "incomplete");
        assert_eq!(attributes["delivered"], "clusters:clusters/one/flux-system", "the files are still there");
        settle(cluster, &fleet);
        assert_eq!((identities(cluster), uids(cluster)), (first.clone(), same.clone()));
        assert_eq!(label(cluster, "kustomize.toolkit.fluxcd.io/reconcile"), "disabled");
    };
    half_way();
    // Who thinks better of it has everything as it was, and may go on another time.
    terraform.replace("main.tf", BY_CLUSTER, BY_GIT);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    settle(cluster, &fleet);
    assert_is_its_own(cluster);
    assert_eq!((identities(cluster), uids(cluster)), (first.clone(), same.clone()));
    terraform.replace("main.tf", BY_GIT, BY_CLUSTER);
    half_way();

    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(!fleet.repository.files().iter().any(|file| file.starts_with("clusters/one/flux-system/")));
    settle(cluster, &fleet);
    assert_eq!((identities(cluster), uids(cluster)), (first.clone(), same.clone()));
    assert_eq!(owners(&controller(cluster)).iter().filter(|one| **one == "kustomize-controller").count(), 0);
    assert_eq!(label(cluster, "kustomize.toolkit.fluxcd.io/name"), Value::Null);
    let own = cluster.get(SELF).expect("it is there");
    let entries = own["status"]["inventory"]["entries"].as_array().expect("it has applied something");
    assert_eq!(entries.len(), 2, "the workloads are all that Flux applies: {entries:?}");
    terraform.assert_nothing_to_do();

    // Ours it is: what somebody changes is shown and healed, and Flux does not meddle.
    cluster.patch(&format!("{DEPLOYMENTS}/notification-controller"), &json!({"spec": {"replicas": 3}}));
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("\"spec.replicas\""), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(identities(cluster), first);

    // And back: the files first, then everything is Flux's own again.
    terraform.replace("main.tf", BY_CLUSTER, BY_GIT);
    fleet.repository.hook("pre-receive", "echo 'the folder is frozen' >&2; exit 1");
    let message = terraform.apply().expect_failure();
    assert!(message.contains("the folder is frozen"), "{message}");
    fleet.repository.remove_hook("pre-receive");
    let attributes = terraform.attributes("strata_agent.flux").expect("it is in the state");
    assert_eq!((&attributes["status"], &attributes["delivered"]), (&json!("ready"), &json!("cluster one")));
    assert!(inventory(cluster).is_some(), "it is ours as long as the files are not there");
    // The cluster refuses to let one object go: the files are there, the inventory too, and the next apply does the rest.
    let (faulty, direct) = (Faulty::before(cluster), connection(cluster));
    let around = format!("host = {:?}\n    token = \"any\"", faulty.host());
    terraform.replace("main.tf", &direct, &around);
    let refusal = Fault::Refuse(422, "Invalid", "not now");
    faulty.add(Rule::on_writes("source-controller?fieldManager=strata-handover", usize::MAX, refusal));
    let message = terraform.apply().expect_failure();
    assert!(message.contains("not now") && message.contains("let go of"), "{message}");
    let attributes = terraform.attributes("strata_agent.flux").expect("it is in the state");
    assert_eq!(
        (&attributes["status"], &attributes["delivered"]),
        (&json!("incomplete"), &json!("cluster one"))
    );
    assert!(inventory(cluster).is_some(), "what could not be let go of is written down");
    settle(cluster, &fleet);
    assert_eq!((identities(cluster), uids(cluster)), (first.clone(), same.clone()));
    terraform.replace("main.tf", &around, &direct);
    let applied = terraform.apply().expect_success();
    assert!(!applied.stdout.contains("leaves its objects"), "{}", applied.stdout);
    settle(cluster, &fleet);
    assert_eq!((identities(cluster), uids(cluster)), (first, same));
    assert_is_its_own(cluster);
    terraform.assert_nothing_to_do();
    cluster.patch(&format!("{DEPLOYMENTS}/notification-controller"), &json!({"spec": {"replicas": 3}}));
    reconcile(cluster, SELF);
    let healed = cluster.get(&format!("{DEPLOYMENTS}/notification-controller")).expect("it is there");
    assert_eq!(healed["spec"]["replicas"], 1);

    // Another folder in one step would have Flux prune itself.
    terraform.replace("main.tf", "path       = \"clusters/one\"", "path       = \"clusters/uno\"");
    let message = terraform.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("cannot move so while it runs") && words.contains("move in two steps"),
        "{message}"
    );
}

#[test]
fn a_destroy_that_gets_stuck_is_taken_back_by_an_apply_or_goes_on() {
    let control = control_plane(1);
    let cluster = control.cluster(0);
    let (mirror, _controllers) = (mirror(), Controllers::start(cluster));
    let fleet = Fleet::without_sync(cluster, "flux-system".to_owned());
    commit_workloads(&fleet);
    let terraform = Workspace::new();
    let settings =
        format!("on_destroy = \"delete_workloads\"\n  timeouts {{\n    delete = \"30s\"\n  }}\n  {BY_GIT}");
    terraform.write("main.tf", &configuration(cluster, &fleet, &mirror, &settings));
    terraform.apply().expect_success();
    fleet.reconciled("flux-system");
    until_ready(cluster, RELEASE, |_| true);
    let held = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/default/kustomizations";
    cluster.create(
        held,
        &json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "held", "finalizers": ["example.com/hold"]},
            "spec": {"interval": "10m", "prune": true, "suspend": true, "sourceRef": {"kind": "GitRepository", "name": "x"}},
        }),
    );

    let message = terraform.destroy().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Kustomization default/held: waits for example.com/hold"), "{message}");
    assert!(fleet.repository.files().iter().any(|file| file.ends_with("flux-system/gotk-sync.yaml")));
    assert_eq!(identities(cluster).len(), 4, "the agent itself is there as long as its work is");

    // Who thinks better of it has an agent that looks after itself again, and its work.
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    settle(cluster, &fleet);
    assert_is_its_own(cluster);
    until_ready(cluster, RELEASE, |_| true);
    assert!(workload(cluster, "of-kustomize").is_some() && workload(cluster, "of-helm").is_some());

    cluster.patch(&format!("{held}/held"), &json!({"metadata": {"finalizers": null}}));
    terraform.destroy().expect_success();
    assert_no_flux(cluster);
    assert!(workload(cluster, "of-kustomize").is_none() && workload(cluster, "of-helm").is_none());
    assert!(!fleet.repository.files().iter().any(|file| file.contains("/flux-system/")));
}
