//! An agent that Terraform owns, on a real API server: applied, upgraded, healed, let in with credentials that are nowhere
//! else, and gone with or without its work.

use acceptance_tests::charts::HelmRepository;
use acceptance_tests::cluster::{Cluster, shared, unique};
use acceptance_tests::flux::archive;
use acceptance_tests::flux_controllers::install;
use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Workspace, shown_changes};
use serde_json::{Value, json};

use crate::shop::assert_shows;
use crate::site::{agents_from, clusters_at, connection};

pub(crate) struct Ground {
    _mirror: HelmRepository,
    pub(crate) repository: Repository,
    pub(crate) workspace: Workspace,
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: String,
}

/// An agent of version 2.9.4 in a namespace of its own. Definitions are of the whole cluster, so each journey has a cluster to itself
/// for as long as it holds the lock.
pub(crate) fn ground(cluster: &'static Cluster, version: &str, settings: &str) -> Ground {
    let (mirror, workspace, repository) = (HelmRepository::start(), Workspace::new(), Repository::new());
    for version in ["v2.9.4", "v2.9.5"] {
        mirror.put(&format!("/flux/{}/manifests.tar.gz", version.trim_start_matches('v')), &archive(version));
    }
    let namespace = unique("flux");
    let repositories = clusters_at(&repository.url(), "");
    let provider = agents_from(mirror.host(), &connection(cluster), &repositories);
    let configuration = format!(
        r#"{provider}
variable "token" {{
  type      = string
  ephemeral = true
  default   = "hunter2-first"
}}

resource "strata_agent" "flux" {{
  cluster           = "one"
  version           = "{version}"
  namespace         = "{namespace}"
  allow_deletion_of = ["Namespace", "CustomResourceDefinition"]
  {settings}
}}
"#
    );
    workspace.write("main.tf", &configuration);
    Ground { _mirror: mirror, repository, workspace, cluster, namespace }
}

const OWNED: &str = "delivery {\n    cluster {\n      wait = false\n    }\n  }";

const SYNC: &str = "sync {\n    url  = \"https://git.example.com/fleet.git\"\n    path = \"clusters/one\"\n    credentials {\n      username = \"git\"\n      password = var.token\n    }\n  }";

fn object(ground: &Ground, collection: &str, name: &str) -> Option<Value> {
    ground.cluster.get(&format!("{collection}/{name}"))
}

fn secret(ground: &Ground) -> Value {
    let path = format!("/api/v1/namespaces/{}/secrets", ground.namespace);
    object(ground, &path, &ground.namespace).expect("the Secret is there")
}

/// The whole life on one cluster, because its definitions are of the whole cluster.
#[test]
fn an_agent_is_applied_upgraded_healed_and_taken_out_again() {
    let ground = ground(shared().cluster(1), "2.9.4", &format!("{SYNC}\n  {OWNED}"));
    let terraform = &ground.workspace;
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"data.password\" = \"(sensitive, revision 1)\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let deployments = format!("/apis/apps/v1/namespaces/{}/deployments", ground.namespace);
    let controller = object(&ground, &deployments, "source-controller").expect("it is applied");
    assert_eq!(
        controller["spec"]["template"]["spec"]["containers"][0]["image"],
        "ghcr.io/fluxcd/source-controller:v1.9.4"
    );
    assert_eq!(secret(&ground)["data"]["password"], "aHVudGVyMi1maXJzdA==");

    // Another token is one revision; the first one and the second are nowhere but in the cluster.
    terraform.replace("main.tf", "hunter2-first", "hunter2-second");
    let plan = terraform.plan().expect_success();
    assert_shows(
        &plan.stdout,
        "~ \"data.password\" = \"(sensitive, revision 1)\" -> \"(sensitive, revision 2)\"",
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(secret(&ground)["data"]["password"], "aHVudGVyMi1zZWNvbmQ=");
    let state = terraform.read("terraform.tfstate");
    for text in ["hunter2-first", "hunter2-second", "aHVudGVyMi1maXJzdA", "aHVudGVyMi1zZWNvbmQ"] {
        assert!(!state.contains(text) && !plan.stdout.contains(text), "{text} is shown");
    }

    // Somebody changes an image by hand.
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "manager", "image": "example.com/mine:1"}]}}}});
    let path = format!("{deployments}/helm-controller?fieldManager=kubectl-edit");
    let (status, answer) =
        ground.cluster.request("PATCH", &path, "application/strategic-merge-patch+json", Some(&patch));
    assert!(status < 300, "{answer}");
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "-> \"ghcr.io/fluxcd/helm-controller:v1.6.3\"");
    terraform.replace("main.tf", "wait = false", "wait = false\n      force_conflicts = true");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    terraform.replace("main.tf", "\"2.9.4\"", "\"2.9.5\"");
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_eq!(shown.lines().filter(|line| line.contains("~ \"spec.")).count(), 4, "{shown}");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    // A Kustomization that only its controller would let go, which is not there in this cluster.
    let kustomizations =
        format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{}/kustomizations", ground.namespace);
    ground.cluster.create(&kustomizations, &json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": "apps", "namespace": ground.namespace, "finalizers": ["finalizers.fluxcd.io"]},
        "spec": {"interval": "10m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "x"}},
    }));
    terraform.replace(
        "main.tf",
        "  version ",
        "  on_destroy = \"delete_workloads\"\n  timeouts {\n    delete = \"20s\"\n  }\n  version ",
    );
    terraform.apply().expect_success();
    let plan = terraform.run(&["plan", "-no-color", "-destroy"]).expect_success();
    let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("goes, and everything that it has applied"), "{}", plan.stdout);
    assert!(words.contains(&format!("{}/apps", ground.namespace)), "{}", plan.stdout);
    let message = terraform.destroy().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("finalizers.fluxcd.io of kustomize-controller"), "{message}");

    terraform.replace("main.tf", "delete_workloads", "keep_workloads");
    terraform.replace("main.tf", "\"20s\"", "\"3m\"");
    terraform.apply().expect_success();
    terraform.destroy().expect_success();
    assert!(
        object(
            &ground,
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
            "kustomizations.kustomize.toolkit.fluxcd.io"
        )
        .is_none()
    );
    assert!(object(&ground, &deployments, "source-controller").is_none());
}

#[test]
fn an_agent_of_a_git_delivery_is_applied_once_and_never_has_two_owners() {
    let git = "delivery {\n    git {\n      repository = \"clusters\"\n      path       = \"clusters/one\"\n    }\n  }";
    let control =
        acceptance_tests::cluster::ControlPlane::start(1, &["--controllers", "namespace-controller"]);
    let control: &'static acceptance_tests::cluster::ControlPlane = Box::leak(Box::new(control));
    let ground = ground(control.cluster(0), "2.9.4", &format!("{SYNC}\n  {git}"));
    let terraform = &ground.workspace;
    terraform.replace("main.tf", "delivery {", "timeouts {\n    create = \"30s\"\n  }\n  delivery {");
    let run = terraform.apply().expect_success();
    // There is no controller for Deployments here, so they never become ready; the agent is applied all the same.
    assert!(run.stdout.contains("is incomplete"), "{}", run.stdout);
    terraform.assert_nothing_to_do();
    let deployments = format!("/apis/apps/v1/namespaces/{}/deployments", ground.namespace);
    let controller = object(&ground, &deployments, "source-controller").expect("it is applied");
    let managers = controller["metadata"]["managedFields"].as_array().expect("fields are managed");
    assert!(managers.iter().any(|one| one["manager"] == "kustomize-controller"), "{managers:?}");
    assert_eq!(secret(&ground)["data"]["username"], "Z2l0");
    let files = ground.repository.files();
    assert!(files.iter().any(|file| file.ends_with("gotk-sync.yaml")), "{files:?}");
    for file in &files {
        let text = ground.repository.read(file).unwrap_or_default();
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMi1maXJzdA"), "{file} holds the token");
    }
    terraform.replace("main.tf", "delivery {\n", "delivery {\n    cluster {}\n");
    let message = terraform.plan().expect_failure();
    assert!(message.contains("the agent would have two owners"), "{message}");
}

#[test]
fn a_version_that_does_not_know_what_is_stored_is_preceded_by_a_migration_or_refused() {
    let control =
        acceptance_tests::cluster::ControlPlane::start(1, &["--controllers", "namespace-controller"]);
    let control: &'static acceptance_tests::cluster::ControlPlane = Box::leak(Box::new(control));
    let ground = ground(control.cluster(0), "2.9.5", OWNED);
    let (cluster, terraform) = (ground.cluster, &ground.workspace);
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let name = "buckets.source.toolkit.fluxcd.io";
    let version = |name: &str, storage: bool| {
        json!({"name": name, "served": true, "storage": storage,
        "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
    };
    let definition = |versions: Value| {
        json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {"group": "source.toolkit.fluxcd.io", "scope": "Namespaced", "versions": versions,
            "names": {"kind": "Bucket", "listKind": "BucketList", "plural": "buckets", "singular": "bucket"}}})
    };
    // As an installation that has lived through a change of versions: an object is stored in the old one.
    cluster.create(definitions, &definition(json!([version("v1beta1", true), version("v1", false)])));
    let old = "/apis/source.toolkit.fluxcd.io/v1beta1/namespaces/default/buckets";
    let bucket = json!({"apiVersion": "source.toolkit.fluxcd.io/v1beta1", "kind": "Bucket", "metadata": {"name": "old", "namespace": "default"}, "spec": {}});
    cluster.eventually("the kind is served", |cluster| {
        let (status, _) = cluster.request("POST", old, "application/json", Some(&bucket));
        (status < 300).then_some(())
    });
    let message = terraform.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("cannot go to its new definitions at once")
            && words.contains("v1beta1: 1 object default/old"),
        "{message}"
    );

    cluster.patch(
        &format!("{definitions}/{name}"),
        &json!({"spec": {"versions": [version("v1beta1", false), version("v1", true)]}}),
    );
    let plan = terraform.plan().expect_success();
    let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("first rewrites objects that are stored in an old form"), "{}", plan.stdout);
    terraform.replace(
        "main.tf",
        "wait = false",
        "wait = false\n      adopt = true\n      force_conflicts = true",
    );
    terraform.apply().expect_success();
    let live = cluster.get(&format!("{definitions}/{name}")).expect("it is there");
    assert_eq!(live["status"]["storedVersions"], json!(["v1"]));
    assert!(
        cluster.get("/apis/source.toolkit.fluxcd.io/v1/namespaces/default/buckets/old").is_some(),
        "nothing was lost"
    );
    terraform.assert_nothing_to_do();
}

/// What must stay the same while an agent changes hands.
fn identities(ground: &Ground) -> Vec<(Value, Value, Value)> {
    let path = format!("/apis/apps/v1/namespaces/{}/deployments", ground.namespace);
    let found = ground.cluster.get(&path).expect("there are Deployments");
    let items = found["items"].as_array().expect("it is a list");
    let identity =
        |one: &Value| (one["metadata"]["name"].clone(), one["metadata"]["uid"].clone(), one["spec"].clone());
    items.iter().map(identity).collect()
}

#[test]
fn an_agent_that_others_installed_is_taken_over_in_its_cluster() {
    let control =
        acceptance_tests::cluster::ControlPlane::start(1, &["--controllers", "namespace-controller"]);
    let control: &'static acceptance_tests::cluster::ControlPlane = Box::leak(Box::new(control));
    let mut ground = ground(control.cluster(0), "2.9.4", OWNED);
    let (cluster, terraform) = (ground.cluster, &ground.workspace);
    terraform.replace("main.tf", &format!("namespace         = \"{}\"", ground.namespace), "");
    ground.namespace = "flux-system".to_owned();
    let import =
        |id: &str| terraform.run(&["import", "-no-color", "-var", "token=x", "strata_agent.flux", id]);
    let message = import("one").expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("there is no Flux in cluster \"one\""), "{message}");
    assert!(words.contains("in any namespace"), "{message}");
    let message = import("two").expect_failure();
    assert!(message.contains("two") && message.contains("one"), "{message}");

    install(cluster, &acceptance_tests::flux::answer("install/v2.9.4/default.yaml"));
    // Somebody wanted more helm-controllers.
    let helm = "/apis/apps/v1/namespaces/flux-system/deployments/helm-controller";
    cluster.patch(helm, &json!({"spec": {"replicas": 2}}));
    let before = identities(&ground);
    let message = import("one/elsewhere").expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("in namespace \"elsewhere\""), "{message}");

    import("one").expect_success();
    let attributes = terraform.attributes("strata_agent.flux").expect("it is imported");
    assert_eq!((&attributes["version"], &attributes["status"]), (&json!("2.9.4"), &json!("found")));
    let patches = attributes["patch"].as_array().expect("there are patches");
    assert_eq!(patches.len(), 1, "{patches:?}");
    let text = patches[0]["patch"].as_str().expect("it is text");
    assert!(text.contains("/spec/replicas"), "{text}");
    let block = format!(
        "version           = \"2.9.4\"\n  patch {{\n    target {{\n      kind = \"Deployment\"\n      name = \"helm-controller\"\n    }}\n    patch = <<-EOT\n{text}EOT\n  }}\n"
    );
    terraform.replace("main.tf", "version           = \"2.9.4\"\n", &block);
    terraform.replace("main.tf", "wait = false", "wait = false\n      force_conflicts = true");
    let plan = terraform.plan().expect_success();
    let changed = terraform.plan_json();
    let change = &changed["resource_changes"][0]["change"];
    assert_eq!(change["actions"], json!(["update"]), "{}", plan.stdout);
    assert_eq!(change["before"]["manifests"], change["after"]["manifests"], "{}", plan.stdout);
    assert_eq!(change["before"]["digest"], change["after"]["digest"], "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(identities(&ground), before, "nothing is made anew or restarts");
}
