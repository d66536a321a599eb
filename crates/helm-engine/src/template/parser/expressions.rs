//! Pipelines, commands and operands: what stands between the delimiters of an action.

use super::super::ast::{Callee, Command, Operand, Pipe, Special, Term, Variable};
use super::super::lexer::{Kind, Token};
use super::super::number;
use super::super::unicode::{quote, unquote};
use super::{NESTING, Parsed, Parser};
use crate::functions;
use crate::stack;
use crate::value::Text;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let first = self.peek_non_space();
        let place = self.place(first);
        let mut pipe = Pipe { place, assigns: false, variables: Vec::new(), commands: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check_pipeline(&pipe, context)?;
                    return Ok(pipe);
                }
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.back();
                    let command = self.command()?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
    }

    /// Reads a declared or assigned variable; says whether another one follows.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Parsed<bool> {
        let variable = self.peek_non_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        let adjacent = self.peek();
        let next = self.peek_non_space();
        let is_comma = next.kind == Kind::Char && self.value(next) == b",";
        if !is_comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
            if adjacent.kind == Kind::Space {
                self.back_three(variable, adjacent);
            } else {
                self.back_two(variable);
            }
            return Ok(false);
        }
        self.next_non_space();
        let declared = self.variable(variable);
        self.state.variables.push(declared.name.clone());
        pipe.variables.push(declared);
        if !is_comma {
            pipe.assigns = next.kind == Kind::Assign;
            return Ok(false);
        }
        if context == "range" && pipe.variables.len() < 2 {
            return match self.peek_non_space().kind {
                Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                _ => self.fail("range can only initialize variables"),
            };
        }
        self.fail(format!("too many declarations in {context}"))
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parsed<()> {
        if pipe.commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (at, command) in pipe.commands.iter().enumerate().skip(1) {
            if matches!(
                command.operands[0].term,
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(..)
            ) {
                return self.fail(format!("non executable command in pipeline stage {}", at + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<Command> {
        let first = self.peek_non_space();
        let mut command = Command { place: self.place(first), operands: Vec::new() };
        loop {
            self.peek_non_space();
            command.operands.extend(self.operand()?);
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        if command.operands.is_empty() {
            return self.fail("empty command");
        }
        Ok(command)
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(operand) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut fields: Vec<Box<str>> = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(self.field_name(token));
        }
        let place = self.place(first);
        let with =
            |before: Box<[Box<str>]>| before.into_vec().into_iter().chain(fields.iter().cloned()).collect();
        let term = match operand.term {
            Term::Field(before) => Term::Field(with(before)),
            Term::Variable(variable, before) => Term::Variable(variable, with(before)),
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let written = quote(operand.written().as_bytes());
                return self.fail(format!("unexpected . after term {written}"));
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                Term::Chain(Box::new(operand), fields.into_boxed_slice())
            }
        };
        Ok(Some(Operand { place, term }))
    }

    fn field_name(&self, token: Token) -> Box<str> {
        String::from_utf8_lossy(&self.text[token.start + 1..token.end]).into()
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_non_space();
        let term = match token.kind {
            Kind::Identifier => Term::Function(self.callee(token)?),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => Term::Variable(self.used_variable(token)?, Box::default()),
            Kind::Field => Term::Field(Box::new([self.field_name(token)])),
            Kind::Bool => Term::Bool(self.value(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match number::parse(&self.str_value(token), token.kind) {
                    Ok(number) => Term::Number(Box::new(number)),
                    Err(message) => return self.fail(message),
                }
            }
            Kind::LeftParen => return self.parentheses(token).map(Some),
            Kind::String | Kind::RawString => match unquote(self.value(token)) {
                Ok(text) => Term::String(Text::new(text), self.str_value(token).into()),
                Err(_) => return self.fail("invalid syntax"),
            },
            _ => {
                self.back();
                return Ok(None);
            }
        };
        let place = self.place(token);
        Ok(Some(Operand { place, term }))
    }

    fn parentheses(&mut self, _open: Token) -> Parsed<Operand> {
        if self.state.parentheses >= NESTING || stack::is_exhausted() {
            return self.fail("max expression depth exceeded");
        }
        self.state.parentheses += 1;
        let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
        self.state.parentheses -= 1;
        Ok(Operand { place: pipe.place, term: Term::Pipe(Box::new(pipe)) })
    }

    fn callee(&self, token: Token) -> Parsed<Callee> {
        let name = self.str_value(token);
        let Some(function) = functions::find(&name, self.mode) else {
            return self.fail(format!("function {} not defined", quote(name.as_bytes())));
        };
        let special = match function.name {
            "and" => Special::And,
            "or" => Special::Or,
            "include" => Special::Include,
            "tpl" => Special::Tpl,
            "len" => Special::Len,
            "call" => Special::Call,
            _ => Special::No,
        };
        Ok(Callee { function, special })
    }

    fn variable(&mut self, token: Token) -> Variable {
        let name: Box<str> = self.str_value(token).into();
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(name.clone()).or_insert(next);
        Variable { number, name }
    }

    fn used_variable(&mut self, token: Token) -> Parsed<Variable> {
        let variable = self.variable(token);
        if !self.state.variables.contains(&variable.name) {
            return self.fail(format!("undefined variable {}", quote(variable.name.as_bytes())));
        }
        Ok(variable)
    }
}
