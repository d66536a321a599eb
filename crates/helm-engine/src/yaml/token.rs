//! What the scanner hands to the parser.

use std::borrow::Cow;

/// A place in the text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    /// The byte offset.
    pub(super) offset: usize,
    /// The number of characters before it.
    pub(super) index: usize,
    /// The line, from zero.
    pub(super) line: usize,
    /// The column in characters, from zero.
    pub(super) column: usize,
    /// The byte offset at which the line starts.
    pub(super) line_start: usize,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes.
    Plain,
    /// In quotes, literal or folded: a string whatever its text.
    Marked,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// The tokens of YAML 1.1.
#[derive(Clone, Debug)]
pub(super) enum TokenKind<'a> {
    StreamStart,
    StreamEnd,
    Version { major: u8, minor: u8 },
    TagPrefix { handle: String, prefix: String },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag { handle: String, suffix: String },
    Scalar { text: Cow<'a, str>, style: Style },
}
