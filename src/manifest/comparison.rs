//! Two sets of objects compared, as lines for people.
//!
//! What must not be seen is taken out first: a secret that differs shows as another revision, never as a value. Labels
//! that all objects share are part of each object here, since two sets may share different ones.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change_set::{Change, ChangeSet, Snapshot, Update};
use super::common_labels::CommonLabels;
use super::diff::FieldChange;
use super::display::DisplayForm;
use super::mask::{Masker, ObjectMarks, Revisions, conceal};
use super::object::ObjectId;
use super::{canonical, digest};

/// Tells equal secrets from different ones within one call; nothing that it makes leaves it.
const KEY: &[u8] = b"two sets of objects in one call";

/// Gives the lines for each object that differs: `created`, `deleted`, or `path: before → after` for each field.
pub fn lines(before: &[(ObjectId, Value)], after: &[(ObjectId, Value)]) -> BTreeMap<String, Vec<String>> {
    let (before, revisions) = snapshots(before, &Revisions::default());
    let (after, _) = snapshots(after, &revisions);
    let changes = ChangeSet::between(&before, &after).changes.into_iter();
    changes
        .filter(|(_, change)| *change != Change::Unchanged)
        .map(|(key, change)| (key, lines_of(&change)))
        .collect()
}

fn snapshots(objects: &[(ObjectId, Value)], previous: &Revisions) -> (BTreeMap<String, Snapshot>, Revisions) {
    let mut masker = Masker::new(Some(KEY), previous);
    let snapshots = objects.iter().map(|(id, object)| {
        let key = id.key();
        let concealed = conceal(&key, object, &ObjectMarks::default(), true, &mut masker).object;
        let form = DisplayForm::of(&concealed, &CommonLabels::default());
        (key, Snapshot { form, digest: Some(digest::of_object(&concealed)) })
    });
    let snapshots = snapshots.collect();
    (snapshots, masker.finish())
}

fn lines_of(change: &Change) -> Vec<String> {
    match change {
        Change::Create => vec!["created".to_owned()],
        Change::Delete => vec!["deleted".to_owned()],
        Change::Update(update) => update_lines(update),
        Change::Replace { update, forced_by } => {
            let first = format!("replaced, since {} cannot change in place", forced_by.join(", "));
            [first].into_iter().chain(update_lines(update)).collect()
        }
        Change::Unchanged => Vec::new(),
    }
}

fn update_lines(update: &Update) -> Vec<String> {
    if update.fields.is_empty() {
        return vec!["differs in what no line shows, such as defaults that are spelled out".to_owned()];
    }
    update.fields.iter().map(line).collect()
}

fn line(change: &FieldChange) -> String {
    let shown =
        |value: &Option<Value>| value.as_ref().map_or_else(|| "(absent)".to_owned(), canonical::to_string);
    format!("{}: {} → {}", change.path, shown(&change.before), shown(&change.after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::object::identify;

    fn check(before: &[Value], after: &[Value], expected: &[(&str, &[&str])]) {
        let set = |objects: &[Value]| -> Vec<(ObjectId, Value)> {
            identify(objects, "ns").expect("objects").into_iter().zip(objects.to_vec()).collect()
        };
        let expected = expected
            .iter()
            .map(|(key, lines)| ((*key).to_owned(), lines.iter().map(|one| (*one).to_owned()).collect()));
        assert_eq!(lines(&set(before), &set(after)), expected.collect::<BTreeMap<_, Vec<_>>>());
    }

    fn deployment(selector: &str, replicas: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": selector}}}})
    }

    #[test]
    fn each_field_that_differs_is_a_line() {
        let key = "apps/v1/Deployment/ns/web";
        check(&[deployment("a", json!(1))], &[deployment("a", json!(1))], &[]);
        check(
            &[deployment("a", json!(1))],
            &[deployment("a", json!(2))],
            &[(key, &["spec.replicas: 1 → 2"])],
        );
        check(
            &[deployment("a", json!(null))],
            &[deployment("a", json!(2))],
            &[(key, &["spec.replicas: null → 2"])],
        );
        let settings = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data});
        let lines = ["data.a: \"x\" → (absent)", "data.b: (absent) → \"1\""];
        check(
            &[settings(json!({"a": "x"}))],
            &[settings(json!({"b": "1"}))],
            &[("v1/ConfigMap/ns/c", &lines)],
        );
        check(&[], &[deployment("a", json!(1))], &[(key, &["created"])]);
        check(&[deployment("a", json!(1))], &[], &[(key, &["deleted"])]);
        let path = "spec.selector.matchLabels.app";
        check(
            &[deployment("a", json!(1))],
            &[deployment("b", json!(1))],
            &[(
                key,
                &[
                    &format!("replaced, since {path} cannot change in place"),
                    &format!("{path}: \"a\" → \"b\""),
                ],
            )],
        );
    }

    #[test]
    fn secrets_show_their_revisions_alone() {
        let secret = |value: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": value, "b": "same"}});
        check(
            &[secret("hunter2")],
            &[secret("hunter3")],
            &[("v1/Secret/ns/s", &["data.a: \"(sensitive, revision 1)\" → \"(sensitive, revision 2)\""])],
        );
        check(&[secret("hunter2")], &[secret("hunter2")], &[]);
    }
}
