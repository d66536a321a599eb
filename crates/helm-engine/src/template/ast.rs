//! Parsed templates: immutable, shared between renders and threads.
//!
//! Names of functions are resolved and constants made ready when parsing; every node that an error can point at has a
//! number, so that evaluation only keeps that number and finds the node when something fails.

use std::sync::Arc;

use super::number::Number;
use super::unicode::quote;
use crate::functions::Function;
use crate::value::Text;

/// The text that templates were parsed from.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file's name, as locations show it.
    pub(crate) name: Arc<str>,
    /// The bytes.
    pub(crate) text: Arc<[u8]>,
}

/// One template: a file, or the body of a `define` or `block`.
pub(crate) struct Tree {
    /// The name under which it is called.
    pub(crate) name: Arc<[u8]>,
    /// Where it comes from.
    pub(crate) source: Arc<Source>,
    /// What it does.
    pub(crate) root: Vec<Node>,
}

/// A step of a template.
pub(crate) enum Node {
    /// Plain text: a range of the source.
    Text(u32, u32),
    /// `{{ pipeline }}`.
    Action(Pipe),
    /// `{{ if }}`.
    If(Box<Branch>),
    /// `{{ with }}`.
    With(Box<Branch>),
    /// `{{ range }}`.
    Range(Box<Branch>),
    /// `{{ template }}` and the call of a `{{ block }}`.
    Template(Box<Invocation>),
    /// `{{ break }}`.
    Break,
    /// `{{ continue }}`.
    Continue,
}

/// The parts of `if`, `with` and `range`.
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// A `{{ template }}` action.
pub(crate) struct Invocation {
    pub(crate) place: Place,
    pub(crate) name: Arc<[u8]>,
    pub(crate) pipe: Option<Pipe>,
}

/// A node's number in its file and its offset in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) id: u32,
    pub(crate) offset: u32,
}

/// A pipeline with its declarations.
pub(crate) struct Pipe {
    pub(crate) place: Place,
    /// Whether the variables are assigned and not declared.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

/// A variable by name and by its number in the file; `$` is number 0.
pub(crate) struct Variable {
    pub(crate) number: u32,
    pub(crate) name: Arc<str>,
}

/// The names of fields in a row, with dots between them as they are written: one allocation for all.
#[derive(Default)]
pub(crate) struct Fields(Box<str>);

impl Fields {
    /// Takes `a.b.c`; nothing for no fields.
    pub(crate) fn new(written: &str) -> Self {
        Fields(written.into())
    }

    /// Says whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the first name, if there is one, and the others.
    #[inline]
    pub(crate) fn split_first(&self) -> Option<(&str, impl Iterator<Item = &str>)> {
        let mut rest = Some(&*self.0).filter(|names| !names.is_empty());
        // Names are short: looking at byte after byte is faster than searching.
        let mut names = std::iter::from_fn(move || {
            let names = rest?;
            let (name, others) = match names.bytes().position(|byte| byte == b'.') {
                Some(dot) => (&names[..dot], Some(&names[dot + 1..])),
                None => (names, None),
            };
            rest = others;
            Some(name)
        });
        Some((names.next()?, names))
    }

    fn write(&self, out: &mut String) {
        if !self.is_empty() {
            out.push('.');
            out.push_str(&self.0);
        }
    }
}

/// Operands between bars: the first says what is done.
pub(crate) struct Command {
    pub(crate) place: Place,
    pub(crate) operands: Vec<Operand>,
}

/// A term, perhaps with fields.
pub(crate) struct Operand {
    pub(crate) place: Place,
    pub(crate) term: Term,
}

/// What an operand is.
pub(crate) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// The value and how the constant is written.
    String(Text, Written),
    /// `.a.b`.
    Field(Fields),
    /// `$x` or `$x.a.b`.
    Variable(Variable, Fields),
    Function(Callee),
    Pipe(Box<Pipe>),
    /// `(pipeline).a.b`.
    Chain(Box<Operand>, Fields),
}

/// How a string constant is written.
pub(crate) enum Written {
    /// Its value in double quotes.
    InQuotes,
    /// Its value in backticks.
    InBackticks,
    /// Otherwise, as it stands there.
    Otherwise(Box<str>),
}

/// A function, or one of those that only the evaluator can perform.
#[derive(Clone, Copy)]
pub(crate) struct Callee {
    pub(crate) function: &'static Function,
    pub(crate) special: Special,
}

/// What the evaluator does itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    No,
    And,
    Or,
    Include,
    Tpl,
    Len,
    Call,
}

/// Says whether a body holds nothing but blanks.
pub(crate) fn is_empty(source: &[u8], nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(start, end) => {
            let text = &source[*start as usize..*end as usize];
            !text.iter().any(u8::is_ascii_graphic) && String::from_utf8_lossy(text).trim().is_empty()
        }
        _ => false,
    })
}

/// A node that an error can point at.
pub(crate) enum Found<'t> {
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
    Template(&'t Invocation),
}

impl Tree {
    /// Finds the node of a number.
    pub(crate) fn find(&self, id: u32) -> Option<Found<'_>> {
        find_in_nodes(&self.root, id)
    }
}

fn find_in_nodes(nodes: &[Node], id: u32) -> Option<Found<'_>> {
    nodes.iter().find_map(|node| match node {
        Node::Text(..) | Node::Break | Node::Continue => None,
        Node::Action(pipe) => find_in_pipe(pipe, id),
        Node::If(branch) | Node::With(branch) | Node::Range(branch) => find_in_pipe(&branch.pipe, id)
            .or_else(|| find_in_nodes(&branch.body, id))
            .or_else(|| find_in_nodes(branch.otherwise.as_deref()?, id)),
        Node::Template(call) if call.place.id == id => Some(Found::Template(call)),
        Node::Template(call) => find_in_pipe(call.pipe.as_ref()?, id),
    })
}

fn find_in_pipe(pipe: &Pipe, id: u32) -> Option<Found<'_>> {
    if pipe.place.id == id {
        return Some(Found::Pipe(pipe));
    }
    pipe.commands.iter().find_map(|command| {
        if command.place.id == id {
            return Some(Found::Command(command));
        }
        command.operands.iter().find_map(|operand| find_in_operand(operand, id))
    })
}

fn find_in_operand(operand: &Operand, id: u32) -> Option<Found<'_>> {
    if operand.place.id == id {
        return Some(Found::Operand(operand));
    }
    match &operand.term {
        Term::Pipe(pipe) => find_in_pipe(pipe, id),
        Term::Chain(inner, _) => find_in_operand(inner, id),
        _ => None,
    }
}

impl Found<'_> {
    /// Returns the offset that locations are counted from.
    pub(crate) fn offset(&self) -> usize {
        let place = match self {
            Found::Pipe(pipe) => pipe.place,
            Found::Command(command) => command.place,
            Found::Operand(operand) => operand.place,
            Found::Template(call) => call.place,
        };
        place.offset as usize
    }

    /// Returns the node as Go writes it back.
    pub(crate) fn written(&self) -> String {
        let mut out = String::new();
        match self {
            Found::Pipe(pipe) => pipe.write(&mut out),
            Found::Command(command) => command.write(&mut out),
            Found::Operand(operand) => operand.write(&mut out),
            Found::Template(call) => {
                out.push_str("{{template ");
                out.push_str(&quote(&call.name));
                if let Some(pipe) = &call.pipe {
                    out.push(' ');
                    pipe.write(&mut out);
                }
                out.push_str("}}");
            }
        }
        out
    }
}

impl Pipe {
    fn write(&self, out: &mut String) {
        for (at, variable) in self.variables.iter().enumerate() {
            out.push_str(if at > 0 { ", " } else { "" });
            out.push_str(&variable.name);
        }
        if !self.variables.is_empty() {
            out.push_str(if self.assigns { " = " } else { " := " });
        }
        for (at, command) in self.commands.iter().enumerate() {
            out.push_str(if at > 0 { " | " } else { "" });
            command.write(out);
        }
    }
}

impl Command {
    fn write(&self, out: &mut String) {
        for (at, operand) in self.operands.iter().enumerate() {
            out.push_str(if at > 0 { " " } else { "" });
            operand.write_inside(out);
        }
    }
}

impl Operand {
    /// Returns the operand as Go writes it back.
    pub(crate) fn written(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Writes a pipeline in its parentheses, anything else as it is.
    fn write_inside(&self, out: &mut String) {
        if let Term::Pipe(pipe) = &self.term {
            out.push('(');
            pipe.write(out);
            out.push(')');
        } else {
            self.write(out);
        }
    }

    fn write(&self, out: &mut String) {
        match &self.term {
            Term::Dot => out.push('.'),
            Term::Nil => out.push_str("nil"),
            Term::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
            Term::Number(number) => out.push_str(&number.text),
            Term::String(_, Written::Otherwise(written)) => out.push_str(written),
            Term::String(text, written) => {
                let mark = if matches!(written, Written::InQuotes) { '"' } else { '`' };
                out.push(mark);
                out.push_str(&text.to_str_lossy());
                out.push(mark);
            }
            Term::Field(fields) => fields.write(out),
            Term::Variable(variable, fields) => {
                out.push_str(&variable.name);
                fields.write(out);
            }
            Term::Function(callee) => out.push_str(callee.function.name),
            Term::Pipe(pipe) => pipe.write(out),
            Term::Chain(inner, fields) => {
                inner.write_inside(out);
                fields.write(out);
            }
        }
    }
}
