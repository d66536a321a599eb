//! What differs between two display forms, field by field.

use std::cmp::Ordering;

use serde_json::Value;

use super::display::{DisplayForm, Field};

/// One field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// The field's path.
    pub path: String,
    /// The value before; none where the field is new.
    pub before: Option<Value>,
    /// The value after; none where the field is gone.
    pub after: Option<Value>,
}

/// Compares two display forms; the changes are sorted by path.
pub fn fields(before: &DisplayForm, after: &DisplayForm) -> Vec<FieldChange> {
    let (mut olds, mut news) = (before.fields.iter().peekable(), after.fields.iter().peekable());
    let mut changes = Vec::new();
    loop {
        let order = match (olds.peek(), news.peek()) {
            (None, None) => return changes,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => old.path.cmp(&new.path),
        };
        let old = if order == Ordering::Greater { None } else { olds.next() };
        let new = if order == Ordering::Less { None } else { news.next() };
        changes.extend(change(old, new));
    }
}

fn change(old: Option<&Field>, new: Option<&Field>) -> Option<FieldChange> {
    let field = old.or(new)?;
    let (before, after) = (old.map(|field| &field.value), new.map(|field| &field.value));
    (before != after).then(|| FieldChange {
        path: field.path.clone(),
        before: before.cloned(),
        after: after.cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(before: Value, after: Value, expected: &[&str]) {
        let form = |value: Value| DisplayForm::from_json(&value.to_string()).expect("a map");
        let side = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
        let changes: Vec<String> = fields(&form(before), &form(after))
            .into_iter()
            .map(|change| format!("{}: {} -> {}", change.path, side(change.before), side(change.after)))
            .collect();
        assert_eq!(changes, expected);
    }

    #[test]
    fn fields_are_compared_by_path() {
        check(json!({"a": 1, "b": 2}), json!({"a": 1, "b": 2}), &[]);
        check(
            json!({"a": 1, "c": 3}),
            json!({"b": 2, "c": "3"}),
            &["a: 1 -> -", "b: - -> 2", "c: 3 -> \"3\""],
        );
        check(json!({}), json!({"a": null}), &["a: - -> null"]);
    }
}
