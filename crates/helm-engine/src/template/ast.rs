//! Parsed templates: immutable, shared between renders and threads.
//!
//! All parts of a file lie in a few rows, one for each kind ([`Code`]); they refer to each other by number ([`Id`],
//! [`List`]) and to names by their place in the source ([`Span`]). A file is made and freed with a handful of
//! allocations, however much it says.
//!
//! Names of functions are resolved and constants made ready when parsing; every node that an error can point at has a
//! number, so that evaluation only keeps that number and finds the node when something fails.

use std::marker::PhantomData;
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

/// A parsed file.
pub(crate) struct File {
    pub(crate) source: Arc<Source>,
    pub(crate) code: Code,
}

/// One template: a file, or the body of a `define` or `block`.
pub(crate) struct Tree {
    /// The name under which it is called.
    pub(crate) name: Arc<[u8]>,
    /// Where it comes from.
    pub(crate) file: Arc<File>,
    /// What it does.
    pub(crate) root: List<Node>,
    /// Whether it holds nothing but blanks.
    pub(crate) is_empty: bool,
}

/// The parts of all templates of a file.
#[derive(Default)]
pub(crate) struct Code {
    pub(crate) nodes: Vec<Node>,
    pub(crate) pipes: Vec<Pipe>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
    pub(crate) operands: Vec<Operand>,
    pub(crate) strings: Vec<Text>,
    pub(crate) numbers: Vec<Number>,
}

impl Code {
    /// Makes rows with room for about so many actions.
    pub(crate) fn with_room(actions: usize) -> Self {
        Code {
            nodes: Vec::with_capacity(2 * actions),
            pipes: Vec::with_capacity(actions),
            commands: Vec::with_capacity(actions + actions / 2),
            operands: Vec::with_capacity(3 * actions),
            strings: Vec::with_capacity(actions / 2),
            ..Code::default()
        }
    }
}

/// The number of a part in its row.
pub(crate) struct Id<T>(u32, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// Puts a part at the end of its row.
    pub(crate) fn push(row: &mut Vec<T>, part: T) -> Self {
        let id = Id(row.len() as u32, PhantomData);
        row.push(part);
        id
    }

    /// Returns the part.
    #[inline]
    pub(crate) fn of(self, row: &[T]) -> &T {
        &row[self.0 as usize]
    }
}

/// Parts that follow each other in their row.
pub(crate) struct List<T>(u32, u32, PhantomData<fn() -> T>);

impl<T> List<T> {
    /// No parts.
    pub(crate) const EMPTY: Self = List(0, 0, PhantomData);

    /// Moves what was collected since `base` to the end of a row.
    pub(crate) fn moved(row: &mut Vec<T>, collected: &mut Vec<T>, base: usize) -> Self {
        let start = row.len() as u32;
        row.extend(collected.drain(base..));
        List(start, row.len() as u32, PhantomData)
    }

    /// Returns the parts.
    #[inline]
    pub(crate) fn of(self, row: &[T]) -> &[T] {
        &row[self.0 as usize..self.1 as usize]
    }

    /// Says whether there are none.
    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == self.1
    }

    /// Returns how many there are.
    #[inline]
    pub(crate) fn len(self) -> usize {
        (self.1 - self.0) as usize
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> Clone for List<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<T> {}

/// A place in the source: its first byte and the one behind it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span(pub(crate) u32, pub(crate) u32);

impl Span {
    /// Returns the bytes.
    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        &text[self.0 as usize..self.1 as usize]
    }

    fn write(self, text: &[u8], out: &mut String) {
        out.push_str(&String::from_utf8_lossy(self.of(text)));
    }
}

/// A step of a template.
#[derive(Clone, Copy)]
pub(crate) enum Node {
    /// Plain text.
    Text(Span),
    /// `{{ pipeline }}`.
    Action(Id<Pipe>),
    /// `{{ if }}`.
    If(Id<Branch>),
    /// `{{ with }}`.
    With(Id<Branch>),
    /// `{{ range }}`.
    Range(Id<Branch>),
    /// `{{ template }}` and the call of a `{{ block }}`.
    Template(Id<Invocation>),
    /// `{{ break }}`.
    Break,
    /// `{{ continue }}`.
    Continue,
}

/// The parts of `if`, `with` and `range`.
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: List<Node>,
    pub(crate) otherwise: Option<List<Node>>,
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
    pub(crate) variables: List<Variable>,
    pub(crate) commands: List<Command>,
}

impl Pipe {
    /// Says whether a function makes what the pipeline gives.
    pub(crate) fn calls_function(&self, code: &Code) -> bool {
        let last = self.commands.of(&code.commands).last();
        let first = last.and_then(|command| command.operands.of(&code.operands).first());
        first.is_some_and(|operand| matches!(operand.term, Term::Function(_)))
    }
}

/// A variable by name and by its number in the file; `$` is number 0.
#[derive(Clone, Copy, Default)]
pub(crate) struct Variable {
    pub(crate) number: u32,
    pub(crate) name: Span,
}

/// The names of fields in a row, with dots between them as they are written; nothing for no fields.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fields(pub(crate) Span);

impl Fields {
    /// Says whether there are none.
    pub(crate) fn is_empty(self) -> bool {
        self.0.0 == self.0.1
    }

    /// Returns the first name, if there is one, and the others.
    #[inline]
    pub(crate) fn split_first(self, text: &[u8]) -> Option<(&str, impl Iterator<Item = &str>)> {
        // Names are made of letters, digits and underscores: always UTF-8.
        let names = std::str::from_utf8(self.0.of(text)).unwrap_or_default();
        let mut rest = Some(names).filter(|names| !names.is_empty());
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

    fn write(self, text: &[u8], out: &mut String) {
        if !self.is_empty() {
            out.push('.');
            self.0.write(text, out);
        }
    }
}

/// Operands between bars: the first says what is done.
pub(crate) struct Command {
    pub(crate) place: Place,
    pub(crate) operands: List<Operand>,
}

/// A term, perhaps with fields.
#[derive(Clone, Copy)]
pub(crate) struct Operand {
    pub(crate) place: Place,
    pub(crate) term: Term,
}

/// What an operand is.
#[derive(Clone, Copy)]
pub(crate) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Id<Number>),
    /// The value; how it is written ends at that offset.
    String(Id<Text>, u32),
    /// `.a.b`.
    Field(Fields),
    /// `$x` or `$x.a.b`.
    Variable(Variable, Fields),
    Function(Callee),
    Pipe(Id<Pipe>),
    /// `(pipeline).a.b`.
    Chain(Id<Operand>, Fields),
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
pub(crate) fn is_empty(text: &[u8], nodes: &[Node]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(span) => {
            let text = span.of(text);
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
        let code = &self.file.code;
        Finder { code, id }.in_nodes(self.root)
    }
}

struct Finder<'t> {
    code: &'t Code,
    id: u32,
}

impl<'t> Finder<'t> {
    fn in_nodes(&self, nodes: List<Node>) -> Option<Found<'t>> {
        let code = self.code;
        nodes.of(&code.nodes).iter().find_map(|node| match node {
            Node::Text(..) | Node::Break | Node::Continue => None,
            Node::Action(pipe) => self.in_pipe(pipe.of(&code.pipes)),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                let branch = branch.of(&code.branches);
                self.in_pipe(&branch.pipe)
                    .or_else(|| self.in_nodes(branch.body))
                    .or_else(|| self.in_nodes(branch.otherwise?))
            }
            Node::Template(call) => {
                let call = call.of(&code.invocations);
                if call.place.id == self.id {
                    return Some(Found::Template(call));
                }
                self.in_pipe(call.pipe.as_ref()?)
            }
        })
    }

    fn in_pipe(&self, pipe: &'t Pipe) -> Option<Found<'t>> {
        if pipe.place.id == self.id {
            return Some(Found::Pipe(pipe));
        }
        pipe.commands.of(&self.code.commands).iter().find_map(|command| {
            if command.place.id == self.id {
                return Some(Found::Command(command));
            }
            command.operands.of(&self.code.operands).iter().find_map(|operand| self.in_operand(operand))
        })
    }

    fn in_operand(&self, operand: &'t Operand) -> Option<Found<'t>> {
        if operand.place.id == self.id {
            return Some(Found::Operand(operand));
        }
        match operand.term {
            Term::Pipe(pipe) => self.in_pipe(pipe.of(&self.code.pipes)),
            Term::Chain(inner, _) => self.in_operand(inner.of(&self.code.operands)),
            _ => None,
        }
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
    pub(crate) fn written(&self, file: &File) -> String {
        let mut writer = Writer::new(&file.source.text, &file.code);
        match self {
            Found::Pipe(pipe) => writer.pipe(pipe),
            Found::Command(command) => writer.command(command),
            Found::Operand(operand) => writer.operand(operand),
            Found::Template(call) => {
                writer.out.push_str("{{template ");
                writer.out.push_str(&quote(&call.name));
                if let Some(pipe) = &call.pipe {
                    writer.out.push(' ');
                    writer.pipe(pipe);
                }
                writer.out.push_str("}}");
            }
        }
        writer.out
    }
}

/// Writes nodes back as Go does.
pub(crate) struct Writer<'t> {
    text: &'t [u8],
    code: &'t Code,
    out: String,
}

impl<'t> Writer<'t> {
    fn new(text: &'t [u8], code: &'t Code) -> Self {
        Writer { text, code, out: String::new() }
    }

    /// Returns an operand as Go writes it back.
    pub(crate) fn written(text: &'t [u8], code: &'t Code, operand: &Operand) -> String {
        let mut writer = Writer::new(text, code);
        writer.operand(operand);
        writer.out
    }

    fn pipe(&mut self, pipe: &Pipe) {
        for (at, variable) in pipe.variables.of(&self.code.variables).iter().enumerate() {
            self.out.push_str(if at > 0 { ", " } else { "" });
            variable.name.write(self.text, &mut self.out);
        }
        if !pipe.variables.is_empty() {
            self.out.push_str(if pipe.assigns { " = " } else { " := " });
        }
        for (at, command) in pipe.commands.of(&self.code.commands).iter().enumerate() {
            self.out.push_str(if at > 0 { " | " } else { "" });
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        for (at, operand) in command.operands.of(&self.code.operands).iter().enumerate() {
            self.out.push_str(if at > 0 { " " } else { "" });
            self.inside(operand);
        }
    }

    /// Writes a pipeline in its parentheses, anything else as it is.
    fn inside(&mut self, operand: &Operand) {
        if let Term::Pipe(pipe) = operand.term {
            self.out.push('(');
            self.pipe(pipe.of(&self.code.pipes));
            self.out.push(')');
        } else {
            self.operand(operand);
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match operand.term {
            Term::Dot => self.out.push('.'),
            Term::Nil => self.out.push_str("nil"),
            Term::Bool(truth) => self.out.push_str(if truth { "true" } else { "false" }),
            Term::Number(number) => self.out.push_str(&number.of(&self.code.numbers).text),
            Term::String(_, end) => Span(operand.place.offset, end).write(self.text, &mut self.out),
            Term::Field(fields) => fields.write(self.text, &mut self.out),
            Term::Variable(variable, fields) => {
                variable.name.write(self.text, &mut self.out);
                fields.write(self.text, &mut self.out);
            }
            Term::Function(callee) => self.out.push_str(callee.function.name),
            Term::Pipe(pipe) => self.pipe(pipe.of(&self.code.pipes)),
            Term::Chain(inner, fields) => {
                self.inside(inner.of(&self.code.operands));
                fields.write(self.text, &mut self.out);
            }
        }
    }
}
