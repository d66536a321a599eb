//! Every example of the reference is planned, with nothing but what a reader would add.

use std::path::{Path, PathBuf};

use acceptance_tests::flux::answers;
use acceptance_tests::repository::Repository;
use acceptance_tests::terraform::{Workspace, project_folder};

const REQUIRED: &str = "terraform {\n  required_providers {\n    strata = {\n      source = \"stratahq/strata\"\n    }\n  }\n}\n";

fn folder() -> PathBuf {
    project_folder().join("examples")
}

/// Lists the folders in a folder, sorted.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the examples are there");
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.expect("it is readable").path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

/// The quickstart's charts and values with an example in them, and a provider that knows the cluster it speaks of.
fn with(file: &Path) -> Workspace {
    let workspace = Workspace::copy_of(&folder().join("quickstart"));
    workspace.remove("main.tf");
    let text = std::fs::read_to_string(file).expect("the example is readable");
    workspace.write("example.tf", &text);
    let repository = "  repository {\n    name = \"clusters\"\n    url  = var.repository\n  }\n";
    let cluster = "  cluster {\n    name         = \"prod-eu\"\n    kube_version = \"1.34.0\"\n  }\n";
    let source = answers().join("components/v{version}");
    let source = format!("  agent_source = \"{}\"\n", source.display());
    workspace.write(
        "provider.tf",
        &format!("{REQUIRED}variable \"repository\" {{\n  type = string\n}}\nprovider \"strata\" {{\n  root = path.root\n{source}{repository}{cluster}}}\n"),
    );
    workspace
}

#[test]
fn functions_give_what_their_comments_say() {
    let expected = [
        (
            "diff_manifests",
            "changes",
            serde_json::json!({"v1/ConfigMap/shop/settings": ["data.color: \"green\" → \"blue\""]}),
        ),
        (
            "merge_values",
            "values",
            serde_json::json!({"replicas": 3, "image": {"repository": "registry.example.com/web", "tag": "1.4.0"}}),
        ),
        ("parse_manifests", "keys", serde_json::json!(["v1/ConfigMap/shop/settings", "v1/Namespace/shop"])),
        ("parse_manifests", "color", serde_json::json!("green")),
    ];
    for example in inside(&folder().join("functions")) {
        let workspace = Workspace::new();
        workspace.write("provider.tf", REQUIRED);
        let text = std::fs::read_to_string(example.join("function.tf")).expect("the example is readable");
        workspace.write("example.tf", &text);
        workspace.apply().expect_success();
        workspace.assert_nothing_to_do();
        let outputs = workspace.state()["values"]["outputs"].clone();
        let name = example.file_name().expect("it has a name").to_string_lossy().into_owned();
        let own: Vec<_> = expected.iter().filter(|(function, _, _)| *function == name).collect();
        assert!(!own.is_empty(), "nothing is expected of {name}");
        for (_, output, value) in own {
            assert_eq!(outputs[output]["value"], *value, "{name} {output}");
        }
    }
}

#[test]
fn data_sources_and_resources_plan() {
    let repository = Repository::new();
    let mut count = 0;
    for (group, file) in [("data-sources", "data-source.tf"), ("resources", "resource.tf")] {
        for example in inside(&folder().join(group)) {
            let mut workspace = with(&example.join(file));
            workspace.set("TF_VAR_repository", &repository.url());
            workspace.apply().expect_success();
            workspace.assert_nothing_to_do();
            count += 1;
        }
    }
    assert!(count >= 3, "{count} examples");
}

#[test]
fn the_provider_block_is_accepted() {
    let mut workspace = Workspace::new();
    let text =
        std::fs::read_to_string(folder().join("provider/provider.tf")).expect("the example is readable");
    workspace.write("provider.tf", &text);
    workspace.write(
        "nothing.tf",
        "output \"nothing\" {\n  value = provider::strata::merge_values({ a = 1 })\n}\n",
    );
    workspace.set("TF_VAR_git_token", "a token");
    workspace.run(&["validate", "-no-color"]).expect_success();
    workspace.plan().expect_success();
}
