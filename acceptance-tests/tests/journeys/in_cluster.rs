//! A release delivered straight to a cluster: its life, drift, conflicts, other owners, and what a plan says of them.

use acceptance_tests::terraform::shown_changes;
use serde_json::json;

use crate::shop::{assert_shows, changes};
use crate::site::{ADDRESS, site};

#[test]
fn a_release_lives_in_a_cluster() {
    let site = site("");
    let terraform = &site.workspace;
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("Plan: 1 to add"), "{}", plan.stdout);
    assert!(site.get("configmaps", "small").is_none(), "a plan writes nothing");

    terraform.apply().expect_success();
    let live = site.get("configmaps", "small").expect("it was applied");
    assert_eq!(live["data"]["color"], "green");
    assert_eq!(site.attribute("status"), "ready");
    assert_eq!(site.inventory(), [format!("v1 ConfigMap {}/small", site.namespace)]);
    terraform.assert_nothing_to_do();

    terraform.replace("base.yaml", "green", "red");
    let plan = terraform.plan().expect_success();
    assert_shows(&shown_changes(&plan.stdout), r#"~ "data.color" = "green" -> "red""#);
    assert_eq!(changes(&terraform.plan_json()), [format!("{ADDRESS} update")]);
    terraform.apply().expect_success();
    assert_eq!(
        site.get("configmaps", "small").expect("it stays")["metadata"]["uid"],
        live["metadata"]["uid"]
    );
    terraform.assert_nothing_to_do();

    terraform.destroy().expect_success();
    assert!(site.get("configmaps", "small").is_none() && site.inventory().is_empty());
}

#[test]
fn what_leaves_the_chart_leaves_the_cluster_and_nothing_else_does() {
    let site = site("");
    let terraform = &site.workspace;
    let more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: b}\n";
    terraform.write("chart/templates/more.yaml", more);
    let others = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "others"}});
    site.cluster.create(&site.path("configmaps", ""), &others);
    terraform.apply().expect_success();
    terraform.remove("chart/templates/more.yaml");
    terraform.apply().expect_success();
    assert!(site.get("configmaps", "more").is_none(), "it was pruned");
    assert!(site.get("configmaps", "small").is_some() && site.get("configmaps", "others").is_some());
    terraform.assert_nothing_to_do();
}

#[test]
fn drift_is_shown_field_by_field_and_healed() {
    let site = site("");
    let terraform = &site.workspace;
    terraform.apply().expect_success();

    site.cluster.patch(&site.path("configmaps", "small"), &json!({"data": {"color": "pink", "others": "x"}}));
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "data.color" = "pink" -> "green""#);
    assert!(!shown.contains("others"), "a field of somebody else is no drift\n{shown}");
    terraform.apply().expect_success();
    let live = site.get("configmaps", "small").expect("it stays");
    assert_eq!((&live["data"]["color"], &live["data"]["others"]), (&json!("green"), &json!("x")));
    terraform.assert_nothing_to_do();

    site.cluster.delete(&site.path("configmaps", "small"));
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), [format!("{ADDRESS} update")], "{}", plan.stdout);
    terraform.apply().expect_success();
    assert!(site.get("configmaps", "small").is_some());
    terraform.assert_nothing_to_do();
}

#[test]
fn a_conflict_is_told_in_the_plan_with_owner_and_value() {
    let site = site("");
    let terraform = &site.workspace;
    terraform.apply().expect_success();
    let path = format!("{}?fieldManager=other-team&force=true", site.path("configmaps", "small"));
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"}, "data": {"color": "pink"}});
    site.cluster.request("PATCH", &path, "application/apply-patch+yaml", Some(&theirs));

    let told = terraform.plan().expect_failure();
    assert!(told.contains("data.color = \"pink\", owned by \"other-team\""), "{told}");
    terraform.replace("main.tf", "cluster {\n      ", "cluster {\n      force_conflicts = true\n");
    terraform.apply().expect_success();
    assert_eq!(site.get("configmaps", "small").expect("it stays")["data"]["color"], "green");
    terraform.assert_nothing_to_do();
}

#[test]
fn what_is_there_is_taken_over_visibly_and_from_others_only_when_told() {
    let site = site("");
    let terraform = &site.workspace;
    let mut there = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"}, "data": {"color": "old", "old": "x"}});
    let collection = format!("{}?fieldManager=kubectl-client-side-apply", site.path("configmaps", ""));
    site.cluster.create(&collection, &there);
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("takes over objects that are there already"), "{}", plan.stdout);
    terraform.apply().expect_success();
    let live = site.get("configmaps", "small").expect("it stays");
    assert_eq!(live["data"], json!({"color": "green", "size": "1"}), "what nobody says any more goes");
    terraform.destroy().expect_success();

    there["metadata"]["annotations"] =
        json!({"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"});
    site.cluster.create(&site.path("configmaps", ""), &there);
    let told = terraform.plan().expect_failure();
    assert!(told.contains("is looked after by Helm release shop/web"), "{told}");
    terraform.replace("main.tf", "cluster {\n      ", "cluster {\n      adopt = true\n");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn a_field_that_cannot_change_makes_that_object_anew_and_no_other() {
    let site = site("");
    let terraform = &site.workspace;
    let fixed = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\nimmutable: true\ndata: {color: {{ .Values.color }}}\n";
    terraform.write("chart/templates/fixed.yaml", fixed);
    terraform.apply().expect_success();
    let uid = |name: &str| site.get("configmaps", name).expect("it is there")["metadata"]["uid"].clone();
    let (fixed, small) = (uid("fixed"), uid("small"));
    terraform.replace("base.yaml", "green", "red");
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("deletes objects and makes them again"), "{}", plan.stdout);
    terraform.apply().expect_success();
    assert_ne!(uid("fixed"), fixed);
    assert_eq!(uid("small"), small);
    terraform.assert_nothing_to_do();
}

#[test]
fn two_releases_cannot_write_one_object() {
    let site = site("");
    let second = format!(
        "\nresource \"strata_release\" \"second\" {{\n  name = \"second\"\n  namespace = \"{}\"\n  cluster = \"one\"\n  chart {{\n    path = \"chart\"\n  }}\n  layer {{\n    name   = \"inline\"\n    values = \"{{}}\"\n  }}\n  delivery {{\n    cluster {{}}\n  }}\n}}\n",
        site.namespace
    );
    let configuration = site.workspace.read("main.tf");
    site.workspace.write("main.tf", &format!("{configuration}{second}"));
    site.workspace
        .write("chart/templates/config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\n");
    let told = site.workspace.plan().expect_failure();
    assert!(told.contains("writes objects that another resource writes too"), "{told}");
}

#[test]
fn definitions_namespaces_and_what_needs_them_come_in_one_apply() {
    let site = site("create_namespace = true");
    let terraform = &site.workspace;
    let (namespace, group) = (format!("{}-new", site.namespace), format!("{}.example.com", site.namespace));
    terraform.replace("main.tf", &format!("\"{}\"", site.namespace), &format!("\"{namespace}\""));
    terraform.write(
        "chart/templates/thing.yaml",
        &format!("apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: thing}}\nspec: {{size: 1}}\n"),
    );
    terraform.write("chart/crds/things.yaml", &format!("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{plural: things, singular: thing, kind: Thing, listKind: ThingList}}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}\n"));
    terraform.apply().expect_success();
    let thing = format!("/apis/{group}/v1/namespaces/{namespace}/things/thing");
    assert!(site.cluster.get(&thing).is_some());
    terraform.assert_nothing_to_do();
    let told = terraform.destroy().expect_failure();
    assert!(told.contains("allow_deletion_of"), "{told}");
    terraform.replace(
        "main.tf",
        "timeouts {",
        "allow_deletion_of = [\"CustomResourceDefinition\"]\n  timeouts {",
    );
    terraform.apply().expect_success();
    terraform.destroy().expect_success();
    assert!(
        site.cluster
            .get(&format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.{group}"))
            .is_none()
    );
}

#[test]
fn secrets_stay_hidden_and_their_drift_is_a_revision() {
    let site = site("");
    let terraform = &site.workspace;
    terraform.write("chart/templates/secret.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: {{ .Values.color }}hunter2}\n");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    site.cluster.patch(&site.path("secrets", "key"), &json!({"data": {"password": "c3RvbGVuLXNlY3JldA=="}}));
    let plan = terraform.plan().expect_success();
    assert_shows(
        &shown_changes(&plan.stdout),
        r#"~ "data.password" = "(sensitive, revision 2)" -> "(sensitive, revision 3)""#,
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let state = terraform.read("terraform.tfstate");
    for secret in ["greenhunter2", "stolen-secret", "c3RvbGVu"] {
        assert!(!state.contains(secret) && !plan.stdout.contains(secret), "{secret} is shown");
    }
}

const HOOKS: &str = "\
apiVersion: batch/v1
kind: Job
metadata: {name: before, annotations: {helm.sh/hook: 'pre-install,pre-upgrade', helm.sh/hook-delete-policy: 'before-hook-creation,hook-succeeded'}}
spec: {backoffLimit: 0, template: {spec: {restartPolicy: Never, containers: [{name: migrate, image: none}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: after, annotations: {helm.sh/hook: 'post-install'}}
";

/// Ends a Job as its controller would.
fn end_job(site: &crate::site::Site, how: (&str, &str)) {
    let time = "2026-01-02T03:04:05Z";
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Ended", "message": "by the journey", "lastTransitionTime": time, "lastProbeTime": time});
    let mut status = json!({"startTime": time, "conditions": [condition(how.0), condition(how.1)]});
    if how.1 == "Complete" {
        status["completionTime"] = json!(time);
        status["succeeded"] = json!(1);
    }
    site.cluster
        .patch(&format!("{}/status", site.path("batch/v1/jobs", "before")), &json!({ "status": status }));
}

#[test]
fn hooks_run_before_and_after_and_a_failed_one_stops_the_rest() {
    let site = site("");
    let terraform = &site.workspace;
    terraform.write("chart/templates/hooks.yaml", HOOKS);
    terraform.replace("main.tf", "cluster   = \"one\"", "cluster   = \"one\"\n  hooks = \"run\"");
    let apply = terraform.start(&["apply", "-no-color", "-auto-approve"]);
    site.cluster.eventually("the hook", |_| site.get("batch/v1/jobs", "before"));
    assert!(site.get("configmaps", "small").is_none(), "nothing is written before the hook has ended");
    end_job(&site, ("SuccessCriteriaMet", "Complete"));
    let run = acceptance_tests::terraform::Run::of(&apply.wait_with_output().expect("terraform ends"));
    run.expect_success();
    assert!(site.get("configmaps", "small").is_some() && site.get("configmaps", "after").is_some());
    assert!(site.get("batch/v1/jobs", "before").is_none(), "its policy says to delete it");
    assert_eq!(site.inventory().len(), 1, "hooks belong to nobody");
    terraform.assert_nothing_to_do();

    terraform.replace("base.yaml", "green", "red");
    let apply = terraform.start(&["apply", "-no-color", "-auto-approve"]);
    site.cluster.eventually("the hook", |_| site.get("batch/v1/jobs", "before"));
    end_job(&site, ("FailureTarget", "Failed"));
    let run = acceptance_tests::terraform::Run::of(&apply.wait_with_output().expect("terraform ends"));
    let told = run.expect_failure();
    assert!(told.contains("complete the hook batch/v1/Job") && told.contains("by the journey"), "{told}");
    assert_eq!(site.get("configmaps", "small").expect("it stays")["data"]["color"], "green");
}
