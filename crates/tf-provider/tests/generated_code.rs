//! Keeps the committed wire code in step with `proto/`. With `UPDATE_GENERATED=1` the test rewrites it.

use std::path::{Path, PathBuf};

/// Proto file, and the package that names prost's output.
const FILES: &[(&str, &str, &str)] = &[
    ("tfplugin5.proto", "tfplugin5.rs", "tfplugin5.rs"),
    ("go_plugin.proto", "plugin.rs", "go_plugin.rs"),
    ("health.proto", "grpc.health.v1.rs", "health.rs"),
];

#[test]
fn committed_wire_code_is_what_the_protos_give() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let proto_dir = root.join("../../proto");
    for (proto, generated, committed) in FILES {
        let out = tempfile::tempdir().expect("a temp folder");
        generate(&proto_dir, proto, out.path());
        let fresh = std::fs::read_to_string(out.path().join(generated)).expect("prost's output");
        let committed: PathBuf = root.join("src/protocol/generated").join(committed);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&committed, &fresh).expect("the committed file can be written");
        }
        let known = std::fs::read_to_string(&committed).unwrap_or_default();
        assert!(known == fresh, "{} is stale: run this test with UPDATE_GENERATED=1", committed.display());
    }
}

fn generate(proto_dir: &Path, proto: &str, out: &Path) {
    let descriptors = protox::compile([proto], [proto_dir]).expect("the proto compiles");
    tonic_prost_build::configure()
        .out_dir(out)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        // Payloads are slices of the received message, not copies.
        .bytes(".tfplugin5.DynamicValue")
        .bytes(".tfplugin5.RawState.json")
        .compile_fds(descriptors)
        .expect("code generation");
}
