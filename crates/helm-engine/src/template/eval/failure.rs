//! What a failed evaluation says: Go's text with its location, and how Helm 3 and Helm 4 show it.

use super::Frame;
use crate::context::Mode;
use crate::error::{CallError, Place, TemplateError};
use crate::template::ast::Source;
use crate::template::unicode::quote;

/// What marks the beginning of a message of `required` and `fail`, as Helm marks it.
pub(crate) const WARNING_START: &str = "HELM_ERR_START";
/// What marks its end.
pub(crate) const WARNING_END: &str = "HELM_ERR_END";

/// An error in the making. Boxed, since results of evaluation are everywhere.
///
/// In Go every level of a chain of errors holds the text of all levels below it; here a level is only what it adds, so
/// that a thousand nested includes stay linear.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What each level puts before the text of the next one, the innermost first.
    heads: Vec<String>,
    /// The text of the innermost error.
    text: String,
    reason: String,
    /// The innermost first.
    places: Vec<Place>,
}

/// The result of evaluating anything.
pub(crate) type Run<T> = Result<T, Box<Failure>>;

impl Failure {
    /// Makes a failure of a text without a place.
    pub(crate) fn plain(text: impl Into<String>) -> Box<Failure> {
        let text = text.into();
        Box::new(Failure { reason: text.clone(), heads: Vec::new(), text, places: Vec::new() })
    }

    /// Makes a failure at the node of that number.
    pub(crate) fn at(frame: &Frame<'_>, node: u32, message: &str) -> Box<Failure> {
        let (place, head) = locate(frame, node);
        let text = format!("{head}{message}");
        Box::new(Failure { heads: Vec::new(), text, reason: message.to_string(), places: vec![place] })
    }

    /// Makes the failure of a call that failed because of `cause`.
    pub(crate) fn calling(frame: &Frame<'_>, node: u32, name: &str, mut cause: Box<Failure>) -> Box<Failure> {
        let (place, head) = locate(frame, node);
        cause.heads.push(format!("{head}error calling {name}: "));
        cause.places.push(place);
        cause
    }

    /// Makes the failure of a call from what the function said.
    pub(crate) fn of_call(frame: &Frame<'_>, node: u32, name: &str, error: &CallError) -> Box<Failure> {
        let mut cause = Failure::plain(error.message.clone());
        let plain = cause.reason.strip_prefix(WARNING_START).and_then(|text| text.strip_suffix(WARNING_END));
        cause.reason =
            plain.map_or_else(|| format!("error calling {name}: {}", cause.reason), str::to_string);
        Failure::calling(frame, node, name, cause)
    }

    /// Puts a message before the text, as Go's `%w` does.
    pub(crate) fn wrapped(mut self: Box<Failure>, message: &str) -> Box<Failure> {
        self.heads.push(format!("{message}: "));
        self
    }

    /// Returns the error as that Helm shows it.
    pub(crate) fn finish(mut self, mode: Mode) -> TemplateError {
        let mut text = String::new();
        let mut starts = vec![0];
        for head in self.heads.iter().rev() {
            text.push_str(head);
            starts.push(text.len());
        }
        text.push_str(&self.text);
        self.places.reverse();
        TemplateError { message: shown(&text, &starts, mode), reason: self.reason, places: self.places }
    }
}

/// Returns the place of a node.
pub(super) fn place_of(frame: &Frame<'_>, node: u32) -> Place {
    locate(frame, node).0
}

/// Returns the place of a node and what Go writes before the message.
fn locate(frame: &Frame<'_>, node: u32) -> (Place, String) {
    let tree = frame.tree;
    let template = String::from_utf8_lossy(&tree.name).into_owned();
    let Some(found) = tree.find(node) else {
        let head = format!("template: {template}: ");
        return (place_in(&tree.file.source, template, 0, String::new()), head);
    };
    let written = found.written(&tree.file);
    let place = place_in(&tree.file.source, template, found.offset(), written);
    let name = quote(&tree.name);
    let Place { file, line, expression, .. } = &place;
    let column = place.column.saturating_sub(1);
    let head = format!("template: {file}:{line}:{column}: executing {name} at <{expression}>: ");
    (place, head)
}

fn place_in(source: &Source, template: String, offset: usize, expression: String) -> Place {
    let before = &source.text[..offset];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let column = offset - line_start + 1;
    Place {
        file: source.name.to_string(),
        template,
        line,
        column,
        excerpt: line_at(source, line_start),
        expression,
    }
}

fn line_at(source: &Source, start: usize) -> String {
    let rest = &source.text[start..];
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    String::from_utf8_lossy(line).trim_end_matches('\r').to_string()
}

/// Returns how Helm shows that a file could not be parsed.
pub(crate) fn parse_failure(source: &Source, text: &str) -> TemplateError {
    let tokens: Vec<&str> = text.split(": ").collect();
    let reason = tokens.last().copied().unwrap_or_default().to_string();
    let location = tokens.get(1).copied().unwrap_or_default();
    let message = format!("parse error at ({location}): {reason}");
    let line = location.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(1);
    let excerpt = source.text.split(|byte| *byte == b'\n').nth(line - 1).unwrap_or_default();
    let place = Place {
        file: source.name.to_string(),
        template: String::new(),
        line,
        column: 0,
        excerpt: String::from_utf8_lossy(excerpt).trim_end_matches('\r').to_string(),
        expression: String::new(),
    };
    TemplateError { message, reason, places: vec![place] }
}

/// Follows Helm's `cleanupExecError` (3) and `reformatExecErrorMsg` (4), which work on the text. `starts` are where the
/// texts of the chain's levels begin.
fn shown(text: &str, starts: &[usize], mode: Mode) -> String {
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
        return text.to_string();
    };
    let warning = rest.find(WARNING_START).and_then(|start| {
        let from = start + WARNING_START.len();
        rest.rfind(WARNING_END).filter(|end| *end >= from).map(|end| &rest[from..end])
    });
    if let Some(warning) = warning {
        return format!("execution error at ({location}): {warning}");
    }
    match mode {
        Mode::Helm3 => text.to_string(),
        Mode::Helm4 => blocks(text, starts).unwrap_or_else(|| text.to_string()),
    }
}

#[derive(PartialEq)]
struct Block {
    location: String,
    executing: String,
    message: String,
}

fn blocks(text: &str, starts: &[usize]) -> Option<String> {
    let mut blocks: Vec<Block> = Vec::new();
    for start in starts {
        let block = block(&text[*start..])?;
        if blocks.last() != Some(&block) {
            blocks.push(block);
        }
    }
    let mut out = String::new();
    for Block { location, executing, message } in &blocks {
        let lines = [(location, "\n  "), (executing, "\n    "), (message, "\n")];
        for (line, end) in lines.into_iter().filter(|(line, _)| !line.is_empty()) {
            out.push_str(line);
            out.push_str(end);
        }
    }
    Some(out.trim().to_string())
}

fn block(text: &str) -> Option<Block> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(Block { location: String::new(), executing: String::new(), message: text.to_string() });
    }
    let without_next = |message: &str| message.split(" template:").next().unwrap_or_default().to_string();
    if let Some((location, after)) = rest.split_once(": executing ") {
        let block = after.strip_prefix('"').and_then(|after| {
            let (name, after) = after.split_once('"')?;
            let (at, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
            Some(Block {
                location: location.to_string(),
                executing: format!("executing \"{name}\" at <{at}>:"),
                message: without_next(message),
            })
        });
        if block.is_some() {
            return block;
        }
    }
    let (location, message) = rest.rsplit_once(": ")?;
    Some(Block { location: location.to_string(), executing: String::new(), message: without_next(message) })
}
