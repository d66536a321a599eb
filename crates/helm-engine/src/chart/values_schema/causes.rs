//! The tree of causes as `santhosh-tekuri/jsonschema` builds it. Its sibling crate leaves out the node of `allOf`,
//! `anyOf`, `oneOf` and `contains` where that node has a single cause; the way from one schema to the next, which every
//! error tells, says where such a node belongs.

use boon::{ErrorKind, InstanceToken, ValidationError};

use super::formats::complaint;
use super::message::{describe, quote, with_fragment};
use super::patterns::Patterns;

/// Where a validation stands: the schema, and the pointer to the instance.
#[derive(Clone)]
struct Place<'e> {
    schema: &'e str,
    instance: String,
    /// Whether the node of the next `allOf`, `anyOf`, `oneOf` or `contains` is there.
    has_node: bool,
}

/// Returns an error and its causes, a line each, as Go prints them.
pub(super) fn lines(error: &ValidationError<'_, '_>, patterns: &Patterns) -> String {
    let mut printer = Printer { text: String::new(), patterns };
    let root = Place { schema: error.schema_url, instance: String::new(), has_node: false };
    printer.push(error, &root, 0);
    printer.text
}

struct Printer<'p> {
    text: String,
    patterns: &'p Patterns,
}

impl Printer<'_> {
    fn push(&mut self, error: &ValidationError<'_, '_>, place: &Place<'_>, indent: usize) {
        let mut causes: Vec<_> = error.causes.iter().filter(|cause| self.is_told(cause)).collect();
        // What is left unevaluated comes in the order of a hash table, and last.
        causes.sort_by_cached_key(|cause| {
            let is_left = cause.schema_url.contains("/unevaluated");
            is_left.then(|| tokens(cause).map(|token| format!("{token:0>8}")).collect::<Vec<_>>())
        });
        if let (ErrorKind::Group, [only]) = (&error.kind, &causes[..]) {
            return self.push(only, place, indent);
        }
        let (instance, inner) = self.push_nodes(error, place, indent);
        let is_transparent = causes.len() == 1 && matches!(error.kind, ErrorKind::Reference { .. });
        let inner = inner + usize::from(!is_transparent);
        match &error.kind {
            _ if is_transparent => {}
            ErrorKind::Schema { url } => {
                let shown = quote(&with_fragment(url));
                self.push_line(inner - 1, &format!("jsonschema validation failed with {shown}"));
            }
            kind => {
                let line = format!("at {}: {}", quote(&instance), describe(kind, self.patterns));
                self.push_line(inner - 1, &line);
            }
        }
        let next = next_place(error, instance);
        for cause in causes {
            self.push(cause, &next, inner);
        }
    }

    /// Prints the nodes that are missing between a place and an error below it; returns the error's instance.
    fn push_nodes(
        &mut self,
        error: &ValidationError<'_, '_>,
        place: &Place<'_>,
        indent: usize,
    ) -> (String, usize) {
        let mut instance = place.instance.clone();
        let mut inner = indent;
        let mut has_node = place.has_node;
        let mut deeper = tokens(error).skip(instance.matches('/').count());
        for step in steps(below(error.schema_url, place.schema).unwrap_or_default()) {
            if let Some(failed) = step.node
                && !std::mem::take(&mut has_node)
            {
                self.push_line(inner, &format!("at {}: {failed}", quote(&instance)));
                inner += 1;
            }
            if step.is_deeper {
                let name = step.name.unwrap_or_default();
                instance.push('/');
                instance.push_str(&deeper.next().unwrap_or_else(|| percent_decoded(name)));
            }
        }
        let own: String = tokens(error).map(|token| format!("/{token}")).collect();
        (if own.is_empty() { instance } else { own }, inner)
    }

    fn push_line(&mut self, indent: usize, line: &str) {
        if indent > 0 {
            self.text.push('\n');
            self.text.push_str(&"  ".repeat(indent - 1));
            self.text.push_str("- ");
        }
        self.text.push_str(line);
    }

    /// Says whether Go tells this at all: it accepts some formats that the sibling crate refuses.
    fn is_told(&self, error: &ValidationError<'_, '_>) -> bool {
        match &error.kind {
            ErrorKind::Format { got, want, .. } => {
                got.as_str().is_none_or(|text| complaint(want, self.patterns.as_written(text)).is_some())
            }
            _ => error.causes.is_empty() || error.causes.iter().any(|cause| self.is_told(cause)),
        }
    }
}

fn tokens(error: &ValidationError<'_, '_>) -> impl Iterator<Item = String> {
    error.instance_location.tokens.iter().map(|token| match token {
        InstanceToken::Prop(name) => name.replace('~', "~0").replace('/', "~1"),
        InstanceToken::Item(index) => index.to_string(),
    })
}

/// Returns where the causes of an error begin.
fn next_place<'e>(error: &'e ValidationError<'_, '_>, instance: String) -> Place<'e> {
    let own = Place { schema: error.schema_url, instance, has_node: false };
    match &error.kind {
        ErrorKind::Schema { url } => Place { schema: url, instance: String::new(), ..own },
        ErrorKind::Reference { url, .. } => Place { schema: url, ..own },
        // The name is an instance of its own.
        ErrorKind::PropertyName { .. } | ErrorKind::ContentSchema => Place { instance: String::new(), ..own },
        ErrorKind::AllOf
        | ErrorKind::AnyOf
        | ErrorKind::OneOf(_)
        | ErrorKind::Contains
        | ErrorKind::MinContains { .. } => Place { has_node: true, ..own },
        _ => own,
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        match behind.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => return text.to_owned(),
        }
        rest = &behind[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A step from a schema to one inside it.
#[derive(Default)]
struct Step<'u> {
    /// What the node of the keyword says, if it has one.
    node: Option<&'static str>,
    /// Whether the instance of the inner schema is inside that of the outer one.
    is_deeper: bool,
    /// The name behind the keyword.
    name: Option<&'u str>,
}

/// Returns the part of a schema's location behind that of another in the same document.
fn below<'e>(url: &'e str, above: &str) -> Option<&'e str> {
    let (document, pointer) = url.split_once('#').unwrap_or((url, ""));
    let (above_document, above_pointer) = above.split_once('#').unwrap_or((above, ""));
    let rest = pointer.strip_prefix(above_pointer).filter(|_| document == above_document)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn steps(pointer: &str) -> Vec<Step<'_>> {
    let mut tokens = pointer.split('/').skip(1).peekable();
    let mut steps = Vec::new();
    while let Some(keyword) = tokens.next() {
        let node = match keyword {
            "allOf" => Some("'allOf' failed"),
            "anyOf" => Some("'anyOf' failed"),
            "oneOf" => Some("'oneOf' failed, none matched"),
            "contains" => Some("no items match contains schema"),
            _ => None,
        };
        let is_index = |token: &&str| token.bytes().all(|byte| byte.is_ascii_digit());
        let has_name = match keyword {
            "allOf" | "anyOf" | "oneOf" | "properties" | "patternProperties" | "prefixItems" => true,
            "dependentSchemas" | "dependencies" => true,
            "items" => tokens.peek().is_some_and(is_index),
            _ => false,
        };
        let is_deeper = matches!(
            keyword,
            "properties"
                | "patternProperties"
                | "prefixItems"
                | "items"
                | "contains"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "additionalItems"
                | "unevaluatedItems"
        );
        let name = if has_name { tokens.next() } else { None };
        steps.push(Step { node, is_deeper, name });
    }
    steps
}
