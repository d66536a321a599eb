//! Layers from elsewhere: files of a repository at a branch, tag or work tree, and files that are templates.

use acceptance_tests::git_server::GitServer;
use acceptance_tests::repository::{Repository, git};
use acceptance_tests::terraform::{Workspace, project_folder};

use crate::shop::{DELIVERY, Shop, assert_shows, changes, single};

/// A layout whose files are in the repository.
const LAYOUT: &str = r#"layout {
    name       = "tenant"
    repository = "clusters"
    ref        = "main"
    layer {
      name = "global"
      file = "values/{service}/global.yaml"
    }
    layer {
      name     = "environment"
      file     = "values/{service}/{environment}.yaml"
      optional = true
    }
  }
  cluster {"#;

/// One release whose layers a layout of the repository names; `main` holds `values/small/global.yaml`.
fn of_repository() -> Shop {
    let shop = single(&format!("layout = \"tenant\"\n  {DELIVERY}"));
    let terraform = &shop.workspace;
    terraform.replace("main.tf", "cluster {", LAYOUT);
    terraform.replace(
        "main.tf",
        "kube_version = \"1.34.0\"",
        "kube_version = \"1.34.0\"\n    labels = { environment = \"prod\" }",
    );
    shop.repository.commit(&[("values/small/global.yaml", Some("# all\nsize: 2\n"))], "Values");
    shop
}

/// Expects a failure that names all of these, and nothing worse.
#[track_caller]
fn assert_refused(terraform: &Workspace, expected: &[&str]) {
    let message = terraform.plan().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words.contains(part), "{part:?} is not in\n{message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn layers_of_a_repository_change_with_their_files_and_not_with_its_commits() {
    let shop = of_repository();
    let terraform = &shop.workspace;
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "\"size\" = \"2 (global)\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(
        !terraform
            .read("terraform.tfstate")
            .contains(git(shop.repository.path(), &["rev-parse", "main"]).trim())
    );

    shop.repository.commit(&[("README.md", Some("other\n"))], "Elsewhere");
    terraform.assert_nothing_to_do();
    shop.repository.commit(&[("values/small/prod.yaml", Some("size: 3\n"))], "More");
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "~ \"size\" = \"2 (global)\" -> \"3 (environment)\"");
    assert_shows(&plan.stdout, "~ \"data.size\" = \"2\" -> \"3\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    // What was read is in the cache.
    terraform.replace("main.tf", "root = path.root", "root = path.root\n  offline = true");
    terraform.assert_nothing_to_do();
    git(shop.repository.path(), &["branch", "other", "main"]);
    terraform.replace("main.tf", "ref        = \"main\"", "ref        = \"other\"");
    assert_refused(
        terraform,
        &["repository \"clusters\" cannot be opened", "`other`", "is not in the cache", "offline"],
    );
}

#[test]
fn what_is_not_pushed_is_planned_from_a_work_tree_and_a_warning_says_so() {
    let mut shop = of_repository();
    shop.workspace.apply().expect_success();
    shop.workspace.write("clone/values/small/global.yaml", "size: 7\n");
    shop.workspace.replace(
        "main.tf",
        "name = \"clusters\"",
        "name = \"clusters\"\n    work_tree = \"clone\"",
    );
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "~ \"size\" = \"2 (global)\" -> \"7 (global)\"");
    assert_shows(&plan.stdout, "repository \"clusters\" is read from the work tree");

    shop.workspace.replace("main.tf", "work_tree = \"clone\"", "");
    shop.workspace.assert_nothing_to_do();
    git(shop.repository.path(), &["branch", "feature", "main"]);
    shop.repository.commit(&[("values/small/global.yaml", Some("size: 4\n"))], "Newer");
    shop.workspace.set("STRATA_REFS", "clusters=feature");
    let plan = shop.workspace.plan().expect_success();
    assert!(changes(&shop.workspace.plan_json()).is_empty(), "{}", plan.stdout);
    assert_shows(&plan.stdout, "repository \"clusters\" is read from \"feature\"");
    let folder = shop.workspace.path().join("clone").display().to_string();
    shop.workspace.set("STRATA_WORK_TREES", &format!("clusters@main={folder}"));
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "~ \"size\" = \"2 (global)\" -> \"7 (global)\"");
    shop.workspace.set("STRATA_WORK_TREES", "elsewhere=x");
    assert_refused(
        &shop.workspace,
        &["STRATA_WORK_TREES names a repository \"elsewhere\"", "Known: clusters"],
    );
}

#[test]
fn what_cannot_be_read_of_a_repository_is_named() {
    let shop = of_repository();
    let terraform = &shop.workspace;
    shop.repository
        .commit(&[("values/folder/x.yaml", Some("a: 1\n")), ("values/list.yaml", Some("- 1\n"))], "More");
    let file = |file: &str, reference: &str| {
        let layer = format!(
            "name = \"base\"\n    file = \"{file}\"\n    repository = \"clusters\"\n    ref = \"{reference}\""
        );
        let configuration = terraform.read("main.tf");
        terraform.replace("main.tf", "name = \"base\"\n    file = \"base.yaml\"", &layer);
        configuration
    };
    for (path, reference, expected) in [
        ("values/nowhere.yaml", "main", &["clusters@main:values/nowhere.yaml", "optional = true"][..]),
        ("values/folder", "main", &["it is a folder, not a file"]),
        ("values/list.yaml", "main", &["clusters@main:values/list.yaml", "must be a map", "a list"]),
        ("../x.yaml", "main", &["leaves the repository through `..`"]),
        ("/etc/passwd", "main", &["it is absolute"]),
        ("values/x.yaml", "v9", &["has no branch `v9`", "its branches: `main`", "work_tree"]),
        ("values/x.yaml", "a..b", &["breaks git's rules"]),
    ] {
        let before = file(path, reference);
        assert_refused(terraform, expected);
        terraform.write("main.tf", &before);
    }
    for (path, expected) in [("chart", "it is not a plain file"), ("huge.yaml", "larger than the limit")] {
        let before = terraform.read("main.tf");
        let huge = std::fs::File::create(terraform.path().join("huge.yaml")).expect("the file can be made");
        huge.set_len(65 << 20).expect("the file can be sparse");
        terraform.replace("main.tf", "\"base.yaml\"", &format!("\"{path}\""));
        assert_refused(terraform, &[expected, "layer \"base\" cannot be read"]);
        terraform.write("main.tf", &before);
    }
    terraform.replace("main.tf", "ref        = \"main\"", "ref        = \"v9\"");
    let message = terraform.plan().expect_failure();
    assert_eq!(message.matches("Error:").count(), 1, "one repository is one failure\n{message}");
    terraform.replace("main.tf", "ref        = \"v9\"", "ref        = \"main\"");
    terraform.replace("main.tf", "{environment}.yaml", "{enviroment}.yaml");
    assert_refused(terraform, &["there is no `{enviroment}`", "`{environment}`"]);
    terraform.replace("main.tf", "{enviroment}.yaml", "{environment}.yaml");
    terraform.replace("main.tf", "global.yaml", "globl.yaml");
    assert_refused(terraform, &["matches no file", "clusters@main:values/small/globl.yaml"]);
    terraform.replace(
        "main.tf",
        "repository = \"clusters\"\n    ref        = \"main\"",
        "repository = \"clsters\"",
    );
    assert_refused(terraform, &["no repository named \"clsters\"", "Known: clusters"]);
}

#[test]
fn the_example_plans_from_its_repository_and_from_a_clone() {
    let repository = Repository::new();
    let mut workspace = Workspace::copy_of(&project_folder().join("examples/layers"));
    let values = ["values/web/global.yaml", "values/web/environment.yaml.gotmpl"];
    let texts = values.map(|file| (file, workspace.read(file)));
    let files: Vec<_> = texts.iter().map(|(file, text)| (*file, Some(text.as_str()))).collect();
    repository.commit(&files, "Values");
    workspace.set("TF_VAR_repository", &repository.url());
    let plan = workspace.plan().expect_success();
    assert_shows(&plan.stdout, "\"data.host\" = \"web.prod.shop.example.com\"");
    assert_shows(&plan.stdout, "\"replicas\" = \"6 (environment)\"");
    assert_shows(&plan.stdout, "\"replicas\" = \"2 (global)\"");
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
    workspace.set("TF_VAR_work_tree", ".");
    workspace.replace("values/web/global.yaml", "replicas: 2", "replicas: 4");
    let plan = workspace.plan().expect_success();
    assert_shows(&plan.stdout, "~ \"replicas\" = \"6 (environment)\" -> \"12 (environment)\"");
    assert_shows(&plan.stdout, "repository \"values\" is read from the work tree");
}

#[test]
fn a_server_is_asked_once_for_a_repository_and_a_reference() {
    let mut shop = of_repository();
    let folder = shop.repository.path();
    for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
        git(folder, &["config", key, "true"]);
    }
    let root = folder.parent().expect("it has a folder").to_owned();
    let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
    let server = GitServer::start(&root, Some(("robot", "hunter2")));
    let terraform = &mut shop.workspace;
    let address = format!("\"{}\"\n    username = \"robot\"\n    password = \"hunter2\"", server.url(&name));
    terraform.replace("main.tf", &format!("\"{}\"", shop.repository.url()), &address);
    terraform.replace(
        "main.tf",
        DELIVERY,
        "for_each = toset([for n in range(20) : \"small-${n}\"])\n  captures = { service = \"small\" }",
    );
    terraform.replace("main.tf", "name    = \"small\"", "name    = each.key");
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()).len(), 20, "{}", plan.stdout);
    let posts = server.requests().iter().filter(|request| request.method == "POST").count();
    // A tag of the name is looked for first, then the branches, then the branch and its files: each a few requests.
    assert!(posts <= 12, "{posts} requests for 20 releases");
    let before = server.requests().len();
    terraform.plan().expect_success();
    let again = server.requests().len() - before;
    assert!(again <= before, "{again} requests, {before} at first");
    assert!(!plan.stdout.contains("hunter2"));
}

#[test]
fn a_templated_layer_knows_the_release_its_cluster_and_the_layers_below() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.replace(
        "main.tf",
        "kube_version = \"1.34.0\"",
        "kube_version = \"1.34.0\"\n    labels = { environment = \"prod\", region = \"eu\" }",
    );
    let layer = "layer {\n    name = \"templated\"\n    file = \"more.yaml.gotmpl\"\n  }\n  delivery {";
    terraform.replace("main.tf", "delivery {", layer);
    terraform.write(
        "more.yaml.gotmpl",
        "color: {{ .Values.color }}-{{ .Release.Name }}-{{ .Environment.Name }}\n{{- if eq .Cluster.Labels.region \"eu\" }}\nsize: 5\n{{- end }}\n",
    );
    // A label `environment` is a capture as well, with a layout and without.
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "\"color\" = \"green-small-prod (templated)\"");
    assert_shows(&plan.stdout, "\"size\" = \"5 (templated)\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    terraform.write("base.yaml", "color: red\n");
    let plan = terraform.plan().expect_success();
    assert_shows(
        &plan.stdout,
        "\"color\" = \"green-small-prod (templated)\" -> \"red-small-prod (templated)\"",
    );

    terraform.write("more.yaml.gotmpl", "size: 1\ncolor: {{ .Values.colour }}\n");
    assert_refused(
        terraform,
        &[
            "layer \"templated\" cannot be rendered",
            "more.yaml.gotmpl:2:",
            "map has no entry for key \"colour\"",
            "color: {{ .Values.colour }}",
        ],
    );
    terraform.write("more.yaml.gotmpl", "size: {{ randAlphaNum 5 }}\n");
    assert_refused(terraform, &["draws from chance"]);
    terraform.write("more.yaml.gotmpl", "color: {{ .Values.color }\n");
    assert_refused(terraform, &["more.yaml.gotmpl:1", "color: {{ .Values.color }"]);
}
