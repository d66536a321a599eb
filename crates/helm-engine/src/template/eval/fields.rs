//! Fields, keys and methods: what `.a.b` and `$x.a` reach.

use std::rc::Rc;

use super::{Evaluator, Frame, Got, Run};
use crate::template::ast::Operand;
use crate::template::unicode::quote;
use crate::trace::{Mark, Marks};
use crate::value::{Data, ElementType, List, Map, MapType, Text, Value};

/// Says whether a map's values are interfaces in Go.
pub(super) fn holds_interfaces(map: &Map) -> bool {
    matches!(map.kind(), MapType::Any | MapType::Values)
}

/// Returns what Go's zero of a map's element type is.
pub(crate) fn missing(map: &Map) -> Got {
    match map.kind() {
        MapType::Any | MapType::Values => Got::boxed(Value::NIL),
        MapType::String => Got::plain(Value::text("")),
        MapType::Files => Got::plain(Data::Bytes(Text::default()).into()),
    }
}

/// The operands and the piped value that a field may be called with.
pub(super) struct Given<'g> {
    pub(super) operands: &'g [Operand],
    pub(super) last: Option<Got>,
}

impl Given<'_> {
    pub(super) const NOTHING: Given<'static> = Given { operands: &[], last: None };

    pub(super) fn is_empty(&self) -> bool {
        self.operands.is_empty() && self.last.is_none()
    }
}

impl Evaluator<'_, '_> {
    /// Follows a chain of fields; what is given goes to the last one.
    pub(super) fn chain(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        receiver: Got,
        fields: &[Box<str>],
        given: Given<'_>,
    ) -> Run<Got> {
        let Some((last, before)) = fields.split_last() else { return Ok(receiver) };
        let mut receiver = receiver;
        for field in before {
            receiver = self.field(frame, dot, &receiver, field, Given::NOTHING)?;
        }
        self.field(frame, dot, &receiver, last, given)
    }

    fn field(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        receiver: &Got,
        name: &str,
        given: Given<'_>,
    ) -> Run<Got> {
        match &receiver.value.data {
            Data::Map(map) => {
                if has_method(map, name) {
                    return self.map_method(frame, dot, &receiver.value, map, name, given);
                }
                if !given.is_empty() {
                    return self.fail(frame, format!("{name} is not a method but has arguments"));
                }
                Ok(self.key(&receiver.value, map, name.as_bytes()))
            }
            Data::Nil if receiver.in_interface => {
                self.fail(frame, format!("nil pointer evaluating interface {{}}.{name}"))
            }
            Data::Nil => Ok(Got::plain(Value::NIL.marked(receiver.value.marks))),
            Data::List(list) if list.element() == ElementType::VersionSet && name == "Has" => {
                self.version_set_has(frame, dot, &receiver.value, list, given)
            }
            Data::Object(object) => {
                let object = Rc::clone(object);
                self.member(frame, dot, receiver, &*object, name, given)
            }
            _ => self.no_field(frame, receiver, name),
        }
    }

    /// Returns the value under a key, with what its presence or absence depends on.
    pub(super) fn key(&self, holder: &Value, map: &Map, key: &[u8]) -> Got {
        let found = map.get(key);
        if !self.traces() {
            return match found {
                Some(value) => Got { value, in_interface: holds_interfaces(map) },
                None => missing(map),
            };
        }
        match found {
            Some(value) => Got { value: value.marked(holder.marks), in_interface: holds_interfaces(map) },
            None => {
                let mut got = missing(map);
                let absent = map
                    .path()
                    .map_or(Marks::NONE, |path| Marks::one(Mark::Shape(crate::trace::key_path(path, key))));
                got.value.marks = got.value.marks.union(holder.marks).union(absent);
                got
            }
        }
    }

    fn no_field<T>(&self, frame: &Frame<'_>, receiver: &Got, name: &str) -> Run<T> {
        let type_name =
            if receiver.in_interface { "interface {}" } else { receiver.value.type_name(self.context.mode) };
        self.fail(frame, format!("can't evaluate field {name} in type {type_name}"))
    }

    fn member(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        receiver: &Got,
        object: &dyn crate::value::Object,
        name: &str,
        given: Given<'_>,
    ) -> Run<Got> {
        if let Some(value) = object.field(name) {
            if !given.is_empty() {
                return self.fail(frame, format!("{name} has arguments but cannot be invoked as function"));
            }
            let in_interface = object.kind() == "map";
            return Ok(Got { value: value.marked(receiver.value.marks), in_interface });
        }
        let node = self.node;
        let arguments = self.free_arguments(frame, dot, given)?;
        self.node = node;
        match object.call(name, &arguments, self.context) {
            None if object.kind() == "map" && arguments.is_empty() => Ok(Got::boxed(Value::NIL)),
            None if object.kind() == "map" => {
                self.fail(frame, format!("{name} is not a method but has arguments"))
            }
            None => self.no_field(frame, receiver, name),
            Some(Ok(value)) => Ok(Got::plain(self.marked_by(value, receiver, &arguments))),
            Some(Err(error)) => Err(super::Failure::of_call(frame, self.node, name, &error)),
        }
    }

    fn marked_by(&mut self, value: Value, receiver: &Got, arguments: &[Value]) -> Value {
        if !self.traces() {
            return value;
        }
        let marks = arguments.iter().fold(receiver.value.marks, |all, value| all.union(self.whole(value)));
        self.read(marks);
        value.marked(marks)
    }

    /// Evaluates what a method is given, as values of any type.
    fn free_arguments(&mut self, frame: &Frame<'_>, dot: &Got, given: Given<'_>) -> Run<Vec<Value>> {
        let mut arguments = Vec::new();
        for operand in given.operands {
            arguments.push(self.any_argument(frame, dot, operand)?.value);
        }
        arguments.extend(given.last.map(|last| last.value));
        Ok(arguments)
    }

    fn version_set_has(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        receiver: &Value,
        list: &List,
        given: Given<'_>,
    ) -> Run<Got> {
        let wanted = self.text_argument(frame, dot, "Has", given)?;
        let has = list.items().iter().any(|item| item.as_bytes() == Some(wanted.bytes()));
        let mut answer = Value::bool(has);
        if self.traces() {
            let marks = self.whole(receiver).union(wanted.segment_marks());
            self.read(marks);
            answer.marks = marks;
        }
        Ok(Got::plain(answer))
    }

    /// Evaluates the only argument of a method that takes a string.
    fn text_argument(&mut self, frame: &Frame<'_>, dot: &Got, name: &str, given: Given<'_>) -> Run<Text> {
        let count = given.operands.len() + usize::from(given.last.is_some());
        if count != 1 {
            return self.fail(frame, format!("wrong number of args for {name}: want 1 got {count}"));
        }
        let value = match (given.operands.first(), given.last) {
            (Some(operand), _) => self.argument(frame, dot, operand, crate::functions::Param::String)?,
            (None, Some(last)) => self.checked(frame, last, crate::functions::Param::String)?,
            (None, None) => Value::NIL,
        };
        match value.data {
            Data::Text(text) => Ok(text),
            _ => Ok(Text::default()),
        }
    }

    fn map_method(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        receiver: &Value,
        map: &Map,
        name: &str,
        given: Given<'_>,
    ) -> Run<Got> {
        match name {
            "AsMap" | "YAML" if !given.is_empty() => {
                let count = given.operands.len() + usize::from(given.last.is_some());
                self.fail(frame, format!("wrong number of args for {name}: want 0 got {count}"))
            }
            "AsMap" => {
                Ok(Got::plain(Value::from(Data::Map(map.as_kind(MapType::Any))).marked(receiver.marks)))
            }
            "YAML" => self.call_named(frame, "toYaml", receiver, b"\n"),
            _ => {
                let node = self.node;
                let path = self.text_argument(frame, dot, name, given)?;
                self.node = node;
                let found = if name == "Table" { table } else { path_value };
                match found(receiver, path.bytes()) {
                    Ok(value) => Ok(Got::plain(value)),
                    Err(message) => {
                        let error = crate::error::CallError::new(message);
                        Err(super::Failure::of_call(frame, self.node, name, &error))
                    }
                }
            }
        }
    }
}

/// Says whether a map has a method of that name: Helm's named type of values has some.
fn has_method(map: &Map, name: &str) -> bool {
    map.kind() == MapType::Values && matches!(name, "Table" | "AsMap" | "YAML" | "PathValue")
}

/// Returns a table as Helm's `Values.Table` does.
fn table(values: &Value, path: &[u8]) -> Result<Value, String> {
    let mut current = values.clone();
    for part in path.split(|byte| *byte == b'.') {
        let found = current.as_map().and_then(|map| map.get(part)).filter(|value| value.as_map().is_some());
        current = found.ok_or_else(|| format!("{} is not a table", quote(part)))?;
    }
    match current.as_map() {
        Some(map) => Ok(Value::from(Data::Map(map.as_kind(MapType::Values))).marked(current.marks)),
        None => Ok(current),
    }
}

/// Returns what is no table as Helm's `Values.PathValue` does.
fn path_value(values: &Value, path: &[u8]) -> Result<Value, String> {
    if path.is_empty() {
        return Err("YAML path cannot be empty".to_string());
    }
    let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'.').collect();
    let key = parts.pop().unwrap_or_default();
    let refusal = || format!("{} is not a value", quote(key));
    let holder = match parts[..] {
        [] => values.clone(),
        _ => table(values, &parts.join(&b'.')).map_err(|_| refusal())?,
    };
    let found = holder.as_map().and_then(|map| map.get(key));
    found.filter(|value| value.as_map().is_none()).ok_or_else(refusal)
}

/// Returns a container of an object as a plain one, for ranging and indexing.
pub(crate) fn plain_container(value: &Value) -> Value {
    match &value.data {
        Data::Object(object) if matches!(object.kind(), "map" | "slice") => {
            object.to_plain().marked(value.marks)
        }
        _ => value.clone(),
    }
}
