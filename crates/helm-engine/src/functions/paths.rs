//! Slash-separated paths as Go's `path` sees them; the `os…` functions are the same where templates are rendered.

use super::arguments::{Outcome, bytes};
use super::{Function, Param};
use crate::context::Context;
use crate::value::Value;

const TEXT: &[Param] = &[Param::String];

/// The functions on paths.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", TEXT, base, "Returns the last element of a path."),
    Function::new("dir", TEXT, dir, "Returns a path without its last element."),
    Function::new("clean", TEXT, clean_path, "Returns the shortest form of a path."),
    Function::new("ext", TEXT, ext, "Returns the extension of a path, with its dot."),
    Function::new("isAbs", TEXT, is_abs, "Says whether a path is absolute."),
    Function::new("osBase", TEXT, base, "Returns the last element of a file path."),
    Function::new("osDir", TEXT, dir, "Returns a file path without its last element."),
    Function::new("osClean", TEXT, clean_path, "Returns the shortest form of a file path."),
    Function::new("osExt", TEXT, ext, "Returns the extension of a file path, with its dot."),
    Function::new("osIsAbs", TEXT, is_abs, "Says whether a file path is absolute."),
];

fn base(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let path = bytes(args, 0);
    if path.is_empty() {
        return Ok(".".into());
    }
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    let start = path[..end].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    Ok(if end == 0 { "/".into() } else { Value::text(&path[start..end]) })
}

fn dir(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let path = bytes(args, 0);
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    Ok(Value::text(clean(&path[..end])))
}

fn clean_path(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::text(clean(bytes(args, 0))))
}

/// Removes empty and `.` elements and resolves `..` where it can.
fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.first() == Some(&b'/');
    let mut kept: Vec<&[u8]> = Vec::new();
    for element in path.split(|byte| *byte == b'/') {
        match element {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => drop(kept.pop()),
            b".." if rooted => {}
            other => kept.push(other),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", &joined[..]].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

fn ext(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let path = bytes(args, 0);
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = name.iter().rposition(|byte| *byte == b'.').unwrap_or(name.len());
    Ok(Value::text(&name[dot..]))
}

fn is_abs(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    Ok(Value::bool(bytes(args, 0).starts_with(b"/")))
}
