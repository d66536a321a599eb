//! What can go wrong while reading from outside: one enum, so that every caller can tell absent, forbidden and unreachable.

use std::path::PathBuf;
use std::sync::Arc;

/// A failed read of a source or a failed git command.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The `git` command could not be started.
    #[error("the `git` command could not be started")]
    GitMissing(#[source] Arc<std::io::Error>),
    /// The `git` command is older than what the plumbing here needs.
    #[error("git {found} is too old: 2.39 or newer is needed")]
    GitTooOld {
        /// What `git version` says.
        found: String,
    },
    /// An address of a repository that cannot be used.
    #[error("repository address `{url}`: {reason}")]
    Url {
        /// The address, without any password in it.
        url: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// Credentials that do not fit the address or are malformed.
    #[error("credentials for `{url}`: {reason}")]
    Credentials {
        /// The repository.
        url: String,
        /// What is wrong with them.
        reason: String,
    },
    /// No connection, or the connection broke.
    #[error("`{url}` is unreachable: {message}")]
    Unreachable {
        /// The repository.
        url: String,
        /// What git says.
        message: String,
    },
    /// The peer refused the credentials.
    #[error("`{url}` refused access: {message}")]
    Forbidden {
        /// The repository.
        url: String,
        /// What git says.
        message: String,
    },
    /// The peer's host key or certificate does not match.
    #[error("`{url}` could not prove who it is: {message}")]
    Untrusted {
        /// The repository.
        url: String,
        /// What git says.
        message: String,
    },
    /// There is no repository at the address.
    #[error("there is no git repository at `{url}`: {message}")]
    NoRepository {
        /// The repository.
        url: String,
        /// What git says.
        message: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("`{url}` has no {reference}{present}")]
    NoReference {
        /// The repository.
        url: String,
        /// For example ``branch `main` ``.
        reference: String,
        /// What is there instead, ready to append.
        present: String,
    },
    /// A time limit passed.
    #[error("{action} took longer than allowed ({seconds} s)")]
    Timeout {
        /// What was being done, on what.
        action: String,
        /// The limit.
        seconds: u64,
    },
    /// Any other failure of a git command.
    #[error("{action} failed: {message}")]
    Git {
        /// What was being done, on what.
        action: String,
        /// What git says.
        message: String,
    },
    /// A path that breaks the rules of [`super::RelativePath`] or leaves its tree.
    #[error("path `{path}` is refused: {reason}")]
    Path {
        /// The path, escaped.
        path: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// Nothing is at the path.
    #[error("there is no {what} `{path}` in {place}")]
    Absent {
        /// `file` or `folder`.
        what: &'static str,
        /// The path.
        path: String,
        /// The work tree or the reference of a repository.
        place: String,
    },
    /// Something is larger than its limit.
    #[error("{what} is larger than the limit of {limit}")]
    TooLarge {
        /// The file, archive or answer.
        what: String,
        /// The limit with its unit.
        limit: String,
    },
    /// An archive that is not what it should be.
    #[error("archive {archive}: {reason}")]
    Archive {
        /// Its name.
        archive: String,
        /// What is wrong.
        reason: String,
    },
    /// A peer that answers, but not with what was asked for.
    #[error("`{url}` gave no usable answer: {message}")]
    Refused {
        /// What was asked for.
        url: String,
        /// What it said instead.
        message: String,
    },
    /// A chart, version or tag that its place does not have.
    #[error("{place} has no {what}{nearest}")]
    Unknown {
        /// For example ``chart `wbe` ``.
        what: String,
        /// The repository or registry.
        place: String,
        /// What is there instead, ready to append.
        nearest: String,
    },
    /// Content that is not what its digest promises.
    #[error("{what} is not what it should be: expected {expected}, got {found}")]
    Digest {
        /// What was fetched.
        what: String,
        /// The digest that was promised.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// A chart that could not be proven to be what its publisher signed.
    #[error("{what} is not used: {reason}")]
    Unverified {
        /// The chart.
        what: String,
        /// Why it is not proven.
        reason: String,
    },
    /// Something is not in the cache, and nothing may be fetched.
    #[error("{what} is not in the cache, and the provider is offline")]
    Offline {
        /// What is missing.
        what: String,
    },
    /// A failure of the local file system.
    #[error("{action} `{}`", path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: Arc<std::io::Error>,
    },
}

impl SourceError {
    /// Wraps a failure of the local file system.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::Io { action, path: path.into(), source: Arc::new(source) }
    }

    /// Says what to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::GitMissing(_) => "install git 2.39 or newer and make sure it is on PATH",
            Self::GitTooOld { .. } => "upgrade git on the machine that runs Terraform",
            Self::Url { .. } => {
                "use https://HOST/PATH, ssh://USER@HOST/PATH, USER@HOST:PATH, file:///PATH or an absolute path"
            }
            Self::Credentials { .. } => {
                "check username, password, private_key and known_hosts of the repository block"
            }
            Self::Unreachable { .. } => {
                "check the address, the network, the proxy variables and that the server is up"
            }
            Self::Forbidden { .. } => {
                "check that the credentials are valid and may read and write this repository"
            }
            Self::Untrusted { .. } => {
                "for ssh, put the server's line from a source you trust into known_hosts; for https, set ca to its authority"
            }
            Self::NoRepository { .. } => {
                "check the address; some servers also answer so when the credentials see nothing"
            }
            Self::NoReference { .. } => "create the branch with a first commit, or correct its name",
            Self::Refused { .. } => {
                "check the address, and whether the server or a proxy before it is out of order"
            }
            Self::Unknown { .. } => "correct the name or the version",
            Self::Digest { .. } => {
                "ask who publishes it: the content was changed after its digest was published, or was spoilt on the way"
            }
            Self::Unverified { .. } => {
                "ask its publisher which key signs it and correct `verify`; without the block, the chart is used unproven"
            }
            Self::Offline { .. } => {
                "plan once with `offline = false`, or fill cache_dir from a machine that has it"
            }
            Self::Timeout { .. } => {
                "raise timeouts, or check whether the server is slow or a proxy swallows the connection"
            }
            Self::Path { .. } => "write a plain path relative to the repository's root",
            Self::Absent { .. } | Self::TooLarge { .. } | Self::Archive { .. } => return None,
            Self::Git { .. } | Self::Io { .. } => return None,
        })
    }

    /// Tells whether trying again may help: the connection failed, not the request.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}
