//! Releases that are in a cluster already and come into the state by import: those that strata delivered, and Helm's.

use std::io::Write;

use acceptance_tests::helm;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::shop::changes;
use crate::site::{ADDRESS, Site, site};

fn import(site: &Site, name: &str) -> acceptance_tests::terraform::Run {
    site.workspace.run(&["import", "-no-color", ADDRESS, &format!("one/{}/{name}", site.namespace)])
}

/// Takes the block out that no import can know.
fn without_timeouts(site: &Site) {
    let timeouts = "  timeouts {\n    create = \"60s\"\n    update = \"60s\"\n    delete = \"60s\"\n  }\n";
    site.workspace.replace("main.tf", timeouts, "");
}

#[test]
fn what_was_delivered_to_a_cluster_comes_back_from_its_inventory() {
    let site = site("wait = false\n      create_namespace = true");
    let terraform = &site.workspace;
    without_timeouts(&site);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: '{{ randAlphaNum 12 }}'}\n";
    terraform.write("chart/templates/secret.yaml", secret);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let password = site.get("secrets", "key").expect("it is there")["data"]["password"].clone();

    terraform.run(&["state", "rm", ADDRESS]).expect_success();
    import(&site, "small").expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(site.attribute("status"), "applied");

    terraform.replace("base.yaml", "green", "red");
    terraform.apply().expect_success();
    assert_eq!(site.get("configmaps", "small").expect("it stays")["data"]["color"], "red");
    assert_eq!(site.get("secrets", "key").expect("it stays")["data"]["password"], password);
    terraform.assert_nothing_to_do();
}

/// Writes down a revision in the form in which Helm keeps it.
fn helm_revision(site: &Site, revision: u64, status: &str) {
    let manifest = "---\n# Source: small/templates/config.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\ndata:\n  color: green\n  size: \"1\"\n";
    let release = json!({
        "name": "small", "namespace": site.namespace, "version": revision,
        "info": {"status": status, "first_deployed": "2026-01-01T00:00:00Z"},
        "chart": {"metadata": {"name": "small", "version": "1.0.0", "apiVersion": "v2"}, "templates": [], "values": {"color": "blue"}},
        "config": {"color": "green"}, "manifest": manifest,
    });
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(release.to_string().as_bytes()).expect("memory takes it");
    let encoded = STANDARD.encode(packer.finish().expect("memory takes it"));
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
        "metadata": {
            "name": format!("sh.helm.release.v1.small.v{revision}"),
            "labels": {"owner": "helm", "name": "small", "status": status, "version": revision.to_string()},
        },
        "data": {"release": STANDARD.encode(encoded)},
    });
    site.cluster.create(&site.path("secrets", ""), &secret);
}

/// A chart as people have them: with a password that is drawn anew by each render, and an object that a later version has no more.
fn chart_of_helm(site: &Site) {
    let write = |name: &str, text: &str| site.workspace.write(&format!("chart/templates/{name}.yaml"), text);
    write(
        "secret",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: '{{ randAlphaNum 12 }}'}\n",
    );
    write(
        "deployment",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app, labels: {tier: one, extra: two, helm.sh/chart: small}}\nspec:\n  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec: {containers: [{name: app, image: 'app:1'}]}\n",
    );
    write("old", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n");
}

#[test]
fn a_release_of_helm_is_taken_over_with_its_objects() {
    let site = site("wait = false");
    let terraform = &site.workspace;
    without_timeouts(&site);
    chart_of_helm(&site);
    let helm = |arguments: &[&str]| {
        let all = [arguments, &["-n", &site.namespace]].concat();
        helm::run(terraform.path(), site.cluster, &all)
    };
    helm(&["install", "small", "chart", "--set", "color=red"]);
    helm(&["upgrade", "small", "chart", "--values", "base.yaml"]);
    let uid = |kind: &str, name: &str| site.get(kind, name).expect("it is there")["metadata"]["uid"].clone();
    let uids = || [uid("configmaps", "small"), uid("secrets", "key"), uid("apps/v1/deployments", "app")];
    let (before, password) =
        (uids(), site.get("secrets", "key").expect("it is there")["data"]["password"].clone());

    let told = import(&site, "small").expect_success();
    let told = format!("{}{}", told.stdout, told.stderr);
    assert!(told.contains("revision 2 of chart small 1.0.0") && told.contains("repository = …"), "{told}");
    assert_eq!(site.attribute("chart")["name"], "small");

    // A later version of the chart.
    terraform.remove("chart/templates/old.yaml");
    terraform.replace(
        "main.tf",
        "name = \"base\"\n    file = \"base.yaml\"",
        "name = \"values\"\n    values = \"color: green\\n\"",
    );
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), [format!("{ADDRESS} update")]);
    assert!(
        plan.stdout.contains("0 to destroy") && plan.stdout.contains("takes over objects"),
        "{}",
        plan.stdout
    );
    assert!(plan.stdout.contains("had and it has not"), "{}", plan.stdout);
    assert!(!plan.stdout.contains("[helm.sh/chart]"), "others never had that label: {}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(uids(), before, "nothing was made anew");
    assert_eq!(site.get("configmaps", "old"), None, "what the chart has no more is gone");
    assert_eq!(helm(&["list", "--short"]).trim(), "", "Helm lists it no more");
    let live = site.get("configmaps", "small").expect("it stays");
    assert_eq!(live["data"]["color"], "green");
    assert!(
        live["metadata"]["annotations"]["meta.helm.sh/release-name"].is_null(),
        "it is no longer Helm's: {live}"
    );
    assert_eq!(site.get("secrets", "key").expect("it stays")["data"]["password"], password);

    // What goes from the chart goes from the cluster, although Helm had written it too.
    terraform.replace("chart/templates/deployment.yaml", ", extra: two", "");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let labels = site.get("apps/v1/deployments", "app").expect("it stays")["metadata"]["labels"].clone();
    assert_eq!((&labels["tier"], &labels["extra"]), (&json!("one"), &Value::Null));
}

#[test]
fn what_cannot_be_taken_over_is_told_with_what_was_looked_for() {
    let site = site("");
    let told = import(&site, "small").expect_failure();
    for part in ["there is no release", "strata-release-small", "sh.helm.release.v1.small.vN"] {
        assert!(told.contains(part), "{told}");
    }
    helm_revision(&site, 1, "deployed");
    helm_revision(&site, 2, "pending-upgrade");
    let told = import(&site, "small").expect_failure();
    assert!(told.contains("pending-upgrade") && told.contains("helm rollback"), "{told}");
}
