//! The output in the making: one buffer for all nested calls, with segments in a fully traced render.

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
}

impl Output {
    pub(super) fn new(traced: bool) -> Self {
        Output { bytes: Vec::new(), segments: Vec::new(), begun: Begun::default(), traced }
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
        value: &Value,
        control: Marks,
        site: Site,
    ) -> Result<(), CallError> {
        let start = self.bytes.len();
        if value.is_nil() {
            self.bytes.extend_from_slice(NO_VALUE);
        } else if let Data::Object(object) = &value.data {
            self.bytes.extend_from_slice(object.print_in_place().as_bytes());
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
        if self.bytes.len() == start && marks.is_input() {
            // What prints nothing may print something once it is known.
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
        let inner = Begun { bytes: self.bytes.len(), segments: self.segments.len() };
        std::mem::replace(&mut self.begun, inner)
    }

    /// Takes what was written since off the buffer.
    pub(super) fn finish(&mut self, outer: Begun) -> Text {
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
    let bytes = text.bytes();
    let mut kept = Vec::new();
    let mut from = 0;
    for at in memchr::memmem::find_iter(bytes, NO_VALUE) {
        kept.push(from..at);
        from = at + NO_VALUE.len();
    }
    if kept.is_empty() {
        return text;
    }
    kept.push(from..bytes.len());
    crate::value::pieces_of(&text, kept)
}
