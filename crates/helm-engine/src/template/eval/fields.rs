//! Fields, keys and methods: what `.a.b` and `$x.a` reach.

use std::rc::Rc;

use super::{Evaluator, Frame, Got, Run};
use crate::context::MissingKeys;
use crate::functions::Param;
use crate::template::ast::{Fields, Operand};
use crate::template::unicode::quote;
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
        fields: Fields,
        given: Given<'_>,
    ) -> Run<Got> {
        let Some((mut last, others)) = fields.split_first(frame.text()) else { return Ok(receiver) };
        let mut receiver = receiver;
        for next in others {
            receiver = self.field(frame, dot, &receiver, last, Given::NOTHING)?;
            last = next;
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
                if self.context.missing_keys == MissingKeys::Refused && map.get(name.as_bytes()).is_none() {
                    let name = quote(name.as_bytes());
                    return self.fail(frame, format!("map has no entry for key {name}"));
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
                let absent = crate::trace::absence(map, key);
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
        if let Some(params) = object.method(name) {
            let node = self.node;
            let arguments = self.method_arguments(frame, dot, name, params, given)?;
            return self.method(frame, receiver, object, name, &arguments, node);
        }
        if let Some(value) = object.field(name) {
            if !given.is_empty() {
                let problem = if object.kind() == "map" {
                    "is not a method but has arguments"
                } else {
                    "has arguments but cannot be invoked as function"
                };
                return self.fail(frame, format!("{name} {problem}"));
            }
            return Ok(Got::plain(value.marked(receiver.value.marks)));
        }
        let node = self.node;
        let arguments = self.free_arguments(frame, dot, given)?;
        self.method(frame, receiver, object, name, &arguments, node)
    }

    /// Calls a method whose arguments are evaluated; errors point at `node`.
    fn method(
        &mut self,
        frame: &Frame<'_>,
        receiver: &Got,
        object: &dyn crate::value::Object,
        name: &str,
        arguments: &[Value],
        node: u32,
    ) -> Run<Got> {
        match object.call(name, arguments, self.context) {
            Some(Ok(value)) => Ok(Got::plain(self.marked_by(value, receiver, arguments))),
            Some(Err(error)) => {
                self.node = node;
                Err(super::Failure::of_call(frame, node, name, &error))
            }
            None => {
                self.node = node;
                match object.kind() {
                    "map" if arguments.is_empty() => Ok(Got::plain(Data::Bytes(Text::default()).into())),
                    "map" => self.fail(frame, format!("{name} is not a method but has arguments")),
                    _ => self.no_field(frame, receiver, name),
                }
            }
        }
    }

    /// Evaluates what a method with typed parameters is given.
    fn method_arguments(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        name: &str,
        params: &[Param],
        given: Given<'_>,
    ) -> Run<Vec<Value>> {
        let count = given.operands.len() + usize::from(given.last.is_some());
        let wanted = params.len();
        if count != wanted {
            return self.fail(frame, format!("wrong number of args for {name}: want {wanted} got {count}"));
        }
        let mut arguments = Vec::with_capacity(count);
        for (operand, param) in given.operands.iter().zip(params) {
            arguments.push(self.argument(frame, dot, operand, *param)?);
        }
        if let (Some(last), Some(param)) = (given.last, params.last()) {
            arguments.push(self.checked(frame, last, *param)?);
        }
        Ok(arguments)
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
        let arguments = self.method_arguments(frame, dot, "Has", &[Param::String], given)?;
        let wanted = &arguments[0];
        let has = list.items().iter().any(|item| item.as_bytes() == wanted.as_bytes());
        let mut answer = Value::bool(has);
        if self.traces() {
            let marks = self.whole(receiver).union(self.whole(wanted));
            self.read(marks);
            answer.marks = marks;
        }
        Ok(Got::plain(answer))
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
        let params: &[Param] = match name {
            "AsMap" | "YAML" => &[],
            "Encode" => &[Param::Named("io.Writer")],
            _ => &[Param::String],
        };
        let node = self.node;
        let arguments = self.method_arguments(frame, dot, name, params, given)?;
        let path = arguments.first().and_then(Value::as_bytes).unwrap_or_default();
        let found = match name {
            "AsMap" => Ok(Value::from(Data::Map(map.as_kind(MapType::Any))).marked(receiver.marks)),
            "YAML" => return self.call_named(frame, "toYaml", receiver, b"\n"),
            "Table" => table(receiver, path),
            _ => path_value(receiver, path),
        };
        self.node = node;
        found.map(Got::plain).map_err(|message| {
            super::Failure::of_call(frame, node, name, &crate::error::CallError::new(message))
        })
    }
}

/// Says whether a map has a method of that name: Helm's named type of values has some.
fn has_method(map: &Map, name: &str) -> bool {
    map.kind() == MapType::Values && matches!(name, "Table" | "AsMap" | "YAML" | "PathValue" | "Encode")
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
