//! What becomes of each object between two states: created, updated, replaced, deleted, unchanged.
//!
//! An update becomes a replacement where Kubernetes refuses to change the field in place; the table of such fields
//! follows the API server's validation of its own kinds. Deleting what holds data or other objects is marked.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, FieldChange};
use super::display::DisplayForm;

/// One object in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// What a plan shows of it.
    pub form: DisplayForm,
    /// The digest of the full object; none where the state does not hold it.
    pub digest: Option<String>,
}

/// What becomes of one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// It is new.
    Create,
    /// It changes in place.
    Update(Update),
    /// It is removed and made again, because a field that differs cannot change in place.
    Replace {
        /// What differs.
        update: Update,
        /// The paths that force it.
        forced_by: Vec<String>,
    },
    /// It is removed.
    Delete,
    /// Nothing differs.
    Unchanged,
}

/// What differs in an object that stays.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Update {
    /// The fields that differ; empty where only what the display form folds away differs.
    pub fields: Vec<FieldChange>,
}

/// What becomes of each object of a set, by key.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChangeSet {
    /// Key → change.
    pub changes: BTreeMap<String, Change>,
}

/// How many objects change in which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// New objects.
    pub create: usize,
    /// Objects that change in place.
    pub update: usize,
    /// Objects that are removed and made again.
    pub replace: usize,
    /// Objects that are removed.
    pub delete: usize,
    /// Objects that stay as they are.
    pub unchanged: usize,
}

impl ChangeSet {
    /// Compares two states of a set, by key.
    pub fn between(before: &BTreeMap<String, Snapshot>, after: &BTreeMap<String, Snapshot>) -> Self {
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let changes = keys.into_iter().map(|key| (key.clone(), change(key, before.get(key), after.get(key))));
        Self { changes: changes.collect() }
    }

    /// Counts the changes.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in self.changes.values() {
            match change {
                Change::Create => counts.create += 1,
                Change::Update(_) => counts.update += 1,
                Change::Replace { .. } => counts.replace += 1,
                Change::Delete => counts.delete += 1,
                Change::Unchanged => counts.unchanged += 1,
            }
        }
        counts
    }

    /// Lists the keys of deleted and replaced objects.
    pub fn gone(&self) -> impl Iterator<Item = &str> {
        let gone = |change: &Change| matches!(change, Change::Delete | Change::Replace { .. });
        self.changes.iter().filter(move |(_, change)| gone(change)).map(|(key, _)| key.as_str())
    }

    /// Lists the keys of deleted or replaced objects that take data or other objects with them.
    pub fn losses(&self) -> impl Iterator<Item = &str> {
        self.gone().filter(|key| holds_others(kind_of(key)))
    }
}

/// Says whether removing an object of this kind removes data or other objects.
pub fn holds_others(kind: &str) -> bool {
    matches!(kind, "Namespace" | "CustomResourceDefinition" | "PersistentVolumeClaim" | "PersistentVolume")
}

fn change(key: &str, before: Option<&Snapshot>, after: Option<&Snapshot>) -> Change {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (None, _) => return Change::Create,
        (_, None) => return Change::Delete,
    };
    let update = Update { fields: diff::fields(&before.form, &after.form) };
    let folded = before.digest.is_some() && after.digest.is_some() && before.digest != after.digest;
    if update.fields.is_empty() {
        return if folded { Change::Update(update) } else { Change::Unchanged };
    }
    let immutable = |change: &&FieldChange| is_immutable(kind_of(key), change);
    let forced_by: Vec<String> =
        update.fields.iter().filter(immutable).map(|change| change.path.clone()).collect();
    if forced_by.is_empty() { Change::Update(update) } else { Change::Replace { update, forced_by } }
}

/// Reads the kind out of a key: the part that follows the API version, which has a slash unless it is of the core group.
pub fn kind_of(key: &str) -> &str {
    let mut parts = key.split('/');
    let first = parts.next().unwrap_or_default();
    let core = !first.contains('.')
        && first.strip_prefix('v').is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()));
    parts.nth(usize::from(!core)).unwrap_or_default()
}

fn is_immutable(kind: &str, change: &FieldChange) -> bool {
    let below = |prefixes: &[&str]| prefixes.iter().any(|prefix| is_below(&change.path, prefix));
    match kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" => below(&["spec.selector"]),
        "StatefulSet" => below(&[
            "spec.selector",
            "spec.serviceName",
            "spec.podManagementPolicy",
            "spec.volumeClaimTemplates",
        ]),
        "Job" => below(&["spec.selector", "spec.template", "spec.completionMode"]),
        "PersistentVolumeClaim" => below(&[
            "spec.accessModes",
            "spec.storageClassName",
            "spec.volumeName",
            "spec.volumeMode",
            "spec.selector",
            "spec.dataSource",
        ]),
        "RoleBinding" | "ClusterRoleBinding" => below(&["roleRef"]),
        "StorageClass" => below(&["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"]),
        "Secret" => change.path == "type",
        "Service" => change.path == "spec.clusterIP" && change.before.is_some() && change.after.is_some(),
        "PriorityClass" => below(&["value", "preemptionPolicy"]),
        "IngressClass" => below(&["spec.controller"]),
        "CustomResourceDefinition" => {
            below(&["spec.group", "spec.scope", "spec.names.plural", "spec.names.kind"])
        }
        _ => false,
    }
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn check(key: &str, before: Value, after: Value, expected: &str) {
        let state = |form: Value| -> BTreeMap<String, Snapshot> {
            let form = (!form.is_null()).then(|| DisplayForm::from_json(&form.to_string()).expect("a map"));
            form.into_iter().map(|form| (key.to_owned(), Snapshot { form, digest: None })).collect()
        };
        let set = ChangeSet::between(&state(before), &state(after));
        let shown = match &set.changes[key] {
            Change::Replace { forced_by, .. } => format!("replace: {}", forced_by.join(" ")),
            Change::Update(update) => format!("update {}", update.fields.len()),
            other => format!("{other:?}").to_lowercase(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn objects_are_compared_by_key() {
        check("v1/ConfigMap/n/a", json!(null), json!({}), "create");
        check("v1/ConfigMap/n/a", json!({}), json!(null), "delete");
        check("v1/ConfigMap/n/a", json!({"x": 1}), json!({"x": 1}), "unchanged");
        check("v1/ConfigMap/n/a", json!({"x": 1}), json!({"x": 2, "y": 1}), "update 2");
    }

    #[test]
    fn fields_that_cannot_change_in_place_force_a_replacement() {
        let (before, after) =
            (json!({"spec.selector.matchLabels.app": "a"}), json!({"spec.selector.matchLabels.app": "b"}));
        check(
            "apps/v1/Deployment/n/a",
            before.clone(),
            after.clone(),
            "replace: spec.selector.matchLabels.app",
        );
        check("v1/Service/n/a", before, after, "update 1");
        check(
            "batch/v1/Job/n/a",
            json!({"spec.template.spec.containers[a].image": "1", "spec.templates": 1}),
            json!({"spec.template.spec.containers[a].image": "2", "spec.templates": 2}),
            "replace: spec.template.spec.containers[a].image",
        );
        check(
            "rbac.authorization.k8s.io/v1/ClusterRoleBinding/a",
            json!({"roleRef.name": "a"}),
            json!({"roleRef.name": "b"}),
            "replace: roleRef.name",
        );
    }

    #[test]
    fn what_only_the_digest_sees_is_an_update_without_fields() {
        let state = |digest: &str| {
            let snapshot = Snapshot { form: DisplayForm::default(), digest: Some(digest.to_owned()) };
            BTreeMap::from([("v1/Namespace/a".to_owned(), snapshot)])
        };
        let set = ChangeSet::between(&state("1"), &state("2"));
        assert_eq!(set.counts(), Counts { update: 1, ..Counts::default() });
        assert_eq!(set.losses().count(), 0);
        assert_eq!(ChangeSet::between(&state("1"), &BTreeMap::new()).losses().count(), 1);
    }
}
