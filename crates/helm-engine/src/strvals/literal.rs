//! `--set-literal`: one value, taken as it stands.

use std::sync::Arc;

use super::scanner::{Scanner, Stop, deeper, negative, quoted_runes, set, set_index, take_list, take_map};
use crate::tree::{Node, NodeKind, NodeMap};

pub(super) fn parse(mut scanner: Scanner<'_>, into: &mut NodeMap) -> Result<(), String> {
    loop {
        match key(&mut scanner, into, 0) {
            Ok(()) => {}
            Err(Stop::End) => return Ok(()),
            Err(Stop::Error(message)) => return Err(message),
        }
    }
}

fn key(scanner: &mut Scanner<'_>, map: &mut NodeMap, level: usize) -> Result<(), Stop> {
    let (name, stop) = scanner.until(&['=', '[', '.'], false);
    match stop {
        None if name.is_empty() => Err(Stop::End),
        None => Err(Stop::Error(format!("key {} has no value", crate::gotext::quote(&name)))),
        Some('=') => {
            let value = value(scanner);
            set(map, &name, value);
            Ok(())
        }
        Some('.') => {
            let level = deeper(level)?;
            let mut inner = match map.remove(name.as_str()) {
                Some(node) => take_map(node)?,
                None => NodeMap::new(),
            };
            let result = key(scanner, &mut inner, level);
            if inner.is_empty() {
                result?;
                return Err(Stop::Error(format!("key map {} has no value", crate::gotext::quote(&name))));
            }
            set(map, &name, scanner.place(NodeKind::Map(Arc::new(inner))));
            result
        }
        Some(_) => {
            let index = scanner.index(false)?;
            let mut list = match map.remove(name.as_str()) {
                Some(node) => take_list(node)?,
                None => Vec::new(),
            };
            let result = list_item(scanner, &mut list, index, level);
            set(map, &name, scanner.place(NodeKind::List(Arc::new(list))));
            result
        }
    }
}

fn list_item(scanner: &mut Scanner<'_>, list: &mut Vec<Node>, at: i64, level: usize) -> Result<(), Stop> {
    if at < 0 {
        return Err(negative(at));
    }
    let (extra, stop) = scanner.until(&['[', '.', '='], false);
    if !extra.is_empty() {
        let extra = quoted_runes(&extra);
        return Err(Stop::Error(format!("unexpected data at end of array index: {extra}")));
    }
    let existing = usize::try_from(at).ok().and_then(|i| list.get_mut(i)).map(std::mem::take);
    match stop {
        None => Err(Stop::End),
        Some('=') => {
            let value = value(scanner);
            set_index(list, at, value)
        }
        Some('.') => {
            let mut inner = match existing {
                Some(Node { kind: NodeKind::Map(map), .. }) => Arc::unwrap_or_clone(map),
                _ => NodeMap::new(),
            };
            key(scanner, &mut inner, level)?;
            set_index(list, at, scanner.place(NodeKind::Map(Arc::new(inner))))
        }
        Some(_) => {
            let next = scanner.index(false)?;
            let mut inner = match existing {
                Some(node) if !node.is_null() => take_list(node)?,
                _ => Vec::new(),
            };
            list_item(scanner, &mut inner, next, level)?;
            set_index(list, at, scanner.place(NodeKind::List(Arc::new(inner))))
        }
    }
}

fn value(scanner: &mut Scanner<'_>) -> Node {
    let node = scanner.place(NodeKind::String(scanner.rest().into()));
    scanner.offset += scanner.rest().len();
    node
}
