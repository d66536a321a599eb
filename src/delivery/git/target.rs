//! Which branch of which repository, written as whom.

use std::fmt;

use crate::source::SourceError;
use crate::source::git::{Reference, Remote};

/// A branch that deliveries go to.
#[derive(Clone, Debug)]
pub struct Target {
    remote: Remote,
    branch: String,
    author: Author,
}

/// Who commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name in the log.
    pub name: String,
    /// The mail address in the log.
    pub email: String,
}

impl Default for Author {
    fn default() -> Self {
        Self { name: "strata".to_owned(), email: "strata@localhost".to_owned() }
    }
}

/// What makes two targets the same branch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    url: String,
    branch: String,
}

impl Target {
    /// Checks the branch's name; whether it exists shows when it is read.
    ///
    /// # Errors
    /// The name breaks git's rules, or the author's name or address would break a commit's header.
    pub fn new(remote: Remote, branch: &str, author: Author) -> Result<Self, SourceError> {
        Reference::Branch(branch.to_owned()).check(remote.url())?;
        let broken = |text: &str| text.trim().is_empty() || text.contains(['<', '>', '\n', '\0']);
        if broken(&author.name) || broken(&author.email) {
            let reason =
                "the author's name and email cannot be empty or contain `<`, `>` or line breaks".to_owned();
            return Err(SourceError::Credentials { url: remote.url().to_owned(), reason });
        }
        Ok(Self { remote, branch: branch.to_owned(), author })
    }

    /// Gives the repository.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Gives the branch.
    pub fn branch(&self) -> &str {
        &self.branch
    }

    pub(super) fn author(&self) -> &Author {
        &self.author
    }

    pub(super) fn reference(&self) -> Reference {
        Reference::Branch(self.branch.clone())
    }

    pub(super) fn key(&self) -> Key {
        Key { url: self.remote.url().to_owned(), branch: self.branch.clone() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "branch `{}` of `{}`", self.branch, self.remote)
    }
}
