//! A short way from text to nodes for documents as nearly everybody writes them: block mappings and lists, scalars on
//! one line, blocks of text, flow collections on one line, comments.
//!
//! The rule: what is read here is read exactly as [`super::scanner`] and [`super::parser`] read it, with the same nodes
//! at the same places; at the first thing that is anything else (an anchor, a tag, a text over several lines, a tab, any
//! mistake), [`compose`] returns nothing, and the document is read the long way, which knows the errors.

use std::borrow::Cow;
use std::ops::Range;

use super::compose::{Document, Index, Kind, NONE, RawNode};
use super::resolve::{Scalar, resolve};

/// Where the long way starts to count depth.
const MAX_DEPTH: usize = 100;
/// How long a key may be here; the long way allows a little more.
const MAX_KEY: usize = 1_000;

/// What may come of reading: a value, or the advice to go the long way.
type Short<T = ()> = Option<T>;

/// Reads a document; none if it has to be read the long way.
///
/// Of the entries of a mapping at the top, only those that `keeps` wants become nodes; the others are only checked.
pub(super) fn compose<'a>(text: &'a str, keeps: &dyn Fn(&str) -> bool) -> Option<Document<'a>> {
    if text.len() >= NONE as usize || !has_usual_characters(text) {
        return None;
    }
    let composer = Composer {
        text,
        bytes: text.as_bytes(),
        keeps,
        at: 0,
        line: 0,
        line_start: 0,
        skips: false,
        nodes: Vec::new(),
        open: Vec::new(),
        pending: None,
    };
    composer.run()
}

/// Says whether all characters are allowed and only LF breaks lines.
fn has_usual_characters(text: &str) -> bool {
    let is_usual = |byte: u8| matches!(byte, 0x20..=0x7E | b'\n' | b'\t');
    // Without an early end, so that the loop becomes a few wide instructions.
    let are_usual = |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & is_usual(*byte));
    let allowed = |c: char| match c {
        '\n' | '\t' | ' '..='~' => true,
        '\u{2028}' | '\u{2029}' | '\u{FEFF}' => false,
        c => matches!(c, '\u{A0}'..='\u{FFFD}' | '\u{10000}'..),
    };
    are_usual(text.as_bytes()) || text.chars().all(allowed)
}

struct Composer<'a, 'k> {
    text: &'a str,
    bytes: &'a [u8],
    keeps: &'k dyn Fn(&str) -> bool,
    /// The offset of the line to read next, its number, and the offset of the line being read.
    at: usize,
    line: u32,
    line_start: usize,
    /// Whether what is read belongs to an entry that nobody wants.
    skips: bool,
    nodes: Vec<RawNode<'a>>,
    /// The collections around, the innermost last.
    open: Vec<Open>,
    /// The place of the value that the next lines may bring.
    pending: Option<Place>,
}

/// A collection whose end has not come.
struct Open {
    form: Form,
    indent: usize,
    node: Index,
    last: Index,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Mapping,
    Sequence,
    /// A list that is not indented deeper than the key it belongs to.
    Indentless,
    Flow,
}

#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    line: u32,
    line_start: usize,
}

/// A scalar on one line.
struct Word<'a> {
    text: Cow<'a, str>,
    plain: bool,
    /// The offset behind it, blanks left out.
    end: usize,
    /// The offset at which to go on: for a key, behind the colon.
    next: usize,
    is_key: bool,
}

impl<'a> Composer<'a, '_> {
    fn run(mut self) -> Option<Document<'a>> {
        let mut marked = false;
        while self.at < self.bytes.len() {
            self.line_start = self.at;
            let first = self.skip_spaces(self.at);
            match self.bytes.get(first) {
                None => break,
                Some(b'\n') => self.go_behind(first),
                Some(b'#') => self.go_behind(self.line_end(first)),
                Some(_) => {
                    let end = self.line_end(first);
                    if self.open.is_empty() && !marked && self.bytes[self.line_start..end] == *b"---" {
                        marked = true;
                        self.go_behind(end);
                        continue;
                    }
                    self.content(first, end)?;
                }
            }
        }
        if self.open.is_empty() {
            return None;
        }
        self.fill_pending();
        while !self.open.is_empty() {
            self.close();
        }
        Some(Document { nodes: self.nodes, tags: Vec::new() })
    }

    fn skip_spaces(&self, from: usize) -> usize {
        let rest = &self.bytes[from..];
        from + rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len())
    }

    fn line_end(&self, from: usize) -> usize {
        memchr::memchr(b'\n', &self.bytes[from..]).map_or(self.bytes.len(), |distance| from + distance)
    }

    /// Goes on with the line behind the line break at `end`.
    fn go_behind(&mut self, end: usize) {
        self.at = end + 1;
        self.line += 1;
    }

    /// Reads a line that is neither blank nor a comment, and the lines of the block that it begins.
    fn content(&mut self, first: usize, end: usize) -> Short {
        let line = &self.bytes[first..end];
        if first == self.line_start
            && (matches!(line, [b'%', ..] | [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..]))
            || memchr::memchr(b'\t', line).is_some()
        {
            return None;
        }
        if self.is_value(first, end)? {
            self.pending = None;
            return self.value(first, end);
        }
        self.settle(first, self.is_entry(first, end))?;
        let mut at = first;
        while self.top()?.form != Form::Mapping {
            // A list: the entry's value may be another collection that begins on the same line.
            let inner = self.skip_spaces(at + 1).min(end);
            if inner == end || self.bytes[inner] == b'#' {
                self.pending = Some(self.place(at + 1));
                self.go_behind(end);
                return Some(());
            }
            if self.is_entry(inner, end) {
                self.begin(Form::Sequence, inner)?;
            } else if self.begins_pair(inner, end)? {
                self.begin(Form::Mapping, inner)?;
            } else {
                return self.value(inner, end);
            }
            at = inner;
        }
        self.pair(at, end)
    }

    /// Says whether a line is the value of the key or entry above it and no collection.
    fn is_value(&self, first: usize, end: usize) -> Short<bool> {
        let is_awaited = self.pending.is_some() && first - self.line_start > self.top()?.indent;
        Some(is_awaited && !self.is_entry(first, end) && !self.begins_pair(first, end)?)
    }

    fn top(&self) -> Short<&Open> {
        self.open.last()
    }

    fn is_entry(&self, at: usize, end: usize) -> bool {
        self.bytes[at] == b'-' && (at + 1 == end || self.bytes[at + 1] == b' ')
    }

    fn place(&self, offset: usize) -> Place {
        Place { offset, line: self.line, line_start: self.line_start }
    }

    /// Ends the collections that a line is not in, and begins one if the line is the first of one.
    fn settle(&mut self, first: usize, is_entry: bool) -> Short {
        let column = first - self.line_start;
        let form = if is_entry { Form::Sequence } else { Form::Mapping };
        if self.open.is_empty() {
            return self.begin(form, first);
        }
        loop {
            let Open { form: around, indent, .. } = *self.top()?;
            if column > indent {
                // Without a value to come, this would be a scalar that goes on.
                self.pending.take()?;
                return self.begin(form, first);
            }
            if column == indent {
                if is_entry && around == Form::Mapping {
                    self.pending.take()?;
                    return self.begin(Form::Indentless, first);
                }
                self.fill_pending();
                if is_entry || around == Form::Mapping {
                    return Some(());
                }
                if around == Form::Sequence {
                    return None;
                }
            }
            self.fill_pending();
            self.close();
        }
    }

    fn begin(&mut self, form: Form, at: usize) -> Short {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        let kind = if form == Form::Mapping { Kind::Mapping } else { Kind::Sequence };
        // The token of an indicator has a width; the one that a first key or entry brings has none.
        let end = at + usize::from(form == Form::Indentless);
        let node = self.add(kind, Cow::Borrowed(""), self.place(at), end);
        self.open.push(Open { form, indent: at - self.line_start, node, last: NONE });
        Some(())
    }

    /// Ends the innermost collection where its last item does.
    fn close(&mut self) {
        let Some(Open { node, last, .. }) = self.open.pop() else { return };
        if node != NONE && last != NONE {
            let end = self.nodes[last as usize].end;
            let node = &mut self.nodes[node as usize];
            node.end = node.end.max(end);
        }
    }

    fn fill_pending(&mut self) {
        if let Some(place) = self.pending.take() {
            self.add(Kind::Scalar { plain: true }, Cow::Borrowed(""), place, place.offset);
        }
    }

    fn add(&mut self, kind: Kind, text: Cow<'a, str>, place: Place, end: usize) -> Index {
        if self.skips {
            return NONE;
        }
        let index = self.nodes.len() as Index;
        if let Some(Open { node: parent, last, .. }) = self.open.last_mut() {
            match *last {
                NONE => self.nodes[*parent as usize].first = index,
                last => self.nodes[last as usize].next = index,
            }
            *last = index;
        }
        self.nodes.push(RawNode {
            kind,
            text,
            tag: 0,
            first: NONE,
            next: NONE,
            start: place.offset as u32,
            end: end as u32,
            line: place.line,
            column: (place.offset - place.line_start) as u32,
        });
        index
    }

    fn add_word(&mut self, at: usize, word: Word<'a>) {
        self.add(Kind::Scalar { plain: word.plain }, word.text, self.place(at), word.end);
    }

    fn pair(&mut self, at: usize, end: usize) -> Short {
        let word = self.word(at, end).filter(|word| word.is_key)?;
        self.check_key(&word, at)?;
        if self.open.len() == 1 {
            self.skips = !(self.keeps)(&word.text);
        }
        let next = word.next;
        self.add_word(at, word);
        let value = self.skip_spaces(next).min(end);
        if value == end || self.bytes[value] == b'#' {
            self.pending = Some(self.place(next));
            self.go_behind(end);
            return Some(());
        }
        self.value(value, end)
    }

    fn check_key(&self, word: &Word<'_>, at: usize) -> Short {
        let is_short = word.next - at <= MAX_KEY;
        let may_be_refused = || matches!(resolve(&word.text), Scalar::Null | Scalar::Uint(_));
        let is_refused = word.plain && (word.text == "<<" || may_be_refused());
        (is_short && !is_refused).then_some(())
    }

    /// Reads the value that begins here and ends on this line, or with the block that begins on it.
    fn value(&mut self, at: usize, end: usize) -> Short {
        let behind = match self.bytes[at] {
            b'|' | b'>' => return self.block(at, end),
            b'[' | b'{' => self.flow(at, end)?,
            _ => {
                let word = self.word(at, end)?;
                if word.is_key {
                    return None;
                }
                let next = word.next;
                self.add_scalar(at, word)?;
                next
            }
        };
        let rest = self.skip_spaces(behind).min(end);
        if rest < end && (rest == behind || self.bytes[rest] != b'#') {
            return None;
        }
        self.go_behind(end);
        Some(())
    }

    fn add_scalar(&mut self, at: usize, word: Word<'a>) -> Short {
        // JSON has no such numbers: refused wherever it is.
        let is_endless = || matches!(resolve(&word.text), Scalar::Float(value) if !value.is_finite());
        if self.skips && word.plain && is_endless() {
            return None;
        }
        self.add_word(at, word);
        Some(())
    }

    fn begins_pair(&self, at: usize, end: usize) -> Short<bool> {
        Some(!matches!(self.bytes[at], b'|' | b'>' | b'[' | b'{') && self.word(at, end)?.is_key)
    }

    fn word(&self, at: usize, end: usize) -> Short<Word<'a>> {
        match self.bytes[at] {
            b'"' | b'\'' => {
                let (text, behind) = self.quoted(at, end)?;
                let is_key = self.bytes[behind..end].starts_with(b":");
                if is_key && behind + 1 < end && self.bytes[behind + 1] != b' ' {
                    return None;
                }
                let next = behind + usize::from(is_key);
                Some(Word { text, plain: false, end: behind, next, is_key })
            }
            b'-' | b'?' | b':' if at + 1 < end && self.bytes[at + 1] != b' ' => self.plain(at, end),
            b'-' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
            | b'>' | b'%' | b'@' | b'`' => None,
            _ => self.plain(at, end),
        }
    }

    fn plain(&self, at: usize, end: usize) -> Short<Word<'a>> {
        let line = &self.bytes[at..end];
        let mut from = 0;
        let (stop, is_key) = loop {
            let Some(distance) = memchr::memchr2(b':', b'#', &line[from..]) else {
                break (line.len(), false);
            };
            let found = from + distance;
            if line[found] == b':' && line.get(found + 1).is_none_or(|next| *next == b' ') {
                break (found, true);
            }
            if line[found] == b'#' && line[found - 1] == b' ' {
                break (found, false);
            }
            from = found + 1;
        };
        let blanks = line[..stop].iter().rev().take_while(|byte| **byte == b' ').count();
        if is_key && blanks > 0 {
            return None;
        }
        let behind = at + stop - blanks;
        let next = behind + usize::from(is_key);
        Some(Word { text: Cow::Borrowed(self.text.get(at..behind)?), plain: true, end: behind, next, is_key })
    }

    /// Reads a text in quotes; returns it and the offset behind it.
    fn quoted(&self, at: usize, end: usize) -> Short<(Cow<'a, str>, usize)> {
        let (quote, inside) = (self.bytes[at], at + 1);
        let mut text = Cow::Borrowed("");
        let mut from = inside;
        loop {
            let found = from + memchr::memchr2(quote, b'\\', &self.bytes[from..end])?;
            let follows = self.bytes.get(found + 1).filter(|_| found + 1 < end);
            let meant = match (self.bytes[found], quote, follows) {
                (b'\\', b'\'', _) => "\\",
                (b'\\', _, Some(b'\\')) => "\\",
                (b'\\', _, Some(b'"')) => "\"",
                (b'\\', _, Some(b'n')) => "\n",
                (b'\\', ..) => return None,
                (_, b'\'', Some(b'\'')) => "'",
                _ => {
                    let part = self.text.get(from..found)?;
                    match &mut text {
                        Cow::Borrowed(whole) => *whole = part,
                        Cow::Owned(text) => text.push_str(part),
                    }
                    return Some((text, found + 1));
                }
            };
            let written = if quote == b'\'' && meant == "\\" { 1 } else { 2 };
            let text = text.to_mut();
            text.push_str(self.text.get(from..found)?);
            text.push_str(meant);
            from = found + written;
        }
    }

    /// Reads a flow collection that ends on this line; returns the offset behind it.
    fn flow(&mut self, at: usize, end: usize) -> Short<usize> {
        if self.open.len() >= MAX_DEPTH {
            return None;
        }
        let is_mapping = self.bytes[at] == b'{';
        let (kind, bracket) = if is_mapping { (Kind::Mapping, b'}') } else { (Kind::Sequence, b']') };
        let node = self.add(kind, Cow::Borrowed(""), self.place(at), at + 1);
        self.open.push(Open { form: Form::Flow, indent: 0, node, last: NONE });
        let mut next = self.skip_spaces(at + 1);
        if *self.bytes[..end].get(next)? == bracket {
            self.open.pop();
            if node != NONE {
                self.nodes[node as usize].end = next as u32 + 1;
            }
            return Some(next + 1);
        }
        loop {
            if is_mapping {
                let word = self.flow_word(next, end)?;
                let colon = word.next;
                let is_blank_needed = word.plain;
                self.check_key(&word, next)?;
                self.add_word(next, word);
                let [b':', behind, ..] = self.bytes[colon..end] else { return None };
                if is_blank_needed && behind != b' ' {
                    return None;
                }
                next = self.skip_spaces(colon + 1);
            }
            next = self.flow_value(next, end)?;
            next = self.skip_spaces(next);
            match *self.bytes[..end].get(next)? {
                b',' => next = self.skip_spaces(next + 1),
                byte if byte == bracket => break,
                _ => return None,
            }
        }
        self.close();
        Some(next + 1)
    }

    fn flow_value(&mut self, at: usize, end: usize) -> Short<usize> {
        if matches!(self.bytes[..end].get(at)?, b'[' | b'{') {
            return self.flow(at, end);
        }
        let word = self.flow_word(at, end)?;
        let next = word.next;
        self.add_scalar(at, word)?;
        Some(next)
    }

    /// Reads a scalar within a flow collection: in quotes, or of characters that are nothing else anywhere.
    fn flow_word(&self, at: usize, end: usize) -> Short<Word<'a>> {
        let first = *self.bytes[..end].get(at)?;
        if matches!(first, b'"' | b'\'') {
            let (text, next) = self.quoted(at, end)?;
            return Some(Word { text, plain: false, end: next, next, is_key: false });
        }
        let is_inside =
            |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b'-' | b'+');
        let length = self.bytes[at..end].iter().take_while(|byte| is_inside(byte)).count();
        let next = at + length;
        let is_ended = matches!(self.bytes[..end].get(next)?, b' ' | b',' | b']' | b'}' | b':');
        if !((first.is_ascii_alphanumeric() || matches!(first, b'_' | b'.' | b'/')) && is_ended) {
            return None;
        }
        let text = Cow::Borrowed(self.text.get(at..next)?);
        Some(Word { text, plain: true, end: next, next, is_key: false })
    }

    /// Reads a literal or folded block, whose header is at `at`.
    fn block(&mut self, at: usize, end: usize) -> Short {
        let chomp = self.bytes.get(at + 1).copied().filter(|byte| matches!(byte, b'+' | b'-'));
        let header = at + 1 + usize::from(chomp.is_some());
        if self.skip_spaces(header).min(end) != end {
            return None;
        }
        let (place, around) = (self.place(at), self.top()?.indent);
        self.go_behind_line(end);
        let mut block = Block { folded: self.bytes[at] == b'>', chomp, ..Block::default() };
        while let Some(line) = self.block_line(around, &mut block)? {
            // A line break at the end of the text is one, the end of the text is none.
            let is_broken = line.end < self.bytes.len();
            if !self.skips {
                block.push(self.text.get(line)?, is_broken);
            }
        }
        self.add(Kind::Scalar { plain: false }, Cow::Owned(block.finish()), place, self.at);
        Some(())
    }

    /// Goes on with the next line, or the end of the text.
    fn go_behind_line(&mut self, end: usize) {
        self.at = (end + 1).min(self.bytes.len());
        self.line += 1;
    }

    /// Goes past blank lines and the next line with content of a block, which it returns; none if the block ends first.
    fn block_line(&mut self, around: usize, block: &mut Block) -> Short<Option<Range<usize>>> {
        loop {
            let first = self.skip_spaces(self.at);
            let (column, byte) = (first - self.at, self.bytes.get(first).copied());
            let known = block.indent.unwrap_or(usize::MAX);
            if byte == Some(b'\n') && column <= known {
                block.deepest = block.deepest.max(column);
                block.breaks += 1;
                self.go_behind_line(first);
                continue;
            }
            if byte == Some(b'\t') && column < known {
                return None;
            }
            if block.indent.is_none() && (byte.is_none() || block.deepest > column.max(around + 1)) {
                return None;
            }
            let indent = *block.indent.get_or_insert(column.max(around + 1));
            if column < indent || byte.is_none() && column == indent {
                return Some(None);
            }
            let line = self.at + indent..self.line_end(first);
            self.go_behind_line(line.end);
            return Some(Some(line));
        }
    }
}

/// The text of a block in the making.
#[derive(Default)]
struct Block {
    /// Whether single line breaks between lines that do not begin with blanks become spaces.
    folded: bool,
    after_blank: bool,
    /// The indicator for the line breaks at its end.
    chomp: Option<u8>,
    /// How deep its lines are indented, once that is known.
    indent: Option<usize>,
    /// The most blanks of a blank line before the first line with content.
    deepest: usize,
    text: String,
    /// Whether the last line with content ended with a line break, which is not in the text yet.
    is_broken: bool,
    /// How many blank lines came since.
    breaks: usize,
}

impl Block {
    fn push(&mut self, line: &str, is_broken: bool) {
        let blank = line.starts_with([' ', '\t']);
        let folds = self.folded && self.is_broken && !self.after_blank && !blank;
        if folds && self.breaks == 0 {
            self.text.push(' ');
        }
        self.push_breaks(usize::from(self.is_broken && !folds) + self.breaks);
        self.after_blank = blank;
        self.text.push_str(line);
        (self.is_broken, self.breaks) = (is_broken, 0);
    }

    fn push_breaks(&mut self, count: usize) {
        (0..count).for_each(|_| self.text.push('\n'));
    }

    fn finish(mut self) -> String {
        let last = usize::from(self.is_broken);
        match self.chomp {
            Some(b'-') => {}
            Some(_) => self.push_breaks(last + self.breaks),
            None => self.push_breaks(last),
        }
        self.text
    }
}
