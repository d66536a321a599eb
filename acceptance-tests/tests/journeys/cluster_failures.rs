//! Create, update and delete in a cluster, each failing before the first write, half-way, while waiting, interrupted and killed: state and
//! cluster stay true, nothing is lost, and the next apply converges.

use std::process::Child;
use std::time::{Duration, Instant};

use acceptance_tests::faulty::{Fault, Faulty, Rule};
use acceptance_tests::terraform::Run;
use http::Method;
use rustix::process::Signal;
use serde_json::json;

use crate::shop::changes;
use crate::site::{ADDRESS, Site, configuration, site};

const SECOND: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: second}\ndata: {color: {{ .Values.color }}}\n";
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  selector: {matchLabels: {app: app}}\n  template:\n    metadata: {labels: {app: app}}\n    spec: {containers: [{name: app, image: none}]}\n";
const NOT_NOW: Fault = Fault::Refuse(422, "Invalid", "not now");
/// Often enough for every retry.
const ALWAYS: usize = 1_000_000;

/// A site whose provider speaks with its cluster through a proxy, with two objects.
fn through(settings: &str) -> (Site, Faulty) {
    let site = site(settings);
    let faulty = Faulty::before(site.cluster);
    let connection = format!("host = {:?}\n    token = \"any\"", faulty.host());
    site.workspace.write("main.tf", &configuration(&connection, &site.namespace, settings));
    site.workspace.write("chart/templates/second.yaml", SECOND);
    (site, faulty)
}

/// Everything is as configured, in the cluster and in the state.
#[track_caller]
fn converges(site: &Site, color: &str) {
    site.workspace.apply().expect_success();
    site.workspace.assert_nothing_to_do();
    for name in ["small", "second"] {
        assert_eq!(site.get("configmaps", name).expect("it is there")["data"]["color"], color, "{name}");
    }
    assert_ne!(site.attribute("status"), "incomplete");
    let inventory = site.inventory();
    assert!(inventory.iter().any(|line| line.ends_with("/second")), "{inventory:?}");
}

#[track_caller]
fn assert_updates(site: &Site) {
    site.workspace.plan().expect_success();
    assert_eq!(
        changes(&site.workspace.plan_json()),
        [format!("{ADDRESS} update")],
        "no taint, no replacement"
    );
}

#[test]
fn create_refused_before_the_first_write_keeps_nothing() {
    let (site, faulty) = through("preview = \"offline\"");
    faulty.add(Rule::on(Method::PATCH, "dryRun", ALWAYS, NOT_NOW));
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("cannot be applied") && told.contains("not now"), "{told}");
    assert!(site.workspace.attributes(ADDRESS).is_none() && site.get("configmaps", "small").is_none());
    assert!(site.inventory().is_empty());
    faulty.heal();
    converges(&site, "green");
}

#[test]
fn create_refused_half_way_is_kept_and_resumed() {
    let (site, faulty) = through("");
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, NOT_NOW));
    let run = site.workspace.apply().expect_success();
    assert!(run.stdout.contains("is incomplete") && run.stdout.contains("not now"), "{}", run.stdout);
    assert_eq!(site.attribute("status"), "incomplete");
    assert_eq!(site.inventory().len(), 2, "what may be there is written down");
    faulty.heal();
    assert_updates(&site);
    converges(&site, "green");
}

#[test]
fn create_refused_half_way_is_an_error_where_it_says_so() {
    let (site, faulty) = through("on_create_failure = \"taint\"");
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, NOT_NOW));
    site.workspace.apply().expect_failure();
    assert_eq!(site.attribute("status"), "incomplete");
    faulty.heal();
    converges(&site, "green");
}

#[test]
fn create_that_waits_in_vain_is_kept_and_says_why() {
    let (site, _faulty) = through("");
    site.workspace.write("chart/templates/app.yaml", DEPLOYMENT);
    site.workspace.replace("main.tf", "create = \"60s\"", "create = \"8s\"");
    let run = site.workspace.apply().expect_success();
    assert!(run.stdout.contains("is not ready"), "{}", run.stdout);
    assert_eq!(site.attribute("status"), "incomplete");
    become_available(&site);
    assert_updates(&site);
    converges(&site, "green");
    assert_eq!(site.attribute("status"), "ready");
}

/// Writes the status of the Deployment, as its controller would.
fn become_available(site: &Site) {
    let generation =
        site.get("apps/v1/deployments", "app").expect("it is there")["metadata"]["generation"].clone();
    let status = json!({"observedGeneration": generation, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1});
    site.cluster
        .patch(&format!("{}/status", site.path("apps/v1/deployments", "app")), &json!({ "status": status }));
}

#[test]
fn update_refused_before_the_first_write_changes_nothing() {
    let (site, faulty) = through("preview = \"offline\"");
    site.workspace.apply().expect_success();
    let before = site.workspace.attributes(ADDRESS);
    site.workspace.replace("base.yaml", "green", "red");
    faulty.add(Rule::on(Method::PATCH, "dryRun", ALWAYS, NOT_NOW));
    site.workspace.apply().expect_failure();
    assert_eq!(site.workspace.attributes(ADDRESS), before);
    assert_eq!(site.get("configmaps", "small").expect("it stays")["data"]["color"], "green");
    faulty.heal();
    assert_updates(&site);
    converges(&site, "red");
}

#[test]
fn update_refused_half_way_shows_what_is_really_there() {
    let (site, faulty) = through("");
    site.workspace.apply().expect_success();
    site.workspace.replace("base.yaml", "green", "red");
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, NOT_NOW));
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("is incomplete") && told.contains("not now"), "{told}");
    let form = |name: &str| {
        site.attribute("manifests")[format!("v1/ConfigMap/{}/{name}", site.namespace)].to_string()
    };
    assert!(
        form("small").contains("red") && form("second").contains("green"),
        "{}",
        site.attribute("manifests")
    );
    faulty.heal();
    assert_updates(&site);
    converges(&site, "red");
}

#[test]
fn update_that_waits_in_vain_fails_and_converges() {
    let (site, _faulty) = through("");
    site.workspace.write("chart/templates/app.yaml", DEPLOYMENT);
    let apply = site.workspace.start(&["apply", "-no-color", "-auto-approve"]);
    site.cluster.eventually("the deployment", |_| site.get("apps/v1/deployments", "app"));
    become_available(&site);
    finished(apply).expect_success();
    site.workspace.replace("chart/templates/app.yaml", "image: none", "image: other");
    site.workspace.replace("main.tf", "update = \"60s\"", "update = \"8s\"");
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("is not ready"), "{told}");
    become_available(&site);
    assert_updates(&site);
    converges(&site, "green");
}

#[test]
fn delete_refused_keeps_what_is_left_and_a_second_destroy_succeeds() {
    let (site, faulty) = through("");
    site.workspace.apply().expect_success();
    faulty.add(Rule::on(
        Method::DELETE,
        "configmaps/second",
        ALWAYS,
        Fault::Refuse(403, "Forbidden", "User \"x\" cannot delete"),
    ));
    let told = site.workspace.destroy().expect_failure();
    assert!(told.contains("is not gone") && told.contains("cannot delete"), "{told}");
    let manifests = site.attribute("manifests");
    assert_eq!(manifests.as_object().map(serde_json::Map::len), Some(1), "{manifests}");
    assert!(!site.inventory().is_empty(), "what is still there is not forgotten");
    faulty.heal();
    site.workspace.destroy().expect_success();
    assert!(site.get("configmaps", "second").is_none() && site.inventory().is_empty());
}

#[test]
fn delete_held_by_a_finalizer_names_it() {
    let (site, _faulty) = through("");
    site.workspace.apply().expect_success();
    let path = site.path("configmaps", "second");
    site.cluster.patch(&path, &json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    site.workspace.replace("main.tf", "delete = \"60s\"", "delete = \"6s\"");
    site.workspace.apply().expect_success();
    let told = site.workspace.destroy().expect_failure();
    assert!(told.contains("example.com/hold (set by kubectl-edit)"), "{told}");
    site.cluster.patch(&path, &json!({"metadata": {"finalizers": null}}));
    site.workspace.destroy().expect_success();
}

#[test]
fn delete_whose_answer_is_lost_is_done_at_the_next_try() {
    let (site, faulty) = through("");
    site.workspace.apply().expect_success();
    faulty.add(Rule::on(Method::DELETE, "configmaps/second", 1, Fault::BreakAfter));
    site.workspace.destroy().expect_success();
    assert!(site.get("configmaps", "second").is_none() && site.inventory().is_empty());
}

/// Starts an apply, stops it with `signal` once the first object is there and the second hangs, and converges.
fn stopped(update: bool, signal: Signal) {
    let (site, faulty) = through("");
    if update {
        site.workspace.apply().expect_success();
        site.workspace.replace("base.yaml", "green", "red");
    }
    let color = if update { "red" } else { "green" };
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, Fault::Late(Duration::from_secs(4))));
    let apply = site.workspace.start(&["apply", "-no-color", "-auto-approve"]);
    site.cluster.eventually("the first object", |_| {
        site.get("configmaps", "small").filter(|map| map["data"]["color"] == color)
    });
    end(&site, apply, signal);
    faulty.heal();
    assert_eq!(site.inventory().len(), 2, "what may be there is written down");
    converges(&site, color);
}

/// Sends a signal to Terraform and the provider, as a terminal does, and waits until both have ended.
fn end(site: &Site, terraform: Child, signal: Signal) -> Run {
    let group = rustix::process::Pid::from_raw(i32::try_from(terraform.id()).expect("a pid")).expect("a pid");
    rustix::process::kill_process_group(group, signal).expect("it runs");
    let run = finished(terraform);
    if signal == Signal::KILL {
        // Nobody was left to give the lock back, or to write the state.
        let _ = std::fs::remove_file(site.workspace.path().join(".terraform.tfstate.lock.info"));
    }
    run
}

fn finished(child: Child) -> Run {
    Run::of(&child.wait_with_output().expect("terraform ends"))
}

#[test]
fn create_interrupted_converges() {
    stopped(false, Signal::INT);
}

#[test]
fn create_killed_converges() {
    stopped(false, Signal::KILL);
}

#[test]
fn update_interrupted_converges() {
    stopped(true, Signal::INT);
}

#[test]
fn update_killed_converges() {
    stopped(true, Signal::KILL);
}

/// Starts a destroy, stops it with `signal` while the first object, which goes before the others, hangs; both ways on are open.
fn destroy_stopped(signal: Signal) {
    let (site, faulty) = through("wait = false");
    site.workspace.write("chart/templates/app.yaml", DEPLOYMENT);
    site.workspace.apply().expect_success();
    for goes_on in [false, true] {
        faulty.add(Rule::on(Method::DELETE, "deployments/app", ALWAYS, Fault::Late(Duration::from_secs(4))));
        let destroy = site.workspace.start(&["destroy", "-no-color", "-auto-approve"]);
        site.cluster.eventually("the first deletion", |_| {
            faulty.take_requests().iter().any(|one| one.starts_with("DELETE")).then_some(())
        });
        end(&site, destroy, signal);
        faulty.heal();
        assert!(site.get("configmaps", "small").is_some(), "no deletion begins after the signal");
        assert_eq!(site.inventory().len(), 3, "what may still be there is written down");
        assert!(site.workspace.attributes(ADDRESS).is_some(), "and in the state");
        if !goes_on {
            converges(&site, "green");
            site.cluster.eventually("the deployment", |_| site.get("apps/v1/deployments", "app"));
        }
    }
    site.workspace.destroy().expect_success();
    assert!(site.get("configmaps", "second").is_none() && site.inventory().is_empty());
}

#[test]
fn destroy_interrupted_goes_on_or_comes_back() {
    destroy_stopped(Signal::INT);
}

#[test]
fn destroy_killed_goes_on_or_comes_back() {
    destroy_stopped(Signal::KILL);
}

#[test]
fn a_server_that_stalls_is_not_waited_for_longer_than_the_timeouts_say() {
    let (site, faulty) = through("");
    site.workspace.replace("main.tf", "create = \"60s\"", "create = \"6s\"");
    site.workspace.replace("main.tf", "update = \"60s\"", "update = \"6s\"");
    site.workspace.replace("main.tf", "delete = \"60s\"", "delete = \"6s\"\n    read = \"4s\"");
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, Fault::Never));
    let begun = Instant::now();
    let run = site.workspace.apply().expect_success();
    assert!(
        run.stdout.contains("is incomplete") && run.stdout.contains("no answer came in time"),
        "{}",
        run.stdout
    );
    assert_eq!(site.attribute("status"), "incomplete");
    faulty.heal();
    converges(&site, "green");

    site.workspace.replace("base.yaml", "green", "red");
    faulty.add(Rule::on_writes("configmaps/second", ALWAYS, Fault::Never));
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("no answer came in time"), "{told}");
    faulty.heal();
    converges(&site, "red");

    faulty.add(Rule::on(Method::GET, "configmaps", ALWAYS, Fault::Never));
    let plan = site.workspace.plan().expect_success();
    assert!(plan.stdout.contains("drift could not be looked for"), "{}", plan.stdout);
    assert!(site.workspace.attributes(ADDRESS).is_some(), "nothing is dropped");
    faulty.heal();

    faulty.add(Rule::on(Method::DELETE, "configmaps/second", ALWAYS, Fault::Never));
    let told = site.workspace.destroy().expect_failure();
    assert!(told.contains("is not gone") && told.contains("no answer came in time"), "{told}");
    faulty.heal();
    site.workspace.destroy().expect_success();
    assert!(site.get("configmaps", "second").is_none() && site.inventory().is_empty());
    assert!(begun.elapsed() < Duration::from_secs(120), "{:?}", begun.elapsed());
}

#[test]
fn a_token_that_expires_half_way_is_renewed_where_a_program_gives_it_and_told_otherwise() {
    let expired =
        || Rule::on_writes("configmaps/second", 1, Fault::Refuse(401, "Unauthorized", "Unauthorized"));
    let (site, faulty) = through("");
    faulty.add(expired());
    let run = site.workspace.apply().expect_success();
    assert!(
        run.stdout.contains("does not accept the credentials") && run.stdout.contains("wrong, expired"),
        "{}",
        run.stdout
    );
    assert_eq!(site.attribute("status"), "incomplete");
    converges(&site, "green");

    let (site, faulty) = through("");
    let plugin = "exec {\n command = \"sh\"\n args = [\"plugin.sh\"]\n }";
    site.workspace.replace("main.tf", "token = \"any\"", plugin);
    let answer = json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "any"}});
    site.workspace.write("plugin.sh", &format!("echo run >> runs.txt\necho '{answer}'\n"));
    site.workspace.run(&["plan", "-no-color", "-out=plan.bin"]).expect_success();
    site.workspace.write("runs.txt", "");
    faulty.add(expired());
    site.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    assert_eq!(
        site.workspace.read("runs.txt").lines().count(),
        2,
        "once at the start, and once when it had expired"
    );
    site.workspace.assert_nothing_to_do();
}

#[test]
fn what_ends_by_itself_is_waited_for() {
    let faults = [
        Fault::Busy(1),
        Fault::Refuse(500, "InternalError", "failed calling webhook \"x\": connection refused"),
        Fault::Refuse(500, "InternalError", "etcdserver: leader changed"),
        Fault::Refuse(503, "ServiceUnavailable", "starting"),
        Fault::Refuse(409, "Conflict", "Operation cannot be fulfilled on resourcequotas \"q\""),
        Fault::Refuse(
            403,
            "Forbidden",
            "unable to create new content in namespace x because it is being terminated",
        ),
        Fault::Break,
        Fault::BreakAfter,
        Fault::Half,
        Fault::Late(Duration::from_secs(2)),
    ];
    let (site, faulty) = through("");
    for (number, fault) in faults.into_iter().enumerate() {
        let color = format!("color{number}");
        site.workspace.write("base.yaml", &format!("color: {color}\n"));
        faulty.add(Rule::on_writes("configmaps/second", 2, fault.clone()));
        let run = site.workspace.apply();
        assert!(run.succeeded, "{fault:?}: {}", run.stderr);
        assert_eq!(
            site.get("configmaps", "second").expect("it is there")["data"]["color"],
            color,
            "{fault:?}"
        );
        faulty.heal();
    }
    site.workspace.assert_nothing_to_do();
}

#[test]
fn a_dry_run_that_lies_is_found_out_by_the_apply() {
    let (site, faulty) = through("");
    site.workspace.apply().expect_success();
    site.workspace.replace("base.yaml", "green", "red");
    // The dry run says yes, the apply a conflict.
    faulty.add(Rule::on_writes(
        "configmaps/second",
        ALWAYS,
        Fault::Refuse(409, "Conflict", "Apply failed with 1 conflict: conflict with \"other\""),
    ));
    let told = site.workspace.apply().expect_failure();
    assert!(told.contains("conflict with \"other\""), "{told}");
    faulty.heal();
    converges(&site, "red");
}

#[test]
fn a_cluster_that_does_not_answer_is_planned_offline_and_soon() {
    let (site, faulty) = through("");
    site.workspace.apply().expect_success();
    let host = faulty.host();
    drop(faulty);
    let begun = Instant::now();
    let plan = site.workspace.plan().expect_success();
    assert!(
        plan.stdout.contains("drift could not be looked for") && plan.stdout.contains(&host),
        "{}",
        plan.stdout
    );
    site.workspace.replace("base.yaml", "green", "red");
    let plan = site.workspace.plan().expect_success();
    assert!(plan.stdout.contains("is planned without asking its cluster"), "{}", plan.stdout);
    assert!(begun.elapsed() < Duration::from_secs(90), "{:?}", begun.elapsed());
    assert!(site.workspace.attributes(ADDRESS).is_some(), "nothing is dropped");
}
