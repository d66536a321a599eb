//! The nodes of one document as they are written: aliases unresolved, scalars untyped. What Go's decoder starts from.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::ReadError;
use super::parser::{EventKind, Parser};
use super::token::Mark;

/// The number of a node in its document.
pub(super) type Index = u32;

/// No node.
pub(super) const NONE: Index = Index::MAX;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar {
        /// Without quotes and tag, or with the tag `!`: the text decides the type.
        plain: bool,
    },
    Sequence,
    Mapping,
    /// An alias of the node with that number; `NONE` cannot occur.
    Alias(Index),
}

/// A node and its place.
#[derive(Clone, Debug)]
pub(super) struct RawNode<'a> {
    pub(super) kind: Kind,
    /// The text of a scalar, the name of an alias.
    pub(super) text: Cow<'a, str>,
    /// The full tag, by its number in [`Document::tags`]; zero is none.
    pub(super) tag: u16,
    /// The first item, or key, of a collection; its values follow as siblings.
    pub(super) first: Index,
    /// What follows in the same collection.
    pub(super) next: Index,
    /// The first byte.
    pub(super) start: u32,
    /// The byte behind the last one.
    pub(super) end: u32,
    /// The line, from zero.
    pub(super) line: u32,
    /// The column in bytes, from zero.
    pub(super) column: u32,
}

/// A document: its nodes, the first of which is the root.
pub(super) struct Document<'a> {
    pub(super) nodes: Vec<RawNode<'a>>,
    pub(super) tags: Vec<String>,
}

impl<'a> Document<'a> {
    /// Reads the first document of a text; none if the text holds none.
    pub(super) fn compose(parser: &mut Parser<'a>) -> Result<Option<Self>, ReadError> {
        parser.next()?;
        if matches!(parser.next()?.kind, EventKind::StreamEnd) {
            return Ok(None);
        }
        let mut composer = Composer::default();
        while !composer.done {
            composer.add(parser.next()?)?;
        }
        // The token behind the document is looked at, and its mistakes are reported.
        parser.next()?;
        Ok(Some(Document { nodes: composer.nodes, tags: composer.tags }))
    }

    /// Returns a node.
    pub(super) fn node(&self, index: Index) -> &RawNode<'a> {
        &self.nodes[index as usize]
    }

    /// Returns the full tag of a node; empty if none.
    pub(super) fn tag(&self, node: &RawNode<'a>) -> &str {
        match node.tag {
            0 => "",
            number => &self.tags[usize::from(number) - 1],
        }
    }
}

#[derive(Default)]
struct Composer<'a> {
    nodes: Vec<RawNode<'a>>,
    tags: Vec<String>,
    anchors: HashMap<&'a str, Index>,
    /// The open collections, each with its last child.
    open: Vec<(Index, Index)>,
    done: bool,
}

impl<'a> Composer<'a> {
    fn add(&mut self, event: super::parser::Event<'a>) -> Result<(), ReadError> {
        let (kind, text) = match event.kind {
            EventKind::Scalar { text, plain } => (Kind::Scalar { plain }, text),
            EventKind::SequenceStart => (Kind::Sequence, Cow::Borrowed("")),
            EventKind::MappingStart => (Kind::Mapping, Cow::Borrowed("")),
            EventKind::Alias(name) => match self.anchors.get(name) {
                Some(target) => (Kind::Alias(*target), Cow::Borrowed(name)),
                None => return Err(unknown_anchor(name, event.start)),
            },
            EventKind::End => {
                self.close(event.end)?;
                return Ok(());
            }
            _ => return Err(ReadError::new("unknown problem parsing YAML content")),
        };
        let index = small(self.nodes.len())?;
        if let Some(anchor) = event.anchor {
            self.anchors.insert(anchor, index);
        }
        let tag = self.tag_number(event.tag)?;
        self.nodes.push(RawNode {
            kind,
            text,
            tag,
            first: NONE,
            next: NONE,
            start: small(event.start.offset)?,
            end: small(event.end.offset)?,
            line: small(event.start.line)?,
            column: small(event.start.offset - event.start.line_start)?,
        });
        self.link(index);
        match kind {
            Kind::Sequence | Kind::Mapping => self.open.push((index, NONE)),
            _ => self.done = self.open.is_empty(),
        }
        Ok(())
    }

    fn link(&mut self, index: Index) {
        let Some((parent, last)) = self.open.last_mut() else { return };
        if *last == NONE {
            self.nodes[*parent as usize].first = index;
        } else {
            self.nodes[*last as usize].next = index;
        }
        *last = index;
    }

    fn close(&mut self, end: Mark) -> Result<(), ReadError> {
        if let Some((index, last)) = self.open.pop() {
            // Block collections end where their last item does, not at the next token.
            let end = if last == NONE { small(end.offset)? } else { self.nodes[last as usize].end };
            let node = &mut self.nodes[index as usize];
            node.end = node.end.max(end);
        }
        self.done = self.open.is_empty();
        Ok(())
    }

    fn tag_number(&mut self, tag: String) -> Result<u16, ReadError> {
        if tag.is_empty() {
            return Ok(0);
        }
        let at = self.tags.iter().position(|known| *known == tag).unwrap_or_else(|| {
            self.tags.push(tag);
            self.tags.len() - 1
        });
        u16::try_from(at + 1).map_err(|_| ReadError::new("the document uses too many different tags"))
    }
}

fn unknown_anchor(name: &str, mark: Mark) -> ReadError {
    super::scanner::located(0, &format!("unknown anchor '{name}' referenced"), mark)
}

fn small(size: usize) -> Result<u32, ReadError> {
    u32::try_from(size)
        .ok()
        .filter(|size| *size != NONE)
        .ok_or_else(|| ReadError::new("the text is larger than 4 GiB"))
}
