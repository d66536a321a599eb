//! Labels and annotations stamped on the objects of a release, taken out and shown once.
//!
//! A chart bump changes `helm.sh/chart` on every object; said once, the plan shows what else changed. Taken out are
//! well-known stamps wherever they stand in `metadata` (subcharts stamp their own value, so one may have several), and
//! whatever else all objects carry with one value (definitions of kinds aside, which charts ship unstamped). Labels of pod templates are not touched: they restart pods.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::object::is_custom_resource_definition;

/// Labels that say which chart and release made an object, and nothing about the object.
const STAMPS: &[&str] = &[
    "helm.sh/chart",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/part-of",
    "chart",
    "heritage",
    "release",
];

/// Objects from which on a label that all of them carry counts as stamped.
const FEWEST_OBJECTS: usize = 2;

/// What a set of objects has in common.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommonLabels {
    labels: BTreeMap<String, BTreeSet<String>>,
    annotations: BTreeMap<String, BTreeSet<String>>,
}

impl CommonLabels {
    /// Finds what the objects of a set have in common.
    pub fn of<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let objects: Vec<&Value> =
            objects.into_iter().filter(|object| !is_custom_resource_definition(object)).collect();
        Self { labels: stamped(&objects, "labels"), annotations: stamped(&objects, "annotations") }
    }

    /// Says whether a label with this value is shown once for all.
    pub fn says_label(&self, key: &str, value: &Value) -> bool {
        says(&self.labels, key, value)
    }

    /// Says whether an annotation with this value is shown once for all.
    pub fn says_annotation(&self, key: &str, value: &Value) -> bool {
        says(&self.annotations, key, value)
    }

    /// Gives what a plan shows as `common_labels`: label → value, several values joined by commas.
    pub fn shown(&self) -> BTreeMap<String, String> {
        let join =
            |values: &BTreeSet<String>| values.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let labels = self.labels.iter().map(|(key, values)| (key.clone(), join(values)));
        let annotations =
            self.annotations.iter().map(|(key, values)| (format!("{key} (annotation)"), join(values)));
        labels.chain(annotations).collect()
    }
}

fn says(stamped: &BTreeMap<String, BTreeSet<String>>, key: &str, value: &Value) -> bool {
    value.as_str().is_some_and(|value| stamped.get(key).is_some_and(|values| values.contains(value)))
}

fn stamped(objects: &[&Value], field: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for object in objects {
        let Some(map) = object.get("metadata").and_then(|metadata| metadata.get(field)?.as_object()) else {
            continue;
        };
        for (key, value) in map.iter().filter_map(|(key, value)| Some((key, value.as_str()?))) {
            let (times, values) = found.entry(key).or_default();
            *times += 1;
            values.insert(value);
        }
    }
    let common = |key: &str, times: usize, values: usize| {
        objects.len() >= FEWEST_OBJECTS && (STAMPS.contains(&key) || times == objects.len() && values == 1)
    };
    found
        .into_iter()
        .filter(|(key, (times, values))| common(key, *times, values.len()))
        .map(|(key, (_, values))| (key.to_owned(), values.into_iter().map(str::to_owned).collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(labels: &[Value], expected: &str) {
        let objects: Vec<Value> =
            labels.iter().map(|labels| json!({"metadata": {"labels": labels}})).collect();
        let shown = CommonLabels::of(&objects).shown();
        let lines: Vec<String> = shown.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(lines.join("; "), expected);
    }

    #[test]
    fn what_all_objects_carry_is_taken_out() {
        check(&[json!({"team": "a", "app": "x"}), json!({"team": "a", "app": "y"})], "team=a");
        check(&[json!({"team": "a"}), json!({"team": "a"}), json!({})], "");
        check(&[json!({"team": "a"})], "");
        check(&[json!(null), json!([1])], "");
    }

    #[test]
    fn stamps_of_subcharts_are_taken_out_with_all_their_values() {
        check(
            &[json!({"helm.sh/chart": "a-1.0"}), json!({"helm.sh/chart": "b-2.0"}), json!({})],
            "helm.sh/chart=a-1.0, b-2.0",
        );
    }
}
