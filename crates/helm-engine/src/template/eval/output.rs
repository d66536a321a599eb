//! The output in the making: one buffer for all nested calls, with segments in a fully traced render.

use std::ops::Range;

use super::Got;
use crate::context::Context;
use crate::error::CallError;
use crate::template::format;
use crate::trace::{Marks, Site, Told};
use crate::value::{Data, Segment, Text, Value};

/// What stands for nil in output; Helm deletes it.
pub(super) const NO_VALUE: &[u8] = b"<no value>";

/// A buffer of text with the marks of its pieces.
pub(super) struct Output {
    bytes: Vec<u8>,
    segments: Vec<Segment>,
    /// Where the innermost text of its own began: nothing before it may grow.
    begun: Begun,
    traced: bool,
    /// What printed the bytes of the outermost text; none where nobody asks.
    origins: Option<Vec<Origin>>,
    /// How many texts of their own are in the making.
    nesting: u32,
}

/// A piece of the output and the place of the template that printed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The offset of the byte behind the piece.
    pub(crate) end: usize,
    /// The offset in the template: of the piece's first byte, or of the action.
    pub(crate) offset: usize,
    /// Whether the piece is text of the template, byte for byte.
    pub(crate) is_text: bool,
}

impl Output {
    pub(super) fn new(traced: bool, keeps_origins: bool) -> Self {
        Output {
            bytes: Vec::new(),
            segments: Vec::new(),
            begun: Begun::default(),
            traced,
            origins: keeps_origins.then(Vec::new),
            nesting: 0,
        }
    }

    /// Notes what printed everything behind the last noted piece; nested texts are put down to who asked for them.
    #[inline]
    pub(super) fn note_origin(&mut self, offset: u32, is_text: bool) {
        if let (Some(origins), 1) = (&mut self.origins, self.nesting) {
            let end = self.bytes.len();
            if origins.last().map_or(0, |last| last.end) < end {
                origins.push(Origin { end, offset: offset as usize, is_text });
            }
        }
    }

    /// Returns what printed what.
    pub(super) fn take_origins(&mut self) -> Vec<Origin> {
        self.origins.take().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends text of a template.
    #[inline]
    pub(super) fn push_plain(&mut self, text: &[u8], control: Marks, site: Site) {
        self.bytes.extend_from_slice(text);
        if self.traced {
            self.close_segment(control, Told { data: Marks::NONE, site });
        }
    }

    /// Appends a value as `{{ }}` prints it.
    pub(super) fn push_value(
        &mut self,
        context: &mut Context<'_>,
        got: &Got,
        control: Marks,
        site: Site,
    ) -> Result<(), CallError> {
        let value = &got.value;
        let start = self.bytes.len();
        if value.is_nil() {
            self.bytes.extend_from_slice(NO_VALUE);
        } else if let Data::Object(object) = &value.data {
            let is_addressable = !got.in_interface || object.kind() == "ptr";
            let printed = if is_addressable { object.print_in_place() } else { object.print() };
            self.bytes.extend_from_slice(printed.as_bytes());
        } else {
            format::push_value(&mut self.bytes, context.mode, &context.limits, value)?;
            context.charge((self.bytes.len() - start) as u64 / 64)?;
        }
        if self.traced {
            self.mark_value(context, value, (start, control), site);
        }
        Ok(())
    }

    fn mark_value(
        &mut self,
        context: &Context<'_>,
        value: &Value,
        (start, control): (usize, Marks),
        site: Site,
    ) {
        let marks = value.marks.union(control);
        if self.bytes.len() == start && !marks.is_none() {
            // What prints nothing may print something once it is known, or another.
            let told = Told { data: value.marks, site };
            return self.segments.push(Segment { end: start, marks, told });
        }
        match &value.data {
            Data::Text(text) if !text.segments().is_empty() => {
                self.segments.extend(text.segments().iter().map(|segment| Segment {
                    end: start + segment.end,
                    marks: segment.marks.union(marks),
                    told: segment.told.printed_at(site),
                }));
            }
            _ => {
                let data = crate::trace::whole(context, value);
                self.close_segment(data.union(control), Told { data, site });
            }
        }
    }

    /// Notes what decided that nothing is printed here.
    pub(super) fn push_silence(&mut self, marks: Marks, site: Site) {
        self.segments.push(Segment { end: self.bytes.len(), marks, told: Told { data: Marks::NONE, site } });
    }

    /// Says whether a key or the dash of a list was printed last.
    pub(super) fn awaits_value(&self) -> bool {
        matches!(self.bytes.trim_ascii_end().last(), Some(b':' | b'-'))
    }

    /// Gives everything behind the last segment these marks.
    fn close_segment(&mut self, marks: Marks, told: Told) {
        let end = self.bytes.len();
        match self.segments[self.begun.segments..].last_mut() {
            Some(last) if last.end == end => {}
            Some(last) if last.marks == marks && last.told == told => last.end = end,
            _ if end == self.begun.bytes => {}
            _ => self.segments.push(Segment { end, marks, told }),
        }
    }

    /// Begins a text of its own at the end of the buffer; [`Output::finish`] takes it off again
    /// and wants what this returns.
    pub(super) fn begin(&mut self) -> Begun {
        self.nesting += 1;
        let inner = Begun { bytes: self.bytes.len(), segments: self.segments.len() };
        std::mem::replace(&mut self.begun, inner)
    }

    /// Takes what was written since off the buffer.
    pub(super) fn finish(&mut self, outer: Begun) -> Text {
        self.nesting -= 1;
        let begun = std::mem::replace(&mut self.begun, outer);
        let text = if self.traced {
            let shift = |segment: Segment| Segment { end: segment.end - begun.bytes, ..segment };
            let segments = self.segments.drain(begun.segments..).map(shift).collect();
            Text::with_segments(self.bytes[begun.bytes..].to_vec(), segments)
        } else {
            Text::copy_of(&self.bytes[begun.bytes..])
        };
        self.bytes.truncate(begun.bytes);
        text
    }
}

/// Where a text of its own began.
#[derive(Clone, Copy, Default)]
pub(super) struct Begun {
    bytes: usize,
    segments: usize,
}

/// Deletes every `<no value>`.
pub(super) fn without_no_value(text: Text) -> Text {
    let kept = beside_no_value(text.bytes());
    if kept.is_empty() { text } else { crate::value::pieces_of(&text, kept) }
}

/// Returns the ranges beside every `<no value>`; none at all where there is none.
pub(super) fn beside_no_value(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut kept = Vec::new();
    let mut from = 0;
    // The first byte is rare enough in YAML that looking for it costs less than making a searcher for all.
    for at in memchr::memchr_iter(NO_VALUE[0], bytes) {
        if at >= from && bytes[at..].starts_with(NO_VALUE) {
            kept.extend([from..at, at..at]);
            from = at + NO_VALUE.len();
        }
    }
    if !kept.is_empty() {
        kept.push(from..bytes.len());
    }
    kept
}

/// Returns what printed the given ranges of a text, put together.
pub(crate) fn origins_of_pieces(origins: &[Origin], ranges: &[Range<usize>]) -> Vec<Origin> {
    let (mut pieces, mut length) = (Vec::new(), 0);
    for range in ranges {
        let mut begin = 0;
        for origin in origins {
            let (from, to) = (begin.max(range.start), origin.end.min(range.end));
            if from < to {
                let skipped = if origin.is_text { from - begin } else { 0 };
                let end = length + to - range.start;
                pieces.push(Origin { end, offset: origin.offset + skipped, is_text: origin.is_text });
            }
            begin = origin.end;
        }
        length += range.len();
    }
    pieces
}
