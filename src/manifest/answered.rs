//! What a cluster makes of an object as it takes it: what admission changes and adds, told from the defaults that Kubernetes itself
//! fills in, which everybody knows and nobody wants to read with each plan. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::common_labels::CommonLabels;
use super::defaults;
use super::display::{DisplayForm, Field};
use super::live;
use super::object::{is_custom_resource_definition, is_secret};

/// Fields of one new element that are told one by one; more are counted.
const MOST_OF_ONE: usize = 3;

/// The differences between an object as it was sent and as the cluster took it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// What policies and webhooks changed, one line each.
    pub changes: Vec<String>,
    /// What Kubernetes fills in by itself.
    pub defaults: Vec<String>,
}

/// Compares an object as it was sent with the server's answer. What stands in the live object already, others added to it; what the
/// schema of a custom kind fills in are defaults.
pub fn answered(sent: &Value, live: Option<&Value>, answer: &Value, schema: Option<&Value>) -> Answered {
    // Its parts are shown by digests, which every default changes.
    if is_custom_resource_definition(sent) {
        return Answered::default();
    }
    let form = |object: &Value| DisplayForm::of(object, &CommonLabels::default());
    let (sent_form, answer_form) = (form(sent), form(answer));
    let live_form = live.map(form).unwrap_or_default();
    let filled_form = schema.map(|schema| form(&defaults::filled(sent, schema))).unwrap_or_default();
    let shown = |value: &Value| if is_secret(sent) { "(sensitive)".to_owned() } else { short(value) };
    let mut told = Answered::default();
    for field in &sent_form.fields {
        match answer_form.get(&field.path) {
            Some(value) if live::is_same(&field.value, value) => {}
            Some(value) => told.changes.push(format!(
                "{} = {} in place of {}",
                field.path,
                shown(value),
                shown(&field.value)
            )),
            None if live::is_empty(&field.value) || is_spread(&field.path, &answer_form) => {}
            None => told.changes.push(format!("{} is dropped", field.path)),
        }
    }
    let is_new = |field: &&Field| {
        sent_form.get(&field.path).is_none()
            && live_form.get(&field.path) != Some(&field.value)
            && !live::is_empty(&field.value)
    };
    let is_default = |field: &&Field| {
        defaults::is_default(field)
            || filled_form.get(&field.path) == Some(&field.value)
            || is_of_limit(field, &answer_form)
    };
    let (defaults, added): (Vec<&Field>, Vec<&Field>) =
        answer_form.fields.iter().filter(is_new).partition(is_default);
    told.defaults.extend(defaults.iter().map(|field| format!("{} = {}", field.path, shown(&field.value))));
    told.changes.extend(grouped(&sent_form, &added, shown));
    told
}

/// Tells whether a field is the request of a resource that is as large as its limit.
fn is_of_limit(field: &Field, answer: &DisplayForm) -> bool {
    let limit = field.path.rsplit_once(".resources.requests");
    let limit = limit.map(|(container, resource)| format!("{container}.resources.limits{resource}"));
    limit.is_some_and(|limit| answer.get(&limit) == Some(&field.value))
}

/// Tells whether an empty map or list that was sent has become one with content.
fn is_spread(path: &str, answer: &DisplayForm) -> bool {
    answer
        .fields
        .iter()
        .any(|field| field.path.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '['])))
}

/// Tells new fields, those of one new element in one line where they are many.
fn grouped(sent: &DisplayForm, added: &[&Field], shown: impl Fn(&Value) -> String) -> Vec<String> {
    let known: BTreeSet<&str> = sent.fields.iter().flat_map(|field| places(&field.path)).collect();
    let mut groups: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
    for field in added {
        let mut new = places(&field.path).filter(|place| !known.contains(place));
        groups.entry(new.next().unwrap_or(&field.path)).or_default().push(field);
    }
    let lines = groups.into_iter().flat_map(|(place, fields)| match fields.len() {
        ..=MOST_OF_ONE => {
            fields.iter().map(|field| format!("{} = {}, added", field.path, shown(&field.value))).collect()
        }
        many => vec![format!("{place}, added with {many} fields")],
    });
    lines.collect()
}

/// Gives all places on the way to a path, itself the last: `a`, `a.b`, `a.b[c]`.
fn places(path: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    let ends = path.char_indices().filter(move |(_, letter)| {
        let ends = !inside && matches!(letter, '.' | '[');
        inside = (inside || *letter == '[') && *letter != ']';
        ends
    });
    ends.map(|(at, _)| &path[..at]).chain([path])
}

fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(sent: Value, answer: Value, changes: &[&str], defaults: &[&str]) {
        let told = answered(&sent, None, &answer, None);
        assert_eq!((told.changes, told.defaults), (owned(changes), owned(defaults)));
    }

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn what_admission_does_is_told_from_what_kubernetes_fills_in() {
        let container = |name: &str, image: &str| json!({"name": name, "image": image, "terminationMessagePath": "/dev/termination-log", "command": ["x"], "tty": true});
        check(
            json!({"kind": "Deployment", "spec": {"containers": [{"name": "app", "image": "app:1", "command": ["x"], "tty": true}], "cpu": "1000m", "no": {}}}),
            json!({"kind": "Deployment", "metadata": {"labels": {"team": "shop"}}, "spec": {"replicas": 1, "cpu": "1",
                "containers": [container("app", "mirror/app:1"), container("proxy", "proxy:1")]}, "status": {"x": 1}}),
            &[
                "spec.containers[app].image = \"mirror/app:1\" in place of \"app:1\"",
                "metadata.labels.team = \"shop\", added",
                "spec.containers[proxy].command = \"[x]\", added",
                "spec.containers[proxy].image = \"proxy:1\", added",
                "spec.containers[proxy].tty = true, added",
            ],
            &[
                "spec.containers[app].terminationMessagePath = \"/dev/termination-log\"",
                "spec.containers[proxy].terminationMessagePath = \"/dev/termination-log\"",
                "spec.replicas = 1",
            ],
        );
    }

    #[test]
    fn what_others_added_before_is_no_answer_to_this() {
        let live = json!({"metadata": {"annotations": {"revision": "3"}}, "spec": {"a": 1}});
        let answer =
            json!({"metadata": {"annotations": {"revision": "3", "by": "policy"}}, "spec": {"a": 2}});
        let told = answered(&json!({"spec": {"a": 2}}), Some(&live), &answer, None);
        assert_eq!(told.changes, ["metadata.annotations.by = \"policy\", added"]);
    }

    #[test]
    fn a_new_element_with_many_fields_is_one_line() {
        check(
            json!({"spec": {"volumes": [{"name": "a", "x": 1}]}}),
            json!({"spec": {"volumes": [{"name": "a", "x": 1}, {"name": "b", "p": 1, "q": 2, "r": {"s": 3, "t": 4}}]}}),
            &["spec.volumes[b], added with 4 fields"],
            &[],
        );
    }

    #[test]
    fn what_is_dropped_is_told_and_secrets_are_not_shown() {
        check(json!({"spec": {"a": 1}}), json!({"spec": {"b": false}}), &["spec.a is dropped"], &[]);
        check(
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "aHVudGVyMg=="}}),
            json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"a": "eA==", "b": "eQ=="}}),
            &["data.a = (sensitive) in place of (sensitive)", "data.b = (sensitive), added"],
            &["type = (sensitive)"],
        );
    }

    #[test]
    fn the_places_on_the_way_end_before_dots_and_brackets() {
        assert_eq!(places("a.b[x.y].c").collect::<Vec<_>>(), ["a", "a.b", "a.b[x.y]", "a.b[x.y].c"]);
    }
}
