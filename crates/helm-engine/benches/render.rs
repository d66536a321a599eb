//! Loads and renders a chart again and again in one process, and prints the processor time of one round in microseconds
//! and the process's largest memory in KiB, as `benches/helm` does with Helm's own library. `compare.sh` prints both.
//!
//!     cargo bench -p helm-engine --bench render -- CHART ROUNDS
#![allow(clippy::print_stdout, reason = "a program that reports numbers")]

#[path = "../examples/helm_template/read_chart.rs"]
mod read_chart;

use std::fs;
use std::path::Path;

use helm_engine::manifests::PrintOptions;
use helm_engine::{Mode, Request, render};

/// The kernel counts processor time in hundredths of a second.
const MICROSECONDS_PER_TICK: u64 = 10_000;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [chart, rounds] = arguments.as_slice() else {
        println!("usage: render CHART ROUNDS");
        return Ok(());
    };
    let rounds: u64 = rounds.parse().map_err(|error| format!("{rounds}: {error}"))?;
    let before = processor_microseconds();
    for _ in 0..rounds {
        round(Path::new(chart))?;
    }
    println!("{} {}", (processor_microseconds() - before) / rounds.max(1), peak_kib());
    Ok(())
}

fn round(chart: &Path) -> Result<usize, String> {
    let chart = read_chart::read_chart(chart, Mode::Helm4)?;
    let request = Request::new("release-name", "v1.34.0");
    let rendered =
        render(&chart, &request).and_then(|rendered| rendered.to_helm_text(&PrintOptions::default()));
    rendered.map(|text| text.len()).map_err(|error| error.to_string())
}

/// User and system time of all threads, from the 14th and 15th fields of the process's stat file.
fn processor_microseconds() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() * MICROSECONDS_PER_TICK
}

fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or_default()
}
