//! Charts that are fetched: found, pinned by digest, moved to a newer version, used offline, and never used when they lie.

use acceptance_tests::charts::{HelmRepository, OciRegistry, PASSWORD, digest, package};
use acceptance_tests::terraform::Workspace;

use crate::shop::{Shop, assert_shows, single};

const TEMPLATE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  chart: {{ .Chart.Version }}\n";

/// A release of chart `web` from `repository`, with a login for `host`.
fn fetched(repository: &str, host: &str, version: &str) -> Shop {
    let shop = single("");
    let chart =
        format!("repository = \"{repository}\"\n    name       = \"web\"\n    version    = \"{version}\"");
    shop.workspace.replace("main.tf", "path = \"chart\"", &chart);
    let registry = format!(
        "registry {{\n    host     = \"{host}\"\n    username = \"shop\"\n    password = \"{PASSWORD}\"\n  }}\n  cluster {{"
    );
    shop.workspace.replace("main.tf", "cluster {", &registry);
    shop
}

fn chart_of(workspace: &Workspace) -> serde_json::Value {
    workspace.attributes("strata_release.this").expect("it is in the state")["chart_metadata"].clone()
}

#[test]
fn a_chart_of_a_helm_repository_is_pinned_and_moves_with_its_constraint() {
    let repository = HelmRepository::start();
    let (old, new) = (package("web", "1.14.3", TEMPLATE), package("web", "1.15.0", TEMPLATE));
    let other = package("web", "2.0.0-rc.1", TEMPLATE);
    repository.publish("web", &[("2.0.0-rc.1", other), ("1.14.3", old.clone())], digest);
    let shop = fetched(&repository.url(), repository.host(), "^1.10");
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    assert_eq!(chart_of(terraform)["version"], "1.14.3");
    assert_eq!(chart_of(terraform)["digest"], digest(&old));
    terraform.assert_nothing_to_do();
    let asked = repository.requests();
    assert_eq!(
        asked,
        ["/charts/index.yaml", "/charts/web-1.14.3.tgz"],
        "plan, apply and two more plans ask once"
    );

    repository.publish("web", &[("1.14.3", old), ("1.15.0", new.clone())], digest);
    terraform.assert_nothing_to_do();
    terraform.replace("main.tf", "^1.10", "^1.15");
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "~ \"version\" = \"1.14.3\" -> \"1.15.0\"");
    assert_shows(&plan.stdout, "~ \"data.chart\" = \"1.14.3\" -> \"1.15.0\"");
    terraform.apply().expect_success();
    assert_eq!(chart_of(terraform)["digest"], digest(&new));
    terraform.assert_nothing_to_do();

    terraform.replace("main.tf", "root = path.root", "root = path.root\n  offline = true");
    terraform.assert_nothing_to_do();
    terraform.replace("main.tf", "^1.15", "1.14.3");
    terraform.plan().expect_success();
    std::fs::remove_dir_all(terraform.path().join(".cache/strata/charts")).expect("there is a cache");
    let message = terraform.plan().expect_failure();
    assert!(message.contains("index.yaml` is not in the cache") && !message.contains(PASSWORD), "{message}");
    let state = terraform.read("terraform.tfstate");
    assert!(!state.contains(PASSWORD), "the password is in the state");
}

#[test]
fn a_repository_that_lies_refuses_or_lacks_the_chart_is_named() {
    let repository = HelmRepository::start();
    let archive = package("web", "1.2.3", TEMPLATE);
    let check = |shop: &Shop, expected: &[&str]| {
        let message = shop.workspace.plan().expect_failure();
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in expected {
            assert!(words.contains(part), "{part:?} is not in\n{message}");
        }
        assert!(!message.contains(PASSWORD) && !message.contains("panicked"), "{message}");
    };
    repository.publish("web", &[("1.2.3", archive.clone())], |_| digest(b"another"));
    check(
        &fetched(&repository.url(), repository.host(), "1.2.3"),
        &["is not what it should be", &digest(b"another"), "main.tf line"],
    );
    check(
        &fetched(&repository.url(), repository.host(), "~2.1"),
        &["no version of chart `web` for `~2.1`", "1.2.3", "main.tf line"],
    );
    check(&fetched(&repository.url(), "elsewhere.example", "1.2.3"), &["status 401", "main.tf line"]);
    check(&fetched(&format!("{}/nowhere", repository.url()), repository.host(), "1.2.3"), &["status 404"]);
    repository.publish("webb", &[("1.2.3", archive)], digest);
    check(
        &fetched(&repository.url(), repository.host(), "1.2.3"),
        &["no chart `web`", "nearest names: webb"],
    );
    check(
        &fetched("http://charts.example.com/", "charts.example.com", "1.2.3"),
        &["plain http is for this machine only"],
    );
}

#[test]
fn a_chart_of_a_real_registry_is_fetched_with_credentials_of_the_provider_or_of_docker() {
    let registry = OciRegistry::start();
    let (old, new) = (package("web", "1.2.3", TEMPLATE), package("web", "1.3.0", TEMPLATE));
    registry.push("team/web", "1.2.3", &old);
    registry.push("team/web", "1.3.0", &new);
    let url = format!("oci://{}/team", registry.host());

    let shop = fetched(&url, registry.host(), "1.2.3");
    shop.workspace.apply().expect_success();
    assert_eq!(chart_of(&shop.workspace)["digest"], digest(&old));
    shop.workspace.replace("main.tf", "\"1.2.3\"", "\"~1\"");
    shop.workspace.apply().expect_success();
    assert_eq!(chart_of(&shop.workspace)["digest"], digest(&new));
    shop.workspace.assert_nothing_to_do();
    shop.workspace.replace("main.tf", "\"~1\"", "\"1.4.0\"");
    let message = shop.workspace.plan().expect_failure();
    assert!(message.contains("1.4.0") && message.contains("1.3.0, 1.2.3"), "{message}");

    let mut shop = fetched(&url, "elsewhere.example", "1.2.3");
    let folder = shop.workspace.path().join("docker").display().to_string();
    shop.workspace.set("DOCKER_CONFIG", &folder);
    let message = shop.workspace.plan().expect_failure();
    assert!(message.contains("status 401"), "{message}");
    shop.workspace.write(
        "docker/config.json",
        &format!(r#"{{"auths":{{"{}":{{"username":"shop","password":"{PASSWORD}"}}}}}}"#, registry.host()),
    );
    shop.workspace.plan().expect_success();
}

#[test]
fn a_chart_in_git_changes_with_its_own_files_and_brings_what_it_depends_on() {
    let library = HelmRepository::start();
    let names = "{{ define \"lib.color\" }}green{{ end }}";
    library.publish("lib", &[("1.0.0", package("lib", "1.0.0", names))], digest);
    let shop = single("");
    let about = format!(
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- name: lib\n  version: ^1\n  repository: {}\n- name: extra\n  version: '*'\n  \
         repository: file://../extra\n",
        library.url()
    );
    let template = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  color: {{ include \"lib.color\" . }}\n";
    shop.repository.commit(
        &[
            ("charts/web/Chart.yaml", Some(about.as_str())),
            ("charts/web/templates/all.yaml", Some(template)),
            ("charts/extra/Chart.yaml", Some("apiVersion: v2\nname: extra\nversion: 2.0.0\n")),
            (
                "charts/extra/templates/all.yaml",
                Some("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n"),
            ),
        ],
        "Charts",
    );
    let chart = "git {\n      repository = \"clusters\"\n      ref        = \"main\"\n      path       = \"charts/web\"\n    }";
    let terraform = &shop.workspace;
    terraform.replace("main.tf", "path = \"chart\"", chart);
    let message = terraform.plan().expect_failure();
    assert!(message.contains("status 401"), "a dependency that cannot be had is named\n{message}");
    let registry = format!(
        "registry {{\n    host     = \"{}\"\n    username = \"shop\"\n    password = \"{PASSWORD}\"\n  }}\n  cluster {{",
        library.host()
    );
    terraform.replace("main.tf", "cluster {", &registry);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let shown =
        terraform.attributes("strata_release.this").expect("it is in the state")["manifests"].to_string();
    assert!(shown.contains("green") && shown.contains("ConfigMap/default/extra"), "{shown}");

    shop.repository.commit(&[("README.md", Some("Other things\n"))], "Elsewhere");
    terraform.assert_nothing_to_do();
    shop.repository
        .commit(&[("charts/web/templates/all.yaml", Some(&template.replace("color:", "paint:")))], "Paint");
    assert_shows(&terraform.plan().expect_success().stdout, "\"data.paint\"");
    terraform.apply().expect_success();
    terraform.replace("main.tf", "root = path.root", "root = path.root\n  offline = true");
    terraform.assert_nothing_to_do();
    terraform.replace("main.tf", "\"main\"", "\"v9\"");
    let message = terraform.plan().expect_failure();
    assert!(message.contains("is not in the cache"), "{message}");
}
