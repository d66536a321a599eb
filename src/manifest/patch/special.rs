//! The directives that `kubectl` writes into the patches it makes, beside `$patch`: Kustomize leaves them in the object,
//! where no API server wants them, so they are followed as Kubernetes does (`apimachinery/pkg/util/strategicpatch`).

use super::node::{self, Kind, Node, NodeRef, field, kind};
use super::schema::Schema;

/// `$retainKeys`, `$deleteFromPrimitiveList/LIST` and `$setElementOrder/LIST` of one map.
#[derive(Debug, Default)]
pub(super) struct Special {
    retained: Option<Vec<String>>,
    removed: Vec<(String, Vec<String>)>,
    orders: Vec<(String, Vec<NodeRef>)>,
}

/// Says whether a text names one of these directives.
pub(super) fn is_special(name: &str) -> bool {
    name == "$retainKeys"
        || name.starts_with("$deleteFromPrimitiveList/")
        || name.starts_with("$setElementOrder/")
}

impl Special {
    /// Reads the directives of a map in a patch and takes them out.
    ///
    /// # Errors
    /// With what a directive must be and is not.
    pub(super) fn take_from(patch: &NodeRef) -> Result<Self, String> {
        let mut special = Special::default();
        let Node::Map(map) = &mut *patch.borrow_mut() else { return Ok(special) };
        let names: Vec<String> = map.keys().filter(|name| is_special(name)).cloned().collect();
        for name in names {
            let Some(asked) = map.remove(&name) else { continue };
            if kind(Some(&asked)) != Some(Kind::List) {
                return Err(format!("`{name}` must be a list"));
            }
            let asked = node::elements(&asked);
            let texts = || asked.iter().map(node::text).collect();
            match name.split_once('/') {
                None => special.retained = Some(texts()),
                Some(("$deleteFromPrimitiveList", list)) => special.removed.push((list.to_owned(), texts())),
                Some((_, list)) => special.orders.push((list.to_owned(), asked)),
            }
        }
        Ok(special)
    }

    /// Removes what shall go before the patch is merged.
    pub(super) fn before(&self, object: &NodeRef) {
        if let (Some(retained), Node::Map(map)) = (&self.retained, &mut *object.borrow_mut()) {
            map.retain(|name, _| retained.contains(name));
        }
        for (list, removed) in &self.removed {
            if let Some(list) = field(object, list)
                && let Node::List(elements) = &mut *list.borrow_mut()
            {
                elements.retain(|element| !removed.contains(&node::text(element)));
            }
        }
    }

    /// Gives the elements of the lists that will be ordered, as they stand in the object.
    pub(super) fn order_of(&self, object: &NodeRef) -> Vec<Vec<NodeRef>> {
        let list =
            |(name, _): &(String, _)| field(object, name).as_ref().map(node::elements).unwrap_or_default();
        self.orders.iter().map(list).collect()
    }

    /// Orders the merged lists: the named elements as they are named, the others where the object had them.
    ///
    /// # Errors
    /// When a list is not merged by key.
    pub(super) fn after(
        &self,
        object: &NodeRef,
        before: &[Vec<NodeRef>],
        schema: Schema,
    ) -> Result<(), String> {
        for ((name, order), before) in self.orders.iter().zip(before) {
            let keys = schema.field(name).merged_by();
            let keys = keys.ok_or_else(|| {
                format!("`$setElementOrder/{name}`: `{name}` is no list that is merged by key")
            })?;
            let Some(list) = field(object, name) else { continue };
            let key = |element: &NodeRef| match keys.first() {
                Some(key) => field(element, key).map(|field| node::text(&field)).unwrap_or_default(),
                None => node::text(element),
            };
            let place =
                |list: &[NodeRef], element: &NodeRef| list.iter().position(|one| key(one) == key(element));
            let (mut named, mut others): (Vec<NodeRef>, Vec<NodeRef>) =
                node::elements(&list).into_iter().partition(|element| place(order, element).is_some());
            named.sort_by_key(|element| place(order, element));
            others.sort_by_key(|element| place(before, element));
            let is_before = |one: &NodeRef, other: &NodeRef| {
                place(before, one).zip(place(before, other)).is_some_and(|(one, other)| one < other)
            };
            *list.borrow_mut() = Node::List(interleave(others, named, is_before));
        }
        Ok(())
    }
}

/// Puts two ordered lists together; elements of the first go before those of the second that they stood before.
fn interleave(
    first: Vec<NodeRef>,
    second: Vec<NodeRef>,
    is_before: impl Fn(&NodeRef, &NodeRef) -> bool,
) -> Vec<NodeRef> {
    let mut first = first.into_iter().peekable();
    let mut placed = Vec::new();
    for element in second {
        while let Some(other) = first.next_if(|other| is_before(other, &element)) {
            placed.push(other);
        }
        placed.push(element);
    }
    placed.extend(first);
    placed
}
