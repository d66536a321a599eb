//! The forms in which git delivers a release to agents that render it themselves: planned beside the objects, delivered,
//! read back, and refused where the agent could not render what was planned.

use std::process::Command;

use acceptance_tests::charts::{HelmRepository, PASSWORD, digest, package};
use acceptance_tests::flux;
use acceptance_tests::repository::{Repository, git};
use acceptance_tests::terraform::{Workspace, project_folder, shown_changes};
use serde_json::Value;

use crate::shop::{DELIVERY, Shop, assert_shows, changes, single};

const TEMPLATE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  color: {{ .Values.color }}
  size: {{ .Values.size | quote }}
  all: {{ omit .Values \"global\" | toJson | quote }}
";

const HELM_RELEASE: &str = "clusters/one/small/helmrelease.helm.toolkit.fluxcd.io-small.yaml";
const SOURCE: &str = "clusters/one/small/helmrepository.source.toolkit.fluxcd.io-small.yaml";
const APPLICATION: &str = "clusters/one/small/application.argoproj.io-small.argocd.yaml";

/// The delivery of [`DELIVERY`] in another form; `more` goes into the block.
fn delivery(format: &str, more: &str) -> String {
    DELIVERY.replace("path       =", &format!("format = \"{format}\"\n      {more}\n      path       ="))
}

/// A release of the published chart `web`.
fn published(repository: &HelmRepository, settings: &str) -> Shop {
    let archive = package("web", "1.2.3", TEMPLATE);
    repository.publish("web", &[("1.2.3", archive)], digest);
    let shop = single(settings);
    let chart =
        format!("repository = \"{}\"\n    name       = \"web\"\n    version    = \"^1.2\"", repository.url());
    shop.workspace.replace("main.tf", "path = \"chart\"", &chart);
    let registry = format!(
        "registry {{\n    host     = \"{}\"\n    username = \"shop\"\n    password = \"{PASSWORD}\"\n  }}\n  cluster {{",
        repository.host()
    );
    shop.workspace.replace("main.tf", "cluster {", &registry);
    shop.workspace.write("base.yaml", "color: green\nsize: 12345678\nmore: {a: null, list: [1, {b: on}]}\n");
    shop
}

/// Reads a delivered file as JSON, with the agents' own library.
fn read(shop: &Shop, path: &str) -> Value {
    let text = shop
        .repository
        .read(path)
        .unwrap_or_else(|| panic!("{path} is not in {:?}", shop.repository.files()));
    let mut documents = strata::release::documents::read_documents(text.as_bytes()).expect("it is YAML");
    documents.remove(0)
}

/// Renders the release from delivered values alone, and compares with what the plan showed.
#[track_caller]
fn assert_renders_the_same(shop: &Shop, values: &Value) {
    let attributes = shop.workspace.attributes("strata_release.this").expect("it is in the state");
    shop.workspace.write("alone.yaml", &values.to_string());
    let configuration = shop.workspace.read("main.tf");
    let start = configuration.find("resource \"strata_release\"").expect("there is a release");
    let alone =
        configuration[start..].replace("\"this\"", "\"alone\"").replace("\"base.yaml\"", "\"alone.yaml\"");
    let end = alone.find("delivery {").expect("it has a delivery");
    shop.workspace.write("alone.tf", &format!("{}}}\n", &alone[..end]));
    shop.workspace
        .run(&["apply", "-no-color", "-auto-approve", "-target=strata_release.alone"])
        .expect_success();
    let rendered = shop.workspace.attributes("strata_release.alone").expect("it is in the state");
    assert_eq!(rendered["manifests"], attributes["manifests"]);
    shop.workspace.remove("alone.tf");
    shop.workspace.apply().expect_success();
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn a_helm_release_is_planned_beside_its_objects_delivered_and_read_back() {
    let repository = HelmRepository::start();
    let patch =
        "patch {\n    target {\n      kind = \"ConfigMap\"\n    }\n    patch = \"data: {patched: yes}\"\n  }";
    let options = "helm_release {\n        spec = yamlencode({ timeout = \"3m\" })\n      }";
    let shop = published(&repository, &format!("{patch}\n  {}", delivery("helm_release", options)));
    let terraform = &shop.workspace;

    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"data.patched\"");
    assert_shows(&plan.stdout, r#"+ "spec.values.color" = "green""#);
    assert_shows(&plan.stdout, r#"+ "spec.chart.spec.version" = "1.2.3""#);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let files = shop.repository.files();
    assert!(!files.iter().any(|file| file.contains("configmap")), "{files:?}");
    let release = read(&shop, HELM_RELEASE);
    assert_eq!(
        release["spec"]["values"],
        serde_json::json!({"color": "green", "size": 12345678, "more": {"a": null, "list": [1, {"b": true}]}})
    );
    assert_eq!(read(&shop, SOURCE)["spec"]["url"], repository.url());
    assert_renders_the_same(&shop, &release["spec"]["values"]);

    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.assert_nothing_to_do();

    terraform.replace("base.yaml", "color: green", "color: red");
    let plan = terraform.plan().expect_success();
    let shown = shown_changes(&plan.stdout);
    assert_shows(&shown, r#"~ "data.color" = "green" -> "red""#);
    assert_shows(&shown, r#"~ "spec.values.color" = "green" -> "red""#);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();

    let delivered = shop.repository.read(HELM_RELEASE).expect("it is there");
    shop.repository
        .commit(&[(HELM_RELEASE, Some(&delivered.replace("color: red", "color: black")))], "Edit by hand");
    let plan = terraform.plan().expect_success();
    assert_eq!(changes(&terraform.plan_json()), ["strata_release.this update"]);
    assert_shows(&shown_changes(&plan.stdout), r#"~ "spec.values.color" = "black" -> "red""#);
    terraform.apply().expect_success();
    assert_eq!(shop.repository.read(HELM_RELEASE).as_deref(), Some(delivered.as_str()));
    terraform.assert_nothing_to_do();

    terraform.replace("main.tf", "format = \"helm_release\"", "format = \"manifests\"");
    terraform.replace("main.tf", options, "");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let files = shop.repository.files();
    assert!(
        files.iter().any(|file| file.contains("configmap"))
            && !files.iter().any(|file| file.contains("helmrelease")),
        "{files:?}"
    );

    terraform.destroy().expect_success();
    assert_eq!(shop.repository.files(), ["README.md"]);
}

#[test]
fn flux_accepts_what_is_delivered() {
    let repository = HelmRepository::start();
    let options = "helm_release {\n        namespace = \"flux-system\"\n        interval = \"5m\"\n        source_secret = \"login\"\n        values_secret = \"small\"\n      }";
    let patches = "patch {\n    target {\n      kind = \"Config.*\"\n      label_selector = \"!x\"\n    }\n    patch = \"[{op: add, path: /data/x, value: y}]\"\n  }";
    let shop = published(
        &repository,
        &format!("crds = \"create\"\n{patches}\n  {}", delivery("helm_release", options)),
    );
    shop.workspace.apply().expect_success();
    shop.workspace.assert_nothing_to_do();
    let definitions = definitions();
    for file in shop.repository.files().iter().filter(|file| file.contains(".fluxcd.io-")) {
        let object = read(&shop, file);
        let schema = schema_of(&definitions, &object);
        let mut wrong = Vec::new();
        validate(&object, &schema, &mut object["kind"].as_str().expect("a kind").to_owned(), &mut wrong);
        assert!(wrong.is_empty(), "{file}: {wrong:?}");
    }
    let mut bad = read(&shop, &HELM_RELEASE.replace(".yaml", ".flux-system.yaml"));
    bad["spec"]["install"]["crds"] = "Sometimes".into();
    bad["spec"]["nothing"] = 1.into();
    let mut wrong = Vec::new();
    validate(&bad, &schema_of(&definitions, &bad), &mut "HelmRelease".to_owned(), &mut wrong);
    assert_eq!(wrong.len(), 2, "the check finds what is wrong: {wrong:?}");
}

/// Returns the definitions that Flux's newest recorded release brings.
fn definitions() -> Vec<Value> {
    let newest = flux::versions().pop().expect("a version is recorded");
    let documents = flux::components(&newest)
        .into_iter()
        .flat_map(|(_, text)| strata::release::documents::read_documents(&text).expect("Flux ships YAML"));
    documents.filter(|one| one["kind"] == "CustomResourceDefinition").collect()
}

fn schema_of(definitions: &[Value], object: &Value) -> Value {
    let (group, version) =
        object["apiVersion"].as_str().and_then(|text| text.split_once('/')).expect("a group");
    let definition = definitions
        .iter()
        .find(|one| one["spec"]["group"] == group && one["spec"]["names"]["kind"] == object["kind"])
        .expect("Flux defines the kind");
    let versions = definition["spec"]["versions"].as_array().expect("versions");
    let served = versions
        .iter()
        .find(|one| one["name"] == version && one["served"] == true)
        .expect("it serves the version");
    served["schema"]["openAPIV3Schema"].clone()
}

/// Holds an object against a structural schema: unknown fields, types, enumerations, patterns of names left aside.
fn validate(value: &Value, schema: &Value, path: &mut String, wrong: &mut Vec<String>) {
    let is = |kind: &str| schema["type"] == kind;
    let fits = match value {
        Value::Object(_) => is("object") || schema["x-kubernetes-preserve-unknown-fields"] == true,
        Value::Array(_) => is("array"),
        Value::String(_) => is("string"),
        Value::Bool(_) => is("boolean"),
        Value::Number(_) => is("integer") || is("number"),
        Value::Null => schema["nullable"] == true,
    };
    if !fits {
        wrong.push(format!("{path} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
        wrong.push(format!("{path} is none of {}", schema["enum"]));
    }
    for required in schema["required"].as_array().into_iter().flatten() {
        if value.get(required.as_str().unwrap_or_default()).is_none() {
            wrong.push(format!("{path} lacks {required}"));
        }
    }
    let length = path.len();
    for (name, value) in value.as_object().into_iter().flatten() {
        path.push_str(&format!(".{name}"));
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
            (Value::Null, Value::Null) if length == "HelmRelease".len().min(length) && name == "metadata" => {
            }
            (Value::Null, Value::Null) if schema["properties"].is_null() && is("object") => {}
            (Value::Null, Value::Null) => wrong.push(format!("{path} is not known")),
            (Value::Null, schema) | (schema, _) => validate(value, schema, path, wrong),
        }
        path.truncate(length);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        path.push_str(&format!("[{index}]"));
        validate(item, &schema["items"], path, wrong);
        path.truncate(length);
    }
}

#[test]
fn an_application_is_planned_delivered_and_read_back() {
    let repository = HelmRepository::start();
    let options = "argocd_application {\n        project = \"shop\"\n        spec    = yamlencode({ syncPolicy = { automated = { prune = true } } })\n      }";
    let shop = published(&repository, &delivery("argocd_application", options));
    let terraform = &shop.workspace;
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, r#"+ "spec.source.helm.valuesObject.color" = "green""#);
    assert_shows(&plan.stdout, r#"+ "data.color" = "green""#);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let application = read(&shop, APPLICATION);
    assert_eq!(
        application["spec"]["destination"],
        serde_json::json!({"name": "one", "namespace": "default"})
    );
    assert_eq!(application["spec"]["source"]["targetRevision"], "1.2.3");
    assert_eq!(application["spec"]["syncPolicy"]["automated"]["prune"], true);
    assert_renders_the_same(&shop, &application["spec"]["source"]["helm"]["valuesObject"]);

    terraform.run(&["state", "rm", "strata_release.this"]).expect_success();
    terraform
        .run(&["import", "-no-color", "strata_release.this", "clusters:clusters/one/small"])
        .expect_success();
    terraform.assert_nothing_to_do();
    terraform.destroy().expect_success();
    assert_eq!(shop.repository.files(), ["README.md"]);
}

#[test]
fn a_chart_in_git_is_pinned_by_its_reference() {
    let shop = single(&delivery("helm_release", ""));
    let terraform = &shop.workspace;
    let chart = [
        ("charts/web/Chart.yaml", Some("apiVersion: v2\nname: web\nversion: 1.0.0\n")),
        ("charts/web/values.yaml", Some("color: blue\nsize: 1\n")),
        ("charts/web/templates/all.yaml", Some(TEMPLATE)),
    ];
    shop.repository.commit(&chart, "Add a chart");
    let git = |reference: &str| {
        format!(
            "git {{\n      repository = \"clusters\"\n      path       = \"charts/web\"\n      ref        = \"{reference}\"\n    }}"
        )
    };
    terraform.replace("main.tf", "path = \"chart\"", &git("main"));
    let message = terraform.plan().expect_failure();
    assert!(
        message.contains("Flux needs to know what \"main\" is") && message.contains("main.tf line"),
        "{message}"
    );

    terraform.replace("main.tf", "ref        = \"main\"", "ref        = \"refs/heads/main\"");
    let plan = terraform.plan().expect_success();
    assert!(plan.stdout.contains("follows branch \"main\""), "{}", plan.stdout);

    let output = Command::new("git")
        .args(["--git-dir", &shop.repository.path().display().to_string(), "rev-parse", "main"])
        .output()
        .expect("git runs");
    let commit = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    terraform.replace("main.tf", "refs/heads/main", &commit);
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let source = read(&shop, "clusters/one/small/gitrepository.source.toolkit.fluxcd.io-small.yaml");
    assert_eq!(source["spec"]["ref"]["commit"], commit);
    assert_eq!(read(&shop, HELM_RELEASE)["spec"]["chart"]["spec"]["chart"], "./charts/web");
}

#[test]
fn sensitive_values_stay_out_of_git_or_out_of_sight() {
    let repository = HelmRepository::start();
    let mut shop = published(
        &repository,
        &format!(
            "sensitive_values = {{ color = var.color }}\n  sensitive_values_version = 1\n  {}",
            delivery("helm_release", "# more")
        ),
    );
    shop.workspace.set("TF_VAR_color", "swordfish");
    shop.workspace.write(
        "variables.tf",
        "variable \"color\" {\n  type      = string\n  sensitive = true\n  ephemeral = true\n}\n",
    );
    let terraform = &shop.workspace;
    let message = terraform.plan().expect_failure();
    assert!(
        message.contains("HelmRelease")
            && message.contains("values_secret")
            && !message.contains("swordfish"),
        "{message}"
    );
    assert_eq!(shop.repository.files(), ["README.md"]);

    let unseen = |terraform: &Workspace| {
        let plan = terraform.plan().expect_success();
        let json = terraform.plan_json().to_string();
        terraform.apply().expect_success();
        terraform.assert_nothing_to_do();
        for (what, text) in
            [("plan", &plan.stdout), ("JSON plan", &json), ("state", &terraform.read("terraform.tfstate"))]
        {
            assert!(!text.contains("swordfish"), "the value is in the {what}");
        }
    };
    terraform.replace("main.tf", "# more", "plain_secrets = true");
    unseen(terraform);
    assert_eq!(read(&shop, HELM_RELEASE)["spec"]["values"]["color"], "swordfish");
    let delivered = shop.repository.read(HELM_RELEASE).expect("it is there");
    shop.repository.commit(&[(HELM_RELEASE, Some(&delivered.replace("size: ", "size: 1")))], "Edit by hand");
    unseen(terraform);

    terraform.replace(
        "main.tf",
        "plain_secrets = true",
        "helm_release {\n        values_secret = \"small\"\n      }",
    );
    unseen(terraform);
    let release = read(&shop, HELM_RELEASE);
    assert_eq!(release["spec"]["values"].get("color"), None);
    assert_eq!(release["spec"]["valuesFrom"][0]["name"], "small");
}

#[test]
fn values_that_are_not_known_yet_wait() {
    let repository = HelmRepository::start();
    let layer = "layer {\n    name   = \"late\"\n    values = { color = terraform_data.x.id }\n  }";
    let shop = published(&repository, &format!("{layer}\n  {}", delivery("helm_release", "")));
    let terraform = &shop.workspace;
    let text = terraform.read("main.tf");
    terraform.write("main.tf", &format!("{text}\nresource \"terraform_data\" \"x\" {{}}\n"));
    let plan = terraform.plan().expect_success();
    assert_shows(&plan.stdout, "+ \"data.size\"");
    terraform.apply().expect_success();
    terraform.assert_nothing_to_do();
    let id = terraform.attributes("terraform_data.x").expect("it is there")["id"].clone();
    assert_eq!(read(&shop, HELM_RELEASE)["spec"]["values"]["color"], id);
}

#[test]
fn what_an_agent_cannot_render_is_refused() {
    let repository = HelmRepository::start();
    let shop = published(&repository, &delivery("helm_release", "# more"));
    let terraform = &shop.workspace;
    let configuration = terraform.read("main.tf");
    let patch =
        "patch {\n    target {\n      namespace = \"default\"\n    }\n    patch = \"{}\"\n  }\n  delivery {";
    let argocd = |text: &str| text.replace("\"helm_release\"", "\"argocd_application\"");
    let local = configuration
        .lines()
        .map(|line| match line.trim() {
            line if line.starts_with("repository = \"http") => "path = \"chart\"",
            line if line.starts_with("name       = \"web\"") || line.starts_with("version    = ") => "",
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    let cases = [
        (local, "Flux cannot read a chart at \"chart\""),
        (
            configuration.replace("# more", "argocd_application {\n      }"),
            "the block argocd_application says more about another form",
        ),
        (
            configuration.replace("# more", "helm_release {\n        spec = \"releaseName: x\"\n      }"),
            "`spec` sets spec.releaseName",
        ),
        (
            configuration.replace("# more", "helm_release {\n        spec = \"[\"\n      }"),
            "`spec` is no YAML",
        ),
        (
            configuration.replace("delivery {", "hooks = \"include\"\n  delivery {"),
            "cannot be told to take hooks for ordinary objects",
        ),
        (configuration.replace("delivery {", patch), "patch 1 chooses objects by the release's namespace"),
        (
            argocd(&configuration).replace("delivery {", patch),
            "Argo CD cannot be told to patch what a chart renders",
        ),
        (
            argocd(&configuration).replace("delivery {", "crds = \"create\"\n  delivery {"),
            "Argo CD cannot be told to leave definitions alone",
        ),
    ];
    for (configuration, expected) in cases {
        terraform.write("main.tf", &configuration);
        let message = terraform.plan().expect_failure();
        let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains(expected) && message.contains("main.tf line"),
            "{expected:?} is not in\n{message}"
        );
        assert_eq!(shop.repository.files(), ["README.md"], "something was written");
    }
    let known = ["manifests", "delivered_objects"];
    terraform.write("main.tf", &configuration);
    terraform.apply().expect_success();
    let attributes = terraform.attributes("strata_release.this").expect("it is in the state");
    for name in known {
        assert!(!strings(&attributes[name]).is_empty(), "{name} is empty");
    }
}

#[test]
fn the_example_plans_the_same_objects_in_each_format() {
    let quickstart = project_folder().join("examples/quickstart/charts/web");
    let mut files = Vec::new();
    for path in [
        "Chart.yaml",
        "values.yaml",
        "templates/_helpers.tpl",
        "templates/configmap.yaml",
        "templates/deployment.yaml",
        "templates/ingress.yaml",
        "templates/service.yaml",
    ] {
        let text = std::fs::read_to_string(quickstart.join(path)).expect("the chart has the file");
        files.push((format!("charts/web/{path}"), text));
    }
    let repository = Repository::new();
    let changes: Vec<(&str, Option<&str>)> =
        files.iter().map(|(path, text)| (path.as_str(), Some(text.as_str()))).collect();
    repository.commit(&changes, "Add the chart");
    git(repository.path(), &["tag", "web-1.4.0", "main"]);

    let mut workspace = Workspace::copy_of(&project_folder().join("examples/delivery-formats"));
    workspace.set("TF_VAR_repository", &repository.url());
    workspace.apply().expect_success();
    workspace.assert_nothing_to_do();
    let of = |format: &str, name: &str| {
        workspace.attributes(&format!("strata_release.web[\"{format}\"]")).expect("it is in the state")[name]
            .clone()
    };
    assert_eq!(of("helm_release", "manifests"), of("manifests", "manifests"));
    assert_eq!(of("argocd_application", "manifests"), of("manifests", "manifests"));
    assert_eq!(
        strings(&of("helm_release", "delivered_objects")),
        [
            "helm.toolkit.fluxcd.io/v2/HelmRelease/shop/web",
            "source.toolkit.fluxcd.io/v1/GitRepository/shop/web"
        ]
    );
    assert_eq!(
        strings(&of("argocd_application", "delivered_objects")),
        ["argoproj.io/v1alpha1/Application/argocd/web"]
    );
}
