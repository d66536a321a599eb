//! What Flux's releases ship and what Flux's own generator makes of it, recorded by `.ci/flux`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Returns the folder of the recorded answers: `components/VERSION`, `install/VERSION`, `sync`, `secrets`.
pub fn answers() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/flux");
        let output = Command::new(script).output().expect(".ci/flux runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
    })
}

/// Returns the questions that were asked.
pub fn cases() -> serde_json::Value {
    serde_json::from_str(include_str!("../flux/cases.json")).expect("the cases are JSON")
}

/// Lists the recorded versions, oldest first by name.
pub fn versions() -> Vec<String> {
    let folder = std::fs::read_dir(answers().join("components")).expect("the answers have components");
    let mut versions: Vec<String> =
        folder.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    versions.sort();
    versions
}

/// Reads the component files of a version.
pub fn components(version: &str) -> Vec<(String, Vec<u8>)> {
    let folder = answers().join("components").join(version);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<(String, Vec<u8>)> = entries
        .flatten()
        .map(|entry| {
            let content = std::fs::read(entry.path()).expect("the file can be read");
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect();
    files.sort();
    files
}

/// Reads an answer.
pub fn answer(path: &str) -> String {
    let path = answers().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Packs the component files of a version as the release's asset `manifests.tar.gz`.
pub fn archive(version: &str) -> Vec<u8> {
    pack(&answers().join("components").join(version))
}

/// Packs a folder as `flux push artifact` does.
pub fn pack(folder: &Path) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cz", "-C"]).arg(folder).arg(".");
    let output = tar.output().expect("tar runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
