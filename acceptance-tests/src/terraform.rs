//! The real Terraform in a folder of its own, with the built provider in place of a published one.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a configuration and its state.
pub struct Workspace {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What Terraform printed, and whether it succeeded.
#[derive(Debug)]
pub struct Run {
    /// Whether the exit code was 0, or 2 for a plan with changes.
    pub succeeded: bool,
    /// The exit code; none after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Run {
    /// Returns the run, which must have succeeded.
    #[track_caller]
    pub fn expect_success(self) -> Run {
        assert!(self.succeeded, "terraform failed ({:?})\n{}\n{}", self.code, self.stdout, self.stderr);
        self
    }

    /// Returns standard error, unwrapped from its frame and its line breaks, of a run that must have failed.
    #[track_caller]
    pub fn expect_failure(self) -> String {
        assert!(!self.succeeded, "terraform did not fail\n{}", self.stdout);
        let text = self.stderr.lines().map(|line| line.trim_start_matches(['│', '╷', '╵', ' ']).trim_end());
        text.collect::<Vec<_>>().join("\n")
    }
}

impl Workspace {
    /// Makes an empty folder.
    pub fn new() -> Self {
        Workspace::with_provider(&provider_folder())
    }

    /// Makes an empty folder in which Terraform takes the provider from another one.
    pub fn with_provider(binaries: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let workspace = Workspace { folder, environment: Vec::new() };
        workspace.write(
            ".terraformrc",
            &format!(
                "provider_installation {{\n  dev_overrides {{\n    \"stratahq/strata\" = {:?}\n  }}\n  direct {{}}\n}}\n",
                binaries.display().to_string()
            ),
        );
        workspace
    }

    /// Makes a folder with the content of another, such as an example.
    pub fn copy_of(folder: &Path) -> Self {
        let workspace = Workspace::new();
        copy_folder(folder, workspace.path());
        workspace
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets an environment variable for every later run.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: &str) {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("the folder can be made");
        std::fs::write(file, content).expect("the file can be written");
    }

    /// Reads a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).expect("the file can be read")
    }

    /// Replaces text in a file; it must be there.
    pub fn replace(&self, path: &str, before: &str, after: &str) {
        let text = self.read(path);
        assert!(text.contains(before), "{path} has no {before:?}");
        self.write(path, &text.replacen(before, after, 1));
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) {
        std::fs::remove_file(self.path().join(path)).expect("the file can be removed");
    }

    /// Runs Terraform.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let output = self.command(arguments).stdin(Stdio::null()).output().expect("terraform runs");
        Run::of(&output)
    }

    /// Starts Terraform and returns at once; the child leads a process group of its own.
    pub fn start(&self, arguments: &[&str]) -> Child {
        use std::os::unix::process::CommandExt;
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command.spawn().expect("terraform starts")
    }

    /// Plans, and returns what a reader sees.
    pub fn plan(&self) -> Run {
        self.run(&["plan", "-no-color", "-detailed-exitcode", "-out=plan.bin"])
    }

    /// Returns the plan made last, as JSON.
    pub fn plan_json(&self) -> Value {
        let run = self.run(&["show", "-json", "plan.bin"]).expect_success();
        serde_json::from_str(&run.stdout).expect("terraform prints JSON")
    }

    /// Applies without asking.
    pub fn apply(&self) -> Run {
        self.run(&["apply", "-no-color", "-auto-approve"])
    }

    /// Destroys without asking.
    pub fn destroy(&self) -> Run {
        self.run(&["destroy", "-no-color", "-auto-approve"])
    }

    /// Returns the state as JSON.
    pub fn state(&self) -> Value {
        let run = self.run(&["show", "-json"]).expect_success();
        serde_json::from_str(&run.stdout).expect("terraform prints JSON")
    }

    /// Returns the attributes of a resource in the state.
    pub fn attributes(&self, address: &str) -> Option<Value> {
        let state = self.state();
        let resources = state["values"]["root_module"]["resources"].as_array()?;
        resources.iter().find(|one| one["address"] == address).map(|one| one["values"].clone())
    }

    /// Checks that there is nothing to do, with and without looking at the targets.
    #[track_caller]
    pub fn assert_nothing_to_do(&self) {
        for extra in ["-refresh=true", "-refresh=false"] {
            let run = self.run(&["plan", "-no-color", "-detailed-exitcode", extra]);
            assert_eq!(run.code, Some(0), "the plan ({extra}) is not empty\n{}\n{}", run.stdout, run.stderr);
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.current_dir(self.path()).args(arguments);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TF_")) {
            command.env_remove(name);
        }
        command
            .env("TF_CLI_CONFIG_FILE", self.path().join(".terraformrc"))
            .env("XDG_CACHE_HOME", self.path().join(".cache"))
            .env("CHECKPOINT_DISABLE", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Workspace::new()
    }
}

impl Run {
    /// Reads a finished process.
    pub fn of(output: &Output) -> Run {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Run {
            succeeded: matches!(output.status.code(), Some(0 | 2)),
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// Returns the part of a plan that a reviewer reads: from the first resource to the summary.
pub fn shown_changes(plan: &str) -> String {
    let lines = plan.lines().skip_while(|line| {
        !line.starts_with("Terraform will perform") && !line.starts_with("OpenTofu will perform")
    });
    let lines = lines.skip(1).skip_while(|line| line.is_empty());
    let mut shown = Vec::new();
    for line in lines {
        shown.push(line);
        if line.starts_with("Plan:") {
            break;
        }
    }
    shown.join("\n")
}

/// Returns the folder that holds the built provider and command-line tool: cargo puts tests one below.
pub fn provider_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let folder = test.ancestors().nth(2).expect("tests are in deps/").to_path_buf();
    let provider = folder.join("terraform-provider-strata");
    assert!(provider.exists(), "{} is missing: run `cargo build` first, or `make test`", provider.display());
    folder
}

/// Returns the folder of the repository that this test is part of.
pub fn project_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate is one below the project").to_path_buf()
}

/// Returns the program to run: Terraform, or OpenTofu where the environment says so.
pub fn program() -> String {
    std::env::var("TERRAFORM").unwrap_or_else(|_| "terraform".to_owned())
}

/// Tells whether that is OpenTofu, which prints write-only arguments among the changes of an update, and cannot mock attributes of any type.
pub fn is_opentofu() -> bool {
    let output = Command::new(program()).arg("version").output().expect("the program runs");
    String::from_utf8_lossy(&output.stdout).contains("OpenTofu v")
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("the kind of an entry can be read").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}
