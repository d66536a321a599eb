//! `helm template` in one screen: reads a chart from disk, renders it, prints what Helm would print.
//!
//!     cargo run --example helm_template -- [--helm3] CHART [FLAGS of helm template]

mod flags;
mod read_chart;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use helm_engine::{Mode, render};

/// The library leaves the allocator to the program that it is in.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mode = if arguments.first().is_some_and(|first| first == "--helm3") {
        arguments.remove(0);
        Mode::Helm3
    } else {
        Mode::Helm4
    };
    if arguments.is_empty() {
        eprintln!("usage: helm_template [--helm3] CHART [FLAGS]");
        return ExitCode::FAILURE;
    }
    let chart = arguments.remove(0);
    match template(Path::new(&chart), &arguments, mode) {
        Ok(text) => match std::io::stdout().write_all(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(message) => {
            eprint!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn template(chart: &Path, arguments: &[String], mode: Mode) -> Result<Vec<u8>, String> {
    let plain = |message: String| format!("Error: {message}\n");
    let invocation = flags::parse(arguments, mode, &|path| std::fs::read(path).ok()).map_err(plain)?;
    let chart = read_chart::read_chart(chart, mode).map_err(plain)?;
    let rendered = render(&chart, &invocation.request).map_err(|error| error.to_helm_text())?;
    for warning in &rendered.warnings {
        eprintln!("{warning}");
    }
    let text = rendered.to_helm_text(&invocation.print).map_err(|error| error.to_helm_text());
    // The process ends next: giving the memory back piece by piece would only take time.
    std::mem::forget((chart, rendered));
    text
}
