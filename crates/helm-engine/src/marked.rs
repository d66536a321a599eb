//! A text in the making whose pieces may depend on different things; what the writers of YAML, JSON and TOML fill.

use std::rc::Rc;

use crate::trace::{Mark, Marks, Told, Trace};
use crate::value::{Data, Segment, Text, Value};

/// Bytes with the marks of each piece. Marks are dropped unless the render is fully traced.
#[derive(Default)]
pub(crate) struct MarkedText {
    pub(crate) bytes: Vec<u8>,
    segments: Vec<Segment>,
    current: Marks,
    traced: bool,
}

impl MarkedText {
    /// Starts an empty text.
    pub(crate) fn new(trace: Trace) -> Self {
        MarkedText { traced: trace != Trace::Off, ..MarkedText::default() }
    }

    /// Lets the bytes from here on depend on `marks`.
    #[inline]
    pub(crate) fn switch_to(&mut self, marks: Marks) {
        if self.traced && marks != self.current {
            self.close_segment();
            self.current = marks;
        }
    }

    fn close_segment(&mut self) {
        let end = self.bytes.len();
        if self.segments.last().map_or(0, |last| last.end) < end {
            self.segments.push(Segment { end, marks: self.current, told: Told::of(self.current) });
        }
    }

    /// Returns the marks of what a value prints: its own, and of a container those of its shape.
    pub(crate) fn marks_of(&self, around: Marks, value: &Value) -> Marks {
        if !self.traced {
            return Marks::NONE;
        }
        let own = around.union(value.marks);
        let path = match &value.data {
            Data::Text(text) | Data::Bytes(text) => return own.union(text.segment_marks()),
            Data::Map(map) => return own.union(crate::trace::map_shape(map)),
            Data::List(list) => list.path(),
            _ => None,
        };
        path.map_or(own, |path| own.union(Marks::one(Mark::Shape(Rc::clone(path)))))
    }

    /// Removes the last byte if it is this one.
    pub(crate) fn trim_end_byte(&mut self, byte: u8) {
        if self.bytes.last() == Some(&byte) {
            self.bytes.pop();
            let end = self.bytes.len();
            while self.segments.last().is_some_and(|last| last.end > end) {
                self.segments.pop();
            }
        }
    }

    /// Ends the text.
    pub(crate) fn finish(mut self) -> Text {
        if !self.traced {
            return Text::new(self.bytes);
        }
        self.close_segment();
        Text::with_segments(self.bytes, self.segments)
    }
}
