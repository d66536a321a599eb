//! Loads a chart from disk and renders it, again and again in one process: what `run.sh` measures against the same
//! loop over Helm's own library.
//!
//!     cargo run --release --example load_and_render -- CHART COUNT [reads|full]
//!
//! `reads` and `full` render with that much tracing. The last render's number of objects and bytes
//! and the peak of memory in KiB are printed.

#[path = "../examples/helm_template/read_chart.rs"]
mod read_chart;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use helm_engine::manifests::PrintOptions;
use helm_engine::trace::Trace;
use helm_engine::{Mode, Request, render};

/// The library leaves the allocator to the program that it is in.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chart, count, trace) = match &arguments[..] {
        [chart, count] => (chart, count, Trace::Off),
        [chart, count, word] if word == "reads" => (chart, count, Trace::Reads),
        [chart, count, word] if word == "full" => (chart, count, Trace::Full),
        _ => {
            eprintln!("usage: load_and_render CHART COUNT [reads|full]");
            return ExitCode::FAILURE;
        }
    };
    match run(Path::new(chart), count.parse().unwrap_or(1), trace) {
        Ok((objects, bytes)) => {
            let written = writeln!(std::io::stdout(), "{objects} {bytes} {}", peak_kib());
            if written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(message) => {
            eprintln!("Error: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the most memory this process ever had, where Linux tells.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

fn run(path: &Path, count: usize, trace: Trace) -> Result<(usize, usize), String> {
    let mut last = (0, 0);
    for _ in 0..count {
        let chart = read_chart::read_chart(path, Mode::Helm4)?;
        let mut request = Request::new("release-name", "v1.34.0");
        request.trace = trace;
        let rendered = render(&chart, &request).map_err(|error| error.to_string())?;
        let text = rendered.to_helm_text(&PrintOptions::default()).map_err(|error| error.to_string())?;
        last = (rendered.manifests.len() + rendered.hooks.len(), text.len());
    }
    Ok(last)
}
