//! Tables as they grow, and what is known of their keys: which were only implied by longer keys and may still be
//! defined, and which hold an array.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::value::{Data, ElementType, List, Value};

/// A part of a key.
pub(super) type Part = Rc<str>;

/// A table under construction, shared by everyone who may still add to it.
pub(super) type Table = Rc<Members>;

/// What a table holds. It is freed without recursion, because keys may nest tables deeper than the stack is.
#[derive(Default)]
pub(super) struct Members(pub(super) RefCell<BTreeMap<Part, Entry>>);

impl Drop for Members {
    fn drop(&mut self) {
        let mut waiting: Vec<Entry> = std::mem::take(self.0.get_mut()).into_values().collect();
        while let Some(entry) = waiting.pop() {
            let tables = match entry {
                Entry::Table(table) => vec![table],
                Entry::TableList(tables) => tables,
                Entry::Array(entries) => {
                    waiting.extend(entries);
                    continue;
                }
                Entry::Scalar(_) => continue,
            };
            for mut table in tables.into_iter().filter_map(Rc::into_inner) {
                waiting.extend(std::mem::take(table.0.get_mut()).into_values());
            }
        }
    }
}

/// What stands under a key.
#[derive(Clone)]
pub(super) enum Entry {
    Table(Table),
    /// `[[name]]`: the last one is the one in force.
    TableList(Vec<Table>),
    Array(Vec<Entry>),
    Scalar(Value),
}

impl Entry {
    /// Returns the table that more keys may be added to.
    pub(super) fn open_table(&self) -> Option<Table> {
        match self {
            Entry::Table(table) => Some(Rc::clone(table)),
            Entry::TableList(tables) => tables.last().map(Rc::clone),
            Entry::Array(_) | Entry::Scalar(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Entry::Table(table) => table_value(table),
            Entry::TableList(tables) => {
                let items = tables.iter().map(table_value).collect();
                Data::List(List::typed(ElementType::Map, items)).into()
            }
            Entry::Array(entries) => Value::list(entries.iter().map(Entry::to_value).collect()),
            Entry::Scalar(value) => value.clone(),
        }
    }
}

/// Returns a finished table.
pub(super) fn table_value(table: &Table) -> Value {
    let table = table.0.borrow();
    Value::map(table.iter().map(|(key, entry)| (Rc::from(key.as_bytes()), entry.to_value())).collect())
}

/// What is known of each key, by its full path.
#[derive(Default)]
pub(super) struct Known {
    /// Places in `facts`: the place of the key above, then the part. The root is place zero.
    places: HashMap<(usize, Part), usize>,
    facts: Vec<Facts>,
    /// Parts walked so far, to bound what a hostile document costs.
    pub(super) work: usize,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) is_implicit: bool,
    pub(super) is_array: bool,
}

impl Known {
    /// Returns the facts of a key.
    pub(super) fn of(&mut self, path: &[Part]) -> &mut Facts {
        self.work += path.len();
        let mut place = 0;
        for part in path {
            let next = self.places.len() + 1;
            place = *self.places.entry((place, Rc::clone(part))).or_insert(next);
        }
        if self.facts.len() <= place {
            self.facts.resize(place + 1, Facts::default());
        }
        &mut self.facts[place]
    }
}

/// Returns a key as Go writes it: parts that are not bare are quoted.
pub(super) fn written(path: &[Part]) -> String {
    let mut out = Vec::new();
    for (at, part) in path.iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        super::write::push_key(&mut out, part.as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}
