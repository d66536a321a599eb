//! What a part of a template that did not run would have changed: variables, maps, the course of a loop.
//!
//! Text that is not printed leaves nothing to mark; a change that is not made does, since what would have been changed
//! is there to be read. So after a condition, what its other branch would have changed depends on the condition too. Of
//! a `tpl` in such a branch nothing is known; its text is taken to change nothing outside.

use super::{Branch, Evaluator, Frame, Got};
use crate::template::ast::{Code, Command, Fields, List, Node, Operand, Pipe, Term};
use crate::template::set::Scope;
use crate::trace::{Marks, Trace};
use crate::value::{Map, Value};

/// The functions that change the map they are given.
const WRITERS: &[&str] = &["set", "unset", "merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite"];

/// The functions whose result is a map that nobody else holds.
const MAKERS: &[&str] =
    &["dict", "deepCopy", "mustDeepCopy", "omit", "pick", "fromYaml", "fromJson", "mustFromJson", "fromToml"];

/// How many templates deep the search for changes goes.
const DEPTH: usize = 32;

/// What nodes of a file would change if they ran.
struct Effects<'t> {
    code: &'t Code,
    assigned: Vec<u32>,
    writes: Vec<Write<'t>>,
    calls: Vec<Option<&'t [u8]>>,
    declared: Vec<u32>,
}

/// A call that changes a map.
struct Write<'t> {
    target: Option<&'t Operand>,
    key: Option<&'t [u8]>,
    /// Whether the dot is the one around the nodes.
    has_dot: bool,
}

impl Evaluator<'_, '_> {
    /// Notes what the branch of a condition that did not run would have changed.
    pub(super) fn note_condition(
        &mut self,
        frame: &Frame<'_>,
        (dot, changes_dot): (&Got, bool),
        branch: &Branch,
        truth: bool,
        marks: Marks,
    ) {
        let otherwise = branch.otherwise.unwrap_or(List::EMPTY);
        let (skipped, has_dot) = if truth { (otherwise, true) } else { (branch.body, !changes_dot) };
        self.note_skipped(frame, dot, skipped, has_dot, marks);
        if has_jump(frame.code(), branch.body) || has_jump(frame.code(), otherwise) {
            self.jumps = self.jumps.union(marks).union(self.control);
            self.control = self.control.union(marks);
        }
    }

    /// Notes what decided that nothing was printed here, where what might have been would stand in a field that is there.
    pub(super) fn note_silence(&mut self, frame: &Frame<'_>, branch: &Branch, start: usize, marks: Marks) {
        if self.trace < Trace::Full || self.output.len() != start || marks.is_none() {
            return;
        }
        let otherwise = branch.otherwise.unwrap_or(List::EMPTY);
        let begins_line = |nodes| begins_line(frame, nodes);
        if self.output.awaits_value() || !begins_line(branch.body) || !begins_line(otherwise) {
            self.output.push_silence(marks.union(self.control), self.site);
        }
    }

    /// Notes what a loop that ran less often than it might have would have changed.
    pub(super) fn note_loop(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        branch: &Branch,
        value: &Value,
        marks: Marks,
    ) {
        if !value.is_true() || !self.jumps.is_none() {
            self.note_skipped(frame, dot, branch.body, false, marks);
        }
        if let Some(otherwise) = branch.otherwise.filter(|_| value.is_true()) {
            self.note_skipped(frame, dot, otherwise, true, marks);
        }
    }

    fn note_skipped(&mut self, frame: &Frame<'_>, dot: &Got, nodes: List<Node>, has_dot: bool, marks: Marks) {
        let mut effects = Effects::in_file(frame.code());
        effects.of_nodes(nodes, has_dot);
        let marks = marks.union(self.control);
        for number in &effects.assigned {
            let visible = &mut self.variables[frame.base..];
            if let Some(binding) = visible.iter_mut().rfind(|binding| binding.number == *number) {
                binding.value.value.marks = binding.value.value.marks.union(marks);
            }
        }
        for write in &effects.writes {
            if !effects.is_own(write.target) {
                match self.target(frame, dot, write) {
                    Some(map) => note_unwritten(&map, write.key, marks),
                    None => self.hide(marks),
                }
            }
        }
        if effects.calls.iter().any(|name| may_write(frame.scope, *name)) {
            self.hide(marks);
        }
    }

    /// Lets everything from here on depend on `marks`.
    fn hide(&mut self, marks: Marks) {
        self.context.hidden = self.context.hidden.union(marks);
        self.control = self.control.union(marks);
        self.read(marks);
    }

    /// Finds the map that a call would change, where that is certain without running anything.
    fn target(&self, frame: &Frame<'_>, dot: &Got, write: &Write<'_>) -> Option<Map> {
        let (start, fields) = match write.target?.term {
            Term::Dot if write.has_dot => (&dot.value, None),
            Term::Field(fields) if write.has_dot => (&dot.value, Some(fields)),
            Term::Variable(variable, fields) => {
                let visible = &self.variables[frame.base..];
                let binding = visible.iter().rfind(|binding| binding.number == variable.number)?;
                (&binding.value.value, Some(fields))
            }
            _ => return None,
        };
        let start = start.as_map().cloned()?;
        let Some((first, others)) = fields.and_then(|fields: Fields| fields.split_first(frame.text())) else {
            return Some(start);
        };
        let inner = |map: Map, field: &str| map.get(field.as_bytes())?.as_map().cloned();
        others.into_iter().try_fold(inner(start, first)?, inner)
    }
}

/// Lets what a map has under a key, or under all of them, depend on `marks`, and what it does not have.
fn note_unwritten(map: &Map, key: Option<&[u8]>, marks: Marks) {
    map.note_written(marks);
    for (_, value) in map.entries_mut().iter_mut().filter(|(own, _)| key.is_none_or(|key| key == &***own)) {
        value.marks = value.marks.union(marks);
    }
}

/// Says whether a template may change a map that it is given; one of unknown name is taken to.
fn may_write(scope: &Scope<'_>, name: Option<&[u8]>) -> bool {
    fn search<'s>(scope: &'s Scope<'_>, name: &'s [u8], seen: &mut Vec<Vec<u8>>, depth: usize) -> bool {
        if seen.iter().any(|known| known == name) {
            return false;
        }
        seen.push(name.to_vec());
        let (Some(tree), Some(depth)) = (scope.find(name), depth.checked_sub(1)) else { return false };
        let mut effects = Effects::in_file(&tree.file.code);
        effects.of_nodes(tree.root, false);
        effects.writes.iter().any(|write| !effects.is_own(write.target))
            || effects.calls.iter().flatten().any(|name| search(scope, name, seen, depth))
    }
    name.is_none_or(|name| search(scope, name, &mut Vec::new(), DEPTH))
}

/// Says whether what nodes print, if anything, surely stands on lines of its own.
fn begins_line(frame: &Frame<'_>, nodes: List<Node>) -> bool {
    let code = frame.code();
    let prints =
        |node: &&Node| !matches!(node, Node::Action(pipe) if !pipe.of(&code.pipes).variables.is_empty());
    match nodes.of(&code.nodes).iter().find(prints) {
        Some(Node::Text(span)) => {
            let text = span.of(&frame.tree.file.source.text);
            let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
            first.is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
        }
        Some(_) => false,
        None => true,
    }
}

/// Says whether nodes may end a turn of the loop around them.
fn has_jump(code: &Code, nodes: List<Node>) -> bool {
    nodes.of(&code.nodes).iter().any(|node| match node {
        Node::Break | Node::Continue => true,
        Node::If(branch) | Node::With(branch) => {
            let branch = branch.of(&code.branches);
            has_jump(code, branch.body) || has_jump(code, branch.otherwise.unwrap_or(List::EMPTY))
        }
        _ => false,
    })
}

impl<'t> Effects<'t> {
    fn in_file(code: &'t Code) -> Self {
        Effects { code, assigned: Vec::new(), writes: Vec::new(), calls: Vec::new(), declared: Vec::new() }
    }

    /// Says whether nobody outside can hold the target: it is made on the spot, or declared in the same nodes.
    fn is_own(&self, target: Option<&Operand>) -> bool {
        match target.map(|operand| operand.term) {
            Some(Term::Variable(variable, _)) => self.declared.contains(&variable.number),
            Some(Term::Pipe(pipe)) => self.is_fresh(pipe.of(&self.code.pipes)),
            _ => false,
        }
    }

    /// Says whether a pipeline makes a map that nobody else holds.
    fn is_fresh(&self, pipe: &Pipe) -> bool {
        let Some(Command { operands, .. }) = pipe.commands.of(&self.code.commands).last() else {
            return false;
        };
        let operands = operands.of(&self.code.operands);
        let Some(Term::Function(callee)) = operands.first().map(|operand| operand.term) else { return false };
        let is_fresh = |operand: &Operand| match operand.term {
            Term::Pipe(inner) => self.is_fresh(inner.of(&self.code.pipes)),
            _ => false,
        };
        MAKERS.contains(&callee.function.name)
            || WRITERS.contains(&callee.function.name) && operands.get(1).is_some_and(is_fresh)
    }

    fn of_nodes(&mut self, nodes: List<Node>, has_dot: bool) {
        let code = self.code;
        for node in nodes.of(&code.nodes) {
            match node {
                Node::Text(..) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => self.of_pipe(pipe.of(&code.pipes), has_dot),
                Node::If(branch) => self.of_branch(branch.of(&code.branches), has_dot, has_dot),
                Node::With(branch) | Node::Range(branch) => {
                    self.of_branch(branch.of(&code.branches), has_dot, false);
                }
                Node::Template(call) => {
                    let call = call.of(&code.invocations);
                    self.calls.push(Some(&call.name));
                    call.pipe.iter().for_each(|pipe| self.of_pipe(pipe, has_dot));
                }
            }
        }
    }

    fn of_branch(&mut self, branch: &'t Branch, has_dot: bool, inner_has_dot: bool) {
        self.of_pipe(&branch.pipe, has_dot);
        self.of_nodes(branch.body, inner_has_dot);
        self.of_nodes(branch.otherwise.unwrap_or(List::EMPTY), has_dot);
    }

    fn of_pipe(&mut self, pipe: &'t Pipe, has_dot: bool) {
        let numbers = pipe.variables.of(&self.code.variables).iter().map(|variable| variable.number);
        if pipe.assigns {
            self.assigned.extend(numbers);
        } else if self.is_fresh(pipe) {
            self.declared.extend(numbers);
        }
        for command in pipe.commands.of(&self.code.commands) {
            self.of_command(command, has_dot);
        }
    }

    fn of_command(&mut self, command: &'t Command, has_dot: bool) {
        let code = self.code;
        let operands = command.operands.of(&code.operands);
        if let Some(Term::Function(callee)) = operands.first().map(|operand| operand.term) {
            let text = |at: usize| match operands.get(at).map(|operand| operand.term) {
                Some(Term::String(text, _)) => Some(text.of(&code.strings).bytes()),
                _ => None,
            };
            let name = callee.function.name;
            if WRITERS.contains(&name) {
                let key = if name.ends_with("set") { text(2) } else { None };
                self.writes.push(Write { target: operands.get(1), key, has_dot });
            } else if name == "include" {
                self.calls.push(text(1));
            }
        }
        for operand in operands {
            self.of_operand(operand, has_dot);
        }
    }

    fn of_operand(&mut self, operand: &'t Operand, has_dot: bool) {
        match operand.term {
            Term::Pipe(pipe) => self.of_pipe(pipe.of(&self.code.pipes), has_dot),
            Term::Chain(inner, _) => self.of_operand(inner.of(&self.code.operands), has_dot),
            _ => {}
        }
    }
}
