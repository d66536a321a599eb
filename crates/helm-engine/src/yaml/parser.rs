//! From tokens to events: the grammar of YAML 1.1 as a machine with an explicit stack of states, so that depth costs
//! no native stack.

use std::borrow::Cow;

use super::error::ReadError;
use super::scanner::{Scanner, located};
use super::token::{Mark, Style, TokenKind};

/// What a document consists of, in order.
#[derive(Clone, Debug)]
pub(super) enum EventKind<'a> {
    StreamStart,
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(&'a str),
    Scalar {
        text: Cow<'a, str>,
        plain: bool,
    },
    SequenceStart,
    MappingStart,
    /// The end of a sequence or mapping.
    End,
}

/// An event with its properties and place.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    pub(super) kind: EventKind<'a>,
    pub(super) anchor: Option<&'a str>,
    /// The full tag; empty if none is given.
    pub(super) tag: String,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    StreamStart,
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    SequenceEntry { first: bool },
    IndentlessEntry,
    MappingKey { first: bool },
    MappingValue,
    FlowSequenceEntry { first: bool },
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey { first: bool },
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// What a node may be at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Block,
    BlockOrIndentless,
    Flow,
}

type Parse<T> = Result<T, ReadError>;

/// The parser of one text.
pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    state: State,
    states: Vec<State>,
    marks: Vec<Mark>,
    tag_prefixes: Vec<(String, String)>,
}

impl<'a> Parser<'a> {
    /// Starts at the beginning of a scanner's text.
    pub(super) fn new(scanner: Scanner<'a>) -> Self {
        Parser {
            scanner,
            state: State::StreamStart,
            states: Vec::new(),
            marks: Vec::new(),
            tag_prefixes: Vec::new(),
        }
    }

    /// Returns the next event; after the end of the stream, that end again.
    pub(super) fn next(&mut self) -> Parse<Event<'a>> {
        match self.state {
            State::StreamStart => {
                let token = self.scanner.take()?;
                self.state = State::ImplicitDocumentStart;
                Ok(event(EventKind::StreamStart, token.start, token.end))
            }
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Allowed::Block),
            State::SequenceEntry { first } => self.sequence_entry(first),
            State::IndentlessEntry => self.indentless_entry(),
            State::MappingKey { first } => self.mapping_key(first),
            State::MappingValue => self.mapping_value(),
            State::FlowSequenceEntry { first } => self.flow_sequence_entry(first),
            State::FlowPairKey => self.flow_pair_key(),
            State::FlowPairValue => self.flow_pair_value(),
            State::FlowPairEnd => self.flow_pair_end(),
            State::FlowMappingKey { first } => self.flow_mapping_key(first),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => {
                let mark = self.scanner.peek()?.start;
                self.state = State::FlowMappingKey { first: false };
                Ok(empty_scalar(mark))
            }
            State::End => Ok(event(EventKind::StreamEnd, Mark::default(), Mark::default())),
        }
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn node_then(&mut self, state: State, allowed: Allowed) -> Parse<Event<'a>> {
        self.states.push(state);
        self.node(allowed)
    }

    fn empty_then(&mut self, state: State, mark: Mark) -> Parse<Event<'a>> {
        self.state = state;
        Ok(empty_scalar(mark))
    }

    /// Makes an error of the grammar inside the innermost collection.
    fn collection_error(&mut self, problem: &str) -> ReadError {
        let context = self.marks.pop().unwrap_or_default();
        match self.scanner.peek() {
            Ok(token) => parse_error(context, problem, token.start),
            Err(error) => error,
        }
    }

    fn end_collection(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.take()?;
        self.pop_state();
        self.marks.pop();
        Ok(event(EventKind::End, token.start, token.end))
    }

    fn start_collection(&mut self) -> Parse<()> {
        let token = self.scanner.take()?;
        self.marks.push(token.start);
        Ok(())
    }

    fn document_start(&mut self, implicit: bool) -> Parse<Event<'a>> {
        if !implicit {
            while matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
                self.scanner.take()?;
            }
        }
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                self.scanner.take()?;
                return Ok(event(EventKind::StreamEnd, start, end));
            }
            TokenKind::Version { .. } | TokenKind::TagPrefix { .. } | TokenKind::DocumentStart => {}
            _ if implicit => {
                self.directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                return Ok(event(EventKind::DocumentStart, start, end));
            }
            _ => {}
        }
        self.directives()?;
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            return Err(parse_error(Mark::default(), "did not find expected <document start>", token.start));
        }
        let token = self.scanner.take()?;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(event(EventKind::DocumentStart, start, token.end))
    }

    fn document_content(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Version { .. }
            | TokenKind::TagPrefix { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let mark = token.start;
                self.pop_state();
                Ok(empty_scalar(mark))
            }
            _ => self.node(Allowed::Block),
        }
    }

    fn document_end(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let (start, mut end) = (token.start, token.start);
        if matches!(token.kind, TokenKind::DocumentEnd) {
            end = self.scanner.take()?.end;
        }
        self.tag_prefixes.clear();
        self.state = State::DocumentStart;
        Ok(event(EventKind::DocumentEnd, start, end))
    }

    fn directives(&mut self) -> Parse<()> {
        let mut version_seen = false;
        loop {
            let token = self.scanner.peek()?;
            let mark = token.start;
            let error = |problem| Err(parse_error(Mark::default(), problem, mark));
            match &token.kind {
                TokenKind::Version { .. } if version_seen => return error("found duplicate %YAML directive"),
                TokenKind::Version { major: 1, minor: 1 } => version_seen = true,
                TokenKind::Version { .. } => return error("found incompatible YAML document"),
                TokenKind::TagPrefix { handle, prefix } => {
                    if self.tag_prefixes.iter().any(|(known, _)| known == handle) {
                        return error("found duplicate %TAG directive");
                    }
                    self.tag_prefixes.push((handle.clone(), prefix.clone()));
                }
                _ => break,
            }
            self.scanner.take()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if self.tag_prefixes.iter().all(|(known, _)| known != handle) {
                self.tag_prefixes.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    fn node(&mut self, allowed: Allowed) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let (start, mut end) = (token.start, token.start);
        if let TokenKind::Alias(name) = token.kind {
            let token = self.scanner.take()?;
            self.pop_state();
            return Ok(event(EventKind::Alias(name), token.start, token.end));
        }
        let (anchor, tag) = self.properties(start, &mut end)?;
        let token = self.scanner.peek()?;
        let token_end = token.end;
        let made = |kind, end| Ok(Event { kind, anchor, tag: tag.clone().unwrap_or_default(), start, end });
        let block = allowed != Allowed::Flow;
        let (state, kind) = match &token.kind {
            TokenKind::BlockEntry if allowed == Allowed::BlockOrIndentless => {
                (State::IndentlessEntry, EventKind::SequenceStart)
            }
            TokenKind::Scalar { style, .. } => {
                let plain = match tag.as_deref() {
                    None | Some("") => *style == Style::Plain,
                    Some(tag) => tag == "!",
                };
                self.pop_state();
                let TokenKind::Scalar { text, .. } = self.scanner.take()?.kind else {
                    return Err(ReadError::new("unknown problem parsing YAML content"));
                };
                return made(EventKind::Scalar { text, plain }, token_end);
            }
            TokenKind::FlowSequenceStart => {
                (State::FlowSequenceEntry { first: true }, EventKind::SequenceStart)
            }
            TokenKind::FlowMappingStart => (State::FlowMappingKey { first: true }, EventKind::MappingStart),
            TokenKind::BlockSequenceStart if block => {
                (State::SequenceEntry { first: true }, EventKind::SequenceStart)
            }
            TokenKind::BlockMappingStart if block => {
                (State::MappingKey { first: true }, EventKind::MappingStart)
            }
            _ if anchor.is_some() || tag.as_deref().is_some_and(|tag| !tag.is_empty()) => {
                let plain = tag.as_deref().unwrap_or_default().is_empty();
                self.pop_state();
                return made(EventKind::Scalar { text: Cow::Borrowed(""), plain }, end);
            }
            _ => return Err(parse_error(start, "did not find expected node content", token.start)),
        };
        self.state = state;
        made(kind, token_end)
    }

    /// Takes the anchor and tag before a node, in either order.
    fn properties(&mut self, start: Mark, end: &mut Mark) -> Parse<(Option<&'a str>, Option<String>)> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            let token = self.scanner.peek()?;
            match &token.kind {
                TokenKind::Anchor(name) if anchor.is_none() => anchor = Some(*name),
                TokenKind::Tag { handle, suffix } if tag.is_none() => {
                    tag = Some((handle.clone(), suffix.clone(), token.start));
                }
                _ => break,
            }
            *end = token.end;
            self.scanner.take()?;
        }
        let Some((handle, suffix, mark)) = tag else {
            return Ok((anchor, None));
        };
        if handle.is_empty() {
            return Ok((anchor, Some(suffix)));
        }
        match self.tag_prefixes.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => Ok((anchor, Some(format!("{prefix}{suffix}")))),
            None => Err(parse_error(start, "found undefined tag handle", mark)),
        }
    }

    fn sequence_entry(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.start_collection()?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry => {
                let mark = self.scanner.take()?.end;
                let next = State::SequenceEntry { first: false };
                match self.scanner.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => self.empty_then(next, mark),
                    _ => self.node_then(next, Allowed::Block),
                }
            }
            TokenKind::BlockEnd => self.end_collection(),
            _ => Err(self.collection_error("did not find expected '-' indicator")),
        }
    }

    fn indentless_entry(&mut self) -> Parse<Event<'a>> {
        let token = self.scanner.peek()?;
        let start = token.start;
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(event(EventKind::End, start, start));
        }
        let mark = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                self.empty_then(State::IndentlessEntry, mark)
            }
            _ => self.node_then(State::IndentlessEntry, Allowed::Block),
        }
    }

    fn mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.start_collection()?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::Key => {
                let mark = self.scanner.take()?.end;
                match self.scanner.peek()?.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                        self.empty_then(State::MappingValue, mark)
                    }
                    _ => self.node_then(State::MappingValue, Allowed::BlockOrIndentless),
                }
            }
            TokenKind::BlockEnd => self.end_collection(),
            _ => Err(self.collection_error("did not find expected key")),
        }
    }

    fn mapping_value(&mut self) -> Parse<Event<'a>> {
        let next = State::MappingKey { first: false };
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::Value) {
            let mark = token.start;
            return self.empty_then(next, mark);
        }
        let mark = self.scanner.take()?.end;
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => self.empty_then(next, mark),
            _ => self.node_then(next, Allowed::BlockOrIndentless),
        }
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.start_collection()?;
        }
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowSequenceEnd) {
            if !first {
                if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
                    return Err(self.collection_error("did not find expected ',' or ']'"));
                }
                self.scanner.take()?;
            }
            match self.scanner.peek()?.kind {
                TokenKind::Key => {
                    let token = self.scanner.take()?;
                    self.state = State::FlowPairKey;
                    return Ok(event(EventKind::MappingStart, token.start, token.end));
                }
                TokenKind::FlowSequenceEnd => {}
                _ => return self.node_then(State::FlowSequenceEntry { first: false }, Allowed::Flow),
            }
        }
        self.end_collection()
    }

    fn flow_pair_key(&mut self) -> Parse<Event<'a>> {
        match self.scanner.peek()?.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // The token is lost here, as it is in Go.
                let mark = self.scanner.take()?.end;
                self.empty_then(State::FlowPairValue, mark)
            }
            _ => self.node_then(State::FlowPairValue, Allowed::Flow),
        }
    }

    fn flow_pair_value(&mut self) -> Parse<Event<'a>> {
        let mut mark = self.scanner.peek()?.start;
        if matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            mark = self.scanner.take()?.start;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.node_then(State::FlowPairEnd, Allowed::Flow);
            }
        }
        self.empty_then(State::FlowPairEnd, mark)
    }

    fn flow_pair_end(&mut self) -> Parse<Event<'a>> {
        let mark = self.scanner.peek()?.start;
        self.state = State::FlowSequenceEntry { first: false };
        Ok(event(EventKind::End, mark, mark))
    }

    fn flow_mapping_key(&mut self, first: bool) -> Parse<Event<'a>> {
        if first {
            self.start_collection()?;
        }
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowMappingEnd) {
            if !first {
                if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
                    return Err(self.collection_error("did not find expected ',' or '}'"));
                }
                self.scanner.take()?;
            }
            match self.scanner.peek()?.kind {
                TokenKind::Key => {
                    self.scanner.take()?;
                    let token = self.scanner.peek()?;
                    let mark = token.start;
                    return match token.kind {
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                            self.empty_then(State::FlowMappingValue, mark)
                        }
                        _ => self.node_then(State::FlowMappingValue, Allowed::Flow),
                    };
                }
                TokenKind::FlowMappingEnd => {}
                _ => return self.node_then(State::FlowMappingEmptyValue, Allowed::Flow),
            }
        }
        self.end_collection()
    }

    fn flow_mapping_value(&mut self) -> Parse<Event<'a>> {
        let next = State::FlowMappingKey { first: false };
        if matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(next, Allowed::Flow);
            }
        }
        let mark = self.scanner.peek()?.start;
        self.empty_then(next, mark)
    }
}

fn event<'a>(kind: EventKind<'a>, start: Mark, end: Mark) -> Event<'a> {
    Event { kind, anchor: None, tag: String::new(), start, end }
}

fn empty_scalar<'a>(mark: Mark) -> Event<'a> {
    event(EventKind::Scalar { text: Cow::Borrowed(""), plain: true }, mark, mark)
}

/// Makes an error with Go's count of lines: from zero, and none for the first.
fn parse_error(context: Mark, problem: &str, mark: Mark) -> ReadError {
    located(if mark.line != 0 { mark.line } else { context.line }, problem, mark)
}
