//! Decoding a tree into a Go struct the way `sigs.k8s.io/yaml` and `encoding/json` do: keys in any case, scalars turned
//! into text where text is wanted, and their message for the first field, in byte order, that does not fit.
//!
//! Used for Chart.yaml and for the head of a manifest. Callers ask for fields in byte order of their names, which is
//! the order in which Go meets them.

use std::collections::BTreeMap;

use crate::yaml::{Field, FieldKind};

/// The first message, which is the one Go reports.
pub(crate) type FirstError = Option<String>;

/// An object whose fields are being read.
pub(crate) struct Fields<'a> {
    map: Option<&'a BTreeMap<String, Field>>,
    /// Go's name of the struct, empty for an anonymous one.
    name: &'a str,
    /// The path of the object, with a final dot unless it is the root.
    path: String,
    error: FirstError,
}

/// A value that is about to be decoded.
pub(crate) struct Item<'a> {
    node: &'a Field,
    name: &'a str,
    /// The path of the field that holds the value.
    path: String,
}

impl<'a> Fields<'a> {
    /// Starts at a document; null leaves everything as it is.
    pub(crate) fn root(document: Option<&'a Field>, name: &'a str, type_name: &str) -> Self {
        let mut fields = Fields { map: None, name, path: String::new(), error: None };
        match document.map(|field| (&field.kind, field.json_type())) {
            None | Some((FieldKind::Null, _)) => {}
            Some((FieldKind::Map(map), _)) => fields.map = Some(map),
            Some((_, found)) => {
                fields.error =
                    Some(format!("json: cannot unmarshal {found} into Go value of type {type_name}"));
            }
        }
        fields
    }

    /// Returns the first error with the words around it.
    pub(crate) fn finish(self) -> Result<(), String> {
        match self.error {
            None => Ok(()),
            Some(error) => Err(format!("error unmarshaling JSON: while decoding JSON: {error}")),
        }
    }

    fn get(&self, name: &str) -> Option<Item<'a>> {
        let map = self.map?;
        let found =
            map.iter().rfind(|(key, value)| key.eq_ignore_ascii_case(name) && value.kind != FieldKind::Null);
        found.map(|(_, node)| Item { node, name: self.name, path: format!("{}{name}", self.path) })
    }

    /// Reads a `string`.
    pub(crate) fn text(&mut self, name: &str, into: &mut String) {
        if let Some(item) = self.get(name) {
            item.text(into, &mut self.error);
        }
    }

    /// Reads a `bool`.
    pub(crate) fn flag(&mut self, name: &str, into: &mut bool) {
        match self.get(name) {
            Some(Item { node: Field { kind: FieldKind::Bool(value), .. }, .. }) => *into = *value,
            Some(item) => item.mismatch("bool", &mut self.error),
            None => {}
        }
    }

    /// Reads a `[]string`.
    pub(crate) fn texts(&mut self, name: &str, into: &mut Vec<String>) {
        self.list(name, "[]string", into, |item, error| {
            let mut text = String::new();
            item.text(&mut text, error);
            text
        });
    }

    /// Reads a `map[string]string`.
    pub(crate) fn texts_by_key(&mut self, name: &str, into: &mut Option<BTreeMap<String, String>>) {
        let Some(item) = self.get(name) else { return };
        let FieldKind::Map(map) = &item.node.kind else {
            return item.mismatch("map[string]string", &mut self.error);
        };
        let into = into.get_or_insert_default();
        for (key, node) in map {
            let mut text = String::new();
            Item { node, name: self.name, path: item.path.clone() }.text(&mut text, &mut self.error);
            into.insert(key.to_string(), text);
        }
    }

    /// Reads a slice, item by item.
    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        type_name: &str,
        into: &mut Vec<T>,
        read: impl Fn(Item<'a>, &mut FirstError) -> T,
    ) {
        let path = format!("{}{name}", self.path);
        let Some(items) = self.items(name, type_name) else { return };
        let owner = self.name;
        let items = items.iter().map(|node| Item { node, name: owner, path: path.clone() });
        *into = items.map(|item| read(item, &mut self.error)).collect();
    }

    /// Returns the items of a slice.
    pub(crate) fn items(&mut self, name: &str, type_name: &str) -> Option<&'a [Field]> {
        let item = self.get(name)?;
        match &item.node.kind {
            FieldKind::List(items) => Some(items),
            _ => {
                item.mismatch(type_name, &mut self.error);
                None
            }
        }
    }

    /// Reads an inner struct.
    pub(crate) fn inner<T>(
        &mut self,
        name: &str,
        struct_name: &'a str,
        type_name: &str,
        read: impl Fn(&mut Fields<'a>) -> T,
    ) -> Option<T> {
        self.get(name)?.object(struct_name, type_name, &mut self.error, read)
    }
}

impl<'a> Item<'a> {
    /// Reads a struct; `None` if it is null or something else.
    pub(crate) fn object<T>(
        self,
        struct_name: &'a str,
        type_name: &str,
        error: &mut FirstError,
        read: impl Fn(&mut Fields<'a>) -> T,
    ) -> Option<T> {
        let path = self.path.clone();
        let map = match &self.node.kind {
            FieldKind::Map(map) => Some(map),
            FieldKind::Null => return None,
            _ => {
                self.mismatch(type_name, error);
                None
            }
        };
        let mut fields = Fields { map, name: struct_name, path: format!("{path}."), error: error.take() };
        let value = read(&mut fields);
        *error = fields.error;
        Some(value)
    }

    fn text(self, into: &mut String, error: &mut FirstError) {
        match self.node.as_go_string() {
            Some(_) if self.node.kind == FieldKind::Null => {}
            Some(text) => *into = text,
            None => self.mismatch("string", error),
        }
    }

    fn mismatch(self, type_name: &str, error: &mut FirstError) {
        let (kind, owner, path) = (self.node.json_type(), self.name, self.path);
        error.get_or_insert_with(|| {
            format!("json: cannot unmarshal {kind} into Go struct field {owner}.{path} of type {type_name}")
        });
    }
}
