//! Ways to a cluster that work, and those that do not: each says what is wrong, with which cluster and object, and what to do next.

use acceptance_tests::cluster::{Cluster, shared};
use serde_json::json;

use crate::site::{Site, configuration, connection, site};

/// A site that reaches its cluster in another way.
fn by(connection: impl Fn(&Cluster) -> String) -> Site {
    let site = site("");
    let connection = connection(site.cluster);
    site.workspace.write("main.tf", &configuration(&connection, &site.namespace, ""));
    site
}

fn address(cluster: &Cluster) -> String {
    format!("host = {:?}\n    certificate_authority = {:?}\n", cluster.host(), cluster.file("pki/ca.crt"))
}

/// Prints the cluster's token as a credential plugin does, after `first`.
fn plugin(cluster: &Cluster, first: &str) -> String {
    let answer = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": cluster.file("admin.token")}});
    format!("{first}\ncat <<'END'\n{answer}\nEND\n")
}

#[track_caller]
fn works(site: &Site) {
    site.workspace.apply().expect_success();
    assert!(site.get("configmaps", "small").is_some());
    site.workspace.assert_nothing_to_do();
}

#[test]
fn a_client_certificate_a_kubeconfig_and_a_plugin_work() {
    works(&by(|cluster| {
        let (certificate, key) = (cluster.file("pki/admin.crt"), cluster.file("pki/admin.key"));
        format!("{}    client_certificate = {certificate:?}\n    client_key = {key:?}", address(cluster))
    }));
    works(&by(|cluster| {
        format!(
            "kubeconfig {{\n path = {:?}\n context = \"c1\"\n }}",
            cluster.kubeconfig().display().to_string()
        )
    }));
    works(&by(|cluster| format!("kubeconfig {{\n content = {:?}\n }}", cluster.file("kubeconfig"))));
    let site = by(|cluster| {
        format!("{}    exec {{\n command = \"sh\"\n args = [\"plugin.sh\"]\n }}", address(cluster))
    });
    site.workspace.write("plugin.sh", &plugin(site.cluster, "echo run >> runs.txt"));
    site.workspace.plan().expect_success();
    assert_eq!(site.workspace.read("runs.txt").lines().count(), 1, "a plugin runs once for each process");
    works(&site);
}

#[test]
fn no_kubeconfig_of_the_environment_is_used() {
    let mut site = by(|_| String::new());
    let kubeconfig = site.cluster.kubeconfig().display().to_string();
    site.workspace.set("KUBECONFIG", &kubeconfig);
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("does not say how cluster \"one\" is reached"), "{told}");
}

/// The plan is made offline with a warning, and the apply fails with the same reason.
#[track_caller]
fn out_of_reach(site: &Site, expected: &str) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = site.workspace.plan().expect_success();
    assert!(plan.stdout.contains("is planned without asking its cluster"), "{}", plan.stdout);
    let told = site.workspace.apply().expect_failure();
    assert!(words(&told).contains(expected), "{told}");
}

#[test]
fn who_cannot_be_reached_is_named() {
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("a port");
    let site = by(|_| format!("host = \"https://{closed}\"\n    token = \"t\""));
    site.workspace.replace("main.tf", "create = \"60s\"", "create = \"3s\"");
    out_of_reach(&site, &format!("cluster one does not answer at https://{closed}"));

    let other = shared().cluster(1).file("pki/ca.crt");
    let site = by(|cluster| {
        format!("host = {:?}\n    certificate_authority = {other:?}\n    token = \"t\"", cluster.host())
    });
    out_of_reach(&site, "shows a certificate that cannot be trusted");

    let site = by(|cluster| {
        format!(
            "{}    exec {{\n command = \"sh\"\n args = [\"plugin.sh\"]\n timeout_seconds = 1\n }}",
            address(cluster)
        )
    });
    site.workspace.write("plugin.sh", &plugin(site.cluster, "exec sleep 60"));
    out_of_reach(&site, "did not end within 1 s; it gets no terminal and no input");
    site.workspace.write("plugin.sh", "echo 'please log in first' >&2; exit 1\n");
    out_of_reach(&site, "please log in first");
    let site = by(|_| "kubeconfig {\n path = \"missing\"\n }".to_owned());
    out_of_reach(&site, "the kubeconfig of cluster one cannot be used");
}

#[track_caller]
fn refused(site: &Site, expected: &[&str]) {
    let told = site.workspace.plan().expect_failure();
    let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words.contains(part), "{part} is not in\n{told}");
    }
}

#[test]
fn who_may_not_is_told_in_the_plan() {
    let site = by(|cluster| format!("{}    token = \"wrong\"", address(cluster)));
    refused(&site, &["cluster one does not accept the credentials", "expired"]);
    let site = by(|cluster| format!("{}    token = {:?}", address(cluster), cluster.file("viewer.token")));
    refused(&site, &["User \"viewer\" cannot get resource \"configmaps\"", "grant the verb"]);
}

#[test]
fn what_the_server_refuses_is_told_in_the_plan_with_the_object() {
    let site = site("");
    let write = |text: &str| site.workspace.write("chart/templates/config.yaml", text);
    write("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\nspec: {a: 1}\n");
    refused(&site, &["v1/ConfigMap", ".spec: field not declared in schema"]);
    write(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: app, image: a}]}}}\n",
    );
    refused(&site, &["apps/v1/Deployment", "`selector` does not match template `labels`"]);
    write("apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: x}\n");
    refused(&site, &["does not know example.com/v1 Nothing", "neither in the cluster nor among the objects"]);
    write("apiVersion: networking.k8s.io/v1beta1\nkind: Ingress\nmetadata: {name: x}\n");
    refused(&site, &["it knows networking.k8s.io/v1 Ingress", "write that apiVersion"]);
    write(
        "apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec:\n  ports:\n  - name: http\n    port: {{ .Values.size }}\n",
    );
    site.workspace.write("base.yaml", "color: green\nsize: 99999999\n");
    refused(
        &site,
        &[
            "spec.ports[0].port: Invalid value: 99999999",
            "spec.ports[0].port is written by chart/templates/config.yaml:7, from size (base.yaml:2:1)",
        ],
    );
    write(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\ntype: kubernetes.io/dockerconfigjson\nstringData: {.dockerconfigjson: hunter2-is-no-json}\n",
    );
    let told = site.workspace.plan().expect_failure();
    assert!(told.contains("v1/Secret") && !told.contains("hunter2"), "{told}");
}

#[test]
fn quotas_are_told_in_the_plan() {
    let site = site("");
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"count/configmaps": "0"}}});
    site.cluster.create(&site.path("resourcequotas", ""), &quota);
    let status = json!({"status": {"hard": {"count/configmaps": "0"}, "used": {"count/configmaps": "0"}}});
    site.cluster.patch(&format!("{}/status", site.path("resourcequotas", "few")), &status);
    site.cluster.eventually("the quota", |_| {
        let run = site.workspace.plan();
        (run.stderr.contains("exceeded quota") && run.stderr.contains("raise the ResourceQuota"))
            .then_some(())
    });
    site.cluster.delete(&site.path("resourcequotas", "few"));
}

#[test]
fn a_cluster_that_is_down_fails_its_own_releases_only() {
    let site = site("");
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("a port");
    let down = format!(
        "{}\n  }}\n  cluster {{\n    name = \"down\"\n    kube_version = \"1.36.0\"\n    host = \"https://{closed}\"\n    token = \"t\"",
        connection(site.cluster)
    );
    let one = configuration(&down, &site.namespace, "");
    let other = one.split("resource \"strata_release\"").nth(1).expect("it has a release");
    let other = other
        .replace("\"this\"", "\"down\"")
        .replace("cluster   = \"one\"", "cluster   = \"down\"")
        .replace("create = \"60s\"", "create = \"3s\"");
    site.workspace.write("main.tf", &format!("{one}\nresource \"strata_release\"{other}"));
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("cluster down does not answer"), "{told}");
    assert!(site.get("configmaps", "small").is_some(), "the other cluster has its release");
    assert_eq!(site.attribute("status"), "ready");
}

#[test]
fn a_release_that_moves_to_another_delivery_leaves_its_objects() {
    let site = site("");
    site.workspace.apply().expect_success();
    let block = site
        .workspace
        .read("main.tf")
        .split("  delivery {")
        .nth(1)
        .and_then(|rest| rest.split("  timeouts").next())
        .expect("a delivery")
        .to_owned();
    site.workspace.replace("main.tf", &format!("  delivery {{{block}"), "");
    let run = site.workspace.apply().expect_success();
    assert!(run.stdout.contains("leaves its objects in cluster one"), "{}", run.stdout);
    assert!(site.get("configmaps", "small").is_some() && site.inventory().is_empty());
    site.workspace.assert_nothing_to_do();
}
