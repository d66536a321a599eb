//! Bare repositories in temporary folders, made with the real git, for tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Credentials, Remote};

/// A bare repository that is deleted with the value.
pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
}

impl Fixture {
    /// Makes a repository without any commit.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let fixture = Self { folder };
        std::fs::create_dir(fixture.bare()).unwrap();
        fixture.git(&["init", "--quiet", "--bare", "--initial-branch=main"]);
        for key in ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"] {
            fixture.git(&["config", key, "true"]);
        }
        fixture
    }

    /// Makes a repository whose branch `main` holds `files`.
    pub(crate) fn with_files(files: &[(&str, &str)]) -> Self {
        let fixture = Self::empty();
        fixture.commit(files);
        fixture
    }

    pub(crate) fn bare(&self) -> PathBuf {
        self.folder.path().join("remote.git")
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(crate) fn remote(&self) -> Remote {
        Remote::new(self.bare().to_str().unwrap(), Credentials::None, None).unwrap()
    }

    /// Commits to `main` as somebody else; content `->TARGET` makes a symbolic link.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) {
        let index = self.folder.path().join("index-of-somebody");
        let _ = std::fs::remove_file(&index);
        let tip = self.try_git(&["rev-parse", "--verify", "--quiet", "refs/heads/main"]);
        if let Some(tip) = &tip {
            self.indexed(&index, &["read-tree", tip], "");
        }
        for (path, content) in files {
            let (mode, content) =
                content.strip_prefix("->").map_or(("100644", *content), |to| ("120000", to));
            let id = self.indexed(&index, &["hash-object", "-w", "--stdin"], content);
            self.indexed(
                &index,
                &["update-index", "--add", "--cacheinfo", &format!("{mode},{id},{path}")],
                "",
            );
        }
        let tree = self.indexed(&index, &["write-tree"], "");
        let mut arguments = vec!["commit-tree", "-m", "somebody's work", &tree];
        if let Some(tip) = &tip {
            arguments.extend(["-p", tip]);
        }
        let commit = self.git(&arguments);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    /// Installs an executable hook.
    #[cfg(unix)]
    pub(crate) fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.bare().join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Gives the file's content on `main`.
    pub(crate) fn show(&self, path: &str) -> Option<String> {
        self.try_git(&["show", &format!("main:{path}")])
    }

    /// Lists the files on `main`.
    pub(crate) fn files(&self) -> Vec<String> {
        let listing = self.git(&["ls-tree", "-r", "--name-only", "main"]);
        listing.lines().map(str::to_owned).collect()
    }

    /// Counts the commits on `main`.
    pub(crate) fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).parse().unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.try_git(arguments).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    fn try_git(&self, arguments: &[&str]) -> Option<String> {
        run(&self.bare(), None, arguments, "")
    }

    fn indexed(&self, index: &Path, arguments: &[&str], input: &str) -> String {
        run(&self.bare(), Some(index), arguments, input).unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }
}

fn run(bare: &Path, index: Option<&Path>, arguments: &[&str], input: &str) -> Option<String> {
    use std::io::Write;
    let mut command = Command::new("git");
    command
        .args(arguments)
        .env("GIT_DIR", bare)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Somebody")
            .env(format!("GIT_{role}_EMAIL"), "somebody@example.com");
    }
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
}
