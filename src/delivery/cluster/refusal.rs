//! What a refused apply means: a field that somebody else owns, a field that cannot change in place, or a plain no. Pure.

use serde_json::Value;

/// One reason of a refusal, as Kubernetes' `Status` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cause {
    /// The field: `.spec.replicas`, `spec.template.spec.containers[0].image`.
    pub field: String,
    /// The kind of reason: `FieldManagerConflict`, `FieldValueInvalid`.
    pub reason: String,
    /// What the server says of it.
    pub message: String,
}

/// Reads the causes of a `Status`.
pub(super) fn causes(status: &Value) -> Vec<Cause> {
    let causes = status.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
    causes
        .map(|cause| Cause {
            field: text(cause, "field"),
            reason: text(cause, "reason"),
            message: text(cause, "message"),
        })
        .collect()
}

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The field.
    pub field: String,
    /// Who owns it.
    pub manager: String,
}

/// Reads who owns what, from a refusal with status 409.
pub(super) fn conflicts(causes: &[Cause]) -> Vec<Conflict> {
    let about = causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    about
        .map(|cause| Conflict {
            field: cause.field.trim_start_matches('.').to_owned(),
            manager: cause.message.split('"').nth(1).unwrap_or("somebody").to_owned(),
        })
        .collect()
}

/// Names the fields that cannot change in place, if that is all that is wrong.
pub(super) fn immutable_fields(causes: &[Cause]) -> Option<Vec<String>> {
    const WORDS: [&str; 8] = [
        "field is immutable",
        "is immutable",
        "updates to statefulset spec",
        "cannot change roleRef",
        "may not be changed",
        "may not change",
        "updates to parameters are forbidden",
        "spec is immutable after creation",
    ];
    let is_immutable = |cause: &Cause| WORDS.iter().any(|words| cause.message.contains(words));
    let all = !causes.is_empty() && causes.iter().all(is_immutable);
    all.then(|| causes.iter().map(|cause| cause.field.clone()).collect())
}

/// Gives the value at a field path as the server writes it, `spec.template.spec.containers[name="app"].image`, for people.
pub(super) fn value_at<'a>(object: &'a Value, field: &str) -> Option<&'a Value> {
    match walk(object, field) {
        (value, _, true) => Some(value),
        _ => None,
    }
}

/// Gives the JSON pointer of a field path as the server writes it, as far as the object has it.
pub(super) fn pointer_to(object: &Value, field: &str) -> String {
    walk(object, field).1
}

/// Follows a field path; gives what it led to, the way there, and whether it was followed to its end.
fn walk<'a>(object: &'a Value, field: &str) -> (&'a Value, String, bool) {
    let (mut here, mut pointer) = (object, String::new());
    let mut rest = field.trim_start_matches('.');
    while !rest.is_empty() {
        let Some((next, part, after)) = step(here, rest) else { return (here, pointer, false) };
        here = next;
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        rest = after.trim_start_matches('.');
    }
    (here, pointer, true)
}

/// Takes one step: to the value, by its key or index, and what is left of the path.
fn step<'a, 'b>(here: &'a Value, rest: &'b str) -> Option<(&'a Value, String, &'b str)> {
    if let Some(inside) = rest.strip_prefix('[') {
        let (key, after) = inside.split_once(']')?;
        // Keys of maps stand in brackets too where they are no names.
        let plain = key.trim_matches('"');
        if let Some(value) = here.as_object().and_then(|map| map.get(plain)) {
            return Some((value, plain.to_owned(), after));
        }
        let index = element(here, key)?;
        return Some((here.get(index)?, index.to_string(), after));
    }
    // Keys of maps can have dots; the longest key that is there wins.
    let ends = rest.match_indices(['.', '[']).map(|(at, _)| at).chain([rest.len()]);
    let end = ends.rev().find(|end| here.get(&rest[..*end]).is_some())?;
    Some((here.get(&rest[..end])?, rest[..end].to_owned(), &rest[end..]))
}

/// Gives the place of a list's element, by number or by its merge keys.
fn element(list: &Value, key: &str) -> Option<usize> {
    let items = list.as_array()?;
    if let Ok(index) = key.parse::<usize>() {
        return (index < items.len()).then_some(index);
    }
    let wanted: Vec<(&str, Value)> = key
        .split(',')
        .filter_map(|part| part.split_once('='))
        .filter_map(|(name, value)| Some((name, serde_json::from_str(value).ok()?)))
        .collect();
    let fits =
        |item: &Value| !wanted.is_empty() && wanted.iter().all(|(name, value)| item.get(name) == Some(value));
    items.iter().position(fits)
}

/// Names the fields that a refusal is about: those of its causes, or the one at the start of a sentence such as
/// `….spec.size: field not declared in schema`.
pub(super) fn fields(causes: &[Cause], message: &str) -> Vec<String> {
    let named: Vec<String> =
        causes.iter().map(|cause| cause.field.clone()).filter(|field| !field.is_empty()).collect();
    if !named.is_empty() {
        return named;
    }
    let is_path = |word: &&str| word.starts_with('.') && word.ends_with(':') && word.len() > 2;
    let found = message.split_whitespace().find(is_path);
    found.map(|word| word.trim_end_matches(':').to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conflicts_name_field_and_owner() {
        let status = json!({"details": {"causes": [{"reason": "FieldManagerConflict",
            "message": "conflict with \"kubectl-edit\" using apps/v1", "field": ".spec.replicas"}]}});
        let expected = Conflict { field: "spec.replicas".into(), manager: "kubectl-edit".into() };
        assert_eq!(conflicts(&causes(&status)), [expected]);
    }

    fn check(messages: &[&str], expected: bool) {
        let cause =
            |message: &&str| Cause { field: "spec.x".into(), message: (*message).into(), ..Cause::default() };
        let causes: Vec<Cause> = messages.iter().map(cause).collect();
        assert_eq!(immutable_fields(&causes).is_some(), expected, "{messages:?}");
    }

    #[test]
    fn what_cannot_change_in_place_is_told_from_what_is_wrong() {
        check(&["Invalid value: {}: field is immutable"], true);
        check(
            &["Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden"],
            true,
        );
        check(&["Invalid value: \"x\": cannot change roleRef"], true);
        check(&["Required value"], false);
        check(&["field is immutable", "Required value"], false);
        check(&[], false);
    }

    #[test]
    fn values_are_found_by_the_servers_paths() {
        let object = json!({"spec": {"containers": [{"name": "app", "image": "a"}], "ports": [{"port": 80, "protocol": "TCP", "x": 1}]},
            "metadata": {"labels": {"a.b/c": "d"}}});
        let check = |field: &str, expected: Option<Value>| {
            assert_eq!(value_at(&object, field).cloned(), expected, "{field}")
        };
        check(".spec.containers[name=\"app\"].image", Some(json!("a")));
        check("spec.ports[port=80,protocol=\"TCP\"].x", Some(json!(1)));
        check("spec.containers[0].name", Some(json!("app")));
        check(".metadata.labels.a.b/c", Some(json!("d")));
        check(".spec.nothing", None);
        check(".spec.containers[name=\"x\"].image", None);
        assert_eq!(pointer_to(&object, "spec.containers[0].resources.limits[cpu]"), "/spec/containers/0");
        assert_eq!(pointer_to(&object, "metadata.labels[a.b/c]"), "/metadata/labels/a.b~1c");
    }

    #[test]
    fn the_fields_of_a_refusal_are_named() {
        let cause = |field: &str| Cause { field: field.into(), ..Cause::default() };
        assert_eq!(fields(&[cause("spec.a"), cause("")], "x"), ["spec.a"]);
        let typed = "failed to create typed patch object (a/b; v1, Kind=ConfigMap): .spec: field not declared in schema";
        assert_eq!(fields(&[], typed), [".spec"]);
        assert_eq!(fields(&[], "a plain no"), Vec::<String>::new());
    }
}
