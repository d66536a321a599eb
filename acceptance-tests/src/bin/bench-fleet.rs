//! Plans of a fleet in which nothing changes, with 10, 100 and 1,000 releases, against Terraform's own work in the same run:
//! `make bench` calls it.
//!
//! Ten services, each a chart of its own with five objects, on 1, 10 and 100 clusters; three layers by a layout. What is
//! printed are processor times as the kernel accounts for them, which a busy machine changes little.
#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};

use acceptance_tests::measure::{Cost, measured};

/// Services, each with a chart of its own.
const SERVICES: usize = 10;
/// Numbers of clusters that are measured.
const CLUSTERS: [usize; 3] = [1, 10, 100];

fn main() {
    let provider =
        PathBuf::from(std::env::args().nth(1).expect("the path of the built provider is the argument"));
    let provider = provider.canonicalize().expect("the provider is built");
    println!(
        "| releases | provider CPU s | terraform CPU s | ratio (at most 1) | provider ms for each release | peak MB: provider | terraform | charts loaded |"
    );
    println!("|--:|--:|--:|--:|--:|--:|--:|--:|");
    let points: Vec<Point> = CLUSTERS.iter().map(|clusters| point(&provider, *clusters)).collect();
    let [_, middle, last] = &points[..] else { return };
    println!(
        "from {} to {} releases: provider CPU × {:.1}, terraform CPU × {:.1}, provider memory × {:.2}",
        middle.releases,
        last.releases,
        last.cost.provider.as_secs_f64() / middle.cost.provider.as_secs_f64(),
        last.cost.terraform.as_secs_f64() / middle.cost.terraform.as_secs_f64(),
        last.cost.provider_peak_kib as f64 / middle.cost.provider_peak_kib as f64,
    );
}

struct Point {
    releases: usize,
    cost: Cost,
}

fn point(provider: &Path, clusters: usize) -> Point {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write_fleet(folder.path(), clusters);
    measured(provider, folder.path(), &["apply", "-auto-approve", "-no-color"]);
    let cost = measured(provider, folder.path(), &["plan", "-no-color"]);
    assert!(cost.stdout.contains("No changes"), "{}", cost.stdout);
    assert_eq!(cost.charts_loaded, SERVICES, "each chart is loaded once");
    let releases = clusters * SERVICES;
    println!(
        "| {releases} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {} |",
        cost.provider.as_secs_f64(),
        cost.terraform.as_secs_f64(),
        cost.ratio(),
        cost.provider.as_secs_f64() * 1e3 / releases as f64,
        cost.provider_peak_kib / 1024,
        cost.terraform_peak_kib / 1024,
        cost.charts_loaded,
    );
    Point { releases, cost }
}

fn write_fleet(folder: &Path, clusters: usize) {
    let write = |path: String, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    };
    for service in 0..SERVICES {
        let chart = format!("charts/service-{service}");
        write(
            format!("{chart}/Chart.yaml"),
            &format!(
                "apiVersion: v2\nname: service-{service}\nversion: 1.0.{service}\nappVersion: \"2.{service}\"\n"
            ),
        );
        write(format!("{chart}/values.yaml"), VALUES);
        write(format!("{chart}/templates/_helpers.tpl"), HELPERS);
        write(format!("{chart}/templates/all.yaml"), OBJECTS);
        write(format!("values/service-{service}/global.yaml"), "env:\n  TIMEOUT: 30s\n  REGION: eu\n");
        write(
            format!("values/service-{service}/prod.yaml"),
            "replicas: 3\nlogLevel: warn\nenv:\n  TIMEOUT: 60s\n",
        );
        for cluster in (0..clusters).step_by(3) {
            write(
                format!("values/service-{service}/clusters/c{cluster}.yaml"),
                &format!("env:\n  CLUSTER: c{cluster}\n"),
            );
        }
    }
    write(
        "main.tf".to_owned(),
        &CONFIGURATION.replace("CLUSTERS", &clusters.to_string()).replace("SERVICES", &SERVICES.to_string()),
    );
}

const VALUES: &str = "replicas: 1\nlogLevel: info\nimage:\n  repository: registry.example.com/shop/app\n  tag: \"\"\nenv: {}\nresources:\n  requests:\n    cpu: 50m\n    memory: 64Mi\n";

const HELPERS: &str = r#"{{- define "labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
"#;

const OBJECTS: &str = r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "labels" . | nindent 4 }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "labels" . | nindent 4 }}
data:
  settings.yaml: |
    log: {{ .Values.logLevel }}
    replicas: {{ .Values.replicas }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  selector:
    app.kubernetes.io/instance: {{ .Release.Name }}
  ports:
    - name: http
      port: 80
      targetPort: http
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
  template:
    metadata:
      labels:
        {{- include "labels" . | nindent 8 }}
    spec:
      serviceAccountName: {{ .Release.Name }}
      containers:
        - name: app
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env:
            - name: LOG_LEVEL
              value: {{ .Values.logLevel | quote }}
            {{- range $name, $value := .Values.env }}
            - name: {{ $name }}
              value: {{ $value | quote }}
            {{- end }}
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /ready
              port: http
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          volumeMounts:
            - name: settings
              mountPath: /etc/app
      volumes:
        - name: settings
          configMap:
            name: {{ .Release.Name }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .Release.Name }}
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
"#;

const CONFIGURATION: &str = r#"terraform {
  required_providers {
    strata = { source = "stratahq/strata" }
  }
}
locals {
  clusters = toset([for number in range(CLUSTERS) : "c${number}"])
  releases = { for pair in setproduct(local.clusters, range(SERVICES)) : "${pair[0]}/service-${pair[1]}" => pair }
}
provider "strata" {
  root = path.root
  dynamic "cluster" {
    for_each = local.clusters
    content {
      name         = cluster.key
      kube_version = "1.34.0"
      labels       = { environment = "prod" }
    }
  }
  layout {
    name = "fleet"
    layer {
      name = "global"
      file = "values/{service}/global.yaml"
    }
    layer {
      name     = "environment"
      file     = "values/{service}/{environment}.yaml"
      optional = true
    }
    layer {
      name     = "cluster"
      file     = "values/{service}/clusters/{cluster}.yaml"
      optional = true
    }
  }
}
resource "strata_release" "this" {
  for_each  = local.releases
  name      = "service-${each.value[1]}"
  namespace = "shop"
  cluster   = each.value[0]
  layout    = "fleet"
  chart {
    path = "charts/service-${each.value[1]}"
  }
}
"#;
