//! The flags of `helm template` that change what is printed, as a request to the engine. Files are read by the caller.

use helm_engine::manifests::PrintOptions;
use helm_engine::request::{SetFlag, read_values};
use helm_engine::strvals::SetKind;
use helm_engine::{Mode, RenderError, Request};

/// What a command line asks for.
pub(crate) struct Invocation {
    /// Release, cluster and values.
    pub(crate) request: Request,
    /// What of it is printed.
    pub(crate) print: PrintOptions,
}

/// Reads a file that a flag names.
pub(crate) type ReadFile<'a> = &'a dyn Fn(&str) -> Option<Vec<u8>>;

/// Parses arguments without the release's name and the chart.
///
/// # Errors
/// With Helm's message, without `Error: `.
pub(crate) fn parse(arguments: &[String], mode: Mode, read: ReadFile<'_>) -> Result<Invocation, String> {
    let mut request = Request::new("release-name", "v1.34.0");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    request.now_unix_nanoseconds = i128::try_from(now.as_nanos()).unwrap_or_default();
    let mut invocation = Invocation { request, print: PrintOptions::default() };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        if !invocation.switch(flag) {
            let value = rest.next().ok_or_else(|| format!("flag needs an argument: {flag}"))?;
            invocation.set(flag, value, mode, read)?;
        }
    }
    Ok(invocation)
}

impl Invocation {
    fn switch(&mut self, flag: &str) -> bool {
        match flag {
            "--include-crds" => self.print.include_crds = true,
            "--no-hooks" => self.print.no_hooks = true,
            "--skip-tests" => self.print.skip_tests = true,
            "--is-upgrade" => self.request.is_upgrade = true,
            "--skip-schema-validation" => self.request.skip_schema = true,
            "--skip-crds" | "--create-namespace" | "--render-subchart-notes" => {}
            _ => return false,
        }
        true
    }

    fn set(&mut self, flag: &str, value: &str, mode: Mode, read: ReadFile<'_>) -> Result<(), String> {
        let kind = match flag {
            "--set" => SetKind::Typed,
            "--set-string" => SetKind::Text,
            "--set-json" => SetKind::Json,
            "--set-literal" => SetKind::Literal,
            "--set-file" => SetKind::File,
            "-f" | "--values" => return self.add_layers(value, mode, read),
            _ => return self.set_plain(flag, value),
        };
        if kind == SetKind::File {
            for path in value.split(',').filter_map(|part| part.split_once('=')).map(|(_, path)| path) {
                if let Some(content) = read(path) {
                    self.request
                        .set_files
                        .insert(path.to_owned(), String::from_utf8_lossy(&content).into_owned());
                }
            }
        }
        self.request.sets.push(SetFlag { kind, line: value.to_owned() });
        Ok(())
    }

    fn add_layers(&mut self, paths: &str, mode: Mode, read: ReadFile<'_>) -> Result<(), String> {
        for path in paths.split(',') {
            let content = read(path).ok_or_else(|| format!("open {path}: no such file or directory"))?;
            let source = u32::try_from(self.request.layers.len()).unwrap_or_default();
            let layer = read_values(&content, source, mode);
            self.request
                .layers
                .push(layer.map_err(|error: RenderError| format!("failed to parse {path}: {error}"))?);
        }
        Ok(())
    }

    fn set_plain(&mut self, flag: &str, value: &str) -> Result<(), String> {
        match flag {
            "--kube-version" => self.request.kube_version = value.to_owned(),
            "-n" | "--namespace" => self.request.namespace = value.to_owned(),
            "-a" | "--api-versions" => self.request.api_versions.extend(value.split(',').map(str::to_owned)),
            "-s" | "--show-only" => self.print.show_only.push(value.to_owned()),
            _ => return Err(format!("unknown flag: {flag}")),
        }
        Ok(())
    }
}
