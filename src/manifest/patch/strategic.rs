//! Strategic merge patches, as Kustomize's library merges them (`kyaml/yaml/merge2` over `kyaml/yaml/walk`).
//!
//! Maps merge, `null` removes, lists are replaced unless the [schema](super::schema) merges them by key; what a patch adds
//! to a merged list comes first. `$patch: delete | replace | merge` works as there.
//!
//! It is stricter where that library goes wrong without a word. It drops the elements of a merged list when one of them
//! lacks its key, ignores `$patch: replace` for an object as a whole and for an element that stands in the list already,
//! and leaves directives that it does not know behind in what is new. These are errors here.

use std::collections::BTreeSet;

use super::lists;
use super::node::{self, Kind, Node, NodeRef, field, kind};
use super::schema::Schema;
use super::special::Special;
use crate::notation::FieldPath;

/// Says at which field a patch cannot be merged, and why.
#[derive(Debug)]
pub(super) struct MergeError {
    /// The field's path.
    pub(super) path: String,
    /// Why not.
    pub(super) reason: String,
}

/// Merges a patch into an object; nothing is left of an object that the patch deletes.
///
/// # Errors
/// Where the two do not fit, with the field.
pub(super) fn merge(object: &NodeRef, patch: &NodeRef) -> Result<Option<NodeRef>, MergeError> {
    let mut walk = Walk { path: FieldPath::root() };
    if field(patch, "$patch").is_some_and(|asked| node::text(&asked) == "replace") {
        return Err(walk.error("Kustomize ignores `$patch: replace` for an object as a whole".to_owned()));
    }
    walk.merge([Some(object.clone()), Some(patch.clone())], Schema::Unknown)
}

/// The object's part and the patch's part for one place.
pub(super) type Pair = [Option<NodeRef>; 2];

/// What a part of a patch asks for as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// A merge under way.
pub(super) struct Walk {
    path: FieldPath,
}

impl Walk {
    /// Merges one place; nothing comes back where nothing is left.
    pub(super) fn merge(&mut self, pair: Pair, schema: Schema) -> Result<Option<NodeRef>, MergeError> {
        let schema = match schema {
            Schema::Unknown => pair.iter().flatten().find_map(schema_of).unwrap_or(Schema::Unknown),
            known => known,
        };
        let kinds = [kind(pair[0].as_ref()), kind(pair[1].as_ref())];
        if let [Some(there), Some(patched)] = kinds
            && there != patched
        {
            return Err(self.error(format!(
                "it is {} in the object and {} in the patch",
                there.shown(),
                patched.shown()
            )));
        }
        match kinds[0].or(kinds[1]) {
            Some(Kind::Map) | None => self.map(pair, schema),
            Some(Kind::List) => match schema.merged_by() {
                Some(keys) => self.merged_list(pair, keys, schema),
                None => Ok(overriding(pair)),
            },
            Some(Kind::Scalar) => Ok(overriding(pair)),
        }
    }

    fn map(&mut self, mut pair: Pair, schema: Schema) -> Result<Option<NodeRef>, MergeError> {
        let special = pair[1].as_ref().map(Special::take_from).transpose();
        let special = special.map_err(|reason| self.error(reason))?.unwrap_or_default();
        let Some(result) = self.base_of_map(&pair)? else { return Ok(None) };
        special.before(&result);
        let order_before = special.order_of(&result);
        pair[0] = Some(result.clone());
        for name in names(&pair) {
            let fields = [0, 1].map(|side| pair[side].as_ref().and_then(|node| field(node, &name)));
            let length = self.path.len();
            self.path.push_field(&name);
            let merged = self.merge(fields, schema.field(&name))?;
            self.path.truncate(length);
            node::set(&result, &name, merged);
        }
        special.after(&result, &order_before, schema).map_err(|reason| self.error(reason))?;
        Ok(Some(result))
    }

    /// Gives the map that the fields are merged into.
    fn base_of_map(&self, [there, patched]: &Pair) -> Result<Option<NodeRef>, MergeError> {
        let Some(there) = there.as_ref().filter(|there| !node::is_null(there)) else {
            return Ok(match (there, patched) {
                (Some(_), None) => Some(node_of(Node::Null { kept: true })),
                (_, Some(patched)) if self.directive_of_map(patched)? == Directive::Delete => None,
                (_, patched) => patched.clone(),
            });
        };
        let Some(patched) = patched else { return Ok(Some(there.clone())) };
        if node::is_null(patched) {
            return Ok(None);
        }
        Ok(match self.directive_of_map(patched)? {
            Directive::Delete => None,
            Directive::Replace => Some(patched.clone()),
            Directive::Merge => Some(there.clone()),
        })
    }

    fn merged_list(
        &mut self,
        mut pair: Pair,
        keys: &'static [&'static str],
        schema: Schema,
    ) -> Result<Option<NodeRef>, MergeError> {
        let directive =
            pair[1].as_ref().map_or(Ok(Directive::Merge), |patched| self.directive_of_list(patched))?;
        if directive == Directive::Replace && pair[0].as_ref().is_none_or(node::is_null) {
            let reason = "the object has no such list, and Kustomize would write `$patch: replace` into it; leave that out";
            return Err(self.error(reason.to_owned()));
        }
        let base = match (&pair, directive) {
            (_, Directive::Delete) => None,
            ([Some(there), None], _) => Some(there.clone()),
            ([Some(there), Some(patched)], _) if !node::is_null(there) => match directive {
                _ if node::is_null(patched) => None,
                Directive::Replace => Some(patched.clone()),
                _ => Some(there.clone()),
            },
            ([_, patched], _) => patched.clone(),
        };
        let Some(base) = base else { return Ok(None) };
        pair[0] = Some(base.clone());
        self.demand_keys(&pair, keys)?;
        self.refuse_replaced_elements(&pair, keys)?;
        lists::merge(self, &pair, keys, schema.element(), base)
    }

    /// Refuses elements that cannot be told apart.
    fn demand_keys(&self, pair: &Pair, keys: &[&str]) -> Result<(), MergeError> {
        for (list, of) in pair.iter().zip(["object", "patch"]) {
            for (index, element) in list.iter().flat_map(node::elements).enumerate() {
                let missing = match keys.first() {
                    Some(key) => field(&element, key)
                        .is_none_or(|key| node::text(&key).is_empty() || node::is_null(&key)),
                    None => kind(Some(&element)) != Some(Kind::Scalar),
                };
                if missing {
                    let needs = keys.first().map_or("is no plain value".to_owned(), |key| {
                        format!("has no `{key}`, by which the list is merged")
                    });
                    return Err(self.error(format!("element {index} of the {of} {needs}")));
                }
            }
        }
        Ok(())
    }

    /// Refuses to replace an element that is there.
    fn refuse_replaced_elements(&self, pair: &Pair, keys: &[&str]) -> Result<(), MergeError> {
        let [Some(there), Some(patched)] = pair else { return Ok(()) };
        let (Some(key), false) = (keys.first(), std::rc::Rc::ptr_eq(there, patched)) else { return Ok(()) };
        let name = |element: &NodeRef| field(element, key).map(|field| node::text(&field));
        let replaced =
            |element: &NodeRef| field(element, "$patch").is_some_and(|asked| node::text(&asked) == "replace");
        let known: Vec<_> = node::elements(there).iter().map(name).collect();
        match node::elements(patched).iter().find(|element| replaced(element) && known.contains(&name(element))) {
            Some(element) => Err(self.error(format!(
                "Kustomize ignores `$patch: replace` in an element that is there already ({}); set its fields, with null for those to go, or replace the whole list",
                name(element).unwrap_or_default()
            ))),
            None => Ok(()),
        }
    }

    /// Reads what a map asks for, and takes it out.
    fn directive_of_map(&self, patch: &NodeRef) -> Result<Directive, MergeError> {
        let Some(asked) = field(patch, "$patch") else { return Ok(Directive::Merge) };
        node::clear(patch, "$patch");
        self.directive(&node::text(&asked))
    }

    /// Reads what a list asks for by an element of its own, and takes that out.
    fn directive_of_list(&self, patch: &NodeRef) -> Result<Directive, MergeError> {
        let stands_alone = |element: &NodeRef| {
            let names = |map: &std::collections::BTreeMap<String, NodeRef>| map.len() == 1;
            matches!(&*element.borrow(), Node::Map(map) if names(map) && map.contains_key("$patch"))
        };
        let mut found = Directive::Merge;
        if let Node::List(list) = &mut *patch.borrow_mut()
            && let Some(at) = list.iter().position(stands_alone)
        {
            let asked = field(&list.remove(at), "$patch");
            found = self.directive(&asked.as_ref().map(node::text).unwrap_or_default())?;
        }
        Ok(found)
    }

    fn directive(&self, asked: &str) -> Result<Directive, MergeError> {
        match asked {
            "merge" => Ok(Directive::Merge),
            "replace" => Ok(Directive::Replace),
            "delete" => Ok(Directive::Delete),
            other => Err(self.error(format!("`$patch` is {other:?}; it may be delete, replace or merge"))),
        }
    }

    /// Says why the place where the merge stands cannot be merged.
    pub(super) fn error(&self, reason: String) -> MergeError {
        MergeError { path: self.path.as_str().to_owned(), reason }
    }
}

/// Gives the patch's part where there is one, null included.
fn overriding([there, patched]: Pair) -> Option<NodeRef> {
    patched.or(there)
}

fn node_of(node: Node) -> NodeRef {
    std::rc::Rc::new(std::cell::RefCell::new(node))
}

fn names(pair: &Pair) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for node in pair.iter().flatten() {
        if let Node::Map(map) = &*node.borrow() {
            names.extend(map.keys().cloned());
        }
    }
    names
}

/// Looks up the schema of a map that says what it is.
fn schema_of(node: &NodeRef) -> Option<Schema> {
    let said = |name: &str| field(node, name).filter(|field| kind(Some(field)) == Some(Kind::Scalar));
    match Schema::of_kind(&node::text(&said("apiVersion")?), &node::text(&said("kind")?)) {
        Schema::Unknown => None,
        known => Some(known),
    }
}
