//! Running templates: actions, control structures and the calls between templates.
//!
//! Follows `text/template`'s `exec.go` with Helm's `missingkey=zero`. Where an error points is part of the rules: like
//! Go, the evaluator notes the node it is at and reports the last one noted.

mod calls;
mod decisions;
mod effects;
mod failure;
mod fields;
mod output;
mod pipelines;
mod templates;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{
    Branch, Code, Command, Invocation, List, Node, Operand, Pipe, Place, Span, Tree, Variable, Writer,
};
use super::set::Scope;
use crate::context::Context;
use crate::error::CallError;
use crate::stack;
use crate::trace::{Decides, Marks, Site, StepKind, Trace};
use crate::value::{Data, Value};

pub(crate) use failure::{Failure, Run, WARNING_END, WARNING_START, parse_failure};
pub(crate) use fields::plain_container;
use output::Output;
pub(crate) use output::{Origin, origins_of_pieces};
pub(crate) use templates::TEXT_NAME as TPL_NAME;

/// How many `{{ template }}` calls Go nests.
const TEMPLATE_DEPTH: u32 = 100_000;

/// A value, and whether Go holds it in an interface: what decides how errors name its type, and whether nil is a nil
/// interface or no value at all.
#[derive(Clone, Default)]
pub(crate) struct Got {
    pub(crate) value: Value,
    pub(crate) in_interface: bool,
}

impl Got {
    /// A value of its own type; nil is no value at all.
    #[inline]
    pub(crate) fn plain(value: Value) -> Self {
        Got { value, in_interface: false }
    }

    /// A value in an interface; nil is a nil interface.
    #[inline]
    pub(crate) fn boxed(value: Value) -> Self {
        Got { value, in_interface: true }
    }
}

/// A running template.
pub(crate) struct Frame<'f> {
    pub(crate) scope: &'f Scope<'f>,
    pub(crate) tree: &'f Tree,
    /// Where the template's variables begin; `$` is the first.
    base: usize,
    /// How many `{{ template }}` calls are around this one.
    depth: u32,
}

impl<'f> Frame<'f> {
    /// Returns the text that the template was parsed from.
    #[inline]
    pub(crate) fn text(&self) -> &'f [u8] {
        &self.tree.file.source.text
    }

    /// Returns the parts of the template's file.
    #[inline]
    pub(crate) fn code(&self) -> &'f Code {
        &self.tree.file.code
    }

    fn variables(&self, pipe: &Pipe) -> &'f [Variable] {
        pipe.variables.of(&self.code().variables)
    }

    #[inline]
    fn operands(&self, command: &Command) -> &'f [Operand] {
        command.operands.of(&self.code().operands)
    }

    /// Returns an operand as Go writes it back.
    fn written(&self, operand: &Operand) -> String {
        Writer::written(self.text(), self.code(), operand)
    }
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Done,
    Break,
    Continue,
}

struct Binding {
    number: u32,
    value: Got,
}

/// The state of one execution.
pub(crate) struct Evaluator<'c, 'r> {
    context: &'c mut Context<'r>,
    trace: Trace,
    output: Output,
    variables: Vec<Binding>,
    arguments: Vec<Value>,
    /// The number of the node that errors point at.
    node: u32,
    /// How many calls of each included template are alive.
    included: HashMap<Arc<[u8]>, u32>,
    /// How many texts given to `tpl` are running.
    texts_running: u32,
    parsed_texts: HashMap<Rc<[u8]>, Rc<[Arc<Tree>]>>,
    /// The marks of all conditions around.
    control: Marks,
    /// The conditions and calls around, where they are asked for.
    site: Site,
    /// The marks of all conditions that may have ended a turn of the loop around, or the loop.
    jumps: Marks,
    reads: Marks,
    /// The marks of all conditions.
    tested: Marks,
    visited: std::collections::BTreeSet<Arc<[u8]>>,
}

impl<'c, 'r> Evaluator<'c, 'r> {
    /// Starts an execution.
    pub(crate) fn new(context: &'c mut Context<'r>) -> Self {
        let trace = context.trace;
        Evaluator {
            trace,
            output: Output::new(trace >= Trace::Full, context.keeps_origins),
            context,
            variables: Vec::new(),
            arguments: Vec::new(),
            node: 0,
            included: HashMap::new(),
            texts_running: 0,
            parsed_texts: HashMap::new(),
            control: Marks::NONE,
            site: Site::NONE,
            jumps: Marks::NONE,
            reads: Marks::NONE,
            tested: Marks::NONE,
            visited: Default::default(),
        }
    }

    #[inline]
    fn traces(&self) -> bool {
        self.trace != Trace::Off
    }

    /// Notes that these marks were read.
    #[inline]
    fn read(&mut self, marks: Marks) {
        self.reads = self.reads.union(marks);
    }

    fn shape(&self, value: &Value) -> Marks {
        if self.traces() { crate::trace::shape(value) } else { Marks::NONE }
    }

    fn whole(&self, value: &Value) -> Marks {
        crate::trace::whole(self.context, value)
    }

    fn whole_arguments(&self, base: usize) -> Marks {
        self.arguments[base..].iter().fold(Marks::NONE, |all, value| all.union(self.whole(value)))
    }

    fn fail<T>(&self, frame: &Frame<'_>, message: impl AsRef<str>) -> Run<T> {
        Err(Failure::at(frame, self.node, message.as_ref()))
    }

    fn fail_call<T>(&self, frame: &Frame<'_>, error: &CallError) -> Run<T> {
        self.fail(frame, &error.message)
    }

    #[inline]
    fn charge(&mut self, frame: &Frame<'_>, steps: u64) -> Run<()> {
        match self.context.charge(steps) {
            Ok(()) => Ok(()),
            Err(error) => self.fail_call(frame, &error),
        }
    }

    /// Runs a template's body as a call of its own: nothing but `$` and the dot is visible in it.
    fn body(&mut self, scope: &Scope<'_>, tree: &Tree, dot: &Got, depth: u32) -> Run<()> {
        let base = self.variables.len();
        let node = self.node;
        self.variables.push(Binding { number: 0, value: dot.clone() });
        let frame = Frame { scope, tree, base, depth };
        if self.traces() {
            self.visited.insert(Arc::clone(&tree.name));
        }
        self.nodes(&frame, dot, tree.root)?;
        self.variables.truncate(base);
        self.node = node;
        Ok(())
    }

    fn nodes(&mut self, frame: &Frame<'_>, dot: &Got, nodes: List<Node>) -> Run<Flow> {
        let code = frame.code();
        for node in nodes.of(&code.nodes) {
            self.charge(frame, 1)?;
            let flow = match node {
                Node::Text(span) => {
                    self.text(frame, *span)?;
                    self.output.note_origin(span.0, true);
                    Flow::Done
                }
                Node::Action(pipe) => {
                    let pipe = pipe.of(&code.pipes);
                    let outer = self.enter(frame, StepKind::Print, pipe.place, Marks::NONE);
                    let mut got = self.pipeline(frame, dot, pipe)?;
                    if pipe.variables.is_empty() {
                        if matches!(got.value.data, Data::Object(_)) {
                            // What a function returns has no address, which decides about methods.
                            got.in_interface |= pipe.calls_function(code);
                        }
                        self.print(frame, &got)?;
                        self.output.note_origin(pipe.place.offset, false);
                    }
                    self.site = outer;
                    Flow::Done
                }
                Node::If(branch) => self.condition(frame, dot, branch.of(&code.branches), false)?,
                Node::With(branch) => self.condition(frame, dot, branch.of(&code.branches), true)?,
                Node::Range(branch) => self.range(frame, dot, branch.of(&code.branches))?,
                Node::Template(call) => {
                    self.template(frame, dot, call.of(&code.invocations))?;
                    Flow::Done
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Done {
                return Ok(flow);
            }
        }
        Ok(Flow::Done)
    }

    /// Steps to a place in a template if steps are asked for; returns the place to go back to.
    #[inline]
    fn enter(&mut self, frame: &Frame<'_>, kind: StepKind, place: Place, marks: Marks) -> Site {
        let outer = self.site;
        if self.trace == Trace::Steps {
            self.site = outer.step(kind, &frame.tree.file.source, place.offset as usize, marks);
        }
        outer
    }

    /// Prints text of the template; where steps are asked for, every line has its own.
    fn text(&mut self, frame: &Frame<'_>, span: Span) -> Run<()> {
        let text = span.of(frame.text());
        if self.trace == Trace::Steps {
            let mut offset = span.0 as usize;
            for line in text.split_inclusive(|byte| *byte == b'\n') {
                let site = self.site.step(StepKind::Print, &frame.tree.file.source, offset, Marks::NONE);
                self.output.push_plain(line, self.control, site);
                offset += line.len();
            }
        } else {
            self.output.push_plain(text, self.control, Site::NONE);
        }
        self.check_output(frame)
    }

    fn print(&mut self, frame: &Frame<'_>, got: &Got) -> Run<()> {
        if self.traces() {
            let marks = self.whole(&got.value);
            self.read(marks);
        }
        let printed = self.output.push_value(self.context, got, self.control, self.site);
        if let Err(error) = printed {
            return self.fail_call(frame, &error);
        }
        self.check_output(frame)
    }

    #[inline]
    fn check_output(&mut self, frame: &Frame<'_>) -> Run<()> {
        if self.output.len() > self.context.limits.output_bytes {
            let limit = self.context.limits.output_bytes;
            return self.fail(frame, format!("the output would be longer than {limit} bytes"));
        }
        Ok(())
    }

    /// Runs work under the marks of a condition: what it emits and assigns depends on it.
    fn under<T>(&mut self, marks: Marks, work: impl FnOnce(&mut Self) -> Run<T>) -> Run<T> {
        let outer = self.control;
        self.control = outer.union(marks);
        let result = work(self);
        self.control = outer.union(self.jumps).union(self.context.hidden);
        result
    }

    fn condition(&mut self, frame: &Frame<'_>, dot: &Got, branch: &Branch, with: bool) -> Run<Flow> {
        if stack::is_exhausted() {
            return self.fail(frame, "the templates are nested too deeply");
        }
        let mark = self.variables.len();
        let got = self.pipeline(frame, dot, &branch.pipe)?;
        let (truth, marks) = self.decide(frame, &got.value);
        let outer = self.enter(frame, StepKind::Guard, branch.pipe.place, marks);
        let start = self.output.len();
        let flow = self.under(marks, |this| match (branch.otherwise, truth) {
            (_, true) => this.nodes(frame, if with { &got } else { dot }, branch.body),
            (Some(otherwise), false) => this.nodes(frame, dot, otherwise),
            (None, false) => Ok(Flow::Done),
        })?;
        self.note_silence(frame, branch, start, marks);
        self.site = outer;
        if self.traces() {
            self.note_condition(frame, (dot, with), branch, truth, marks);
        }
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn range(&mut self, frame: &Frame<'_>, dot: &Got, branch: &Branch) -> Run<Flow> {
        if stack::is_exhausted() {
            return self.fail(frame, "the templates are nested too deeply");
        }
        let outer = self.variables.len();
        let got = self.pipeline(frame, dot, &branch.pipe)?;
        let marks = self.tested(&got.value).deciding(Decides::Loop);
        if !got.value.is_true() {
            self.note_empty_loop(frame, marks);
        }
        let (jumps, control) = (std::mem::take(&mut self.jumps), self.control);
        let around = self.enter(frame, StepKind::Guard, branch.pipe.place, marks);
        let start = self.output.len();
        let flow = self.under(marks, |this| this.iterate(frame, dot, branch, &got.value))?;
        self.note_silence(frame, branch, start, marks);
        self.site = around;
        if self.traces() {
            let marks = marks.union(self.jumps);
            self.note_loop(frame, dot, branch, &got.value, marks);
        }
        self.jumps = jumps;
        self.control = control.union(self.context.hidden);
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn iterate(&mut self, frame: &Frame<'_>, dot: &Got, branch: &Branch, value: &Value) -> Run<Flow> {
        let own = value.marks;
        let value = &fields::plain_container(value);
        let ran = match &value.data {
            Data::Nil => None,
            Data::Int(kind, count) if kind.is_signed() && *count <= 0 || *count == 0 => {
                self.check_range_over_int(frame, branch, value)?;
                None
            }
            Data::Int(kind, count) => {
                self.check_range_over_int(frame, branch, value)?;
                let items = (0..*count as u64)
                    .map(|at| (Got::default(), Got::plain(Data::Int(*kind, at as i64).into())));
                Some(self.each(frame, branch, own, items)?)
            }
            Data::List(list) if list.items().is_empty() => None,
            Data::List(list) => {
                let in_interface = list.element() == crate::value::ElementType::Any;
                let items = list.items().iter().enumerate().map(|(at, item)| {
                    (Got::plain(Value::int(at as i64)), Got { value: item.clone(), in_interface })
                });
                Some(self.each(frame, branch, own, items)?)
            }
            Data::Bytes(text) if text.bytes().is_empty() => None,
            Data::Bytes(text) => {
                let byte = |byte: u8| Data::Int(crate::value::IntType::Uint8, i64::from(byte)).into();
                let items = text.bytes().iter().enumerate();
                let items = items.map(|(at, b)| (Got::plain(Value::int(at as i64)), Got::plain(byte(*b))));
                Some(self.each(frame, branch, own, items)?)
            }
            Data::Map(map) => {
                let entries: Vec<_> = map.entries().iter().map(|(k, v)| (Rc::clone(k), v.clone())).collect();
                let in_interface = fields::holds_interfaces(map);
                let key = |key: &[u8]| Got::plain(Data::Text(crate::value::Text::copy_of(key)).into());
                let needs_keys = branch.pipe.variables.len() > 1;
                let items = entries.into_iter().map(|(k, value)| {
                    (if needs_keys { key(&k) } else { Got::default() }, Got { value, in_interface })
                });
                if items.len() == 0 { None } else { Some(self.each(frame, branch, own, items)?) }
            }
            Data::Bool(_) | Data::Float(_) | Data::Text(_) | Data::Object(_) => {
                let printed = crate::template::format::print(self.context, value).unwrap_or_default();
                let message = format!("range can't iterate over {}", String::from_utf8_lossy(&printed));
                return self.fail(frame, message);
            }
        };
        match (ran, branch.otherwise) {
            (Some(()), _) | (None, None) => Ok(Flow::Done),
            (None, Some(otherwise)) => self.nodes(frame, dot, otherwise),
        }
    }

    fn check_range_over_int(&self, frame: &Frame<'_>, branch: &Branch, value: &Value) -> Run<()> {
        if branch.pipe.variables.len() < 2 {
            return Ok(());
        }
        let Data::Int(_, count) = value.data else { return Ok(()) };
        self.fail(frame, format!("can't use {count} to iterate over more than one variable"))
    }

    fn each(
        &mut self,
        frame: &Frame<'_>,
        branch: &Branch,
        own: Marks,
        items: impl Iterator<Item = (Got, Got)>,
    ) -> Run<()> {
        let mark = self.variables.len();
        for (mut index, mut item) in items {
            if self.traces() {
                index.value.marks = index.value.marks.union(self.control);
                item.value.marks = item.value.marks.union(own);
            }
            self.charge(frame, 1)?;
            self.bind(frame, branch, index, &item)?;
            let flow = self.nodes(frame, &item, branch.body)?;
            self.variables.truncate(mark);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    /// Gives the loop's variables their values for one turn.
    fn bind(&mut self, frame: &Frame<'_>, branch: &Branch, index: Got, item: &Got) -> Run<()> {
        let pipe = &branch.pipe;
        let top = self.variables.len();
        match (frame.variables(pipe), pipe.assigns) {
            ([], _) => {}
            ([variable], true) => self.assign(frame, variable, item.clone())?,
            ([first, second, ..], true) => {
                self.assign(frame, first, index)?;
                self.assign(frame, second, item.clone())?;
            }
            ([_], false) => self.variables[top - 1].value = item.clone(),
            ([..], false) => {
                self.variables[top - 1].value = item.clone();
                self.variables[top - 2].value = index;
            }
        }
        Ok(())
    }

    fn template(&mut self, frame: &Frame<'_>, dot: &Got, call: &Invocation) -> Run<()> {
        self.node = call.place.id;
        let Some(tree) = frame.scope.find(&call.name) else {
            let name = super::unicode::quote(&call.name);
            return self.fail(frame, format!("template {name} not defined"));
        };
        if frame.depth == TEMPLATE_DEPTH || stack::is_exhausted() {
            return self.fail(frame, format!("exceeded maximum template depth ({TEMPLATE_DEPTH})"));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipeline(frame, dot, pipe)?,
            None => Got::default(),
        };
        let outer = self.enter(frame, StepKind::Print, call.place, Marks::NONE);
        self.body(frame.scope, tree, &dot, frame.depth + 1)?;
        self.site = outer;
        Ok(())
    }
}
