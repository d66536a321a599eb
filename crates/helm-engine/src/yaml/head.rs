//! The head of a rendered document as fields: everything is read and refused as in [`super::read_with_spans`], but only
//! what Helm looks at is built.

use super::compose::RawNode;
use super::construct::{Builder, Content};
use super::spans::{Field, FieldBuilder};
use std::collections::BTreeMap;

/// The keys at the top of a document that Helm looks at, in any case of their letters.
const WANTED: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Builds [`Field`]s below the wanted keys.
#[derive(Default)]
pub(super) struct HeadBuilder {
    /// Whether what is read belongs to an entry at the top that nobody looks at.
    skips: bool,
}

/// A field that was built, or none of interest.
pub(super) type HeadField = Option<Box<Field>>;

impl Builder for HeadBuilder {
    type Out = HeadField;
    type Entries = BTreeMap<String, Field>;

    fn keeps(&self, key: &str) -> bool {
        WANTED.iter().any(|wanted| wanted.eq_ignore_ascii_case(key))
    }

    fn scalar(&mut self, node: &RawNode<'_>, content: Content<'_>) -> HeadField {
        if self.skips { None } else { Some(Box::new(FieldBuilder.scalar(node, content))) }
    }

    fn list(&mut self, node: &RawNode<'_>, items: Vec<HeadField>) -> HeadField {
        if self.skips {
            return None;
        }
        let items = items.into_iter().flatten().map(|item| *item).collect();
        Some(Box::new(FieldBuilder.list(node, items)))
    }

    fn begin_entry(&mut self, depth: usize, key: &str) {
        if depth == 1 {
            self.skips = !self.keeps(key);
        }
    }

    fn end_entry(&mut self, depth: usize) {
        self.skips &= depth != 1;
    }

    fn insert(&mut self, entries: &mut Self::Entries, key_node: &RawNode<'_>, key: &str, value: HeadField) {
        if let Some(value) = value {
            FieldBuilder.insert(entries, key_node, key, *value);
        }
    }

    fn map(&mut self, node: &RawNode<'_>, entries: Self::Entries) -> HeadField {
        if self.skips { None } else { Some(Box::new(FieldBuilder.map(node, entries))) }
    }
}
