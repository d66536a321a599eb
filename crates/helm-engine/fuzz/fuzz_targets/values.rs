//! Values merged from chart, subchart, layers and a flag: the input is divided by zero bytes into those four.
#![no_main]

use helm_engine::render::effective_values;
use helm_engine::request::{SetFlag, read_values};
use helm_engine::strvals::SetKind;
use helm_engine::{Chart, Mode, Request, SourceFile};
use libfuzzer_sys::fuzz_target;

const PARENT: &[u8] = b"{apiVersion: v2, name: c, version: 0.1.0, dependencies: [\
    {name: sub, version: 0.1.0, alias: al, condition: 'al.on,on', tags: [t], import-values: [x, {child: a, parent: b}]}]}";
const CHILD: &[u8] = b"{apiVersion: v2, name: sub, version: 0.1.0}";

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(4, |byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (parent, child, user, line) = (part(), part(), part(), String::from_utf8_lossy(part()).into_owned());
    for mode in [Mode::Helm3, Mode::Helm4] {
        let files = vec![
            SourceFile::new("Chart.yaml", PARENT),
            SourceFile::new("values.yaml", parent),
            SourceFile::new("charts/sub/Chart.yaml", CHILD),
            SourceFile::new("charts/sub/values.yaml", child),
        ];
        let Ok(chart) = Chart::load(files, mode) else { continue };
        let mut request = Request::new("release-name", "v1.34.0");
        request.layers.extend(read_values(user, 0, mode));
        for kind in [SetKind::Typed, SetKind::Text, SetKind::Json, SetKind::Literal] {
            request.sets = vec![SetFlag { kind, line: line.clone() }];
            let _ = effective_values(&chart, &request);
        }
    }
});
