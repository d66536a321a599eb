//! What comes in from outside: work trees, chart folders and archives, git repositories.
//!
//! This room reads and checks; it knows neither Terraform nor Kubernetes and writes nothing but its own cache. All that it reads is
//! hostile until proven bounded and inside its tree.

mod archive;
pub mod chart;
pub mod charts;
mod directory;
mod error;
pub mod file;
pub mod git;
mod path;
pub mod repositories;
mod secret;
pub mod sops;
mod tree;

pub use directory::{ChartBytes, read_chart, read_chart_now};
pub use error::SourceError;
pub use path::RelativePath;
pub use secret::Secret;
pub use tree::{Tree, WorkTree};
