//! Pipelines, commands and variables.

use super::fields::Given;
use super::{Binding, Evaluator, Frame, Got, Run};
use crate::stack;
use crate::template::ast::{Command, Fields, Id, Operand, Pipe, Term, Variable};
use crate::template::number::Number;
use crate::value::Value;

impl Evaluator<'_, '_> {
    /// Evaluates a pipeline and declares or assigns its variables.
    pub(super) fn pipeline(&mut self, frame: &Frame<'_>, dot: &Got, pipe: &Pipe) -> Run<Got> {
        self.node = pipe.place.id;
        let mut piped = None;
        for command in pipe.commands.of(&frame.code().commands) {
            let mut got = self.command(frame, dot, command, piped)?;
            got.in_interface = false;
            piped = Some(got);
        }
        let got = piped.unwrap_or_default();
        if pipe.variables.is_empty() {
            return Ok(got);
        }
        let mut kept = got.clone();
        kept.value.marks = kept.value.marks.union(self.control);
        for variable in frame.variables(pipe) {
            if pipe.assigns {
                self.assign(frame, variable, kept.clone())?;
            } else {
                self.variables.push(Binding { number: variable.number, value: kept.clone() });
            }
        }
        Ok(got)
    }

    /// Gives the innermost variable of that name a new value.
    pub(super) fn assign(&mut self, frame: &Frame<'_>, variable: &Variable, mut value: Got) -> Run<()> {
        if self.traces() {
            value.value.marks = value.value.marks.union(self.control);
        }
        let visible = &mut self.variables[frame.base..];
        match visible.iter_mut().rfind(|binding| binding.number == variable.number) {
            Some(binding) => {
                binding.value = value;
                Ok(())
            }
            None => self.undefined(frame, variable),
        }
    }

    fn undefined<T>(&self, frame: &Frame<'_>, variable: &Variable) -> Run<T> {
        let name = String::from_utf8_lossy(variable.name.of(frame.text()));
        self.fail(frame, format!("undefined variable: {name}"))
    }

    fn variable(&self, frame: &Frame<'_>, variable: &Variable) -> Run<Got> {
        let visible = &self.variables[frame.base..];
        match visible.iter().rfind(|binding| binding.number == variable.number) {
            Some(binding) => Ok(binding.value.clone()),
            None => self.undefined(frame, variable),
        }
    }

    fn command(&mut self, frame: &Frame<'_>, dot: &Got, command: &Command, piped: Option<Got>) -> Run<Got> {
        let operands = frame.operands(command);
        let first = &operands[0];
        match &first.term {
            Term::Field(fields) => {
                self.node = first.place.id;
                let given = Given { operands: &operands[1..], last: piped };
                return self.chain(frame, dot, dot.clone(), *fields, given);
            }
            Term::Chain(inner, fields) => {
                let given = Given { operands: &operands[1..], last: piped };
                return self.inner_chain(frame, dot, first, (*inner, *fields), given);
            }
            Term::Function(callee) => {
                self.node = first.place.id;
                return self.call(frame, dot, *callee, command.place.id, &operands[1..], piped);
            }
            Term::Pipe(pipe) => {
                self.check_not_called(frame, operands, &piped)?;
                if stack::is_exhausted() {
                    return self.fail(frame, "the expression is nested too deeply");
                }
                return self.pipeline(frame, dot, pipe.of(&frame.code().pipes));
            }
            Term::Variable(variable, fields) => {
                self.node = first.place.id;
                let value = self.variable(frame, variable)?;
                if fields.is_empty() {
                    self.check_not_called(frame, operands, &piped)?;
                    return Ok(value);
                }
                let given = Given { operands: &operands[1..], last: piped };
                return self.chain(frame, dot, value, *fields, given);
            }
            _ => {}
        }
        self.node = first.place.id;
        self.check_not_called(frame, operands, &piped)?;
        match &first.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => self.fail(frame, "nil is not a command"),
            _ => self.constant(frame, first),
        }
    }

    fn check_not_called(&self, frame: &Frame<'_>, operands: &[Operand], piped: &Option<Got>) -> Run<()> {
        if operands.len() == 1 && piped.is_none() {
            return Ok(());
        }
        self.fail(frame, format!("can't give argument to non-function {}", frame.written(&operands[0])))
    }

    fn inner_chain(
        &mut self,
        frame: &Frame<'_>,
        dot: &Got,
        operand: &Operand,
        (inner, fields): (Id<Operand>, Fields),
        given: Given<'_>,
    ) -> Run<Got> {
        let inner = inner.of(&frame.code().operands);
        self.node = operand.place.id;
        self.node = inner.place.id;
        let receiver = match inner.term {
            Term::Pipe(pipe) => {
                let pipe = pipe.of(&frame.code().pipes);
                if stack::is_exhausted() {
                    self.node = pipe.place.id;
                    return self.fail(frame, "the expression is nested too deeply");
                }
                self.pipeline(frame, dot, pipe)?
            }
            Term::Function(callee) => self.call(frame, dot, callee, inner.place.id, &[], None)?,
            _ => self.any_argument(frame, dot, inner)?,
        };
        self.chain(frame, dot, receiver, fields, given)
    }

    /// Evaluates an operand where any type will do. `nil` is no value.
    pub(super) fn any_argument(&mut self, frame: &Frame<'_>, dot: &Got, operand: &Operand) -> Run<Got> {
        self.node = operand.place.id;
        match operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Got::default()),
            Term::Field(fields) => self.chain(frame, dot, dot.clone(), fields, Given::NOTHING),
            Term::Variable(variable, fields) => {
                let value = self.variable(frame, &variable)?;
                self.chain(frame, dot, value, fields, Given::NOTHING)
            }
            Term::Pipe(_) if stack::is_exhausted() => self.fail(frame, "the expression is nested too deeply"),
            Term::Pipe(pipe) => self.pipeline(frame, dot, pipe.of(&frame.code().pipes)),
            Term::Function(callee) => self.call(frame, dot, callee, operand.place.id, &[], None),
            Term::Chain(inner, fields) => {
                self.inner_chain(frame, dot, operand, (inner, fields), Given::NOTHING)
            }
            Term::Bool(_) | Term::Number(_) | Term::String(..) => self.constant(frame, operand),
        }
    }

    /// Returns a constant where its syntax decides about its type.
    fn constant(&mut self, frame: &Frame<'_>, operand: &Operand) -> Run<Got> {
        let code = frame.code();
        let value = match operand.term {
            Term::Bool(truth) => Value::bool(truth),
            Term::String(text, _) => Value::from(text.of(&code.strings).clone()),
            Term::Number(number) => return self.ideal(frame, number.of(&code.numbers)),
            _ => Value::NIL,
        };
        Ok(Got::plain(value))
    }

    fn ideal(&self, frame: &Frame<'_>, number: &Number) -> Run<Got> {
        let text = &*number.text;
        let is_character = text.starts_with('\'');
        let is_hexadecimal = text.len() > 2
            && (text.starts_with("0x") || text.starts_with("0X"))
            && !text.contains(['p', 'P']);
        let looks_like_float = !is_character && !is_hexadecimal && text.contains(['.', 'e', 'E', 'p', 'P']);
        let value = match (number.complex, number.float, number.int) {
            (Some((real, imaginary)), ..) => super::super::complex::value(real, imaginary),
            (None, Some(float), _) if looks_like_float => Value::float(float),
            (None, _, Some(int)) => Value::int(int),
            _ => return self.fail(frame, format!("{text} overflows int")),
        };
        Ok(Got::plain(value))
    }
}
