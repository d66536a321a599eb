//! Sorts what git says about a failed conversation with a remote into the answers a caller must tell apart.
//!
//! Git has no machine-readable causes, so its messages (in the C locale) are matched; an unknown one stays a plain failure
//! and is never taken for "not there".

use super::super::SourceError;
use super::remote::{Credentials, Remote};

/// Turns git's message about `remote` into an error.
pub(crate) fn classify(remote: &Remote, action: &str, message: &str) -> SourceError {
    let message = without_secrets(remote, message);
    let url = remote.url().to_owned();
    let says = |parts: &[&str]| {
        let lower = message.to_ascii_lowercase();
        parts.iter().any(|part| lower.contains(part))
    };
    if says(UNTRUSTED) {
        return SourceError::Untrusted { url, message };
    }
    if says(FORBIDDEN) {
        return SourceError::Forbidden { url, message };
    }
    if says(NO_REPOSITORY) {
        return SourceError::NoRepository { url, message };
    }
    if says(UNREACHABLE) {
        return SourceError::Unreachable { url, message };
    }
    SourceError::Git { action: action.to_owned(), message }
}

const UNTRUSTED: &[&str] = &[
    "host key verification failed",
    "remote host identification has changed",
    "certificate verif",
    "ssl certificate problem",
    "certificate subject name",
    "no alternative certificate subject name",
];

const FORBIDDEN: &[&str] = &[
    "authentication failed",
    "could not read username",
    "could not read password",
    "permission denied (",
    "returned error: 401",
    "returned error: 403",
    "access denied",
];

const NO_REPOSITORY: &[&str] = &[
    "does not appear to be a git repository",
    "repository not found",
    "returned error: 404",
    "' not found",
    "no such file or directory",
    "not a git repository",
];

const UNREACHABLE: &[&str] = &[
    "could not resolve",
    "couldn't resolve",
    "failed to connect",
    "couldn't connect",
    "connection refused",
    "connection reset",
    "connection timed out",
    "connection closed",
    "operation timed out",
    "operation too slow",
    "network is unreachable",
    "no route to host",
    "empty reply",
    "unable to access",
    "returned error: 5",
    "returned error: 429",
    "early eof",
    "hung up unexpectedly",
    "unexpected disconnect",
    "expected flush after",
    "rpc failed",
    "kex_exchange_identification",
    "broken pipe",
    "gnutls",
    "ssl_error",
    "invalid index-pack output",
];

/// Takes out what a remote may have echoed of the credentials.
fn without_secrets(remote: &Remote, message: &str) -> String {
    match remote.credentials() {
        Credentials::Basic { password, .. } => message.replace(password.reveal(), "(secret)"),
        Credentials::None | Credentials::SshKey { .. } => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Secret;
    use super::*;

    fn check(message: &str, expected: &str) {
        let credentials = Credentials::Basic { username: "u".into(), password: Secret::new("hunter2") };
        let remote = Remote::new("https://h/x", credentials, None).unwrap();
        let error = classify(&remote, "fetching", message);
        let kind = format!("{error:?}");
        assert!(kind.starts_with(expected), "{message}: {kind}");
        assert!(!kind.contains("hunter2"));
    }

    #[test]
    fn sorts_the_messages_of_git_curl_and_ssh() {
        check("fatal: unable to access 'https://h/x/': Could not resolve host: h", "Unreachable");
        check("ssh: connect to host h port 22: Connection refused", "Unreachable");
        check("error: RPC failed; curl 56 Recv failure: Connection reset by peer", "Unreachable");
        check("fatal: the remote end hung up unexpectedly", "Unreachable");
        check("The requested URL returned error: 503", "Unreachable");
        check("fatal: Authentication failed for 'https://h/x/'", "Forbidden");
        check("fatal: could not read Username for 'https://h': terminal prompts disabled", "Forbidden");
        check("fatal: unable to access 'https://h/x/': The requested URL returned error: 403", "Forbidden");
        check("git@h: Permission denied (publickey).\nfatal: Could not read from remote", "Forbidden");
        check("Host key verification failed.", "Untrusted");
        check("fatal: unable to access 'https://h/': SSL certificate problem: unable to get", "Untrusted");
        check("fatal: '/x' does not appear to be a git repository", "NoRepository");
        check("fatal: repository 'https://h/x/' not found", "NoRepository");
        check("fatal: something about hunter2", "Git");
    }
}
