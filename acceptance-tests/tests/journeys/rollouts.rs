//! Workloads on a cluster where pods run: releases wait until they are ready, and say which pod, container and reason holds one up.

use acceptance_tests::faulty::{Fault, Faulty, Rule};
use acceptance_tests::nodes::shared_with_nodes;
use acceptance_tests::terraform::Run;
use http::Method;

use crate::site::{Site, configuration, site_on};

/// A release with workloads, each of one pod or more.
fn with(templates: &[&str]) -> Site {
    let site = site_on(shared_with_nodes(), "");
    write(&site, templates);
    site
}

fn write(site: &Site, templates: &[&str]) {
    site.workspace.write("chart/templates/workloads.yaml", &templates.join("---\n"));
}

fn workload(kind: &str, name: &str, image: &str) -> String {
    let more = match kind {
        "Deployment" => "replicas: 2\n  ",
        "StatefulSet" => "replicas: 2\n  serviceName: x\n  ",
        _ => "",
    };
    format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  {more}selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec: {{containers: [{{name: app, image: '{image}'}}]}}\n"
    )
}

fn job(name: &str, image: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}}}\nspec:\n  backoffLimit: 0\n  template: {{spec: {{restartPolicy: Never, containers: [{{name: work, image: '{image}'}}]}}}}\n"
    )
}

/// Text without its line breaks and frames.
fn words(run: &Run) -> String {
    let text = format!("{}\n{}", run.stdout, run.stderr).replace('│', " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn says(run: &Run, expected: &[&str]) {
    let told = words(run);
    for part in expected {
        assert!(told.contains(part), "{part} is not in\n{}\n{}", run.stdout, run.stderr);
    }
}

#[test]
fn workloads_of_every_kind_become_ready_and_roll_over() {
    let all = |image: &str| {
        [
            workload("Deployment", "web", image),
            workload("StatefulSet", "db", image),
            workload("DaemonSet", "agent", image),
            job("once", "done:1"),
        ]
    };
    let site = with(&all("app:1").each_ref().map(String::as_str));
    let terraform = &site.workspace;
    terraform.apply().expect_success();
    assert_eq!(site.attribute("status"), "ready");
    let status = |kind: &str, name: &str| site.get(kind, name).expect("it is there")["status"].clone();
    assert_eq!(status("apps/v1/deployments", "web")["availableReplicas"], 2);
    assert_eq!(status("apps/v1/statefulsets", "db")["readyReplicas"], 2);
    assert_eq!(status("apps/v1/daemonsets", "agent")["numberAvailable"], 1);
    assert_eq!(status("batch/v1/jobs", "once")["succeeded"], 1);
    terraform.assert_nothing_to_do();

    write(&site, &all("app:2").each_ref().map(String::as_str));
    terraform.apply().expect_success();
    assert_eq!(status("apps/v1/deployments", "web")["updatedReplicas"], 2, "the old pods are gone");
    assert_eq!(status("apps/v1/statefulsets", "db")["updatedReplicas"], 2);
    terraform.assert_nothing_to_do();
}

#[test]
fn a_rollout_costs_a_few_requests_however_long_it_takes() {
    let site = with(&[&workload("Deployment", "web", "forever:1")]);
    let faulty = through(&site);
    site.workspace.replace(
        "chart/templates/workloads.yaml",
        "replicas: 2",
        "replicas: 2\n  minReadySeconds: 12",
    );
    site.workspace.apply().expect_success();
    assert_eq!(site.attribute("status"), "ready");
    let requests = faulty.take_requests();
    let waiting: Vec<&String> = requests
        .iter()
        .skip_while(|one| !one.contains("deployments/web?") || one.contains("dryRun"))
        .filter(|one| one.contains("deployments"))
        .collect();
    assert!(waiting.iter().any(|one| one.contains("watch=true")), "{requests:#?}");
    // A write, a look, a watch, a report with reasons, a look; on a busy machine a watch comes to its end in between.
    assert!(waiting.len() <= 9, "{waiting:#?}");
}

#[test]
fn who_asks_for_it_sees_how_a_long_wait_goes_on() {
    let mut site =
        with(&[&workload("Deployment", "web", "forever:1"), &workload("Deployment", "api", "app:1")]);
    site.workspace.replace(
        "chart/templates/workloads.yaml",
        "replicas: 2",
        "replicas: 2\n  minReadySeconds: 14",
    );
    site.workspace.set("TF_LOG_PROVIDER", "INFO");
    let run = site.workspace.apply().expect_success();
    let told: Vec<&str> = run.stderr.lines().filter(|line| line.contains("ready after")).collect();
    let web = format!("apps/v1/Deployment/{}/web: ", site.namespace);
    let named = told.iter().any(|line| line.contains("1 of 2 ready after 1") && line.contains(&web));
    assert!(named, "{told:?}\n{}", run.stdout);
}

/// Lets a site speak with its cluster through a proxy.
fn through(site: &Site) -> Faulty {
    let faulty = Faulty::before(site.cluster);
    let connection = format!("host = {:?}\n    token = \"any\"", faulty.host());
    site.workspace.write("main.tf", &configuration(&connection, &site.namespace, ""));
    faulty
}

#[test]
fn a_server_that_lets_nobody_watch_is_asked_again_and_again() {
    let site = with(&[&workload("Deployment", "web", "app:1")]);
    let faulty = through(&site);
    let forbidden = Fault::Refuse(403, "Forbidden", "User \"x\" cannot watch");
    faulty.add(Rule::on(Method::GET, "watch=true", 2, forbidden));
    faulty.add(Rule::on(Method::GET, "watch=true", 2, Fault::Refuse(410, "Expired", "too old")));
    faulty.add(Rule::on(Method::GET, "watch=true", 1000, Fault::Never));
    site.workspace.replace(
        "chart/templates/workloads.yaml",
        "replicas: 2",
        "replicas: 2\n  minReadySeconds: 5",
    );
    site.workspace.apply().expect_success();
    assert_eq!(site.attribute("status"), "ready");
}

#[test]
fn who_is_never_ready_is_named_with_pod_container_and_reason() {
    let site = with(&[
        &workload("Deployment", "web", "missing:1"),
        &workload("Deployment", "loop", "crash:1"),
        &workload("DaemonSet", "agent", "app:1"),
    ]);
    site.workspace.replace("main.tf", "create = \"60s\"", "create = \"15s\"");
    let run = site.workspace.apply().expect_success();
    says(
        &run,
        &[
            "Deployment/",
            "0 of 2 pods are available; pod web-",
            "container app: ImagePullBackOff: Back-off pulling image \"missing:1\"",
            "pod loop-",
            "container app: CrashLoopBackOff: back-off 40s restarting failed container, last exit code 17",
        ],
    );
    assert!(!words(&run).contains("/agent is not ready"), "what is ready is not named\n{}", run.stdout);
    assert_eq!(site.attribute("status"), "incomplete");
    write(&site, &[&workload("Deployment", "web", "app:1"), &workload("DaemonSet", "agent", "app:1")]);
    site.workspace.apply().expect_success();
    assert_eq!(site.attribute("status"), "ready");
    site.workspace.assert_nothing_to_do();
}

#[test]
fn a_job_that_fails_ends_the_wait_and_tells_its_log() {
    let site = with(&[&job("migrate", "fail:1")]);
    let faulty = through(&site);
    let log = "starting\nconnecting to db\npassword is hunter2-long\nfatal: no such table\n";
    faulty.add(Rule::on(Method::GET, "/log?", 1, Fault::Text(log)));
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: hunter2-long}\n";
    site.workspace.write("chart/templates/secret.yaml", secret);
    let begun = std::time::Instant::now();
    let run = site.workspace.apply().expect_success();
    assert!(begun.elapsed().as_secs() < 45, "nobody waits for what has failed");
    says(
        &run,
        &[
            "BackoffLimitExceeded",
            "container work: Error, exit code 3",
            "its log ends:",
            "| fatal: no such table",
        ],
    );
    assert!(
        words(&run).contains("password is (sensitive)") && !words(&run).contains("hunter2"),
        "{}",
        run.stdout
    );

    // Without a kubelet there is no log, which is said and no more.
    let run = site.workspace.apply();
    assert!(!run.succeeded, "it still is not ready, and an update says so as an error");
    says(&run, &["container work: Error, exit code 3", "no log:"]);
}

#[test]
fn a_hook_that_fails_is_told_with_its_log_too() {
    let site = with(&[]);
    let faulty = through(&site);
    faulty.add(Rule::on(Method::GET, "/log?", 1, Fault::Text("fatal: no such table\n")));
    let hook = job("migrate", "fail:1").replace(
        "metadata: {name: migrate}",
        "metadata: {name: migrate, annotations: {helm.sh/hook: pre-install}}",
    );
    site.workspace.write("chart/templates/hook.yaml", &hook);
    site.workspace.replace("main.tf", "cluster   = \"one\"", "cluster   = \"one\"\n  hooks = \"run\"");
    let run = site.workspace.apply();
    says(&run, &["complete the hook batch/v1/Job", "BackoffLimitExceeded", "| fatal: no such table"]);
    assert!(site.get("configmaps", "small").is_none(), "nothing is written after a hook that failed");
}

#[test]
fn a_first_apply_that_is_never_ready_is_taken_back_where_it_says_so() {
    let site = with(&[&workload("Deployment", "web", "missing:1")]);
    let there = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"}, "data": {"color": "old"}});
    site.cluster.create(&site.path("configmaps", ""), &there);
    site.workspace.replace(
        "main.tf",
        "cluster {\n      ",
        "cluster {\n      on_create_failure = \"rollback\"\n      adopt = true\n",
    );
    site.workspace.replace("main.tf", "create = \"60s\"", "create = \"8s\"");
    let run = site.workspace.apply();
    assert!(!run.succeeded);
    says(&run, &["was taken back", "ImagePullBackOff"]);
    assert!(site.get("apps/v1/deployments", "web").is_none() && site.inventory().is_empty());
    assert!(site.get("configmaps", "small").is_some(), "what was there before stays");
    assert!(site.workspace.attributes(crate::site::ADDRESS).is_none(), "nothing is kept in the state");
    write(&site, &[&workload("Deployment", "web", "app:1")]);
    site.workspace.apply().expect_success();
    site.workspace.assert_nothing_to_do();
}

/// A Job and a ConfigMap as hooks of a removal, in the place of what else the chart has.
fn farewell(image: &str) -> String {
    let job = job("before", image).replace(
        "metadata: {name: before}",
        "metadata: {name: before, annotations: {helm.sh/hook: pre-delete}}",
    );
    format!(
        "{job}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: after, annotations: {{helm.sh/hook: post-delete}}}}\n"
    )
}

#[test]
fn hooks_of_a_removal_run_with_a_destroy_as_they_were_applied() {
    let site = with(&[]);
    let terraform = &site.workspace;
    terraform.replace("main.tf", "cluster   = \"one\"", "cluster   = \"one\"\n  hooks = \"run\"");
    terraform.write("chart/templates/hooks.yaml", &farewell("fail:1"));
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(site.get("batch/v1/jobs", "before").is_none(), "it is no hook of an installation");
    let run = terraform.destroy();
    assert!(!run.succeeded);
    says(&run, &["is not gone", "complete the hook batch/v1/Job", "exit code 3"]);
    assert!(site.get("configmaps", "small").is_some(), "nothing is removed after a hook that failed");
    assert_eq!(site.attribute("manifests").as_object().map(serde_json::Map::len), Some(1));

    terraform.write("chart/templates/hooks.yaml", &farewell("done:1"));
    let plan = terraform.plan().expect_success();
    let shown = acceptance_tests::terraform::shown_changes(&plan.stdout);
    assert!(shown.contains("containers[work].image\" = \"fail:1\" -> \"done:1\""), "{shown}");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(site.get("secrets", "strata-release-small-hooks").is_some());

    // The chart is gone by the time of the destroy.
    std::fs::remove_dir_all(terraform.path().join("chart")).expect("it is there");
    terraform.run(&["destroy", "-no-color", "-auto-approve", "-refresh=false"]).expect_success();
    let job = site.get("batch/v1/jobs", "before").expect("it ran");
    assert_eq!(job["status"]["succeeded"], 1);
    assert!(site.get("configmaps", "after").is_some() && site.get("configmaps", "small").is_none());
    assert!(site.inventory().is_empty() && site.get("secrets", "strata-release-small-hooks").is_none());
}
