//! Pipelines, commands and operands: what stands between the delimiters of an action.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::ast::{Callee, Command, Fields, Operand, Pipe, Special, Term, Variable, Written};
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
        let base = self.commands.len();
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    pipe.commands = self.commands.drain(base..).collect();
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
                    self.commands.push(command);
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
        self.state.variables.push(declared.number);
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
        let place = self.place(first);
        let base = self.operands.len();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                self.operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.back(),
                Kind::Pipe => {}
                _ => return self.unexpected(token, "operand"),
            }
            break;
        }
        if self.operands.len() == base {
            return self.fail("empty command");
        }
        Ok(Command { place, operands: self.operands.drain(base..).collect() })
    }

    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let Some(operand) = self.term()? else { return Ok(None) };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let mut end = first.end;
        while self.peek().kind == Kind::Field {
            end = self.next().end;
        }
        let place = self.place(first);
        let fields = |start: usize| self.fields(start, end);
        let term = match operand.term {
            Term::Field(_) => Term::Field(fields(operand.place.offset as usize)),
            Term::Variable(variable, _) => Term::Variable(variable, fields(first.start)),
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let written = quote(operand.written().as_bytes());
                return self.fail(format!("unexpected . after term {written}"));
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                Term::Chain(Box::new(operand), fields(first.start))
            }
        };
        Ok(Some(Operand { place, term }))
    }

    /// Returns the fields written between two places, the first of which is a dot: they follow each other directly.
    fn fields(&self, start: usize, end: usize) -> Fields {
        Fields::new(&lossy(&self.text[start + 1..end]))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_non_space();
        let term = match token.kind {
            Kind::Identifier => Term::Function(self.callee(token)?),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => Term::Variable(self.used_variable(token)?, Fields::default()),
            Kind::Field => Term::Field(self.fields(token.start, token.end)),
            Kind::Bool => Term::Bool(self.value(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match number::parse(&self.str_value(token), token.kind) {
                    Ok(number) => Term::Number(Box::new(number)),
                    Err(message) => return self.fail(message),
                }
            }
            Kind::LeftParen => return self.parentheses(token).map(Some),
            Kind::String | Kind::RawString => self.string(token)?,
            _ => {
                self.back();
                return Ok(None);
            }
        };
        let place = self.place(token);
        Ok(Some(Operand { place, term }))
    }

    fn string(&self, token: Token) -> Parsed<Term> {
        let written = self.value(token);
        if let Some((text, quotes)) = unescaped(written) {
            return Ok(Term::String(Text::copy_of(text), quotes));
        }
        match unquote(written) {
            Ok(text) => Ok(Term::String(Text::new(text), Written::Otherwise(self.str_value(token).into()))),
            Err(_) => self.fail("invalid syntax"),
        }
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
        let name = lossy(self.value(token));
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
        let name = lossy(self.value(token));
        if let Some((name, number)) = self.numbers.get_key_value(&*name) {
            return Variable { number: *number, name: Arc::clone(name) };
        }
        let (name, number): (Arc<str>, u32) = (name.into(), self.numbers.len() as u32);
        self.numbers.insert(Arc::clone(&name), number);
        Variable { number, name }
    }

    fn used_variable(&mut self, token: Token) -> Parsed<Variable> {
        let variable = self.variable(token);
        if !self.state.variables.contains(&variable.number) {
            return self.fail(format!("undefined variable {}", quote(variable.name.as_bytes())));
        }
        Ok(variable)
    }
}

/// Returns the text between quotes if it stands for itself.
fn unescaped(written: &[u8]) -> Option<(&[u8], Written)> {
    let (&mark, rest) = written.split_first()?;
    let text = rest.strip_suffix(&[mark])?;
    let (quotes, is_plain) = match mark {
        b'`' => (Written::InBackticks, memchr::memchr(b'\r', text).is_none()),
        _ => (Written::InQuotes, memchr::memchr3(b'\\', b'"', b'\n', text).is_none()),
    };
    (is_plain && text.is_ascii()).then_some((text, quotes))
}

/// Reads bytes as text; the check for text that is valid, nearly always, is much faster than the replacing one.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
