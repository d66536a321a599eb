//! Patches on rendered objects: shown field by field, applied, taken back, and refused at their place.

use acceptance_tests::terraform::{Workspace, project_folder, shown_changes};

use crate::shop::{DELIVERY, Shop, assert_shows, changes, single};

const FILE: &str = "clusters/one/small/deployment-small.yaml";

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: app
          image: app:1
          env:
            - {name: PASSWORD, value: {{ randAlphaNum 12 | quote }}}
            - {name: COLOR, value: {{ .Values.color }}}
      tolerations:
        - {key: a, operator: Exists}
";

const PATCHES: &str = r#"
  patch {
    patch = <<-EOT
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: small
      spec:
        replicas: 3
        template:
          spec:
            containers:
              - name: app
                env:
                  - {name: TZ, value: UTC}
    EOT
  }
  patch {
    target {
      kind = "Deploy.*"
    }
    patch = "[{op: replace, path: /spec/template/spec/tolerations/0/key, value: b}]"
  }
"#;

fn patched(patches: &str) -> Shop {
    let shop = single(&format!("{DELIVERY}\n{patches}"));
    shop.workspace.write("chart/templates/deployment.yaml", DEPLOYMENT);
    shop
}

#[test]
fn a_patch_shows_its_fields_and_its_removal_takes_them_back() {
    let shop = patched("");
    let terraform = &shop.workspace;
    terraform.apply().expect_success();
    let unpatched = shop.repository.read(FILE).expect("the release was delivered");

    terraform.replace("main.tf", DELIVERY, &format!("{DELIVERY}\n{PATCHES}"));
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_release.this update"]);
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "spec.replicas" = 1 -> 3"#);
    assert_shows(&shown, r#"+ "spec.template.spec.containers[app].env[TZ].value" = "UTC""#);
    let fields = shown.lines().filter(|line| line.contains("\"spec.")).count();
    assert_eq!(fields, 4, "one line for each field, and one for the toleration that is another now\n{shown}");
    assert!(!shown.contains("PASSWORD"), "what the chart drew stays where it was\n{shown}");

    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let delivered = shop.repository.read(FILE).expect("it is there");
    assert!(delivered.contains("replicas: 3") && delivered.contains("key: b"), "{delivered}");
    let drawn =
        |text: &str| text.lines().skip_while(|line| !line.contains("PASSWORD")).nth(1).map(str::to_owned);
    assert_eq!(drawn(&delivered), drawn(&unpatched), "the same password");
    let attributes = terraform.attributes("strata_release.this").expect("it is in the state");
    let form = attributes["manifests"]["apps/v1/Deployment/default/small"].as_str().expect("a form");
    assert!(form.contains("(generated, revision 1)"), "{form}");

    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.assert_nothing_to_do();

    shop.repository.commit(&[(FILE, Some(&delivered.replace("replicas: 3", "replicas: 9")))], "Edit by hand");
    let plan = terraform.plan().expect_success();
    assert_shows(&shown_changes(&plan.stdout), r#"~ "spec.replicas" = 9 -> 3"#);

    terraform.replace("main.tf", PATCHES, "");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    assert_eq!(shop.repository.read(FILE).as_deref(), Some(unpatched.as_str()));
}

#[test]
fn a_patch_may_delete_an_object() {
    let deletion =
        "patch {\n    target {\n      kind = \"ConfigMap\"\n    }\n    patch = \"$patch: delete\"\n  }";
    let shop = patched(deletion);
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    let files = shop.repository.files();
    assert!(
        files.contains(&FILE.to_owned()) && !files.iter().any(|file| file.contains("configmap")),
        "{files:?}"
    );
}

#[test]
fn a_patch_that_is_not_known_yet_waits() {
    let shop = patched(
        "patch {\n    target {\n      kind = \"Deployment\"\n    }\n    patch = \"spec: {replicas: ${length(terraform_data.x.id)}}\"\n  }",
    );
    let text = shop.workspace.read("main.tf");
    shop.workspace.write("main.tf", &format!("{text}\nresource \"terraform_data\" \"x\" {{}}\n"));
    let plan = shop.workspace.plan().expect_success();
    assert!(plan.stdout.contains("Not known yet: patch."), "{}", plan.stdout);
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    assert!(shop.repository.read(FILE).is_some_and(|text| text.contains("replicas: 36")));
}

#[test]
fn a_wrong_patch_is_refused_at_its_place() {
    let target = |target: &str, patch: &str| {
        format!("patch {{\n    target {{\n      {target}\n    }}\n    patch = {patch:?}\n  }}")
    };
    let cases = [
        (target("kind = \"Deploymant\"", "spec: {replicas: 2}"), "matches no object: kind \"Deploymant\""),
        (target("kind = \"(\"", "spec: {replicas: 2}"), "has a target that cannot be read: unclosed group"),
        (target("label_selector = \"a b\"", "spec: {replicas: 2}"), "has a target that cannot be read"),
        (target("kind = \"Deployment\"", "spec: ["), "is no YAML"),
        (
            target("kind = \"Deployment\"", "spec: {replicas: {a: hunter2}}"),
            "cannot be merged into apps/v1 Deployment small",
        ),
        (
            target("kind = \"Deployment\"", "[{op: remove, path: /spec/nothing}]"),
            "operation 1: remove at `/spec/nothing`",
        ),
        (
            target("kind = \"Deployment\"", "[{op: test, path: /spec/replicas, value: hunter2}]"),
            "test of `/spec/replicas` failed",
        ),
        (
            target("kind = \"Deployment\"", "[{op: replace, path: /metadata/name, value: hunter2}]"),
            "would rename",
        ),
        (
            "patch {\n    patch = \"[{op: remove, path: /spec/replicas}]\"\n  }".to_owned(),
            "is a JSON patch without a target",
        ),
        ("patch {\n    patch = \"kind: Deployment\"\n  }".to_owned(), "has neither a target nor apiVersion"),
    ];
    let shop = patched("# patch");
    let configuration = shop.workspace.read("main.tf");
    for (patch, expected) in cases {
        shop.workspace.write("main.tf", &configuration.replace("# patch", &patch));
        let message = shop.workspace.plan().expect_failure();
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(expected), "{expected:?} is not in\n{message}");
        assert!(words.contains("patch 1") && message.contains("main.tf line"), "{message}");
        let shown = message.lines().filter(|line| !line.contains("patch = \"")).collect::<String>();
        assert!(!shown.contains("hunter2"), "a value of the patch is in\n{message}");
        assert_eq!(shop.repository.files(), ["README.md"], "something was written");
    }
}

#[test]
fn the_example_plans() {
    let workspace = Workspace::copy_of(&project_folder().join("examples"));
    let plan = workspace.run(&["-chdir=patches", "plan", "-no-color"]).expect_success();
    assert_shows(
        &plan.stdout,
        r#"+ "spec.template.spec.containers[proxy].image" = "registry.example.com/proxy:2.1""#,
    );
    assert_shows(
        &plan.stdout,
        r#"+ "metadata.annotations[service.beta.kubernetes.io/aws-load-balancer-type]" = "nlb""#,
    );
}
