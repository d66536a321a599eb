//! The fleet of the examples: one module on twelve clusters, planned, applied into one repository, changed by one line.

use std::collections::BTreeSet;

use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Workspace, is_opentofu, project_folder, shown_changes};

use crate::shop::changes;

/// Terraform applies ten resources at a time unless it is told otherwise, and a commit can hold only those that wait for it.
const MOST_COMMITS: usize = 3;
/// Lines that a plan may need for a release of which one field of one object changes.
const MOST_LINES: usize = 24;

fn fleet() -> Workspace {
    Workspace::copy_of(&project_folder().join("examples/fleet"))
}

#[test]
fn one_line_of_an_environment_shows_its_clusters_and_no_others() {
    let repository = Repository::new();
    let mut fleet = fleet();
    fleet.set("TF_VAR_repository", &repository.url());
    fleet.run(&["get", "-no-color"]).expect_success();
    let plan = fleet.plan().expect_success();
    assert!(plan.stdout.contains("Plan: 72 to add, 0 to change, 0 to destroy."), "{}", plan.stdout);
    assert!(!plan.stdout.contains("Warning: release"), "{}", plan.stdout);
    fleet.run(&["apply", "-no-color", "-parallelism=100", "plan.bin"]).expect_success();
    let commits = repository.commits() - 1;
    assert!((1..=MOST_COMMITS).contains(&commits), "72 releases are {commits} commits");
    for file in ["prod-eu-1/gateway", "dev-1/search"] {
        let prefix = format!("clusters/{file}/");
        assert!(repository.files().iter().any(|path| path.starts_with(&prefix)), "{file} is not delivered");
    }
    fleet.assert_nothing_to_do();

    fleet.replace("values/payments/environments/prod.yaml", "replicas: 2", "replicas: 3");
    let plan = fleet.plan().expect_success();
    let expected: BTreeSet<String> = ["eu-1", "eu-2", "us-1", "us-2", "ap-1", "ap-2"]
        .map(|cluster| format!("module.cluster[\"prod-{cluster}\"].strata_release.this[\"payments\"] update"))
        .into();
    assert_eq!(changes(&fleet.plan_json()).into_iter().collect::<BTreeSet<_>>(), expected);
    let shown = shown_changes(&plan.stdout);
    assert_eq!(shown.matches("\"spec.replicas\"").count(), 6, "{shown}");
    assert_eq!(shown.matches("= \"2 (environment)\" -> \"3 (environment)\"").count(), 6, "{shown}");
    let lines = shown.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 6 * MOST_LINES, "{lines} lines:\n{shown}");
    fleet.apply().expect_success();
    assert_eq!(repository.commits() - 1, commits + 1, "six releases are one commit");
    fleet.assert_nothing_to_do();

    // One cluster more is one line more.
    fleet.replace(
        "strata.yaml",
        "clusters:\n",
        "clusters:\n  prod-eu-3: {kube_version: 1.33.4, labels: {environment: prod, region: eu}}\n",
    );
    let plan = fleet.plan().expect_success();
    assert!(plan.stdout.contains("Plan: 6 to add, 0 to change, 0 to destroy."), "{}", plan.stdout);
}

#[test]
fn terraform_test_passes_and_fails_when_the_fleet_does() {
    let fleet = fleet();
    fleet.run(&["get", "-no-color"]).expect_success();
    let (tests, passed): (&[&str], _) = match is_opentofu() {
        true => (&["test", "-no-color", "-filter=tests/fleet.tftest.hcl"], "3 passed, 0 failed"),
        false => (&["test", "-no-color"], "5 passed, 0 failed"),
    };
    let run = fleet.run(tests).expect_success();
    assert!(run.stdout.contains(passed), "{}", run.stdout);
    fleet.replace("values/search/environments/prod.yaml", "replicas: 3", "replicas: 1");
    let error = fleet.run(&["test", "-no-color", "-filter=tests/fleet.tftest.hcl"]).expect_failure();
    assert!(error.contains("Search has a single replica in production"), "{error}");
}
