//! Why YAML could not be read: Go's text, and the place for people.

use thiserror::Error;

/// Why a text could not be read.
#[derive(Clone, Debug, Default, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct ReadError {
    /// Go's message, with the prefixes that the Go package puts before it.
    pub message: String,
    /// The line, from one; zero if the place is unknown. Go's message may count differently.
    pub line: u32,
    /// The column in bytes, from one; zero if the place is unknown.
    pub column: u32,
}

impl ReadError {
    /// Makes an error without a place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        ReadError { message: message.into(), line: 0, column: 0 }
    }

    /// Puts a text before the message.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        self.message.insert_str(0, prefix);
        self
    }
}
