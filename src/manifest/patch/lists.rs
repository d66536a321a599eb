//! How a list that is merged by key is merged (`kyaml/yaml/walk/associative_sequence.go`).
//!
//! Followed step by step, because its quirks are part of what an agent does: an element counts as the same where the
//! keys that both have are equal, elements of the patch come first, and with two keys the others move behind them.

use super::node::{self, Kind, Node, NodeRef, field, kind};
use super::schema::Schema;
use super::strategic::{MergeError, Pair, Walk};

/// The keys of an element, in the order of the list's keys; empty where it has none.
type Key = Vec<String>;

/// Merges the elements of both lists into `base`.
pub(super) fn merge(
    walk: &mut Walk,
    pair: &Pair,
    keys: &'static [&'static str],
    schema: Schema,
    base: NodeRef,
) -> Result<Option<NodeRef>, MergeError> {
    let keys: &[&str] = if keys.is_empty() { &[""] } else { keys };
    let mut all = element_keys(pair, keys);
    if keys.len() > 1 {
        unite(&mut all);
    }
    let first = std::rc::Rc::new(std::cell::RefCell::new(Node::List(Vec::new())));
    let mut used: Vec<&str> = Vec::new();
    for key in &all {
        let (names, values) = used_keys(&all, key, keys);
        let (wanted, wanted_values) = used_keys(std::slice::from_ref(&values), &values, &names);
        let elements =
            [0, 1].map(|side| pair[side].as_ref().and_then(|list| find(list, &wanted, &wanted_values)));
        let merged = walk.merge(elements, schema)?;
        match merged.filter(|merged| !node::is_null(merged) && !node::is_empty_map(merged)) {
            None => place(&base, &names, &values, None),
            Some(merged) => {
                say_keys(&merged, &names, &values);
                place(&first, &names, &values, Some(merged));
            }
        }
        used = names;
    }
    if all.is_empty() {
        return Ok(Some(base));
    }
    append(&first, &base, &used);
    Ok(Some(first))
}

/// Gives the keys of all elements, those of the patch first, each once.
fn element_keys(pair: &Pair, keys: &[&str]) -> Vec<Key> {
    let mut all: Vec<Key> = Vec::new();
    for list in [&pair[1], &pair[0]].into_iter().flatten() {
        for element in node::elements(list) {
            let key: Key = keys.iter().map(|key| key_text(&element, key)).collect();
            if !all.contains(&key) {
                all.push(key);
            }
        }
    }
    all
}

fn key_text(element: &NodeRef, key: &str) -> String {
    if key.is_empty() {
        return node::text(element);
    }
    field(element, key)
        .filter(|field| !node::is_null(field))
        .map(|field| node::text(&field))
        .unwrap_or_default()
}

/// Takes keys for the same where they differ only in what one of them does not say.
fn unite(all: &mut [Key]) {
    for i in 0..all.len() {
        for j in 0..all.len() {
            if let Some(united) = united(&all[i], &all[j]) {
                all[i].clone_from(&united);
                all[j] = united;
            }
        }
    }
}

fn united(one: &Key, other: &Key) -> Option<Key> {
    let contradict = |(a, b): (&String, &String)| a != b && !a.is_empty() && !b.is_empty();
    if one.iter().zip(other).any(contradict) || !one.iter().zip(other).any(|(a, b)| a == b) {
        return None;
    }
    Some(one.iter().zip(other).map(|(a, b)| if a.is_empty() { b } else { a }.clone()).collect())
}

/// Leaves out the keys that no element has.
fn used_keys<'a>(all: &[Key], key: &Key, keys: &[&'a str]) -> (Vec<&'a str>, Key) {
    let is_used = |at: usize| all.iter().any(|key| key.get(at).is_some_and(|text| !text.is_empty()));
    if !(0..keys.len()).any(is_used) {
        return (keys.to_vec(), key.clone());
    }
    let names = (0..keys.len()).filter(|at| is_used(*at)).map(|at| keys[at]).collect();
    let values = key.iter().enumerate().filter(|(at, text)| !text.is_empty() || is_used(*at));
    (names, values.map(|(_, text)| text.clone()).collect())
}

/// Finds the first element that has all of the keys.
fn find(list: &NodeRef, keys: &[&str], values: &[String]) -> Option<NodeRef> {
    let has = |element: &NodeRef, key: &str, value: &String| match key {
        "" => node::text(element) == *value,
        key => field(element, key).is_some_and(|field| node::text(&field) == *value),
    };
    let all = |element: &NodeRef| keys.iter().zip(values).all(|(key, value)| has(element, key, value));
    node::elements(list).into_iter().find(all)
}

/// Writes the keys into an element that the merge left without them.
fn say_keys(element: &NodeRef, keys: &[&str], values: &[String]) {
    for (key, value) in keys.iter().zip(values).filter(|(key, value)| !key.is_empty() && !value.is_empty()) {
        if kind(Some(element)) == Some(Kind::Map) && field(element, key).is_none() {
            let text = node::tree(&serde_json::Value::from(value.as_str()));
            node::set(element, key, Some(text));
        }
    }
}

/// Puts an element in the place of those with its keys, or behind all; none removes them.
fn place(list: &NodeRef, keys: &[&str], values: &[String], element: Option<NodeRef>) {
    let of_maps = keys.first().is_some_and(|key| !key.is_empty())
        && values.first().is_some_and(|value| !value.is_empty());
    let mut placed = Vec::new();
    let mut found = false;
    for there in node::elements(list) {
        if node::is_null(&there) || node::is_empty_map(&there) {
            continue;
        }
        let is_map = kind(Some(&there)) == Some(Kind::Map);
        if !matches(&there, is_map, of_maps, keys, values) {
            placed.push(there);
            continue;
        }
        found = true;
        placed.extend(element.clone());
    }
    if !found {
        placed.extend(element);
    }
    *list.borrow_mut() = Node::List(placed);
}

fn matches(there: &NodeRef, is_map: bool, of_maps: bool, keys: &[&str], values: &[String]) -> bool {
    if of_maps && !is_map {
        return false;
    }
    keys.iter().zip(values).all(|(key, value)| match *key {
        "" => node::text(there) == *value,
        // Any value will do where the key has none.
        key => field(there, key).is_some_and(|field| value.is_empty() || node::text(&field) == *value),
    })
}

/// Puts the elements of `rest` behind those of `first`, or in the place of the same ones.
fn append(first: &NodeRef, rest: &NodeRef, keys: &[&str]) {
    for element in node::elements(rest) {
        let values: Key = keys.iter().map(|key| key_text(&element, key)).collect();
        let lacks = keys.iter().any(|key| !key.is_empty() && field(&element, key).is_none());
        if lacks && let Node::List(list) = &mut *first.borrow_mut() {
            list.push(element.clone());
        }
        let said: Key = values
            .into_iter()
            .zip(keys)
            .filter(|(_, key)| key.is_empty() || field(&element, key).is_some())
            .map(|(value, _)| value)
            .collect();
        if keys.len() > 1 {
            place(first, keys, &said, None);
        }
        place(first, keys, &said, Some(element));
    }
}
