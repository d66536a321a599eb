//! What can be wrong with a Flux release or with what is asked of it.

/// Why there are no objects to install.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FluxError {
    /// An option that Flux cannot work with.
    #[error("{option} = {value:?}: {reason}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What was written.
        value: String,
        /// The rule that it breaks.
        reason: &'static str,
    },
    /// A component that the release does not ship.
    #[error("Flux {version} has no component {component:?}; it has {available}")]
    Component {
        /// What was asked for.
        component: String,
        /// The release.
        version: String,
        /// What it ships, ready to show.
        available: String,
    },
    /// Files that hold no Flux release.
    #[error("{0}")]
    NoRelease(String),
    /// Files of another release than the one that was asked for.
    #[error("the manifests are of Flux {found}, not of {wanted}")]
    OtherVersion {
        /// What they say they are.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A file that is no YAML, or whose objects have no name.
    #[error("{file}: {reason}")]
    File {
        /// The file's name.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// An object that is not as every release has it.
    #[error("{object} cannot take {what}: the release has it in another form")]
    Form {
        /// The object.
        object: String,
        /// What should be set in it.
        what: &'static str,
    },
}

impl FluxError {
    /// Says what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Option { .. } => "write a value that Flux's own `flux install` takes",
            Self::Component { .. } => "take the component out, or choose a version that has it",
            Self::NoRelease(_) => {
                "a Flux release is the asset manifests.tar.gz, its files in a folder, or the artifact flux-manifests"
            }
            Self::OtherVersion { .. } => "correct `version`, or the address of the source",
            Self::File { .. } => "check that the source is an unchanged release of Flux",
            Self::Form { .. } => "take an official release, and change its objects with `patch` blocks",
        }
    }
}
