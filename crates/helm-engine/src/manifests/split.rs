//! Cutting rendered text into documents, as text: what YAML would say of it does not matter.

use std::ops::Range;

use crate::Mode;

/// Returns where the documents of a text lie, blank ones left out.
pub(super) fn documents(text: &[u8], mode: Mode) -> Vec<Range<usize>> {
    match mode {
        Mode::Helm3 => helm3_documents(text),
        Mode::Helm4 => helm4_documents(text),
    }
}

/// A separator takes all whitespace around it: of two in a row, the second stays as text.
fn helm3_documents(text: &[u8]) -> Vec<Range<usize>> {
    let whole = trim(text, 0..text.len());
    let mut found = Vec::new();
    let mut start = whole.start;
    let mut at = whole.start;
    while let Some(dashes) = find_separator(&text[..whole.end], at, whole.start) {
        let mut end = dashes;
        while end > start.max(at) && is_go_space(text[end - 1]) {
            end -= 1;
        }
        found.push(start..end);
        let behind = dashes + 3;
        start = behind + text[behind..whole.end].iter().take_while(|byte| is_go_space(**byte)).count();
        at = start;
    }
    found.push(start..whole.end);
    let documents = found.into_iter().map(|range| trim(text, range));
    documents.filter(|range| !range.is_empty()).collect()
}

/// Finds `---` at the start of the whole text or behind a newline that no earlier separator took.
fn find_separator(text: &[u8], from: usize, text_start: usize) -> Option<usize> {
    if from == text_start && text[from..].starts_with(b"---") {
        return Some(from);
    }
    let newline = memchr::memmem::find(&text[from..], b"\n---")?;
    Some(from + newline + 1)
}

/// A separator is `---` at any line start with the blanks behind it; ends of documents are kept.
fn helm4_documents(text: &[u8]) -> Vec<Range<usize>> {
    let first = trim_start(text, 0..text.len()).start;
    let mut found = Vec::new();
    let (mut start, mut line) = (first, first);
    while line < text.len() {
        if text[line..].starts_with(b"---") {
            found.push(start..line);
            let behind = line + 3;
            start = behind + text[behind..].iter().take_while(|byte| matches!(**byte, b' ' | b'\t')).count();
            line = start;
        }
        line = memchr::memchr(b'\n', &text[line..]).map_or(text.len(), |newline| line + newline + 1);
    }
    found.push(start..text.len());
    let documents = found.into_iter().map(|range| trim_start(text, range));
    documents.filter(|range| !range.is_empty()).collect()
}

/// Says whether the text is nothing but whitespace.
pub(super) fn is_blank(text: &[u8]) -> bool {
    trim(text, 0..text.len()).is_empty()
}

/// Go's `strings.TrimSpace`, on a range.
pub(super) fn trim(text: &[u8], range: Range<usize>) -> Range<usize> {
    let mut range = trim_start(text, range);
    while let Some(rune) = last_char(&text[range.clone()]) {
        if !rune.is_whitespace() {
            break;
        }
        range.end -= rune.len_utf8();
    }
    range
}

fn trim_start(text: &[u8], mut range: Range<usize>) -> Range<usize> {
    while let Some(rune) = first_char(&text[range.clone()]) {
        if !rune.is_whitespace() {
            break;
        }
        range.start += rune.len_utf8();
    }
    range
}

fn first_char(text: &[u8]) -> Option<char> {
    let head = &text[..text.len().min(4)];
    head.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next())
}

fn last_char(text: &[u8]) -> Option<char> {
    let starts = (1..=text.len().min(4)).map(|width| &text[text.len() - width..]);
    starts.filter_map(|tail| std::str::from_utf8(tail).ok()).find_map(|tail| tail.chars().next())
}

/// RE2's `\s`.
fn is_go_space(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0xC | b'\r' | b' ')
}
