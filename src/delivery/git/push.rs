//! Pushes one commit by plain fast-forward and sorts the answer: done, overtaken by others, refused, or a broken conversation.

use super::super::DeliveryError;
use super::target::Target;
use crate::source::git::{BareClone, ObjectId, Session, classify, printable};

/// How a push ended, when the conversation was complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The branch is at the commit.
    Done,
    /// Someone else moved the branch first, or is moving it.
    Overtaken(String),
}

/// Pushes `commit` to the target's branch.
pub(super) async fn push(
    session: &Session,
    clone: &BareClone,
    target: &Target,
    commit: &ObjectId,
) -> Result<Pushed, DeliveryError> {
    let action = format!("pushing to {target}");
    let refspec = format!("{commit}:refs/heads/{}", target.branch());
    let run = session.invocation(clone.directory(), &action);
    let answer = run
        .args(["push", "--porcelain", "--no-verify", "--no-progress", "origin", &refspec])
        .answer()
        .await?;
    if answer.status.success() {
        return Ok(Pushed::Done);
    }
    match verdict(&answer.text()) {
        Verdict::Overtaken(message) => Ok(Pushed::Overtaken(message)),
        Verdict::Refused(reason) => {
            let message = with_remote_lines(&reason, &answer.message());
            Err(DeliveryError::Refused { place: target.to_string(), message })
        }
        Verdict::None => Err(classify(session.remote(), &action, &answer.message()).into()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Overtaken(String),
    Refused(String),
    None,
}

/// Reads the line `!\tFROM:TO\t[KIND] (REASON)` of `push --porcelain`.
fn verdict(output: &str) -> Verdict {
    let Some(line) = output.lines().find(|line| line.starts_with("!\t")) else { return Verdict::None };
    let summary = printable(line.rsplit('\t').next().unwrap_or_default());
    if summary.starts_with("[remote failure]") {
        return Verdict::None;
    }
    let by_client = summary.starts_with("[rejected]");
    if by_client || OVERTAKEN.iter().any(|part| summary.contains(part)) {
        return Verdict::Overtaken(summary);
    }
    Verdict::Refused(summary)
}

/// What a server says when two pushes meet at its end.
const OVERTAKEN: &[&str] = &[
    "cannot lock ref",
    "failed to update ref",
    "failed to lock",
    "incorrect old value",
    "fetch first",
    "non-fast-forward",
];

/// Adds what the remote's hook wrote to the short reason.
fn with_remote_lines(reason: &str, message: &str) -> String {
    let lines: Vec<_> = message
        .lines()
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() { reason.to_owned() } else { format!("{reason}\n{}", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(summary: &str, expected: fn(String) -> Verdict) {
        let output = format!("To /x\n!\tabc:refs/heads/main\t{summary}\nDone\n");
        assert_eq!(verdict(&output), expected(summary.to_owned()), "{summary}");
    }

    #[test]
    fn tells_a_race_from_a_refusal() {
        check("[rejected] (fetch first)", Verdict::Overtaken);
        check("[rejected] (non-fast-forward)", Verdict::Overtaken);
        check(
            "[remote rejected] (cannot lock ref 'refs/heads/main': is at a but expected b)",
            Verdict::Overtaken,
        );
        check("[remote rejected] (failed to update ref)", Verdict::Overtaken);
        check("[remote rejected] (pre-receive hook declined)", Verdict::Refused);
        check("[remote rejected] (protected branch hook declined)", Verdict::Refused);
        check("[remote rejected] (branch is currently checked out)", Verdict::Refused);
        check("[remote failure] (remote failed to report status)", |_| Verdict::None);
        assert_eq!(verdict("fatal: no\n"), Verdict::None);
    }

    #[test]
    fn shows_what_the_hook_wrote() {
        let message = "remote: no    \nremote:\nremote:   really\nerror: failed to push";
        assert_eq!(with_remote_lines("[remote rejected] (x)", message), "[remote rejected] (x)\nno\nreally");
    }
}
