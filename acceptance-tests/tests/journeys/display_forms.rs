//! What Terraform prints for display forms: a release before and after typical changes, planned by the real Terraform
//! as maps of JSON texts, recorded in `fixtures/display_forms`. `STRATA_RECORD=1` records anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use strata::manifest::mask::{Masker, Revisions};
use strata::manifest::object::identify;
use strata::manifest::surface::{Desired, Detail, Surface, surface};
use strata::manifest::yaml;

const RELEASE: &str = include_str!("../../fixtures/display_forms/release.yaml");

/// A change: its name and what is replaced in the release's text.
type Case = (&'static str, &'static [(&'static str, &'static str)]);

const CASES: &[Case] = &[
    ("one_value", &[("replicas: 2", "replicas: 3")]),
    (
        "chart_bump",
        &[("shop-1.7.0", "shop-1.8.0"), ("4.2.0", "4.3.0"), ("4bf5122f344554c5", "9c1185a5c5e9fc54")],
    ),
    ("object_removed", &[("apiVersion: v1\nkind: Service\n", "removed: true\n")]),
    ("object_added", &[("removed: true\n", "")]),
    ("definition_changed", &[("served: true\n      storage: false", "served: false\n      storage: false")]),
    ("definition_schema_changed", &[("items: {type: array, items: {type: string}}", "items: {type: array}")]),
    ("secret_changed", &[("password: aHVudGVyMg==", "password: aHVudGVyMw==")]),
    ("text_file_line_changed", &[("proxy_read_timeout 30s", "proxy_read_timeout 60s")]),
    ("text_file_line_added", &[("          expires 1d;\n", "          expires 1d;\n          gzip on;\n")]),
    ("document_value_changed", &[("read: 5s", "read: 15s"), ("\"limit\": 50", "\"limit\": 100")]),
    (
        "variable_added",
        &[(
            "            - {name: REGION",
            "            - {name: NEW, value: \"1\"}\n            - {name: REGION",
        )],
    ),
    ("argument_added", &[("--feature=search,", "--feature=search, --feature=wishlist,")]),
    (
        "verb_added",
        &[(
            "resources: [leases], verbs: [create, get, update]",
            "resources: [leases], verbs: [create, get, patch, update]",
        )],
    ),
    (
        "list_reordered",
        &[(
            "            - {name: LOG_LEVEL, value: info}\n            - {name: REGION, value: eu-west-1}\n",
            "            - {name: REGION, value: eu-west-1}\n            - {name: LOG_LEVEL, value: info}\n",
        )],
    ),
    ("port_renamed", &[("name: metrics, containerPort", "name: prom, containerPort")]),
];

#[test]
fn plans_read_well() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut before = BTreeMap::new();
    let mut after = BTreeMap::new();
    for (name, changes) in CASES {
        let changed = changes.iter().fold(RELEASE.to_owned(), |text, (old, new)| text.replace(old, new));
        let (old, new) = match *name {
            "object_added" => {
                (RELEASE.replace("apiVersion: v1\nkind: Service\n", "removed: true\n"), RELEASE.to_owned())
            }
            _ => (RELEASE.to_owned(), changed),
        };
        assert_ne!(old, new, "{name} changes nothing");
        let (old, revisions) = shown(&old, &Revisions::default());
        let (new, _) = shown(&new, &revisions);
        before.insert(*name, old);
        after.insert(*name, new);
    }
    after.insert("create", shown(RELEASE, &Revisions::default()).0);
    compare(&planned(folder.path(), &before, &after));
}

fn shown(text: &str, revisions: &Revisions) -> (Value, Revisions) {
    let objects: Vec<Value> = text
        .split("---\n")
        .map(|document| yaml::read(document).expect("the release is YAML"))
        .filter(|object| object.get("removed").is_none())
        .collect();
    let ids = identify(&objects, "shop").expect("the release is a set of objects");
    let desired: Vec<Desired> = ids
        .into_iter()
        .zip(objects)
        .map(|(id, object)| Desired { id, object, marks: Default::default() })
        .collect();
    let mut masker = Masker::new(Some(b"key"), revisions);
    let Surface { manifests, common_labels, digest, .. } = surface(&desired, Detail::Full, &mut masker);
    (json!({"manifests": manifests, "common_labels": common_labels, "digest": digest}), masker.finish())
}

/// Applies all cases' states before, and gives the plan of each to the state after.
fn planned(
    folder: &Path,
    before: &BTreeMap<&str, Value>,
    after: &BTreeMap<&str, Value>,
) -> BTreeMap<String, String> {
    configure(folder, before);
    terraform(folder, &["init", "-input=false"]);
    terraform(folder, &["apply", "-auto-approve", "-input=false"]);
    configure(folder, after);
    let plan = terraform(folder, &["plan", "-input=false", "-no-color"]);
    let mut plans = BTreeMap::new();
    for part in plan.split("\n  # terraform_data.").skip(1) {
        let name = part.split_whitespace().next().unwrap_or_default().to_owned();
        let lines = part.lines().skip_while(|line| !line.contains(" input "));
        let input: Vec<&str> = lines.take_while(|line| !line.contains(" output ")).collect();
        plans.insert(name, input.join("\n") + "\n");
    }
    plans
}

fn configure(folder: &Path, states: &BTreeMap<&str, Value>) {
    let mut config = String::new();
    for (name, state) in states {
        std::fs::write(folder.join(format!("{name}.json")), state.to_string())
            .expect("the folder is writable");
        config += &format!(
            "locals {{\n  {name} = jsondecode(file(\"{name}.json\"))\n}}\nresource \"terraform_data\" \"{name}\" {{\n  \
             input = {{\n    digest = local.{name}.digest\n    manifests = tomap(local.{name}.manifests)\n    \
             common_labels = tomap(local.{name}.common_labels)\n  }}\n}}\n"
        );
    }
    std::fs::write(folder.join("main.tf"), config).expect("the folder is writable");
}

fn terraform(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(acceptance_tests::terraform::program())
        .args(arguments)
        .env("CHECKPOINT_DISABLE", "1")
        .current_dir(folder)
        .output()
        .expect("terraform starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Compares with what was recorded. OpenTofu cuts the context of a few changes differently: its own record stands
/// beside Terraform's where the two differ.
fn compare(plans: &BTreeMap<String, String>) {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/display_forms"));
    let is_opentofu = acceptance_tests::terraform::program().ends_with("tofu");
    let mut different = Vec::new();
    for (name, plan) in plans {
        let (common, own) = (folder.join(format!("{name}.txt")), folder.join(format!("{name}.opentofu.txt")));
        let path = if is_opentofu && own.exists() { own } else { common };
        if std::env::var_os("STRATA_RECORD").is_some() {
            std::fs::write(&path, plan).expect("the gallery is writable");
        } else if std::fs::read_to_string(&path).unwrap_or_default() != *plan {
            different.push(format!("{name}:\n{plan}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert_eq!(plans.len(), CASES.len() + 1);
}
