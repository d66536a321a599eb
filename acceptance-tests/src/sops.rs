//! The real `sops`, with keys that open nothing else.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::terraform::project_folder;

/// Returns the path of the command.
pub fn program() -> String {
    crate::cluster::program("sops").display().to_string()
}

/// Returns the private and the public keys of the unit tests' fixtures.
pub fn keys() -> Vec<(String, String)> {
    let file = project_folder().join("src/source/sops/fixtures/keys.txt");
    let text = std::fs::read_to_string(file).expect("the keys are recorded");
    let of = |start: &str| {
        let lines =
            text.lines().filter_map(|line| line.trim_start_matches("# public key: ").strip_prefix(start));
        lines.map(|rest| format!("{start}{rest}")).collect::<Vec<_>>()
    };
    of("AGE-SECRET-KEY-").into_iter().zip(of("age1")).collect()
}

/// Runs `sops` in a folder with variables, and returns what it prints.
pub fn run(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = Command::new(program());
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).envs(variables.iter().copied());
    let output = command.output().expect("sops runs");
    assert!(output.status.success(), "sops {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
