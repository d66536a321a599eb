//! Where in a document the values show that the caller marked: as secret, as late, as unknown.
//!
//! A node shows a marked value if its bytes do. Where a key does, or what is between the nodes of a map or list would
//! have to, the whole map is the place: which keys it has depends on the value.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::reasons::{Bytes, place};
use super::{InputPlace, InputPlaces, Reason};
use crate::manifests::Manifest;
use crate::trace::{Mark, Marks};
use crate::value::Text;
use crate::yaml::{Field, FieldKind};

/// Finds the places of a document.
pub(super) fn of_manifest(manifest: &Manifest, output: &Text) -> InputPlaces {
    let Some(field) = &manifest.fields else { return InputPlaces::default() };
    let bytes = Bytes { segments: output.segments(), offset: manifest.range.start };
    let kinds = bytes.all(&manifest.range).into_iter().fold(BTreeSet::new(), |mut found, marks| {
        found.extend(marks.resolve().iter().filter_map(Kind::of));
        found
    });
    let is_repeated = |marks: &Marks| marks.resolve().iter().any(|mark| matches!(mark, Mark::Repeated(_)));
    let places = |kind: Kind| {
        let mut walk =
            Walk { text: &manifest.text, bytes: &bytes, kind, path: Vec::new(), found: Vec::new() };
        if kinds.contains(&kind) {
            walk.node(field);
        }
        walk.found
    };
    InputPlaces {
        sensitive: places(Kind::Sensitive),
        late: places(Kind::Late),
        unknown: places(Kind::Unknown),
        repeated: bytes.all(&manifest.range).iter().any(is_repeated),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Sensitive,
    Late,
    Unknown,
}

impl Kind {
    fn of(mark: &Mark) -> Option<Kind> {
        match mark {
            Mark::Sensitive(_) => Some(Kind::Sensitive),
            Mark::Late(_) => Some(Kind::Late),
            Mark::Unknown(_) | Mark::Repeated(_) => Some(Kind::Unknown),
            _ => None,
        }
    }
}

struct Walk<'a> {
    text: &'a [u8],
    bytes: &'a Bytes<'a>,
    kind: Kind,
    path: Vec<Arc<str>>,
    found: Vec<InputPlace>,
}

impl Walk<'_> {
    fn node(&mut self, field: &Field) {
        match &field.kind {
            FieldKind::Map(map) if !map.is_empty() => {
                if map.values().any(|value| self.shows(&value.key_span)) {
                    let reasons = self.below(field);
                    return self.add(reasons);
                }
                for (key, value) in map {
                    self.path.push(key.as_str().into());
                    self.node(value);
                    self.path.pop();
                }
            }
            FieldKind::List(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.path.push(index.to_string().into());
                    self.node(item);
                    self.path.pop();
                }
            }
            _ => {
                let reasons = self.reasons(self.bytes.with_empty(&self.room(field)));
                if !reasons.is_empty() {
                    self.add(reasons);
                }
            }
        }
    }

    /// Returns the bytes that a scalar has, with the blanks around it, in which more of it may come to stand.
    fn room(&self, field: &Field) -> Range<usize> {
        let Range { mut start, mut end } = place(self.text, field);
        let is_blank = |byte: &u8| byte.is_ascii_whitespace();
        start -= self.text[..start].iter().rev().take_while(|byte| is_blank(byte)).count();
        end += self.text[end..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        start..end
    }

    fn add(&mut self, reasons: BTreeSet<Reason>) {
        self.found.push(InputPlace { path: self.path.clone(), reasons });
    }

    fn shows(&self, span: &Range<usize>) -> bool {
        !span.is_empty() && !self.reasons(self.bytes.marks(span)).is_empty()
    }

    fn reasons(&self, marks: Marks) -> BTreeSet<Reason> {
        let resolved = marks.resolve();
        resolved.iter().filter(|mark| Kind::of(mark) == Some(self.kind)).map(Reason::of).collect()
    }

    /// Returns what a node and all below it depend on.
    fn below(&self, field: &Field) -> BTreeSet<Reason> {
        let mut found = self.reasons(self.bytes.with_empty(&field.span));
        if !field.key_span.is_empty() {
            found.extend(self.reasons(self.bytes.marks(&field.key_span)));
        }
        match &field.kind {
            FieldKind::Map(map) => map.values().for_each(|value| found.extend(self.below(value))),
            FieldKind::List(items) => items.iter().for_each(|item| found.extend(self.below(item))),
            _ => {}
        }
        found
    }
}
