//! What a plan shows of an object that is not any more as it was applied: the fields that we decide, with the values that
//! they have now. What the server or others add around them is none of our business and never drift.

use std::collections::BTreeMap;

use serde_json::Value;

use super::display::{DisplayForm, Field};
use crate::notation::FieldPath;

/// Gives the form that was shown, with the values of the live form where they really differ.
///
/// `live` is the form of the whole live object with no labels taken out; `common` are the labels and annotations that the
/// state shows once for all objects. A field that is gone is left out.
pub fn shown_now(shown: &DisplayForm, live: &DisplayForm, common: &BTreeMap<String, String>) -> DisplayForm {
    let mut fields: Vec<Field> = Vec::with_capacity(shown.fields.len());
    for field in &shown.fields {
        match live.get(&field.path) {
            None if is_empty(&field.value) => fields.push(field.clone()),
            None => {}
            Some(value) if is_same(&field.value, value) => fields.push(field.clone()),
            Some(value) => fields.push(Field { path: field.path.clone(), value: value.clone() }),
        }
    }
    fields.extend(more_elements(shown, live));
    fields.extend(other_stamps(shown, live, common));
    fields.sort_unstable_by(|one, other| one.path.cmp(&other.path));
    fields.dedup_by(|one, other| one.path == other.path);
    DisplayForm { fields }
}

/// Finds elements that a list addressed by index has now and had not: such lists are ours as a whole.
fn more_elements<'a>(shown: &'a DisplayForm, live: &'a DisplayForm) -> impl Iterator<Item = Field> + 'a {
    let lists: Vec<(&str, usize)> = shown.fields.iter().filter_map(|field| indexed(&field.path)).fold(
        Vec::new(),
        |mut lists: Vec<(&str, usize)>, (list, index)| {
            match lists.iter_mut().find(|(known, _)| *known == list) {
                Some((_, last)) => *last = (*last).max(index),
                None => lists.push((list, index)),
            }
            lists
        },
    );
    live.fields
        .iter()
        .filter(move |field| {
            let place = indexed(&field.path);
            place.is_some_and(|(list, index)| {
                lists.iter().any(|(known, last)| *known == list && index > *last)
            })
        })
        .cloned()
}

/// Splits `a.b[3].c` into `a.b` and 3, at the first index.
fn indexed(path: &str) -> Option<(&str, usize)> {
    path.match_indices('[').find_map(|(at, _)| {
        let (inside, _) = path[at + 1..].split_once(']')?;
        Some((&path[..at], inside.parse().ok()?))
    })
}

/// Finds labels and annotations that all objects have in common, and this one has with another value.
fn other_stamps<'a>(
    shown: &'a DisplayForm,
    live: &'a DisplayForm,
    common: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = Field> + 'a {
    common.iter().filter_map(move |(name, values)| {
        let path = stamp_path(name);
        let value = live.get(&path)?;
        let said =
            value.as_str().is_some_and(|value| values.split(", ").any(|one| one == value) || values == value);
        (!said && shown.get(&path).is_none()).then(|| Field { path, value: value.clone() })
    })
}

/// Lists the common labels and annotations that an object lacks now.
pub fn missing_stamps(live: &DisplayForm, common: &BTreeMap<String, String>) -> Vec<String> {
    common.keys().map(|name| stamp_path(name)).filter(|path| live.get(path).is_none()).collect()
}

fn stamp_path(name: &str) -> String {
    let (field, name) = match name.strip_suffix(" (annotation)") {
        Some(name) => ("metadata.annotations", name),
        None => ("metadata.labels", name),
    };
    let mut path = FieldPath::below(field);
    path.push_field(name);
    path.as_str().to_owned()
}

/// Says whether the server keeps such a value at all: what is empty, it often leaves out.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "[]" || text == "\"\"",
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// Compares a value as it was written with the one that the server keeps: quantities have many spellings.
pub fn is_same(written: &Value, kept: &Value) -> bool {
    let quantity = |value: &Value| match value {
        Value::String(text) => quantity(text),
        Value::Number(number) => number.as_f64(),
        _ => None,
    };
    written == kept
        || match (quantity(written), quantity(kept)) {
            (Some(written), Some(kept)) => (written - kept).abs() <= written.abs() * 1e-12,
            _ => false,
        }
}

/// Reads a Kubernetes quantity, such as `1500m` or `1.5Gi`.
fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let text = text.trim_matches('"');
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let suffix = SUFFIXES.iter().find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)));
    let (number, factor) = suffix.unwrap_or((text, 1.0));
    Some(number.parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::common_labels::CommonLabels;
    use serde_json::json;

    fn check(desired: Value, live: Value, common: &[(&str, &str)], expected: &[&str]) {
        let form = |object: &Value| DisplayForm::of(object, &CommonLabels::default());
        let common = common.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let now = shown_now(&form(&desired), &form(&live), &common);
        let shown: Vec<String> =
            now.fields.iter().map(|field| format!("{} = {}", field.path, field.value)).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn only_fields_of_ours_are_shown_with_what_they_are_now() {
        check(
            json!({"spec": {"replicas": 2, "paused": false, "template": {"image": "a"}}}),
            json!({"spec": {"replicas": 7, "template": {"image": "a", "pull": "Always"}, "more": 1}}),
            &[],
            &["spec.paused = false", "spec.replicas = 7", "spec.template.image = \"a\""],
        );
        check(json!({"data": {"a": "1", "b": "2"}}), json!({"data": {"b": "2"}}), &[], &["data.b = \"2\""]);
    }

    #[test]
    fn spellings_of_one_quantity_are_no_drift() {
        check(
            json!({"cpu": "1000m", "memory": "1024Mi"}),
            json!({"cpu": "1", "memory": "1Gi"}),
            &[],
            &["cpu = \"1000m\"", "memory = \"1024Mi\""],
        );
        check(json!({"cpu": "1000m"}), json!({"cpu": "2"}), &[], &["cpu = \"2\""]);
        check(json!({"version": "1m"}), json!({"version": "1M"}), &[], &["version = \"1M\""]);
    }

    #[test]
    fn lists_by_index_are_ours_as_a_whole() {
        check(
            json!({"rules": [{"a": 1}]}),
            json!({"rules": [{"a": 1, "b": 2}, {"a": 3}]}),
            &[],
            &["rules[0].a = 1", "rules[1].a = 3"],
        );
    }

    #[test]
    fn a_common_label_with_another_value_stands_in_the_object() {
        let live = json!({"metadata": {"labels": {"app.kubernetes.io/version": "2", "chart": "x"}}, "a": 1});
        let common = [("app.kubernetes.io/version", "1"), ("chart", "x, y")];
        check(
            json!({"a": 1}),
            live,
            &common,
            &["a = 1", "metadata.labels[app.kubernetes.io/version] = \"2\""],
        );
        let live =
            DisplayForm::of(&json!({"metadata": {"labels": {"chart": "x"}}}), &CommonLabels::default());
        let common = common.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(missing_stamps(&live, &common), ["metadata.labels[app.kubernetes.io/version]"]);
    }
}
