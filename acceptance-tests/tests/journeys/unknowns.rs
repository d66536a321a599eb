//! Values that other resources bring: only what is made of them waits for apply, and then everything is as planned.

use serde_json::Value;

use crate::shop::{DELIVERY, Shop, assert_shows, changes, single};
use acceptance_tests::terraform::{Workspace, project_folder, shown_changes};

#[test]
fn the_example_plans_every_object() {
    let workspace = Workspace::copy_of(&project_folder().join("examples/unknown-values"));
    let plan = workspace.plan().expect_success();
    let late = "v1/Service/shop/web spec.loadBalancerIP";
    assert_shows(&plan.stdout, &format!("+ \"{late}\" = (known after apply)"));
    assert_shows(&plan.stdout, r#"+ "spec.replicas" = 3"#);
    assert!(!plan.stdout.contains("Warning: 1 objects"), "{}", plan.stdout);
    workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    workspace.assert_nothing_to_do();
    let state = workspace.attributes("strata_release.web").expect("it is in the state");
    assert_eq!(state["late"][late], "203.0.113.7");
}

/// A resource whose output is not known before apply.
const SOURCE: &str = r#"
variable "address" {
  default = "10.0.0.1"
}
resource "terraform_data" "address" {
  input = var.address
}
"#;

const CHART: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  labels:
    team: shop
data:
  address: {{ .Values.address | quote }}
  url: {{ printf "https://%s/x" .Values.address | quote }}
  color: {{ .Values.color }}
  fallback: {{ .Values.address | default "none" | quote }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  {{- if .Values.address }}
  loadBalancerIP: {{ .Values.address | quote }}
  {{- end }}
  ports:
    - port: 80
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: fixed
data:
  color: {{ .Values.color }}
"#;

/// A release with a layer of values from another resource.
fn with_layer(layer: &str) -> Shop {
    let shop = single(&format!("{layer}\n  {DELIVERY}"));
    shop.workspace.write("source.tf", SOURCE);
    shop.workspace.write("chart/templates/settings.yaml", CHART);
    shop
}

fn layer(values: &str) -> String {
    format!("layer {{\n    name   = \"infra\"\n    values = {values}\n  }}")
}

/// Returns what is planned for the release: what is known, and what waits.
fn planned(shop: &Shop) -> (Value, Value) {
    let plan = shop.workspace.plan_json();
    let all = plan["resource_changes"].as_array().expect("a plan has changes").clone();
    let release = all.into_iter().find(|one| one["address"] == "strata_release.this").expect("it is planned");
    (release["change"]["after"].clone(), release["change"]["after_unknown"].clone())
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

/// Applies, and checks that nothing is left to do and that the objects that were planned are in the state.
#[track_caller]
fn apply_as_planned(shop: &Shop, planned: &Value) {
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();
    let state = shop.workspace.attributes("strata_release.this").expect("it is in the state");
    for (key, form) in planned["manifests"].as_object().into_iter().flatten() {
        assert_eq!(&state["manifests"][key], form, "{key} is not as planned");
    }
}

#[test]
fn only_fields_made_of_an_unknown_value_wait() {
    let shop = with_layer(&layer("{ address = \"${terraform_data.address.output}.nip.io\" }"));
    shop.workspace.write("chart/templates/settings.yaml", CHART.split("---").next().expect("a document"));
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, r#"+ "data.color" = "green""#);
    assert_shows(&plan.stdout, r#"+ "v1/ConfigMap/default/small data.url" = (known after apply)"#);
    assert_shows(&plan.stdout, r#"+ "address" = (known after apply)"#);
    let (after, unknown) = planned(&shop);
    assert_eq!(keys(&after["manifests"]), ["v1/ConfigMap/default/small"]);
    let late = ["address", "fallback", "url"].map(|name| format!("v1/ConfigMap/default/small data.{name}"));
    assert_eq!(keys(&unknown["late"]), late);
    assert_eq!(unknown["digest"], true);
    assert!(unknown.get("images").is_none_or(|images| *images != true), "{unknown}");
    apply_as_planned(&shop, &after);
    let delivered = shop.repository.read("clusters/one/small/configmap-small.yaml").expect("it is delivered");
    assert!(delivered.contains("url: https://10.0.0.1.nip.io/x"), "{delivered}");

    // Another value is a change of what is made of it, and of nothing else.
    shop.workspace.write("terraform.tfvars", "address = \"10.0.0.2\"\n");
    let plan = shop.workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(
        &shown,
        r#"~ "v1/ConfigMap/default/small data.url" = "https://10.0.0.1.nip.io/x" -> (known after apply)"#,
    );
    assert!(!shown.contains("data.color") && !shown.contains("manifests"), "{shown}");
    let (after, _) = planned(&shop);
    apply_as_planned(&shop, &after);
}

#[test]
fn a_condition_that_is_not_decided_hides_its_object_alone() {
    let shop = with_layer(&layer("{ address = terraform_data.address.output }"));
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, r#"+ "v1/Service/default/small" = (known after apply)"#);
    let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "v1/Service/default/small: small/templates/settings.yaml:19 asks for `address`";
    assert!(words.contains(told), "{}", plan.stdout);
    let (after, unknown) = planned(&shop);
    assert_eq!(keys(&after["manifests"]), ["v1/ConfigMap/default/fixed", "v1/ConfigMap/default/small"]);
    assert_eq!(keys(&unknown["manifests"]), ["v1/Service/default/small"]);
    apply_as_planned(&shop, &after);

    // A text whose beginning is known is not empty, whatever it will be.
    shop.workspace.replace(
        "main.tf",
        "terraform_data.address.output",
        "\"ip-${terraform_data.address.output}\"",
    );
    shop.workspace.write("terraform.tfvars", "address = \"10.0.0.3\"\n");
    shop.workspace.plan().expect_success();
    let (after, unknown) = planned(&shop);
    assert_eq!(keys(&after["manifests"]).len(), 3, "{unknown}");
    assert!(keys(&unknown["late"]).contains(&"v1/Service/default/small spec.loadBalancerIP"), "{unknown}");
    apply_as_planned(&shop, &after);
}

#[test]
fn a_value_that_decides_which_objects_there_are_hides_them_all() {
    let shop = with_layer(&layer("{ address = terraform_data.address.output }"));
    let template =
        "{{ if .Values.address }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra\n{{ end }}\n";
    shop.workspace.write("chart/templates/extra.yaml", template);
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "+ manifests = (known after apply)");
    let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("small/templates/extra.yaml:1 asks for `address`"), "{}", plan.stdout);
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();

    // So does one that names an object.
    shop.workspace.write("chart/templates/extra.yaml", &template.replace("extra", "{{ .Values.address }}"));
    shop.workspace.write("terraform.tfvars", "address = \"10.0.0.2\"\n");
    shop.workspace.plan().expect_success();
    assert_eq!(planned(&shop).1["manifests"], true);
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn a_value_may_turn_out_empty_or_look_like_something_else() {
    for value in ["", "true", "12", "a b", "~"] {
        let shop = with_layer(&layer(
            "{ address = terraform_data.address.output, deep = { list = [terraform_data.address.id] } }",
        ));
        shop.workspace.write("terraform.tfvars", &format!("address = {value:?}\n"));
        let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: plain\n  annotations: {note: \"{{ .Values.address }}\"}\n\
                     data:\n  in: a-{{ .Values.address }}-b\n  out: {{ .Values.address }}\n  all: {{ toJson .Values.deep | quote }}\n";
        shop.workspace.write("chart/templates/plain.yaml", plain);
        shop.workspace.plan().expect_success();
        let (after, _) = planned(&shop);
        assert!(keys(&after["manifests"]).contains(&"v1/ConfigMap/default/plain"), "{after}");
        apply_as_planned(&shop, &after);
    }
}

#[test]
fn what_a_chart_refuses_cannot_come_about() {
    let shop = with_layer(&layer("{ address = terraform_data.address.output }"));
    shop.workspace.write(
        "chart/templates/_check.tpl",
        "{{ define \"check\" }}{{ if not .Values.address }}{{ fail \"address is needed\" }}{{ end }}{{ if eq .Values.address \"0.0.0.0\" }}\
         {{ fail \"address is no address\" }}{{ end }}{{ end }}",
    );
    let template = "{{ include \"check\" . }}{{ required \"no address\" .Values.address | trunc 0 }}";
    let text = shop
        .workspace
        .read("chart/templates/settings.yaml")
        .split("---")
        .next()
        .expect("a document")
        .to_owned();
    shop.workspace.write("chart/templates/settings.yaml", &format!("{template}{text}"));
    shop.workspace.plan().expect_success();
    let (after, unknown) = planned(&shop);
    assert_eq!(keys(&after["manifests"]), ["v1/ConfigMap/default/small"], "{unknown}");
    apply_as_planned(&shop, &after);
    shop.workspace.write("terraform.tfvars", "address = \"0.0.0.0\"\n");
    let refused = shop.workspace.apply().expect_failure();
    assert!(refused.contains("address is no address"), "{refused}");
}

#[test]
fn text_is_known_as_a_whole_or_not_at_all() {
    let shop = with_layer(&layer("yamlencode({ address = terraform_data.address.output })"));
    let plan = shop.workspace.plan().expect_success();
    let words = plan.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Not known yet: `values` of layer \"infra\"."), "{}", plan.stdout);
    assert!(
        words.contains("of `values = { … }`, an object, each value may be unknown on its own"),
        "{}",
        plan.stdout
    );
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn without_late_an_object_waits_as_a_whole() {
    let shop = with_layer(&layer(
        "{ address = terraform_data.address.output, color = \"black\" }\n    late = false",
    ));
    shop.workspace.plan().expect_success();
    let (after, unknown) = planned(&shop);
    assert_eq!(keys(&after["manifests"]), ["v1/ConfigMap/default/fixed"]);
    assert_eq!(after["manifests"]["v1/ConfigMap/default/fixed"], r#"{"data.color":"black"}"#);
    assert_eq!(keys(&unknown["manifests"]), ["v1/ConfigMap/default/small", "v1/Service/default/small"]);
    apply_as_planned(&shop, &after);
    let state = shop.workspace.attributes("strata_release.this").expect("it is in the state");
    assert_eq!(state["late"], serde_json::json!({}));
}

#[test]
fn a_cluster_that_does_not_exist_yet_hides_nothing_but_what_it_brings() {
    let shop = with_layer(&layer("{ address = \"ip-${terraform_data.address.output}\" }"));
    shop.workspace.replace(
        "main.tf",
        "kube_version = \"1.34.0\"",
        "kube_version = \"1.34.0\"\n    labels = { at = terraform_data.address.output }",
    );
    shop.workspace.plan().expect_success();
    assert_eq!(keys(&planned(&shop).0["manifests"]).len(), 3);
    shop.workspace.replace(
        "main.tf",
        "kube_version = \"1.34.0\"",
        "kube_version = terraform_data.version.output",
    );
    shop.workspace
        .write("version.tf", "resource \"terraform_data\" \"version\" {\n  input = \"1.34.0\"\n}\n");
    let plan = shop.workspace.plan().expect_success();
    assert!(plan.stdout.contains("`kube_version` of cluster \"one\""), "{}", plan.stdout);
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn late_fields_survive_import_and_show_what_somebody_else_changed() {
    let shop = with_layer(&layer(
        "{ address = \"ip-${terraform_data.address.output}\", count = 3, list = [\"a\", 1, true] }",
    ));
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let before = terraform.attributes("strata_release.this").expect("it is in the state");
    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), Vec::<String>::new());
    assert_eq!(terraform.attributes("strata_release.this").expect("it is back")["late"], before["late"]);

    let file = "clusters/one/small/configmap-small.yaml";
    let text = shop.repository.read(file).expect("it is delivered");
    let changed = text.replace("https://ip-10.0.0.1/x", "https://elsewhere/x");
    shop.repository.commit(&[(file, Some(&changed))], "somebody else");
    let plan = terraform.plan().expect_success();
    assert_shows(
        &plan.stdout,
        r#"~ "v1/ConfigMap/default/small data.url" = "https://elsewhere/x" -> "https://ip-10.0.0.1/x""#,
    );
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
}

#[test]
fn values_that_are_no_object_are_refused() {
    let check = |values: &str, expected: &str| {
        let shop = with_layer(&layer(values));
        let refused = shop.workspace.plan().expect_failure();
        assert!(refused.contains(expected), "{refused}");
    };
    check("[1, 2]", "the values of layer \"infra\" are a list");
    check("3", "the values of layer \"infra\" are a number");
}
