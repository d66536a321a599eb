//! What can keep manifests from their place.

use super::Owner;
use crate::source::SourceError;

/// A delivery that did not happen, or that cannot be confirmed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The place could not be reached or read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A file is not as it was when it was last read.
    #[error("`{path}` in {place} changed since it was last read")]
    Changed {
        /// The file.
        path: String,
        /// Where it is.
        place: String,
    },
    /// A file of somebody else is where a new one should go.
    #[error("`{path}` in {place} exists already and belongs to {}", describe(owner.as_deref()))]
    Foreign {
        /// The file.
        path: String,
        /// Where it is.
        place: String,
        /// Its owner, where it names one.
        owner: Option<Box<Owner>>,
    },
    /// Something that is not a file is where a file or its folder should go.
    #[error("`{path}` in {place} cannot be written: `{obstacle}` is {kind}")]
    Blocked {
        /// The file.
        path: String,
        /// Where it should go.
        place: String,
        /// What is in its way.
        obstacle: String,
        /// What that is, with an article.
        kind: &'static str,
    },
    /// Two owners want the same file.
    #[error("{second} and {first} both write `{path}` in {place}")]
    Claimed {
        /// The file.
        path: String,
        /// Where it is.
        place: String,
        /// Who asked first.
        first: Box<Owner>,
        /// Who asked now.
        second: Box<Owner>,
    },
    /// Two objects of one release would go to one file.
    #[error("two objects of one release would both be the file `{name}`")]
    Ambiguous {
        /// The file.
        name: String,
    },
    /// The place refuses the change by a rule of its own.
    #[error("{place} refused the change: {message}")]
    Refused {
        /// The repository and branch.
        place: String,
        /// What the remote says.
        message: String,
    },
    /// Others kept writing until the time was over.
    #[error(
        "{place} kept changing: {attempts} attempts were overtaken by other writers; last answer: {message}"
    )]
    Contended {
        /// The repository and branch.
        place: String,
        /// How many pushes were tried.
        attempts: usize,
        /// What the remote said last.
        message: String,
    },
    /// The time was over before the place confirmed.
    #[error("delivery to {place} was not confirmed within {seconds} s")]
    Unconfirmed {
        /// The repository and branch.
        place: String,
        /// The limit.
        seconds: u64,
    },
}

impl DeliveryError {
    /// Says what to do next, where that is known.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Source(error) => error.hint(),
            Self::Changed { .. } => Some("plan again to see what changed there, then apply"),
            Self::Foreign { owner: None, .. } => {
                Some("choose another path, import the release, or allow adoption to take the file over")
            }
            Self::Foreign { owner: Some(_), .. } => Some(
                "choose another path, or remove the other release first; allow adoption to take the file over",
            ),
            Self::Blocked { .. } => Some("choose another path, or remove what is in the way"),
            Self::Claimed { .. } => Some("give each release a path of its own"),
            Self::Ambiguous { .. } => Some("the chart renders the same object twice; remove one of them"),
            Self::Refused { .. } => Some("check branch protection, hooks and the rights of the credentials"),
            Self::Contended { .. } => {
                Some("raise timeouts, or let fewer pipelines write to this branch at once")
            }
            Self::Unconfirmed { .. } => Some("the change may still have arrived: plan again to see"),
        }
    }
}

fn describe(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| "nobody that strata knows".to_owned(), Owner::to_string)
}
