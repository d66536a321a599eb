//! The answers of a traced render, detached from the thread that made them.

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use crate::chart::Unit;
use crate::manifests::Manifest;
use crate::template::TPL_NAME;
use crate::trace::{Mark, Marks, Site, Step, StepKind, key_path};
use crate::value::{Segment, Text};
use crate::yaml::{Field, FieldKind};

/// Something that a field depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The value at this path.
    Value(Arc<str>),
    /// The keys or the length of the map or list at this path, or its absence.
    Shape(Arc<str>),
    /// A value that the caller marked as not known yet, by path.
    Unknown(Arc<str>),
    /// A condition on such a value, by the value's path.
    Undecided(Arc<str>),
    /// A value that the caller marked as late, by path.
    Late(Arc<str>),
    /// A value that the caller marked as secret, by path.
    Sensitive(Arc<str>),
    /// The seeded random source or the clock, by the function's name.
    Generated(&'static str),
    /// A fact of the release, the chart or the cluster, such as `Release.Name`.
    Fact(Arc<str>),
    /// A file of the chart, by path.
    File(Arc<str>),
}

impl Reason {
    pub(super) fn of(mark: &Mark) -> Reason {
        let shared = |path: &Rc<str>| Arc::from(&**path);
        match mark {
            Mark::Value(path) => Reason::Value(shared(path)),
            Mark::Shape(path) => Reason::Shape(shared(path)),
            Mark::Unknown(path) => Reason::Unknown(shared(path)),
            Mark::Undecided(path) | Mark::Repeated(path) => Reason::Undecided(shared(path)),
            Mark::Late(path) => Reason::Late(shared(path)),
            Mark::Sensitive(path) => Reason::Sensitive(shared(path)),
            Mark::Generated(name) => Reason::Generated(name),
            Mark::Fact(name) => Reason::Fact(shared(name)),
            Mark::File(path) => Reason::File(shared(path)),
        }
    }

    pub(super) fn all(marks: Marks) -> BTreeSet<Reason> {
        marks.resolve().iter().map(Reason::of).collect()
    }
}

/// What decided one field of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldReasons {
    /// The way to the field: keys and list indexes.
    pub path: Vec<Arc<str>>,
    /// What its key and value depend on.
    pub reasons: BTreeSet<Reason>,
    /// Those of the reasons that its text comes from; the others decided that it is there. Empty unless the request asked
    /// for steps.
    pub data: BTreeSet<Reason>,
    /// What the templates did to write its value, in the order in which they did it. Empty unless the request asked for
    /// steps.
    pub steps: Vec<TemplateStep>,
}

/// What a template did at one of its lines for a field to be what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateStep {
    /// The template, with the chart's full path before it.
    pub template: Arc<str>,
    /// The line, from one.
    pub line: u32,
    /// The line's text, without the blanks around it.
    pub text: Arc<str>,
    /// What it did.
    pub kind: StepKind,
    /// What a condition depended on.
    pub reasons: BTreeSet<Reason>,
}

impl TemplateStep {
    /// None for a step in a text given to `tpl`: the step around it is the one to look at.
    fn of(step: &Step) -> Option<Self> {
        let text = &step.source.text;
        let before = text.get(..step.offset).filter(|_| *step.source.name != *TPL_NAME)?;
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |at| start + at);
        Some(TemplateStep {
            template: Arc::clone(&step.source.name),
            line: u32::try_from(memchr::memchr_iter(b'\n', before).count() + 1).unwrap_or_default(),
            text: String::from_utf8_lossy(&text[start..end]).trim().into(),
            kind: step.kind,
            reasons: Reason::all(step.marks),
        })
    }
}

/// A condition on values that are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// Names it in [`crate::request::Request::outcomes`].
    pub key: String,
    /// The template it stands in.
    pub template: String,
    /// Its line, from one.
    pub line: u32,
    /// The unknown values that it asks about, by path.
    pub paths: BTreeSet<Arc<str>>,
    /// How it was taken; both ways where it was met more than once.
    pub outcomes: BTreeSet<bool>,
    /// Which number it had among those met.
    pub order: usize,
}

/// A node of a document that depends on values that the caller marked: the smallest that holds all that depends on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputPlace {
    /// The way to the node: keys and list indexes.
    pub path: Vec<Arc<str>>,
    /// The marked values.
    pub reasons: BTreeSet<Reason>,
}

/// The nodes of a document that depend on values that the caller marked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InputPlaces {
    /// Those that depend on secret values.
    pub sensitive: Vec<InputPlace>,
    /// Those that are made of late values.
    pub late: Vec<InputPlace>,
    /// Those that are made of unknown values, or repeated by one.
    pub unknown: Vec<InputPlace>,
    /// Whether an unknown value says how often something is in the document.
    pub repeated: bool,
}

/// What one template read, includes and `tpl` included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateReads {
    /// The template, with the chart's full path before it.
    pub template: String,
    /// What it read; a change outside of this set leaves its output as it is.
    pub reads: BTreeSet<Reason>,
}

/// Where the output of a render came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceReport {
    /// For each template that ran, what it read. Empty unless the request asked for reads.
    pub templates: Vec<TemplateReads>,
    /// What decided which subcharts take part, and with it which templates there are: conditions and tags.
    pub subcharts: BTreeSet<Reason>,
    /// For each manifest, in order, what decided its fields. Empty unless the request asked for everything.
    pub manifests: Vec<Vec<FieldReasons>>,
    /// The same for hooks.
    pub hooks: Vec<Vec<FieldReasons>>,
    /// For each manifest, in order, where the values show that the caller marked. Empty as `manifests`.
    pub manifest_inputs: Vec<InputPlaces>,
    /// The same for hooks.
    pub hook_inputs: Vec<InputPlaces>,
    /// The conditions that the render met and that are not decided yet.
    pub undecided: Vec<Undecided>,
}

/// Tells of every leaf of a document what its bytes depend on.
pub(super) fn of_manifest(manifest: &Manifest, output: &Text) -> Vec<FieldReasons> {
    let mut found = Vec::new();
    if let Some(field) = &manifest.fields {
        let bytes = Bytes { segments: output.segments(), offset: manifest.range.start };
        let document = (&manifest.text[..], &bytes);
        collect(field, document, &mut Vec::new(), Marks::NONE, &mut found);
    }
    found
}

/// Returns the values that switch subcharts on and off; `prefix` is the chart's path in the values.
pub(super) fn switches_of(chart: &Unit, prefix: &str) -> Marks {
    let mut found = Marks::NONE;
    for dependency in chart.metadata.dependencies.iter().flatten() {
        for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            found = found.union(Marks::one(Mark::Value(format!("{prefix}{condition}").into())));
        }
        for tag in &dependency.tags {
            found = found.union(Marks::one(Mark::Value(key_path("tags", tag.as_bytes()))));
        }
        let prefix = format!("{prefix}{}.", dependency.effective_name());
        let named = chart.dependencies.iter().filter(|unit| unit.metadata.name == dependency.name);
        found = named.fold(found, |found, unit| found.union(switches_of(unit, &prefix)));
    }
    found
}

/// The bytes of a document in the output of its template.
pub(super) struct Bytes<'a> {
    pub(super) segments: &'a [Segment],
    pub(super) offset: usize,
}

impl Bytes<'_> {
    /// Returns the different sets of marks in a range of the output.
    pub(super) fn all(&self, range: &Range<usize>) -> Vec<Marks> {
        let mut start = 0;
        let mut found: Vec<Marks> = Vec::new();
        for segment in self.segments {
            if segment.end >= range.start && start <= range.end && !found.contains(&segment.marks) {
                found.push(segment.marks);
            }
            start = segment.end;
        }
        found
    }

    /// Returns the marks of a range of the document, and of what prints nothing at its edges.
    pub(super) fn marks(&self, span: &Range<usize>) -> Marks {
        self.within(span).fold(Marks::NONE, |all, segment| all.union(segment.marks))
    }

    fn data(&self, span: &Range<usize>) -> Marks {
        self.within(span).fold(Marks::NONE, |all, segment| all.union(segment.told.data))
    }

    /// Returns the marks of a range of the document, and of what prints nothing in it or at its edges.
    pub(super) fn with_empty(&self, span: &Range<usize>) -> Marks {
        let (start, end) = (span.start + self.offset, span.end + self.offset);
        let first = self.segments.partition_point(|segment| segment.end < start);
        let near = self.segments[first..].iter().take_while(|segment| segment.end <= end).enumerate();
        let begin = |at: usize| (first + at).checked_sub(1).map_or(0, |before| self.segments[before].end);
        let empty = near.filter(|(at, segment)| begin(*at) == segment.end);
        empty.fold(self.marks(span), |marks, (_, segment)| marks.union(segment.marks))
    }

    /// Returns the segments that overlap a range of the document, and those that print nothing at its edges.
    fn within(&self, span: &Range<usize>) -> impl Iterator<Item = &Segment> {
        let (start, end) = (span.start + self.offset, span.end + self.offset);
        let first = self.segments.partition_point(|segment| segment.end <= start);
        let mut begin = first.checked_sub(1).map_or(0, |before| self.segments[before].end);
        self.segments[first..].iter().take_while(move |segment| {
            let is_within = begin < end || begin <= start;
            begin = segment.end;
            is_within
        })
    }

    /// Says whether steps were asked for.
    fn tell_steps(&self, span: &Range<usize>) -> bool {
        self.within(span).any(|segment| segment.told.site != Site::NONE)
    }

    fn steps(&self, span: &Range<usize>) -> Vec<TemplateStep> {
        let mut sites: Vec<Site> = Vec::new();
        for segment in self.within(span) {
            if !sites.contains(&segment.told.site) {
                sites.push(segment.told.site);
            }
        }
        let mut steps: Vec<TemplateStep> = Vec::new();
        for step in sites.into_iter().flat_map(Site::steps).filter_map(|step| TemplateStep::of(&step)) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        steps
    }
}

/// Returns the bytes that a scalar has; of one that is left out, those behind its key.
pub(super) fn place(text: &[u8], field: &Field) -> Range<usize> {
    if !field.span.is_empty() || field.key_span.is_empty() {
        return field.span.clone();
    }
    let start = field.key_span.end;
    start..start + text[start..].iter().take_while(|byte| **byte == b':').count()
}

/// Returns the bytes in which, if anything more were printed there, it would be part of the scalar.
fn room(text: &[u8], field: &Field) -> Range<usize> {
    let Range { start, mut end } = place(text, field);
    if field.span.is_empty() {
        end += text[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    }
    start..end
}

fn collect(
    field: &Field,
    (text, bytes): (&[u8], &Bytes<'_>),
    path: &mut Vec<Arc<str>>,
    above: Marks,
    found: &mut Vec<FieldReasons>,
) {
    let key = if field.key_span.is_empty() { Marks::NONE } else { bytes.marks(&field.key_span) };
    let above = above.union(key);
    match &field.kind {
        FieldKind::Map(map) if !map.is_empty() => {
            for (key, value) in map {
                path.push(key.as_str().into());
                collect(value, (text, bytes), path, above, found);
                path.pop();
            }
        }
        FieldKind::List(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string().into());
                collect(item, (text, bytes), path, above, found);
                path.pop();
            }
        }
        _ => {
            let marks = above.union(bytes.with_empty(&room(text, field)));
            let (mut data, mut steps) = (Marks::NONE, Vec::new());
            if bytes.tell_steps(&field.span) {
                let key_data =
                    if field.key_span.is_empty() { Marks::NONE } else { bytes.data(&field.key_span) };
                data = bytes.data(&field.span).union(key_data);
                let shown = if field.span.is_empty() { &field.key_span } else { &field.span };
                steps = bytes.steps(shown);
            }
            let (reasons, data) = (Reason::all(marks), Reason::all(data));
            found.push(FieldReasons { path: path.clone(), reasons, data, steps });
        }
    }
}
