//! Marks: what a value came from, and the sets they form.
//!
//! A [`Marks`] is a handle to an interned set, so that an untraced render carries the empty set everywhere and pays a
//! comparison. The table of sets belongs to the thread and is emptied at the start of each render; handles never leave
//! the render that made them, results carry the resolved [`Mark`]s.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use crate::context::Context;
use crate::template::Source;
use crate::value::{Data, Map, Value};

/// How much a render records about where its output came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// Nothing; the fastest.
    #[default]
    Off,
    /// Which inputs each template file read: enough to know what a change can touch.
    Reads,
    /// Marks on every value and every byte of output: enough to say why a field is what it is.
    Full,
    /// As [`Trace::Full`], and which actions of which templates wrote each byte, under which conditions: enough to show it.
    Steps,
}

/// One thing that a value may depend on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The leaf of the values at this path (dots between keys, `\.` inside a key, `[i]` for list items).
    Value(Rc<str>),
    /// The shape of the map or list at this path: its keys or length, not its leaves. Also a path that was read and
    /// does not exist.
    Shape(Rc<str>),
    /// A value that the caller marked as not known yet, by path.
    Unknown(Rc<str>),
    /// A condition on such a value, by the value's path: what is marked is there because of it, not made of it.
    Undecided(Rc<str>),
    /// A loop over such a value, by the value's path: what is marked may be there more often, or not at all.
    Repeated(Rc<str>),
    /// A value that the caller marked as late, by path. Conditions on it leave no mark.
    Late(Rc<str>),
    /// A value that the caller marked as secret, by path.
    Sensitive(Rc<str>),
    /// Drawn from the seeded random source or the clock, by the function's name.
    Generated(&'static str),
    /// A fact of the release or cluster, such as `Release.Name` or `Capabilities.KubeVersion`.
    Fact(Rc<str>),
    /// A file of the chart, by path.
    File(Rc<str>),
}

/// An interned set of marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Marks(u32);

/// What an explanation adds to the marks of a piece of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Those of the marks that the text itself comes from; the others decided that it is there.
    pub data: Marks,
    /// Where the text was written.
    pub site: Site,
}

impl Told {
    /// Tells of a text that comes from all of its marks, written nobody knows where.
    pub(crate) fn of(data: Marks) -> Told {
        Told { data, site: Site::NONE }
    }

    /// Adds the place where the text was printed, if none is known yet.
    pub(crate) fn printed_at(self, site: Site) -> Told {
        if self.site == Site::NONE { Told { site, ..self } } else { self }
    }
}

/// A place in a template, with the conditions and calls around it: a handle like [`Marks`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Site(u32);

/// What a template does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// It prints, or calls what prints.
    Print,
    /// It decides whether what it encloses is printed, and how often.
    Guard,
}

/// A place in a template, seen from the place around it.
#[derive(Clone)]
pub(crate) struct Step {
    around: Site,
    pub(crate) kind: StepKind,
    pub(crate) source: Arc<Source>,
    pub(crate) offset: usize,
    /// What a condition depended on.
    pub(crate) marks: Marks,
}

#[derive(Default)]
struct Table {
    sets: Vec<Rc<BTreeSet<Mark>>>,
    handles: HashMap<Rc<BTreeSet<Mark>>, u32>,
    unions: HashMap<(u32, u32), u32>,
    /// What a set leaves on what it decides about, where that is another set.
    decisions: HashMap<(u32, Decides), u32>,
    /// Whether a set holds what the caller marked.
    inputs: HashMap<u32, bool>,
    /// Placeholders of unknown values that are surely not empty.
    certain: HashSet<Box<[u8]>>,
    steps: Vec<Step>,
    sites: HashMap<(Site, StepKind, *const Source, usize, Marks), Site>,
}

/// What a value decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decides {
    /// Which branch is taken. Both can be tried.
    Branch,
    /// How often a loop runs. That cannot be tried.
    Loop,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table::default());
}

impl Marks {
    /// The empty set.
    pub const NONE: Marks = Marks(0);

    /// Returns the set that holds one mark.
    pub fn one(mark: Mark) -> Marks {
        TABLE.with_borrow_mut(|table| table.intern(BTreeSet::from([mark])))
    }

    /// Says whether the set is empty.
    pub fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns the set of all marks of both.
    #[inline]
    pub fn union(self, other: Marks) -> Marks {
        if self == other || other.0 == 0 {
            return self;
        }
        if self.0 == 0 {
            return other;
        }
        TABLE.with_borrow_mut(|table| table.union(self, other))
    }

    /// Returns what a set leaves on what its value decides about: late values leave nothing, unknown ones leave that the
    /// branch is undecided.
    pub(crate) fn deciding(self, about: Decides) -> Marks {
        if self.0 == 0 {
            return self;
        }
        TABLE.with_borrow_mut(|table| table.deciding(self, about))
    }

    /// Says whether the set holds a value that the caller marked as late or unknown.
    pub(crate) fn is_input(self) -> bool {
        self.0 != 0 && TABLE.with_borrow_mut(|table| table.is_input(self))
    }

    /// Returns the set without unknown values.
    pub(crate) fn known(self) -> Marks {
        let is_known =
            |mark: &Mark| !matches!(mark, Mark::Unknown(_) | Mark::Undecided(_) | Mark::Repeated(_));
        let all = self.resolve();
        let known = all.iter().filter(|mark| is_known(mark)).cloned();
        known.fold(Marks::NONE, |all, mark| all.union(Marks::one(mark)))
    }

    /// Returns the unknown values that a condition with these marks cannot be decided without.
    pub(crate) fn undecided(self) -> BTreeSet<Rc<str>> {
        let paths = |mark: &Mark| match mark {
            Mark::Unknown(path) | Mark::Undecided(path) | Mark::Repeated(path) => Some(Rc::clone(path)),
            _ => None,
        };
        self.resolve().iter().filter_map(paths).collect()
    }

    /// Returns the marks in the set, sorted.
    pub fn resolve(self) -> Rc<BTreeSet<Mark>> {
        if self.0 == 0 {
            return Rc::default();
        }
        TABLE.with_borrow(|table| Rc::clone(&table.sets[self.0 as usize - 1]))
    }

    /// Forgets every set of this thread. Handles made before are invalid afterwards; a render calls it once, first.
    pub(crate) fn forget_all() {
        TABLE.with_borrow_mut(|table| *table = Table::default());
    }
}

impl Site {
    /// No place.
    pub const NONE: Site = Site(0);

    /// Returns a place within this one.
    pub(crate) fn step(self, kind: StepKind, source: &Arc<Source>, offset: usize, marks: Marks) -> Site {
        TABLE.with_borrow_mut(|table| {
            let next = u32::try_from(table.steps.len() + 1).map_or(Site::NONE, Site);
            match table.sites.entry((self, kind, Arc::as_ptr(source), offset, marks)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => {
                    let source = Arc::clone(source);
                    table.steps.push(Step { around: self, kind, source, offset, marks });
                    *free.insert(next)
                }
            }
        })
    }

    /// Returns the places from the outermost to this one.
    pub(crate) fn steps(self) -> Vec<Step> {
        let mut found = Vec::new();
        TABLE.with_borrow(|table| {
            let mut site = self;
            while let Some(step) = site.0.checked_sub(1).and_then(|at| table.steps.get(at as usize)) {
                found.push(step.clone());
                site = step.around;
            }
        });
        found.reverse();
        found
    }
}

impl Table {
    fn intern(&mut self, set: BTreeSet<Mark>) -> Marks {
        if let Some(handle) = self.handles.get(&set) {
            return Marks(*handle);
        }
        let set = Rc::new(set);
        self.sets.push(Rc::clone(&set));
        let handle = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        self.handles.insert(set, handle);
        Marks(handle)
    }

    fn is_input(&mut self, marks: Marks) -> bool {
        let set = &self.sets[marks.0 as usize - 1];
        let is_input = |mark: &Mark| matches!(mark, Mark::Late(_) | Mark::Unknown(_) | Mark::Repeated(_));
        *self.inputs.entry(marks.0).or_insert_with(|| set.iter().any(is_input))
    }

    fn deciding(&mut self, marks: Marks, about: Decides) -> Marks {
        if let Some(known) = self.decisions.get(&(marks.0, about)) {
            return Marks(*known);
        }
        let set = Rc::clone(&self.sets[marks.0 as usize - 1]);
        let left = set.iter().filter_map(|mark| match mark {
            Mark::Late(_) => None,
            Mark::Unknown(path) if about == Decides::Loop => Some(Mark::Repeated(Rc::clone(path))),
            Mark::Unknown(path) | Mark::Repeated(path) if about == Decides::Branch => {
                Some(Mark::Undecided(Rc::clone(path)))
            }
            other => Some(other.clone()),
        });
        let left: BTreeSet<Mark> = left.collect();
        let left = if left.is_empty() { Marks::NONE } else { self.intern(left) };
        self.decisions.insert((marks.0, about), left.0);
        left
    }

    fn union(&mut self, a: Marks, b: Marks) -> Marks {
        let key = (a.0.min(b.0), a.0.max(b.0));
        if let Some(handle) = self.unions.get(&key) {
            return Marks(*handle);
        }
        let mut set = (*self.sets[key.0 as usize - 1]).clone();
        set.extend(self.sets[key.1 as usize - 1].iter().cloned());
        let marks = self.intern(set);
        self.unions.insert(key, marks.0);
        marks
    }
}

/// Notes the placeholder of an unknown value that is surely not empty.
pub(crate) fn note_certain(placeholder: &str) {
    TABLE.with_borrow_mut(|table| table.certain.insert(placeholder.as_bytes().into()));
}

/// Says whether a text is the placeholder of an unknown value that is surely not empty: whatever it will be, it counts
/// as true.
pub(crate) fn is_certain(text: &[u8]) -> bool {
    TABLE.with_borrow(|table| table.certain.contains(text))
}

/// Returns the marks of a value itself: of a container with its shape, without what it holds.
pub(crate) fn shape(value: &Value) -> Marks {
    let path = match &value.data {
        Data::Map(map) => return value.marks.union(map_shape(map)),
        Data::List(list) => list.path(),
        Data::Text(text) | Data::Bytes(text) => return value.marks.union(text.segment_marks()),
        _ => None,
    };
    path.map_or(value.marks, |path| value.marks.union(Marks::one(Mark::Shape(Rc::clone(path)))))
}

/// Returns what the keys of a map depend on: where it stands in the values, and what was written to it since.
pub(crate) fn map_shape(map: &Map) -> Marks {
    let path = map.path().map_or(Marks::NONE, |path| Marks::one(Mark::Shape(Rc::clone(path))));
    path.union(map.written())
}

/// Returns what it depends on that a map has no such key.
pub(crate) fn absence(map: &Map, key: &[u8]) -> Marks {
    let path = map.path().map_or(Marks::NONE, |path| Marks::one(Mark::Shape(key_path(path, key))));
    path.union(map.written())
}

/// Returns the marks of a value and of everything in it.
pub(crate) fn whole(context: &Context<'_>, value: &Value) -> Marks {
    if context.trace == Trace::Off { Marks::NONE } else { whole_to(WHOLE_DEPTH, value) }
}

/// How deep a value is read as a whole; a value nested deeper cannot be printed or encoded either.
const WHOLE_DEPTH: usize = 1_000;

fn whole_to(depth: usize, value: &Value) -> Marks {
    let marks = shape(value);
    if depth == 0 {
        return marks;
    }
    match &value.data {
        Data::Map(map) => {
            map.entries().values().fold(marks, |all, item| all.union(whole_to(depth - 1, item)))
        }
        Data::List(list) => list.items().iter().fold(marks, |all, item| all.union(whole_to(depth - 1, item))),
        _ => marks,
    }
}

/// Returns the path of a key of the map at `path`.
pub(crate) fn key_path(path: &str, key: &[u8]) -> Rc<str> {
    let key = String::from_utf8_lossy(key).replace('.', "\\.");
    if path.is_empty() { Rc::from(key) } else { Rc::from(format!("{path}.{key}")) }
}
