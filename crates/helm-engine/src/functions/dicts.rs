//! Functions on maps. `set`, `unset` and the merges change a map that others hold too; all others copy.

use std::rc::Rc;

use super::arguments::{DEPTH, Outcome, any, bytes, charge_growth, depth_left, map, own_marks};
use super::marks::{presence, shape, whole};
use super::merge::{Fill, merge};
use super::{Function, Param};
use crate::context::Context;
use crate::error::CallError;
use crate::template::format::text_of;
use crate::trace::Marks;
use crate::value::{Data, Entries, List, Map, Value};

const MAP: &[Param] = &[Param::Map];
const MAP_AND_KEY: &[Param] = &[Param::Map, Param::String];
const MAPS: &[Param] = &[Param::Map, Param::Map];

/// The functions on maps.
pub(super) const FUNCTIONS: &[Function] = &[
    own("dict", &[Param::Any], dict, "Makes a map of keys and values in turn.").variadic(),
    own("get", MAP_AND_KEY, get, "Returns the value under a key, an empty text if there is none."),
    own("set", &[Param::Map, Param::String, Param::Any], set, "Puts a value under a key of the map itself."),
    own("unset", MAP_AND_KEY, unset, "Removes a key from the map itself."),
    own("hasKey", MAP_AND_KEY, has_key, "Says whether a map has a key."),
    own("pluck", &[Param::String, Param::Map], pluck, "Lists the values that maps have under a key.")
        .variadic(),
    own("keys", MAP, keys, "Lists the keys of maps, sorted; Go's order is by chance.").variadic(),
    own("values", MAP, values, "Lists the values of a map by sorted key; Go's order is by chance."),
    own("pick", MAP_AND_KEY, pick, "Returns a map of some keys only.").variadic(),
    own("omit", MAP_AND_KEY, omit, "Returns a map without some keys.").variadic(),
    own("merge", MAPS, fill, "Fills what is empty in the first map from the others.").variadic(),
    own("mustMerge", MAPS, fill, "Fills what is empty in the first map from the others.").variadic(),
    own("mergeOverwrite", MAPS, overwrite, "Overwrites the first map with the others.").variadic(),
    own("mustMergeOverwrite", MAPS, overwrite, "Overwrites the first map with the others.").variadic(),
    own("deepCopy", &[Param::Any], deep_copy, "Copies a value and all that it holds."),
    own("mustDeepCopy", &[Param::Any], deep_copy, "Copies a value and all that it holds."),
    own("dig", &[Param::Any], dig, "Follows keys through nested maps, with a default for a missing one.")
        .variadic(),
];

const fn own(
    name: &'static str,
    params: &'static [Param],
    call: fn(&mut Context<'_>, &[Value]) -> Outcome,
    doc: &'static str,
) -> Function {
    Function::new(name, params, call, doc).own_marks()
}

fn dict(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.charge_value(args.len().saturating_mul(24))?;
    let mut entries = Entries::new();
    let mut marks = Marks::NONE;
    for pair in args.chunks(2) {
        let key = text_of(context, &pair[0])?;
        marks = marks.union(whole(context, &pair[0]));
        entries.insert(Rc::from(key.bytes()), pair.get(1).cloned().unwrap_or_else(|| "".into()));
    }
    Ok(Value::map(entries).marked(marks))
}

fn get(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = bytes(args, 1);
    let found = map(args, 0).get(key);
    let marks = presence(any(args, 0), key, found.is_some()).union(own_marks(args, 1));
    Ok(match found {
        Some(value) => value.marked(any(args, 0).marks.union(own_marks(args, 1))),
        None => Value::from("").marked(marks),
    })
}

fn set(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.charge(1)?;
    let why = own_marks(args, 1).union(any(args, 0).marks).union(context.control);
    let value = any(args, 2).clone().marked(why);
    let Some(map) = any(args, 0).as_map().filter(|map| !map.is_nil()) else {
        return Err(CallError::new("assignment to entry in nil map"));
    };
    context.note_read(own_marks(args, 1));
    map.note_written(why);
    map.set(bytes(args, 1), value);
    Ok(plain_map(any(args, 0)))
}

/// The map that a function returns is a `map[string]interface {}` whatever named type came in.
fn plain_map(value: &Value) -> Value {
    match &value.data {
        Data::Map(map) => Value::from(Data::Map(map.as_kind(Default::default()))).marked(value.marks),
        _ => Value::map(Entries::new()).marked(value.marks),
    }
}

fn unset(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    context.note_read(own_marks(args, 1));
    map(args, 0).note_written(own_marks(args, 1).union(context.control));
    map(args, 0).entries_mut().remove(bytes(args, 1));
    Ok(plain_map(any(args, 0)).marked(own_marks(args, 1)))
}

fn has_key(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = bytes(args, 1);
    let found = map(args, 0).entries().contains_key(key);
    Ok(Value::bool(found).marked(presence(any(args, 0), key, found)).marked(own_marks(args, 1)))
}

fn pluck(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let key = bytes(args, 0);
    let mut marks = own_marks(args, 0);
    let mut found = Vec::new();
    for source in args.iter().skip(1) {
        let value = source.as_map().and_then(|map| map.get(key));
        marks = marks.union(presence(source, key, value.is_some()));
        found.extend(value);
    }
    Ok(Value::list(found).marked(marks))
}

fn keys(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut all = Vec::new();
    let mut marks = Marks::NONE;
    for source in args {
        let map = source.as_map().cloned().unwrap_or_default();
        charge_growth(context, all.len() * 24, map.entries().len() * 24)?;
        let own = shape(source);
        all.extend(map.entries().keys().map(|key| Value::text(&key[..]).marked(own)));
        marks = marks.union(own);
    }
    Ok(Value::from(Data::List(List::typed(crate::value::ElementType::String, all))).marked(marks))
}

fn values(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let map = map(args, 0);
    context.charge_value(map.entries().len().saturating_mul(24))?;
    let all = map.entries().values().cloned().collect();
    Ok(Value::list(all).marked(own_marks(args, 0)))
}

fn pick(_: &mut Context<'_>, args: &[Value]) -> Outcome {
    let source = map(args, 0);
    let mut marks = any(args, 0).marks;
    let mut picked = Entries::new();
    for (at, _) in args.iter().enumerate().skip(1) {
        let key = bytes(args, at);
        let value = source.get(key);
        marks = marks.union(presence(any(args, 0), key, value.is_some())).union(own_marks(args, at));
        if let Some(value) = value {
            picked.insert(Rc::from(key), value);
        }
    }
    Ok(Value::map(picked).marked(marks))
}

fn omit(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let mut marks = own_marks(args, 0);
    let source = map(args, 0);
    context.charge_value(source.entries().len().saturating_mul(24))?;
    let mut kept = source.entries().clone();
    for (at, _) in args.iter().enumerate().skip(1) {
        kept.remove(bytes(args, at));
        marks = marks.union(own_marks(args, at));
    }
    Ok(Value::map(kept).marked(marks))
}

fn fill(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    merge_all(context, args, Fill::Empty)
}

fn overwrite(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    merge_all(context, args, Fill::Overwrite)
}

fn merge_all(context: &mut Context<'_>, args: &[Value], fill: Fill) -> Outcome {
    let mut target = map(args, 0);
    if target.is_nil() && args.len() > 1 {
        target = Map::default();
    }
    let mut marks = Marks::NONE;
    for source in args.iter().skip(1) {
        marks = marks.union(shape(source));
        let read = whole(context, source);
        context.note_read(read);
        if let Some(map) = source.as_map() {
            let outer = context.control;
            context.control = outer.union(source.marks);
            merge(context, DEPTH, &target, map, fill)?;
            context.control = outer;
        }
    }
    Ok(plain_map(&Value { data: Data::Map(target), marks: any(args, 0).marks }).marked(marks))
}

fn deep_copy(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    match any(args, 0) {
        value if value.is_nil() => Err(CallError::new("reflect: call of reflect.Value.Type on zero Value")),
        value => copied(context, DEPTH, value),
    }
}

fn copied(context: &mut Context<'_>, depth: usize, value: &Value) -> Outcome {
    context.charge(1)?;
    let depth = depth_left(depth)?;
    let data = match &value.data {
        Data::Map(map) if !map.is_nil() => Data::Map(copied_map(context, depth, map)?),
        Data::List(list) if !list.is_nil() => {
            let mut items = Vec::with_capacity(list.items().len());
            for item in list.items() {
                items.push(copied(context, depth, item)?);
            }
            Data::List(match list.path() {
                Some(path) => List::at_path(items, Rc::clone(path)),
                None => List::typed(list.element(), items),
            })
        }
        Data::Object(object) => object.deep_copy().map_or_else(|| value.data.clone(), |copy| copy.data),
        other => other.clone(),
    };
    Ok(Value { data, marks: value.marks })
}

fn copied_map(context: &mut Context<'_>, depth: usize, map: &Map) -> Result<Map, CallError> {
    let mut entries = Entries::new();
    for (key, value) in map.entries().iter() {
        entries.insert(Rc::clone(key), copied(context, depth, value)?);
    }
    let copy = match map.path() {
        Some(path) => Map::at_path(map.kind(), entries, Rc::clone(path)),
        None => Map::typed(map.kind(), entries),
    };
    copy.note_written(map.written());
    Ok(copy)
}

fn dig(context: &mut Context<'_>, args: &[Value]) -> Outcome {
    let Some((dict, [keys @ .., default])) = args.split_last().filter(|_| args.len() >= 3) else {
        return Err(CallError::new("dig needs at least three arguments"));
    };
    let mut current = plain(context, dict)?;
    for key in keys {
        if key.as_bytes().is_none() {
            return Err(conversion(context, key, "string"));
        }
    }
    let mut marks = dict.marks;
    let mut holder = dict.clone();
    for (at, key) in keys.iter().enumerate() {
        let name = key.as_bytes().unwrap_or_default();
        marks = marks.union(shape(key));
        let Some(step) = current.get(name) else {
            return Ok(default.clone().marked(marks).marked(presence(&holder, name, false)));
        };
        if at + 1 == keys.len() {
            return Ok(step.marked(marks));
        }
        current = plain(context, &step)?;
        marks = marks.union(step.marks);
        holder = step;
    }
    Ok(default.clone())
}

/// Returns a map of the plain type, which is what Go's type assertion lets pass.
fn plain(context: &Context<'_>, value: &Value) -> Result<Map, CallError> {
    match &value.data {
        Data::Map(map) if map.kind() == crate::value::MapType::Any => Ok(map.clone()),
        _ => Err(conversion(context, value, "map[string]interface {}")),
    }
}

fn conversion(context: &Context<'_>, value: &Value, wanted: &str) -> CallError {
    let found = match value.type_name(context.mode) {
        "<nil>" => "nil",
        name => name,
    };
    CallError::new(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}
