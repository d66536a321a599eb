//! Figures of the delivery to clusters, against one request after the other and against kubectl in the same run, on real API servers:
//! `make bench` calls it.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acceptance_tests::cluster::{Cluster, ControlPlane};
use acceptance_tests::distance::Distance;
use acceptance_tests::faulty::Faulty;
use acceptance_tests::measure::cpu_with_children;
use acceptance_tests::terraform::Workspace;
use serde_json::{Value, json};
use strata::delivery::cluster::inventory::Parent;
use strata::delivery::cluster::{
    ApiServer, Clusters, ObjectSet, Patience, Policy, Sources, apply, kubeconfig, observe, preview,
};
use strata::manifest::mask::ObjectMarks;
use strata::manifest::object::identify;
use strata::manifest::surface::Desired;

/// Objects of the set that is applied.
const OBJECTS: usize = 500;
const LONGEST: Duration = Duration::from_secs(600);
/// What an answer takes longer from a cluster in the next region than from one on this machine.
const ROUND_TRIP: Duration = Duration::from_millis(20);

fn main() {
    let provider =
        PathBuf::from(std::env::args().nth(1).expect("the path of the built provider is the argument"));
    let provider = provider.canonicalize().expect("the provider is built");
    let servers = ControlPlane::start(4, &["--controllers", "none"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let near = servers.cluster(0);
    println!(
        "| {OBJECTS} new objects, s (processor time of client and servers) | here | {} ms away |",
        ROUND_TRIP.as_millis()
    );
    println!("|---|--:|--:|");
    let address = near.host().trim_start_matches("https://").parse().expect("it is an address");
    let distance = Distance::before(address, ROUND_TRIP);
    let far = near.at(distance.address());
    compare(&runtime, &servers, [near, &far]);
    again(&runtime, near);
    many_clusters(&runtime, &servers);
    by_terraform(&provider, near);
}

/// What a way to bring the objects takes.
struct Took {
    seconds: f64,
    client: f64,
    servers: f64,
}

impl std::fmt::Display for Took {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:.2} ({:.1} + {:.1})", self.seconds, self.client, self.servers)
    }
}

/// Brings the objects in three ways, each to a cluster on this machine and to the same one at a distance.
fn compare(runtime: &tokio::runtime::Runtime, servers: &ControlPlane, places: [&Cluster; 2]) {
    let all = places.map(|cluster| {
        let server = server(cluster, &cluster.name);
        runtime.block_on(bring(&server, &cluster.namespace("warm"), 20));
        let (ours, single, kubectl) =
            (cluster.namespace("a"), cluster.namespace("b"), cluster.namespace("c"));
        let ours = took(servers, || runtime.block_on(bring(&server, &ours, OBJECTS)));
        let single = took(servers, || one_by_one(cluster, &single));
        let kubectl = took(servers, || with_kubectl(&cluster.kubeconfig(), &kubectl));
        [ours, single, kubectl]
    });
    let [near, far] = &all;
    for (index, what) in
        ["ours, dry run of all included", "one apply after the other", "`kubectl apply --server-side`"]
            .iter()
            .enumerate()
    {
        println!("| {what} | {} | {} |", near[index], far[index]);
    }
    for (index, what) in ["one after the other / ours", "`kubectl` / ours"].iter().enumerate() {
        let ratio = |one: &[Took; 3]| one[index + 1].seconds / one[0].seconds;
        println!("| {what} | {:.1} | {:.1} |", ratio(near), ratio(far));
    }
}

fn one_by_one(cluster: &Cluster, namespace: &str) {
    for object in objects(namespace, OBJECTS) {
        let target = format!("{}?fieldManager=bench", path_of(&object, namespace));
        let (status, answer) =
            cluster.request("PATCH", &target, "application/apply-patch+yaml", Some(&object));
        assert!(status < 300, "{answer}");
    }
}

/// Applies what is there already, and refreshes it.
fn again(runtime: &tokio::runtime::Runtime, cluster: &Cluster) {
    let server = server(cluster, &cluster.name);
    let (first, second) = (cluster.namespace("e"), cluster.namespace("d"));
    let before = server.requests();
    runtime.block_on(bring(&server, &first, OBJECTS));
    println!(
        "apply {OBJECTS} new objects: {:.2} requests an object",
        per(server.requests() - before, OBJECTS)
    );
    let before = server.requests();
    let again = timed(|| runtime.block_on(bring(&server, &first, OBJECTS)));
    println!(
        "apply them again, unchanged: {again:.2} s, {:.2} requests an object",
        per(server.requests() - before, OBJECTS)
    );
    runtime.block_on(bring(&server, &second, OBJECTS));
    let before = server.requests();
    let looked = timed(|| {
        for namespace in [&first, &second] {
            let ids: BTreeSet<_> = set(namespace, OBJECTS).objects.iter().map(|one| one.id.clone()).collect();
            let patience = Patience::of_a_look(LONGEST);
            let observed = runtime.block_on(observe::observe(&server, &parent(namespace), &ids, patience));
            assert_eq!(observed.expect("it can be read").objects.len(), OBJECTS);
        }
    });
    let all = 2 * OBJECTS;
    println!(
        "refresh {all} unchanged objects: {looked:.2} s, {:.3} requests an object",
        per(server.requests() - before, all)
    );
}

/// Brings 40 objects to each of 20 clusters: five names for each of four API servers, with a client of its own each.
fn many_clusters(runtime: &tokio::runtime::Runtime, servers: &ControlPlane) {
    let all: Vec<(Arc<ApiServer>, String)> = (0..20)
        .map(|number| {
            let cluster = servers.cluster(number % 4);
            (server(cluster, &format!("cluster-{number}")), cluster.namespace("many"))
        })
        .collect();
    let one = timed(|| runtime.block_on(bring(&all[0].0, &all[0].1, 40)));
    let rest = timed(|| {
        runtime.block_on(async {
            let mut work = tokio::task::JoinSet::new();
            for (server, namespace) in all.into_iter().skip(1) {
                work.spawn(async move { bring(&server, &namespace, 40).await });
            }
            work.join_all().await;
        });
    });
    println!(
        "40 objects to one cluster: {one:.2} s; to 19 more at once: {rest:.2} s; ratio {:.1}",
        rest / one
    );
}

fn server(cluster: &Cluster, name: &str) -> Arc<ApiServer> {
    let text = std::fs::read_to_string(cluster.kubeconfig()).expect("it can be read");
    let connection = kubeconfig::connection(name, &text, None, Path::new("/")).expect("it can be used");
    Clusters::default().server(&connection)
}

async fn bring(server: &Arc<ApiServer>, namespace: &str, count: usize) {
    let set = Arc::new(set(namespace, count));
    let patience = Patience::of_a_change(LONGEST);
    let preview = preview::preview(server, &set, patience).await.expect("it can be asked");
    assert!(preview.problems.is_empty(), "{:?}", preview.problems);
    let stop = tokio_util::sync::CancellationToken::new();
    let outcome = apply::apply(server, &set, preview, patience, &stop).await.expect("it begins");
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
}

fn parent(namespace: &str) -> Parent {
    Parent { namespace: namespace.to_owned(), name: "strata-release-bench".to_owned() }
}

fn set(namespace: &str, count: usize) -> ObjectSet {
    let objects = objects(namespace, count);
    let ids = identify(&objects, namespace).expect("they are objects");
    let desired = ids.into_iter().zip(objects);
    ObjectSet {
        title: format!("release {namespace}/bench"),
        parent: parent(namespace),
        objects: desired.map(|(id, object)| Desired { id, object, marks: ObjectMarks::default() }).collect(),
        hooks: Vec::new(),
        notes: BTreeMap::new(),
        sources: Sources::default(),
        policy: Policy { wait: false, ..Policy::default() },
        predecessor: None,
    }
}

/// Of five objects, two are ConfigMaps, and one each a Secret, a Service and a Deployment.
fn objects(namespace: &str, count: usize) -> Vec<Value> {
    let metadata = |number: usize| json!({"name": format!("object-{number}"), "namespace": namespace, "labels": {"app": format!("a{number}")}});
    (0..count)
        .map(|number| match number % 5 {
            0 | 1 => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(number), "data": {"a": "1", "b": "two", "number": number.to_string()}}),
            2 => json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata(number), "data": {"a": "aHVudGVyMg=="}}),
            3 => json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata(number),
                "spec": {"clusterIP": "None", "selector": {"app": "a"}, "ports": [{"name": "http", "port": 80}]}}),
            _ => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(number),
                "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "a"}}, "template": {"metadata": {"labels": {"app": "a"}},
                "spec": {"containers": [{"name": "app", "image": "app:1", "env": [{"name": "A", "value": "b"}], "ports": [{"containerPort": 80}]}]}}}}),
        })
        .collect()
}

fn path_of(object: &Value, namespace: &str) -> String {
    let name = object["metadata"]["name"].as_str().expect("it has a name");
    let (root, plural) = match object["kind"].as_str().expect("it has a kind") {
        "Deployment" => ("/apis/apps/v1", "deployments"),
        "ConfigMap" => ("/api/v1", "configmaps"),
        "Secret" => ("/api/v1", "secrets"),
        _ => ("/api/v1", "services"),
    };
    format!("{root}/namespaces/{namespace}/{plural}/{name}")
}

fn with_kubectl(kubeconfig: &Path, namespace: &str) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (number, object) in objects(namespace, OBJECTS).iter().enumerate() {
        let file = folder.path().join(format!("{number}.json"));
        std::fs::write(file, object.to_string()).expect("the file can be written");
    }
    let output = Command::new("kubectl")
        .args(["apply", "--server-side", "--kubeconfig"])
        .arg(kubeconfig)
        .arg("-f")
        .arg(folder.path())
        .env("HOME", folder.path())
        .output()
        .expect("kubectl is on PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Counts the requests of the real Terraform for one release of 100 objects.
fn by_terraform(provider: &Path, cluster: &Cluster) {
    let faulty = Faulty::before(cluster);
    let workspace = Workspace::with_provider(provider.parent().expect("it is in a folder"));
    workspace.write("chart/Chart.yaml", "apiVersion: v2\nname: many\nversion: 1.0.0\n");
    workspace.write("chart/values.yaml", "color: green\n");
    workspace.write("chart/templates/all.yaml", "{{- range until 100 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: map-{{ . }}}\ndata: {number: \"{{ . }}\"{{ if lt . 10 }}, color: {{ $.Values.color }}{{ end }}}\n{{- end }}\n");
    workspace.write(
        "main.tf",
        &TERRAFORM.replace("HOST", &faulty.host()).replace("NAMESPACE", &cluster.namespace("terraform")),
    );
    let count = |what: &str, arguments: &[&str]| {
        workspace.run(arguments).expect_success();
        let requests = faulty.take_requests();
        let dry = requests.iter().filter(|one| one.contains("dryRun")).count();
        let written =
            requests.iter().filter(|one| !one.starts_with("GET") && !one.contains("dryRun")).count();
        println!("| {what} | {} | {dry} | {written} |", requests.len());
    };
    println!(
        "| Terraform, one release of 100 objects: requests | all | dry runs | writes |\n|---|--:|--:|--:|"
    );
    count("plan, all new", &["plan", "-no-color", "-out=plan.bin"]);
    count("apply of that plan", &["apply", "-no-color", "plan.bin"]);
    count("plan, nothing changed", &["plan", "-no-color"]);
    workspace.write("chart/values.yaml", "color: red\n");
    count("plan, ten objects changed", &["plan", "-no-color", "-out=plan.bin"]);
    count("apply of that plan", &["apply", "-no-color", "plan.bin"]);
    count("destroy", &["destroy", "-no-color", "-auto-approve"]);
}

const TERRAFORM: &str = r#"
terraform {
  required_providers {
    strata = {
      source = "stratahq/strata"
    }
  }
}
provider "strata" {
  root = path.root
  cluster {
    name         = "one"
    kube_version = "1.36.0"
    host         = "HOST"
    token        = "any"
  }
}
resource "strata_release" "many" {
  name      = "many"
  namespace = "NAMESPACE"
  cluster   = "one"
  chart {
    path = "chart"
  }
  delivery {
    cluster {}
  }
}
"#;

fn took(servers: &ControlPlane, work: impl FnOnce()) -> Took {
    let of_servers = || cpu_with_children(servers.process()).as_secs_f64();
    let of_all = || cpu_with_children(std::process::id()).as_secs_f64();
    let (all, server) = (of_all(), of_servers());
    let seconds = timed(work);
    let servers = of_servers() - server;
    Took { seconds, servers, client: of_all() - all - servers }
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn per(requests: u64, objects: usize) -> f64 {
    requests as f64 / objects as f64
}
