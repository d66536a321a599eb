//! The tree of causes as `santhosh-tekuri/jsonschema` builds it. Its sibling crate leaves out the node of `allOf`,
//! `anyOf`, `oneOf` and `contains` where that node has a single cause; the way from one schema to the next, which every
//! error tells, says where such a node belongs.

use boon::{ErrorKind, ValidationError};

use super::message::{describe, pointer, quote, with_fragment};
use super::patterns::Patterns;

/// Where a validation stands: the schema, and how many tokens deep the instance is.
#[derive(Clone, Copy)]
struct Place<'e> {
    schema: &'e str,
    instance: usize,
    /// Whether the node of the next `allOf`, `anyOf`, `oneOf` or `contains` is there.
    has_node: bool,
}

/// Returns an error and its causes, a line each, as Go prints them.
pub(super) fn lines(error: &ValidationError<'_, '_>, patterns: &Patterns) -> String {
    let mut text = String::new();
    let root = Place { schema: error.schema_url, instance: 0, has_node: false };
    push(&mut text, error, root, 0, patterns);
    text
}

fn push(
    text: &mut String,
    error: &ValidationError<'_, '_>,
    place: Place<'_>,
    indent: usize,
    patterns: &Patterns,
) {
    let mut inner = indent;
    let mut instance = place.instance;
    let mut has_node = place.has_node;
    for step in steps(below(error.schema_url, place.schema).unwrap_or_default()) {
        match step {
            Step::Into(tokens) => instance += tokens,
            Step::Node { failed, tokens } => {
                if !std::mem::take(&mut has_node) {
                    push_line(text, inner, &format!("at {}: {failed}", quote(&pointer(error, instance))));
                    inner += 1;
                }
                instance += tokens;
            }
        }
    }
    let is_transparent = error.causes.len() == 1 && matches!(error.kind, ErrorKind::Reference { .. });
    if !is_transparent {
        let line = match &error.kind {
            ErrorKind::Schema { url } => {
                format!("jsonschema validation failed with {}", quote(&with_fragment(url)))
            }
            kind => format!("at {}: {}", quote(&pointer(error, usize::MAX)), describe(kind, patterns)),
        };
        push_line(text, inner, &line);
        inner += 1;
    }
    let next = next_place(error);
    for cause in &error.causes {
        push(text, cause, next, inner, patterns);
    }
}

/// Returns where the causes of an error begin.
fn next_place<'e>(error: &'e ValidationError<'_, '_>) -> Place<'e> {
    let own =
        Place { schema: error.schema_url, instance: error.instance_location.tokens.len(), has_node: false };
    match &error.kind {
        ErrorKind::Schema { url } => Place { schema: url, instance: 0, ..own },
        ErrorKind::Reference { url, .. } => Place { schema: url, ..own },
        // The name is an instance of its own.
        ErrorKind::PropertyName { .. } | ErrorKind::ContentSchema => Place { instance: 0, ..own },
        ErrorKind::AllOf
        | ErrorKind::AnyOf
        | ErrorKind::OneOf(_)
        | ErrorKind::Contains
        | ErrorKind::MinContains { .. } => Place { has_node: true, ..own },
        _ => own,
    }
}

fn push_line(text: &mut String, indent: usize, line: &str) {
    if indent > 0 {
        text.push('\n');
        text.push_str(&"  ".repeat(indent - 1));
        text.push_str("- ");
    }
    text.push_str(line);
}

/// A step from a schema to one inside it.
enum Step {
    /// The instance goes so many tokens deeper.
    Into(usize),
    /// A keyword that has a node among the causes; what is behind it is so many tokens deeper.
    Node { failed: &'static str, tokens: usize },
}

/// Returns the part of a schema's location behind that of another in the same document.
fn below<'e>(url: &'e str, above: &str) -> Option<&'e str> {
    let (document, pointer) = url.split_once('#').unwrap_or((url, ""));
    let (above_document, above_pointer) = above.split_once('#').unwrap_or((above, ""));
    let rest = pointer.strip_prefix(above_pointer).filter(|_| document == above_document)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn steps(pointer: &str) -> Vec<Step> {
    let mut tokens = pointer.split('/').skip(1).peekable();
    let mut steps = Vec::new();
    while let Some(keyword) = tokens.next() {
        let node = |failed| Step::Node { failed, tokens: 0 };
        let (step, has_name) = match keyword {
            "allOf" => (node("'allOf' failed"), true),
            "anyOf" => (node("'anyOf' failed"), true),
            "oneOf" => (node("'oneOf' failed, none matched"), true),
            "contains" => (Step::Node { failed: "no items match contains schema", tokens: 1 }, false),
            "properties" | "patternProperties" | "prefixItems" => (Step::Into(1), true),
            "items" => {
                let is_list = tokens.peek().is_some_and(|token| token.bytes().all(|b| b.is_ascii_digit()));
                (Step::Into(1), is_list)
            }
            "additionalProperties" | "unevaluatedProperties" | "additionalItems" | "unevaluatedItems" => {
                (Step::Into(1), false)
            }
            "dependentSchemas" | "dependencies" => (Step::Into(0), true),
            _ => (Step::Into(0), false),
        };
        if has_name {
            tokens.next();
        }
        steps.push(step);
    }
    steps
}
