//! Items put together to tables. Follows the order in which the Go library looks at things, since that decides which
//! of several mistakes is told, and under which key.

use std::rc::Rc;

use super::lexer::{Item, Kind, Lexer, Mistake};
use super::scalars;
use super::tables::{Entry, Known, Part, Table, table_value, written};
use crate::stack;
use crate::template::unicode::quote;
use crate::value::Value;

/// How deep arrays and inline tables may nest.
const MAX_DEPTH: usize = 10_000;
/// How many parts a key may have, those of the tables around it included.
const MAX_PARTS: usize = 1_000;
/// How many parts of keys may be looked at: keys of thousands of parts cost the square of their number.
const MAX_WORK: usize = 20_000_000;

/// Why a document could not be read, in the Go library's words.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ReadError(pub String);

/// Reads a document as a map; integers are `int64`, dates are times.
///
/// # Errors
/// With the message of the first mistake.
pub fn from_toml(bytes: &[u8]) -> Result<Value, ReadError> {
    let bytes = match bytes {
        [0xFF, 0xFE, rest @ ..] | [0xFE, 0xFF, rest @ ..] | [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
        _ => bytes,
    };
    if bytes.iter().take(6).any(|byte| *byte == 0) {
        let message = "files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8";
        return Err(ReadError(format!("toml: line 1: {message}")));
    }
    let mut parser = Parser::new(bytes);
    let read = parser.document();
    read.map(|()| table_value(&parser.root)).map_err(|mistake| parser.told(&mistake))
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    root: Table,
    known: Known,
    /// The full key of the table in force.
    context: Vec<Part>,
    /// The last part of the key being read; empty for a table's own name.
    key: Part,
    /// The line of the key being read.
    line: i64,
    depth: usize,
}

type Read<T> = Result<T, Mistake>;

impl<'a> Parser<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Parser {
            lexer: Lexer::new(bytes),
            root: Table::default(),
            known: Known::default(),
            context: Vec::new(),
            key: Rc::from(""),
            line: 0,
            depth: 0,
        }
    }

    /// Words a mistake with its line and the key that was being read.
    fn told(&self, mistake: &Mistake) -> ReadError {
        let key = match (&*self.key, &*self.context) {
            ("", context) => written(context),
            (key, []) => key.to_owned(),
            (key, context) => format!("{}.{key}", written(context)),
        };
        let key = if key.is_empty() { key } else { format!(" (last key {})", quote(key.as_bytes())) };
        ReadError(format!("toml: line {}{key}: {}", mistake.line, mistake.message))
    }

    fn document(&mut self) -> Read<()> {
        loop {
            let item = self.lexer.next_item()?;
            match item.kind {
                Kind::End => return Ok(()),
                Kind::CommentStart => drop(self.lexer.next_item()?),
                Kind::TableStart => self.table(Kind::TableEnd)?,
                Kind::TableListStart => self.table(Kind::TableListEnd)?,
                _ => self.assignment()?,
            }
        }
    }

    fn table(&mut self, end: Kind) -> Read<()> {
        let key = self.key_parts(end)?;
        self.open(&key, end == Kind::TableListEnd)?;
        self.note_array("", false);
        Ok(())
    }

    fn assignment(&mut self) -> Read<()> {
        let outer = self.context.clone();
        let (_, item) = self.key_before_value()?;
        let (entry, is_array) = self.value(item, false)?;
        let key = Rc::clone(&self.key);
        self.set(&key, entry)?;
        self.note_array(&key, is_array);
        self.context = outer;
        self.key = Rc::from("");
        Ok(())
    }

    /// Reads the parts of a key and the first item of its value; opens the tables that the key implies, and returns
    /// their names.
    fn key_before_value(&mut self) -> Read<(Vec<Part>, Item<'a>)> {
        let mut parts = self.key_parts(Kind::KeyEnd)?;
        self.key = parts.pop().unwrap_or_else(|| Rc::from(""));
        for part in &parts {
            let mut path = self.context.clone();
            path.push(Rc::clone(part));
            self.facts(&path)?.is_implicit = true;
            self.open(&path, false)?;
        }
        Ok((parts, self.lexer.next_item()?))
    }

    fn key_parts(&mut self, end: Kind) -> Read<Vec<Part>> {
        let mut parts = Vec::new();
        let mut item = self.lexer.next_item()?;
        self.line = item.line;
        while item.kind != end && item.kind != Kind::End {
            parts.push(self.text(item)?);
            item = self.lexer.next_item()?;
        }
        Ok(parts)
    }

    fn text(&self, item: Item<'_>) -> Read<Part> {
        let joined;
        let text = match item.kind {
            Kind::EscapedString => item.text,
            Kind::MultilineString => {
                joined = scalars::join_escaped_lines(scalars::without_first_line_break(item.text));
                &joined
            }
            Kind::RawMultilineString => return Ok(scalars::without_first_line_break(item.text).into()),
            _ => return Ok(item.text.into()),
        };
        scalars::unescape(text).map(Part::from).map_err(at(item))
    }

    /// Reads a value; says too whether it is an array.
    fn value(&mut self, item: Item<'a>, is_in_array: bool) -> Read<(Entry, bool)> {
        let scalar = match item.kind {
            Kind::ArrayStart => return Ok((Entry::Array(self.deeper(item, Self::array)?), true)),
            Kind::InlineTableStart => {
                let table = self.deeper(item, |parser| parser.inline_table(is_in_array))?;
                return Ok((Entry::Table(table), false));
            }
            Kind::Bool => Value::bool(item.text == "true"),
            Kind::Integer => scalars::integer(item.text).map_err(at(item))?,
            Kind::Float => scalars::float(item.text).map_err(at(item))?,
            Kind::Date => scalars::date(item.text).map_err(at(item))?,
            _ => Value::from(&*self.text(item)?),
        };
        Ok((Entry::Scalar(scalar), false))
    }

    fn deeper<T>(&mut self, item: Item<'a>, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MAX_DEPTH || stack::is_exhausted() {
            return Err(at(item)(format!("nested deeper than {} levels", self.depth)));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Read<Vec<Entry>> {
        let key = Rc::clone(&self.key);
        self.note_array(&key, true);
        let mut entries = Vec::new();
        loop {
            let item = self.lexer.next_item()?;
            match item.kind {
                Kind::ArrayEnd => return Ok(entries),
                Kind::CommentStart => drop(self.lexer.next_item()?),
                _ => entries.push(self.value(item, true)?.0),
            }
        }
    }

    fn inline_table(&mut self, is_in_array: bool) -> Read<Table> {
        let top = Table::default();
        let outer = (self.context.clone(), Rc::clone(&self.key));
        self.context.push(std::mem::replace(&mut self.key, Rc::from("")));
        let own = self.context.clone();
        self.facts(&own)?.is_implicit = true;
        self.open(&own, is_in_array)?;
        loop {
            let item = self.lexer.next_item()?;
            match item.kind {
                Kind::InlineTableEnd => break,
                Kind::CommentStart => drop(self.lexer.next_item()?),
                _ => {
                    self.inline_assignment(&top)?;
                    self.context.clone_from(&own);
                }
            }
        }
        (self.context, self.key) = outer;
        Ok(top)
    }

    /// Sets a key of an inline table: in the tables that keys are looked up in, and in the table that is its value.
    fn inline_assignment(&mut self, top: &Table) -> Read<()> {
        let (implied, item) = self.key_before_value()?;
        let (entry, is_array) = self.value(item, false)?;
        let key = Rc::clone(&self.key);
        self.set(&key, entry.clone())?;
        self.note_array(&key, is_array);
        let mut table = Rc::clone(top);
        for part in implied {
            let next =
                match table.0.borrow_mut().entry(part).or_insert_with(|| Entry::Table(Table::default())) {
                    Entry::Table(next) => Rc::clone(next),
                    _ => {
                        let message = format!("{} is not a table", quote(written(&self.context).as_bytes()));
                        return Err(self.mistake(message));
                    }
                };
            table = next;
        }
        table.0.borrow_mut().insert(key, entry);
        Ok(())
    }

    /// Makes the table of a key the one in force, and those above it where they do not exist yet.
    fn open(&mut self, path: &[Part], is_list: bool) -> Read<()> {
        let Some((last, above)) = path.split_last() else { return Ok(()) };
        let mut table = Rc::clone(&self.root);
        for (at, part) in above.iter().enumerate() {
            if !table.0.borrow().contains_key(part) {
                self.facts(&path[..=at])?.is_implicit = true;
                table.0.borrow_mut().insert(Rc::clone(part), Entry::Table(Table::default()));
            }
            let next = table.0.borrow().get(part).and_then(Entry::open_table);
            table = next.ok_or_else(|| {
                self.mistake(format!("Key '{}' was already created as a hash.", written(&path[..=at])))
            })?;
        }
        self.context = above.to_vec();
        if is_list {
            let mut table = table.0.borrow_mut();
            let list = table.entry(Rc::clone(last)).or_insert_with(|| Entry::TableList(Vec::new()));
            match list {
                Entry::TableList(tables) => tables.push(Table::default()),
                _ => {
                    let message = format!(
                        "Key '{}' was already created and cannot be used as an array.",
                        written(path)
                    );
                    return Err(self.mistake(message));
                }
            }
        } else {
            self.set(last, Entry::Table(Table::default()))?;
        }
        self.context.push(Rc::clone(last));
        Ok(())
    }

    /// Sets a key in the table in force, unless it is defined: a key that was implied stays as it has grown.
    fn set(&mut self, key: &Part, entry: Entry) -> Read<()> {
        let mut path = Vec::with_capacity(self.context.len() + 1);
        let mut table = Rc::clone(&self.root);
        for part in &self.context {
            path.push(Rc::clone(part));
            let next = table.0.borrow().get(part).and_then(Entry::open_table);
            table = next.ok_or_else(|| self.is_defined(&path))?;
        }
        path.push(Rc::clone(key));
        if table.0.borrow().contains_key(key) {
            let facts = self.facts(&path)?;
            if !facts.is_implicit {
                return Err(self.is_defined(&path));
            }
            facts.is_implicit = false;
            if !facts.is_array {
                return Ok(());
            }
        }
        table.0.borrow_mut().insert(Rc::clone(key), entry);
        Ok(())
    }

    fn is_defined(&self, path: &[Part]) -> Mistake {
        self.mistake(format!("Key '{}' has already been defined.", written(path)))
    }

    /// Notes whether a key of the table in force, or without a key the table itself, holds an array.
    fn note_array(&mut self, key: &str, is_array: bool) {
        let mut path = self.context.clone();
        if !key.is_empty() || path.is_empty() {
            path.push(key.into());
        }
        self.known.of(&path).is_array = is_array;
    }

    fn facts(&mut self, path: &[Part]) -> Read<&mut super::tables::Facts> {
        if self.known.work > MAX_WORK || path.len() > MAX_PARTS {
            return Err(self.mistake(format!("keys have too many parts, more than {MAX_PARTS} in one")));
        }
        Ok(self.known.of(path))
    }

    fn mistake(&self, message: String) -> Mistake {
        Mistake { line: self.line, message }
    }
}

fn at(item: Item<'_>) -> impl FnOnce(String) -> Mistake {
    move |message| Mistake { line: item.line, message }
}
