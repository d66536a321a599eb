//! The life of an agent that is delivered to git: from a mirror of Flux's releases, created, upgraded, taken over from
//! `flux bootstrap`, and every way in which its manifests can be wrong.

use acceptance_tests::charts::{HelmRepository, OciRegistry, PASSWORD, digest};
use acceptance_tests::flux::{answer, archive, pack};
use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Workspace, shown_changes};

use crate::shop::{assert_shows, changes};
use crate::site::{agents_from, clusters_at};

/// A mirror of releases, a fleet's repository, and a folder with one agent.
struct Fleet {
    mirror: HelmRepository,
    repository: Repository,
    workspace: Workspace,
}

const DELIVERY: &str =
    "delivery {\n    git {\n      repository = \"clusters\"\n      path       = \"clusters/one\"\n    }\n  }";

/// An agent of version 2.9.4 from the mirror; `settings` goes into its block.
fn fleet(settings: &str) -> Fleet {
    let (mirror, repository, workspace) = (HelmRepository::start(), Repository::new(), Workspace::new());
    for version in ["v2.9.4", "v2.9.5"] {
        mirror.put(&path(version), &archive(version));
    }
    let agent = format!("cluster = \"one\"\n  version = \"2.9.4\"\n  {settings}");
    workspace.write("main.tf", &configuration(&repository.url(), mirror.host(), &agent));
    Fleet { mirror, repository, workspace }
}

fn path(version: &str) -> String {
    format!("/flux/{}/manifests.tar.gz", version.trim_start_matches('v'))
}

fn configuration(repository: &str, host: &str, agent: &str) -> String {
    let provider = agents_from(host, "", &clusters_at(repository, ""));
    format!(
        r#"{provider}
resource "strata_agent" "flux" {{
  {agent}
}}
"#
    )
}

/// Returns a file that was delivered, without the two lines that name its owner.
fn delivered(repository: &Repository, name: &str) -> String {
    let text = repository.read(&format!("clusters/one/flux-system/{name}")).expect("it was delivered");
    let (mark, rest) = text.split_once('\n').expect("it has lines");
    assert_eq!(mark, "# strata: agent flux-system/flux on one");
    rest.split_once('\n').expect("it has more lines").1.to_owned()
}

#[test]
fn an_agent_is_planned_object_by_object_and_committed_as_flux_bootstrap_would() {
    let fleet = fleet(&format!(
        "sync {{\n    url    = \"https://git.example.com/fleet.git\"\n    secret = \"flux-system\"\n  }}\n  {DELIVERY}"
    ));
    let terraform = &fleet.workspace;
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"apps/v1/Deployment/flux-system/source-controller\" = jsonencode(");
    assert_shows(
        &plan.stdout,
        "+ \"ghcr.io/fluxcd/kustomize-controller:v1.9.4\" = \"Deployment/kustomize-controller\"",
    );
    assert_shows(&plan.stdout, "+ \"app.kubernetes.io/version\" = \"v2.9.4\"");
    let lines = shown_changes(&plan.stdout).lines().count();
    assert!(lines < 700, "{lines} lines for a new agent of 34 objects and 6,000 lines of YAML");
    assert_eq!(fleet.repository.commits(), 1, "a plan writes nothing");

    terraform.apply().expect_success();
    assert_eq!(fleet.repository.commits(), 2);
    assert_eq!(delivered(&fleet.repository, "gotk-components.yaml"), answer("install/v2.9.4/default.yaml"));
    let sync =
        answer("sync/dot-path.yaml").replace("org/fleet", "fleet").replace("clusters/prod", "clusters/one");
    assert_eq!(delivered(&fleet.repository, "gotk-sync.yaml"), sync.replace("1h30m0s", "1m0s"));
    assert!(
        delivered(&fleet.repository, "kustomization.yaml")
            .ends_with("- gotk-components.yaml\n- gotk-sync.yaml\n")
    );
    let attributes = terraform.attributes("strata_agent.flux").expect("it is in the state");
    assert_eq!(attributes["source_metadata"]["digest"], digest(&archive("v2.9.4")));
    assert_eq!(attributes["delivered"], "clusters:clusters/one/flux-system");
    terraform.assert_nothing_to_do();
    assert_eq!(fleet.mirror.requests().len(), 1, "what is pinned is not asked for again");
}

#[test]
fn an_upgrade_shows_four_images_and_one_label() {
    let fleet = fleet(&format!("sync {{}}\n  {DELIVERY}"));
    let terraform = &fleet.workspace;
    terraform.apply().expect_success();
    terraform.replace("main.tf", "\"2.9.4\"", "\"2.9.5\"");
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    for (name, before, after) in [
        ("helm-controller", "v1.6.3", "v1.6.4"),
        ("kustomize-controller", "v1.9.4", "v1.9.5"),
        ("source-controller", "v1.9.4", "v1.9.5"),
    ] {
        assert_shows(
            &shown,
            &format!(
                "~ \"spec.template.spec.containers[manager].image\" = \"ghcr.io/fluxcd/{name}:{before}\" -> \"ghcr.io/fluxcd/{name}:{after}\""
            ),
        );
    }
    assert_shows(&shown, "~ \"app.kubernetes.io/version\" = \"v2.9.4\" -> \"v2.9.5\"");
    let changed = shown.lines().filter(|line| line.contains("~ \"spec.")).count();
    assert_eq!(changed, 4, "{shown}");
    let lines = shown.lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines <= 70, "{lines} lines\n{shown}");
    terraform.apply().expect_success();
    assert_eq!(delivered(&fleet.repository, "gotk-components.yaml"), answer("install/v2.9.5/default.yaml"));
    terraform.assert_nothing_to_do();
}

#[test]
fn what_flux_bootstrap_committed_is_not_overwritten_and_is_taken_over_with_an_empty_plan() {
    let fleet = fleet(&format!(
        "sync {{\n    url    = \"ssh://git@git.example.com/org/fleet.git\"\n    path   = \"clusters/prod\"\n    secret = \"flux-system\"\n  }}\n  {DELIVERY}"
    ));
    let index = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- gotk-components.yaml\n- gotk-sync.yaml\n";
    fleet.repository.commit(
        &[
            ("clusters/one/flux-system/gotk-components.yaml", Some(&answer("install/v2.9.4/default.yaml"))),
            ("clusters/one/flux-system/gotk-sync.yaml", Some(&answer("sync/branch.yaml"))),
            ("clusters/one/flux-system/kustomization.yaml", Some(index)),
        ],
        "Add Flux manifests",
    );
    let terraform = &fleet.workspace;
    let message = terraform.plan().expect_failure();
    assert!(message.contains("would overwrite files of others"), "{message}");
    assert!(message.contains("gotk-components.yaml, gotk-sync.yaml, kustomization.yaml"), "{message}");
    terraform
        .run(&["import", "-no-color", "strata_agent.flux", "one@clusters:clusters/one"])
        .expect_success();
    terraform.assert_nothing_to_do();
    let commits = fleet.repository.commits();

    terraform.replace("main.tf", "\"2.9.4\"", "\"2.9.5\"");
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_agent.flux update"]);
    terraform.apply().expect_success();
    assert_eq!(fleet.repository.commits(), commits + 1);
    assert_eq!(delivered(&fleet.repository, "gotk-components.yaml"), answer("install/v2.9.5/default.yaml"));
    terraform.assert_nothing_to_do();
}

#[test]
fn files_of_others_are_taken_over_where_the_delivery_says_so() {
    let fleet = fleet(&DELIVERY.replace("git {", "git {\n      adopt      = true"));
    fleet
        .repository
        .commit(&[("clusters/one/flux-system/gotk-components.yaml", Some("kind: Other\n"))], "Theirs");
    let plan = fleet.workspace.plan().expect_success();
    assert!(plan.stdout.contains("takes over files of others"), "{}", plan.stdout);
    fleet.workspace.apply().expect_success();
    fleet.workspace.assert_nothing_to_do();
}

#[test]
fn an_agent_that_somebody_edited_or_removed_shows_as_drift_and_comes_back() {
    let fleet = fleet(DELIVERY);
    let terraform = &fleet.workspace;
    terraform.apply().expect_success();
    let file = "clusters/one/flux-system/gotk-components.yaml";
    let edited = fleet
        .repository
        .read(file)
        .expect("it was delivered")
        .replace("--log-level=info", "--log-level=debug");
    fleet.repository.commit(&[(file, Some(&edited))], "Debug");
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("--log-level=debug"), "{}", plan.stdout);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    fleet.repository.commit(&[(file, None)], "Gone");
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_agent.flux update"]);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let destroyed = terraform.run(&["plan", "-no-color", "-destroy"]).expect_success();
    let words = destroyed.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("11 CustomResourceDefinitions, 4 Deployments"), "{}", destroyed.stdout);
    terraform.destroy().expect_success();
    assert!(fleet.repository.read(file).is_none());
}

#[test]
fn a_component_that_goes_takes_its_definitions_only_where_that_is_allowed() {
    let fleet = fleet(&format!("components_extra = [\"image-reflector-controller\"]\n  {DELIVERY}"));
    let terraform = &fleet.workspace;
    terraform.apply().expect_success();
    terraform.replace("main.tf", "[\"image-reflector-controller\"]", "[]");
    let message = terraform.plan().expect_failure();
    assert!(
        message.contains("CustomResourceDefinition/imagerepositories.image.toolkit.fluxcd.io"),
        "{message}"
    );
    terraform.replace(
        "main.tf",
        "components_extra = []",
        "allow_deletion_of = [\"CustomResourceDefinition\"]",
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn a_sync_that_waits_for_apply_hides_only_its_own_objects() {
    let fleet = fleet("sync {\n    url  = terraform_data.url.output\n    path = \"clusters/one\"\n  }");
    let terraform = &fleet.workspace;
    let late = "resource \"terraform_data\" \"url\" {\n  input = \"https://git.example.com/${timestamp()}\"\n  lifecycle {\n    ignore_changes = [input]\n  }\n}\n";
    terraform.write("late.tf", late);
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(
        &shown,
        "+ \"source.toolkit.fluxcd.io/v1/GitRepository/flux-system/flux-system\" = (known after apply)",
    );
    assert_shows(&shown, "+ \"apps/v1/Deployment/flux-system/source-controller\" = jsonencode(");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn an_artifact_of_a_registry_and_a_folder_serve_as_a_mirror_does() {
    let registry = OciRegistry::start();
    let folder = tempfile_folder();
    std::fs::write(folder.path().join("gotk-components.yaml"), answer("install/v2.9.5/all.yaml"))
        .expect("it can be written");
    std::fs::write(folder.path().join("kustomization.yaml"), "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nresources:\n- gotk-components.yaml\n").expect("it can be written");
    let pinned = registry.push_artifact("fluxcd/flux-manifests", "v2.9.5", &pack(folder.path()));
    let repository = Repository::new();
    let agent = |source: &str| {
        format!("cluster = \"one\"\n  version = \"2.9.5\"\n  source {{\n    {source}\n  }}\n  {DELIVERY}")
    };
    let workspace = Workspace::new();
    let url = format!("url = \"oci://{}/fluxcd/flux-manifests\"", registry.host());
    let write = |source: &str| {
        workspace.write("main.tf", &configuration(&repository.url(), registry.host(), &agent(source)))
    };
    write(&url);
    workspace.apply().expect_success();
    let attributes = workspace.attributes("strata_agent.flux").expect("it is in the state");
    assert_eq!(attributes["source_metadata"]["digest"], pinned);
    assert_eq!(delivered(&repository, "gotk-components.yaml"), answer("install/v2.9.5/default.yaml"));
    workspace.assert_nothing_to_do();

    write(&format!("{url}\n    sha256 = \"{}\"", digest(b"another")));
    let message = workspace.plan().expect_failure();
    assert!(message.contains("is not what it should be") && message.contains("sha256"), "{message}");

    write(&format!("path = \"{}\"", folder.path().display()));
    let plan = workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert!(!shown.contains("manifests ") && shown.contains("source_metadata"), "{shown}");
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
}

fn tempfile_folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

#[test]
fn manifests_that_are_not_there_not_what_they_were_or_no_release_are_named() {
    let fleet = fleet("");
    let terraform = &fleet.workspace;
    let refused = |parts: &[&str]| {
        let message = terraform.plan().expect_failure();
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in parts.iter().chain(&["main.tf line"]) {
            assert!(words.contains(part), "{part:?} is not in\n{message}");
        }
        assert!(!message.contains(PASSWORD) && !message.contains("panicked"), "{message}");
    };
    terraform.apply().expect_success();

    terraform.replace("main.tf", "\"2.9.4\"", "\"2.9.99\"");
    refused(&["there is no Flux 2.9.99", "/flux/2.9.99/manifests.tar.gz", "correct `version`"]);
    terraform.replace("main.tf", "\"2.9.99\"", "\"latest\"");
    refused(&["it is no version such as 2.9.5"]);
    fleet.mirror.put(&path("v2.9.6"), b"<html>sign in</html>");
    terraform.replace("main.tf", "\"latest\"", "\"2.9.6\"");
    refused(&["it is no .tar.gz archive"]);
    let folder = tempfile_folder();
    std::fs::write(
        folder.path().join("readme.yaml"),
        "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\n",
    )
    .expect("it can be written");
    fleet.mirror.put(&path("v2.9.7"), &pack(folder.path()));
    terraform.replace("main.tf", "\"2.9.6\"", "\"2.9.7\"");
    refused(&["is no release of Flux", "neither an rbac.yaml nor the Deployment of a controller"]);
    terraform.replace("main.tf", "\"2.9.7\"", "\"2.9.4\"\n  components_extra = [\"image-controller\"]");
    refused(&["Flux 2.9.4 has no component \"image-controller\"", "source-watcher"]);
    terraform.replace("main.tf", "  components_extra = [\"image-controller\"]\n", "");
    terraform.assert_nothing_to_do();

    // The same version, published again with another content: never used, whether the cache still has the first or not.
    fleet.mirror.put(&path("v2.9.4"), &archive("v2.9.5"));
    terraform.assert_nothing_to_do();
    std::fs::remove_dir_all(terraform.path().join(".cache/strata/charts")).expect("there is a cache");
    refused(&["is not what it should be", &digest(&archive("v2.9.4"))]);
    let pinned = format!("\"2.9.4\"\n  source {{\n    sha256 = \"{}\"\n  }}", &digest(b"x")[7..]);
    terraform.replace("main.tf", "\"2.9.4\"", &pinned);
    refused(&["is not what it should be", &digest(b"x")]);
    terraform.replace("main.tf", &digest(b"x")[7..], "abc");
    refused(&["source.sha256 is no digest: \"abc\""]);
}

#[test]
fn argo_cd_goes_through_the_same_machinery() {
    let (mirror, repository, workspace) = (HelmRepository::start(), Repository::new(), Workspace::new());
    let install = answer("argocd/install.yaml");
    mirror.put("/argocd/3.1.9/install.yaml", install.as_bytes());
    let source =
        format!("source {{\n    url = \"http://{}/{{kind}}/{{version}}/install.yaml\"\n  }}", mirror.host());
    let agent = |more: &str| {
        format!(
            "cluster = \"one\"\n  kind    = \"argocd\"\n  version = \"3.1.9\"\n  {source}\n  sync {{\n    name = \"fleet\"\n  }}\n  {more}\n  {DELIVERY}"
        )
    };
    let write = |more: &str| {
        workspace.write("main.tf", &configuration(&repository.url(), mirror.host(), &agent(more)))
    };
    write("log_level = \"debug\"");
    let message = workspace.plan().expect_failure();
    assert!(message.contains("Argo CD has no option log_level"), "{message}");
    write("");
    let plan = workspace.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"apps/v1/Deployment/argocd/argocd-server\" = jsonencode(");
    assert_shows(&plan.stdout, "+ \"argoproj.io/v1alpha1/Application/argocd/fleet\" = jsonencode(");
    assert_shows(&plan.stdout, "+ namespace = \"argocd\"");
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
    let delivered = repository.read("clusters/one/argocd/install.yaml").expect("it was delivered");
    assert!(delivered.starts_with("# strata: agent argocd/argocd on one\n"), "{}", &delivered[..200]);
    assert_eq!(
        delivered.matches("\n---\n").count(),
        install.matches("\n---\n").count() + 1,
        "all objects and their namespace"
    );
    let application = repository.read("clusters/one/argocd/application.yaml").expect("it was delivered");
    assert!(
        application.contains("path: clusters/one\n") && application.contains("targetRevision: main\n"),
        "{application}"
    );
}

const PATCHES: &str = r#"
  patch {
    patch = <<-EOT
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: all
      spec:
        template:
          spec:
            containers:
            - name: manager
              resources:
                limits:
                  memory: 2Gi
    EOT
    target {
      kind           = "Deployment"
      label_selector = "app.kubernetes.io/part-of=flux"
    }
  }
  patch {
    patch = <<-EOT
      - op: replace
        path: /metadata/labels/pod-security.kubernetes.io~1warn
        value: baseline
    EOT
    target {
      kind = "Namespace"
      name = "flux-system"
    }
  }
"#;

#[test]
fn patches_change_objects_and_those_of_bootstrap_are_taken_over() {
    let index = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- gotk-components.yaml\npatches:\n- patch: |\n    \
                 apiVersion: apps/v1\n    kind: Deployment\n    metadata:\n      name: all\n    spec:\n      template:\n        spec:\n          containers:\n          \
                 - name: manager\n            resources:\n              limits:\n                memory: 2Gi\n  target:\n    kind: Deployment\n    labelSelector: app.kubernetes.io/part-of=flux\n";
    let components = answer("install/v2.9.4/default.yaml")
        .replace("security.kubernetes.io/warn: restricted", "security.kubernetes.io/warn: baseline");
    let fleet = fleet(&format!("{PATCHES}\n  {DELIVERY}"));
    fleet.repository.commit(
        &[
            ("clusters/one/flux-system/gotk-components.yaml", Some(&components)),
            ("clusters/one/flux-system/kustomization.yaml", Some(index)),
        ],
        "Add Flux manifests, patched",
    );
    let terraform = &fleet.workspace;
    terraform
        .run(&["import", "-no-color", "strata_agent.flux", "one@clusters:clusters/one"])
        .expect_success();
    terraform.assert_nothing_to_do();
    terraform.replace("main.tf", "memory: 2Gi", "memory: 3Gi");
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    let line = "~ \"spec.template.spec.containers[manager].resources.limits.memory\" = \"2Gi\" -> \"3Gi\"";
    assert_eq!(shown.matches("resources.limits.memory").count(), 4, "{shown}");
    assert_shows(&shown, line);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(
        !delivered(&fleet.repository, "kustomization.yaml").contains("patches"),
        "they are in the objects now"
    );
    terraform.replace("main.tf", "kind = \"Namespace\"", "kind = \"Namespaces\"");
    let message = terraform.plan().expect_failure();
    assert!(message.contains("patch 2"), "{message}");
}
