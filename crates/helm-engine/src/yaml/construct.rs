//! From written nodes to values, the way `sigs.k8s.io/yaml` gets there: go-yaml v2 decodes into `interface {}`, keys
//! become strings, and the result passes through JSON. What is built is up to a [`Builder`].
//!
//! The walk keeps its own stack, so that depth costs no native stack, and counts nodes like go-yaml to refuse
//! documents that grow by aliases.

use std::borrow::Cow;
use std::collections::{HashSet, VecDeque};

use super::compose::{Document, Index, Kind, NONE, RawNode};
use super::error::ReadError;
use super::go_syntax;
use super::resolve::{PREFIX, Scalar, resolve_tagged};
use crate::number;

/// How deep a value may nest: the limit of Go's JSON decoder.
const MAX_DEPTH: usize = 10_000;

/// What a scalar means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(Cow<'a, str>),
}

/// Makes values of some kind.
pub(super) trait Builder {
    /// What is made.
    type Out;
    /// The entries of a map being read.
    type Entries: Default;

    /// Says whether an entry at the top of a document is of interest; the reader may leave out those that are not.
    fn keeps(&self, _key: &str) -> bool {
        true
    }
    /// Makes a scalar.
    fn scalar(&mut self, node: &RawNode<'_>, content: Content<'_>) -> Self::Out;
    /// Makes a list.
    fn list(&mut self, node: &RawNode<'_>, items: Vec<Self::Out>) -> Self::Out;
    /// Learns of a key whose value comes next; `depth` counts the maps around it, from one.
    fn begin_entry(&mut self, _depth: usize, _key: &str) {}
    /// Learns that the value of an entry is complete.
    fn end_entry(&mut self, _depth: usize) {}
    /// Adds an entry, or replaces the one of the same key.
    fn insert(&mut self, entries: &mut Self::Entries, key_node: &RawNode<'_>, key: &str, value: Self::Out);
    /// Makes a map.
    fn map(&mut self, node: &RawNode<'_>, entries: Self::Entries) -> Self::Out;
}

/// What a second entry of the same key means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// It replaces the first.
    #[default]
    LastWins,
    /// It is a mistake, as for Go's `UnmarshalStrict`.
    Refused,
}

/// Builds the value of a document.
///
/// # Errors
/// Go's messages, without `error converting YAML to JSON: ` before the first kind.
pub(super) fn construct<B: Builder>(
    document: &Document<'_>,
    duplicates: Duplicates,
    builder: &mut B,
) -> Result<B::Out, ReadError> {
    let mut walk = Walk {
        document,
        builder,
        frames: Vec::new(),
        maps: Vec::new(),
        seen: Vec::new(),
        result: None,
        refuse: duplicates == Duplicates::Refused,
        nodes: 1,
        aliased_nodes: 0,
        open_aliases: HashSet::new(),
        duplicate_errors: Vec::new(),
        key_error: None,
        float_error: None,
        depth: 0,
        too_deep: None,
    };
    walk.run().map_err(|error| error.prefixed("error converting YAML to JSON: "))?;
    if let Some(bracket) = walk.too_deep {
        let message = format!("invalid character '{bracket}' exceeded max depth");
        return Err(ReadError::new(format!("error unmarshaling JSON: while decoding JSON: {message}")));
    }
    walk.result.ok_or_else(|| ReadError::new("the document holds no value"))
}

struct Walk<'d, 'a, B: Builder> {
    document: &'d Document<'a>,
    builder: &'d mut B,
    frames: Vec<Frame<'d, B::Out>>,
    maps: Vec<B::Entries>,
    /// The typed keys of each map, kept only where duplicates are refused.
    seen: Vec<HashSet<String>>,
    result: Option<B::Out>,
    refuse: bool,
    nodes: usize,
    aliased_nodes: usize,
    open_aliases: HashSet<Index>,
    duplicate_errors: Vec<String>,
    key_error: Option<ReadError>,
    float_error: Option<ReadError>,
    depth: usize,
    /// The bracket that opened a level too many.
    too_deep: Option<char>,
}

struct Frame<'d, T> {
    node: Index,
    next: Index,
    /// The alias that led here.
    alias: Index,
    kind: FrameKind<'d, T>,
}

enum FrameKind<'d, T> {
    List(Vec<T>),
    /// A map; a merged one adds to the entries of the map around it.
    Map {
        merged: bool,
        key: PendingKey<'d>,
    },
    /// The list behind `<<`, last item first.
    MergeList(VecDeque<Index>),
}

/// The key whose value is being read.
enum PendingKey<'d> {
    None,
    Text(Index, Cow<'d, str>),
    /// A list or map, which go-yaml reads first and refuses then.
    Collection(Index),
}

type Step<T = ()> = Result<T, ReadError>;

impl<'d, B: Builder> Walk<'d, '_, B> {
    fn run(&mut self) -> Step {
        self.start(0)?;
        while let Some(frame) = self.frames.last_mut() {
            match &mut frame.kind {
                FrameKind::MergeList(left) => match left.pop_back() {
                    Some(index) => self.merge_one(index)?,
                    None => self.finish()?,
                },
                _ if frame.next == NONE => self.finish()?,
                FrameKind::List(_) => {
                    let index = frame.next;
                    frame.next = self.document.node(index).next;
                    self.start(index)?;
                }
                FrameKind::Map { .. } => {
                    let key = frame.next;
                    let value = self.document.node(key).next;
                    frame.next = self.document.node(value).next;
                    self.entry(key, value)?;
                }
            }
        }
        if !self.duplicate_errors.is_empty() {
            return Err(yaml_error(format!("unmarshal errors:\n  {}", self.duplicate_errors.join("\n  "))));
        }
        match self.key_error.take().or(self.float_error.take()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Counts a node and refuses a document most of which comes from aliases.
    fn count(&mut self) -> Step {
        self.nodes += 1;
        if !self.open_aliases.is_empty() {
            self.aliased_nodes += 1;
        }
        if self.aliased_nodes <= 100 || self.nodes <= 1000 {
            return Ok(());
        }
        let share = self.aliased_nodes as f64 / self.nodes as f64;
        if share > allowed_alias_share(self.nodes) {
            return Err(yaml_error("document contains excessive aliasing".to_owned()));
        }
        Ok(())
    }

    /// Returns the node behind an alias, and the alias, which is open from now on.
    fn follow(&mut self, index: Index) -> Step<(Index, Index)> {
        self.count()?;
        let Kind::Alias(target) = self.document.node(index).kind else {
            return Ok((index, NONE));
        };
        if !self.open_aliases.insert(index) {
            let name = &self.document.node(index).text;
            return Err(yaml_error(format!("anchor '{name}' value contains itself")));
        }
        self.count()?;
        Ok((target, index))
    }

    fn start(&mut self, index: Index) -> Step {
        let (index, alias) = self.follow(index)?;
        let node = self.document.node(index);
        if !matches!(node.kind, Kind::Scalar { .. }) {
            return self.open(index, alias);
        }
        let content = scalar_content(self.document, index)?;
        if let Content::Float(value) = content
            && !value.is_finite()
        {
            let value = number::format_g(value);
            self.float_error.get_or_insert(placed(format!("json: unsupported value: {value}"), node));
        }
        let value = self.builder.scalar(node, content);
        self.close_alias(alias);
        self.deliver(value)
    }

    fn close_alias(&mut self, alias: Index) {
        if alias != NONE {
            self.open_aliases.remove(&alias);
        }
    }

    fn open(&mut self, index: Index, alias: Index) -> Step {
        self.depth += 1;
        let node = self.document.node(index);
        if self.depth > MAX_DEPTH {
            self.too_deep.get_or_insert(if node.kind == Kind::Sequence { '[' } else { '{' });
        }
        let kind = if node.kind == Kind::Sequence {
            FrameKind::List(Vec::new())
        } else {
            self.maps.push(B::Entries::default());
            if self.refuse {
                self.seen.push(HashSet::new());
            }
            FrameKind::Map { merged: false, key: PendingKey::None }
        };
        self.frames.push(Frame { node: index, next: node.first, alias, kind });
        Ok(())
    }

    fn finish(&mut self) -> Step {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.close_alias(frame.alias);
        let node = self.document.node(frame.node);
        let value = match frame.kind {
            FrameKind::List(items) => self.builder.list(node, items),
            FrameKind::Map { merged: false, .. } => {
                self.seen.pop();
                let entries = self.maps.pop().unwrap_or_default();
                self.builder.map(node, entries)
            }
            FrameKind::Map { .. } | FrameKind::MergeList(_) => return Ok(()),
        };
        self.depth -= 1;
        self.deliver(value)
    }

    fn deliver(&mut self, value: B::Out) -> Step {
        match self.frames.last_mut() {
            None => self.result = Some(value),
            Some(Frame { kind: FrameKind::List(items), .. }) => items.push(value),
            Some(Frame { kind: FrameKind::Map { key, .. }, .. }) => {
                match (std::mem::replace(key, PendingKey::None), self.maps.last_mut()) {
                    (PendingKey::Text(node, key), Some(entries)) => {
                        self.builder.insert(entries, self.document.node(node), &key, value);
                        self.builder.end_entry(self.maps.len());
                    }
                    (PendingKey::Collection(node), _) => {
                        let shown = go_syntax::format(self.document, node, false);
                        let message = format!("yaml: invalid map key: {shown}");
                        return Err(placed(message, self.document.node(node)));
                    }
                    _ => {}
                }
            }
            Some(Frame { kind: FrameKind::MergeList(_), .. }) => {}
        }
        Ok(())
    }

    fn entry(&mut self, key: Index, value: Index) -> Step {
        if self.is_merge(key) {
            return self.merge(value);
        }
        let (target, alias) = self.follow(key)?;
        let node = self.document.node(target);
        if !matches!(node.kind, Kind::Scalar { .. }) {
            self.set_key(PendingKey::Collection(target));
            return self.open(target, alias);
        }
        let content = scalar_content(self.document, target)?;
        self.close_alias(alias);
        if self.refuse {
            self.refuse_duplicate(&content, value);
        }
        let text = self.key_text(content, key, value);
        self.builder.begin_entry(self.maps.len(), &text);
        self.set_key(PendingKey::Text(key, text));
        self.start(value)
    }

    fn set_key(&mut self, key: PendingKey<'d>) {
        if let Some(Frame { kind: FrameKind::Map { key: pending, .. }, .. }) = self.frames.last_mut() {
            *pending = key;
        }
    }

    /// Returns the key as `sigs.k8s.io/yaml` turns it into a string; remembers the first one it cannot turn.
    fn key_text(&mut self, content: Content<'d>, key: Index, value: Index) -> Cow<'d, str> {
        let document = self.document;
        let unsupported = |go_type: &str, shown: &str| {
            let value = go_syntax::format(document, value, true);
            let message = format!("unsupported map key of type: {go_type}, key: {shown}, value: {value}");
            placed(message, document.node(key))
        };
        let error = match content {
            Content::Text(text) => return text,
            Content::Bool(value) => return value.to_string().into(),
            Content::Int(value) => return value.to_string().into(),
            Content::Float(value) => {
                let text = number::format_g_32(value);
                return match text.as_str() {
                    "+Inf" => ".inf".into(),
                    "-Inf" => "-.inf".into(),
                    "NaN" => ".nan".into(),
                    _ => text.into(),
                };
            }
            Content::Uint(value) => unsupported("uint64", &format!("{value:#x}")),
            Content::Null => unsupported("%!s(<nil>)", "<nil>"),
        };
        self.key_error.get_or_insert(error);
        Cow::Borrowed("")
    }

    fn refuse_duplicate(&mut self, key: &Content<'_>, value: Index) {
        let shown = go_syntax::format_scalar(key);
        // A float and an integer may look the same.
        let kind = if matches!(key, Content::Float(_)) { 'f' } else { 'k' };
        let fresh = self.seen.last_mut().is_none_or(|seen| seen.insert(format!("{kind}{shown}")));
        if !fresh {
            let line = self.document.node(value).line + 1;
            self.duplicate_errors.push(format!("line {line}: key {shown} already set in map"));
        }
    }

    fn is_merge(&self, key: Index) -> bool {
        let node = self.document.node(key);
        match node.kind {
            Kind::Scalar { plain } if node.text == "<<" => {
                plain || self.document.tag(node).strip_prefix(PREFIX) == Some("merge")
            }
            _ => false,
        }
    }

    fn merge(&mut self, value: Index) -> Step {
        let node = self.document.node(value);
        if node.kind != Kind::Sequence {
            return self.merge_one(value);
        }
        let mut items = VecDeque::new();
        let mut next = node.first;
        while next != NONE {
            items.push_back(next);
            next = self.document.node(next).next;
        }
        self.frames.push(Frame { node: value, next: NONE, alias: NONE, kind: FrameKind::MergeList(items) });
        Ok(())
    }

    fn merge_one(&mut self, index: Index) -> Step {
        let node = self.document.node(index);
        let target = match node.kind {
            Kind::Alias(target) => target,
            _ => index,
        };
        if self.document.node(target).kind != Kind::Mapping {
            return Err(placed(
                "yaml: map merge requires map or sequence of maps as the value".to_owned(),
                node,
            ));
        }
        let (index, alias) = self.follow(index)?;
        let kind = FrameKind::Map { merged: true, key: PendingKey::None };
        self.frames.push(Frame { node: index, next: self.document.node(index).first, alias, kind });
        Ok(())
    }
}

/// Returns what a scalar node means.
pub(super) fn scalar_content<'d>(document: &'d Document<'_>, index: Index) -> Result<Content<'d>, ReadError> {
    let node = document.node(index);
    let tag = document.tag(node);
    let text = Cow::Borrowed(&*node.text);
    if tag.is_empty() && !matches!(node.kind, Kind::Scalar { plain: true }) {
        return Ok(Content::Text(text));
    }
    if tag.strip_prefix(PREFIX) == Some("binary") {
        return decode_binary(&text)
            .map(|text| Content::Text(Cow::Owned(text)))
            .ok_or_else(|| placed("yaml: !!binary value contains invalid base64 data".to_owned(), node));
    }
    match resolve_tagged(tag, &text) {
        Ok(Scalar::Null) => Ok(Content::Null),
        Ok(Scalar::Bool(value)) => Ok(Content::Bool(value)),
        Ok(Scalar::Int(value)) => Ok(Content::Int(value)),
        Ok(Scalar::Uint(value)) => Ok(Content::Uint(value)),
        Ok(Scalar::Float(value)) => Ok(Content::Float(value)),
        Ok(Scalar::Text | Scalar::Timestamp) => Ok(Content::Text(text)),
        Err(message) => Err(placed(format!("yaml: {message}"), node)),
    }
}

/// Decodes base64 as Go does, line breaks allowed; JSON replaces what is not UTF-8, byte by byte.
fn decode_binary(text: &str) -> Option<String> {
    use base64::Engine;
    let compact: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(compact).ok()?;
    Some(crate::json::replace_invalid_utf8(&bytes).into_owned())
}

fn allowed_alias_share(nodes: usize) -> f64 {
    const LOW: f64 = 400_000.0;
    const HIGH: f64 = 4_000_000.0;
    let nodes = nodes as f64;
    if nodes <= LOW {
        0.99
    } else if nodes >= HIGH {
        0.10
    } else {
        0.99 - 0.89 * ((nodes - LOW) / (HIGH - LOW))
    }
}

fn yaml_error(message: String) -> ReadError {
    ReadError::new(message).prefixed("yaml: ")
}

fn placed(message: String, node: &RawNode<'_>) -> ReadError {
    ReadError { message, line: node.line + 1, column: node.column + 1 }
}
