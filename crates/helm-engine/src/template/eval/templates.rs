//! Templates that run templates: files, `include` and `tpl`.

use std::rc::Rc;
use std::sync::Arc;

use super::output::{beside_no_value, origins_of_pieces, without_no_value};
use super::{Evaluator, Failure, Frame, Got, Run};
use crate::error::CallError;
use crate::template::ast::Tree;
use crate::template::parser;
use crate::template::set::{Rendered, Scope};
use crate::template::unicode::quote;
use crate::trace::{Marks, Trace};
use crate::value::{Text, Value, pieces_of};

/// How many calls of one included template may be alive.
const INCLUDE_DEPTH: u32 = 1_000;
/// How deep texts given to `tpl` may nest; Helm sets no bound and dies of endless ones.
const TEXT_DEPTH: u32 = 1_000;
/// What Helm calls the template that a text given to `tpl` becomes.
pub(crate) const TEXT_NAME: &str = "gotpl";
/// How many different texts given to `tpl` are kept parsed.
const KEPT_TEXTS: usize = 4_096;

impl Evaluator<'_, '_> {
    /// Runs a file.
    pub(crate) fn run(mut self, scope: &Scope<'_>, name: &str, root: Value) -> Run<Rendered> {
        let Some(tree) = scope.find(name.as_bytes()) else {
            return Err(Failure::plain(not_there(name.as_bytes())));
        };
        let begun = self.output.begin();
        self.control = self.context.hidden;
        self.read(self.control);
        self.body(scope, tree, &Got::plain(root), 0)?;
        let mut text = self.output.finish(begun);
        let mut origins = self.output.take_origins();
        let kept = beside_no_value(text.bytes());
        if !kept.is_empty() {
            origins = origins_of_pieces(&origins, &kept);
            text = pieces_of(&text, kept);
        }
        let visited = self.visited.into_iter().collect();
        Ok(Rendered { text, reads: self.reads, tested: self.tested, visited, origins })
    }

    pub(super) fn include(&mut self, frame: &Frame<'_>, node: u32, base: usize) -> Run<Value> {
        let name = self.text_at(base);
        let dot = Got::plain(self.arguments[base + 1].clone());
        let name_marks = self.arguments[base].marks.union(name.segment_marks());
        let Some(tree) = frame.scope.find(name.bytes()) else {
            self.node = node;
            let cause = Failure::plain(not_there(name.bytes()));
            return Err(Failure::calling(frame, node, "include", cause));
        };
        let alive = self.included.entry(Arc::clone(&tree.name)).or_default();
        if *alive > INCLUDE_DEPTH {
            let name = name.to_str_lossy();
            let message =
                format!("rendering template has a nested reference name: {name}: unable to execute template");
            return Err(Failure::calling(frame, node, "include", Failure::plain(message)));
        }
        *alive += 1;
        self.read(name_marks);
        let begun = self.output.begin();
        let outer = std::mem::take(&mut self.reads);
        let result = self.under(name_marks, |this| this.body(frame.scope, tree, &dot, 0));
        result.map_err(|cause| Failure::calling(frame, node, "include", cause))?;
        let marks = self.marks_without_segments(outer);
        if let Some(alive) = self.included.get_mut(&tree.name) {
            *alive -= 1;
        }
        let text = self.output.finish(begun);
        self.taken(frame, text).map(|value| value.marked(marks))
    }

    /// Returns what the value of a text depends on as a whole: where segments are not kept, all that was read to make
    /// it. `outer` are the reads before it.
    fn marks_without_segments(&mut self, outer: Marks) -> Marks {
        let inner = std::mem::replace(&mut self.reads, outer);
        self.read(inner);
        if self.trace == Trace::Reads { inner } else { Marks::NONE }
    }

    /// Makes a value of a text that a template gave.
    fn taken(&mut self, frame: &Frame<'_>, text: Text) -> Run<Value> {
        self.charge(frame, 1 + text.bytes().len() as u64 / 64)?;
        Ok(Value::from(text).marked(self.control))
    }

    fn text_at(&self, at: usize) -> Text {
        match &self.arguments[at].data {
            crate::value::Data::Text(text) => text.clone(),
            _ => Text::default(),
        }
    }

    pub(super) fn tpl(&mut self, frame: &Frame<'_>, node: u32, base: usize) -> Run<Value> {
        let source = self.text_at(base);
        let dot = Got::plain(self.arguments[base + 1].clone());
        let marks = self.arguments[base].marks.union(source.segment_marks());
        self.read(marks);
        if !has_action(source.bytes()) {
            let text = without_no_value(source);
            return self.taken(frame, text).map(|value| value.marked(marks));
        }
        if self.texts_running >= TEXT_DEPTH {
            let error = CallError::new(format!("tpl is nested more than {TEXT_DEPTH} levels deep"));
            return Err(Failure::of_call(frame, node, "tpl", &error));
        }
        let trees = match self.parsed_text(frame, &source) {
            Ok(trees) => trees,
            Err(message) => {
                let message = format!("cannot parse template {}: {message}", quote(source.bytes()));
                let error = CallError::new(message);
                return Err(Failure::of_call(frame, node, "tpl", &error));
            }
        };
        let scope = frame.scope.with(&trees);
        let Some(tree) = trees.iter().find(|tree| *tree.name == *TEXT_NAME.as_bytes()) else {
            return Ok(Value::text(""));
        };
        let begun = self.output.begin();
        let outer = std::mem::take(&mut self.reads);
        self.texts_running += 1;
        let result = self.under(marks, |this| this.body(&scope, tree, &dot, 0));
        self.texts_running -= 1;
        result.map_err(|cause| {
            let message = format!("error during tpl function execution for {}", quote(source.bytes()));
            Failure::calling(frame, node, "tpl", cause.wrapped(&message))
        })?;
        let inner = self.marks_without_segments(outer);
        let text = without_no_value(self.output.finish(begun));
        self.taken(frame, text).map(|value| value.marked(inner))
    }

    fn parsed_text(&mut self, frame: &Frame<'_>, source: &Text) -> Result<Rc<[Arc<Tree>]>, String> {
        if let Some(trees) = self.parsed_texts.get(source.bytes()) {
            return Ok(Rc::clone(trees));
        }
        let trees = parser::parse(&Arc::from(TEXT_NAME), Arc::from(source.bytes()), frame.scope.mode())?;
        let trees: Rc<[Arc<Tree>]> = trees.into_iter().map(Arc::new).collect();
        if self.parsed_texts.len() < KEPT_TEXTS {
            self.parsed_texts.insert(Rc::from(source.bytes()), Rc::clone(&trees));
        }
        Ok(trees)
    }
}

fn has_action(text: &[u8]) -> bool {
    memchr::memchr_iter(b'{', text).any(|at| text.get(at + 1) == Some(&b'{'))
}

fn not_there(name: &[u8]) -> String {
    format!("template: no template {} associated with template {}", quote(name), quote(TEXT_NAME.as_bytes()))
}
