//! Releases that are in a cluster already and come into the state by import: those that strata delivered, and Helm's.

use std::io::Write;

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

fn of_helm(site: &Site) -> Value {
    let object = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "small",
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "small", "meta.helm.sh/release-namespace": site.namespace},
        },
        "data": {"color": "green", "size": "1"},
    });
    site.cluster.create(&format!("{}?fieldManager=helm", site.path("configmaps", "")), &object)
}

#[test]
fn a_release_of_helm_is_taken_over_with_its_objects() {
    let site = site("");
    let terraform = &site.workspace;
    without_timeouts(&site);
    let uid = of_helm(&site)["metadata"]["uid"].clone();
    (8..=10).for_each(|revision| {
        helm_revision(&site, revision, if revision == 10 { "deployed" } else { "superseded" });
    });
    let told = import(&site, "small").expect_success();
    let told = format!("{}{}", told.stdout, told.stderr);
    assert!(told.contains("revision 10 of chart small 1.0.0") && told.contains("repository = …"), "{told}");
    assert_eq!(
        site.attribute("chart")[0]["name"].as_str().or(site.attribute("chart")["name"].as_str()),
        Some("small")
    );

    let refused = terraform.plan().expect_failure();
    assert!(refused.contains("is looked after by Helm release"), "{refused}");
    terraform.replace("main.tf", "cluster {\n      ", "cluster {\n      adopt = true\n");
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
    terraform.apply().expect_success();
    let live = site.get("configmaps", "small").expect("it stays");
    assert_eq!((&live["metadata"]["uid"], &live["data"]["color"]), (&uid, &json!("green")));
    assert!(
        live["metadata"]["annotations"]["meta.helm.sh/release-name"].is_null(),
        "it is no longer Helm's: {live}"
    );
    assert_eq!(site.inventory(), [format!("v1 ConfigMap {}/small", site.namespace)]);
    assert_eq!(site.attribute("status"), "ready");
    terraform.assert_nothing_to_do();
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
