//! Why a SOPS file cannot be used. Nothing here holds a key or a decrypted value.

/// A SOPS file that cannot be decrypted, or must not be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SopsError {
    /// Its `sops` part cannot be read.
    #[error("{file}: its `sops` part cannot be read: {why}")]
    Metadata {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// There is no key at all.
    #[error("{file} is encrypted for {recipients}, and there is no age key; looked at {looked}")]
    NoKey {
        /// The file.
        file: String,
        /// Whom it is encrypted for.
        recipients: String,
        /// Where keys were looked for.
        looked: String,
    },
    /// There are keys, but not the right one.
    #[error("{file} is encrypted for {recipients}; the keys at hand are those of {present}")]
    WrongKey {
        /// The file.
        file: String,
        /// Whom it is encrypted for.
        recipients: String,
        /// Whose keys there are.
        present: String,
    },
    /// What should be a key is none.
    #[error("{place} holds no age key: {why}")]
    BadKey {
        /// Where the key was looked for.
        place: String,
        /// What is wrong, without what it holds.
        why: String,
    },
    /// A value is not what was encrypted there.
    #[error("{file}:{line}:{column}: `{path}` {why}")]
    Value {
        /// The file.
        file: String,
        /// The line, from one.
        line: u32,
        /// The column in bytes, from one.
        column: u32,
        /// The way to the value.
        path: String,
        /// What is wrong, without the value.
        why: &'static str,
    },
    /// The values are not those that were encrypted together.
    #[error(
        "{file}: its values are not those that were encrypted: the message authentication code does not match"
    )]
    Mac {
        /// The file.
        file: String,
    },
    /// The `sops` command is needed and not there.
    #[error("{file} is encrypted for {recipients}, which takes the `sops` command, and it is not on PATH")]
    CommandMissing {
        /// The file.
        file: String,
        /// Whom it is encrypted for.
        recipients: String,
    },
    /// The `sops` command failed.
    #[error("{file}: `sops` does not decrypt it: {message}")]
    Command {
        /// The file.
        file: String,
        /// What it says.
        message: String,
    },
}

impl SopsError {
    /// Says what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoKey { .. } | Self::WrongKey { .. } => {
                "give the key of one of them: `sops { age_key = … }` in the provider block, SOPS_AGE_KEY, or SOPS_AGE_KEY_FILE; \
                 or let somebody who has one run `sops updatekeys`"
            }
            Self::BadKey { .. } => "an age key is a line that starts with AGE-SECRET-KEY-1",
            Self::Metadata { .. } | Self::Value { .. } | Self::Mac { .. } => {
                "take the file from its repository again, or from somebody who can decrypt it; SOPS files are changed with `sops edit`"
            }
            Self::CommandMissing { .. } => {
                "install sops (getsops.io), or encrypt the file for an age key too"
            }
            Self::Command { .. } => "run `sops decrypt` on the file with the same environment",
        }
    }
}
