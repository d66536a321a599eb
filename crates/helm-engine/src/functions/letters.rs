//! Letters and words: case, white space and the joining of names, as Go's `unicode` and `strings`, goutils 1.1.1 and
//! xstrings 1.5.0 see them.

use std::ops::Range;

use crate::template::unicode::{RUNE_ERROR, decode_last_rune, decode_rune, is_letter, push_rune, runes};

/// Says whether Go's `unicode.IsSpace` holds.
fn is_space(rune: char) -> bool {
    rune.is_whitespace()
}

/// Returns what `strings.TrimSpace` leaves.
pub(super) fn trim_space_range(text: &[u8]) -> Range<usize> {
    let (mut start, mut end) = (0, text.len());
    while let (rune, width @ 1..) = decode_rune(&text[start..end]) {
        if !is_space(rune) {
            break;
        }
        start += width;
    }
    while let (rune, width @ 1..) = decode_last_rune(&text[start..end]) {
        if !is_space(rune) {
            break;
        }
        end -= width;
    }
    start..end
}

/// Maps every rune; bytes that are no UTF-8 become U+FFFD, as `strings.Map` makes them.
fn mapped(text: &[u8], mut change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (_, rune, _) in runes(text) {
        push_rune(&mut out, change(rune));
    }
    out
}

/// Upper-cases as `strings.ToUpper` does.
pub(super) fn upper(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_uppercase() } else { mapped(text, upper_rune) }
}

/// Lower-cases as `strings.ToLower` does.
pub(super) fn lower(text: &[u8]) -> Vec<u8> {
    if text.is_ascii() { text.to_ascii_lowercase() } else { mapped(text, lower_rune) }
}

/// Go's `unicode.ToUpper`: the mapping of one rune to one.
fn upper_rune(rune: char) -> char {
    if let Some(single) = single(rune.to_uppercase()) {
        return single;
    }
    match rune {
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => shifted(rune, 8),
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => shifted(rune, 9),
        _ => rune,
    }
}

fn shifted(rune: char, by: u32) -> char {
    char::from_u32(u32::from(rune) + by).unwrap_or(rune)
}

fn single(mut runes: impl Iterator<Item = char>) -> Option<char> {
    let first = runes.next()?;
    runes.next().is_none().then_some(first)
}

/// Go's `unicode.ToLower`.
fn lower_rune(rune: char) -> char {
    if rune == '\u{130}' { 'i' } else { single(rune.to_lowercase()).unwrap_or(rune) }
}

/// Go's `unicode.ToTitle`.
fn title_rune(rune: char) -> char {
    match rune {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => rune,
        _ => upper_rune(rune),
    }
}

/// Go's `unicode.IsTitle`: digraphs with one capital.
fn is_title(rune: char) -> bool {
    matches!(rune, '\u{1C5}' | '\u{1C8}' | '\u{1CB}' | '\u{1F2}' | '\u{1F88}'..='\u{1F8F}' | '\u{1F98}'..='\u{1F9F}'
        | '\u{1FA8}'..='\u{1FAF}' | '\u{1FBC}' | '\u{1FCC}' | '\u{1FFC}')
}

/// Go's `unicode.IsUpper`: capital letters only, not the other things with an upper-case form.
fn is_upper(rune: char) -> bool {
    rune.is_uppercase()
        && !matches!(rune, '\u{2160}'..='\u{216F}' | '\u{24B6}'..='\u{24CF}' | '\u{1F130}'..='\u{1F149}'
            | '\u{1F150}'..='\u{1F169}' | '\u{1F170}'..='\u{1F189}')
}

/// Go's `unicode.IsLower`: small letters only, not modifiers, ordinals and numerals.
fn is_lower(rune: char) -> bool {
    rune.is_lowercase()
        && !matches!(rune, 'ª' | 'º' | '\u{2B0}'..='\u{2B8}' | '\u{2C0}' | '\u{2C1}' | '\u{2E0}'..='\u{2E4}' | '\u{345}'
            | '\u{37A}' | '\u{10FC}' | '\u{1D2C}'..='\u{1D6A}' | '\u{1D78}' | '\u{1D9B}'..='\u{1DBF}' | '\u{2071}'
            | '\u{207F}' | '\u{2090}'..='\u{209C}' | '\u{2170}'..='\u{217F}' | '\u{24D0}'..='\u{24E9}'
            | '\u{2C7C}' | '\u{2C7D}' | '\u{A69C}' | '\u{A69D}' | '\u{A770}' | '\u{A7F2}'..='\u{A7F4}'
            | '\u{A7F8}' | '\u{A7F9}' | '\u{AB5C}'..='\u{AB5F}' | '\u{AB69}' | '\u{10780}'..='\u{107BA}'
            | '\u{1E030}'..='\u{1E06D}')
}

/// Capitalizes as `strings.Title` does: at the start and behind anything but letters, digits and underscores.
pub(super) fn title(text: &[u8]) -> Vec<u8> {
    let mut previous = ' ';
    mapped(text, |rune| {
        let first = separates(previous);
        previous = rune;
        if first { title_rune(rune) } else { rune }
    })
}

fn separates(rune: char) -> bool {
    if rune.is_ascii() {
        return !(rune.is_ascii_alphanumeric() || rune == '_');
    }
    !is_letter(rune) && is_space(rune)
}

/// Lower-cases the first rune of every word, as goutils' `Uncapitalize` does.
pub(super) fn untitle(text: &[u8]) -> Vec<u8> {
    let mut first = true;
    mapped(text, |rune| {
        if is_space(rune) {
            first = true;
            return rune;
        }
        if std::mem::take(&mut first) { lower_rune(rune) } else { rune }
    })
}

/// Swaps case as goutils' `SwapCase` does: a small letter that begins a word becomes a title-case one.
pub(super) fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    mapped(text, |rune| {
        if is_upper(rune) || is_title(rune) {
            after_space = false;
            lower_rune(rune)
        } else if is_lower(rune) {
            if std::mem::take(&mut after_space) { title_rune(rune) } else { upper_rune(rune) }
        } else {
            after_space = is_space(rune);
            rune
        }
    })
}

/// Removes white space as goutils does: byte by byte, so text beyond ASCII comes out as Latin-1 read anew.
pub(super) fn without_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|byte| is_space(char::from(*byte))) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    text.iter()
        .map(|byte| char::from(*byte))
        .filter(|rune| !is_space(*rune))
        .for_each(|rune| push_rune(&mut out, rune));
    out
}

/// Returns the first byte of every word, read as Latin-1.
pub(super) fn initials(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = true;
    for rune in text.iter().map(|byte| char::from(*byte)) {
        if is_space(rune) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            push_rune(&mut out, rune);
        }
    }
    out
}

fn is_connector(rune: char) -> bool {
    rune == '-' || rune == '_' || is_space(rune)
}

/// Joins words as xstrings' `ToPascalCase` does.
pub(super) fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = runes(text).map(|(_, rune, _)| rune);
    let mut last_connector = None;
    let mut current = loop {
        match rest.next() {
            // xstrings writes the last of nothing but connectors twice.
            None => {
                last_connector.into_iter().for_each(|rune| push_rune(&mut out, rune));
                return out;
            }
            Some(rune) if is_connector(rune) => {
                push_rune(&mut out, rune);
                last_connector = Some(rune);
            }
            Some(rune) => break rune,
        }
    };
    let mut rest = rest.peekable();
    let mut first_upper = is_upper(current);
    current = upper_rune(current);
    for next in rest.by_ref() {
        let previous = current;
        current = next;
        if is_connector(current) && is_connector(previous) {
            push_rune(&mut out, previous);
            continue;
        }
        if is_connector(previous) {
            first_upper = is_upper(current);
            current = upper_rune(current);
        } else {
            if first_upper {
                if is_upper(current) {
                    current = lower_rune(current);
                } else {
                    first_upper = false;
                }
            }
            push_rune(&mut out, previous);
        }
    }
    push_rune(&mut out, current);
    out
}

/// The kinds of words that xstrings tells apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    End,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

/// Joins the words of a name in lower case, as xstrings' `ToSnakeCase` and `ToKebabCase` do.
pub(super) fn joined_words(text: &[u8], connector: char) -> Vec<u8> {
    let mut scan = Words { rest: text, out: Vec::with_capacity(text.len() + 8), connector };
    scan.run();
    scan.out
}

struct Words<'t> {
    rest: &'t [u8],
    out: Vec<u8>,
    connector: char,
}

impl<'t> Words<'t> {
    fn run(&mut self) {
        let (mut kind, mut word) = self.next();
        while !self.rest.is_empty() {
            if kind != Word::Connector {
                self.push(kind, word);
            }
            let (previous, last) = (kind, word);
            (kind, word) = self.next();
            match previous {
                Word::Number => (kind, word) = self.after_number(kind, word),
                Word::Connector => self.push(previous, last),
                Word::Punctuation => {}
                _ if kind != Word::Number => self.connect(kind),
                _ if self.rest.is_empty() => {}
                _ => (kind, word) = self.number_in_name(word),
            }
        }
        self.push(kind, word);
    }

    /// Letters right behind a number belong to it.
    fn after_number(&mut self, mut kind: Word, mut word: &'t [u8]) -> (Word, &'t [u8]) {
        while kind == Word::Alphabet || kind == Word::Number {
            self.push(kind, word);
            (kind, word) = self.next();
        }
        if kind != Word::End {
            self.connect(kind);
        }
        (kind, word)
    }

    /// A number behind a word is part of it, unless small letters follow the number.
    fn number_in_name(&mut self, number: &'t [u8]) -> (Word, &'t [u8]) {
        let (kind, word) = self.next();
        if kind != Word::Alphabet {
            self.push(Word::Number, number);
            self.connect(kind);
            return (kind, word);
        }
        let connector = self.connector;
        push_rune(&mut self.out, connector);
        self.push(Word::Number, number);
        self.after_number(kind, word)
    }

    fn connect(&mut self, kind: Word) {
        if kind != Word::Connector && kind != Word::Punctuation {
            push_rune(&mut self.out, self.connector);
        }
    }

    fn push(&mut self, kind: Word, word: &[u8]) {
        if kind != Word::Upper && kind != Word::Connector {
            self.out.extend_from_slice(word);
            return;
        }
        for (_, rune, _) in runes(word) {
            let rune = if is_connector(rune) {
                self.connector
            } else if is_upper(rune) {
                lower_rune(rune)
            } else {
                rune
            };
            push_rune(&mut self.out, rune);
        }
    }

    fn next(&mut self) -> (Word, &'t [u8]) {
        let (kind, length) = first_word(self.rest);
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest;
        (kind, word)
    }
}

fn first_word(text: &[u8]) -> (Word, usize) {
    let (rune, width) = next_valid_rune(text, RUNE_ERROR);
    let run = |belongs: &dyn Fn(char) -> bool| {
        let mut at = width;
        let mut last = rune;
        while at < text.len() {
            let (next, size) = next_valid_rune(&text[at..], last);
            if size == 0 || !belongs(next) {
                break;
            }
            last = next;
            at += size;
        }
        at
    };
    match rune {
        RUNE_ERROR => (Word::End, width),
        rune if is_connector(rune) => (Word::Connector, run(&is_connector)),
        rune if is_punctuation(rune) => (Word::Punctuation, run(&is_punctuation)),
        rune if is_upper(rune) => (Word::Upper, upper_word(text, width)),
        rune if is_alphabet(rune) => (Word::Alphabet, run(&|next| is_alphabet(next) && !is_upper(next))),
        rune if is_number(rune) => (Word::Number, run(&is_number)),
        _ => (
            Word::Other,
            run(&|next| {
                !is_connector(next) && !is_alphabet(next) && !is_number(next) && !is_punctuation(next)
            }),
        ),
    }
}

/// Capitals form a word, but the last one before a small letter begins the next; one capital takes small letters along.
fn upper_word(text: &[u8], first: usize) -> usize {
    let (mut rune, mut size) = next_valid_rune(&text[first..], RUNE_ERROR);
    let mut at = first;
    if size > 0 && is_upper(rune) {
        let mut last = 0;
        while at < text.len() {
            (rune, size) = next_valid_rune(&text[at..], rune);
            if size == 0 || !is_upper(rune) {
                break;
            }
            last = size;
            at += size;
        }
        return if at < text.len() && is_alphabet(rune) { at - last } else { at };
    }
    while at < text.len() && is_alphabet(rune) && !is_upper(rune) {
        at += size;
        (rune, size) = next_valid_rune(&text[at..], rune);
    }
    at
}

/// Returns the first rune that is valid, with the width of what was skipped; `previous` and all of it if there is none.
fn next_valid_rune(text: &[u8], previous: char) -> (char, usize) {
    let mut size = 0;
    while let (rune, width @ 1..) = decode_rune(&text[size..]) {
        size += width;
        if rune != RUNE_ERROR {
            return (rune, size);
        }
    }
    (previous, size)
}

fn is_alphabet(rune: char) -> bool {
    is_letter(rune)
        && !matches!(rune, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}')
}

fn is_number(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_digit() } else { rune.is_numeric() && !is_letter(rune) }
}

/// Go's `unicode.IsPunct`.
fn is_punctuation(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_punctuation() && !"$+<=>^`|~".contains(rune);
    }
    static PUNCTUATION: std::sync::LazyLock<Option<regex::Regex>> =
        std::sync::LazyLock::new(|| regex::Regex::new(r"^\p{P}$").ok());
    PUNCTUATION.as_ref().is_some_and(|class| class.is_match(rune.encode_utf8(&mut [0; 4])))
}
