//! Values that a user declares as sensitive: what depends on them is seen by nobody, whatever goes wrong.

use crate::shop::{DELIVERY, Shop, assert_shows, single};
use acceptance_tests::terraform::{Run, Workspace, project_folder, shown_changes};

/// What stands in `sensitive_values`, in a sensitive layer, and in both of them later; each with its base64, without the
/// end, which depends on what follows, and its sha256.
const CANARIES: [[&str; 3]; 3] = [
    [
        "walrus-sings-at-midnight",
        "d2FscnVzLXNpbmdzLWF0LW1pZG5pZ2h0",
        "a753ebb16b00df227cab2020fcd9e76aa37b21d2dca8950e85e914bc6c65e1b5",
    ],
    [
        "otter-counts-to-eleven",
        "b3R0ZXItY291bnRzLXRvLWVsZXZlb",
        "6838d7d4fcf5dfd9c92cc01ff64f981709b5e4a88e72113ddad530bfac0d39dc",
    ],
    [
        "badger-forgets-nothing",
        "YmFkZ2VyLWZvcmdldHMtbm90aGluZ",
        "2e58f33dd7968c444ab4845eb1452e21310cac98388c7ee137b4007e31a18535",
    ],
];

const CHART: &str = "\
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
  annotations:
    note: {{ printf \"token %s\" .Values.token | quote }}
stringData:
  token: {{ .Values.token | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: 2
  template:
    metadata:
      annotations:
        checksum/token: {{ .Values.token | sha256sum }}
    spec:
      containers:
        - name: app
          image: app:1
          env:
            - name: TOKEN
              value: {{ .Values.token | b64enc }}
            - name: PASSWORD
              value: {{ .Values.db.password | upper | lower | quote }}
            - name: COLOR
              value: {{ .Values.color }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  app.yaml: |
    {{- toYaml .Values.db | nindent 4 }}
  color: {{ .Values.color }}
";

const PLAIN: &str = r#"delivery {
    git {
      repository    = "clusters"
      path          = "clusters/one/small"
      plain_secrets = true
    }
  }"#;

/// A release with a token that only the configuration holds, and a password in a layer of its own.
fn with_secrets(version: &str, delivery: &str) -> Shop {
    let layer =
        "layer {\n    name      = \"secret\"\n    file      = \"secret.yaml\"\n    sensitive = true\n  }";
    let mut shop =
        single(&format!("{layer}\n  sensitive_values = {{ token = var.token }}\n  {version}\n  {delivery}"));
    let terraform = &mut shop.workspace;
    terraform.write("token.tf", "variable \"token\" {\n  type      = string\n  ephemeral = true\n}\n");
    terraform.set("TF_VAR_token", CANARIES[0][0]);
    terraform.write("secret.yaml", &format!("db:\n  password: {}\n", CANARIES[1][0]));
    terraform.write("chart/templates/settings.yaml", CHART);
    shop
}

#[test]
fn the_example_hides_what_it_declares() {
    let mut workspace = Workspace::copy_of(&project_folder().join("examples/secrets"));
    workspace.set("TF_VAR_database_password", CANARIES[0][0]);
    let plan = workspace.plan().expect_success();
    assert_shows(&plan.stdout, r#"+ "data.password" = "(sensitive, revision 1)""#);
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
    let state = workspace.read("terraform.tfstate");
    for hidden in [CANARIES[0][0], "only-an-example"] {
        assert!(!plan.stdout.contains(hidden) && !state.contains(hidden), "{hidden}");
    }
}

/// Everything that was printed or kept, to be searched at the end.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn add(&mut self, step: &str, run: Run) {
        self.0.push((format!("{step}, stdout"), run.stdout));
        self.0.push((format!("{step}, stderr"), run.stderr));
    }

    #[track_caller]
    fn assert_clean(&self) {
        for (step, text) in &self.0 {
            for form in CANARIES.as_flattened() {
                let at = text.find(form);
                let line = at.map(|at| {
                    text[text[..at].rfind('\n').unwrap_or(0)..].lines().take(2).collect::<String>()
                });
                assert_eq!(line, None, "{step} holds {form}");
            }
        }
    }
}

#[test]
fn what_is_declared_sensitive_is_seen_nowhere() {
    let mut shop = with_secrets("", PLAIN);
    shop.workspace.set("TF_LOG", "TRACE");
    let mut seen = Seen::default();
    let plan = shop.workspace.plan().expect_success();
    for line in [
        r#"+ "data.token" = "(sensitive, revision 1)""#,
        r#"+ "spec.template.spec.containers[app].env[TOKEN].value" = "(sensitive, revision 1)""#,
        r#"+ "spec.template.spec.containers[app].env[PASSWORD].value" = "(sensitive, revision 1)""#,
        r#"+ "spec.template.spec.containers[app].env[COLOR].value" = "green""#,
        r#"+ "spec.template.metadata.annotations[checksum/token]" = "(sensitive, revision 1)""#,
        r#"+ "data[app.yaml]" = "(sensitive, revision 1)""#,
        r#"+ "token" = "(sensitive, revision 1) (sensitive_values)""#,
        r#"+ "db.password" = "(sensitive, revision 1) (secret)""#,
        "+ sensitive_values = (write-only attribute)",
    ] {
        assert_shows(&plan.stdout, line);
    }
    seen.add("plan", plan);
    seen.0.push(("plan as JSON".to_owned(), shop.workspace.plan_json().to_string()));
    seen.add("apply", shop.workspace.apply().expect_success());
    shop.workspace.assert_nothing_to_do();
    let delivered = shop.repository.read("clusters/one/small/secret-small.yaml").expect("it is delivered");
    assert!(delivered.contains(CANARIES[0][0]), "the agent needs the value: {delivered}");
    let record = shop.repository.files().into_iter().find(|file| file.contains("strata")).expect("a record");
    seen.0.push((record.clone(), shop.repository.read(&record).expect("it is delivered")));

    // Failures talk most.
    let fails = |shop: &Shop, seen: &mut Seen, step: &str, told: &str| {
        let run = shop.workspace.plan();
        assert!(!run.succeeded, "{step} does not fail");
        let words = run.stderr.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(told), "{step}\n{words}");
        seen.add(step, run);
    };
    let files = |at: usize| {
        format!(
            "{{{{ $t := .Values.token }}}}{}",
            [
                "{{ fail (printf \"bad %s\" $t) }}",
                "{{ $t | nindent \"x\" }}",
                "{{ if eq (len $t) 24 }}{{ fail (b64enc $t) }}{{ end }}",
                "a: b: {{ $t }}",
                "kind: ConfigMap\ndata: {a: {{ sha256sum $t }}}",
                "{{ $t.nothing }}",
            ][at]
        )
    };
    for (at, told) in
        ["bad (sensitive)", "broken.yaml:1", "broken.yaml:1", "broken.yaml", "no apiVersion", "broken.yaml:1"]
            .iter()
            .enumerate()
    {
        shop.workspace.write("chart/templates/broken.yaml", &files(at));
        fails(&shop, &mut seen, &format!("broken template {at}"), told);
    }
    shop.workspace.remove("chart/templates/broken.yaml");
    let schema = "{\"properties\": {\"db\": {\"properties\": {\"password\": {\"pattern\": \"^x\"}}}, \"token\": {\"enum\": [\"a\"]}}}";
    shop.workspace.write("chart/values.schema.json", schema);
    fails(&shop, &mut seen, "schema", "'(sensitive)' does not match pattern '^x'");
    shop.workspace.remove("chart/values.schema.json");
    shop.workspace.write("secret.yaml", &format!("db:\n  password: {}: x\n", CANARIES[1][0]));
    fails(&shop, &mut seen, "layer that is no YAML", "secret.yaml:2");
    shop.workspace.write("secret.yaml", &format!("- {}\n", CANARIES[1][0]));
    fails(&shop, &mut seen, "layer that is a list", "holds no values");
    shop.workspace.write("secret.yaml", &format!("db: {}\n", CANARIES[1][0]));
    shop.workspace.write("base.yaml", "color: green\ndb:\n  password: \"1\"\n");
    fails(&shop, &mut seen, "layers that disagree", "layers disagree on what `db` is");
    shop.workspace.write("base.yaml", "color: green\n");

    // A delivery that fails half-way.
    shop.workspace.write("secret.yaml", &format!("db:\n  password: {}\n", CANARIES[2][0]));
    shop.workspace.set("TF_VAR_token", CANARIES[2][0]);
    shop.repository.hook("pre-receive", "echo 'main is frozen' >&2; exit 1");
    let failed = shop.workspace.apply();
    assert!(!failed.succeeded, "{}", failed.stdout);
    seen.add("refused delivery", failed);
    shop.repository.remove_hook("pre-receive");
    seen.add("apply of other values", shop.workspace.apply().expect_success());
    shop.workspace.assert_nothing_to_do();
    seen.0.push(("state".to_owned(), shop.workspace.read("terraform.tfstate")));
    seen.0.push(("state before".to_owned(), shop.workspace.read("terraform.tfstate.backup")));
    seen.0.push(("shown state".to_owned(), shop.workspace.state().to_string()));
    seen.add("destroy", shop.workspace.destroy().expect_success());
    seen.assert_clean();
}

#[test]
fn a_revision_rises_with_the_value_or_with_its_version() {
    let mut shop = with_secrets("", PLAIN);
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.set("TF_VAR_token", CANARIES[2][0]);
    let plan = shop.workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "data.token" = "(sensitive, revision 1)" -> "(sensitive, revision 2)""#);
    assert_shows(
        &shown,
        r#"~ "token" = "(sensitive, revision 1) (sensitive_values)" -> "(sensitive, revision 2) (sensitive_values)""#,
    );
    assert!(!shown.contains("PASSWORD"), "the password is the same: {shown}");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();

    // With a version, the version alone says that the value changed.
    let mut shop = with_secrets("sensitive_values_version = 1", PLAIN);
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.set("TF_VAR_token", CANARIES[2][0]);
    shop.workspace.assert_nothing_to_do();
    shop.workspace.replace("main.tf", "sensitive_values_version = 1", "sensitive_values_version = 2");
    let plan = shop.workspace.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "data.token" = "(sensitive, revision 1)" -> "(sensitive, revision 2)""#);
    assert!(!shown.contains("PASSWORD"), "{shown}");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    let delivered = shop.repository.read("clusters/one/small/secret-small.yaml").expect("it is delivered");
    assert!(delivered.contains(CANARIES[2][0]), "{delivered}");
}

#[test]
fn sensitive_values_are_not_committed_in_the_clear_unasked() {
    let shop = with_secrets("", DELIVERY);
    let refused = shop.workspace.plan().expect_failure();
    let words = refused.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "would commit sensitive values in the clear",
        "v1/Secret/default/small",
        "v1/ConfigMap/default/small",
        "plain_secrets = true",
    ] {
        assert!(words.contains(part), "{part:?} is not in\n{words}");
    }
    assert_eq!(shop.repository.commits(), 1, "nothing is committed");
}

#[test]
fn a_sensitive_value_may_be_unknown() {
    let mut shop = with_secrets("", PLAIN);
    shop.workspace.write("password.tf", "variable \"seed\" {\n  default = \"a\"\n}\nresource \"terraform_data\" \"password\" {\n  input = var.seed\n}\n");
    shop.workspace.replace("main.tf", "token = var.token", "token = terraform_data.password.output");
    shop.workspace.plan().expect_success();
    let plan = shop.workspace.plan_json();
    let change = plan["resource_changes"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["type"] == "strata_release"));
    let after = &change.expect("it is planned")["change"]["after"];
    // On create it is the first revision, whatever the value will be.
    assert!(
        after["manifests"]["v1/Secret/default/small"]
            .as_str()
            .is_some_and(|form| form.contains("(sensitive, revision 1)"))
    );
    shop.workspace.run(&["apply", "-no-color", "plan.bin"]).expect_success();
    shop.workspace.assert_nothing_to_do();
    shop.workspace.set("TF_VAR_seed", "b");
    let plan = shop.workspace.plan().expect_success();
    assert_shows(&plan.stdout, "-> (known after apply)");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
}

#[test]
fn an_object_that_is_there_because_of_a_secret_hides_what_it_holds() {
    let shop = with_secrets("", PLAIN);
    let template = "{{ if .Values.token }}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: guarded\n  labels: {a: b}\ndata:\n  x: y\n{{ end }}\n";
    shop.workspace.write("chart/templates/guarded.yaml", template);
    shop.workspace.plan().expect_success();
    let plan = shop.workspace.plan_json().to_string();
    assert!(plan.contains("v1/ConfigMap/default/guarded"), "{plan}");
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    let state = shop.workspace.attributes("strata_release.this").expect("it is in the state");
    let form = state["manifests"]["v1/ConfigMap/default/guarded"].as_str().unwrap_or_default().to_owned();
    assert_eq!(form, r#"{"data":"(sensitive, revision 1)","metadata.labels":"(sensitive, revision 1)"}"#);
}
