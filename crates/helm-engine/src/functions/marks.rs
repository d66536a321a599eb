//! Marks that functions read or keep themselves: of whole values, of shapes, and of text piece by piece.

use std::ops::Range;

use crate::trace::{Marks, Site, Told};
pub(super) use crate::trace::{shape, whole};
use crate::value::{Data, Segment, Text, Value};

/// Returns what the answer to "is there such a key" depends on.
pub(super) fn presence(map: &Value, key: &[u8], found: bool) -> Marks {
    let Some(inner) = map.as_map() else { return map.marks };
    map.marks.union(if found { crate::trace::map_shape(inner) } else { crate::trace::absence(inner, key) })
}

/// A text in the making, of pieces with marks of their own.
#[derive(Default)]
pub(super) struct Pieces {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    whole: Marks,
}

impl Pieces {
    /// Starts a text that as a whole depends on `whole`.
    pub(super) fn new(whole: Marks) -> Self {
        Pieces { whole, ..Pieces::default() }
    }

    /// Adds bytes with their marks. An empty piece leaves its marks on the whole, or an empty segment where it is told
    /// which part of a text a value that the caller marked stands in.
    pub(super) fn push(&mut self, bytes: &[u8], marks: Marks) {
        self.push_told(bytes, marks, Told::of(marks));
    }

    fn push_told(&mut self, bytes: &[u8], marks: Marks, told: Told) {
        if bytes.is_empty() && !marks.is_input() {
            self.whole = self.whole.union(marks);
            return;
        }
        if !self.segments.is_empty() || !marks.is_none() || told != Told::default() {
            self.mark_pushed(marks, told, bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    fn mark_pushed(&mut self, marks: Marks, told: Told, count: usize) {
        if self.segments.is_empty() && !self.bytes.is_empty() {
            let before = Segment { end: self.bytes.len(), marks: Marks::NONE, told: Told::default() };
            self.segments.push(before);
        }
        let end = self.bytes.len() + count;
        match self.segments.last_mut() {
            Some(last) if last.marks == marks && last.told == told && count > 0 => last.end = end,
            _ => self.segments.push(Segment { end, marks, told }),
        }
    }

    /// Adds a part of a text with its marks.
    pub(super) fn push_part(&mut self, text: &Text, marks: Marks, range: Range<usize>) {
        if range.is_empty() {
            self.push(b"", marks);
        }
        for (piece, own, told) in parts(text, range) {
            self.push_told(piece, marks.union(own), told.unwrap_or(Told::of(marks)));
        }
    }

    /// Adds a value's text form with its marks.
    pub(super) fn push_text(&mut self, text: &Text, marks: Marks) {
        self.push_part(text, marks, 0..text.bytes().len());
    }

    /// Returns how many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Ends the text. Marks that all pieces share move to the value.
    pub(super) fn finish(mut self) -> Value {
        if let [only] = self.segments[..]
            && only.told.site == Site::NONE
        {
            self.whole = self.whole.union(only.marks);
            self.segments.clear();
        }
        Value::from(Text::with_segments(self.bytes, self.segments)).marked(self.whole)
    }
}

/// Returns the pieces of a part of a text, each with its marks and what is told of it if the text has segments.
fn parts(text: &Text, range: Range<usize>) -> Vec<(&[u8], Marks, Option<Told>)> {
    let bytes = text.bytes();
    if text.segments().is_empty() {
        return vec![(&bytes[range], Marks::NONE, None)];
    }
    let mut found = Vec::new();
    let mut start = 0;
    for segment in text.segments() {
        let (from, to) = (start.max(range.start), segment.end.min(range.end));
        let is_empty_within = start == segment.end && from == to;
        if from < to || is_empty_within {
            found.push((&bytes[from..to], segment.marks, Some(segment.told)));
        }
        start = segment.end;
    }
    found
}

/// Maps a text piece by piece: every segment keeps its marks.
pub(super) fn map_pieces(value: &Value, change: impl Fn(&[u8]) -> Vec<u8>) -> Value {
    let Data::Text(text) = &value.data else { return value.clone() };
    if text.segments().is_empty() {
        return Value::text(change(text.bytes())).marked(value.marks);
    }
    let mut pieces = Pieces::new(value.marks);
    for (piece, marks, told) in parts(text, 0..text.bytes().len()) {
        pieces.push_told(&change(piece), marks, told.unwrap_or(Told::of(marks)));
    }
    pieces.finish()
}

/// Returns a part of a text value; where it was cut depends on the rest as well, whose marks stay on the whole.
pub(super) fn cut(value: &Value, range: Range<usize>) -> Value {
    let Data::Text(text) = &value.data else { return value.clone() };
    let dropped = marks_within(text, 0..range.start).union(marks_within(text, range.end..text.bytes().len()));
    part(value, range).marked(dropped)
}

/// Returns the marks of the pieces of a part of a text.
pub(super) fn marks_within(text: &Text, range: Range<usize>) -> Marks {
    parts(text, range).into_iter().fold(Marks::NONE, |all, (_, marks, _)| all.union(marks))
}

/// Returns a part of a text value with its own marks only.
pub(super) fn part(value: &Value, range: Range<usize>) -> Value {
    let Data::Text(text) = &value.data else { return value.clone() };
    if range == (0..text.bytes().len()) {
        return value.clone();
    }
    let mut pieces = Pieces::default();
    pieces.push_part(text, value.marks, range);
    pieces.finish()
}
