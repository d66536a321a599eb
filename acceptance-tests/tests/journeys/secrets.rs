//! Secrets stay out of plans, state and logs, and what a chart draws from chance stays the same.

use crate::shop::{DELIVERY, assert_shows, changes, single};
use acceptance_tests::terraform::shown_changes;

const CANARY: &str = "correct-horse-battery-staple";

/// The canary, and what would give it away: its base64 and its sha256.
const FORMS: [&str; 3] = [
    CANARY,
    "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ",
    "87cbebfeebc05f7c54ac9336c4b4bbec831227a641951a4bde7edd56020f8590",
];

const SECRET: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
data:
  token: {{ .Values.token | b64enc }}
---
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
  annotations:
    checksum/secret: {{ .Values.token | sha256sum }}
";

const DRAWN: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}-drawn
stringData:
  password: {{ randAlphaNum 24 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-drawn
data:
  id: {{ uuidv4 }}
  born: {{ now | date \"2006-01-02T15:04:05\" | quote }}
  note: {{ .Values.note | default \"none\" }}
";

#[test]
fn a_password_shows_nowhere_but_in_the_repository() {
    let mut shop = single(DELIVERY);
    shop.workspace.set("TF_LOG", "TRACE");
    shop.workspace.write("chart/templates/secret.yaml", SECRET);
    shop.workspace.write("base.yaml", &format!("color: green\ntoken: {CANARY}\n"));
    let mut seen = Vec::new();
    let plan = shop.workspace.plan().expect_success();
    seen.extend([plan.stdout, plan.stderr, shop.workspace.plan_json().to_string()]);
    let apply = shop.workspace.apply().expect_success();
    seen.extend([apply.stdout, apply.stderr]);
    let state: serde_json::Value =
        serde_json::from_str(&shop.workspace.read("terraform.tfstate")).expect("JSON");
    seen.push(state.to_string());
    // Failures talk most: a template that fails with the token at hand.
    shop.workspace.replace("chart/templates/secret.yaml", "| b64enc", "| b64enc | nindent \"x\"");
    let failed = shop.workspace.plan();
    seen.extend([failed.stdout, failed.stderr]);
    for (index, text) in seen.iter().enumerate() {
        for form in FORMS {
            assert!(!text.contains(form), "output {index} holds {form}");
        }
    }
    let delivered = shop.repository.read("clusters/one/small/secret-small.yaml").expect("it is delivered");
    assert!(delivered.contains(FORMS[1]), "{delivered}");
}

#[test]
fn a_changed_password_shows_as_its_next_revision() {
    let shop = single(DELIVERY);
    shop.workspace.write("chart/templates/secret.yaml", SECRET);
    shop.workspace.write("base.yaml", &format!("token: {CANARY}\n"));
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.write("base.yaml", "token: another\n");
    let plan = shop.workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "data.token" = "(sensitive, revision 1)" -> "(sensitive, revision 2)""#);
    assert_shows(
        &shown,
        r#"~ "token" = "(sensitive, revision 1) (base)" -> "(sensitive, revision 2) (base)""#,
    );
    assert!(!shown.contains("another"), "{shown}");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn what_a_chart_draws_is_drawn_once_and_survives_changes_and_import() {
    let shop = single(DELIVERY);
    let terraform = &shop.workspace;
    terraform.write("chart/templates/drawn.yaml", DRAWN);
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, r#"+ "data.id" = "(generated, revision 1)""#);
    assert_shows(&plan.stdout, r#"+ "data.note" = "none""#);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let files =
        ["clusters/one/small/secret-small-drawn.yaml", "clusters/one/small/configmap-small-drawn.yaml"];
    let drawn = files.map(|file| shop.repository.read(file).expect("it is delivered"));

    terraform.write("base.yaml", "color: green\nnote: changed\n");
    terraform.plan().expect_success();
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(shop.repository.read(files[0]).as_ref(), Some(&drawn[0]), "the password stays");
    let note = shop.repository.read(files[1]).expect("it is delivered");
    assert_eq!(note, drawn[1].replace("note: none", "note: changed"), "id and time stay");

    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), Vec::<String>::new());
    assert_eq!(shop.repository.read(files[0]).as_ref(), Some(&drawn[0]));
}
