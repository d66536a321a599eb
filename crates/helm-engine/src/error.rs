//! Errors of functions and templates, in Helm's words.

use thiserror::Error;

/// Why a function call failed: the text behind `error calling NAME: `.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct CallError {
    /// Go's message, without the function's name.
    pub message: String,
}

impl CallError {
    /// Makes an error of a message.
    pub fn new(message: impl Into<String>) -> Self {
        CallError { message: message.into() }
    }
}
