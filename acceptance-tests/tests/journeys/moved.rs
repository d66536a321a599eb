//! Resources of other providers that become releases and agents by a `moved` block: nothing is deleted, nothing made anew.

use std::time::Duration;

use acceptance_tests::cluster::{Cluster, shared};
use acceptance_tests::flux::archive;
use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Run, Workspace, provider_folder};
use acceptance_tests::{charts::HelmRepository, helm};
use serde_json::{Value, json};
use strata::release::helm_storage;

use crate::shop::{assert_shows, changes};
use crate::site::{ADDRESS, Site, agents_from, clusters_at, configuration, connection, site};

const OLD: [(&str, &str); 4] = [
    ("hashicorp/helm", "helm"),
    ("gavinbunney/kubectl", "kubectl"),
    ("hashicorp/kubernetes", "kubernetes"),
    ("fluxcd/flux", "flux"),
];

/// Makes stand-ins for the old providers available beside ours.
fn with_old_providers(workspace: &Workspace) {
    let ours = provider_folder();
    let mut overrides = format!("    \"stratahq/strata\" = {:?}\n", ours.display().to_string());
    for (address, name) in OLD {
        let folder = workspace.path().join(".old").join(name);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let program = folder.join(format!("terraform-provider-{name}"));
        std::os::unix::fs::symlink(ours.join("old-providers"), program).expect("the link can be made");
        overrides.push_str(&format!("    \"{address}\" = {:?}\n", folder.display().to_string()));
    }
    let text = format!("provider_installation {{\n  dev_overrides {{\n{overrides}  }}\n  direct {{}}\n}}\n");
    workspace.write(".terraformrc", &text);
}

fn required(address: &str) -> String {
    let name = address.rsplit('/').next().unwrap_or_default();
    format!(
        "terraform {{\n  required_providers {{\n    {name} = {{\n      source = \"{address}\"\n    }}\n  }}\n}}\n"
    )
}

/// Applies a resource of an old provider, then writes the release in its place.
fn replaced(site: &Site, address: &str, kind: &str, body: &str, settings: &str) {
    with_old_providers(&site.workspace);
    let old = format!("{}\nresource \"{kind}\" \"old\" {{\n{body}\n}}\n", required(address));
    site.workspace.write("main.tf", &old);
    site.workspace.apply().expect_success();
    let moved = format!("\nmoved {{\n  from = {kind}.old\n  to   = {ADDRESS}\n}}\n");
    let new = configuration(&connection(site.cluster), &site.namespace, settings);
    site.workspace.write("main.tf", &format!("{new}{moved}"));
}

fn words(run: &Run) -> String {
    run.stdout.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn uid(site: &Site, kind: &str, name: &str) -> Value {
    site.get(kind, name).expect("it is there")["metadata"]["uid"].clone()
}

#[test]
fn a_helm_release_becomes_a_release_with_its_objects_and_its_password() {
    let site = site("wait = false");
    let terraform = &site.workspace;
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {password: '{{ randAlphaNum 12 }}'}\n";
    terraform.write("chart/templates/secret.yaml", secret);
    let old = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n";
    terraform.write("chart/templates/old.yaml", old);
    terraform.write("chart/templates/claim.yaml", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n");
    let helm = |arguments: &[&str]| {
        let all = [arguments, &["-n", &site.namespace]].concat();
        helm::run(terraform.path(), site.cluster, &all)
    };
    helm(&["install", "small", "chart", "--values", "base.yaml"]);
    let password = || site.get("secrets", "key").expect("it is there")["data"]["password"].clone();
    let uids = || [uid(&site, "configmaps", "small"), uid(&site, "secrets", "key")];
    let before = (uids(), password());
    terraform.remove("chart/templates/old.yaml");
    terraform.remove("chart/templates/claim.yaml");

    let body = format!(
        "  name          = \"small\"\n  namespace     = \"{}\"\n  chart         = \"./chart\"\n  values        = [file(\"base.yaml\")]\n  set_sensitive = [{{ name = \"x\", value = \"hunter2\" }}]",
        site.namespace
    );
    replaced(&site, "hashicorp/helm", "helm_release", &body, "wait = false");
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), [format!("{ADDRESS} update")]);
    let told = words(&plan);
    let expected = [
        "(moved from helm_release.old)".to_owned(),
        format!("takes the place of Helm release {}/small", site.namespace),
        "0 to add, 1 to change, 0 to destroy".to_owned(),
        format!("2 objects of Helm release {}/small", site.namespace),
        format!("deletes what Helm release {}/small had and it has not", site.namespace),
        format!("v1/ConfigMap/{}/old", site.namespace),
        "leaves objects of Helm release".to_owned(),
        format!("v1/PersistentVolumeClaim/{}/data: others or data would go along", site.namespace),
    ];
    for part in expected {
        assert!(told.contains(&part), "{part} is not in\n{}", plan.stdout);
    }
    assert!(!told.contains("hunter2") && !told.contains("+ \"data.color\""), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!((uids(), password()), before, "nothing was made anew, and the password stays");
    assert_eq!(site.get("configmaps", "old"), None);
    assert!(site.get("persistentvolumeclaims", "data").is_some(), "data is not deleted unasked");
    assert_eq!(helm(&["list", "--short"]).trim(), "", "Helm lists it no more");
    assert!(!terraform.read("terraform.tfstate").contains("hunter2"));
    assert_eq!(site.attribute("status"), "applied");

    terraform.replace("base.yaml", "green", "red");
    terraform.apply().expect_success();
    assert_eq!(site.get("configmaps", "small").expect("it stays")["data"]["color"], "red");
    assert_eq!(password(), before.1);
    terraform.destroy().expect_success();
    assert_eq!(site.get("configmaps", "small"), None);
}

#[test]
fn a_release_that_helm_has_not_finished_is_not_taken_over() {
    let site = site("wait = false");
    let terraform = &site.workspace;
    helm::run(terraform.path(), site.cluster, &["install", "small", "chart", "-n", &site.namespace]);
    let secret = site.path("secrets", "sh.helm.release.v1.small.v1");
    let stored = site.cluster.get(&secret).expect("Helm wrote it down");
    let released = stored["data"]["release"].as_str().expect("it is text").to_owned();
    let body =
        format!("  name      = \"small\"\n  namespace = \"{}\"\n  chart     = \"./chart\"", site.namespace);
    replaced(&site, "hashicorp/helm", "helm_release", &body, "wait = false");
    // Cut short, as by a client that was killed while it wrote.
    site.cluster.patch(&secret, &json!({"data": {"release": &released[..released.len() / 2 / 4 * 4]}}));
    let refused = terraform.plan().expect_failure();
    assert!(refused.contains("sh.helm.release.v1.small.v1") && refused.contains("cannot be"), "{refused}");
    site.cluster.patch(&secret, &json!({"data": {"release": released}}));
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn releases_of_one_name_on_two_clusters_are_told_apart() {
    let site = site("wait = false");
    let terraform = &site.workspace;
    let other = shared().cluster(1);
    let install = ["install", "small", "chart", "-n", &site.namespace, "--create-namespace"];
    let helm = |cluster: &Cluster, arguments: &[&str]| {
        helm::run_keeping_in("configmap", terraform.path(), cluster, arguments)
    };
    helm(site.cluster, &[&install[..], &["--values", "base.yaml"]].concat());
    let record = site.get("configmaps", "sh.helm.release.v1.small.v1").expect("Helm wrote it down");
    let deployed =
        helm_storage::read(&record).expect("it is a release").last_deployed().expect("it says when");
    // Helm's provider keeps whole seconds.
    std::thread::sleep(Duration::from_millis(1100));
    helm(other, &[&install[..], &["--set", "color=brown"]].concat());

    let body = format!(
        "  name      = \"small\"\n  namespace = \"{}\"\n  chart     = \"./chart\"\n  metadata  = {{ last_deployed = {deployed} }}",
        site.namespace
    );
    replaced(&site, "hashicorp/helm", "helm_release", &body, "wait = false");
    let more = format!("  cluster {{\n    name = \"two\"\n    {}\n  }}\n}}\n\nresource", connection(other));
    terraform.replace("main.tf", "}\n\nresource", &more);
    terraform.replace("base.yaml", "green", "red");
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "\"data.color\" = \"green\" -> \"red\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let listed =
        |cluster: &Cluster| helm(cluster, &["list", "--short", "-n", &site.namespace]).trim().to_owned();
    assert_eq!((listed(site.cluster), listed(other)), (String::new(), "small".to_owned()));
}

const CONFIG_MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: small\n  namespace: NAMESPACE\ndata:\n  color: green\n  size: \"1\"\n  more: old\n";

/// Writes the object as the old tool does: as a whole, or server-side.
fn create(site: &Site, manager: &str, applies: bool) -> Value {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "small"},
        "data": {"color": "green", "size": "1", "more": "old"}});
    let (method, name, form) = if applies {
        ("PATCH", "small", "application/apply-patch+yaml")
    } else {
        ("POST", "", "application/json")
    };
    let path = format!("{}?fieldManager={manager}", site.path("configmaps", name));
    let (status, answer) = site.cluster.request(method, &path, form, Some(&object));
    assert!(status < 300, "{answer}");
    answer["metadata"]["uid"].clone()
}

/// The moved object shows field by field, stays, and loses what the chart does not say.
fn becomes_a_release(site: &Site, uid: &Value) {
    let terraform = &site.workspace;
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), [format!("{ADDRESS} update")]);
    let told = words(&plan);
    assert!(told.contains("- \"data.more\" = \"old\""), "{}", plan.stdout);
    assert!(
        told.contains("# (5 unchanged attributes hidden)") || told.contains("unchanged attributes hidden")
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let live = site.get("configmaps", "small").expect("it stays");
    assert_eq!((&live["metadata"]["uid"], &live["data"]["color"]), (uid, &json!("green")));
    assert_eq!(live["data"]["more"], Value::Null, "{live}");
}

#[test]
fn an_object_of_kubectl_manifest_becomes_a_release() {
    let site = site("");
    let uid = create(&site, "kubectl-client-side-apply", false);
    let body = format!("  yaml_body = <<-EOT\n{}EOT", CONFIG_MAP.replace("NAMESPACE", &site.namespace));
    replaced(&site, "gavinbunney/kubectl", "kubectl_manifest", &body, "");
    becomes_a_release(&site, &uid);
}

#[test]
fn an_object_of_kubernetes_manifest_becomes_a_release() {
    let site = site("");
    let uid = create(&site, "Terraform", true);
    let object = CONFIG_MAP.replace("NAMESPACE", &site.namespace);
    let body = format!("  manifest = yamldecode(<<-EOT\n{object}EOT\n  )");
    replaced(&site, "hashicorp/kubernetes", "kubernetes_manifest", &body, "");
    becomes_a_release(&site, &uid);
}

#[test]
fn what_flux_bootstrap_git_committed_becomes_an_agent() {
    let (mirror, repository, terraform) = (HelmRepository::start(), Repository::new(), Workspace::new());
    mirror.put("/flux/2.9.4/manifests.tar.gz", &archive("v2.9.4"));
    let components = acceptance_tests::flux::answer("install/v2.9.4/default.yaml");
    repository.commit(&[("clusters/one/flux-system/gotk-components.yaml", Some(&components))], "bootstrap");
    with_old_providers(&terraform);
    let old = "resource \"flux_bootstrap_git\" \"this\" {\n  path = \"clusters/one\"\n  repository_files = { a = \"hunter2\" }\n}\n";
    terraform.write("main.tf", &format!("{}{old}", required("fluxcd/flux")));
    terraform.apply().expect_success();

    let provider = agents_from(mirror.host(), "", &clusters_at(&repository.url(), ""));
    let new = format!(
        r#"{provider}
resource "strata_agent" "flux" {{
  cluster = "one"
  version = "2.9.4"
  delivery {{
    git {{
      repository = "clusters"
      path       = "clusters/one"
    }}
  }}
}}

moved {{
  from = flux_bootstrap_git.this
  to   = strata_agent.flux
}}
"#
    );
    terraform.write("main.tf", &new);
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_agent.flux update"]);
    let told = words(&plan);
    assert!(told.contains("(moved from flux_bootstrap_git.this)"), "{}", plan.stdout);
    assert!(told.contains("takes over files of others"), "{}", plan.stdout);
    assert!(!told.contains("+ \"apps/v1/Deployment"), "nothing is new: {}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let delivered = repository.read("clusters/one/flux-system/gotk-components.yaml").expect("it is there");
    assert!(delivered.starts_with("# strata: agent"), "{}", &delivered[..100]);
    let bare = |text: &str| text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    assert_eq!(bare(&delivered), bare(&components), "no object changes");
    assert!(!terraform.read("terraform.tfstate").contains("hunter2"));
}

#[test]
fn what_comes_from_elsewhere_is_refused_with_what_to_do() {
    let site = site("");
    let body = "  yaml_body = \"a: b\"";
    replaced(&site, "gavinbunney/kubectl", "kubectl_manifest", body, "");
    let refused = site.workspace.plan().expect_failure();
    assert!(refused.contains("the state of kubectl_manifest cannot be taken over"), "{refused}");
    let told = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("it names no object"), "{refused}");
    let moved = format!("to   = {ADDRESS}");
    site.workspace.replace("main.tf", &moved, "to   = strata_agent.flux");
    let agent = "resource \"strata_agent\" \"flux\" {\n  cluster = \"one\"\n  version = \"2.9.4\"\n}\n";
    let text = site.workspace.read("main.tf");
    site.workspace.write("main.tf", &format!("{text}{agent}"));
    let refused = site.workspace.plan().expect_failure();
    assert!(refused.contains("strata_agent cannot take over kubectl_manifest"), "{refused}");
}
