//! Tokens to templates: a port of the rules and messages of `text/template/parse`.
//!
//! Functions are resolved here, so that a template that parses calls nothing unknown. Nesting is bounded, since a
//! template is walked by recursion.

mod expressions;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::ast::{
    Branch, Code, Command, File, Id, Invocation, List, Node, Operand, Place, Source, Span, Tree, is_empty,
};
use super::lexer::{Kind, Lexer, Token};
use super::unicode::{quote, unquote};
use crate::context::Mode;
use crate::stack;

/// How deep control structures or parentheses may nest.
const NESTING: usize = 2_000;

/// Parses a file: the trees it defines, its own body last.
///
/// # Errors
/// Go's message, `template: FILE:LINE: …`.
pub(crate) fn parse(name: &Arc<str>, text: Arc<[u8]>, mode: Mode) -> Result<Vec<Tree>, String> {
    if u32::try_from(text.len()).is_err() {
        return Err(format!("template: {name}:1: the template is larger than 4 GiB"));
    }
    let mut parser = Parser {
        text: &text,
        file: name,
        mode,
        lexer: Lexer::new(&text),
        state: State::new(),
        definitions: Vec::new(),
        code: Code::with_room(actions(&text)),
        ids: 0,
        numbers: BTreeMap::from([(&b"$"[..], 0)]),
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        nesting: 0,
    };
    let root = parser.file()?;
    parser.add(Arc::from(name.as_bytes()), root)?;
    let Parser { code, definitions, .. } = parser;
    let source = Arc::new(Source { name: Arc::clone(name), text: Arc::clone(&text) });
    let file = Arc::new(File { source, code });
    let tree = |Definition { name, root, is_empty }| Tree { name, file: Arc::clone(&file), root, is_empty };
    Ok(definitions.into_iter().map(tree).collect())
}

/// Counts the delimiters that open an action, or nearly so.
fn actions(text: &[u8]) -> usize {
    memchr::memchr_iter(b'{', text).count() / 2
}

type Parsed<T> = Result<T, String>;

/// What a definition has for itself while it is parsed.
struct State {
    tokens: [Token; 3],
    peeked: usize,
    /// The numbers of those that are visible.
    variables: Vec<u32>,
    action_line: u32,
    ranges: usize,
    parentheses: usize,
}

impl State {
    fn new() -> Self {
        State {
            tokens: [Token::default(); 3],
            peeked: 0,
            variables: vec![0],
            action_line: 0,
            ranges: 0,
            parentheses: 0,
        }
    }
}

/// A tree before its file is complete.
struct Definition {
    name: Arc<[u8]>,
    root: List<Node>,
    is_empty: bool,
}

struct Parser<'t> {
    text: &'t [u8],
    file: &'t str,
    mode: Mode,
    lexer: Lexer<'t>,
    state: State,
    definitions: Vec<Definition>,
    code: Code,
    ids: u32,
    /// The numbers of variables by name.
    numbers: BTreeMap<&'t [u8], u32>,
    /// What is being collected, the innermost list last; each list is taken off when it is complete.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
    nesting: usize,
}

/// What ended a list of nodes or is a node of it.
enum Item {
    Node(Node),
    End,
    Else,
}

impl Item {
    fn written(&self) -> &'static str {
        match self {
            Item::Node(_) => "node",
            Item::End => "{{end}}",
            Item::Else => "{{else}}",
        }
    }
}

impl<'t> Parser<'t> {
    #[inline]
    fn next(&mut self) -> Token {
        if self.state.peeked > 0 {
            self.state.peeked -= 1;
        } else {
            self.state.tokens[0] = self.lexer.next_token();
        }
        self.state.tokens[self.state.peeked]
    }

    fn back(&mut self) {
        self.state.peeked += 1;
    }

    fn back_two(&mut self, first: Token) {
        self.state.tokens[1] = first;
        self.state.peeked = 2;
    }

    fn back_three(&mut self, first: Token, second: Token) {
        self.state.tokens[1] = second;
        self.state.tokens[2] = first;
        self.state.peeked = 3;
    }

    fn peek(&mut self) -> Token {
        if self.state.peeked > 0 {
            return self.state.tokens[self.state.peeked - 1];
        }
        self.state.peeked = 1;
        self.state.tokens[0] = self.lexer.next_token();
        self.state.tokens[0]
    }

    fn next_non_space(&mut self) -> Token {
        if self.state.peeked == 0 {
            self.lexer.skip_single_space();
        }
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token {
        let token = self.next_non_space();
        self.back();
        token
    }

    fn value(&self, token: Token) -> &'t [u8] {
        Span(token.start, token.end).of(self.text)
    }

    fn place(&mut self, token: Token) -> Place {
        self.place_at(token.start)
    }

    fn place_at(&mut self, offset: u32) -> Place {
        self.ids += 1;
        Place { id: self.ids, offset }
    }

    fn fail<T>(&self, message: impl AsRef<str>) -> Parsed<T> {
        Err(format!("template: {}:{}: {}", self.file, self.state.tokens[0].line, message.as_ref()))
    }

    fn written(&self, token: Token) -> String {
        let value = self.value(token);
        match token.kind {
            Kind::Eof => "EOF".to_string(),
            Kind::Error => self.lexer.error.clone(),
            kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(value)),
            _ if value.len() > 10 => {
                let end = super::unicode::runes(value).nth(10).map_or(value.len(), |(offset, ..)| offset);
                format!("{}...", quote(&value[..end]))
            }
            _ => quote(value),
        }
    }

    fn unexpected<T>(&self, token: Token, context: &str) -> Parsed<T> {
        let written = self.written(token);
        if token.kind != Kind::Error {
            return self.fail(format!("unexpected {written} in {context}"));
        }
        let line = self.state.action_line;
        if line == 0 || line == token.line {
            return self.fail(written);
        }
        let within = if written.ends_with(" action") { "" } else { " in action" };
        self.fail(format!("{written}{within} started at {}:{line}", self.file))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parsed<Token> {
        let token = self.next_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(token, context) }
    }

    fn add(&mut self, name: Arc<[u8]>, root: List<Node>) -> Parsed<()> {
        let is_empty = is_empty(self.text, root.of(&self.code.nodes));
        let definition = Definition { name, root, is_empty };
        let Some(known) = self.definitions.iter_mut().find(|known| known.name == definition.name) else {
            self.definitions.push(definition);
            return Ok(());
        };
        if known.is_empty {
            *known = definition;
        } else if !is_empty {
            let name = quote(&definition.name);
            return self.fail(format!("template: multiple definition of template {name}"));
        }
        Ok(())
    }

    fn file(&mut self) -> Parsed<List<Node>> {
        let base = self.nodes.len();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                if self.next_non_space().kind == Kind::Define {
                    self.separately(Self::definition)?;
                    continue;
                }
                self.back_two(delim);
            }
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                other => return self.fail(format!("unexpected {}", other.written())),
            }
        }
        Ok(self.nodes_since(base))
    }

    fn nodes_since(&mut self, base: usize) -> List<Node> {
        List::moved(&mut self.code.nodes, &mut self.nodes, base)
    }

    /// Parses something that has variables and look-ahead of its own.
    fn separately<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        let outer = std::mem::replace(&mut self.state, State::new());
        let result = parse(self)?;
        self.state = outer;
        Ok(result)
    }

    fn definition(&mut self) -> Parsed<()> {
        let context = "define clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        self.expect(Kind::RightDelim, context)?;
        self.body_of(name, context)
    }

    fn body_of(&mut self, name: Arc<[u8]>, context: &str) -> Parsed<()> {
        let (nodes, end) = self.items()?;
        if !matches!(end, Item::End) {
            return self.fail(format!("unexpected {} in {context}", end.written()));
        }
        self.add(name, nodes)
    }

    fn template_name(&mut self, token: Token, context: &str) -> Parsed<Arc<[u8]>> {
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return self.unexpected(token, context);
        }
        let written = self.value(token);
        if let Some(name) = expressions::unescaped(written) {
            return Ok(Arc::from(name));
        }
        match unquote(written) {
            Ok(name) => Ok(Arc::from(name)),
            Err(_) => self.fail("invalid syntax"),
        }
    }

    fn items(&mut self) -> Parsed<(List<Node>, Item)> {
        self.nesting += 1;
        if self.nesting > NESTING || stack::is_exhausted() {
            return self.fail("max nesting depth exceeded");
        }
        let base = self.nodes.len();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                end => {
                    self.nesting -= 1;
                    return Ok((self.nodes_since(base), end));
                }
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(Span(token.start, token.end)))),
            Kind::LeftDelim => {
                self.state.action_line = token.line;
                let item = self.action()?;
                self.state.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(token, "input"),
        }
    }

    fn action(&mut self) -> Parsed<Item> {
        let token = self.next_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump(Node::Break, "{{break}}")?,
            Kind::Continue => self.jump(Node::Continue, "{{continue}}")?,
            Kind::Else => {
                if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
                    self.expect(Kind::RightDelim, "else")?;
                }
                return Ok(Item::Else);
            }
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End);
            }
            Kind::If => Node::If(self.branch("if")?),
            Kind::Range => Node::Range(self.branch("range")?),
            Kind::With => Node::With(self.branch("with")?),
            Kind::Template => self.template()?,
            _ => {
                self.back();
                self.peek();
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node::Action(Id::push(&mut self.code.pipes, pipe))
            }
        };
        Ok(Item::Node(node))
    }

    fn jump(&mut self, node: Node, written: &str) -> Parsed<Node> {
        let token = self.next_non_space();
        if token.kind != Kind::RightDelim {
            return self.unexpected(token, written);
        }
        if self.state.ranges == 0 {
            return self.fail(format!("{written} outside {{{{range}}}}"));
        }
        Ok(node)
    }

    fn block(&mut self) -> Parsed<Node> {
        let context = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let body_name = Arc::clone(&name);
        self.separately(|parser| parser.body_of(body_name, context))?;
        let place = self.place(token);
        Ok(self.invocation(Invocation { place, name, pipe: Some(pipe) }))
    }

    fn template(&mut self) -> Parsed<Node> {
        let context = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(token, context)?;
        let mut pipe = None;
        if self.next_non_space().kind != Kind::RightDelim {
            self.back();
            pipe = Some(self.pipeline(context, Kind::RightDelim)?);
        }
        let place = self.place(token);
        Ok(self.invocation(Invocation { place, name, pipe }))
    }

    fn invocation(&mut self, invocation: Invocation) -> Node {
        Node::Template(Id::push(&mut self.code.invocations, invocation))
    }

    fn branch(&mut self, context: &str) -> Parsed<Id<Branch>> {
        let visible = self.state.variables.len();
        let is_range = usize::from(context == "range");
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        self.state.ranges += is_range;
        let (body, end) = self.items()?;
        self.state.ranges -= is_range;
        let otherwise = match end {
            Item::Else => Some(self.otherwise(context)?),
            _ => None,
        };
        self.state.variables.truncate(visible);
        Ok(Id::push(&mut self.code.branches, Branch { pipe, body, otherwise }))
    }

    /// Parses what follows `else`, or the chained `if` or `with` behind it.
    fn otherwise(&mut self, context: &str) -> Parsed<List<Node>> {
        let chained = matches!((context, self.peek().kind), ("if", Kind::If) | ("with", Kind::With));
        if !chained {
            let (nodes, end) = self.items()?;
            if !matches!(end, Item::End) {
                return self.fail(format!("expected end; found {}", end.written()));
            }
            return Ok(nodes);
        }
        self.next();
        self.nesting += 1;
        if self.nesting > NESTING || stack::is_exhausted() {
            return self.fail("max nesting depth exceeded");
        }
        let branch = self.branch(context)?;
        self.nesting -= 1;
        let base = self.nodes.len();
        self.nodes.push(if context == "if" { Node::If(branch) } else { Node::With(branch) });
        Ok(self.nodes_since(base))
    }
}
