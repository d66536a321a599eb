//! Figures of the delivery to clusters, against one request after the other and against kubectl in the same run, on real API servers:
//! `make bench` calls it.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use acceptance_tests::cluster::{Cluster, ControlPlane};
use serde_json::{Value, json};
use strata::delivery::cluster::inventory::Parent;
use strata::delivery::cluster::{
    ApiServer, Clusters, ObjectSet, Patience, Policy, apply, kubeconfig, observe, preview,
};
use strata::manifest::mask::ObjectMarks;
use strata::manifest::object::identify;
use strata::manifest::surface::Desired;

/// Objects of the set that is applied.
const OBJECTS: usize = 500;
const LONGEST: Duration = Duration::from_secs(600);

fn main() {
    let servers = ControlPlane::start(4, &["--controllers", "none"]);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be made");
    let cluster = servers.cluster(0);
    one_cluster(&runtime, cluster);
    many_clusters(&runtime, &servers);
}

fn one_cluster(runtime: &tokio::runtime::Runtime, cluster: &Cluster) {
    let server = server(cluster, &cluster.name);
    let namespace = cluster.namespace("warm");
    runtime.block_on(bring(&server, &namespace, 20));

    let (ours, one_by_one, kubectl) =
        (cluster.namespace("a"), cluster.namespace("b"), cluster.namespace("c"));
    let before = server.requests();
    let took = timed(|| runtime.block_on(bring(&server, &ours, OBJECTS)));
    let requests = server.requests() - before;
    println!(
        "apply {OBJECTS} new objects, dry run of all included: {took:.2} s, {:.2} requests an object",
        per(requests, OBJECTS)
    );

    let single = timed(|| {
        for object in objects(&one_by_one, OBJECTS) {
            let path = path_of(&object, &one_by_one);
            let target = format!("{path}?fieldManager=bench");
            let (status, answer) =
                cluster.request("PATCH", &target, "application/apply-patch+yaml", Some(&object));
            assert!(status < 300, "{answer}");
        }
    });
    println!("the same, one request after the other: {single:.2} s; ratio {:.1}", single / took);

    match with_kubectl(&cluster.kubeconfig(), &kubectl) {
        Some(peer) => {
            println!("the same, kubectl apply --server-side: {peer:.2} s; ratio {:.1}", peer / took)
        }
        None => println!("kubectl is not on PATH: no ratio"),
    }

    let before = server.requests();
    let again = timed(|| runtime.block_on(bring(&server, &ours, OBJECTS)));
    println!(
        "apply them again, unchanged: {again:.2} s, {:.2} requests an object",
        per(server.requests() - before, OBJECTS)
    );

    let second = cluster.namespace("d");
    runtime.block_on(bring(&server, &second, OBJECTS));
    let before = server.requests();
    let looked = timed(|| {
        for namespace in [&ours, &second] {
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
        policy: Policy { wait: false, ..Policy::default() },
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

fn with_kubectl(kubeconfig: &Path, namespace: &str) -> Option<f64> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (number, object) in objects(namespace, OBJECTS).iter().enumerate() {
        let file = folder.path().join(format!("{number}.json"));
        std::fs::write(file, object.to_string()).expect("the file can be written");
    }
    let begun = Instant::now();
    let output = Command::new("kubectl")
        .args(["apply", "--server-side", "--kubeconfig"])
        .arg(kubeconfig)
        .arg("-f")
        .arg(folder.path())
        .env("HOME", folder.path())
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(begun.elapsed().as_secs_f64())
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn per(requests: u64, objects: usize) -> f64 {
    requests as f64 / objects as f64
}
