//! A whole render of a template and values that the input holds, divided by a zero byte, under tight limits.
#![no_main]

use helm_engine::limits::Limits;
use helm_engine::manifests::PrintOptions;
use helm_engine::request::read_values;
use helm_engine::{Chart, Mode, Request, SourceFile, render};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let divided = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (template, values) = bytes.split_at(divided);
    for mode in [Mode::Helm3, Mode::Helm4] {
        let files = vec![
            SourceFile::new("Chart.yaml", &b"{apiVersion: v2, name: c, version: 0.1.0}"[..]),
            SourceFile::new("templates/t", template),
        ];
        let Ok(chart) = Chart::load(files, mode) else { continue };
        let mut request = Request::new("release-name", "v1.34.0");
        request.limits = Limits { steps: 200_000, output_bytes: 1 << 20, value_bytes: 1 << 20, ..Limits::default() };
        if let Ok(layer) = read_values(values.get(1..).unwrap_or_default(), 0, mode) {
            request.layers.push(layer);
        }
        if let Ok(rendered) = render(&chart, &request) {
            let _ = rendered.to_helm_text(&PrintOptions::default());
        }
    }
});
