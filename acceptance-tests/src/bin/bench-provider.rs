//! Figures of the provider, as ratios against Terraform's own work in the same run: `make bench` calls it.
//!
//! The provider runs detached from Terraform, so that the kernel accounts for the two separately.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use acceptance_tests::measure::{Cost, end, measured};
use acceptance_tests::terraform::shown_changes;

/// Releases of the large configuration.
const RELEASES: usize = 300;
/// Objects of each.
const OBJECTS: usize = 20;

fn main() {
    let provider =
        PathBuf::from(std::env::args().nth(1).expect("the path of the built provider is the argument"));
    let size = std::fs::metadata(&provider).expect("the provider is built").len();
    println!("release binary: {:.1} MB (at most 30)", size as f64 / 1e6);
    let (handshake, spread) = handshake(&provider);
    println!("start to handshake: {handshake:.1} ms median of 20, {spread:.1} ms slowest (at most 30)");
    let bench = Bench::new(provider);
    bench.unchanged_plan();
    bench.one_field();
}

/// Measures the time from the start of the process to the line that Terraform waits for.
fn handshake(provider: &Path) -> (f64, f64) {
    let once = || {
        let start = Instant::now();
        let mut child = Command::new(provider)
            .env("TF_PLUGIN_MAGIC_COOKIE", "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2")
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("a line comes");
        let elapsed = start.elapsed().as_secs_f64() * 1e3;
        assert!(line.starts_with("1|5|"), "{line}");
        end(&mut child);
        elapsed
    };
    let mut all: Vec<f64> = (0..20).map(|_| once()).collect();
    all.sort_by(f64::total_cmp);
    (all[all.len() / 2], all[all.len() - 1])
}

struct Bench {
    folder: tempfile::TempDir,
    provider: PathBuf,
}

impl Bench {
    fn new(provider: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("it has one")).expect("it can be made");
            std::fs::write(path, text).expect("it can be written");
        };
        write("chart/Chart.yaml", "apiVersion: v2\nname: many\nversion: 1.0.0\n");
        write("chart/values.yaml", "replicas: 1\nlevel: info\n");
        write("chart/templates/all.yaml", &template());
        write("base.yaml", "level: debug\n");
        write("main.tf", &configuration());
        Bench { folder, provider }
    }

    /// A plan in which nothing changes, of many releases.
    fn unchanged_plan(&self) {
        self.run(&["apply", "-auto-approve", "-no-color"]);
        let cost = self.run(&["plan", "-no-color", "-refresh=true"]);
        assert!(cost.stdout.contains("No changes"), "{}", cost.stdout);
        println!(
            "plan of {RELEASES} unchanged releases × {OBJECTS} objects: provider {:.2} s of CPU, terraform {:.2} s, ratio {:.2} (at most 1); \
             {:.1} ms of provider for each release (under 15)",
            cost.provider.as_secs_f64(),
            cost.terraform.as_secs_f64(),
            cost.provider.as_secs_f64() / cost.terraform.as_secs_f64(),
            cost.provider.as_secs_f64() * 1e3 / RELEASES as f64,
        );
        println!(
            "peak memory in that plan: provider {} MB, terraform {} MB, ratio {:.2} (at most 1)",
            cost.provider_peak_kib / 1024,
            cost.terraform_peak_kib / 1024,
            cost.provider_peak_kib as f64 / cost.terraform_peak_kib as f64,
        );
        self.state_size();
    }

    /// The state, compared with the display forms in it.
    fn state_size(&self) {
        let state = std::fs::read(self.folder.path().join("terraform.tfstate")).expect("there is a state");
        let json: serde_json::Value = serde_json::from_slice(&state).expect("it is JSON");
        let instances = json["resources"][0]["instances"].as_array().expect("it has instances");
        let forms: usize = instances.iter().map(|one| compact(&one["attributes"]["manifests"])).sum();
        let whole: usize = instances.iter().map(|one| compact(&one["attributes"])).sum();
        let with_private: usize = instances.iter().map(compact).sum();
        println!(
            "state of a release: {} bytes of attributes ({} with private state) for {} bytes of display forms, ratio {:.2} ({:.2}) (at most 1.3)",
            whole / RELEASES,
            with_private / RELEASES,
            forms / RELEASES,
            whole as f64 / forms as f64,
            with_private as f64 / forms as f64,
        );
    }

    /// A plan in which one layer changed one field of every release.
    fn one_field(&self) {
        std::fs::write(self.folder.path().join("base.yaml"), "level: debug\nreplicas: 2\n")
            .expect("it can be written");
        let cost = self.run(&["plan", "-no-color"]);
        let shown = shown_changes(&cost.stdout);
        let lines =
            shown.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("Plan:")).count();
        println!(
            "one field of one layer changed: {:.1} plan lines for each release (at most 20)",
            lines as f64 / RELEASES as f64
        );
    }

    fn run(&self, arguments: &[&str]) -> Cost {
        measured(&self.provider, self.folder.path(), arguments)
    }
}

fn compact(value: &serde_json::Value) -> usize {
    value.to_string().len()
}

fn template() -> String {
    let mut text = String::new();
    for index in 0..OBJECTS {
        let replicas = if index == 0 { "{{ .Values.replicas }}" } else { "1" };
        let _ = write!(
            text,
            "---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{{{ .Release.Name }}}}-{index}\n  labels:\n    app: part-{index}\nspec:\n  replicas: {replicas}\n  \
             selector:\n    matchLabels:\n      app: part-{index}\n  template:\n    metadata:\n      labels:\n        app: part-{index}\n    spec:\n      containers:\n"
        );
        for container in ["main", "side"] {
            let _ = write!(
                text,
                "        - name: {container}\n          image: registry.example.com/{container}:1.2.{index}\n          env:\n"
            );
            for variable in 0..8 {
                let _ = write!(
                    text,
                    "            - name: VARIABLE_{variable}\n              value: {{{{ .Values.level | quote }}}}\n"
                );
            }
            text.push_str("          ports:\n            - name: http\n              containerPort: 8080\n          resources:\n            requests:\n              cpu: 50m\n              memory: 64Mi\n");
        }
    }
    text
}

fn configuration() -> String {
    format!(
        "terraform {{\n  required_providers {{\n    strata = {{ source = \"stratahq/strata\" }}\n  }}\n}}\n\
         provider \"strata\" {{\n  root = path.root\n  cluster {{\n    name = \"one\"\n    kube_version = \"1.34.0\"\n  }}\n}}\n\
         resource \"strata_release\" \"this\" {{\n  count = {RELEASES}\n  name = \"release-${{count.index}}\"\n  cluster = \"one\"\n  \
         chart {{\n    path = \"chart\"\n  }}\n  layer {{\n    name = \"base\"\n    file = \"base.yaml\"\n  }}\n}}\n"
    )
}
