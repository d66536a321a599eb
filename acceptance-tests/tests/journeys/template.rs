//! `strata template` and `strata explain` as people call them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use acceptance_tests::terraform::{project_folder, provider_folder};

fn strata(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(provider_folder().join("strata"));
    command.args(arguments).current_dir(folder).output().expect("strata starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One recorded answer of the real Helm: a chart, its flags, the answer's file.
struct Case {
    chart: PathBuf,
    flags: Vec<String>,
    variant: String,
}

/// Every chart of the engine's corpus, with each of its sets of flags.
fn cases() -> Vec<Case> {
    let charts = project_folder().join("crates/helm-engine/tests/corpus/charts");
    let mut found = Vec::new();
    for chart in std::fs::read_dir(charts).expect("the corpus is there") {
        let chart = chart.expect("the corpus is readable").path();
        found.push(Case { chart: chart.clone(), flags: Vec::new(), variant: String::new() });
        for file in std::fs::read_dir(&chart).expect("the chart is readable") {
            let file = file.expect("the chart is readable").path();
            let name = file.file_name().expect("it has a name").to_string_lossy().into_owned();
            if let Some(variant) = name.strip_prefix("flags.") {
                let flags = std::fs::read_to_string(&file).expect("the flags are readable");
                let flags = flags.lines().map(str::to_owned).collect();
                found.push(Case { chart: chart.clone(), flags, variant: format!("{variant}.") });
            }
        }
    }
    found
}

#[test]
fn every_chart_of_the_corpus_prints_what_helm_prints() {
    let cases = cases();
    assert!(cases.len() > 80, "the corpus has shrunk to {}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        for version in ["3", "4"] {
            let mut arguments = vec![
                "template",
                "release-name",
                "chart",
                "--kube-version",
                "v1.34.0",
                "--helm-version",
                version,
            ];
            arguments.extend(case.flags.iter().map(String::as_str));
            let output = strata(&case.chart, &arguments);
            let expected = |ending: &str| {
                std::fs::read_to_string(
                    case.chart.join(format!("expected.{}v{version}.{ending}", case.variant)),
                )
                .ok()
            };
            let is_right = match (expected("yaml"), expected("error")) {
                (Some(manifests), _) => output.status.success() && text(&output.stdout) == manifests,
                (None, Some(error)) => {
                    !output.status.success() && text(&output.stderr).contains(error.trim_end())
                }
                (None, None) => true,
            };
            if !is_right {
                let name = case.chart.file_name().expect("it has a name").to_string_lossy();
                wrong.push(format!("{name} {}v{version}: {}", case.variant, text(&output.stderr)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn explain_names_layer_file_and_line_and_what_is_shadowed() {
    let folder = project_folder().join("examples/quickstart");
    let layers = ["-l", "global=values/web/global.yaml", "-l", "environment=values/web/prod.yaml"];
    let output = strata(&folder, &[&["explain", "charts/web", "replicaCount"], &layers[..]].concat());
    assert_eq!(
        text(&output.stdout),
        "replicaCount = 3\n  decided by environment (values/web/prod.yaml:1:1)\n  \
         shadows    global (values/web/global.yaml:2:1): 2\n  shadows    chart (charts/web/values.yaml:1:1): 1\n  \
         sets       apps/v1/Deployment/default/release-name spec.replicas\n"
    );
    let output = strata(&folder, &[&["explain", "charts/web", "replicacount"], &layers[..]].concat());
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("the nearest keys are replicaCount"), "{}", text(&output.stderr));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let chart = project_folder().join("examples/quickstart/charts/web");
    let strata = provider_folder().join("strata");
    let script =
        format!("{} template {} | head -n 1; exit ${{PIPESTATUS[0]}}", strata.display(), chart.display());
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash starts");
    assert!(output.status.success(), "{}", text(&output.stderr));
}
