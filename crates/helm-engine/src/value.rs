//! What a template computes with: Go's kinds, with marks.
//!
//! Go's reference semantics are kept where templates can see them: maps are shared and mutable (`set` is seen by every
//! holder), lists are not. Text is bytes, because Go's strings are. A value is cheap to clone.

use std::any::Any;
use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::context::Context;
use crate::error::CallError;
use crate::functions::Param;
use crate::trace::{Marks, Told};

/// A value and what it depends on.
///
/// The marks of a map or list are those of the container itself (it was chosen under a condition, say), not those of
/// what it holds; see [`Map::path`] for the reading of its shape.
#[derive(Clone, Default)]
pub struct Value {
    /// The content.
    pub data: Data,
    /// What the value as a whole depends on. Text may carry more, by segment.
    pub marks: Marks,
}

/// The content of a [`Value`].
#[derive(Clone, Default)]
pub enum Data {
    /// An interface that holds nothing: `nil`, or a missing key.
    #[default]
    Nil,
    /// A boolean.
    Bool(bool),
    /// An integer of one of Go's types; unsigned ones keep their bits.
    Int(IntType, i64),
    /// A `float64`.
    Float(f64),
    /// A `string`.
    Text(Text),
    /// A `[]byte`.
    Bytes(Text),
    /// A slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// Anything else that has fields or methods: times, versions, `.Files`, `.Capabilities`.
    Object(Rc<dyn Object>),
}

/// Go's integer types that templates meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntType {
    /// `int`: literals, `len`, `int`.
    Int,
    /// `int64`: `--set`, arithmetic.
    Int64,
    /// `int32`: a character constant or rune.
    Int32,
    /// `uint8`: a byte of a string.
    Uint8,
    /// `uint32`: checksums.
    Uint32,
    /// `uint64`: parts of a version.
    Uint64,
}

impl IntType {
    /// Returns Go's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            IntType::Int => "int",
            IntType::Int64 => "int64",
            IntType::Int32 => "int32",
            IntType::Uint8 => "uint8",
            IntType::Uint32 => "uint32",
            IntType::Uint64 => "uint64",
        }
    }

    /// Says whether the type has negative numbers.
    #[inline]
    pub fn is_signed(self) -> bool {
        matches!(self, IntType::Int | IntType::Int64 | IntType::Int32)
    }
}

/// A part of a text that has marks of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The offset of the byte behind the segment.
    pub end: usize,
    /// What these bytes depend on.
    pub marks: Marks,
    /// What an explanation adds.
    pub told: Told,
}

/// Immutable bytes, cheap to clone, with marks by segment where they differ within the text.
#[derive(Clone)]
pub struct Text(TextForm);

#[derive(Clone)]
enum TextForm {
    Plain(Arc<[u8]>),
    Traced(Arc<TracedText>),
}

struct TracedText {
    bytes: Box<[u8]>,
    /// Covering all bytes in order.
    segments: Box<[Segment]>,
}

impl Default for Text {
    fn default() -> Self {
        Text::copy_of(b"")
    }
}

impl Text {
    /// Makes a text without segments.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Text(TextForm::Plain(Arc::from(bytes.into())))
    }

    /// Makes a text without segments from borrowed bytes: one allocation.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Text(TextForm::Plain(Arc::from(bytes)))
    }

    /// Makes a text whose segments cover all of its bytes, in order; segments without marks are dropped if none has.
    pub fn with_segments(bytes: Vec<u8>, segments: Vec<Segment>) -> Self {
        if segments.iter().all(|s| s.marks.is_none() && s.told == Told::default()) {
            return Text::new(bytes);
        }
        let bytes = bytes.into_boxed_slice();
        Text(TextForm::Traced(Arc::new(TracedText { bytes, segments: segments.into_boxed_slice() })))
    }

    /// Returns the bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            TextForm::Plain(bytes) => bytes,
            TextForm::Traced(traced) => &traced.bytes,
        }
    }

    /// Returns the segments: empty where no byte has marks of its own.
    #[inline]
    pub fn segments(&self) -> &[Segment] {
        match &self.0 {
            TextForm::Plain(_) => &[],
            TextForm::Traced(traced) => &traced.segments,
        }
    }

    /// Returns the text with invalid UTF-8 replaced.
    pub fn to_str_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Returns the marks of all segments together.
    pub fn segment_marks(&self) -> Marks {
        self.segments().iter().fold(Marks::NONE, |all, s| all.union(s.marks))
    }
}

/// Returns the given ranges of a text, in their order, as one text, with their segments. Of what is left out, marks of the
/// caller stay as empty segments.
pub(crate) fn pieces_of(text: &Text, ranges: Vec<std::ops::Range<usize>>) -> Text {
    let mut bytes = Vec::with_capacity(text.bytes().len());
    let mut segments = Vec::new();
    let mut left_from = 0;
    for range in ranges {
        let shift = bytes.len();
        bytes.extend_from_slice(&text.bytes()[range.clone()]);
        let mut start = 0;
        for segment in text.segments() {
            let from = start.max(range.start);
            let to = segment.end.min(range.end);
            // An empty range, and an empty segment, keep what decided that nothing is there.
            let is_cut_out = range.is_empty() && start <= range.start && range.start < segment.end;
            let is_left_out = left_from <= start && start < segment.end && segment.end <= range.start;
            if from < to || from == to && start == segment.end || is_cut_out {
                segments.push(Segment { end: shift + to.max(from) - range.start, ..*segment });
            } else if is_left_out && segment.marks.is_input() {
                segments.push(Segment { end: shift, ..*segment });
            }
            start = segment.end;
        }
        left_from = range.end;
    }
    Text::with_segments(bytes, segments)
}

/// The element type of a slice, as `typeOf` and argument checks see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ElementType {
    /// `[]interface {}`.
    #[default]
    Any,
    /// `[]string`.
    String,
    /// `[]int`.
    Int,
    /// `[]map[string]interface {}`.
    Map,
    /// `[][]interface {}`: what `chunk` returns.
    List,
    /// `[]*chart.Maintainer`, in Helm 3.
    Maintainer,
    /// `[]*chart.Dependency`, in Helm 3.
    Dependency,
    /// `common.VersionSet` in Helm 4, `chartutil.VersionSet` in Helm 3: strings with a method.
    VersionSet,
}

/// An immutable slice.
#[derive(Clone, Default)]
pub struct List(Rc<ListInner>);

#[derive(Default)]
struct ListInner {
    items: Vec<Value>,
    element: ElementType,
    path: Option<Rc<str>>,
    nil: bool,
}

impl Drop for ListInner {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            free_flat(std::mem::take(&mut self.items).into_iter());
        }
    }
}

impl List {
    /// Makes a `[]interface {}`.
    pub fn new(items: Vec<Value>) -> Self {
        List::typed(ElementType::Any, items)
    }

    /// Makes a slice of the given element type.
    pub fn typed(element: ElementType, items: Vec<Value>) -> Self {
        List(Rc::new(ListInner { items, element, path: None, nil: false }))
    }

    /// Makes Go's nil slice: empty in every way, but JSON writes `null` and it is not deeply equal to an empty one.
    pub fn nil(element: ElementType) -> Self {
        List(Rc::new(ListInner { items: Vec::new(), element, path: None, nil: true }))
    }

    /// Says whether this is Go's nil slice.
    pub fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// Makes a list that stands at a path of the values.
    pub fn at_path(items: Vec<Value>, path: Rc<str>) -> Self {
        List(Rc::new(ListInner { items, element: ElementType::Any, path: Some(path), nil: false }))
    }

    /// Returns the items.
    #[inline]
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// Returns the element type.
    pub fn element(&self) -> ElementType {
        self.0.element
    }

    /// Returns the path of the values that this list stands at, in a traced render.
    pub fn path(&self) -> Option<&Rc<str>> {
        self.0.path.as_ref()
    }
}

/// The static type of a map, as `typeOf` and type assertions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MapType {
    /// `map[string]interface {}`.
    #[default]
    Any,
    /// The named type of `.Values`: `chartutil.Values` in Helm 3, `common.Values` in Helm 4.
    Values,
    /// `map[string]string`.
    String,
    /// The named map of files behind `.Files`: `engine.files`.
    Files,
}

/// The entries of a map, in byte order of their keys.
pub type Entries = BTreeMap<Rc<[u8]>, Value>;

/// A shared, mutable map: a clone is the same map.
#[derive(Clone, Default)]
pub struct Map {
    inner: Rc<MapInner>,
    kind: MapType,
}

#[derive(Default)]
struct MapInner {
    entries: RefCell<Entries>,
    path: Option<Rc<str>>,
    written: Cell<Marks>,
    nil: bool,
}

impl Drop for MapInner {
    fn drop(&mut self) {
        let entries = self.entries.get_mut();
        if entries.values().any(Value::is_container) {
            free_flat(std::mem::take(entries).into_values());
        }
    }
}

thread_local! {
    /// Containers waiting to be freed; `None` while none is being freed.
    static DYING: RefCell<Option<Vec<Value>>> = const { RefCell::new(None) };
}

/// Frees values without recursion, however deep they nest.
fn free_flat(values: impl Iterator<Item = Value>) {
    let waiting: Vec<Value> = values.filter(Value::is_container).collect();
    let first = DYING.with_borrow_mut(|dying| match dying {
        Some(dying) => {
            dying.extend(waiting);
            false
        }
        None => {
            *dying = Some(waiting);
            true
        }
    });
    if first {
        while let Some(next) = next_to_free() {
            drop(next);
        }
    }
}

/// Takes the next waiting container; none is left when there is none.
fn next_to_free() -> Option<Value> {
    DYING.with_borrow_mut(|dying| {
        let next = dying.as_mut().and_then(Vec::pop);
        if next.is_none() {
            *dying = None;
        }
        next
    })
}

impl Map {
    /// Makes a `map[string]interface {}`.
    pub fn new(entries: Entries) -> Self {
        Map::typed(MapType::Any, entries)
    }

    /// Makes a map of the given static type.
    pub fn typed(kind: MapType, entries: Entries) -> Self {
        Map::made(kind, entries, None)
    }

    /// Makes a map that stands at a path of the values.
    pub fn at_path(kind: MapType, entries: Entries, path: Rc<str>) -> Self {
        Map::made(kind, entries, Some(path))
    }

    fn made(kind: MapType, entries: Entries, path: Option<Rc<str>>) -> Self {
        let entries = RefCell::new(entries);
        Map { inner: Rc::new(MapInner { entries, path, written: Cell::default(), nil: false }), kind }
    }

    /// Makes Go's nil map: empty in every way, but JSON writes `null`, it is not deeply equal to an empty one, and
    /// nothing can be put into it.
    pub fn nil(kind: MapType) -> Self {
        let inner = MapInner { entries: RefCell::default(), path: None, written: Cell::default(), nil: true };
        Map { inner: Rc::new(inner), kind }
    }

    /// Says whether this is Go's nil map.
    pub fn is_nil(&self) -> bool {
        self.inner.nil
    }

    /// Returns what decided which keys were written to this map or removed from it since it was made.
    pub fn written(&self) -> Marks {
        self.inner.written.get()
    }

    /// Notes what decided that a key was, or was not, written or removed.
    pub(crate) fn note_written(&self, marks: Marks) {
        self.inner.written.set(self.inner.written.get().union(marks));
    }

    /// Borrows the entries. The borrow must end before any template or function runs.
    pub fn entries(&self) -> Ref<'_, Entries> {
        self.inner.entries.borrow()
    }

    /// Borrows the entries for change. The borrow must end before any template or function runs.
    pub fn entries_mut(&self) -> RefMut<'_, Entries> {
        self.inner.entries.borrow_mut()
    }

    /// Returns a clone of the value under a key.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Value> {
        self.entries().get(key.as_ref()).cloned()
    }

    /// Puts a value under a key; seen by every holder of this map.
    pub fn set(&self, key: impl AsRef<[u8]>, value: Value) {
        self.entries_mut().insert(Rc::from(key.as_ref()), value);
    }

    /// Returns the static type.
    pub fn kind(&self) -> MapType {
        self.kind
    }

    /// Returns the same map seen as another static type: the values of a subchart are `.Values` to the subchart and a
    /// plain map to its parent.
    pub fn as_kind(&self, kind: MapType) -> Map {
        Map { inner: Rc::clone(&self.inner), kind }
    }

    /// Returns the path of the values that this map stands at, in a traced render. Field access does not pass the
    /// container's path on; reading the map as a whole reads `Mark::Shape(path)` and all leaves.
    pub fn path(&self) -> Option<&Rc<str>> {
        self.inner.path.as_ref()
    }

    /// Says whether both are the same map, not merely equal ones.
    pub fn same(&self, other: &Map) -> bool {
        Rc::ptr_eq(&self.inner, &other.inner)
    }
}

/// Whose names of a struct's fields an encoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldNames {
    /// Those that the struct gives for JSON; what it wants left out when empty is.
    Json,
    /// Go's own: TOML.
    Go,
    /// Go's own in lower case: go-yaml v3.
    Lower,
}

/// A Go struct, pointer or named type with fields or methods that templates can reach.
pub trait Object: Any {
    /// Returns Go's name of the type as `%T` prints it, for example `time.Time` or `*semver.Version`.
    fn type_name(&self) -> &str;

    /// Returns the kind as `kindOf` prints it: `struct`, `ptr`, `int64`, `slice`, `map`, `func`.
    fn kind(&self) -> &str {
        "struct"
    }

    /// Returns an exported field.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Returns the types of a method's parameters, for methods whose arguments are to be checked as Go checks them.
    fn method(&self, _name: &str) -> Option<&'static [Param]> {
        None
    }

    /// Calls a method; `None` if the type has none of that name.
    fn call(
        &self,
        _name: &str,
        _args: &[Value],
        _context: &mut Context<'_>,
    ) -> Option<Result<Value, CallError>> {
        None
    }

    /// Returns what `{{ . }}` and `%v` print: the `String` or `Error` method's answer, or the struct form.
    fn print(&self) -> String;

    /// Returns what `{{ . }}` prints where Go can take the value's address, which makes methods of the pointer count.
    fn print_in_place(&self) -> String {
        let printed = self.print();
        match printed.strip_prefix('&') {
            Some(pointed_at) if self.kind() == "ptr" => pointed_at.to_owned(),
            _ => printed,
        }
    }

    /// Returns the value that `toJson` and `toYaml` encode.
    fn to_plain(&self) -> Value;

    /// Returns a struct's fields in the order in which Go declares them, which encoders keep; `None` where there is no
    /// such order.
    fn fields_in_order(&self, _names: FieldNames) -> Option<Vec<(Rc<[u8]>, Value)>> {
        None
    }

    /// Returns all fields of a struct by name, those included that only printing shows; `None` where a method prints.
    fn fields_to_print(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// Says whether Go can compare structs of this type: none of their fields is a slice or map.
    fn is_comparable(&self) -> bool {
        true
    }

    /// Returns what a deep copy has instead: fields that are not exported are lost. `None` where it is the same.
    fn deep_copy(&self) -> Option<Value> {
        None
    }

    /// Returns what TOML writes without quotes; `None` where the value is written as [`Object::to_plain`] is.
    fn toml_literal(&self) -> Option<String> {
        None
    }

    /// Says whether the value counts as true in `if`: structs always do.
    fn is_true(&self) -> bool {
        true
    }

    /// Returns itself for downcasting.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// The missing value.
    pub const NIL: Value = Value { data: Data::Nil, marks: Marks::NONE };

    /// Makes a boolean.
    pub fn bool(value: bool) -> Self {
        Data::Bool(value).into()
    }

    /// Makes an `int`.
    pub fn int(value: i64) -> Self {
        Data::Int(IntType::Int, value).into()
    }

    /// Makes an `int64`.
    pub fn int64(value: i64) -> Self {
        Data::Int(IntType::Int64, value).into()
    }

    /// Makes a `float64`.
    pub fn float(value: f64) -> Self {
        Data::Float(value).into()
    }

    /// Makes a `string`.
    pub fn text(bytes: impl Into<Vec<u8>>) -> Self {
        Data::Text(Text::new(bytes)).into()
    }

    /// Makes a `[]interface {}`.
    pub fn list(items: Vec<Value>) -> Self {
        Data::List(List::new(items)).into()
    }

    /// Makes a `[]string`.
    pub fn strings<T: Into<Vec<u8>>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(Value::text).collect();
        Data::List(List::typed(ElementType::String, items)).into()
    }

    /// Makes a `map[string]interface {}`.
    pub fn map(entries: Entries) -> Self {
        Data::Map(Map::new(entries)).into()
    }

    /// Makes a value of a struct or named type.
    pub fn object(object: impl Object) -> Self {
        Data::Object(Rc::new(object)).into()
    }

    /// Returns the value with more marks.
    pub fn marked(mut self, marks: Marks) -> Self {
        self.marks = self.marks.union(marks);
        self
    }

    /// Says whether freeing this may free other values.
    fn is_container(&self) -> bool {
        match &self.data {
            Data::Map(_) => true,
            Data::List(list) => !list.items().is_empty(),
            _ => false,
        }
    }

    /// Says whether this is nil.
    pub fn is_nil(&self) -> bool {
        matches!(self.data, Data::Nil)
    }

    /// Returns the bytes if this is a `string`.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Text(text) => Some(text.bytes()),
            _ => None,
        }
    }

    /// Returns the map if this is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Returns the list if this is one.
    pub fn as_list(&self) -> Option<&List> {
        match &self.data {
            Data::List(list) => Some(list),
            _ => None,
        }
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Value { data, marks: Marks::NONE }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Text::copy_of(text.as_bytes()).into()
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::text(text)
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Data::Text(text).into()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Nil => f.write_str("nil"),
            Data::Bool(b) => write!(f, "{b}"),
            Data::Int(t, i) => write!(f, "{}({i})", t.name()),
            Data::Float(x) => write!(f, "float64({x})"),
            Data::Text(t) => write!(f, "{:?}", t.to_str_lossy()),
            Data::Bytes(t) => write!(f, "bytes({:?})", t.to_str_lossy()),
            Data::List(list) => f.debug_list().entries(list.items()).finish(),
            Data::Map(map) => {
                let entries = map.entries();
                f.debug_map()
                    .entries(entries.iter().map(|(k, v)| (String::from_utf8_lossy(k).into_owned(), v)))
                    .finish()
            }
            Data::Object(object) => write!(f, "{}", object.type_name()),
        }
    }
}
