//! `--set`, `--set-string`, `--set-json` and `--set-file`.

use std::sync::Arc;

use super::scanner::{Scanner, Stop, deeper, negative, quoted_runes, set, set_index, take_list, take_map};
use super::{FileLookup, SetKind};
use crate::tree::{Node, NodeKind, NodeMap};

struct Parser<'a> {
    scanner: Scanner<'a>,
    kind: SetKind,
    files: FileLookup<'a>,
}

pub(super) fn parse(
    scanner: Scanner<'_>,
    kind: SetKind,
    into: &mut NodeMap,
    files: FileLookup<'_>,
) -> Result<(), String> {
    let mut parser = Parser { scanner, kind, files };
    loop {
        match parser.key(into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(message),
        }
    }
}

impl Parser<'_> {
    /// Reads one `path=value` into a map.
    fn key(&mut self, map: &mut NodeMap, level: usize) -> Result<(), Stop> {
        let (key, stop) = self.scanner.until(&['=', '[', ',', '.'], true);
        match stop {
            None if key.is_empty() => Err(Stop::End),
            None => Err(Stop::Error(format!("key {} has no value", crate::gotext::quote(&key)))),
            Some('[') => self.list_key(map, &key, level),
            Some('=') => self.assign(map, &key),
            Some('.') => self.nested_key(map, &key, level),
            Some(_) => {
                let key = crate::gotext::quote(&key);
                Err(Stop::Error(format!("key {key} has no value (cannot end with ,)")))
            }
        }
    }

    fn list_key(&mut self, map: &mut NodeMap, key: &str, level: usize) -> Result<(), Stop> {
        let index = self.scanner.index(true)?;
        let mut list = match map.remove(key) {
            Some(node) => take_list(node)?,
            None => Vec::new(),
        };
        let result = self.list_item(&mut list, index, level);
        set(map, key, self.scanner.place(NodeKind::List(Arc::new(list))));
        result
    }

    fn nested_key(&mut self, map: &mut NodeMap, key: &str, level: usize) -> Result<(), Stop> {
        let level = deeper(level)?;
        let mut inner = match map.remove(key) {
            Some(node) => take_map(node)?,
            None => NodeMap::new(),
        };
        let result = self.key(&mut inner, level);
        if inner.is_empty() {
            result?;
            return Err(Stop::Error(format!("key map {} has no value", crate::gotext::quote(key))));
        }
        set(map, key, self.scanner.place(NodeKind::Map(Arc::new(inner))));
        result
    }

    /// Reads the value behind `key=`.
    fn assign(&mut self, map: &mut NodeMap, key: &str) -> Result<(), Stop> {
        if self.kind == SetKind::Json {
            let value = self.json()?;
            set(map, key, value);
            return Ok(());
        }
        if self.scanner.peek().is_none() {
            set(map, key, self.text(""));
            return Err(Stop::End);
        }
        let value = self.value()?;
        set(map, key, value);
        Ok(())
    }

    /// Reads what follows `[index]`.
    fn list_item(&mut self, list: &mut Vec<Node>, index: i64, level: usize) -> Result<(), Stop> {
        if index < 0 {
            return Err(negative(index));
        }
        let (extra, stop) = self.scanner.until(&['[', '.', '='], true);
        if !extra.is_empty() {
            let extra = quoted_runes(&extra);
            return Err(Stop::Error(format!("unexpected data at end of array index: {extra}")));
        }
        match stop {
            None => Err(Stop::End),
            Some('=') if self.kind == SetKind::Json => {
                let value = self.json()?;
                set_index(list, index, value)
            }
            Some('=') => {
                let value = if self.scanner.peek().is_none() { self.text("") } else { self.value()? };
                set_index(list, index, value)
            }
            Some('[') => {
                let next = self.scanner.index(true)?;
                let mut inner = match existing(list, index) {
                    Some(node) if !node.is_null() => take_list(node)?,
                    _ => Vec::new(),
                };
                self.list_item(&mut inner, next, level)?;
                set_index(list, index, self.scanner.place(NodeKind::List(Arc::new(inner))))
            }
            Some(_) => {
                let mut inner = match existing(list, index) {
                    Some(Node { kind: NodeKind::Map(map), .. }) => Arc::unwrap_or_clone(map),
                    _ => NodeMap::new(),
                };
                self.key(&mut inner, level)?;
                set_index(list, index, self.scanner.place(NodeKind::Map(Arc::new(inner))))
            }
        }
    }

    /// Reads a list in braces or a single value.
    fn value(&mut self) -> Result<Node, Stop> {
        if self.scanner.peek() != Some('{') {
            let place = self.scanner.offset;
            let (runes, _) = self.scanner.until(&[','], true);
            return self.convert(&runes, place);
        }
        let start = self.scanner.offset;
        self.scanner.next();
        let mut items = Vec::new();
        loop {
            let place = self.scanner.offset;
            let (runes, stop) = self.scanner.until(&[',', '}'], true);
            match stop {
                None => return Err(Stop::error("list must terminate with '}'")),
                Some(rune) => {
                    items.push(self.convert(&runes, place)?);
                    if rune == '}' {
                        break;
                    }
                }
            }
        }
        if self.scanner.peek() == Some(',') {
            self.scanner.next();
        }
        let position = super::position(self.scanner.source, start);
        Ok(Node { position, key_position: position, ..Node::list(items) })
    }

    /// Turns the runes of one value into what the flag makes of them.
    fn convert(&self, runes: &str, offset: usize) -> Result<Node, Stop> {
        let kind = match self.kind {
            SetKind::Typed => typed(runes),
            SetKind::File => NodeKind::String((self.files)(runes).map_err(Stop::Error)?.into()),
            _ => NodeKind::String(runes.into()),
        };
        let position = super::position(self.scanner.source, offset);
        Ok(Node { position, key_position: position, ..Node::new(kind) })
    }

    fn text(&self, text: &str) -> Node {
        self.scanner.place(NodeKind::String(text.into()))
    }

    /// Reads a JSON value and the comma behind it; nothing at all is null.
    fn json(&mut self) -> Result<Node, Stop> {
        if self.skip_empty() {
            return Ok(self.scanner.place(NodeKind::Null));
        }
        let mut stream =
            serde_json::Deserializer::from_str(self.scanner.rest()).into_iter::<serde_json::Value>();
        let value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return Err(Stop::Error(error.to_string())),
            None => return Err(Stop::End),
        };
        let node = self.scanner.place(super::from_json(value, self.scanner.source, self.scanner.offset).kind);
        self.scanner.offset += stream.byte_offset();
        self.skip_empty();
        Ok(node)
    }

    /// Skips blanks and one comma; says whether nothing else stood there.
    fn skip_empty(&mut self) -> bool {
        loop {
            match self.scanner.peek() {
                None => return true,
                Some(',') => {
                    self.scanner.next();
                    return true;
                }
                Some(rune) if rune.is_whitespace() => {
                    self.scanner.next();
                }
                Some(_) => return false,
            }
        }
    }
}

fn existing(list: &mut [Node], index: i64) -> Option<Node> {
    list.get_mut(usize::try_from(index).ok()?).map(std::mem::take)
}

/// What `--set` makes of unquoted text.
fn typed(text: &str) -> NodeKind {
    if text.eq_ignore_ascii_case("true") {
        return NodeKind::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return NodeKind::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return NodeKind::Null;
    }
    if text == "0" {
        return NodeKind::Int(0);
    }
    if !text.starts_with('0')
        && let Ok(number) = text.parse()
    {
        return NodeKind::Int(number);
    }
    NodeKind::String(text.into())
}
