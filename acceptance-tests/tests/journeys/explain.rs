//! `strata explain`, held against what really changes: a line of a layer is edited, and only the objects that it was said
//! to reach may differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use acceptance_tests::recorded::check_recorded;
use acceptance_tests::terraform::{Workspace, project_folder, provider_folder};
use serde_json::Value;

fn strata(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(provider_folder().join("strata"));
    command.args(arguments).current_dir(folder).output().expect("strata starts")
}

#[track_caller]
fn explained(folder: &Path, arguments: &[&str]) -> String {
    let output = strata(folder, &[&["explain"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

#[track_caller]
fn refused(folder: &Path, arguments: &[&str], expected: &str) {
    let output = strata(folder, &[&["explain"], arguments].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains(expected), "{error}");
}

fn fleet() -> Workspace {
    Workspace::copy_of(&project_folder().join("examples/fleet"))
}

fn guide(name: &str) -> PathBuf {
    project_folder().join("docs/guides").join(name)
}

#[track_caller]
fn assert_lines(answer: &str, expected: &[&str]) {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<String> = answer.lines().map(words).collect();
    for line in expected {
        assert!(lines.iter().any(|one| one == line), "{line:?} is not in\n{answer}");
    }
}

#[test]
fn a_field_names_the_values_the_lines_and_the_conditions_behind_it() {
    let fleet = fleet();
    let ask = |release: &str, object: &str, field: &str| {
        explained(fleet.path(), &["--fleet", "strata.yaml", release, object, field])
    };
    let answer = ask("gateway@prod-eu-1", "hpa/gateway", "spec.minReplicas");
    check_recorded(
        &guide("explain.md"),
        "field",
        &asked("gateway@prod-eu-1 hpa/gateway spec.minReplicas", &answer),
    );
    let image = "spec.template.spec.containers[gateway].image";
    let answer = ask("gateway@dev-1", "deployment/gateway", image);
    check_recorded(
        &guide("explain.md"),
        "helper",
        &asked(&format!("gateway@dev-1 deployment/gateway {image}"), &answer),
    );
    assert_lines(
        &ask("gateway@dev-1", "v1/Service/shop/gateway", "spec.ports[http].port"),
        &["spec.ports[http].port = 80", "written by port: 80 charts/gateway/templates/service.yaml:12"],
    );
    assert_lines(
        &ask("catalog@prod-eu-1", "deploy/catalog-cache", "spec.template.spec.containers[cache].resources"),
        &["from cache.memory = 1Gi environment (values/catalog/environments/prod.yaml:4:3)"],
    );
}

/// A question before its answer, as a terminal shows them.
fn asked(question: &str, answer: &str) -> String {
    format!("$ strata explain --fleet strata.yaml {question}\n{answer}")
}

#[test]
fn a_value_names_its_stack_and_the_fields_that_it_sets() {
    let fleet = fleet();
    let ask = |release: &str, path: &str| explained(fleet.path(), &["--fleet", "strata.yaml", release, path]);
    let answer = ask("gateway@prod-eu-1", "replicas");
    check_recorded(&guide("explain.md"), "value", &asked("gateway@prod-eu-1 replicas", &answer));
    assert_lines(
        &ask("catalog@prod-eu-1", "cache.memory"),
        &[
            "cache.memory = 1Gi",
            "decided by environment (values/catalog/environments/prod.yaml:4:3)",
            "shadows chart (charts/catalog/charts/cache/values.yaml:1:1): 128Mi",
            "sets apps/v1/Deployment/shop/catalog-cache spec.template.spec.containers[cache].args",
        ],
    );
    let all = explained(fleet.path(), &["--fleet", "strata.yaml", "catalog@prod-eu-1"]);
    assert_lines(
        &all,
        &["cache.policy = allkeys-lru", "decided by chart (charts/catalog/charts/cache/values.yaml:2:1)"],
    );
}

#[test]
fn flags_stand_above_all_layers() {
    let fleet = fleet();
    let layer = "global=values/gateway/environments/prod.yaml";
    let answer = explained(fleet.path(), &["charts/gateway", "replicas", "-l", layer, "--set", "replicas=7"]);
    assert_lines(
        &answer,
        &[
            "replicas = 7",
            "decided by --set (replicas=7)",
            "shadows global (values/gateway/environments/prod.yaml:1:1): 3",
            "shadows chart (charts/gateway/values.yaml:5:1): 1",
        ],
    );
    let line = "values/gateway/environments/prod.yaml:1";
    let answer = explained(fleet.path(), &["charts/gateway", line, "-l", layer, "--set", "replicas=7"]);
    assert_lines(&answer, &["is shadowed by --set replicas=7: it changes nothing"]);
}

#[test]
fn a_line_names_the_clusters_that_it_reaches_and_those_where_it_is_shadowed() {
    let fleet = fleet();
    let ask = |line: &str| explained(fleet.path(), &["--fleet", "strata.yaml", line]);
    let line = "values/gateway/environments/prod.yaml:1";
    check_recorded(&guide("explain.md"), "line", &asked(line, &ask(line)));
    let line = "values/payments/environments/prod.yaml:1";
    check_recorded(&guide("fleet.md"), "line of the fleet", &asked(line, &ask(line)));
    assert_lines(&ask("values/platform/stage.yaml:1"), &["reaches 2 of 72 releases, on 2 of 12 clusters"]);
    assert_lines(
        &ask("charts/search/values.yaml:15"),
        &["charts/search/values.yaml:15 (layer chart)", "reaches 6 of 72 releases, on 6 of 12 clusters"],
    );
    let template = ask("charts/gateway/templates/autoscaler.yaml:13");
    assert_lines(&template, &["reaches 6 of 72 releases, on 6 of 12 clusters", "spec.minReplicas"]);
}

const PATCH: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: gateway\nspec:\n  replicas: 9\n  template:\n    spec:\n      priorityClassName: shop\n";
const TARGETED: &str = "target: {kind: Service}\npatch: |\n  - {op: add, path: /metadata/annotations, value: {owner: payments}}\n";

#[test]
fn what_a_patch_sets_is_told_with_the_patch() {
    let fleet = fleet();
    fleet.write("patches/priority.yaml", PATCH);
    fleet.write("patches/owner.yaml", TARGETED);
    let ask = |object: &str, field: &str| {
        let patches = ["--patch", "patches/priority.yaml", "--patch", "patches/owner.yaml"];
        explained(
            fleet.path(),
            &[&["--fleet", "strata.yaml", "gateway@dev-1", object, field], &patches[..]].concat(),
        )
    };
    let priority = ask("deploy/gateway", "spec.template.spec.priorityClassName");
    assert_lines(
        &priority,
        &["spec.template.spec.priorityClassName = shop", "set by patch[0] patches/priority.yaml"],
    );
    assert_lines(
        &ask("deploy/gateway", "spec.replicas"),
        &["spec.replicas = 9", "set by patch[0] patches/priority.yaml"],
    );
    let owner = ask("svc/gateway", "metadata.annotations.owner");
    assert_lines(&owner, &["metadata.annotations.owner = payments", "set by patch[1] patches/owner.yaml"]);
    assert_lines(&ask("svc/gateway", "spec.ports[http].port"), &["spec.ports[http].port = 80"]);
    fleet.write("patches/owner.yaml", "owner: payments\n");
    let arguments =
        ["--fleet", "strata.yaml", "gateway@dev-1", "svc/gateway", "--patch", "patches/owner.yaml"];
    refused(fleet.path(), &arguments, "patches/owner.yaml is no patch");
}

#[test]
fn layers_that_are_templates_are_rendered_and_named() {
    let fleet = fleet();
    fleet.write("base.yaml", "domain: example.org\n");
    fleet.write("hosts.yaml.gotmpl", "env:\n  HOST: {{ .Release.Name }}.{{ .Values.domain }}\n");
    let ask = |what: &str| {
        let layers = ["-l", "base.yaml", "-l", "hosts.yaml.gotmpl", "--name", "web"];
        explained(fleet.path(), &[&["charts/gateway", what], &layers[..]].concat())
    };
    assert_lines(
        &ask("env.HOST"),
        &["env.HOST = web.example.org", "decided by hosts (hosts.yaml.gotmpl:2:3)"],
    );
    assert_lines(&ask("base.yaml:1"), &["may change what hosts.yaml.gotmpl renders to, a template above it"]);
    assert_lines(&ask("hosts.yaml.gotmpl:2"), &["spec.template.spec.containers[gateway].env[HOST].value"]);
}

#[test]
fn values_are_printed_with_their_origins_and_render_to_the_same() {
    let fleet = fleet();
    let folder = fleet.path();
    let output = strata(folder, &["values", "--fleet", "strata.yaml", "catalog@prod-eu-1"]);
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert_lines(
        &text,
        &[
            "replicas: 3 # environment values/catalog/environments/prod.yaml:1:1",
            "memory: 1Gi # environment values/catalog/environments/prod.yaml:4:3",
            "policy: allkeys-lru # chart charts/catalog/charts/cache/values.yaml:2:1",
            "PAGE_SIZE: '50' # global values/catalog/global.yaml:2:3",
        ],
    );
    fleet.write("all.yaml", &text);
    let layers =
        ["values/platform/prod.yaml", "values/catalog/global.yaml", "values/catalog/environments/prod.yaml"];
    let template = |layers: &[&str]| {
        let files = layers.iter().flat_map(|file| ["-f", file]);
        let arguments: Vec<&str> =
            ["template", "catalog", "charts/catalog"].into_iter().chain(files).collect();
        String::from_utf8(strata(folder, &arguments).stdout).expect("it is text")
    };
    assert!(template(&layers).contains("kind: Deployment"));
    assert_eq!(template(&["all.yaml"]), template(&layers));

    fleet.write("values/payments/clusters/dev-1.yaml", "databasePassword: correct-horse-battery\n");
    for form in ["yaml", "json"] {
        let output =
            strata(folder, &["values", "--fleet", "strata.yaml", "payments@dev-1", "--output", form]);
        let text = String::from_utf8(output.stdout).expect("it is text");
        assert!(text.contains("(sensitive)") && !text.contains("correct-horse"), "{text}");
    }
}

#[test]
fn what_is_misspelt_is_answered_with_what_is_near() {
    let fleet = fleet();
    let folder = fleet.path();
    let ask = |rest: &[&str], expected: &str| {
        refused(folder, &[&["--fleet", "strata.yaml"], rest].concat(), expected);
    };
    ask(&["gatway@prod-eu-1", "replicas"], "gateway@prod-eu-1");
    ask(&["gateway@prod-eu-1", "replica"], "the nearest keys are replicas");
    ask(&["gateway@prod-eu-1", "deploy/gatewy"], "the nearest objects are Deployment/gateway");
    ask(&["gateway@prod-eu-1", "deploy/gateway", "spec.replica"], "the nearest fields are ");
    ask(&["values/gateway/environments/prod.yml:1"], "values/gateway/environments/prod.yaml");
    ask(&["values/gateway/clusters/prod-eu-1.yaml:1"], "prod-eu-1.yaml:2 (replicas)");
    refused(folder, &["charts/gateway", "replicas", "spec"], "only an object has fields");
    refused(folder, &["--fleet", "nowhere.yaml", "a@b"], "nowhere.yaml");
    fleet.write("broken.yaml", "chart: charts/{service}\nlayer: []\n");
    refused(folder, &["--fleet", "broken.yaml", "a@b"], "unknown field `layer`");
}

#[test]
fn nothing_secret_is_shown() {
    let fleet = fleet();
    fleet.write("values/payments/clusters/dev-1.yaml", "databasePassword: correct-horse-battery\n");
    for rest in [
        &["payments@dev-1"][..],
        &["payments@dev-1", "databasePassword"],
        &["payments@dev-1", "secret/payments-database"],
        &["payments@dev-1", "secret/payments-database", "data.password"],
        &["values/payments/clusters/dev-1.yaml:1"],
    ] {
        for form in ["text", "json"] {
            let arguments = [&["--fleet", "strata.yaml", "--output", form], rest].concat();
            let answer = explained(fleet.path(), &arguments);
            assert!(!answer.contains("correct-horse"), "{answer}");
            assert!(answer.contains("(sensitive)"), "{answer}");
        }
    }
}

#[test]
fn what_a_flag_gives_beside_is_not_shown_and_nor_is_a_secret_of_a_chart_that_does_not_render() {
    let fleet = fleet();
    let given = ["--set", "replicas=2,databasePassword=correct-horse"];
    for what in ["replicas", "databasePassword", ""] {
        let answer = explained(fleet.path(), &[&["charts/payments", what], &given[..]].concat());
        assert!(!answer.contains("correct-horse"), "{answer}");
    }
    let broken = [&given[..], &["--set", "autoscaling=none"]].concat();
    for what in ["databasePassword", ""] {
        let answer = explained(fleet.path(), &[&["charts/payments", what], &broken[..]].concat());
        assert!(!answer.contains("correct-horse"), "{answer}");
    }
}

/// Release → object → its text, of the whole fleet.
fn rendered(fleet: &Workspace) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (cluster, environment, region, version) in CLUSTERS {
        for service in SERVICES {
            let layers = [
                format!("values/platform/{environment}.yaml"),
                format!("values/{service}/global.yaml"),
                format!("values/{service}/environments/{environment}.yaml"),
                format!("values/{service}/regions/{region}.yaml"),
                format!("values/{service}/clusters/{cluster}.yaml"),
            ];
            let mut arguments =
                vec!["template".to_owned(), (*service).to_owned(), format!("charts/{service}")];
            arguments.extend(
                ["--namespace", "shop", "--include-crds", "--kube-version", version].map(str::to_owned),
            );
            let there = layers.into_iter().filter(|file| fleet.path().join(file).exists());
            arguments.extend(there.flat_map(|file| ["-f".to_owned(), file]));
            let output = strata(fleet.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>());
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let text = String::from_utf8(output.stdout).expect("it is text");
            all.insert(format!("{service}@{cluster}"), objects(&text));
        }
    }
    all
}

/// Kind/name → text; what is drawn from chance is left out.
fn objects(text: &str) -> BTreeMap<String, String> {
    let word = |document: &str, field: &str| {
        document.lines().find_map(|line| line.strip_prefix(field)).map(str::to_owned).unwrap_or_default()
    };
    let documents = text.split("---\n").filter(|document| !document.trim().is_empty());
    documents
        .map(|document| {
            let kept: Vec<&str> = document.lines().filter(|line| !line.contains("password:")).collect();
            (
                format!("{}/{}", word(document, "kind: "), word(document, "  name: ")),
                kept.join("\n").trim_end().to_owned(),
            )
        })
        .collect()
}

const SERVICES: &[&str] = &["catalog", "gateway", "mailer", "orders", "payments", "search"];
const CLUSTERS: &[(&str, &str, &str, &str)] = &[
    ("dev-1", "dev", "eu", "1.35.0"),
    ("test-2", "test", "us", "1.34.2"),
    ("stage-eu", "stage", "eu", "1.34.2"),
    ("prod-eu-1", "prod", "eu", "1.33.4"),
    ("prod-ap-1", "prod", "ap", "1.33.4"),
];

/// Release → object → whether fields of it are named, told by `strata explain` for a line.
fn reached(fleet: &Workspace, line: &str) -> BTreeMap<String, BTreeMap<String, bool>> {
    let answer = explained(fleet.path(), &["--fleet", "strata.yaml", "--output", "json", line]);
    let answer: Value = serde_json::from_str(&answer).expect("it is JSON");
    let short = |key: &str| {
        let parts: Vec<&str> = key.split('/').collect();
        let kind =
            parts.iter().find(|part| part.starts_with(char::is_uppercase)).copied().unwrap_or_default();
        format!("{kind}/{}", parts.last().copied().unwrap_or_default())
    };
    let mut found = BTreeMap::new();
    for group in answer["groups"].as_array().expect("groups are a list") {
        let mut objects = BTreeMap::new();
        for key in group["may_change"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            objects.insert(if key.starts_with("what ") { key.to_owned() } else { short(key) }, false);
        }
        objects.extend(group["reaches"].as_object().expect("a map").keys().map(|key| (short(key), true)));
        for release in group["releases"].as_array().expect("a list").iter().filter_map(Value::as_str) {
            found.insert(release.to_owned(), objects.clone());
        }
    }
    found
}

#[test]
fn a_changed_line_changes_only_what_it_was_said_to_reach() {
    let fleet = fleet();
    let before = rendered(&fleet);
    let edits = [
        ("values/platform/prod.yaml", "logLevel: warn", "logLevel: error"),
        ("values/platform/dev.yaml", "registry: registry.dev.example.com", "registry: other.example.com"),
        ("values/gateway/environments/prod.yaml", "replicas: 3", "replicas: 4"),
        ("values/gateway/environments/prod.yaml", "  enabled: true", "  enabled: false"),
        ("values/gateway/global.yaml", "    memory: 128Mi", "    memory: 256Mi"),
        ("values/catalog/environments/stage.yaml", "  enabled: true", "  enabled: false"),
        ("values/catalog/environments/prod.yaml", "  memory: 1Gi", "  memory: 2Gi"),
        ("values/mailer/environments/prod.yaml", "  schedule: \"0 3 * * *\"", "  schedule: \"\""),
        ("values/search/global.yaml", "languages: [en, de, fr]", "languages: [en, it]"),
        ("values/orders/environments/prod.yaml", "  timeout: 1800", "  timeout: 900"),
        (
            "values/payments/environments/prod.yaml",
            "provider: https://pay.example.com",
            "provider: https://p.example.com",
        ),
    ];
    let (mut changed_objects, mut named_objects) = (0, 0);
    for (file, old, new) in edits {
        let text = fleet.read(file);
        let number = text.lines().position(|line| line == old).expect("the line is there") + 1;
        let told = reached(&fleet, &format!("{file}:{number}"));
        fleet.replace(file, old, new);
        let after = rendered(&fleet);
        fleet.write(file, &text);
        for (release, objects) in &before {
            let now = &after[release];
            let all: BTreeSet<&String> = objects.keys().chain(now.keys()).collect();
            for object in all.into_iter().filter(|object| objects.get(*object) != now.get(*object)) {
                changed_objects += 1;
                let told = told.get(release);
                let is_told = told.is_some_and(|told| {
                    told.contains_key(object) || told.keys().any(|one| one.starts_with("what "))
                });
                assert!(is_told, "{file}:{number}: {object} of {release} changed, told were {told:?}");
            }
        }
        named_objects += told
            .iter()
            .filter(|(release, _)| before.contains_key(*release))
            .flat_map(|(_, told)| told.values())
            .filter(|named| **named)
            .count();
    }
    assert!(changed_objects > 30, "{changed_objects} objects changed");
    assert!(
        named_objects <= changed_objects,
        "{named_objects} objects were named by field, {changed_objects} changed"
    );
}
