//! Renders every chart below a folder with the real Helm and with this engine, in both modes, and compares the bytes.
//!
//!     compare_charts --helm3 BINARY --helm4 BINARY [--only TEXT] FOLDER
//!
//! Each chart is rendered with its defaults and with each of its `ci/*values.yaml`. Where two runs of Helm
//! differ in some lines, the other lines are compared; where they differ in their number, the chart is skipped. Each line
//! is one comparison: `equal`, `equal-but-random`, `different`, `refused-by-both`, `refused-by-helm`, `refused-by-us`,
//! `refused-in-other-words`, `skipped`; the first difference follows. `compare.sh` builds and starts it.
#![allow(clippy::print_stdout, reason = "a program that reports to people")]

#[path = "../helm_template/flags.rs"]
mod flags;
#[path = "../helm_template/read_chart.rs"]
mod read_chart;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use helm_engine::{Mode, render};

/// What a side printed, or refused with.
type Answer = Result<Vec<u8>, String>;

struct Comparison {
    chart: PathBuf,
    values: Option<PathBuf>,
    mode: Mode,
}

fn main() -> ExitCode {
    let mut binaries = BTreeMap::new();
    let (mut folder, mut only) = (None, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--helm3" | "--helm4" => drop(binaries.insert(argument, arguments.next().unwrap_or_default())),
            "--only" => only = arguments.next().unwrap_or_default(),
            _ => folder = Some(argument),
        }
    }
    let (Some(folder), 2) = (folder, binaries.len()) else {
        eprintln!("usage: compare_charts --helm3 BINARY --helm4 BINARY [--only TEXT] FOLDER");
        return ExitCode::FAILURE;
    };
    let mut charts = Vec::new();
    find_charts(Path::new(&folder), &mut charts);
    charts.retain(|chart| chart.to_string_lossy().contains(&only));
    let comparisons: Vec<Comparison> = charts.iter().flat_map(|chart| comparisons(chart)).collect();
    let counts = compare_all(&comparisons, &binaries);
    println!("\n{} charts, {} comparisons", charts.len(), comparisons.len());
    for (verdict, count) in &counts {
        println!("{verdict:<24} {count:>5}");
    }
    let bad = ["different", "refused-by-helm", "refused-by-us", "refused-in-other-words"];
    if bad.iter().any(|verdict| counts.contains_key(verdict)) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Finds folders with a Chart.yaml; does not look for charts inside charts.
fn find_charts(folder: &Path, charts: &mut Vec<PathBuf>) {
    if folder.join("Chart.yaml").is_file() {
        charts.push(folder.to_owned());
        return;
    }
    for path in sorted(folder) {
        if path.is_dir() && !path.is_symlink() {
            find_charts(&path, charts);
        }
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
    let mut paths: Vec<PathBuf> = entries.unwrap_or_default();
    paths.sort();
    paths
}

fn comparisons(chart: &Path) -> Vec<Comparison> {
    let is_values = |path: &PathBuf| path.to_string_lossy().ends_with("values.yaml");
    let given = sorted(&chart.join("ci")).into_iter().filter(is_values).map(Some);
    [None]
        .into_iter()
        .chain(given)
        .flat_map(|values| {
            [Mode::Helm3, Mode::Helm4].map(|mode| Comparison {
                chart: chart.to_owned(),
                values: values.clone(),
                mode,
            })
        })
        .collect()
}

fn compare_all(
    comparisons: &[Comparison],
    binaries: &BTreeMap<String, String>,
) -> BTreeMap<&'static str, usize> {
    std::panic::set_hook(Box::new(|_| {}));
    let next = AtomicUsize::new(0);
    let counts = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(comparison) = comparisons.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (verdict, difference) = compare(comparison, binaries);
                    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
                    *counts.entry(verdict).or_insert(0) += 1;
                    println!("{verdict:<16} {}{difference}", comparison.name());
                }
            });
        }
    });
    counts.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Comparison {
    fn name(&self) -> String {
        let values = self.values.as_ref().and_then(|values| values.file_name()).unwrap_or_default();
        format!("{:?} {} {}", self.mode, self.chart.display(), values.to_string_lossy())
    }

    fn flags(&self) -> Vec<String> {
        let values = self.values.iter().map(|path| path.to_string_lossy().into_owned());
        values.flat_map(|path| ["-f".to_owned(), path]).collect()
    }
}

fn compare(comparison: &Comparison, binaries: &BTreeMap<String, String>) -> (&'static str, String) {
    let binary = &binaries[if comparison.mode == Mode::Helm3 { "--helm3" } else { "--helm4" }];
    let helm = ask_helm(binary, comparison);
    let ours = catch_unwind(AssertUnwindSafe(|| ask_us(comparison))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
        Err(format!("Error: PANIC: {text}"))
    });
    if helm == ours {
        return (if helm.is_ok() { "equal" } else { "refused-by-both" }, String::new());
    }
    let again = ask_helm(binary, comparison);
    if again != helm {
        return match (&helm, &again, &ours) {
            (Ok(helm), Ok(again), Ok(ours)) => compare_the_same_lines(helm, again, ours),
            _ => ("skipped", String::new()),
        };
    }
    match (&helm, &ours) {
        (Ok(helm), Ok(ours)) => ("different", first_difference(helm, ours)),
        (Ok(_), Err(message)) => ("refused-by-us", format!("\n    {message}")),
        (Err(message), Ok(_)) => ("refused-by-helm", format!("\n    {message}")),
        (Err(helm), Err(ours)) => ("refused-in-other-words", format!("\n    helm: {helm}\n    we:   {ours}")),
    }
}

/// Compares with Helm where Helm agrees with itself: line by line.
fn compare_the_same_lines(helm: &[u8], again: &[u8], ours: &[u8]) -> (&'static str, String) {
    let lines =
        |text: &[u8]| -> Vec<Vec<u8>> { text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() };
    let (helm, again, mut ours) = (lines(helm), lines(again), lines(ours));
    if helm.len() != again.len() || helm.len() != ours.len() {
        return ("skipped", String::new());
    }
    for ((ours, helm), again) in ours.iter_mut().zip(&helm).zip(&again) {
        if helm != again {
            ours.clone_from(helm);
        }
    }
    if ours == helm {
        return ("equal-but-random", String::new());
    }
    ("different", first_difference(&helm.join(&b'\n'), &ours.join(&b'\n')))
}

/// Runs `helm template` away from the user's own settings.
fn ask_helm(binary: &str, comparison: &Comparison) -> Answer {
    let empty = std::env::temp_dir().join("compare-charts-empty");
    let output = Command::new(binary)
        .args(["template", "--kube-version", "v1.34.0", "release-name"])
        .arg(&comparison.chart)
        .args(comparison.flags())
        .env_clear()
        .envs([("TZ", "UTC"), ("PATH", "/usr/bin:/bin")])
        .envs(["HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, &empty)))
        .output()
        .map_err(|error| format!("{binary}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let start = complaints.find("Error: ").unwrap_or_default();
    Err(complaints[start..].trim_end().to_owned())
}

fn ask_us(comparison: &Comparison) -> Answer {
    let plain = |message: String| format!("Error: {message}");
    let mode = comparison.mode;
    let invocation = flags::parse(&comparison.flags(), mode, &|path| fs::read(path).ok()).map_err(plain)?;
    let chart = read_chart::read_chart(&comparison.chart, mode).map_err(plain)?;
    let rendered =
        render(&chart, &invocation.request).and_then(|rendered| rendered.to_helm_text(&invocation.print));
    rendered.map_err(|error| error.to_helm_text().trim_end().to_owned())
}

fn first_difference(helm: &[u8], ours: &[u8]) -> String {
    let (helm, ours) = (String::from_utf8_lossy(helm), String::from_utf8_lossy(ours));
    let (helm, ours): (Vec<&str>, Vec<&str>) = (helm.split('\n').collect(), ours.split('\n').collect());
    let same = helm.iter().zip(&ours).take_while(|(a, b)| a == b).count();
    let source =
        helm[..same].iter().rev().find(|line| line.starts_with("# Source: ")).copied().unwrap_or_default();
    let show = |lines: &[&str]| -> String {
        lines.iter().skip(same.saturating_sub(1)).take(4).map(|line| format!("\n      {line:?}")).collect()
    };
    format!("\n    line {} {source}\n    helm:{}\n    we:{}", same + 1, show(&helm), show(&ours))
}
