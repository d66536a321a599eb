//! Releases that are delivered to git, and what Flux's real controllers make of them in the cluster: that which the plan said.

use std::collections::{BTreeMap, BTreeSet};

use acceptance_tests::charts::{HelmRepository, PASSWORD, digest, package_folder};
use acceptance_tests::cluster::Cluster;
use acceptance_tests::flux_controllers::{Fleet, LOGIN, login, shared};
use acceptance_tests::terraform::{Workspace, project_folder};
use serde_json::{Value, json};
use strata::manifest::common_labels::CommonLabels;
use strata::manifest::diff;
use strata::manifest::display::DisplayForm;

use crate::shop::assert_shows;
use crate::site::connection;

const TEMPLATES: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  color: {{ .Values.color }}
  size: {{ .Values.size | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.size }}
  selector:
    matchLabels:
      app: {{ .Release.Name }}
  template:
    metadata:
      labels:
        app: {{ .Release.Name }}
    spec:
      containers:
      - name: app
        image: example.com/app:{{ .Chart.AppVersion }}
        env:
        - name: COLOR
          value: {{ .Values.color }}
";

/// A release of a small chart; `delivery` goes into its block of that name.
fn configuration(fleet: &Fleet<'_>, cluster: &Cluster, delivery: &str) -> String {
    let (user, password) = LOGIN;
    format!(
        r#"
terraform {{
  required_providers {{
    strata = {{
      source = "stratahq/strata"
    }}
  }}
}}

provider "strata" {{
  root = path.root
  repository {{
    name     = "clusters"
    url      = "{url}"
    username = "{user}"
    password = "{password}"
  }}
  cluster {{
    name         = "one"
    kube_version = "1.36.0"
    {connection}
  }}
}}

resource "strata_release" "this" {{
  name      = "small"
  namespace = "{namespace}"
  cluster   = "one"
  chart {{
    path = "chart"
  }}
  layer {{
    name = "base"
    file = "base.yaml"
  }}
  delivery {{
    {delivery}
  }}
}}
"#,
        url = fleet.url(),
        namespace = fleet.namespace,
        connection = connection(cluster),
    )
}

const TO_GIT: &str =
    "git {\n      repository = \"clusters\"\n      path       = \"clusters/one/small\"\n    }";

fn workspace(configuration: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("chart/Chart.yaml", "apiVersion: v2\nname: small\nversion: 1.0.0\nappVersion: \"1\"\n");
    workspace.write("chart/values.yaml", "color: blue\nsize: 1\n");
    workspace.write("chart/templates/all.yaml", TEMPLATES);
    workspace.write("base.yaml", "color: green\n");
    workspace.write("main.tf", configuration);
    workspace
}

/// Returns what changes: `object path = value`.
type Changes = BTreeSet<String>;

/// Returns what the last plan says that changes.
fn planned(workspace: &Workspace) -> Changes {
    let plan = workspace.plan_json();
    let change = &plan["resource_changes"][0]["change"];
    let form = |side: &str, key: &str| {
        let text = change[side]["manifests"][key].as_str().unwrap_or("{}");
        DisplayForm::from_json(text).expect("a manifest is a form")
    };
    let keys = change["after"]["manifests"].as_object().into_iter().flatten().map(|(key, _)| key);
    keys.flat_map(|key| shown(key, &form("before", key), &form("after", key))).collect()
}

/// Returns what has changed of live objects, by the keys of the plan.
fn changed(before: &[(String, Value)], after: &[(String, Value)]) -> Changes {
    let form = |object: &Value| DisplayForm::of(object, &CommonLabels::default());
    let pairs = before.iter().zip(after);
    pairs.flat_map(|((key, before), (_, after))| shown(key, &form(before), &form(after))).collect()
}

fn shown(key: &str, before: &DisplayForm, after: &DisplayForm) -> Vec<String> {
    let after = diff::fields(before, after).into_iter();
    after.map(|one| format!("{key} {} = {}", one.path, one.after.unwrap_or_default())).collect()
}

/// Returns the live objects of the release in the state.
fn live(workspace: &Workspace, cluster: &Cluster) -> Vec<(String, Value)> {
    let attributes = workspace.attributes("strata_release.this").expect("it is in the state");
    let keys = attributes["manifests"].as_object().into_iter().flatten().map(|(key, _)| key.clone());
    keys.map(|key| {
        let object = cluster.get(&path_of_key(&key)).unwrap_or_else(|| panic!("{key} is not there"));
        (key, object)
    })
    .collect()
}

fn path_of_key(key: &str) -> String {
    let id = strata::manifest::object::ObjectId::parse(key).expect("a key names an object");
    acceptance_tests::flux_controllers::path_of(&json!({
        "apiVersion": id.api_version, "kind": id.kind, "metadata": {"name": id.name, "namespace": id.namespace},
    }))
}

#[test]
fn manifests_in_git_are_applied_changed_and_pruned_as_the_plan_says() {
    let cluster = shared().cluster;
    let fleet = Fleet::new(cluster, "git");
    let other = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n  namespace: {}\n",
        fleet.namespace
    );
    fleet.repository.commit(&[("clusters/one/other.yaml", Some(&other))], "Something of others");
    let terraform = workspace(&configuration(&fleet, cluster, TO_GIT));
    terraform.apply().expect_success();
    fleet.reconciled("apps");
    let before = live(&terraform, cluster);
    assert_eq!(before.len(), 2);
    terraform.assert_nothing_to_do();

    terraform.write("base.yaml", "color: red\nsize: 3\n");
    terraform.plan().expect_success();
    let expected = planned(&terraform);
    assert_eq!(expected.len(), 4, "{expected:?}");
    terraform.apply().expect_success();
    fleet.reconciled("apps");
    assert_eq!(changed(&before, &live(&terraform, cluster)), expected);
    terraform.assert_nothing_to_do();

    terraform.destroy().expect_success();
    fleet.reconciled("apps");
    for (key, _) in &before {
        assert!(cluster.get(&path_of_key(key)).is_none(), "{key} is still there");
    }
    assert!(cluster.get(&fleet.path("v1", "configmaps", "other")).is_some(), "what is of others stays");
}

const AS_HELM_RELEASE: &str = "git {
      repository = \"clusters\"
      path       = \"clusters/one/small\"
      format     = \"helm_release\"
      helm_release {
        source_secret = \"charts\"
        spec          = yamlencode({ install = { disableWait = true }, upgrade = { disableWait = true } })
      }
    }";

/// A release of a published chart in the place of the small one, with the login of its repository in the cluster too.
fn published(fleet: &Fleet<'_>, cluster: &Cluster, charts: &HelmRepository, version: &str) -> Workspace {
    cluster.create(&fleet.path("v1", "secrets", ""), &login("charts", ("shop", PASSWORD)));
    let terraform = workspace(&configuration(fleet, cluster, AS_HELM_RELEASE));
    let chart = format!(
        "repository = \"{}\"\n    name       = \"web\"\n    version    = \"{version}\"",
        charts.url()
    );
    terraform.replace("main.tf", "path = \"chart\"", &chart);
    let registry = format!(
        "registry {{\n    host     = \"{}\"\n    username = \"shop\"\n    password = \"{PASSWORD}\"\n  }}\n  cluster {{",
        charts.host()
    );
    terraform.replace("main.tf", "cluster {", &registry);
    terraform
}

/// Returns the objects that Helm wrote down for the newest revision of the release, by name.
fn rendered_by_helm(fleet: &Fleet<'_>, cluster: &Cluster, revision: u64) -> BTreeMap<String, Value> {
    let secret = fleet.path("v1", "secrets", &format!("sh.helm.release.v1.small.v{revision}"));
    let release = cluster.eventually("Helm installs the release", |cluster| {
        let release = strata::release::helm_storage::read(&cluster.get(&secret)?).expect("it is a release");
        (release.status() == "deployed").then_some(release)
    });
    by_name(release.manifest.as_bytes())
}

fn by_name(text: &[u8]) -> BTreeMap<String, Value> {
    let documents = strata::release::documents::read_documents(text).expect("it is YAML");
    documents
        .into_iter()
        .map(|mut one| {
            // Helm says where an object goes when it sends it, and helm-controller writes its name on everything.
            one["metadata"].as_object_mut().map(|metadata| metadata.remove("namespace"));
            if let Some(labels) = one["metadata"]["labels"].as_object_mut() {
                labels.retain(|name, _| !name.starts_with("helm.toolkit.fluxcd.io/"));
            }
            (format!("{}/{}", one["kind"], one["metadata"]["name"]), one)
        })
        .collect()
}

/// Checks that everything that the plan showed is so in the cluster.
#[track_caller]
fn assert_is_as_shown(terraform: &Workspace, cluster: &Cluster) {
    let attributes = terraform.attributes("strata_release.this").expect("it is in the state");
    for (key, object) in live(terraform, cluster) {
        let shown = attributes["manifests"][&key].as_str().expect("it is a text");
        let live = DisplayForm::of(&object, &CommonLabels::default());
        for field in DisplayForm::from_json(shown).expect("it is a form").fields {
            assert_eq!(live.get(&field.path), Some(&field.value), "{key} {}", field.path);
        }
    }
}

#[test]
fn helm_renders_in_the_cluster_what_the_plan_showed() {
    let cluster = shared().cluster;
    let (fleet, charts) = (Fleet::new(cluster, "helm"), HelmRepository::start());
    let web = package_folder(&project_folder().join("examples/quickstart/charts/web"));
    charts.publish("web", &[("1.4.0", web)], digest);
    let terraform = published(&fleet, cluster, &charts, "1.4.0");
    let values = "ingress:\n  enabled: true\n  host: web.example.com\nconfig:\n  features: [a, b]\nenv:\n  COLOR: green\n  SIZE: 1e3\n";
    terraform.write("base.yaml", values);
    terraform.apply().expect_success();
    fleet.reconciled("apps");

    let rendered = rendered_by_helm(&fleet, cluster, 1);
    let plain = workspace(
        &terraform.read("main.tf").replace(AS_HELM_RELEASE, &TO_GIT.replace("/one/", "/elsewhere/")),
    );
    plain.write("base.yaml", values);
    plain.apply().expect_success();
    let files = fleet.repository.files();
    let ours = files.iter().filter(|file| {
        file.starts_with("clusters/elsewhere/small/")
            && !file.contains("/.")
            && !file.ends_with("/kustomization.yaml")
    });
    let ours: BTreeMap<String, Value> =
        ours.flat_map(|file| by_name(fleet.repository.read(file).unwrap_or_default().as_bytes())).collect();
    assert_eq!(rendered, ours);
    assert_eq!(ours.len(), 4, "{:?}", ours.keys());
    assert_is_as_shown(&terraform, cluster);
    terraform.assert_nothing_to_do();

    let before = live(&terraform, cluster);
    terraform.write("base.yaml", &format!("replicaCount: 3\n{}", values.replace("[a, b]", "[a, b, c]")));
    terraform.plan().expect_success();
    let expected = planned(&terraform);
    assert!(expected.len() >= 2, "{expected:?}");
    terraform.apply().expect_success();
    fleet.reconciled("apps");
    rendered_by_helm(&fleet, cluster, 2);
    assert_eq!(changed(&before, &live(&terraform, cluster)), expected);
    terraform.assert_nothing_to_do();

    // It is a release of Helm, and Flux's: taken from Helm alone, it would come back.
    let main = terraform.read("main.tf");
    let directly = workspace(
        &main.replace(AS_HELM_RELEASE, "cluster {\n      adopt = true\n      wait  = false\n    }"),
    );
    directly.write("base.yaml", values);
    let message = directly.plan().expect_failure();
    let owner = format!("Flux HelmRelease {}/small", fleet.namespace);
    let way_out = format!("flux suspend helmrelease small -n {}", fleet.namespace);
    assert!(message.contains(&owner) && message.contains(&way_out), "{owner}, {way_out}:\n{message}");
    let release = fleet.path("helm.toolkit.fluxcd.io/v2", "helmreleases", "small");
    cluster.patch(&release, &json!({"spec": {"suspend": true}}));
    assert_shows(&directly.plan().expect_success().stdout, &owner);
    cluster.patch(&release, &json!({"spec": {"suspend": false}}));

    terraform.destroy().expect_success();
}

#[test]
fn objects_that_flux_applies_are_not_taken_by_a_delivery_to_the_cluster() {
    let cluster = shared().cluster;
    let fleet = Fleet::new(cluster, "two");
    let by_git = workspace(&configuration(&fleet, cluster, TO_GIT));
    by_git.apply().expect_success();
    fleet.reconciled("apps");
    let directly = workspace(&configuration(&fleet, cluster, "cluster {\n      wait = false\n    }"));
    let message = directly.plan().expect_failure();
    let owner = format!("Flux Kustomization {}/apps", fleet.namespace);
    assert!(message.contains(&owner), "{owner} is not in\n{message}");
}

#[test]
fn a_release_of_the_cluster_is_untouched_while_flux_prunes_another_folder() {
    let cluster = shared().cluster;
    let fleet = Fleet::new(cluster, "prunes");
    let config_map = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  namespace: {}\n",
            fleet.namespace
        )
    };
    let (one, two) = (config_map("one"), config_map("two"));
    fleet
        .repository
        .commit(&[("clusters/one/one.yaml", Some(&one)), ("clusters/one/two.yaml", Some(&two))], "Two");
    fleet.reconciled("apps");
    let terraform = workspace(&configuration(&fleet, cluster, "cluster {\n      wait = false\n    }"));
    terraform.apply().expect_success();
    let before = live(&terraform, cluster);
    fleet.repository.commit(&[("clusters/one/two.yaml", None)], "One");
    fleet.reconciled("apps");
    assert!(cluster.get(&fleet.path("v1", "configmaps", "two")).is_none());
    assert_eq!(live(&terraform, cluster), before);
    terraform.assert_nothing_to_do();
}
