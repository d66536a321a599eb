//! Pipelines, commands and operands: what stands between the delimiters of an action.

use super::super::ast::{
    Callee, Command, Fields, Id, List, Operand, Pipe, Span, Special, Term, Variable, Writer,
};
use super::super::lexer::{Kind, Token};
use super::super::number;
use super::super::unicode::{quote, unquote};
use super::{NESTING, Parsed, Parser};
use crate::functions;
use crate::stack;
use crate::value::Text;

impl<'t> Parser<'t> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipe> {
        let first = self.peek_non_space();
        let place = self.place(first);
        let (assigns, variables) = self.declarations(context)?;
        let base = self.commands.len();
        loop {
            let token = self.next_non_space();
            match token.kind {
                kind if kind == end => {
                    self.check_pipeline(base, context)?;
                    let commands = List::moved(&mut self.code.commands, &mut self.commands, base);
                    return Ok(Pipe { place, assigns, variables, commands });
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

    /// Reads the variables that are declared or, as is said, assigned.
    fn declarations(&mut self, context: &str) -> Parsed<(bool, List<Variable>)> {
        let mut found = [Variable::default(); 2];
        let mut count = 0;
        loop {
            let variable = self.peek_non_space();
            if variable.kind != Kind::Variable {
                return Ok((false, self.declared(&found[..count])));
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
                return Ok((false, self.declared(&found[..count])));
            }
            self.next_non_space();
            let declared = self.variable(variable);
            self.state.variables.push(declared.number);
            // Only the second of `range` follows a comma, so there is room.
            found[count] = declared;
            count += 1;
            if !is_comma {
                return Ok((next.kind == Kind::Assign, self.declared(&found[..count])));
            }
            if context != "range" || count == 2 {
                return self.fail(format!("too many declarations in {context}"));
            }
            if !matches!(self.peek_non_space().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                return self.fail("range can only initialize variables");
            }
        }
    }

    fn declared(&mut self, variables: &[Variable]) -> List<Variable> {
        match variables {
            [] => List::EMPTY,
            _ => List::moved(&mut self.code.variables, &mut variables.to_vec(), 0),
        }
    }

    fn check_pipeline(&self, base: usize, context: &str) -> Parsed<()> {
        let commands = &self.commands[base..];
        if commands.is_empty() {
            return self.fail(format!("missing value for {context}"));
        }
        for (at, command) in commands.iter().enumerate().skip(1) {
            if matches!(
                command.operands.of(&self.code.operands)[0].term,
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
        let operands = List::moved(&mut self.code.operands, &mut self.operands, base);
        Ok(Command { place, operands })
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
        // The fields follow each other directly: a dot and a name each.
        let fields = |start: u32| Fields(Span(start + 1, end));
        let term = match operand.term {
            Term::Field(_) => Term::Field(fields(operand.place.offset)),
            Term::Variable(variable, _) => Term::Variable(variable, fields(first.start)),
            Term::Bool(_) | Term::String(..) | Term::Number(_) | Term::Nil | Term::Dot => {
                let written = quote(Writer::written(self.text, &self.code, &operand).as_bytes());
                return self.fail(format!("unexpected . after term {written}"));
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => {
                Term::Chain(Id::push(&mut self.code.operands, operand), fields(first.start))
            }
        };
        Ok(Some(Operand { place, term }))
    }

    fn term(&mut self) -> Parsed<Option<Operand>> {
        let token = self.next_non_space();
        let term = match token.kind {
            Kind::Identifier => Term::Function(self.callee(token)?),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => Term::Variable(self.used_variable(token)?, Fields::default()),
            Kind::Field => Term::Field(Fields(Span(token.start + 1, token.end))),
            Kind::Bool => Term::Bool(self.value(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                match number::parse(&String::from_utf8_lossy(self.value(token)), token.kind) {
                    Ok(number) => Term::Number(Id::push(&mut self.code.numbers, number)),
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

    fn string(&mut self, token: Token) -> Parsed<Term> {
        let written = self.value(token);
        let text = match unescaped(written).map(Text::copy_of) {
            Some(text) => text,
            None => match unquote(written) {
                Ok(text) => Text::new(text),
                Err(_) => return self.fail("invalid syntax"),
            },
        };
        Ok(Term::String(Id::push(&mut self.code.strings, text), token.end))
    }

    fn parentheses(&mut self, _open: Token) -> Parsed<Operand> {
        if self.state.parentheses >= NESTING || stack::is_exhausted() {
            return self.fail("max expression depth exceeded");
        }
        self.state.parentheses += 1;
        let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
        self.state.parentheses -= 1;
        Ok(Operand { place: pipe.place, term: Term::Pipe(Id::push(&mut self.code.pipes, pipe)) })
    }

    fn callee(&self, token: Token) -> Parsed<Callee> {
        let name = self.value(token);
        let known = std::str::from_utf8(name).ok().and_then(|name| functions::find(name, self.mode));
        let Some(function) = known else {
            return self.fail(format!("function {} not defined", quote(name)));
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
        let fresh = self.numbers.len() as u32;
        let number = *self.numbers.entry(self.value(token)).or_insert(fresh);
        Variable { number, name: Span(token.start, token.end) }
    }

    fn used_variable(&mut self, token: Token) -> Parsed<Variable> {
        let variable = self.variable(token);
        if !self.state.variables.contains(&variable.number) {
            return self.fail(format!("undefined variable {}", quote(self.value(token))));
        }
        Ok(variable)
    }
}

/// Returns the text between quotes if it stands for itself.
pub(super) fn unescaped(written: &[u8]) -> Option<&[u8]> {
    let (&mark, rest) = written.split_first()?;
    let text = rest.strip_suffix(&[mark])?;
    let is_plain = match mark {
        b'`' => memchr::memchr(b'\r', text).is_none(),
        _ => memchr::memchr3(b'\\', b'"', b'\n', text).is_none(),
    };
    (is_plain && text.is_ascii()).then_some(text)
}
