//! Every plan that the README and the guide show, recorded from the real Terraform.

use std::path::PathBuf;

use acceptance_tests::recorded::check_recorded;
use acceptance_tests::terraform::{Workspace, project_folder, shown_changes};

use crate::shop::{Shop, shop};

fn guide() -> PathBuf {
    project_folder().join("docs/guides/reading-a-plan.md")
}

/// A shop with one release per service on one cluster, so that every plan is as short as can be.
fn small_shop() -> Shop {
    let shop = shop();
    shop.workspace.replace(
        "main.tf",
        "    prod-eu = { environment = \"prod\" }\n    prod-us = { environment = \"prod\" }\n",
        "",
    );
    shop
}

/// Plans, shows the plan's changes without the summary, and applies.
fn plan_and_apply(workspace: &Workspace) -> String {
    let plan = workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
    shown
}

#[test]
fn the_guide_shows_what_terraform_prints() {
    let shop = small_shop();
    let workspace = &shop.workspace;
    workspace.replace("main.tf", "services = [\"web\", \"worker\"]", "services = [\"worker\"]");
    check_recorded(&guide(), "create", &plan_and_apply(workspace));

    workspace.replace("main.tf", "services = [\"worker\"]", "services = [\"web\", \"worker\"]");
    workspace.apply().expect_success();

    workspace.replace("values/web/global.yaml", "TZ: UTC", "TZ: Europe/Berlin");
    check_recorded(&guide(), "one value", &plan_and_apply(workspace));

    workspace.replace("values/web/global.yaml", "TZ: Europe/Berlin", "TZ: Europe/Berlin\n  CURRENCY: EUR");
    check_recorded(&guide(), "one more variable", &plan_and_apply(workspace));

    workspace.replace("values/web/dev.yaml", "logLevel: debug", "logLevel: trace");
    check_recorded(&guide(), "a line of a file", &plan_and_apply(workspace));

    workspace.replace("charts/web/Chart.yaml", "version: 1.4.0", "version: 1.5.0");
    workspace.replace("charts/web/Chart.yaml", "appVersion: \"2.7.1\"", "appVersion: \"2.8.0\"");
    check_recorded(&guide(), "chart bump", &plan_and_apply(workspace));

    workspace.write("values/web/dev-1.yaml", "ingress:\n  enabled: true\n  host: dev.shop.example.com\n");
    check_recorded(&guide(), "new object", &plan_and_apply(workspace));

    workspace.remove("values/web/dev-1.yaml");
    check_recorded(&guide(), "removed object", &plan_and_apply(workspace));

    workspace.replace("values/worker/global.yaml", "queue:", "credentials:\n  token: correct-horse\nqueue:");
    let secret = plan_and_apply(workspace);
    check_recorded(&guide(), "secret", &secret);

    workspace.write("charts/web/crds/baskets.yaml", &basket_definition("v1"));
    workspace.apply().expect_success();
    workspace.write("charts/web/crds/baskets.yaml", &basket_definition("v2"));
    check_recorded(&guide(), "definition", &plan_and_apply(workspace));
}

#[test]
fn the_readme_shows_what_terraform_prints() {
    let shop = shop();
    shop.workspace.apply().expect_success();
    shop.workspace.replace("values/web/prod.yaml", "replicaCount: 3", "replicaCount: 4");
    let plan = shop.workspace.plan().expect_success();
    check_recorded(&project_folder().join("README.md"), "quickstart", &shown_changes(&plan.stdout));
}

fn basket_definition(storage: &str) -> String {
    let version = |name: &str| {
        format!(
            "    - name: {name}\n      served: true\n      storage: {}\n      schema:\n        openAPIV3Schema:\n          \
             type: object\n          x-kubernetes-preserve-unknown-fields: true\n",
            name == storage
        )
    };
    let versions: String = ["v1", "v2"].into_iter().filter(|name| *name <= storage).map(version).collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: baskets.shop.example.com\n\
         spec:\n  group: shop.example.com\n  scope: Namespaced\n  names:\n    kind: Basket\n    plural: baskets\n  versions:\n{versions}"
    )
}
