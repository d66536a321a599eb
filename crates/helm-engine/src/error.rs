//! Errors of functions and templates, in Helm's words.

use std::fmt;

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

/// Why a template could not be parsed or run: Helm's text, and the places for a display of our own.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct TemplateError {
    /// The text as Helm prints it behind `Error: `.
    pub message: String,
    /// What went wrong, without any place.
    pub reason: String,
    /// Where: the action that was running in each template, the outermost first.
    pub places: Vec<Place>,
}

/// A place in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file that the template was parsed from.
    pub file: String,
    /// The template that was running: the file itself, or a name given by `define`.
    pub template: String,
    /// The line, from one.
    pub line: usize,
    /// The column in bytes, from one; zero where only the line is known.
    pub column: usize,
    /// The source line.
    pub excerpt: String,
    /// The expression that failed, as Go writes it back.
    pub expression: String,
}

impl TemplateError {
    /// Returns the reason, then each place with its line and a caret, the innermost first.
    pub fn display(&self) -> String {
        let mut out = self.reason.clone();
        for (at, place) in self.places.iter().rev().enumerate() {
            out.push_str(if at == 0 { "\n  at " } else { "\n  called from " });
            out.push_str(&place.to_string());
        }
        out
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, template, line, column, excerpt, .. } = self;
        write!(f, "{file}:{line}")?;
        if *column > 0 {
            write!(f, ":{column}")?;
        }
        if template != file && !template.is_empty() {
            write!(f, " in {template}")?;
        }
        write!(f, "\n{line:>6} | {excerpt}")?;
        if *column > 0 {
            let before: String = excerpt
                .char_indices()
                .take_while(|(at, _)| *at + 1 < *column)
                .map(|(_, c)| blank(c))
                .collect();
            write!(f, "\n       | {before}^")?;
        }
        Ok(())
    }
}

fn blank(rune: char) -> char {
    if rune == '\t' { rune } else { ' ' }
}
