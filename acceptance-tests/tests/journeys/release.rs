//! The life of a release: created, read back, changed by one line of one layer, imported, replaced, destroyed.

use acceptance_tests::terraform::shown_changes;

use crate::shop::{DELIVERY, assert_shows, changes, shop, single};

#[test]
fn a_shop_is_planned_applied_imported_and_destroyed() {
    let shop = shop();
    let terraform = &shop.workspace;

    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("Plan: 6 to add, 0 to change, 0 to destroy."), "{}", plan.stdout);
    assert_eq!(shop.repository.commits(), 1, "a plan writes nothing");

    terraform.apply().expect_success();
    assert!(shop.repository.commits() <= 3, "six releases of one apply share commits");
    let delivered =
        shop.repository.read("clusters/prod-us/web/ingress-web.yaml").expect("the release was delivered");
    assert!(delivered.contains("shop.us.example.com"), "{delivered}");
    terraform.assert_nothing_to_do();

    let address = "strata_release.this[\"prod-us/web\"]";
    terraform.run(&["state", "rm", address]).expect_success();
    terraform.run(&["import", "-no-color", address, "clusters:clusters/prod-us/web"]).expect_success();
    terraform.assert_nothing_to_do();

    terraform.destroy().expect_success();
    let left = shop.repository.files();
    assert!(!left.iter().any(|path| path.starts_with("clusters/")), "{left:?}");
    assert!(left.contains(&"README.md".to_owned()), "others' files stay");
}

#[test]
fn one_line_of_one_layer_shows_its_fields_its_layer_and_nothing_else() {
    let shop = shop();
    let terraform = &shop.workspace;
    terraform.apply().expect_success();

    terraform.replace("values/web/prod.yaml", "replicaCount: 3", "replicaCount: 4");
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_eq!(
        changes(&terraform.plan_json()),
        ["strata_release.this[\"prod-eu/web\"] update", "strata_release.this[\"prod-us/web\"] update"]
    );
    assert_shows(&shown, r#"~ "spec.replicas" = 3 -> 4"#);
    assert_shows(&shown, r#"~ "replicaCount" = "3 (environment)" -> "4 (environment)""#);
    let lines = shown.lines().filter(|line| !line.trim().is_empty()).count() - 1;
    assert!(lines <= 2 * 20, "{lines} lines for two releases\n{shown}");

    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn state_is_hardly_larger_than_the_display_forms_in_it() {
    let shop = shop();
    shop.workspace.apply().expect_success();
    let state: serde_json::Value =
        serde_json::from_str(&shop.workspace.read("terraform.tfstate")).expect("JSON");
    for instance in state["resources"][0]["instances"].as_array().expect("instances") {
        let forms = &instance["attributes"]["manifests"];
        let forms: usize = forms
            .as_object()
            .expect("a map")
            .iter()
            .map(|(k, v)| k.len() + v.as_str().map_or(0, str::len))
            .sum();
        let whole = instance["attributes"].to_string().len();
        // What the blocks say is kept with its types, and every argument that is not given as a null; both weigh in so
        // small a chart.
        assert!(whole < 3 * forms + 600, "{whole} bytes of attributes for {forms} bytes of display forms");
    }
}

#[test]
fn without_a_delivery_a_release_is_only_rendered() {
    let shop = single("");
    shop.workspace.apply().expect_success();
    let attributes = shop.workspace.attributes("strata_release.this").expect("it is in the state");
    assert_eq!(attributes["status"], "rendered");
    assert_eq!(shop.repository.commits(), 1);
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn another_name_replaces_the_release_and_another_path_moves_it() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.apply().expect_success();

    terraform.replace("main.tf", "clusters/one/small", "clusters/uno/small");
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_release.this update"]);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(shop.repository.read("clusters/one/small/configmap-small.yaml").is_none());
    assert!(shop.repository.read("clusters/uno/small/configmap-small.yaml").is_some());

    terraform.replace("main.tf", "name    = \"small\"", "name    = \"tiny\"");
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_release.this delete,create"]);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert!(shop.repository.read("clusters/uno/small/configmap-small.yaml").is_none());
    assert!(shop.repository.read("clusters/uno/small/configmap-tiny.yaml").is_some());
}

#[test]
fn summary_detail_keeps_a_digest_per_object() {
    let shop = single("plan_detail = \"summary\"");
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    let attributes = terraform.attributes("strata_release.this").expect("it is in the state");
    let form = attributes["manifests"]["v1/ConfigMap/default/small"].as_str().expect("a digest").to_owned();
    assert!(form.len() < 80 && !form.contains("green"), "{form}");
    terraform.replace("base.yaml", "green", "red");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}
