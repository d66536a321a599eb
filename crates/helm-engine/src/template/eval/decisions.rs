//! Conditions on values that are not known yet: what is told of them, and how a caller takes their other branch.
//!
//! A placeholder stands for an unknown value, so what a condition says of it means nothing. The caller learns which
//! conditions there were, renders again with their other outcome, and compares.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Evaluator, Frame, failure};
use crate::render::Undecided;
use crate::trace::{Decides, Marks, is_certain};
use crate::value::{Data, Value};

impl Evaluator<'_, '_> {
    /// Returns the marks of a value's truth, and notes that they were read.
    pub(super) fn tested(&mut self, value: &Value) -> Marks {
        if !self.traces() {
            return Marks::NONE;
        }
        let marks = self.shape(value);
        self.read(marks);
        self.tested = self.tested.union(marks);
        marks
    }

    /// Says which branch a condition takes, and what that leaves on what is in the branch.
    pub(super) fn decide(&mut self, frame: &Frame<'_>, value: &Value) -> (bool, Marks) {
        let truth = value.is_true();
        let marks = self.tested(value);
        let left = marks.deciding(Decides::Branch);
        if left == marks {
            return (truth, marks);
        }
        let placeholder = match &value.data {
            Data::Text(text) => Some(text.bytes()),
            _ => None,
        };
        let paths = left.undecided();
        if paths.is_empty() || placeholder.is_some_and(is_certain) {
            return (truth, marks.deciding(Decides::Loop).known());
        }
        let truth = self.note_undecided(frame, &paths, truth);
        (truth, left)
    }

    /// Notes a loop that an unknown value keeps from running: it cannot be made to.
    pub(super) fn note_empty_loop(&mut self, frame: &Frame<'_>, marks: Marks) {
        let paths = marks.undecided();
        if !paths.is_empty() {
            self.note_undecided(frame, &paths, false);
        }
    }

    /// Notes a condition that is not decided, and returns how it is taken.
    fn note_undecided(&mut self, frame: &Frame<'_>, paths: &BTreeSet<Rc<str>>, truth: bool) -> bool {
        let place = failure::place_of(frame, self.node);
        let paths = paths.iter().map(|path| std::sync::Arc::from(&**path)).collect();
        let key = format!("{}:{}:{}", place.file, place.line, place.column);
        let truth = self.context.outcomes.get(&key).copied().unwrap_or(truth);
        let order = self.context.undecided.len();
        let met = self.context.undecided.entry(key.clone()).or_insert_with(|| Undecided {
            key,
            template: place.file,
            line: u32::try_from(place.line).unwrap_or_default(),
            paths,
            outcomes: Default::default(),
            order,
        });
        met.outcomes.insert(truth);
        truth
    }
}
