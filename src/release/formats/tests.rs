use super::*;
use helm_engine::{Chart, Mode, SourceFile};
use serde_json::json;

use crate::layers::layer::Layer;
use crate::release::{Hooks, Release, render};

fn stack(layers: &[(&str, bool)]) -> Stack {
    let layer = |(index, (text, sensitive)): (usize, &(&str, bool))| {
        let mut layer = Layer::read(&format!("l{index}"), None, text.as_bytes(), 0).expect("a map");
        layer.sensitive = *sensitive;
        layer
    };
    Stack { chart: None, layers: layers.iter().enumerate().map(layer).collect() }
}

fn repository() -> ChartPlace {
    ChartPlace::Repository {
        address: "https://charts.example.com".to_owned(),
        name: "web".to_owned(),
        version: "1.4.0".to_owned(),
    }
}

fn package<'a>(chart: &'a ChartPlace, layers: &'a Stack, patches: &'a [Written]) -> Package<'a> {
    Package {
        name: "web",
        namespace: "shop",
        cluster: "prod-eu",
        chart,
        layers,
        definitions: Definitions::CreateOrReplace,
        includes_hooks: false,
        patches,
    }
}

fn delivered(format: &Format, package: &Package<'_>) -> Result<Vec<Value>, FormatError> {
    let objects = objects(format, package, |_| false)?.expect("not the rendered ones");
    Ok(objects.into_iter().map(|one| one.object).collect())
}

fn helm_release() -> Format {
    Format::HelmRelease(HelmReleaseOptions::default())
}

fn application() -> Format {
    Format::ArgocdApplication(ApplicationOptions::default())
}

#[test]
fn a_helm_release_says_all_that_the_render_had() {
    let layers =
        stack(&[("replicas: 1\nenv: {A: a, B: b}\n", false), ("replicas: 2\nenv: {B: null}\n", false)]);
    let options = HelmReleaseOptions {
        namespace: Some("flux-system".to_owned()),
        interval: Some("5m".to_owned()),
        source_secret: Some("login".to_owned()),
        spec: Some("timeout: 3m\ninstall: {remediation: {retries: 3}}\n".to_owned()),
        ..HelmReleaseOptions::default()
    };
    let chart = repository();
    let objects =
        delivered(&Format::HelmRelease(options), &package(&chart, &layers, &[])).expect("it can be said");
    let metadata = json!({"name": "web", "namespace": "flux-system"});
    assert_eq!(
        objects,
        [
            json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "metadata": metadata, "spec": {
                "interval": "5m", "releaseName": "web", "targetNamespace": "shop", "storageNamespace": "shop", "timeout": "3m",
                "chart": {"spec": {"chart": "web", "version": "1.4.0", "sourceRef": {"kind": "HelmRepository", "name": "web"}}},
                "install": {"crds": "CreateReplace", "remediation": {"retries": 3}}, "upgrade": {"crds": "CreateReplace"},
                "values": {"replicas": 2, "env": {"A": "a", "B": null}}}}),
            json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "HelmRepository", "metadata": metadata, "spec": {
                "interval": "5m", "url": "https://charts.example.com", "secretRef": {"name": "login"}}}),
        ]
    );
}

#[test]
fn a_chart_comes_from_where_the_plan_took_it() {
    let layers = stack(&[]);
    let check = |chart: ChartPlace, release: Value, source: Value| {
        let objects = delivered(&helm_release(), &package(&chart, &layers, &[])).expect("it can be said");
        let spec = &objects[0]["spec"];
        let of = spec.get("chartRef").or(spec.get("chart")).expect("it refers to its chart");
        assert_eq!(
            (of, &objects[1]["kind"], &objects[1]["spec"]),
            (&release, &source["kind"], &source["spec"])
        );
    };
    check(
        ChartPlace::Repository {
            address: "oci://registry.example.com/charts/".to_owned(),
            name: "web".to_owned(),
            version: "1.4.0+a".to_owned(),
        },
        json!({"kind": "OCIRepository", "name": "web"}),
        json!({"kind": "OCIRepository", "spec": {"interval": "10m", "url": "oci://registry.example.com/charts/web",
            "ref": {"tag": "1.4.0_a"}, "layerSelector": {"mediaType": flux::CHART_LAYER, "operation": "copy"}}}),
    );
    let git = |url: &str, reference: &str| ChartPlace::Git {
        url: url.to_owned(),
        reference: reference.to_owned(),
        path: "charts/web/".to_owned(),
    };
    let from_git = json!({"spec": {"chart": "./charts/web", "reconcileStrategy": "Revision",
        "sourceRef": {"kind": "GitRepository", "name": "web"}}});
    let source = |url: &str, reference: Value| json!({"kind": "GitRepository", "spec": {"interval": "10m", "url": url, "ref": reference}});
    let url = "https://git.example.com/apps.git";
    check(git(url, "refs/tags/v1"), from_git.clone(), source(url, json!({"tag": "v1"})));
    check(git(url, "refs/heads/main"), from_git.clone(), source(url, json!({"branch": "main"})));
    let commit = "a".repeat(40);
    check(git(url, &commit), from_git.clone(), source(url, json!({"commit": commit})));
    check(
        git("git@example.com:apps.git", "refs/tags/v1"),
        from_git,
        source("ssh://git@example.com/apps.git", json!({"tag": "v1"})),
    );
}

#[test]
fn an_application_says_all_that_the_render_had() {
    let layers = stack(&[("replicas: 2\n", false)]);
    let chart = repository();
    let options = ApplicationOptions {
        name: Some("eu-web".to_owned()),
        project: Some("shop".to_owned()),
        spec: Some("syncPolicy: {automated: {prune: true}}".to_owned()),
        ..ApplicationOptions::default()
    };
    let mut described = package(&chart, &layers, &[]);
    described.definitions = Definitions::Skip;
    let objects = delivered(&Format::ArgocdApplication(options), &described).expect("it can be said");
    assert_eq!(
        objects,
        [json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "eu-web", "namespace": "argocd", "finalizers": [argocd::FINALIZER]},
            "spec": {"project": "shop", "destination": {"name": "prod-eu", "namespace": "shop"},
                "syncPolicy": {"automated": {"prune": true}},
                "source": {"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.4.0",
                    "helm": {"releaseName": "web", "skipCrds": true, "valuesObject": {"replicas": 2}}}}})]
    );
    let oci = ChartPlace::Repository {
        address: "oci://registry.example.com/charts".to_owned(),
        name: "web".to_owned(),
        version: "1.4.0".to_owned(),
    };
    let objects = delivered(&application(), &package(&oci, &layers, &[])).expect("it can be said");
    assert_eq!(objects[0]["spec"]["source"]["repoURL"], "registry.example.com/charts");
}

#[test]
fn what_an_agent_cannot_be_told_is_an_error() {
    let layers = stack(&[]);
    let check = |format: Format,
                 change: fn(&mut Package<'_>),
                 patch: Option<(&str, Option<&str>)>,
                 expected: &str| {
        let selector = |namespace: &str| crate::manifest::patch::Selector {
            kind: Some("Deployment".to_owned()),
            namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
            ..Default::default()
        };
        let patches: Vec<Written> = patch
            .iter()
            .map(|(text, namespace)| Written { patch: (*text).to_owned(), target: namespace.map(selector) })
            .collect();
        let chart = repository();
        let mut described = package(&chart, &layers, &patches);
        change(&mut described);
        let error = delivered(&format, &described).expect_err("it cannot be said");
        assert_eq!(error.to_string(), expected);
    };
    const LOCAL: &ChartPlace = &ChartPlace::Local { path: String::new() };
    check(
        helm_release(),
        |one| one.chart = LOCAL,
        None,
        "Flux cannot read a chart at \"\": it is on this machine only",
    );
    check(
        application(),
        |one| one.chart = LOCAL,
        None,
        "Argo CD cannot read a chart at \"\": it is on this machine only",
    );
    check(
        helm_release(),
        |one| one.includes_hooks = true,
        None,
        "Flux cannot be told to take hooks for ordinary objects",
    );
    check(
        application(),
        |one| one.definitions = Definitions::Create,
        None,
        "Argo CD cannot be told to leave definitions alone that exist",
    );
    let merge = Some(("spec: {replicas: 1}", Some("")));
    check(application(), |_| {}, merge, "Argo CD cannot be told to patch what a chart renders");
    check(
        helm_release(),
        |_| {},
        Some(("spec: {replicas: 1}", Some("shop"))),
        "patch 1 chooses objects by the release's namespace, which they do not have yet when Flux patches them",
    );
    check(
        helm_release(),
        |_| {},
        Some(("spec: {$retainKeys: [a]}", Some(""))),
        "patch 1 holds a directive that Kustomize leaves in the object",
    );
    let spec = |text: &str| {
        Format::HelmRelease(HelmReleaseOptions { spec: Some(text.to_owned()), ..Default::default() })
    };
    check(spec("[1]"), |_| {}, None, "`spec` is no map of fields");
    check(spec("releaseName: x"), |_| {}, None, "`spec` sets spec.releaseName, which strata sets itself");
    check(
        spec("install: {crds: Skip}"),
        |_| {},
        None,
        "`spec` sets spec.install.crds, which strata sets itself",
    );
}

#[test]
fn patches_stand_on_their_own() {
    let layers = stack(&[]);
    let chart = repository();
    let patches = [
        Written {
            patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web.x, namespace: shop}\nspec: {replicas: 2}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: other}\nspec: {type: NodePort}\n".to_owned(),
            target: None,
        },
        Written {
            patch: "metadata: {labels: {on: yes}}".to_owned(),
            target: Some(crate::manifest::patch::Selector { label_selector: Some("a=b".to_owned()), ..Default::default() }),
        },
    ];
    let objects = delivered(&helm_release(), &package(&chart, &layers, &patches)).expect("it can be said");
    assert_eq!(
        objects[0]["spec"]["postRenderers"],
        json!([{"kustomize": {"patches": [
            {"patch": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web.x\n  namespace: shop\nspec:\n  replicas: 2",
                "target": {"group": "apps", "version": "v1", "kind": "Deployment", "name": "web\\.x"}},
            {"patch": "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: other\nspec:\n  type: NodePort",
                "target": {"version": "v1", "kind": "Service", "name": "web", "namespace": "other"}},
            {"patch": "apiVersion: any\nkind: Any\nmetadata:\n  labels:\n    \"on\": \"yes\"\n  name: any",
                "target": {"labelSelector": "a=b"}},
        ]}}])
    );
}

#[test]
fn sensitive_values_are_marked_or_kept_apart() {
    let layers = stack(&[("a: {b: 1, c: 2}\nlist: [1]\n", false), ("a: {c: hunter2}\nlist: [x, y]\n", true)]);
    let chart = repository();
    let described = package(&chart, &layers, &[]);
    assert!(
        holds_sensitive_values(&helm_release(), &layers) && holds_sensitive_values(&application(), &layers)
    );
    assert!(!holds_sensitive_values(&Format::Manifests, &layers));
    let objects = objects(&helm_release(), &described, |path| path == "a.b").expect("it can be said");
    let marks = objects.expect("not the rendered ones").remove(0).marks;
    let marked: Vec<&str> = marks.at.keys().map(String::as_str).collect();
    assert_eq!(
        marked,
        ["/spec/values/a/b", "/spec/values/a/c", "/spec/values/list/0", "/spec/values/list/1"]
    );

    let apart = Format::HelmRelease(HelmReleaseOptions {
        values_secret: Some("web-values".to_owned()),
        ..Default::default()
    });
    assert!(!holds_sensitive_values(&apart, &layers));
    let objects = delivered(&apart, &described).expect("it can be said");
    assert_eq!(objects[0]["spec"]["values"], json!({"a": {"b": 1}}));
    assert_eq!(
        objects[0]["spec"]["valuesFrom"],
        json!([{"kind": "Secret", "name": "web-values", "valuesKey": "values.yaml"}])
    );
}

const TEMPLATE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  all: {{ toJson (omit .Values \"sub\") | quote }}
  big: {{ .Values.big | quote }}
  sub: {{ toJson (omit .Values.sub \"global\") | quote }}
";

#[test]
fn helm_renders_the_same_from_the_delivered_values_alone() {
    let file = |path: &str, text: &str| SourceFile { path: path.into(), data: text.as_bytes().into() };
    let files = vec![
        file("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        file("values.yaml", "a: 1\nb: {c: 1, d: 2}\nlist: [1, 2]\nbig: 1\nsub: {x: 1}\n"),
        file("templates/all.yaml", TEMPLATE),
        file("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        file("charts/sub/values.yaml", "x: 0\ny: 1\nz: {w: 1}\n"),
    ];
    let chart = Chart::load(files, Mode::Helm4).expect("it is a chart");
    let layers = stack(&[
        ("a: 12345678\nb: {c: null, e: 1.5}\nlist: [{x: null}]\nbig: 12345678\nsub: {y: 2}\n", false),
        (
            "b: {f: \"on\", g: yes, h: 1e3}\nnew: null\nmore: {deep: {}}\nsub: {z: null}\nglobal: {q: 1}\n",
            true,
        ),
        ("a: null\ntext: |\n  a\n  b\n", false),
    ]);
    let objects = |layers: &Stack| -> Vec<Value> {
        let release = Release {
            chart: &chart,
            name: "web",
            namespace: "shop",
            kube_version: "1.34.0",
            api_versions: &[],
            layers,
            definitions: Definitions::CreateOrReplace,
            hooks: Hooks::Skip,
            patches: &[],
        };
        render(&release, None).expect("it renders").objects.into_iter().map(|one| one.object).collect()
    };
    let place = repository();
    for (format, pointer) in
        [(helm_release(), "/spec/values"), (application(), "/spec/source/helm/valuesObject")]
    {
        let delivered = delivered(&format, &package(&place, &layers, &[])).expect("it can be said");
        let values = delivered[0].pointer(pointer).expect("it has values");
        let written = crate::release::objects::to_yaml(values);
        let alone = Stack {
            chart: None,
            layers: vec![Layer::read("inline", None, written.as_bytes(), 0).expect("a map")],
        };
        assert_eq!(objects(&alone), objects(&layers));
    }
}
