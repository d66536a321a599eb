//! An agent that is delivered by git and then looks after itself: the real controllers of Flux apply the folder that holds them,
//! take over what the first apply wrote, follow upgrades, and heal what somebody changed by hand.

use acceptance_tests::charts::HelmRepository;
use acceptance_tests::cluster::{Cluster, ControlPlane};
use acceptance_tests::flux::archive;
use acceptance_tests::flux_controllers::{Controllers, Fleet, LOGIN, control_plane, reconcile, until_ready};
use acceptance_tests::terraform::{Workspace, shown_changes};
use serde_json::{Value, json};

use crate::site::{agents_from, clusters_at, connection};

pub(crate) const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/flux-system/deployments";
pub(crate) const SELF: &str =
    "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/flux-system/kustomizations/flux-system";

pub(crate) fn mirror() -> HelmRepository {
    let mirror = HelmRepository::start();
    for version in ["v2.9.4", "v2.9.5"] {
        mirror.put(&format!("/flux/{}/manifests.tar.gz", version.trim_start_matches('v')), &archive(version));
    }
    mirror
}

/// An agent of version 2.9.4 on a cluster; `settings` goes into its block.
pub(crate) fn configuration(
    cluster: &Cluster,
    fleet: &Fleet<'_>,
    mirror: &HelmRepository,
    settings: &str,
) -> String {
    let (user, password) = LOGIN;
    let login = format!("username = \"{user}\"\n    password = \"{password}\"");
    let repositories = clusters_at(&fleet.url(), &login);
    let provider = agents_from(mirror.host(), &connection(cluster), &repositories);
    format!(
        r#"{provider}
resource "strata_agent" "flux" {{
  cluster = "one"
  version = "2.9.4"
  sync {{
    url  = "{url}"
    path = "clusters/one"
    credentials {{
      username = "{user}"
      password = "{password}"
    }}
  }}
  {settings}
}}
"#,
        url = fleet.url(),
    )
}

pub(crate) const BY_GIT: &str =
    "delivery {\n    git {\n      repository = \"clusters\"\n      path       = \"clusters/one\"\n    }\n  }";

/// Returns name, uid and specification of the controllers: what stays the same while nothing of them is touched.
pub(crate) fn identities(cluster: &Cluster) -> Vec<(String, String, Value)> {
    let found = cluster.get(DEPLOYMENTS).expect("there are Deployments");
    let text = |one: &Value, name: &str| one["metadata"][name].as_str().unwrap_or_default().to_owned();
    let items = found["items"].as_array().into_iter().flatten();
    items.map(|one| (text(one, "name"), text(one, "uid"), one["spec"].clone())).collect()
}

/// Returns who owns fields of an object, subresources aside.
pub(crate) fn owners(object: &Value) -> Vec<&str> {
    let fields = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    fields.filter(|one| one["subresource"].is_null()).filter_map(|one| one["manager"].as_str()).collect()
}

fn image(cluster: &Cluster, controller: &str) -> String {
    let found = cluster.get(&format!("{DEPLOYMENTS}/{controller}")).expect("it is there");
    found["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_agent_of_a_git_delivery_takes_itself_over_and_looks_after_itself() {
    let control: ControlPlane = control_plane(1);
    let cluster = control.cluster(0);
    let (mirror, _controllers) = (mirror(), Controllers::start(cluster));
    let fleet = Fleet::without_sync(cluster, "flux-system".to_owned());
    let terraform = Workspace::new();
    terraform.write("main.tf", &configuration(cluster, &fleet, &mirror, BY_GIT));
    let applied = terraform.apply().expect_success();
    assert!(!applied.stdout.contains("incomplete"), "{}", applied.stdout);
    let first = identities(cluster);
    assert_eq!(first.len(), 4);

    // Flux applies its own folder: everything is its own, and nothing of it was touched.
    let own = fleet.reconciled("flux-system");
    let applied = own["status"]["inventory"]["entries"].as_array().map_or(0, Vec::len);
    let shown = terraform.attributes("strata_agent.flux").expect("it is in the state");
    let shown = shown["manifests"].as_object().map_or(0, |all| all.len());
    assert_eq!(applied + 1, shown, "everything but the Secret: {own}");
    assert_eq!(identities(cluster), first, "no pod template was touched");
    let controller = cluster.get(&format!("{DEPLOYMENTS}/source-controller")).expect("it is there");
    assert_eq!(owners(&controller), ["kustomize-controller"], "{controller}");
    let labels = &controller["metadata"]["labels"];
    assert_eq!(labels["kustomize.toolkit.fluxcd.io/name"], "flux-system");
    assert!(labels["applyset.kubernetes.io/part-of"].is_null(), "{labels}");
    terraform.assert_nothing_to_do();

    // An upgrade is a commit, and Flux does the rest.
    terraform.replace("main.tf", "\"2.9.4\"", "\"2.9.5\"");
    let plan = terraform.plan().expect_success();
    assert_eq!(
        shown_changes(&plan.stdout).lines().filter(|line| line.contains("~ \"spec.")).count(),
        4,
        "{}",
        plan.stdout
    );
    let commits = fleet.repository.commits();
    terraform.apply().expect_success();
    assert_eq!(fleet.repository.commits(), commits + 1);
    fleet.reconciled("flux-system");
    assert_eq!(image(cluster, "source-controller"), "ghcr.io/fluxcd/source-controller:v1.9.5");
    assert_eq!(identities(cluster).len(), 4);
    let controller = cluster.get(&format!("{DEPLOYMENTS}/source-controller")).expect("it is there");
    assert_eq!(owners(&controller), ["kustomize-controller"], "{controller}");
    terraform.assert_nothing_to_do();

    // What somebody changes by hand is Flux's affair.
    cluster.patch(&format!("{DEPLOYMENTS}/notification-controller"), &json!({"spec": {"replicas": 3}}));
    terraform.assert_nothing_to_do();
    reconcile(cluster, SELF);
    let healed = cluster.get(&format!("{DEPLOYMENTS}/notification-controller")).expect("it is there");
    assert_eq!(healed["spec"]["replicas"], 1);
}

const TO_THE_CLUSTER: &str = "allow_deletion_of = [\"Namespace\", \"CustomResourceDefinition\"]\n  on_destroy        = \"keep_workloads\"\n  delivery {\n    cluster {}\n  }";

/// What the agent's repository holds for others: an object, and a HelmRelease of a chart beside it.
pub(crate) fn commit_workloads(fleet: &Fleet<'_>) {
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata:\n  name: of-helm\n  namespace: default\nspec:\n  interval: 10m\n  \
                   chart:\n    spec:\n      chart: ./charts/small\n      sourceRef:\n        kind: GitRepository\n        name: flux-system\n        namespace: flux-system\n";
    let object = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: default\n")
    };
    fleet.repository.commit(
        &[
            ("clusters/one/object.yaml", Some(&object("of-kustomize"))),
            ("clusters/one/release.yaml", Some(release)),
            ("charts/small/Chart.yaml", Some("apiVersion: v2\nname: small\nversion: 1.0.0\n")),
            ("charts/small/templates/all.yaml", Some(&object("of-helm"))),
        ],
        "Workloads",
    );
}

pub(crate) fn workload(cluster: &Cluster, name: &str) -> Option<Value> {
    cluster.get(&format!("/api/v1/namespaces/default/configmaps/{name}"))
}

fn installed(terraform: &Workspace, cluster: &Cluster) {
    terraform.apply().expect_success();
    until_ready(cluster, SELF, |_| true);
    until_ready(cluster, "/apis/helm.toolkit.fluxcd.io/v2/namespaces/default/helmreleases/of-helm", |_| true);
    assert!(workload(cluster, "of-kustomize").is_some() && workload(cluster, "of-helm").is_some());
    terraform.assert_nothing_to_do();
}

pub(crate) fn assert_no_flux(cluster: &Cluster) {
    assert!(cluster.get("/api/v1/namespaces/flux-system").is_none());
    let definitions =
        cluster.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").unwrap_or_default();
    assert_eq!(definitions["items"].as_array().map(Vec::len), Some(0), "definitions are left");
}

/// Installs an agent, sees in the destroy plan whose work it is, destroys it, and installs and destroys it once more with its work.
fn goes_with_and_without_its_work(delivery: &str, told: &str) {
    let control = control_plane(1);
    let cluster = control.cluster(0);
    let (mirror, _controllers) = (mirror(), Controllers::start(cluster));
    let fleet = Fleet::without_sync(cluster, "flux-system".to_owned());
    commit_workloads(&fleet);
    let terraform = Workspace::new();
    terraform.write("main.tf", &configuration(cluster, &fleet, &mirror, delivery));

    let destroyed = |whose: &str| {
        installed(&terraform, cluster);
        let plan = terraform.run(&["plan", "-no-color", "-destroy"]).expect_success();
        let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        let work = "HelmRelease default/of-helm, Kustomization flux-system/flux-system.";
        assert!(words.contains(&format!("{whose}: {work}")) && words.contains(told), "{}", plan.stdout);
        terraform.destroy().expect_success();
        assert_no_flux(cluster);
        let files = fleet.repository.files();
        assert!(!files.iter().any(|file| file.contains("/flux-system/")), "{files:?}");
    };
    destroyed("The workloads of these stay without an agent");
    assert!(workload(cluster, "of-kustomize").is_some() && workload(cluster, "of-helm").is_some());

    terraform.replace("main.tf", "keep_workloads", "delete_workloads");
    destroyed("The workloads of these go");
    assert!(workload(cluster, "of-kustomize").is_none() && workload(cluster, "of-helm").is_none());
}

#[test]
fn an_agent_goes_with_or_without_its_work_while_its_controllers_run() {
    goes_with_and_without_its_work(TO_THE_CLUSTER, "Deleted");
}

#[test]
fn an_agent_of_a_git_delivery_goes_from_its_cluster_and_its_folder() {
    let by_git = format!("on_destroy = \"keep_workloads\"\n  {BY_GIT}");
    goes_with_and_without_its_work(&by_git, "loses its files in clusters:clusters/one/flux-system");
}
