//! `helm template` on a chart's folder or archive, with the flags that matter for comparing the two.
//!
//! The library itself reads nothing: this program shows what its caller has to hand over.

#![allow(clippy::print_stdout, reason = "a program prints")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use helm_engine::manifests::PrintOptions;
use helm_engine::request::{SetFlag, read_values};
use helm_engine::strvals::SetKind;
use helm_engine::trace::Trace;
use helm_engine::{Chart, Mode, RenderError, Request, SourceFile, render};

struct Options {
    chart: String,
    mode: Mode,
    request: Request,
    values: Vec<String>,
    print: PrintOptions,
    repeat: u32,
}

fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(text) => match std::io::stdout().write_all(&text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprint!("{}", error.to_helm_text());
            if let Some(excerpt) = error.excerpt() {
                eprintln!("\n{excerpt}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> Result<Vec<u8>, RenderError> {
    let chart = load(&options.chart, options.mode)?;
    for (index, path) in (0..).zip(&options.values) {
        let bytes = std::fs::read(path).unwrap_or_else(|error| fail(path, &error));
        options.request.layers.push(read_values(&bytes, index, options.mode)?);
    }
    for _ in 1..options.repeat {
        render(&load(&options.chart, options.mode)?, &options.request)?;
    }
    let rendered = render(&chart, &options.request)?;
    for warning in &rendered.warnings {
        eprintln!("{warning}");
    }
    rendered.to_helm_text(&options.print)
}

fn load(path: &str, mode: Mode) -> Result<Chart, RenderError> {
    if Path::new(path).is_dir() {
        let mut files = Vec::new();
        collect(Path::new(path), "", &mut files);
        return Chart::load(files, mode);
    }
    let bytes = std::fs::read(path).unwrap_or_else(|error| fail(path, &error));
    Chart::load_archive(&bytes, mode)
}

/// Reads a folder as Helm walks it: links to files and folders are followed.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<SourceFile>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| fail(&folder.to_string_lossy(), &error));
    for entry in entries.flatten() {
        let path = entry.path();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            let bytes = std::fs::read(&path).unwrap_or_else(|error| fail(&name, &error));
            files.push(SourceFile::new(name, bytes));
        }
    }
}

fn fail(path: &str, error: &std::io::Error) -> ! {
    eprintln!("Error: open {path}: {error}");
    std::process::exit(1)
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        chart: String::new(),
        mode: Mode::Helm4,
        request: Request::new("release-name", "v1.34.0"),
        values: Vec::new(),
        print: PrintOptions::default(),
        repeat: 1,
    };
    options.request.set_files = BTreeMap::new();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        let request = &mut options.request;
        let mut set = |kind, line| request.sets.push(SetFlag { kind, line });
        match argument.as_str() {
            "--helm3" => options.mode = Mode::Helm3,
            "-f" | "--values" => options.values.push(value()?),
            "--set" => set(SetKind::Typed, value()?),
            "--set-string" => set(SetKind::Text, value()?),
            "--set-json" => set(SetKind::Json, value()?),
            "--set-literal" => set(SetKind::Literal, value()?),
            "--set-file" => {
                let line = value()?;
                let path = line.rsplit('=').next().unwrap_or_default().to_owned();
                let content = std::fs::read_to_string(&path).unwrap_or_else(|error| fail(&path, &error));
                request.set_files.insert(path, content);
                request.sets.push(SetFlag { kind: SetKind::File, line });
            }
            "--render-subchart-notes" | "--skip-crds" | "--create-namespace" | "--generate-name" => {}
            "--name" | "--name-template" => request.release_name = value()?,
            "-n" | "--namespace" => request.namespace = value()?,
            "--kube-version" => request.kube_version = value()?,
            "-a" | "--api-versions" => request.api_versions.extend(value()?.split(',').map(str::to_owned)),
            "--is-upgrade" => request.is_upgrade = true,
            "--skip-schema-validation" => request.skip_schema = true,
            "--include-crds" => options.print.include_crds = true,
            "--no-hooks" => options.print.no_hooks = true,
            "--skip-tests" => options.print.skip_tests = true,
            "-s" | "--show-only" => options.print.show_only.push(value()?),
            "--trace" => request.trace = Trace::Full,
            "--reads" => request.trace = Trace::Reads,
            "--repeat" => {
                options.repeat = value()?.parse().map_err(|_| "--repeat wants a number".to_owned())?
            }
            chart => chart.clone_into(&mut options.chart),
        }
    }
    Ok(options)
}
