//! The merge of two maps as dario.cat/mergo 1.0.1 does it for `merge` and `mergeOverwrite`.
//!
//! Maps inside maps are merged in place, wherever the target's own maps stand; a source's map that fills a gap is
//! shared with the source afterwards. Lists are taken whole. mergo's errors about differing types cannot happen here:
//! both sides are maps of anything.

use super::arguments::depth_left;
use super::defaults::is_empty;
use super::marks::{presence, shape};
use crate::context::Context;
use crate::error::CallError;
use crate::trace::{Trace, absence, map_shape};
use crate::value::{Data, Map, Value};

/// Which entries of the target give way to the source's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// Those that are missing or empty.
    Empty,
    /// All.
    Overwrite,
}

/// Merges `source` into `target`.
///
/// # Errors
/// When the maps are nested too deeply or the merge takes too many steps.
pub(super) fn merge(
    context: &mut Context<'_>,
    depth: usize,
    target: &Map,
    source: &Map,
    fill: Fill,
) -> Result<(), CallError> {
    let depth = depth_left(depth)?;
    let entries: Vec<_> = source.entries().iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    context.charge(1 + entries.len() as u64)?;
    if context.trace != Trace::Off {
        mark_what_stays(context, target, source, fill);
    }
    for (key, from) in entries {
        merge_entry(context, depth, target, (&key, from), fill)?;
    }
    Ok(())
}

/// Lets every entry that stays because the source has none depend on that.
fn mark_what_stays(context: &Context<'_>, target: &Map, source: &Map, fill: Fill) {
    target.note_written(map_shape(source).union(context.control));
    if target.same(source) {
        return;
    }
    for (key, value) in target.entries_mut().iter_mut() {
        let gives_way = fill == Fill::Overwrite || is_empty(value);
        if gives_way && !source.entries().contains_key(key) {
            value.marks = value.marks.union(absence(source, key)).union(context.control);
        }
    }
}

fn merge_entry(
    context: &mut Context<'_>,
    depth: usize,
    target: &Map,
    (key, from): (&[u8], Value),
    fill: Fill,
) -> Result<(), CallError> {
    if from.is_nil() {
        if fill == Fill::Overwrite {
            target.set(key, from.marked(context.control));
        } else if let Some(mut kept) = target.get(key).filter(|kept| !from.marks.is_none() && is_empty(kept))
        {
            kept.marks = kept.marks.union(from.marks);
            target.set(key, kept);
        }
        return Ok(());
    }
    let into = target.get(key);
    let both = match (&from.data, into.as_ref().map(|value| &value.data)) {
        (Data::Map(source), Some(Data::Map(inner))) => Some((source, inner)),
        _ => None,
    };
    if let Some((source, inner)) = both {
        merge(context, depth, inner, source, fill)?;
    }
    let free = into.as_ref().is_none_or(is_empty);
    if !free && both.is_some() {
        return Ok(());
    }
    let from = from.marked(context.control);
    if fill == Fill::Overwrite {
        target.set(key, from);
    } else if free {
        let why = match &into {
            Some(empty) => shape(empty),
            None => presence(&Value::from(Data::Map(target.clone())), key, false),
        };
        target.set(key, from.marked(why));
    }
    Ok(())
}
