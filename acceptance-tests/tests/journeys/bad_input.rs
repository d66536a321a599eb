//! Bad input ends in a diagnostic that names the thing, its place and the next step; nothing is written.

use crate::shop::{DELIVERY, Shop, single};

/// Expects that a plan fails, that its message holds all of `expected`, and that nothing was written.
#[track_caller]
fn refused_at_plan(shop: &Shop, expected: &[&str]) {
    let message = shop.workspace.plan().expect_failure();
    check(shop, &message, expected);
}

/// Expects that an apply fails likewise.
#[track_caller]
fn refused_at_apply(shop: &Shop, expected: &[&str]) {
    let message = shop.workspace.apply().expect_failure();
    check(shop, &message, expected);
}

#[track_caller]
fn check(shop: &Shop, message: &str, expected: &[&str]) {
    // Terraform wraps long lines; words count, not their line breaks.
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&part), "{part:?} is not in\n{message}");
    }
    assert!(!message.contains("panicked") && !message.contains("rpc error"), "{message}");
    assert_eq!(shop.repository.files(), ["README.md"], "something was written");
}

#[test]
fn malformed_yaml_in_a_layer_names_file_line_and_column() {
    let shop = single(DELIVERY);
    shop.workspace.write("base.yaml", "color: green\nsize: [1, 2\nother: 3\n");
    refused_at_plan(&shop, &["base.yaml:", "layer"]);
}

#[test]
fn a_layer_that_is_a_list_is_refused() {
    let shop = single(DELIVERY);
    shop.workspace.write("base.yaml", "- color: green\n");
    refused_at_plan(&shop, &["base.yaml", "map"]);
}

#[test]
fn a_missing_layer_is_named_and_may_be_optional() {
    let shop = single(DELIVERY);
    shop.workspace.remove("base.yaml");
    refused_at_plan(&shop, &["base.yaml", "optional = true", "main.tf line"]);
    shop.workspace.replace("main.tf", "file = \"base.yaml\"", "file = \"base.yaml\"\n    optional = true");
    shop.workspace.plan().expect_success();
}

#[test]
fn a_chart_without_its_metadata_is_refused() {
    let shop = single(DELIVERY);
    shop.workspace.remove("chart/Chart.yaml");
    refused_at_plan(&shop, &["Chart.yaml", "main.tf line"]);
}

#[test]
fn a_chart_that_is_not_there_is_named() {
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", "path = \"chart\"", "path = \"charts/nowhere\"");
    refused_at_plan(&shop, &["charts/nowhere", "main.tf line"]);
}

#[test]
fn a_template_error_shows_its_line_and_a_caret() {
    let shop = single(DELIVERY);
    shop.workspace.replace(
        "chart/templates/settings.yaml",
        ".Values.size | quote",
        ".Values.size.unit.name | quote",
    );
    refused_at_plan(&shop, &["settings.yaml:7", "{{ .Values.size.unit.name | quote }}", "^"]);
}

#[test]
fn a_template_that_does_not_parse_is_refused_with_its_line() {
    let shop = single(DELIVERY);
    shop.workspace.replace("chart/templates/settings.yaml", "| quote }}", "| nofunc }}");
    refused_at_plan(&shop, &["settings.yaml:7", "nofunc"]);
}

#[test]
fn required_and_fail_say_what_the_chart_says() {
    let shop = single(DELIVERY);
    shop.workspace.replace(
        "chart/templates/settings.yaml",
        ".Values.color",
        "required \"a color is needed\" .Values.paint",
    );
    refused_at_plan(&shop, &["a color is needed", "settings.yaml:6"]);
    shop.workspace.replace(
        "chart/templates/settings.yaml",
        "required \"a color is needed\" .Values.paint",
        "fail \"no paint today\"",
    );
    refused_at_plan(&shop, &["no paint today", "settings.yaml:6"]);
}

#[test]
fn layers_that_disagree_on_the_type_are_named_both() {
    let shop = single(DELIVERY);
    shop.workspace.write("base.yaml", "color: green\npaint:\n  kind: oil\n");
    shop.workspace.write("top.yaml", "paint: none\n");
    shop.workspace.replace(
        "main.tf",
        "layer {",
        "layer {\n    name = \"top\"\n    file = \"top.yaml\"\n  }\n  layer {",
    );
    refused_at_plan(&shop, &["paint", "base.yaml:", "top.yaml:"]);
}

#[test]
fn two_releases_may_not_write_the_same_file() {
    let shop = single(DELIVERY);
    let configuration = shop.workspace.read("main.tf");
    let (_, block) =
        configuration.split_once("resource \"strata_release\" \"this\"").expect("the block is there");
    let second = format!(
        "{configuration}\nresource \"strata_release\" \"that\"{}",
        block.replace("cluster = \"one\"", "cluster = \"one\"\n  namespace = \"other\"")
    );
    shop.workspace.write("main.tf", &second);
    let message = shop.workspace.apply().expect_failure();
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("clusters/one/small/"), "{message}");
    assert!(words.contains("default/small") && words.contains("other/small"), "both are named\n{message}");
}

#[test]
fn a_path_that_escapes_the_repository_is_refused() {
    for path in ["../outside", "/etc", "a/../../b", ".git/hooks", "a\\\\b"] {
        let shop = single(DELIVERY);
        shop.workspace.replace("main.tf", "clusters/one/small", path);
        refused_at_plan(&shop, &["path"]);
    }
}

#[test]
fn an_unreachable_repository_is_named() {
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", &shop.repository.url(), "file:///nowhere/at/all.git");
    refused_at_apply(&shop, &["/nowhere/at/all.git"]);
}

#[test]
fn a_missing_branch_is_named() {
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", "name = \"clusters\"", "name = \"clusters\"\n    branch = \"release\"");
    refused_at_apply(&shop, &["release", "branch"]);
}

#[test]
fn a_refused_push_shows_what_the_server_said() {
    let shop = single(DELIVERY);
    shop.repository.hook("pre-receive", "echo 'main is frozen until Monday' >&2; exit 1");
    refused_at_apply(&shop, &["main is frozen until Monday"]);
    assert!(
        shop.workspace.attributes("strata_release.this").is_none(),
        "nothing was written, so nothing is kept"
    );
}

#[test]
fn unknown_names_list_the_known_ones() {
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", "cluster = \"one\"", "cluster = \"two\"");
    refused_at_plan(&shop, &["no cluster named \"two\"", "Known: one", "main.tf line"]);
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", "repository = \"clusters\"", "repository = \"fleet\"");
    refused_at_plan(&shop, &["no repository named \"fleet\"", "Known: clusters", "main.tf line"]);
}

#[test]
fn a_cluster_without_a_version_is_refused() {
    let shop = single(DELIVERY);
    shop.workspace.replace("main.tf", "kube_version = \"1.34.0\"", "");
    refused_at_plan(&shop, &["kube_version"]);
}

#[test]
fn a_file_of_somebody_else_is_never_overwritten() {
    let shop = single(DELIVERY);
    shop.repository
        .commit(&[("clusters/one/small/configmap-small.yaml", Some("mine: true\n"))], "Somebody else's file");
    let message = shop.workspace.apply().expect_failure();
    assert!(message.contains("clusters/one/small/configmap-small.yaml"), "{message}");
    assert_eq!(
        shop.repository.read("clusters/one/small/configmap-small.yaml").as_deref(),
        Some("mine: true\n")
    );
}
