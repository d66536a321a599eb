//! Calls of functions: the number and types of arguments, with Go's messages.

use super::{Evaluator, Failure, Frame, Got, Run};
use crate::functions::{Function, MarkRule, Param};
use crate::stack;
use crate::template::ast::{Callee, Operand, Special, Term};
use crate::template::number::Number;
use crate::trace::{Decides, Marks};
use crate::value::{Data, ElementType, IntType, List, MapType, Value};

impl Evaluator<'_, '_> {
    /// Calls a function. `node` is what errors of the function itself point at.
    pub(super) fn call(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        callee: Callee,
        node: u32,
        operands: &[Operand],
        piped: Option<Got>,
    ) -> Run<Got> {
        if stack::is_exhausted() {
            return self.fail(frame, "the templates are nested too deeply");
        }
        self.charge(frame, 1)?;
        let function = callee.function;
        self.check_count(frame, function, operands.len(), piped.is_some())?;
        if matches!(callee.special, Special::And | Special::Or) {
            return self.and_or(frame, dot, callee.special == Special::Or, operands, piped);
        }
        let base = self.arguments.len();
        let mut last_is_nothing = false;
        for (at, operand) in operands.iter().enumerate() {
            let param = parameter(function, at);
            let value = if callee.special == Special::Len {
                let got = self.any_argument(frame, dot, operand)?;
                last_is_nothing = got.value.is_nil() && !got.in_interface;
                got.value
            } else {
                self.argument(frame, dot, operand, param)?
            };
            self.arguments.push(value);
        }
        if let Some(last) = piped {
            last_is_nothing = last.value.is_nil() && !last.in_interface;
            let value = self.checked(frame, last, parameter(function, operands.len()))?;
            self.arguments.push(value);
        }
        let result = match callee.special {
            Special::Include => self.include(frame, node, base),
            Special::Tpl => self.tpl(frame, node, base),
            Special::Len if last_is_nothing => {
                Err(self.call_failed(frame, node, "len", "reflect: call of reflect.Value.Type on zero Value"))
            }
            Special::Call => {
                let name = operands.first().map_or_else(String::new, |operand| frame.written(operand));
                Err(self.call_of_no_function(frame, node, base, &name))
            }
            _ => self.perform(frame, node, function, base),
        };
        self.arguments.truncate(base);
        result.map(Got::plain)
    }

    fn perform(&mut self, frame: &Frame<'_>, node: u32, function: &Function, base: usize) -> Run<Value> {
        if self.traces() {
            self.context.control = self.control;
        }
        match (function.call)(self.context, &self.arguments[base..]) {
            Ok(mut value) => {
                if self.traces() {
                    let noted = self.context.take_noted();
                    self.read(noted);
                    if function.marks == MarkRule::Union {
                        let marks = self.whole_arguments(base);
                        self.read(marks);
                        value.marks = value.marks.union(marks);
                    }
                    value.marks = value.marks.union(self.control);
                }
                Ok(value)
            }
            Err(error) => {
                self.node = node;
                Err(Failure::of_call(frame, node, function.name, &error))
            }
        }
    }

    fn call_failed(&mut self, frame: &Frame<'_>, node: u32, name: &str, message: &str) -> Box<Failure> {
        self.node = node;
        Failure::of_call(frame, node, name, &crate::error::CallError::new(message))
    }

    fn call_of_no_function(&mut self, frame: &Frame<'_>, node: u32, base: usize, name: &str) -> Box<Failure> {
        let message = match self.arguments.get(base) {
            None | Some(Value { data: Data::Nil, .. }) => "call of nil".to_string(),
            Some(value) => format!("non-function {name} of type {}", value.type_name(self.context.mode)),
        };
        self.call_failed(frame, node, "call", &message)
    }

    /// Calls a function by name with one argument, and adds text behind the result.
    pub(super) fn call_named(
        &mut self,
        frame: &Frame<'_>,
        name: &str,
        argument: &Value,
        behind: &[u8],
    ) -> Run<Got> {
        let Some(function) = crate::functions::find(name, self.context.mode) else {
            return self.fail(frame, format!("{name:?} is not a defined function"));
        };
        let base = self.arguments.len();
        self.arguments.push(argument.clone());
        let result = self.perform(frame, self.node, function, base);
        self.arguments.truncate(base);
        let value = result?;
        let mut bytes = value.as_bytes().unwrap_or_default().to_vec();
        bytes.extend_from_slice(behind);
        Ok(Got::plain(Value::text(bytes).marked(self.whole(&value))))
    }

    fn check_count(&self, frame: &Frame<'_>, function: &Function, operands: usize, piped: bool) -> Run<()> {
        let given = operands + usize::from(piped);
        let wanted = function.params.len();
        let name = function.name;
        if function.variadic {
            if given < wanted - 1 {
                let least = wanted - 1;
                let message =
                    format!("wrong number of args for {name}: want at least {least} got {operands}");
                return self.fail(frame, message);
            }
        } else if given != wanted {
            return self.fail(frame, format!("wrong number of args for {name}: want {wanted} got {given}"));
        }
        Ok(())
    }

    /// Evaluates `and` and `or`, which stop at the first operand that decides.
    fn and_or(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        is_or: bool,
        operands: &[Operand],
        piped: Option<Got>,
    ) -> Run<Got> {
        let outer = self.control;
        let mut last = Got::default();
        let mut chosen_by = Marks::NONE;
        for operand in operands {
            last = self.any_argument(frame, dot, operand)?;
            let marks = self.tested(&last.value);
            chosen_by = chosen_by.union(marks);
            self.control = self.control.union(marks.deciding(Decides::Branch));
            if last.value.is_true() == is_or {
                break;
            }
        }
        let decided = !operands.is_empty() && last.value.is_true() == is_or;
        if let Some(piped) = piped.filter(|_| !decided) {
            last = piped;
        }
        last.value.marks = last.value.marks.union(self.control).union(chosen_by);
        self.control = outer;
        Ok(last)
    }

    /// Evaluates an operand for a parameter of that type.
    pub(super) fn argument(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        operand: &Operand,
        param: Param,
    ) -> Run<Value> {
        self.node = operand.place.id;
        if matches!(param, Param::Any | Param::Reflect) {
            return Ok(self.any_argument(frame, dot, operand)?.value);
        }
        match &operand.term {
            Term::Nil if can_be_nil(param) => Ok(zero(param)),
            Term::Nil => self.fail(frame, format!("cannot assign nil to {}", param.type_name())),
            Term::Bool(_) | Term::Number(_) | Term::String(..) => self.literal(frame, operand, param),
            _ => {
                let got = self.any_argument(frame, dot, operand)?;
                self.checked(frame, got, param)
            }
        }
    }

    fn literal(&mut self, frame: &Frame<'_>, operand: &Operand, param: Param) -> Run<Value> {
        let code = frame.code();
        let number = match operand.term {
            Term::Number(number) => number.of(&code.numbers),
            _ => &Number::default(),
        };
        let wanted = match (param, operand.term) {
            (Param::Bool, Term::Bool(truth)) => return Ok(Value::bool(truth)),
            (Param::String, Term::String(text, _)) => return Ok(Value::from(text.of(&code.strings).clone())),
            (Param::Int, Term::Number(_)) if number.int.is_some() => {
                return Ok(Value::int(number.int.unwrap_or_default()));
            }
            (Param::Int64, Term::Number(_)) if number.int.is_some() => {
                return Ok(Value::int64(number.int.unwrap_or_default()));
            }
            (Param::Uint32, Term::Number(_)) if number.uint.is_some() => {
                let low = number.uint.unwrap_or_default() as u32;
                return Ok(Data::Int(IntType::Uint32, i64::from(low)).into());
            }
            (Param::Float, Term::Number(_)) if number.float.is_some() => {
                return Ok(Value::float(number.float.unwrap_or_default()));
            }
            (Param::Bool, _) => "expected bool; found ",
            (Param::String, _) => "expected string; found ",
            (Param::Int | Param::Int64, _) => "expected integer; found ",
            (Param::Uint32, _) => "expected unsigned integer; found ",
            (Param::Float, _) => "expected float; found ",
            _ => {
                let message =
                    format!("can't handle {} for arg of type {}", frame.written(operand), param.type_name());
                return self.fail(frame, message);
            }
        };
        self.fail(frame, format!("{wanted}{}", frame.written(operand)))
    }

    /// Checks that a value can be given for a parameter, and returns it so.
    pub(super) fn checked(&self, frame: &Frame<'_>, got: Got, param: Param) -> Run<Value> {
        let mode = self.context.mode;
        let fits = match (param, &got.value.data) {
            (Param::Any | Param::Reflect, _) => true,
            (_, Data::Nil) if !got.in_interface => {
                if can_be_nil(param) {
                    return Ok(zero(param).marked(got.value.marks));
                }
                return self.fail(frame, format!("invalid value; expected {}", param.type_name()));
            }
            (Param::String, Data::Text(_))
            | (Param::Bool, Data::Bool(_))
            | (Param::Float, Data::Float(_)) => true,
            (Param::Int, Data::Int(kind, _)) => *kind == IntType::Int,
            (Param::Int64, Data::Int(kind, _)) => *kind == IntType::Int64,
            (Param::Uint32, Data::Int(kind, _)) => *kind == IntType::Uint32,
            (Param::Map, Data::Map(map)) => matches!(map.kind(), MapType::Any | MapType::Values),
            (Param::List, Data::List(list)) => list.element() == ElementType::Any,
            (Param::Strings, Data::List(list)) => {
                matches!(list.element(), ElementType::String | ElementType::VersionSet)
            }
            (Param::Time, Data::Object(object)) => object.type_name() == "time.Time",
            (Param::Named(name), Data::Object(object)) => object.type_name() == name,
            _ => false,
        };
        if fits {
            return Ok(got.value);
        }
        let found = if got.value.is_nil() { "interface {}" } else { got.value.type_name(mode) };
        self.fail(frame, format!("wrong type for value; expected {}; got {found}", param.type_name()))
    }
}

fn parameter(function: &Function, at: usize) -> Param {
    let last = function.params.len().saturating_sub(1);
    function.params.get(at.min(last)).copied().unwrap_or(Param::Any)
}

fn can_be_nil(param: Param) -> bool {
    match param {
        Param::Any | Param::Map | Param::List | Param::Strings | Param::Reflect => true,
        Param::Named(name) => name.starts_with(['*', '[']),
        Param::String
        | Param::Bool
        | Param::Int
        | Param::Int64
        | Param::Uint32
        | Param::Float
        | Param::Time => false,
    }
}

/// Returns Go's nil of a type: an empty container, since functions read nil containers as empty ones.
fn zero(param: Param) -> Value {
    match param {
        // A nil map: only writing to it differs from an empty one.
        Param::Map => Value::NIL,
        Param::List => Data::List(List::nil(ElementType::Any)).into(),
        Param::Strings => Data::List(List::nil(ElementType::String)).into(),
        _ => Value::NIL,
    }
}
