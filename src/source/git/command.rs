//! Runs the `git` command: found once, in a clean environment, bounded in time and output, killed with all its children.
//!
//! This is the one place that starts git. It knows nothing of addresses and credentials (see [`super::session`]).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::super::SourceError;

const OLDEST: (u32, u32) = (2, 39);
const PROBE_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_MESSAGE_BYTES: u64 = 64 * 1024;
const LARGEST_ANSWER_BYTES: u64 = 512 * 1024 * 1024;
/// How long git may take to clean up after SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// The `git` command, known to be recent enough.
#[derive(Clone, Debug)]
pub struct Git {
    program: PathBuf,
}

impl Git {
    /// Finds git on PATH and checks its version, once per process.
    ///
    /// # Errors
    /// [`SourceError::GitMissing`] and [`SourceError::GitTooOld`].
    pub async fn find() -> Result<Self, SourceError> {
        static FOUND: OnceCell<Git> = OnceCell::const_new();
        FOUND.get_or_try_init(|| Self::at(Path::new("git"))).await.cloned()
    }

    async fn at(program: &Path) -> Result<Self, SourceError> {
        let git = Self { program: program.to_owned() };
        let deadline = Instant::now() + PROBE_LIMIT;
        let answer = git.invocation("asking git for its version", deadline).args(["version"]).run().await?;
        let found = answer.text();
        if is_recent_enough(&found) { Ok(git) } else { Err(SourceError::GitTooOld { found }) }
    }

    /// Prepares one run of git; `action` names it in errors, for example ``fetching branch `main` of `file:///x` ``.
    pub(crate) fn invocation(&self, action: impl Into<String>, deadline: Instant) -> Invocation {
        Invocation {
            program: self.program.clone(),
            action: action.into(),
            arguments: Vec::new(),
            variables: clean_environment(),
            input: Vec::new(),
            deadline,
        }
    }
}

fn is_recent_enough(answer: &str) -> bool {
    let numbers = answer.strip_prefix("git version ").unwrap_or_default();
    let mut parts = numbers.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= OLDEST
}

/// Only what git needs to run and to find the network; nothing of the caller's git set-up, agents or credentials.
fn clean_environment() -> Vec<(OsString, OsString)> {
    const KEPT: &[&str] = &[
        "PATH",
        "TMPDIR",
        "TEMP",
        "TMP",
        "SYSTEMROOT",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ];
    const SET: &[(&str, &str)] = &[
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_ADVICE", "0"),
        ("LC_ALL", "C"),
    ];
    let kept = KEPT.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    let set = SET.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    kept.chain(set).collect()
}

/// One run of git.
pub(crate) struct Invocation {
    program: PathBuf,
    action: String,
    arguments: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    deadline: Instant,
}

impl Invocation {
    pub(crate) fn args<T: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = T>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn variables(mut self, variables: &[(OsString, OsString)]) -> Self {
        self.variables.extend_from_slice(variables);
        self
    }

    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs git and takes a failure status for an error.
    ///
    /// # Errors
    /// As [`Invocation::answer`], and [`SourceError::Git`] with what git wrote to stderr.
    pub(crate) async fn run(self) -> Result<Answer, SourceError> {
        let action = self.action.clone();
        let answer = self.answer().await?;
        if answer.status.success() {
            return Ok(answer);
        }
        Err(SourceError::Git { action, message: answer.message() })
    }

    /// Runs git and gives its answer, whatever its status. Dropping the future stops git.
    ///
    /// # Errors
    /// [`SourceError::GitMissing`], [`SourceError::Timeout`], [`SourceError::TooLarge`].
    pub(crate) async fn answer(self) -> Result<Answer, SourceError> {
        let begun = Instant::now();
        let (action, deadline) = (self.action.clone(), self.deadline);
        match tokio::time::timeout_at(deadline, self.complete()).await {
            Ok(answer) => answer,
            Err(_) => Err(SourceError::Timeout { action, seconds: deadline.duration_since(begun).as_secs() }),
        }
    }

    async fn complete(mut self) -> Result<Answer, SourceError> {
        let input = std::mem::take(&mut self.input);
        let mut running = self.start()?;
        let child = &mut running.child;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async move {
            if let Some(mut pipe) = stdin {
                // A git that refuses early closes its end; its status and message tell why.
                let _ = pipe.write_all(&input).await;
            }
        };
        let ((), output, message) =
            tokio::join!(feed, read(stdout, LARGEST_ANSWER_BYTES), read(stderr, LONGEST_MESSAGE_BYTES));
        if output.len() as u64 > LARGEST_ANSWER_BYTES {
            let limit = format!("{} MiB", LARGEST_ANSWER_BYTES >> 20);
            return Err(SourceError::TooLarge { what: format!("the answer while {}", self.action), limit });
        }
        let status =
            running.wait().await.map_err(|error| SourceError::io("waiting for", &self.program, error))?;
        Ok(Answer { status, output, message })
    }

    fn start(&self) -> Result<Running, SourceError> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env_clear().envs(self.variables.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // On Unix the whole group gets time to clean up instead, see `Running`.
        command.kill_on_drop(cfg!(not(unix)));
        #[cfg(unix)]
        command.process_group(0);
        match command.spawn() {
            Ok(child) => Ok(Running { group: child.id(), child }),
            Err(error) => Err(SourceError::GitMissing(Arc::new(error))),
        }
    }
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // A broken pipe ends the reading; the exit status decides what that means.
        let _ = (&mut pipe).take(limit + 1).read_to_end(&mut bytes).await;
        // What lies beyond the limit is read and dropped only where git must not block on it.
        if limit == LONGEST_MESSAGE_BYTES {
            let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
        }
    }
    bytes
}

/// What git answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) output: Vec<u8>,
    message: Vec<u8>,
}

impl Answer {
    /// Gives stdout as one trimmed text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).trim().to_owned()
    }

    /// Gives stderr in printable form: no terminal escapes, no progress lines, bounded.
    pub(crate) fn message(&self) -> String {
        let message = printable(&String::from_utf8_lossy(&self.message));
        if message.is_empty() { format!("git ended with {} and no message", self.status) } else { message }
    }
}

/// Makes text of a remote safe to print: control characters become spaces, empty lines go, length is bounded.
pub(crate) fn printable(text: &str) -> String {
    let mut kept = String::new();
    for line in text.split(['\n', '\r']) {
        let line: String =
            line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let line = line.trim_end();
        if line.trim().is_empty() || kept.len() + line.len() > 8 * 1024 {
            continue;
        }
        if !kept.is_empty() {
            kept.push('\n');
        }
        kept.push_str(line);
    }
    kept
}

/// A running git with its process group; ends the whole group when dropped early.
struct Running {
    child: Child,
    group: Option<u32>,
}

impl Running {
    async fn wait(&mut self) -> std::io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.group = None;
        Ok(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(group) = self.group else { return };
        signal_group(group, Ending::Asked);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    signal_group(group, Ending::Forced);
                });
            }
            Err(_) => signal_group(group, Ending::Forced),
        }
    }
}

#[derive(Clone, Copy)]
enum Ending {
    Asked,
    Forced,
}

#[cfg(unix)]
fn signal_group(group: u32, ending: Ending) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let Some(pid) = i32::try_from(group).ok().and_then(Pid::from_raw) else { return };
    let signal = match ending {
        Ending::Asked => Signal::TERM,
        Ending::Forced => Signal::KILL,
    };
    // The group may be gone already, which is the aim.
    let _ = kill_process_group(pid, signal);
}

/// Elsewhere `kill_on_drop` ends git itself and its pipes end the children.
#[cfg(not(unix))]
fn signal_group(_group: u32, _ending: Ending) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_git_2_39_and_newer() {
        for (answer, expected) in [
            ("git version 2.39.5", true),
            ("git version 2.39.3 (Apple Git-146)", true),
            ("git version 2.47.0.windows.1", true),
            ("git version 3.0.0", true),
            ("git version 2.38.9", false),
            ("git version 1.99", false),
            ("not git", false),
        ] {
            assert_eq!(is_recent_enough(answer), expected, "{answer}");
        }
    }

    #[test]
    fn messages_lose_escapes_and_empty_lines() {
        assert_eq!(printable("remote: \u{1b}[31mno\u{1b}[0m\r\n\n  x \n"), "remote:  [31mno [0m\n  x");
    }

    #[tokio::test]
    async fn a_missing_git_says_so() {
        let error = Git::at(Path::new("/nonexistent/git")).await.unwrap_err();
        assert!(matches!(error, SourceError::GitMissing(_)), "{error}");
        assert!(error.hint().unwrap().contains("2.39"));
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_stopped_at_the_deadline_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; wait", marker.display());
        let git = Git { program: "sh".into() };
        let run =
            git.invocation("hanging", Instant::now() + Duration::from_millis(500)).args(["-c", &script]);
        let error = run.run().await.unwrap_err();
        assert!(matches!(error, SourceError::Timeout { .. }), "{error}");
        let pid = std::fs::read_to_string(marker).unwrap();
        let gone = async {
            while is_alive(pid.trim()) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the child outlives its group");
    }

    fn is_alive(pid: &str) -> bool {
        // A zombie that waits for init to reap it has ended too.
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
    }
}
