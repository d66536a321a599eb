//! Why a chart cannot be rendered: Helm's words, and the place for people.

use std::fmt;

use super::Undecided;

/// A place in a template, or in what a template printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The template's path with the chart's full path before it.
    pub template: String,
    /// The line, from one.
    pub line: u32,
    /// The column in bytes, from one; zero if only the line is known.
    pub column: u32,
}

/// A refusal. It displays as Helm's message, without `Error: `.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderError {
    message: String,
    location: Option<Location>,
    excerpt: Option<String>,
    is_rendering: bool,
    undecided: Vec<Undecided>,
}

impl RenderError {
    /// Makes an error from before rendering began.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        RenderError {
            message: message.into(),
            location: None,
            excerpt: None,
            is_rendering: false,
            undecided: Vec::new(),
        }
    }

    /// Makes an error of rendering, to which Helm adds a hint.
    pub(crate) fn rendering(message: impl Into<String>) -> Self {
        RenderError { is_rendering: true, ..RenderError::plain(message) }
    }

    /// Adds the place and the line of `source` that it names.
    pub(crate) fn at(mut self, location: Option<Location>, source: &[u8]) -> Self {
        self.excerpt = location.as_ref().and_then(|location| excerpt(location, source));
        self.location = location;
        self
    }

    /// Adds the place, and the way to it as it was told already.
    pub(crate) fn within(self, location: Option<Location>, excerpt: String) -> Self {
        RenderError { location, excerpt: Some(excerpt), ..self }
    }

    /// Adds the conditions on unknown values that were met before.
    pub(crate) fn after(self, undecided: Vec<Undecided>) -> Self {
        RenderError { undecided, ..self }
    }

    /// Returns the conditions on values that are not known yet which were met before the failure.
    pub fn undecided(&self) -> &[Undecided] {
        &self.undecided
    }

    /// Says whether the chart itself refuses, by `fail` or `required`.
    pub fn is_refusal(&self) -> bool {
        self.is_rendering && self.message.starts_with("execution error at (")
    }

    /// Returns Helm's message, without `Error: `.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the place that failed, where it is known.
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Returns the lines that failed, each with its number and a caret below it, the innermost first.
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
    }

    /// Returns what `helm template` writes to its standard error.
    pub fn to_helm_text(&self) -> String {
        let hint = if self.is_rendering { "\n\nUse --debug flag to render out invalid YAML" } else { "" };
        format!("Error: {}{hint}\n", self.message)
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RenderError {}

/// The longest part of a line that an excerpt shows, in characters.
const MAX_EXCERPT: usize = 160;

fn excerpt(location: &Location, source: &[u8]) -> Option<String> {
    let line = source.split(|byte| *byte == b'\n').nth(location.line.checked_sub(1)? as usize)?;
    let column = (location.column as usize).saturating_sub(1).min(line.len());
    let before = String::from_utf8_lossy(&line[..column]).replace('\t', " ");
    let text = String::from_utf8_lossy(line).replace('\t', " ");
    let width = before.chars().count();
    let skipped = width.saturating_sub(MAX_EXCERPT / 2);
    let shown: String = text.chars().skip(skipped).take(MAX_EXCERPT).collect();
    let number = location.line.to_string();
    let margin = " ".repeat(number.len());
    let mut excerpt = format!("{number} | {}", shown.trim_end());
    if location.column > 0 {
        excerpt.push_str(&format!("\n{margin} | {}^", " ".repeat(width - skipped)));
    }
    Some(excerpt)
}
