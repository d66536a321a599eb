//! Go's syntax of regular expressions, read with Go's rules and messages and written for the `regex` crate.
//!
//! What means the same in both passes through; what does not (ASCII-only classes and word boundaries, `\Q…\E`, octal
//! escapes, class operators that Go does not have) is written out.

use std::fmt::Write;

use thiserror::Error;

/// A pattern for the `regex` crate.
pub(super) struct Translated {
    /// The pattern.
    pub(super) pattern: String,
    /// The groups' names, empty where there is none; the first is the whole match.
    pub(super) names: Vec<String>,
    /// The last class such as `\p{Greek}`: the only part that is not checked here.
    pub(super) unicode_class: Option<String>,
}

/// Why a pattern is none, in Go's words.
#[derive(Debug, Error)]
#[error("error parsing regexp: {reason}: `{place}`")]
pub(super) struct SyntaxError {
    reason: &'static str,
    place: String,
}

type Parsed<T> = Result<T, SyntaxError>;

const BAD_CLASS: &str = "invalid character class range";
const BAD_ESCAPE: &str = "invalid escape sequence";
const BAD_REPEAT: &str = "invalid repeat count";
const MISSING_ARGUMENT: &str = "missing argument to repetition operator";

/// The largest count of a repetition, nested ones multiplied.
const REPEAT_LIMIT: u64 = 1_000;

/// How deeply groups may be nested.
const DEPTH_LIMIT: usize = 1_000;

/// Translates a pattern.
///
/// # Errors
/// As Go's `regexp.Compile` for everything but unknown Unicode classes and size.
pub(super) fn translate(pattern: &[u8]) -> Parsed<Translated> {
    let Ok(text) = std::str::from_utf8(pattern) else {
        return error("invalid UTF-8", &String::from_utf8_lossy(pattern));
    };
    let mut translation = Translation {
        whole: text,
        rest: text,
        out: String::with_capacity(text.len() + 16),
        names: vec![String::new()],
        unicode_class: None,
        groups: Vec::new(),
        operand: None,
        heaviest: 1,
    };
    translation.run()?;
    Ok(Translated {
        pattern: translation.out,
        names: translation.names,
        unicode_class: translation.unicode_class,
    })
}

fn error<T>(reason: &'static str, place: &str) -> Parsed<T> {
    Err(SyntaxError { reason, place: place.to_string() })
}

struct Translation<'p> {
    whole: &'p str,
    rest: &'p str,
    out: String,
    names: Vec<String>,
    unicode_class: Option<String>,
    /// The heaviest operand around each open group.
    groups: Vec<u64>,
    /// The product of repetitions in what a repetition operator would repeat; none if there is nothing to repeat.
    operand: Option<u64>,
    /// The heaviest operand of the group so far.
    heaviest: u64,
}

impl<'p> Translation<'p> {
    fn run(&mut self) -> Parsed<()> {
        let mut last_repeat: Option<&'p str> = None;
        while let Some(first) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeated = None;
            match first {
                '(' => self.open_group()?,
                '|' => {
                    self.skip(1);
                    self.out.push('|');
                    self.operand = None;
                }
                ')' => self.close_group()?,
                '^' | '$' | '.' => {
                    self.skip(1);
                    self.out.push(first);
                    self.push_operand(1);
                }
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.skip(1);
                    self.repeat(before, last_repeat, None)?;
                    repeated = Some(before);
                }
                '{' => match counts(before)? {
                    Some(bounds) => {
                        self.skip(bounds.length);
                        self.repeat(before, last_repeat, Some(bounds))?;
                        repeated = Some(before);
                    }
                    None => self.literal_here('{'),
                },
                '\\' => self.escape()?,
                other => self.literal_here(other),
            }
            last_repeat = repeated;
        }
        if !self.groups.is_empty() {
            return error("missing closing )", self.whole);
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn push_operand(&mut self, weight: u64) {
        self.operand = Some(weight);
        self.heaviest = self.heaviest.max(weight);
    }

    fn literal_here(&mut self, rune: char) {
        self.skip(rune.len_utf8());
        self.literal(rune);
    }

    fn literal(&mut self, rune: char) {
        push_rune(&mut self.out, rune);
        self.push_operand(1);
    }

    fn repeat(&mut self, before: &'p str, last: Option<&'p str>, bounds: Option<Counts>) -> Parsed<()> {
        if self.rest.starts_with('?') {
            self.skip(1);
        }
        if let Some(last) = last {
            return error("invalid nested repetition operator", &last[..last.len() - self.rest.len()]);
        }
        let operator = &before[..before.len() - self.rest.len()];
        let Some(weight) = self.operand else { return error(MISSING_ARGUMENT, operator) };
        let factor = bounds.map_or(1, |bounds| bounds.factor());
        let product = weight.saturating_mul(factor.max(1));
        if bounds.is_some_and(|bounds| bounds.repeats()) && factor > 0 && product > REPEAT_LIMIT {
            return error(BAD_REPEAT, operator);
        }
        self.out.push_str(operator);
        self.push_operand(if factor == 0 { 1 } else { product });
        Ok(())
    }

    fn open_group(&mut self) -> Parsed<()> {
        if self.rest.starts_with("(?") {
            return self.perl_group();
        }
        self.skip(1);
        self.names.push(String::new());
        self.open("(")
    }

    fn open(&mut self, text: &str) -> Parsed<()> {
        if self.groups.len() >= DEPTH_LIMIT {
            return error("expression nests too deeply", self.whole);
        }
        self.out.push_str(text);
        self.groups.push(std::mem::replace(&mut self.heaviest, 1));
        self.operand = None;
        Ok(())
    }

    fn close_group(&mut self) -> Parsed<()> {
        let Some(outer) = self.groups.pop() else { return error("unexpected )", self.whole) };
        self.skip(1);
        self.out.push(')');
        let inner = std::mem::replace(&mut self.heaviest, outer);
        self.push_operand(inner);
        Ok(())
    }

    /// A named group, or flags with or without a group.
    fn perl_group(&mut self) -> Parsed<()> {
        let text = self.rest;
        let name_start = if text.starts_with("(?P<") && text.len() > 4 {
            Some(4)
        } else if text.starts_with("(?<") && text.len() > 3 {
            Some(3)
        } else {
            None
        };
        let Some(start) = name_start else { return self.flags() };
        let Some(end) = text.find('>') else { return error("invalid named capture", text) };
        let name = &text[start..end];
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return error("invalid named capture", &text[..=end]);
        }
        self.names.push(name.to_string());
        self.skip(end + 1);
        self.open("(")
    }

    fn flags(&mut self) -> Parsed<()> {
        let text = self.rest;
        let (mut negative, mut saw_flag) = (false, false);
        for (at, rune) in text.char_indices().skip(2) {
            match rune {
                'i' | 'm' | 's' | 'U' => saw_flag = true,
                '-' if !negative => (negative, saw_flag) = (true, false),
                ':' | ')' if !negative || saw_flag => return self.end_flags(at, rune),
                _ => return error("invalid or unsupported Perl syntax", &text[..at + rune.len_utf8()]),
            }
        }
        error("invalid or unsupported Perl syntax", text)
    }

    /// Writes flags, each once, as the `regex` crate wants them; Go's last word on a flag counts.
    fn end_flags(&mut self, at: usize, end: char) -> Parsed<()> {
        let (on, off) = self.rest[2..at].split_once('-').unwrap_or((&self.rest[2..at], ""));
        let listed = |flags: &str| "imsU".chars().filter(|flag| flags.contains(*flag)).collect::<String>();
        let (on, off) = (listed(on), listed(off));
        let on: String = on.chars().filter(|flag| !off.contains(*flag)).collect();
        let off = if off.is_empty() { off } else { format!("-{off}") };
        self.skip(at + 1);
        if end == ':' {
            return self.open(&format!("(?{on}{off}:"));
        }
        if !on.is_empty() || !off.is_empty() {
            let _ = write!(self.out, "(?{on}{off})");
        }
        Ok(())
    }

    fn escape(&mut self) -> Parsed<()> {
        let text = self.rest;
        match text.as_bytes().get(1) {
            Some(b'A') => self.assertion(r"\A"),
            Some(b'z') => self.assertion(r"\z"),
            Some(b'b') => self.assertion(r"(?-u:\b)"),
            Some(b'B') => self.assertion(r"(?-u:\B)"),
            Some(b'C') => return error(BAD_ESCAPE, r"\C"),
            Some(b'Q') => {
                let (quoted, rest) = text[2..].split_once(r"\E").unwrap_or((&text[2..], ""));
                quoted.chars().for_each(|rune| self.literal(rune));
                self.rest = rest;
            }
            _ => return self.class_or_literal(),
        }
        Ok(())
    }

    fn assertion(&mut self, text: &str) {
        self.skip(2);
        self.out.push_str(text);
        self.push_operand(1);
    }

    fn class_or_literal(&mut self) -> Parsed<()> {
        if let Some((class, rest)) = self.named_class(self.rest)? {
            self.rest = rest;
            self.out.push_str(&class);
            self.push_operand(1);
            return Ok(());
        }
        let (rune, rest) = escaped(self.rest)?;
        self.rest = rest;
        self.literal(rune);
        Ok(())
    }

    /// Reads `\d` and its like, or `\pN` and `\p{Name}`; none for any other text.
    fn named_class(&mut self, text: &'p str) -> Parsed<Option<(String, &'p str)>> {
        let class = match text.get(..2) {
            Some(r"\d") => "[0-9]",
            Some(r"\D") => "[^0-9]",
            Some(r"\s") => r"[\t\n\x0C\r ]",
            Some(r"\S") => r"[^\t\n\x0C\r ]",
            Some(r"\w") => "[0-9A-Za-z_]",
            Some(r"\W") => "[^0-9A-Za-z_]",
            Some(r"\p" | r"\P") => return self.unicode_class(text).map(Some),
            _ => return Ok(None),
        };
        Ok(Some((class.to_string(), &text[2..])))
    }

    fn unicode_class(&mut self, text: &'p str) -> Parsed<(String, &'p str)> {
        let Some(first) = text[2..].chars().next() else { return error(BAD_CLASS, text) };
        let (sequence, name) = if first == '{' {
            let Some(end) = text.find('}') else { return error(BAD_CLASS, text) };
            (&text[..=end], &text[3..end])
        } else {
            let end = 2 + first.len_utf8();
            (&text[..end], &text[2..end])
        };
        let negated = text.starts_with(r"\P") != name.starts_with('^');
        let name = name.trim_start_matches('^');
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_- ".contains(&byte))
        {
            return error(BAD_CLASS, sequence);
        }
        self.unicode_class = Some(sequence.to_string());
        Ok((format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' }), &text[sequence.len()..]))
    }

    fn class(&mut self) -> Parsed<()> {
        let whole = self.rest;
        let mut rest = &whole[1..];
        let mut written = String::from("[");
        if let Some(negated) = rest.strip_prefix('^') {
            written.push('^');
            rest = negated;
        }
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            if let Some((class, behind)) = posix_class(rest)? {
                written.push_str(class);
                rest = behind;
                continue;
            }
            if let Some((class, behind)) = self.named_class(rest)? {
                written.push_str(&class);
                rest = behind;
                continue;
            }
            rest = class_range(rest, whole, &mut written)?;
        }
        written.push(']');
        self.out.push_str(&written);
        self.rest = &rest[1..];
        self.push_operand(1);
        Ok(())
    }
}

/// The bounds of a counted repetition.
#[derive(Clone, Copy)]
struct Counts {
    low: u64,
    high: Option<u64>,
    length: usize,
}

impl Counts {
    /// How often the operand is written out.
    fn factor(self) -> u64 {
        self.high.unwrap_or(self.low.max(1))
    }

    fn repeats(self) -> bool {
        self.low >= 2 || self.high.is_some_and(|high| high >= 2)
    }
}

/// Reads `{2}`, `{2,}` or `{2,5}`; none for text that only looks like it.
fn counts(text: &str) -> Parsed<Option<Counts>> {
    let Some((inside, _)) = text[1..].split_once('}') else { return Ok(None) };
    let (low, high) = match inside.split_once(',') {
        Some((low, high)) => (low, Some(high)),
        None => (inside, None),
    };
    let is_number = |digits: &str| {
        !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'))
    };
    if !is_number(low) || high.is_some_and(|high| !high.is_empty() && !is_number(high)) {
        return Ok(None);
    }
    let number = |digits: &str| digits.parse::<u64>().unwrap_or(u64::MAX);
    let low_count = number(low);
    let high_count = match high {
        None => Some(low_count),
        Some("") => None,
        Some(high) => Some(number(high)),
    };
    let length = inside.len() + 2;
    let largest = high_count.unwrap_or(low_count).max(low_count);
    if largest > REPEAT_LIMIT || high_count.is_some_and(|high| low_count > high) {
        return error(BAD_REPEAT, &text[..length]);
    }
    Ok(Some(Counts { low: low_count, high: high_count, length }))
}

fn push_rune(out: &mut String, rune: char) {
    if rune.is_ascii_alphanumeric() || !rune.is_ascii() {
        out.push(rune);
    } else {
        let _ = write!(out, r"\x{{{:x}}}", u32::from(rune));
    }
}

const POSIX_NAMES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

fn posix_class(text: &str) -> Parsed<Option<(&str, &str)>> {
    if !text.starts_with("[:") || text.len() <= 2 {
        return Ok(None);
    }
    let Some(end) = text[2..].find(":]") else { return Ok(None) };
    let (class, rest) = text.split_at(end + 4);
    let name = &class[2..end + 2];
    if !POSIX_NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return error(BAD_CLASS, class);
    }
    Ok(Some((class, rest)))
}

/// Reads one character of a class, or a range, and writes it.
fn class_range<'p>(text: &'p str, whole: &str, out: &mut String) -> Parsed<&'p str> {
    let (low, mut rest) = class_character(text, whole)?;
    let mut high = low;
    if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
        (high, rest) = class_character(&rest[1..], whole)?;
        if high < low {
            return error(BAD_CLASS, &text[..text.len() - rest.len()]);
        }
    }
    let _ = write!(out, r"\x{{{:x}}}-\x{{{:x}}}", u32::from(low), u32::from(high));
    Ok(rest)
}

fn class_character<'p>(text: &'p str, whole: &str) -> Parsed<(char, &'p str)> {
    match text.chars().next() {
        None => error("missing closing ]", whole),
        Some('\\') => escaped(text),
        Some(rune) => Ok((rune, &text[rune.len_utf8()..])),
    }
}

/// Reads an escape of a single character.
fn escaped(text: &str) -> Parsed<(char, &str)> {
    let mut rest = text[1..].chars();
    let Some(rune) = rest.next() else { return error("trailing backslash at end of expression", "") };
    let behind = rest.as_str();
    let simple = match rune {
        'a' => '\x07',
        'f' => '\x0C',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0B',
        'x' => return hexadecimal(text, behind),
        '1'..='7' if !behind.starts_with(|next| ('0'..='7').contains(&next)) => {
            return bad_escape(text, behind);
        }
        '0'..='7' => {
            let digits = text[1..].bytes().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
            let code = u32::from_str_radix(&text[1..=digits], 8).unwrap_or(0);
            return Ok((char::from_u32(code).unwrap_or('\u{FFFD}'), &text[1 + digits..]));
        }
        rune if rune.is_ascii() && !rune.is_ascii_alphanumeric() => rune,
        _ => return bad_escape(text, behind),
    };
    Ok((simple, behind))
}

fn bad_escape<'p, T>(text: &'p str, behind: &'p str) -> Parsed<T> {
    error(BAD_ESCAPE, &text[..text.len() - behind.len()])
}

fn hexadecimal<'p>(text: &'p str, digits: &'p str) -> Parsed<(char, &'p str)> {
    let mut rest = digits.chars();
    let Some(first) = rest.next() else { return bad_escape(text, digits) };
    if first != '{' {
        let second = rest.next();
        let code = first.to_digit(16).zip(second.and_then(|digit| digit.to_digit(16)));
        return match code.and_then(|(high, low)| char::from_u32(high * 16 + low)) {
            Some(rune) => Ok((rune, rest.as_str())),
            None => bad_escape(text, rest.as_str()),
        };
    }
    let mut code: u32 = 0;
    let mut count = 0;
    loop {
        match rest.next() {
            Some('}') if count > 0 => break,
            Some(digit) => match digit.to_digit(16) {
                Some(digit) if code * 16 + digit <= 0x10FFFF => code = code * 16 + digit,
                _ => return bad_escape(text, rest.as_str()),
            },
            None => return bad_escape(text, ""),
        }
        count += 1;
    }
    Ok((char::from_u32(code).unwrap_or('\u{FFFD}'), rest.as_str()))
}
