//! Reading a flag's line rune by rune, and the writes into lists and maps that both parsers share.

use std::sync::Arc;

use crate::Mode;
use crate::tree::{Node, NodeKind, NodeMap};

/// The largest list index Helm accepts.
const MAX_INDEX: i64 = 65_536;
/// The deepest nesting of keys Helm accepts.
const MAX_DEPTH: usize = 30;

/// Why parsing stopped: the end of the line, which is no error at the right place, or an error.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    End,
    Error(String),
}

impl Stop {
    pub(super) fn error(message: impl Into<String>) -> Self {
        Stop::Error(message.into())
    }
}

/// A line and how far it has been read.
pub(super) struct Scanner<'a> {
    text: &'a str,
    pub(super) offset: usize,
    pub(super) source: u32,
    mode: Mode,
}

/// The runes up to a stop rune, and that rune; `None` at the end of the line.
pub(super) type Until = (String, Option<char>);

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, source: u32, mode: Mode) -> Self {
        Scanner { text, offset: 0, source, mode }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let rune = self.peek()?;
        self.offset += rune.len_utf8();
        Some(rune)
    }

    /// Reads up to one of `stops`; a backslash takes the next rune as it is if `escapes`.
    pub(super) fn until(&mut self, stops: &[char], escapes: bool) -> Until {
        let mut runes = String::new();
        while let Some(rune) = self.next() {
            if stops.contains(&rune) {
                return (runes, Some(rune));
            }
            if rune != '\\' || !escapes {
                runes.push(rune);
            } else if let Some(escaped) = self.next() {
                runes.push(escaped);
            } else {
                break;
            }
        }
        (runes, None)
    }

    /// Reads the number and the bracket of `[i]`. At the end of the line Helm 4 takes the error for the end.
    pub(super) fn index(&mut self, escapes: bool) -> Result<i64, Stop> {
        let (digits, end) = self.until(&[']'], escapes);
        match end {
            None if self.mode == Mode::Helm4 => Err(Stop::End),
            None => Err(Stop::Error("error parsing index: EOF".to_owned())),
            Some(_) => atoi(&digits).map_err(|error| Stop::Error(format!("error parsing index: {error}"))),
        }
    }

    /// Gives a new value the position reached so far.
    pub(super) fn place(&self, kind: NodeKind) -> Node {
        let position = super::position(self.source, self.offset);
        Node { position, key_position: position, ..Node::new(kind) }
    }
}

/// Go's `strconv.Atoi` and its errors.
fn atoi(digits: &str) -> Result<i64, String> {
    let unsigned = digits.strip_prefix(['+', '-']).unwrap_or(digits);
    let syntax = unsigned.is_empty() || !unsigned.bytes().all(|b| b.is_ascii_digit());
    let reason = if syntax { "invalid syntax" } else { "value out of range" };
    digits.parse().map_err(|_| format!("strconv.Atoi: parsing {}: {reason}", crate::gotext::quote(digits)))
}

/// Counts one more level of nesting.
pub(super) fn deeper(level: usize) -> Result<usize, Stop> {
    if level + 1 > MAX_DEPTH {
        return Err(Stop::Error(format!(
            "value name nested level is greater than maximum supported nested level of {MAX_DEPTH}"
        )));
    }
    Ok(level + 1)
}

/// Puts a value under a key; an empty key is ignored.
pub(super) fn set(map: &mut NodeMap, key: &str, value: Node) {
    if !key.is_empty() {
        map.insert(Arc::from(key), value);
    }
}

/// Puts a value at an index, filling up with null.
pub(super) fn set_index(list: &mut Vec<Node>, index: i64, value: Node) -> Result<(), Stop> {
    if index < 0 {
        return Err(negative(index));
    }
    if index > MAX_INDEX {
        return Err(Stop::Error(format!(
            "index of {index} is greater than maximum supported index of {MAX_INDEX}"
        )));
    }
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    if list.len() <= index {
        list.resize_with(index + 1, Node::default);
    }
    list[index] = value;
    Ok(())
}

/// Writes text as Go's `%q` writes a list of characters.
pub(super) fn quoted_runes(text: &str) -> String {
    let quote = |rune: char| match rune {
        '\'' => r"'\''".to_owned(),
        '"' => "'\"'".to_owned(),
        _ => format!("'{}'", crate::gotext::quote(&rune.to_string()).trim_matches('"')),
    };
    format!("[{}]", text.chars().map(quote).collect::<Vec<_>>().join(" "))
}

pub(super) fn negative(index: i64) -> Stop {
    Stop::Error(format!("negative {index} index not allowed"))
}

/// Takes the list out of a node, as Go's type assertion does.
pub(super) fn take_list(node: Node) -> Result<Vec<Node>, Stop> {
    match node.kind {
        NodeKind::List(items) => Ok(Arc::unwrap_or_clone(items)),
        other => Err(assertion(&other, "[]interface {}")),
    }
}

/// Takes the map out of a node, as Go's type assertion does.
pub(super) fn take_map(node: Node) -> Result<NodeMap, Stop> {
    match node.kind {
        NodeKind::Map(map) => Ok(Arc::unwrap_or_clone(map)),
        other => Err(assertion(&other, "map[string]interface {}")),
    }
}

/// The panic of a failed type assertion, as the parser's recovery words it.
fn assertion(found: &NodeKind, wanted: &str) -> Stop {
    let found = crate::gotext::type_name(found);
    Stop::Error(format!("unable to parse key: interface conversion: interface {{}} is {found}, not {wanted}"))
}
