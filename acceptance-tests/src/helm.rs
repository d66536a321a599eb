//! The real Helm, as users run it beside Terraform.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cluster::{Cluster, program};

/// Runs `helm` in a folder against a cluster, as its administrator, and returns what it prints.
#[track_caller]
pub fn run(folder: &Path, cluster: &Cluster, arguments: &[&str]) -> String {
    run_keeping_in("secret", folder, cluster, arguments)
}

/// The same with another kind of objects that Helm keeps its releases in.
#[track_caller]
pub fn run_keeping_in(driver: &str, folder: &Path, cluster: &Cluster, arguments: &[&str]) -> String {
    let home = folder.join(".helm");
    let output = Command::new(program("helm"))
        .args(arguments)
        .current_dir(folder)
        .env("KUBECONFIG", cluster.kubeconfig())
        .env("HELM_DRIVER", driver)
        .envs(["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"].map(|name| (name, &home)))
        .stdin(Stdio::null())
        .output()
        .expect("helm runs");
    assert!(output.status.success(), "helm {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
