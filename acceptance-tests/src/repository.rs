//! A bare git repository in a temporary folder, looked at and tampered with through the git command.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A bare repository with a branch `main` that holds one commit.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// Makes the repository.
    pub fn new() -> Self {
        let repository = Repository { folder: tempfile::tempdir().expect("a temporary folder can be made") };
        git(repository.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        repository.commit(&[("README.md", Some("clusters\n"))], "Start");
        repository
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the address for a provider block.
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Returns the file at the tip of main.
    pub fn read(&self, path: &str) -> Option<String> {
        let output = command(self.path()).args(["show", &format!("main:{path}")]).output().expect("git runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Returns the paths of all files at the tip of main.
    pub fn files(&self) -> Vec<String> {
        git(self.path(), &["ls-tree", "-r", "--name-only", "main"]).lines().map(str::to_owned).collect()
    }

    /// Counts the commits of main.
    pub fn commits(&self) -> usize {
        git(self.path(), &["rev-list", "--count", "main"]).trim().parse().expect("a count is a number")
    }

    /// Commits changes as somebody else would: content, or nothing for a removal.
    pub fn commit(&self, changes: &[(&str, Option<&str>)], message: &str) {
        let clone = tempfile::tempdir().expect("a temporary folder can be made");
        let at = clone.path();
        git(at, &["clone", "--quiet", &self.url(), "."]);
        git(at, &["checkout", "--quiet", "-B", "main"]);
        for (path, content) in changes {
            let file = at.join(path);
            match content {
                Some(content) => {
                    std::fs::create_dir_all(file.parent().expect("a file has a folder"))
                        .expect("it can be made");
                    std::fs::write(&file, content).expect("the file can be written");
                }
                None => std::fs::remove_file(&file).expect("the file can be removed"),
            }
        }
        git(at, &["add", "--all"]);
        git(at, &["commit", "--quiet", "--allow-empty", "--message", message]);
        git(at, &["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// Installs a hook of the repository, a shell script.
    pub fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path: PathBuf = self.path().join("hooks").join(name);
        std::fs::create_dir_all(path.parent().expect("hooks is a folder")).expect("it can be made");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("the hook can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it can be made executable");
    }

    /// Removes a hook.
    pub fn remove_hook(&self, name: &str) {
        std::fs::remove_file(self.path().join("hooks").join(name)).expect("the hook was installed");
    }
}

impl Default for Repository {
    fn default() -> Self {
        Repository::new()
    }
}

/// Runs git in a folder and returns what it printed.
pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = command(folder).args(arguments).output().expect("git runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    text
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "somebody else")
            .env(format!("GIT_{role}_EMAIL"), "somebody@example.com");
    }
    command
}
