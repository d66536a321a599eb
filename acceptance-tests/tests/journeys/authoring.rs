//! What people compose releases with: layouts, functions, data sources, and the bounds on what a plan may take away.

use crate::shop::{DELIVERY, Shop, changes, single};

const LAYER: &str = "layer {\n    name = \"base\"\n    file = \"base.yaml\"\n  }";

/// One release whose layers a layout names.
fn laid_out() -> Shop {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.replace("main.tf", LAYER, "layout = \"tenant\"");
    terraform.replace(
        "main.tf",
        "kube_version = \"1.34.0\"\n  }",
        r#"kube_version = "1.34.0"
    labels       = { environment = "prod" }
  }
  layout {
    name = "tenant"
    layer {
      name = "global"
      file = "values/{service}/global.yaml"
    }
    layer {
      name     = "environment"
      file     = "values/{service}/{environment}.yaml"
      optional = true
    }
  }"#,
    );
    terraform.write("values/small/global.yaml", "color: green\nsize: 2\n");
    terraform.write("values/small/prod.yaml", "color: red\n");
    shop
}

#[track_caller]
fn refused(shop: &Shop, expected: &[&str]) {
    let words = shop.workspace.plan().expect_failure().split_whitespace().collect::<Vec<_>>().join(" ");
    for part in expected {
        assert!(words.contains(part), "{part:?} is not in\n{words}");
    }
}

#[test]
fn a_layout_names_the_layers_of_a_release() {
    let shop = laid_out();
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    let values = terraform.attributes("strata_release.this").expect("it is in the state")["values"].clone();
    assert_eq!(values, serde_json::json!({"color": "red (environment)", "size": "2 (global)"}));
    terraform.assert_nothing_to_do();

    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.assert_nothing_to_do();

    let inline =
        "layout = \"tenant\"\n  layer {\n    name   = \"inline\"\n    values = \"color: black\"\n  }";
    terraform.replace("main.tf", "layout = \"tenant\"", inline);
    terraform.apply().expect_success();
    let values = terraform.attributes("strata_release.this").expect("it is in the state")["values"].clone();
    assert_eq!(values["color"], "black (inline)");

    terraform.write("values/other/global.yaml", "color: white\nsize: 3\n");
    terraform.replace(
        "main.tf",
        "layout = \"tenant\"",
        "layout   = \"tenant\"\n  captures = { service = \"other\" }",
    );
    terraform.apply().expect_success();
    let values = terraform.attributes("strata_release.this").expect("it is in the state")["values"].clone();
    assert_eq!(values["size"], "3 (global)");
    terraform.assert_nothing_to_do();
}

#[test]
fn what_is_wrong_with_a_layout_is_said() {
    let shop = laid_out();
    shop.workspace.replace("main.tf", "{environment}.yaml", "{region}.yaml");
    refused(
        &shop,
        &[
            "there is no `{region}`",
            "`{cluster}`, `{environment}`, `{namespace}`, `{service}`",
            "main.tf line",
        ],
    );
    let shop = laid_out();
    shop.workspace.replace("main.tf", "name    = \"small\"", "name    = \"large\"");
    refused(&shop, &["layout \"tenant\" matches no file", "values/large/global.yaml"]);
    let shop = laid_out();
    shop.workspace.replace("main.tf", "layout = \"tenant\"", "layout = \"tennant\"");
    refused(&shop, &["no layout named \"tennant\"", "Known: tenant"]);
}

#[test]
fn data_sources_and_functions_show_values_and_objects() {
    let shop = laid_out();
    let terraform = &shop.workspace;
    let arguments =
        "name = \"small\"\n  cluster = \"one\"\n  layout = \"tenant\"\n  chart {\n    path = \"chart\"\n  }";
    terraform.write(
        "data.tf",
        &format!(
            r#"
data "strata_values" "this" {{
  {arguments}
}}
data "strata_render" "this" {{
  {arguments}
}}
output "provenance" {{
  value = data.strata_values.this.provenance
}}
output "color" {{
  value = jsondecode(nonsensitive(data.strata_values.this.merged_json)).color
}}
output "same" {{
  value = data.strata_render.this.digest == strata_release.this.digest
}}
output "rendered" {{
  value = provider::strata::parse_manifests(data.strata_render.this.yaml)["v1/ConfigMap/default/small"].data
}}
output "merged" {{
  value = provider::strata::merge_values("a: {{b: 1, c: 2}}", {{ a = {{ c = 3 }} }}, tostring(null))
}}
output "difference" {{
  value = provider::strata::diff_manifests(data.strata_render.this.yaml, replace(data.strata_render.this.yaml, "red", "blue"))
}}
"#
        ),
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let outputs = terraform.state()["values"]["outputs"].clone();
    let expected = [
        (
            "provenance",
            serde_json::json!({
                "color": "environment values/small/prod.yaml:1 (shadows global values/small/global.yaml:1, chart chart/values.yaml:1)",
                "size": "global values/small/global.yaml:2 (shadows chart chart/values.yaml:2)",
            }),
        ),
        ("color", serde_json::json!("red")),
        ("same", serde_json::json!(true)),
        ("rendered", serde_json::json!({"color": "red", "size": "2"})),
        ("merged", serde_json::json!({"a": {"b": 1, "c": 3}})),
        ("difference", serde_json::json!({"v1/ConfigMap/default/small": ["data.color: \"red\" → \"blue\""]})),
    ];
    for (name, value) in expected {
        assert_eq!(outputs[name]["value"], value, "{name}");
    }
}

const CLAIM: &str = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  storageClassName: fast\n";

#[test]
fn what_holds_data_goes_only_where_somebody_allows_it() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.write("chart/templates/claim.yaml", CLAIM);
    terraform.apply().expect_success();
    let key = "v1/PersistentVolumeClaim/default/small";

    terraform.remove("chart/templates/claim.yaml");
    refused(&shop, &[key, "allow_deletion_of = [\"PersistentVolumeClaim\"]"]);
    terraform.write("chart/templates/claim.yaml", CLAIM);
    let words = terraform.destroy().expect_failure();
    assert!(words.contains(key), "{words}");
    terraform.replace(
        "main.tf",
        "cluster = \"one\"",
        "cluster = \"one\"\n  allow_deletion_of = [\"PersistentVolumeClaim\"]",
    );
    terraform.apply().expect_success();
    terraform.remove("chart/templates/claim.yaml");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(shop.repository.read("clusters/one/small/persistentvolumeclaim-small.yaml").is_none());
}

#[test]
fn a_plan_beyond_the_guard_lists_what_would_go() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    terraform.replace(
        "main.tf",
        "root = path.root",
        "root = path.root\n  guard {\n    max_deleted_objects = 0\n  }",
    );
    terraform.assert_nothing_to_do();
    let message = terraform.run(&["plan", "-no-color", "-destroy"]).expect_failure();
    assert!(message.contains("v1/ConfigMap/default/small (release default/small on one)"), "{message}");
    terraform.replace("main.tf", "max_deleted_objects = 0", "forbid_kinds_deletion = [\"ConfigMap\"]");
    refused_destroy(&shop, "v1/ConfigMap/default/small");
    terraform.replace(
        "main.tf",
        "forbid_kinds_deletion = [\"ConfigMap\"]",
        "max_deleted_objects = 1\n    max_changed_clusters = 1",
    );
    terraform.plan().expect_success();
    assert!(changes(&terraform.plan_json()).is_empty());
    terraform.destroy().expect_success();
}

#[track_caller]
fn refused_destroy(shop: &Shop, part: &str) {
    let message = shop.workspace.run(&["plan", "-no-color", "-destroy"]).expect_failure();
    assert!(message.contains(part), "{message}");
}

#[test]
fn lint_names_what_looks_wrong_in_the_layers() {
    let shop = single("lint = \"warn\"");
    let terraform = &shop.workspace;
    assert!(!terraform.plan().expect_success().stdout.contains("look wrong"));
    terraform.write("base.yaml", "color: green\nsise: 3\nsize: 1\nshape:\n  round: true\n");
    let plan = terraform.plan().expect_success().stdout;
    let words = |text: &str| text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let plan = words(&plan);
    for expected in [
        "3 values of its layers look wrong",
        "base.yaml:2:1: nothing reads `sise`; `size` may be meant",
        "base.yaml:3:1: `size` repeats layer chart (values.yaml:2:1)",
        "base.yaml:5:3: nothing reads `shape.round`",
    ] {
        assert!(plan.contains(expected), "{expected:?} is not in\n{plan}");
    }
    terraform.replace("main.tf", "lint = \"warn\"", "lint = \"error\"");
    refused(&shop, &["3 values of its layers look wrong", "nothing reads `shape.round`"]);
    terraform.write("base.yaml", "color: green\n");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}
